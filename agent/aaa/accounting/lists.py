"""Aaa room: which list accounts for a session.

It is the `accounting` list of the session's ISAKMP profile, else the `client accounting list` of its crypto map. A list that is
named and not defined accounts for nothing, as does one whose action is `none`. Without `aaa new-model` there are no lists. No list
accounts for a session without a user's name if `aaa accounting suppress null-username` is there.
"""

from __future__ import annotations

from agent.config.aaa_model import AccountingList
from agent.config.model import RouterConfig
from agent.flow.sessions import Session

MINUTE = 60  # seconds
_ACTIONS = ("start-stop", "stop-only")


def list_of(config: RouterConfig, session: Session) -> AccountingList | None:
    """The list that accounts for a session that has come up."""
    if config.aaa.suppress_null_username and not session.facts.user:
        return None
    tunnel = next(iter(session.peer.ipsec_tunnels.values()), None)
    return list_of_session(config, session.facts.profile, tunnel.facts.map_name if tunnel else None)


def list_of_session(config: RouterConfig, profile_name: str | None, map_name: str | None) -> AccountingList | None:
    """The list that accounts for a session of a profile and a crypto map; None if there is none, or if it has no server to tell."""
    profile, crypto_map = config.crypto.profiles.get(profile_name or ""), config.crypto.maps.get(map_name or "")
    name = (profile.accounting if profile else None) or (crypto_map.accounting_list if crypto_map else None)
    return _in_force(config, config.aaa.network_accounting.get(name or ""))


def list_of_system(config: RouterConfig) -> AccountingList | None:
    """The list of `aaa accounting system default`, for the router's own starts and ends."""
    return _in_force(config, config.aaa.system_accounting)


def _in_force(config: RouterConfig, found: AccountingList | None) -> AccountingList | None:
    if found is None or not config.aaa.new_model or found.action not in _ACTIONS or not found.groups:
        return None
    return found


def has_starts(found: AccountingList) -> bool:
    """Whether the server is told of the beginning, and of what comes between it and the end."""
    return found.action == "start-stop"


def period_of(config: RouterConfig, found: AccountingList, granted: int | None) -> int:
    """The seconds between two interim records, 0 for none: of the list, else of `aaa accounting update`, else as `granted`."""
    if not has_starts(found):
        return 0
    if found.periodic is not None:
        return found.periodic * MINUTE
    update = config.aaa.update
    return update.periodic * MINUTE if update and update.periodic else granted or 0


def jitter_of(config: RouterConfig) -> int | None:
    """The most seconds that an interim record waits for others; None where no line says."""
    return config.aaa.update.jitter if config.aaa.update else None
