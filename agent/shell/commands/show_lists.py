"""Shell room: `show access-lists`: entries by sequence number; remarks are no entries, and not shown."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config.model import AccessList, AclEntry, RouterConfig
from agent.shell.command import Context, ExecCommand, ExecMatch

HELP = {
    "show access-lists": "List access lists",
    "show access-lists <list>": "ACL name or number",
    "show ip access-lists": "List IP access lists",
    "show ip access-lists <list>": "ACL name or number",
}


async def _show(context: Context, match: ExecMatch) -> None:
    await context.out.lines(_lines(context.router.document.config, match.maybe_word("list")))


def _lines(config: RouterConfig, only: str | None) -> Iterator[str]:
    """Standard lists first, and those with a number before those with a name."""
    lists = [each for each in config.access_lists.values() if only in (None, each.name)]
    for known in sorted(lists, key=_place):
        yield f"{'Extended' if known.extended else 'Standard'} IP access list {known.name}"
        yield from (f"    {entry.sequence} {_written(known, entry)}" for entry in known.entries)


def _place(known: AccessList) -> tuple[bool, bool, int, str]:
    number = int(known.name) if known.name.isdigit() else 0
    return known.extended, not number, number, known.name


def _written(known: AccessList, entry: AclEntry) -> str:
    wildcard = int(entry.source.wildcard)
    if known.extended or wildcard in (0, 0xFFFFFFFF):
        return entry.text
    return entry.text.replace(f" {entry.source.wildcard}", f", wildcard bits {entry.source.wildcard}", 1)


COMMANDS = (ExecCommand("show access-lists [<list:word>]", _show), ExecCommand("show ip access-lists [<list:word>]", _show))
