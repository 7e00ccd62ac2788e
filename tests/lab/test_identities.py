"""How phase-1 identities are shown, and which SPI the failure row of a tunnel that was ended has."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agent.crypto.doi import IdentificationType
from agent.crypto.payloads import Identification
from agent.engine.values import ClearSas
from agent.flow.model import Identity
from agent.lab.policy.isakmp import identity_of, is_same_system
from agent.lab.policy.peer_pair import PeerPair
from tests.lab.bringing import CONSOLE, up
from tests.lab.conftest import MakePair, only

ADDRESS = bytes((10, 99, 18, 0))
V6 = IPv6Address("2001:db8::").packed


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        (IdentificationType.IPV4_ADDR, ADDRESS, Identity(True, "10.99.18.0")),
        (IdentificationType.IPV4_ADDR_SUBNET, ADDRESS + b"\xff\xff\xff\0", Identity(False, "10.99.18.0/24")),
        (IdentificationType.IPV4_ADDR_RANGE, ADDRESS + bytes((10, 99, 18, 9)), Identity(False, "10.99.18.0-10.99.18.9")),
        (IdentificationType.IPV6_ADDR, IPv6Address("2001:0DB8::0:1").packed, Identity(True, "2001:db8::1")),  # RFC 5952 §4
        (IdentificationType.IPV6_ADDR, IPv6Address("::ffff:192.0.2.1").packed, Identity(True, "::ffff:192.0.2.1")),  # §5
        (IdentificationType.IPV6_ADDR, IPv6Address("2001:db8:0:0:1:0:0:1").packed, Identity(True, "2001:db8::1:0:0:1")),
        (IdentificationType.IPV6_ADDR_SUBNET, V6 + b"\xff\xff\xff\xff" + bytes(12), Identity(False, "2001:db8::/32")),
        (IdentificationType.IPV6_ADDR_SUBNET, V6 + b"\xff" * 16, Identity(False, "2001:db8::/128")),
        (IdentificationType.IPV6_ADDR_RANGE, V6 + V6[:-1] + b"\x09", Identity(False, "2001:db8::-2001:db8::9")),
    ],
)
def test_an_address_is_shown_as_text_and_several_as_a_name(kind: int, data: bytes, shown: Identity) -> None:
    assert identity_of(Identification(kind, data)) == shown


def test_the_failure_row_of_a_tunnel_that_was_ended_has_its_spi(make_pair: MakePair) -> None:
    """The row's addresses are ours and the peer's, so it is the outbound SA's."""
    lab = up(make_pair())
    spis = {name: {spi.value for spi in only(lab.flow(name).ipsec_tunnels).spis if not spi.inbound} for name in ("east", "west")}
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    for name, outbound in spis.items():
        assert only(lab.flow(name).ipsec_failures).spi in outbound


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (IdentificationType.IPV6_ADDR_SUBNET, V6 + b"\xff\0\xff\0" + bytes(12)),
        (IdentificationType.IPV6_ADDR_SUBNET, V6 + b"\xff" * 15),
        (IdentificationType.IPV6_ADDR_RANGE, V6[:-1] + b"\x09" + V6),
    ],
)
def test_what_is_no_subnet_and_no_range_is_not_well_formed(kind: int, data: bytes) -> None:
    """RFC 2407 §4.6.2.7, §4.6.2.9: an address and a mask; a first and a last address."""
    assert not Identification(kind, data).well_formed


def name(value: str) -> Identification:
    return Identification(IdentificationType.FQDN, value.encode())


HERE = PeerPair(None, 1, 2)
GROUP = Identification(IdentificationType.KEY_ID, b"road")
PRIVATE = [Identification(IdentificationType.IPV4_ADDR, bytes((192, 168, 1, host))) for host in (2, 3)]


def at(port: int, remote: int = HERE.remote) -> PeerPair:
    return HERE._replace(port=port, remote=remote)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((at(2001), name("a")), (at(2001), name("b")), False),
        ((HERE, name("a")), (HERE, name("b")), False),  # by a NAT that leaves a port as it is, while it can
        ((at(2001), PRIVATE[0]), (at(2001), PRIVATE[1]), False),
        ((at(2001), name("a")), (at(2001), name("a")), True),
        ((at(2001), name("a")), (at(2002), name("a")), True),
        ((at(2001), name("a")), (at(2002, remote=3), name("a")), True),
        ((at(2001), PRIVATE[0]), (at(2002), PRIVATE[0]), True),
        ((at(2001), PRIVATE[0]), (at(2001, remote=3), PRIVATE[0]), False),
        ((at(2001), GROUP), (at(2001), GROUP), True),
        ((at(2001), GROUP), (at(2002), GROUP), False),
        ((HERE, name("a")), (HERE._replace(front_vrf="red"), name("a")), False),
    ],
)
def test_who_begins_afresh_past_a_nat_is_known_by_its_identity(
    one: tuple[PeerPair, Identification], other: tuple[PeerPair, Identification], same: bool
) -> None:
    """A NAT may give the port of one host to another (RFC 3947 §6)."""
    assert is_same_system(*one, *other, past_nat=True) is same


def test_who_begins_afresh_without_a_nat_is_known_by_its_address() -> None:
    """RFC 2407 §4.6.3.3: it is the sending system, not one of its identities."""
    assert is_same_system(HERE, name("a"), HERE, name("b"), past_nat=False)
    assert not is_same_system(HERE, name("a"), at(0, remote=3), name("b"), past_nat=False)
