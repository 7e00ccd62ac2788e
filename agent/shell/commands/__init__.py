"""Shell room: the exec commands, an area a file; `build` puts them on one grammar."""

from __future__ import annotations

from agent.config.grammar import Grammar
from agent.shell.command import LEVEL_ZERO, PRIVILEGED, USER, ExecCommand
from agent.shell.commands import (
    aaa,
    clear,
    debug,
    lines,
    logs,
    modes,
    ping,
    show,
    show_aaa,
    show_crypto,
    show_crypto_engine,
    show_flowmib,
    show_ip,
    show_ipsec,
    show_isakmp_policy,
    show_lists,
    show_processes,
    show_sessions,
    show_snmp,
    show_ssh,
    show_vrf,
    startup,
    tech_support,
    traceroute,
)

_AREAS = (
    modes,
    lines,
    ping,
    clear,
    debug,
    logs,
    show,
    show_aaa,
    show_crypto,
    show_crypto_engine,
    show_flowmib,
    show_ip,
    show_ipsec,
    show_isakmp_policy,
    show_lists,
    show_processes,
    show_sessions,
    show_snmp,
    show_ssh,
    show_vrf,
    startup,
    traceroute,
    tech_support,
    aaa,
)


_AT_LEVEL_ZERO = ("disable", "enable", "exit", "help", "logout")


def build() -> Grammar[ExecCommand]:
    """The commands of user exec (`USER`), privileged exec (`PRIVILEGED`) and privilege level 0 (`LEVEL_ZERO`)."""
    grammar = Grammar[ExecCommand]()
    for area in _AREAS:
        grammar.add_help(area.HELP)
        for command in area.COMMANDS:
            grammar.declare(PRIVILEGED, command.pattern, command)
            if command.user:
                grammar.declare(USER, command.pattern, command)
            if command.pattern.split()[0] in _AT_LEVEL_ZERO:
                grammar.declare(LEVEL_ZERO, command.pattern, command)
    return grammar
