"""Config room: typed edits: changes of a configuration by a program, as values. An SNMP SET makes one or several.

An edit is tested first, and may be refused; then it is done. It makes the events of the corresponding typed line, and returns the
reverse edit. An edit names its subject, so it can be undone after other edits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal

from agent.base.origin import Origin
from agent.base.text import BLANKS, octets_of
from agent.config.changes import changes, snapshot
from agent.config.commands.traps import switch_types
from agent.config.events import ConfigEvent, caused_by
from agent.config.model import LONGEST_DESCRIPTION, LONGEST_HOSTNAME, Interface, RouterConfig
from agent.config.snmp_model import LONGEST_TEXT


class EditFault(Enum):
    """What is wrong with an edit."""

    VALUE = "value"  # no configuration can hold it
    STATE = "state"  # this configuration cannot, as it stands


@dataclass(frozen=True, slots=True)
class EditRefusal:
    """Why an edit is not done: `reason` is for a log."""

    fault: EditFault
    reason: str


class EditRefusedError(Exception):
    """An edit that cannot be done; nothing has changed."""

    def __init__(self, refusal: EditRefusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class _Edit:
    """What nothing speaks against, until an edit says what does: `change` makes it, and gives what takes it back."""

    __slots__ = ()

    def wrong_value(self) -> str | None:
        """Why no configuration can hold it, if so."""
        return None

    def conflict(self, config: RouterConfig) -> str | None:
        """Why this configuration cannot have it as it stands, if so."""
        return None


@dataclass(frozen=True, slots=True)
class _InterfaceEdit(_Edit):
    """An edit of one interface, which must be there."""

    interface: str

    def conflict(self, config: RouterConfig) -> str | None:
        return None if self.interface in config.interfaces else f"there is no interface {self.interface}"


@dataclass(frozen=True, slots=True)
class SetHostname(_Edit):
    """`hostname N`."""

    hostname: str

    def wrong_value(self) -> str | None:
        fits = _fits(self.hostname, LONGEST_HOSTNAME) and self.hostname and len(self.hostname.split()) == 1
        return None if fits else f"a hostname is a word of at most {LONGEST_HOSTNAME} octets"

    def change(self, config: RouterConfig) -> Changed:
        before, config.hostname = config.hostname, self.hostname
        return SetHostname(before), ()


@dataclass(frozen=True, slots=True)
class SetSnmpText(_Edit):
    """`snmp-server contact T` or `snmp-server location T`; an empty text is the line's `no` form."""

    setting: Literal["contact", "location"]
    text: str

    def wrong_value(self) -> str | None:
        return _text_fault(self.text, LONGEST_TEXT)

    def change(self, config: RouterConfig) -> Changed:
        before = getattr(config.snmp, self.setting)
        setattr(config.snmp, self.setting, self.text)
        return SetSnmpText(self.setting, before), ()


@dataclass(frozen=True, slots=True)
class SwitchTrapType(_Edit):
    """`snmp-server enable traps LEAF`, its `no` form, or (None) its `default` form."""

    leaf: str
    enabled: bool | None

    def change(self, config: RouterConfig) -> Changed:
        snmp = config.snmp
        before = True if self.leaf in snmp.traps else False if self.leaf in snmp.traps_disabled else None
        return SwitchTrapType(self.leaf, before), switch_types(snmp, frozenset({self.leaf}), self.enabled)


@dataclass(frozen=True, slots=True)
class DescribeInterface(_InterfaceEdit):
    """`description T` on an interface; an empty text is the line's `no` form."""

    text: str

    def wrong_value(self) -> str | None:
        return _text_fault(self.text, LONGEST_DESCRIPTION)

    def change(self, config: RouterConfig) -> Changed:
        before = config.interfaces[self.interface]
        _put(config, replace(before, description=self.text or None))
        return DescribeInterface(self.interface, before.description or ""), ()


