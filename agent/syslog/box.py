"""Syslog room: messages about the router itself: its start, its configuration, its interfaces.

They have the words of IOS's facilities SYS, LINK, LINEPROTO, SNMP and CRYPTO.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.base.origin import Origin, OriginKind
from agent.config.events import ConfigEvent, CryptoMapAttached, CryptoMapDetached, InterfaceChanged
from agent.config.model import Interface
from agent.engine.port import Node
from agent.flow.device import InterfaceState
from agent.syslog.message import Message, Severity
from agent.syslog.syslog import Syslog


def config_message(origin: Origin, source: str = "console") -> Message:
    """`SYS-5-CONFIG_I` of a configure session that has ended, or of an SNMP SET. `source` is where the lines came from."""
    if origin.kind is OriginKind.SNMP:
        text = f"Configured from {origin.name} by snmp"
    else:
        text = f"Configured from {source} by {typed_by(origin)}"
    return Message("SYS", Severity.NOTIFICATIONS, "CONFIG_I", text)


def typed_by(origin: Origin) -> str:
    """Who types, in IOS's words: "console", "alice on console", or "alice on vty0 (192.0.2.1)"."""
    if origin.kind is OriginKind.SSH:
        user = f"{origin.name} on {origin.line}" if origin.name and origin.line else origin.name or origin.line
        return f"{user}{f' ({origin.address})' if origin.address else ''}"
    return f"{origin.name} on console" if origin.name else "console"


CONFIGURED_AT_START = Message("SYS", Severity.NOTIFICATIONS, "CONFIG_I", "Configured from memory by console")


def restart_message(description: str) -> Message:
    """`SYS-5-RESTART`, with what the router says that it is (sysDescr)."""
    return Message("SYS", Severity.NOTIFICATIONS, "RESTART", "System restarted --", tuple(description.splitlines()))


def cold_start_message(hostname: str) -> Message:
    """`SNMP-5-COLDSTART`, of a router whose SNMP agent is configured."""
    text = f"SNMP agent on host {hostname} is undergoing a cold start"
    return Message("SNMP", Severity.NOTIFICATIONS, "COLDSTART", text)


def isakmp_message(on: bool) -> Message:
    return Message("CRYPTO", Severity.INFORMATIONAL, "ISAKMP_ON_OFF", f"ISAKMP is {'ON' if on else 'OFF'}")


def is_protected(interface: Interface | None) -> bool:
    """Whether an interface has a crypto map, or is a protected tunnel: ISAKMP runs while one does."""
    return interface is not None and bool(interface.crypto_map or interface.tunnel_profile)


@dataclass(frozen=True, slots=True)
class LinkState:
    """What the messages about an interface are made of."""

    admin_up: bool
    oper_up: bool


def link_messages(name: str, before: LinkState, after: LinkState, has_carrier: bool) -> Iterator[Message]:
    """What IOS logs when an interface has changed. `has_carrier`: it has a physical layer, which is up or down by itself."""
    if before.admin_up and not after.admin_up:
        yield Message("LINK", Severity.NOTIFICATIONS, "CHANGED", f"Interface {name}, changed state to administratively down")
    elif before.admin_up != after.admin_up or (has_carrier and before.oper_up != after.oper_up):
        yield Message("LINK", Severity.ERRORS, "UPDOWN", f"Interface {name}, changed state to {_word(after)}")
    if before.oper_up != after.oper_up:
        text = f"Line protocol on Interface {name}, changed state to {_word(after)}"
        yield Message("LINEPROTO", Severity.NOTIFICATIONS, "UPDOWN", text)


def _word(state: LinkState) -> str:
    return "up" if state.oper_up else "down"


def _has_carrier(state: InterfaceState) -> bool:
    return "." not in state.name and state.kind not in ("tunnel", "softwareLoopback")


_DOWN = LinkState(False, False)


class BoxLog:
    """Logs what happens to one router: changes of its interfaces, and of its configuration."""

    def __init__(self, node: Node, syslog: Syslog) -> None:
        self._node = node
        self._syslog = syslog
        self._links: dict[str, tuple[LinkState, bool]] = {}
        self._protected: set[str] = set()  # interfaces
        self._isakmp = False

    def starts(self) -> Sequence[Message]:
        """The messages of a start. What changes from now on is logged."""
        device, config = self._node.device, self._node.document.config
        self._links = {state.name: _seen(state) for state in device.interfaces.values()}
        device.link_listeners.append(self._link_changed)
        self._protected = {name for name, interface in config.interfaces.items() if is_protected(interface)}
        self._isakmp = self._has_isakmp
        snmp = [cold_start_message(config.hostname)] if config.snmp.enabled else []
        return [CONFIGURED_AT_START, restart_message(device.description), *snmp, isakmp_message(self._isakmp)]

    def configured(self, events: Sequence[ConfigEvent]) -> None:
        """Log what an edit of the configuration has caused, after the engine has followed it."""
        origin = events[0].origin
        if origin is not None and origin.kind is OriginKind.SNMP:
            self._syslog.log(config_message(origin))
        for event in events:
            if isinstance(event, InterfaceChanged):
                self._interface_changed(event.name)
                self._protection_changed(event.name)
            elif isinstance(event, CryptoMapAttached | CryptoMapDetached):
                self._protection_changed(event.interface)
        now = self._has_isakmp  # also after `crypto isakmp enable`
        if now != self._isakmp:
            self._isakmp = now
            self._syslog.log(isakmp_message(now))

    @property
    def _has_isakmp(self) -> bool:
        return bool(self._protected) and self._node.document.config.crypto.enabled

    def _protection_changed(self, name: str) -> None:
        if is_protected(self._node.document.config.interfaces.get(name)):
            self._protected.add(name)
        else:
            self._protected.discard(name)

    def _interface_changed(self, name: str) -> None:
        state = self._node.device.interface(name)
        if state is not None:
            self._link_changed(state)
        elif (gone := self._links.pop(name, None)) is not None:
            self._log_link(name, gone[0], _DOWN, gone[1])

    def _link_changed(self, state: InterfaceState) -> None:
        known = self._links.get(state.name)
        now = self._links[state.name] = _seen(state)
        # IOS makes a loopback or tunnel interface with its line: it is not shut down before.
        before = known[0] if known else LinkState(state.admin_up, False)
        self._log_link(state.name, before, *now)

    def _log_link(self, name: str, before: LinkState, after: LinkState, has_carrier: bool) -> None:
        interface = self._node.document.config.interfaces.get(name)
        if interface is not None and not interface.logs_link:
            return
        for message in link_messages(name, before, after, has_carrier):
            self._syslog.log(message)


def _seen(state: InterfaceState) -> tuple[LinkState, bool]:
    return LinkState(state.admin_up, state.oper_up), _has_carrier(state)
