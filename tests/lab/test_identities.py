"""How phase-1 identities are shown, and which SPI the failure row of a tunnel that was ended has."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agent.crypto.doi import IdentificationType
from agent.crypto.payloads import Identification
from agent.engine.values import ClearSas
from agent.flow.model import Identity
from agent.lab.ike_policy import identity_of
from tests.lab.bringing import CONSOLE, up
from tests.lab.conftest import MakePair, only

ADDRESS = bytes((10, 99, 18, 0))


@pytest.mark.parametrize(
    ("kind", "data", "shown"),
    [
        (IdentificationType.IPV4_ADDR, ADDRESS, Identity(True, "10.99.18.0")),
        (IdentificationType.IPV4_ADDR_SUBNET, ADDRESS + b"\xff\xff\xff\0", Identity(False, "10.99.18.0/24")),
        (IdentificationType.IPV4_ADDR_RANGE, ADDRESS + bytes((10, 99, 18, 9)), Identity(False, "10.99.18.0-10.99.18.9")),
        (IdentificationType.IPV6_ADDR, IPv6Address("2001:0DB8::0:1").packed, Identity(True, "2001:db8::1")),  # RFC 5952 §4
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
