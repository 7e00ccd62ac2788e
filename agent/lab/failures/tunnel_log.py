"""Lab room: logs a router's tunnels and failures, one line each, so that a user sees why a tunnel does not come up.

All lines have the level `info`. `words` has the words for failures; the MIB's reason follows them. A stranger can cause failures,
so their lines are limited.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from agent.base.limited_log import Later, LimitedLog
from agent.flow.records import (
    FlowRecord,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    SasInstalled,
)
from agent.lab.failures.words import ENDS

_log = logging.getLogger(__name__)
_FAILURES_AT_ONCE = 50  # lines in ten seconds for each phase


class TunnelLog:
    """A subscriber of one router's flow monitor."""

    def __init__(self, router: str, now: Callable[[], int], later: Later) -> None:
        """`now` and `later` are those of `LimitedLog`, by the router's time."""
        self._router = router
        self._limited: dict[type, LimitedLog] = {
            kind: LimitedLog(_log, now, later, _FAILURES_AT_ONCE) for kind in (IkeFailed, IpsecFailed)
        }

    def __call__(self, record: FlowRecord) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        describe = _DESCRIBED.get(type(record))
        if describe is not None:
            vrf = f" (VRF {record.vrf})" if record.vrf is not None else ""
            log = self._limited.get(type(record), _log)
            log.info("%s%s: %s", self._router, vrf, describe(record))


def _ike_failed(record: IkeFailed) -> str:
    what = f"IKE tunnel {record.index}" if record.index else "IKE"
    return f"{what} with {record.remote_address}: failed: {record.cause or record.reason.value} ({record.reason.value})"


def _ipsec_failed(record: IpsecFailed) -> str:
    what = f"IPsec tunnel {record.index}" if record.index else "IPsec"
    return f"{what} with {record.remote_address}: failed: {record.cause or record.reason.value} ({record.reason.value})"


def _ike(record: IkeTunnelStarted | IkeTunnelEnded) -> str:
    return f"IKE tunnel {record.index} with {record.facts.remote_address}"


def _ipsec(record: IpsecTunnelStarted | SasInstalled | IpsecTunnelEnded) -> str:
    return f"IPsec tunnel {record.index} with {record.facts.remote_address}"


_DESCRIBED: Mapping[type, Callable[[Any], str]] = {
    IkeFailed: _ike_failed,
    IpsecFailed: _ipsec_failed,
    IkeTunnelStarted: lambda record: f"{_ike(record)}: up",
    IkeTunnelEnded: lambda record: f"{_ike(record)}: down: {ENDS[record.reason]} ({record.reason.value})",
    IpsecTunnelStarted: lambda record: f"{_ipsec(record)}: up",
    IpsecTunnelEnded: lambda record: f"{_ipsec(record)}: down: {ENDS[record.reason]} ({record.reason.value})",
    SasInstalled: lambda record: f"{_ipsec(record)}: rekeyed",
}
