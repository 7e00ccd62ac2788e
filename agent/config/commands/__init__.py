"""Config room: all configuration commands, an area a file; `build` puts them on one grammar."""

from __future__ import annotations

from functools import cache

from agent.config.command import CommandSet, ConfigCommand, Mode
from agent.config.commands import (
    aaa,
    acl,
    dynamic_author,
    inert,
    interfaces,
    ipsec,
    isakmp,
    lines,
    logging,
    maps,
    profiles,
    radius,
    radius_groups,
    radius_servers,
    routing,
    snmp,
    ssh,
    system,
    traps,
    vrfs,
    words,
)
from agent.config.grammar import Grammar

# The areas of commands, in the order in which they are declared. One that has modes of its own names them in MODES.
AREAS = (
    system,
    logging,
    aaa,
    radius,
    radius_groups,
    radius_servers,
    dynamic_author,
    inert,
    lines,
    vrfs,
    interfaces,
    routing,
    acl,
    isakmp,
    profiles,
    ipsec,
    maps,
    snmp,
    traps,
    ssh,
)


@cache
def build() -> CommandSet:
    """The command tables. They never change, and take many milliseconds to make: one set serves every configuration."""
    modes = {"config": Mode("(config)#", "config")}
    grammar = Grammar[ConfigCommand](words.HELP, types=acl.TYPES)
    for area in AREAS:
        modes.update(getattr(area, "MODES", {}))
        grammar.add_help(area.HELP)
    return CommandSet([command for area in AREAS for command in area.commands()], modes, grammar)
