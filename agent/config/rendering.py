"""Config room: the configuration as `show running-config` prints it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from agent.config.command import GLOBAL, CommandSet, KeptLines, Place, Section, State

# Groups of ranks (hundreds) whose sections are set off from each other by `!`, as IOS does.
_SET_OFF = frozenset({9, 13, 14, 15, 20})


@dataclass(frozen=True, slots=True)
class _Item:
    rank: int
    identity: str | Place | int  # what KeptLines.after may name
    lines: tuple[str, ...]
    section: bool
    kept: bool = False


def render(state: State, commands: CommandSet) -> str:
    """The body of `show running-config`, from its first `!` to `end`."""
    lines = ["!"]
    previous: _Item | None = None
    for item in _items(state, commands, GLOBAL):
        if previous is not None and _would_take(previous, item, commands):
            lines.append(" exit")
        if previous is not None and _need_separator(previous, item):
            lines.append("!")
        lines.extend(item.lines)
        previous = item
    return "\n".join([*lines, "!", "end", ""])


def _need_separator(before: _Item, after: _Item) -> bool:
    group = after.rank // 100
    if after.kept and before.section:
        return True  # or else, read again, it would seem to stand under that section
    return before.rank // 100 != group or (group in _SET_OFF and (before.section or after.section))


def _would_take(before: _Item, after: _Item, commands: CommandSet) -> bool:
    """Whether the section before a global line has that line, too, and would take it when the text is read again.

    A group of RADIUS servers has `ip radius source-interface`, as the router has it.
    """
    if after.section or after.kept or not isinstance(before.identity, Place):
        return False
    return commands.understands(commands.table(before.identity), after.lines[0])


def _items(state: State, commands: CommandSet, place: Place) -> list[_Item]:
    items = _placed(list(_understood(state, commands, place)), state.kept.get(place, ()))
    return _out_of_reach(items, commands) if place == GLOBAL else items


def _out_of_reach(items: Iterable[_Item], commands: CommandSet) -> list[_Item]:
    """The items. If the section before a kept line would take it when read again, the line is moved in front of that section."""
    placed: list[_Item] = []
    for item in items:
        at = len(placed)
        while item.kept and at and _takes(placed[at - 1], item, commands):
            at -= 1
        moved = at < len(placed)
        placed.insert(at, replace(item, rank=placed[at - 1].rank if at else 0) if moved else item)
    return placed


def _takes(before: _Item, kept: _Item, commands: CommandSet) -> bool:
    return isinstance(before.identity, Place) and commands.takes(before.identity, kept.lines[0])


def _understood(state: State, commands: CommandSet, place: Place) -> Iterator[_Item]:
    for command in commands.rendering(place):
        assert command.render is not None  # `rendering` lists no others
        for rendered in command.render(state, place):
            if isinstance(rendered, Section):
                inner = [f" {line}" for item in _items(state, commands, rendered.place) for line in item.lines]
                yield _Item(command.rank, rendered.place, (rendered.text, *inner, *rendered.closing), True)
            else:
                yield _Item(command.rank, rendered, (rendered,), False)


def _placed(items: Sequence[_Item], all_kept: Sequence[KeptLines]) -> list[_Item]:
    """The items with the kept lines, each after the line that it followed, or after the last line whose rank is not above it.

    Of two that followed the same line, the later one comes first.
    """
    ranks = [item.rank for item in items]
    known: set[object] = {item.identity for item in items} | {None}
    after: dict[object, list[KeptLines]] = {}
    strayed: dict[int, list[KeptLines]] = {}  # the line that they followed is gone, by the number of items before them
    for kept in all_kept:
        if kept.after in known:
            after.setdefault(kept.after, []).append(kept)
        else:
            strayed.setdefault(bisect_right(ranks, kept.rank), []).append(kept)
        known.add(kept.serial)
    placed: list[_Item] = []

    def add(waiting: list[KeptLines]) -> None:
        while waiting:
            kept = waiting.pop()
            # The rank is that of the line which it now follows: reading the text again gives it just that.
            placed.append(_Item(placed[-1].rank if placed else 0, kept.serial, kept.lines, section=False, kept=True))
            waiting += after.pop(kept.serial, [])

    add(after.pop(None, []))
    last = {item.identity: at for at, item in enumerate(items)}
    for at, item in enumerate(items):
        add(strayed.get(at, [])[::-1])
        placed.append(item)
        if last[item.identity] == at:
            add(after.pop(item.identity, []))
    add(strayed.get(len(items), [])[::-1])
    return placed
