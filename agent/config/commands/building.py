"""Config room: helpers for the command tables: lines of one frozen leaf, inert lines, networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any, Generic, Literal, TypeVar

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Negate, Place, Refused, Rendered, Section, State
from agent.config.model import RouterConfig

L = TypeVar("L", bound=Any)

_HOST_MASK = IPv4Address("255.255.255.255")


@dataclass(frozen=True, slots=True)
class Leaves(Generic[L]):
    """The commands of a sub-mode that edits one frozen leaf of the model. `get` finds the leaf, `put` replaces it."""

    mode: str
    get: Callable[[RouterConfig, Place], L]
    put: Callable[[RouterConfig, Place, L], None]

    def command(
        self,
        pattern: str,
        rank: int,
        change: Callable[[ConfigMatch, L], Mapping[str, object]],
        undo: Mapping[str, object] | Callable[[ConfigMatch, L], Mapping[str, object]],
        write: Callable[[L], Iterable[str] | str | None],
        *,
        no_pattern: str | None = None,
        later: bool = False,
        doubt: Callable[[ConfigMatch], str | None] = lambda match: None,
        default: Mapping[str, object] | Callable[[ConfigMatch, L], Mapping[str, object]] | None = None,
    ) -> ConfigCommand:
        """A line that changes fields of the leaf; `write` gives its text (or several, or None where IOS prints nothing).

        `doubt` returns a warning, or None. `default` is what the `default` form does, if that is not `undo`.
        """

        def apply(edit: Edit, match: ConfigMatch) -> None:
            leaf = self.get(edit.config, edit.place)
            self.put(edit.config, edit.place, replace(leaf, **change(match, leaf)))
            if warning := doubt(match):
                edit.warnings.append(warning)
                edit.output.append(f"% Warning: {warning}")

        def undoing(change: Mapping[str, object] | Callable[[ConfigMatch, L], Mapping[str, object]]) -> Negate:
            def negate(edit: Edit, match: ConfigMatch) -> None:
                leaf = self.get(edit.config, edit.place)
                self.put(edit.config, edit.place, replace(leaf, **(change(match, leaf) if callable(change) else change)))

            return negate

        def render(state: State, place: Place) -> Iterable[Rendered]:
            return as_lines(write(self.get(state.config, place)))

        return ConfigCommand(
            self.mode,
            pattern,
            rank,
            apply,
            undoing(undo),
            render,
            default=None if default is None else undoing(default),
            no_pattern=no_pattern,
            later=later,
        )

    def text(self, words: str, argument: str, rank: int, field: str, *, later: bool = False) -> ConfigCommand:
        """A line of fixed words and one argument (`<name:type>`), which an optional field of the leaf holds as text."""
        name = argument[1:].partition(":")[0]

        def write(leaf: L) -> str | None:
            value = getattr(leaf, field)
            return f"{words} {value}" if value else None

        return self.command(
            f"{words} ~ {argument}", rank, lambda match, leaf: {field: match.word(name)}, {field: None}, write, later=later
        )


def as_lines(text: Iterable[str] | str | None) -> Iterable[str]:
    if text is None:
        return ()
    return (text,) if isinstance(text, str) else text


def inert(
    mode: str,
    pattern: str,
    rank: int,
    *,
    shows: Literal["on", "both"] = "on",
    many: bool = False,
    key_argument: str | None = None,
    enters: str | None = None,
    write: Callable[[str], str] = str,
    later: bool = False,
) -> ConfigCommand:
    """A line that is accepted, kept and rendered, without effect.

    `shows` "on": the `no` form takes the line away; "both": the form that came last is kept. With `many`, lines with different
    arguments stand side by side, with `key_argument` lines that differ in that argument. `enters` names the sub-mode that the line
    opens. `write` makes IOS's spelling of the canonical text.
    """

    def place_of(text: str) -> Place:
        assert enters is not None
        return Place(enters, (text,))

    def slot(match: ConfigMatch, text: str) -> str:
        if key_argument is not None:
            return match.word(key_argument)
        return text if many or enters else ""

    def apply(edit: Edit, match: ConfigMatch) -> Place | None:
        text = write(match.canonical)
        lines = edit.state.inert.setdefault((edit.place, pattern), {})
        place = place_of(text) if enters else None
        lines[slot(match, text)] = Section(text, place) if place else text
        return place

    def negate(edit: Edit, match: ConfigMatch) -> None:
        text = write(match.canonical)
        lines = edit.state.inert.setdefault((edit.place, pattern), {})
        lines.pop(slot(match, text), None)
        if shows == "both":
            lines[slot(match, text)] = f"no {text}"
        if enters:
            edit.state.forget(place_of(text))

    def default(edit: Edit, match: ConfigMatch) -> None:
        text = write(match.canonical)
        edit.state.inert.get((edit.place, pattern), {}).pop(slot(match, text), None)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return state.inert_lines(place, pattern)

    return ConfigCommand(mode, pattern, rank, apply, negate, render, default=default, later=later)


# What a keyring or a profile answers at.
LOCAL_ADDRESS = "local-address {<address:address>|<interface:interface>} [<vrf:word>]"

ADDRESS_WAYS = ("initiate", "respond")  # how clients get their addresses: IOS lets both stand, a line each


def with_way(ways: tuple[str, ...], way: str) -> tuple[str, ...]:
    return tuple(each for each in ADDRESS_WAYS if each in (*ways, way))


def without_way(ways: tuple[str, ...], way: str | None) -> tuple[str, ...]:
    """Without one, or without both where none is named."""
    return tuple(each for each in ways if way is not None and each != way)


def network_of(address: IPv4Address, mask: IPv4Address) -> tuple[IPv4Network, IPv4Address | None]:
    """The network, and the address as typed if it is not the network's own."""
    network = IPv4Network((int(address) & int(mask), str(mask)))
    return network, None if network.network_address == address else address


def peer_network(address: IPv4Address, mask: IPv4Address | None) -> tuple[IPv4Network, IPv4Address | None]:
    """The peers that an address and a mask name, and the address as typed: no mask is one peer, and 0.0.0.0 is all of them."""
    return network_of(address, mask or _HOST_MASK) if int(address) else (IPv4Network("0.0.0.0/0"), None)


def written_network(network: IPv4Network, typed: IPv4Address | None) -> str:
    """`A MASK`, with the address as it was typed."""
    return f"{typed or network.network_address} {network.netmask}"


def encoded(encoding: int, secret: str) -> str:
    """A secret with its IOS type number, where it is not plain."""
    return f"{encoding} {secret}" if encoding else secret


def resolved_name(edit: Edit, name: str, argument: str) -> IPv4Address | str:
    """The address that `ip host` says of a name which is typed, with IOS's words about it; Refused of an unknown one.

    A file may name a host before its `ip host` line: the name stays, and is looked up when all lines are read.
    """
    config = edit.config
    if not edit.typed:
        return name
    server = config.name_servers[0] if config.name_servers else IPv4Address("255.255.255.255")
    translating = f'Translating "{name}"...domain server ({server})'
    address = config.host_address(name)
    if address is None:
        if config.domain_lookup:
            edit.output.append(translating)
        raise Refused("a host that an `ip host` line names", argument=argument)
    edit.output.append(f"{translating} [OK]")
    return address
