"""Lab room: a router's tunnels and failures in the log, a line each, for who wants to know why a tunnel does not come up.

All lines are of the level `info`. The words for a failure are those of `words`; the MIB's reason stands behind them. A stranger can
cause failures, so their lines are limited.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from agent.base.limited_log import Later, LimitedLog
from agent.flow.events import (
    FlowEvent,
    IkeFailed,
    IkeTunnelEnded,
    IkeTunnelStarted,
    IpsecFailed,
    IpsecTunnelEnded,
    IpsecTunnelStarted,
    SasInstalled,
)
from agent.flow.model import IkeTunnel, IpsecTunnel
from agent.lab.words import ENDS

_FAILURES_AT_ONCE = 50  # lines in ten seconds for each phase

_log = logging.getLogger(__name__)


class TunnelLog:
    """A subscriber of one router's flow monitor."""

    def __init__(self, router: str, now: Callable[[], int], later: Later) -> None:
        """`now` and `later` are the time of the router, as `LimitedLog` wants them."""
        self._router = router
        self._limited: dict[type, LimitedLog] = {
            kind: LimitedLog(_log, now, later, _FAILURES_AT_ONCE) for kind in (IkeFailed, IpsecFailed)
        }

    def __call__(self, event: FlowEvent) -> None:
        if not _log.isEnabledFor(logging.INFO):
            return
        describe = _DESCRIBED.get(type(event))
        if describe is not None:
            vrf = f" (VRF {event.vrf})" if event.vrf is not None else ""
            log = self._limited.get(type(event), _log)
            log.info("%s%s: %s", self._router, vrf, describe(event))


def _ike_failed(event: IkeFailed) -> str:
    cause = event.cause or event.failure.reason.value
    what = "IKE" if event.tunnel is None else f"IKE tunnel {event.tunnel.index}"
    return f"{what} with {event.failure.remote_address}: failed: {cause} ({event.failure.reason.value})"


def _ipsec_failed(event: IpsecFailed) -> str:
    cause = event.cause or event.failure.reason.value
    what = "IPsec" if event.tunnel is None else f"IPsec tunnel {event.tunnel.index}"
    return f"{what} with {event.remote_address}: failed: {cause} ({event.failure.reason.value})"


def _ike(tunnel: IkeTunnel) -> str:
    return f"IKE tunnel {tunnel.index} with {tunnel.facts.remote_address}"


def _ipsec(tunnel: IpsecTunnel) -> str:
    return f"IPsec tunnel {tunnel.index} with {tunnel.facts.remote_address}"


_DESCRIBED: Mapping[type, Callable[[Any], str]] = {
    IkeFailed: _ike_failed,
    IpsecFailed: _ipsec_failed,
    IkeTunnelStarted: lambda event: f"{_ike(event.tunnel)}: up",
    IkeTunnelEnded: lambda event: f"{_ike(event.tunnel)}: down: {ENDS[event.reason]} ({event.reason.value})",
    IpsecTunnelStarted: lambda event: f"{_ipsec(event.tunnel)}: up",
    IpsecTunnelEnded: lambda event: f"{_ipsec(event.tunnel)}: down: {ENDS[event.reason]} ({event.reason.value})",
    SasInstalled: lambda event: f"{_ipsec(event.tunnel)}: rekeyed",
}
