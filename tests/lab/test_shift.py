"""Records of the first spoke, shifted to be another's: which fields are, by what rule, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Any, get_args, get_type_hints

import pytest

from agent.flow.model import Identity, PeerEnds, PeerKey
from agent.flow.records import FlowRecord, IkeTunnelEnded, IpsecTunnelEnded, SessionDown
from agent.lab.spokes.script import OF_THE_ROUTER
from agent.lab.spokes.shift import BY_KIND, BY_NAME, PHASE_OF, rules_of

OF_SPOKES = [kind for kind in get_args(FlowRecord) if kind not in OF_THE_ROUTER]
# What differs from spoke to spoke, by type and by name.
OWN_TYPES = (IPv4Address, IPv6Address, Identity, PeerKey, PeerEnds)
OWN_NAMES = {"at", "origin", "id", "spi", "start", "counters", "counts", "link", "description", "remote_name"}
# Fields of a tunnel's or a session's end that are the same for every spoke: all others are the spoke's own.
SAME_AT_THE_END = {"vrf", "reason"}


def hints_of(hint: Any) -> tuple[Any, ...]:
    """A type and the types within it: of a union, of a tuple."""
    return (hint, *(part for argument in get_args(hint) for part in hints_of(argument)))


def parts_of(kind: Any) -> Iterator[Any]:
    """A record and every dataclass in it that is shifted by its parts."""
    yield kind
    for name, hint in get_type_hints(kind).items():
        for part in hints_of(hint) if name not in BY_KIND.get(kind, {}) else ():
            if is_dataclass(part) and part not in OWN_TYPES:
                yield from parts_of(part)


PARTS = {part.__name__: part for kind in OF_SPOKES for part in parts_of(kind)}


def has_rule(kind: Any, name: str) -> bool:
    """Whether it is said how a field is shifted, or that it stays."""
    return name in rules_of(kind) or name in BY_NAME or name in BY_KIND.get(kind, {})


@pytest.mark.parametrize("kind", PARTS.values(), ids=PARTS)
def test_each_field_that_differs_from_spoke_to_spoke_has_a_rule(kind: Any) -> None:
    hints = get_type_hints(kind)
    own = {
        field.name
        for field in fields(kind)
        if field.name in OWN_NAMES
        or field.name.endswith(("index", "cookie"))
        or any(part in OWN_TYPES or part is bytes for part in hints_of(hints[field.name]))
    }
    assert not {name for name in own if not has_rule(kind, name)}


@pytest.mark.parametrize("kind", [IkeTunnelEnded, IpsecTunnelEnded, SessionDown])
def test_what_ends_says_what_the_hub_knows_of_the_spokes_own(kind: Any) -> None:
    assert {field.name for field in fields(kind)} - set(rules_of(kind)) == SAME_AT_THE_END


@pytest.mark.parametrize("kind", OF_SPOKES)
def test_a_record_that_names_a_tunnel_says_of_which_phase(kind: Any) -> None:
    assert ("index" in {field.name for field in fields(kind)}) == (kind in PHASE_OF)