@dataclass(frozen=True, slots=True)
class ShutInterface(_InterfaceEdit):
    """`shutdown` or `no shutdown` on an interface."""

    shutdown: bool

    def change(self, config: RouterConfig) -> Changed:
        before = config.interfaces[self.interface]
        _put(config, replace(before, shutdown=self.shutdown))
        return ShutInterface(self.interface, before.shutdown), ()


@dataclass(frozen=True, slots=True)
class DetachCryptoMap(_InterfaceEdit):
    """`no crypto map NAME` on an interface. Where the map is not on it, nothing changes."""

    map_name: str

    def change(self, config: RouterConfig) -> Changed:
        before = config.interfaces[self.interface]
        if before.crypto_map != self.map_name:
            return self, ()
        _put(config, replace(before, crypto_map=None))
        return AttachCryptoMap(self.interface, self.map_name), ()


@dataclass(frozen=True, slots=True)
class AttachCryptoMap(_InterfaceEdit):
    """`crypto map NAME` on an interface that has no other map. It takes a `DetachCryptoMap` back."""

    map_name: str

    def conflict(self, config: RouterConfig) -> str | None:
        interface = config.interfaces.get(self.interface)
        if interface is not None and interface.crypto_map not in (None, self.map_name):
            return f"interface {self.interface} has crypto map {interface.crypto_map}"
        return _InterfaceEdit.conflict(self, config)

    def change(self, config: RouterConfig) -> Changed:
        _put(config, replace(config.interfaces[self.interface], crypto_map=self.map_name))
        return DetachCryptoMap(self.interface, self.map_name), ()


ConfigEdit = SetHostname | SetSnmpText | SwitchTrapType | DescribeInterface | ShutInterface | DetachCryptoMap | AttachCryptoMap
# The edit that takes a change back, and the events of it that comparing two configurations does not show.
Changed = tuple[ConfigEdit, Sequence[ConfigEvent]]


class Editor:
    """Edits one configuration for programs. `follow` gets the events of each edit."""

    def __init__(self, config: RouterConfig, follow: Callable[[Sequence[ConfigEvent]], None]) -> None:
        self._config = config
        self._follow = follow

    def test(self, edit: ConfigEdit) -> EditRefusal | None:
        """Whether an edit cannot be done now, and why. It changes nothing."""
        wrong = edit.wrong_value()
        if wrong is not None:
            return EditRefusal(EditFault.VALUE, wrong)
        return self._conflict(edit)

    def do(self, edit: ConfigEdit, origin: Origin) -> ConfigEdit:
        """Do an edit that was tested, or that undoes another. Returns the reverse edit.

        Raises EditRefusedError if the configuration has changed since, so that it is impossible. If something that follows the
        configuration fails, the edit is undone before the exception is raised.
        """
        refusal = self._conflict(edit)
        if refusal is not None:
            raise EditRefusedError(refusal)
        undo, events = self._change(edit, origin)
        try:
            self._follow(events)
        except Exception:
            self._follow(self._change(undo, origin)[1])
            raise
        return undo

    def _change(self, edit: ConfigEdit, origin: Origin) -> tuple[ConfigEdit, Sequence[ConfigEvent]]:
        before = snapshot(self._config)
        undo, more = edit.change(self._config)
        return undo, caused_by(origin, (*changes(before, self._config), *more))

    def _conflict(self, edit: ConfigEdit) -> EditRefusal | None:
        conflict = edit.conflict(self._config)
        return None if conflict is None else EditRefusal(EditFault.STATE, conflict)


def _put(config: RouterConfig, interface: Interface) -> None:
    config.interfaces[interface.name] = interface


def _fits(text: str, longest: int) -> bool:
    """Whether a line can hold a text at its end: it has no control characters, and blanks at its ends would be lost."""
    plain = all(" " <= letter != "\x7f" for letter in text)
    return plain and text == text.strip(BLANKS) and len(octets_of(text)) <= longest


def _text_fault(text: str, longest: int) -> str | None:
    fits = _fits(text, longest)
    return None if fits else f"a text has at most {longest} octets, none of them a control character, and no blanks at its ends"
