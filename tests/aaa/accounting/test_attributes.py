"""The attributes of an accounting record are those of the guide's chapter "IPsec VPN Accounting", in its order.

One pair more is in each record: isakmp-phase1-id, which the guide's table of attributes has and its three records lack.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from agent.aaa.accounting.attributes import Accounted, Sender, Usage, session_attributes, system_attributes
from agent.aaa.accounting.causes import DIED, RELOADED, Cause, TerminateCause, cause_of
from agent.aaa.accounting.record import AcctStatus
from agent.aaa.radius.values import Attribute
from agent.base.origin import CONSOLE, Origin, OriginKind, manager
from agent.flow.model import Address, EndReason, Identity, PeerEnds
from agent.flow.sessions import SessionFacts, SessionTotals

SITE = IPv4Address("10.1.1.2")
PHASE1_ID = "isakmp-phase1-id="
GIGA = 1 << 32


def client() -> Accounted:
    """The remote-access client of the guide's Start."""
    facts = SessionFacts("", None, "FastEthernet0/0.1", "username1", "cclient", IPv4Address("10.13.13.1"))
    return accounted(facts, "00000001", IPv4Address("10.1.2.2"))


def site(session_id: str = "00000002", remote: Address = SITE, vrf: str | None = "cisco") -> Accounted:
    """The site of the guide's Stop and interim record."""
    return accounted(SessionFacts(interface="FastEthernet0/0.1"), session_id, remote, vrf)


def accounted(facts: SessionFacts, session_id: str, remote: Address, vrf: str | None = "cisco") -> Accounted:
    return Accounted(session_id, vrf, Identity(True, str(remote)), PeerEnds(None, IPv4Address("10.1.1.1"), remote), facts)


def lines(attributes: tuple[Attribute, ...]) -> list[tuple[str, object]]:
    """As the guide has them: without the pair that it lacks."""
    return [(name, value) for name, value in attributes if not str(value).startswith(PHASE1_ID)]


def test_a_start_of_a_remote_access_client() -> None:
    assert lines(session_attributes(AcctStatus.START, client(), None, Sender())) == [
        ("Acct-Session-Id", "00000001"),
        ("Cisco-AVPair", "isakmp-group-id=cclient"),
        ("Framed-IP-Address", "10.13.13.1"),
        ("Cisco-AVPair", "vrf-id=cisco"),
        ("Cisco-AVPair", "isakmp-initator-ip=10.1.2.2"),
        ("Cisco-AVPair", "connect-progress=No Progress"),
        ("User-Name", "username1"),
        ("Acct-Status-Type", 1),
        ("Cisco-NAS-Port", "FastEthernet0/0.1"),
        ("NAS-Port", 0),
        ("NAS-IP-Address", "0.0.0.0"),  # the client of the servers puts the address in
        ("Acct-Delay-Time", 0),
    ]


def test_a_stop_of_a_site() -> None:
    totals = SessionTotals(1004, 0, 152_608, 1004, 0, 152_608)
    usage = Usage(709, totals, Cause(TerminateCause.USER_REQUEST, "No Reason"))
    assert lines(session_attributes(AcctStatus.STOP, site(), usage, Sender())) == [
        ("Acct-Session-Id", "00000002"),
        ("Cisco-AVPair", "vrf-id=cisco"),
        ("Cisco-AVPair", "isakmp-initator-ip=10.1.1.2"),
        ("Cisco-AVPair", "connect-progress=No Progress"),
        ("Acct-Session-Time", 709),
        ("Acct-Input-Octets", 152_608),
        ("Acct-Output-Octets", 152_608),
        ("Acct-Input-Packets", 1004),
        ("Acct-Output-Packets", 1004),
        ("Acct-Input-Gigawords", 0),
        ("Acct-Output-Gigawords", 0),
        ("Acct-Terminate-Cause", 1),
        ("Cisco-AVPair", "disc-cause-ext=No Reason"),
        ("Acct-Status-Type", 2),
        ("Cisco-NAS-Port", "FastEthernet0/0.1"),
        ("NAS-Port", 0),
        ("NAS-IP-Address", "0.0.0.0"),
        ("Acct-Delay-Time", 0),
    ]


def test_an_interim_record_of_a_site() -> None:
    usage = Usage(109, SessionTotals(4, 0, 608, 4, 0, 608))
    assert lines(session_attributes(AcctStatus.INTERIM, site("00000003"), usage, Sender())) == [
        ("Acct-Session-Id", "00000003"),
        ("Cisco-AVPair", "vrf-id=cisco"),
        ("Cisco-AVPair", "isakmp-initator-ip=10.1.1.2"),
        ("Cisco-AVPair", "connect-progress=No Progress"),
        ("Acct-Session-Time", 109),
        ("Acct-Input-Octets", 608),
        ("Acct-Output-Octets", 608),
        ("Acct-Input-Packets", 4),
        ("Acct-Output-Packets", 4),
        ("Acct-Status-Type", 3),
        ("Cisco-NAS-Port", "FastEthernet0/0.1"),
        ("NAS-Port", 0),
        ("NAS-IP-Address", "0.0.0.0"),
        ("Acct-Delay-Time", 0),
    ]


def test_every_record_of_a_session_tells_who_the_peer_is() -> None:
    """Table 4 of the guide: isakmp-phase1-id is the identity of phase 1."""
    for status, usage in ((AcctStatus.START, None), (AcctStatus.STOP, Usage(1, SessionTotals(), DIED))):
        attributes = session_attributes(status, client(), usage, Sender())
        assert Attribute("Cisco-AVPair", "isakmp-phase1-id=10.1.2.2") in attributes


def test_without_vsa_send_accounting_there_is_no_attribute_26() -> None:
    usage = Usage(709, SessionTotals(), DIED)
    attributes = session_attributes(AcctStatus.STOP, client(), usage, Sender(pairs=False))
    names = [name for name, _ in attributes]
    assert not [name for name in names if name.startswith("Cisco")]
    assert {"User-Name", "Framed-IP-Address", "Acct-Terminate-Cause", "NAS-Port"} <= set(names)


def test_a_session_without_a_vrf_a_user_or_an_ipv4_peer_says_nothing_of_them() -> None:
    """The pair isakmp-initator-ip is for IPv4 (table 4 of the guide), and Framed-IP-Address is (RFC 2865 §5.8)."""
    attributes = session_attributes(AcctStatus.START, site(remote=IPv6Address("2001:db8::2"), vrf=None), None, Sender())
    values = [str(value) for _, value in attributes]
    assert not [value for value in values if value.startswith(("vrf-id", "isakmp-initator-ip", "isakmp-group-id"))]
    assert not {"User-Name", "Framed-IP-Address"} & {name for name, _ in attributes}
    assert "isakmp-phase1-id=2001:db8::2" in values


@pytest.mark.parametrize("status", [AcctStatus.STOP, AcctStatus.INTERIM])
def test_octets_above_32_bits_are_counted_in_gigawords(status: AcctStatus) -> None:
    """RFC 2869 §5.1 and §5.2: in a Stop and in an interim record."""
    totals = SessionTotals(GIGA + 5, 0, 3 * GIGA + 7, 2, 0, 9)
    attributes = dict(session_attributes(status, site(), Usage(1, totals, DIED), Sender()))
    octets = "Acct-Input-Octets", "Acct-Input-Gigawords", "Acct-Output-Octets", "Acct-Output-Gigawords"
    assert [attributes[name] for name in octets] == [7, 3, 9, 0]
    assert attributes["Acct-Input-Packets"] == 5  # 32 bits, without a word above them (RFC 2866 §5.8)


def test_without_gigawords_octets_are_modulo_32_bits() -> None:
    """`no aaa accounting gigawords` (Cisco IOS Security Command Reference): attributes 52 and 53 are not sent."""
    usage = Usage(1, SessionTotals(0, 0, 3 * GIGA + 7, 0, 0, 0), DIED)
    attributes = dict(session_attributes(AcctStatus.STOP, site(), usage, Sender(gigawords=False)))
    assert attributes["Acct-Input-Octets"] == 7
    assert not {"Acct-Input-Gigawords", "Acct-Output-Gigawords"} & set(attributes)


def test_what_an_engine_cannot_tell_is_left_out() -> None:
    attributes = session_attributes(AcctStatus.STOP, site(), Usage(1, SessionTotals(1, None, None, 2, None, 3), DIED), Sender())
    names = {name for name, _ in attributes}
    assert "Acct-Input-Octets" not in names
    assert "Acct-Input-Gigawords" not in names
    assert {"Acct-Output-Octets", "Acct-Output-Gigawords", "Acct-Input-Packets"} <= names


def test_the_event_timestamp_stands_before_the_delay_time() -> None:
    """RFC 2869 §5.3. An IOS of 12.2 sends it there (debug radius)."""
    attributes = session_attributes(AcctStatus.START, site(), None, Sender(event=1_700_000_000))
    assert attributes[-2:] == (("Event-Timestamp", 1_700_000_000), ("Acct-Delay-Time", 0))


def test_the_name_of_the_router_stands_after_its_address() -> None:
    """`radius-server attribute 32 include-in-accounting-req`: NAS-Identifier (RFC 2865 §5.32)."""
    attributes = session_attributes(AcctStatus.START, site(), None, Sender(identifier="sheep.cisco.com", event=1))
    assert [name for name, _ in attributes[-4:]] == ["NAS-IP-Address", "NAS-Identifier", "Event-Timestamp", "Acct-Delay-Time"]


def test_a_record_about_the_router_has_no_session() -> None:
    """RFC 2866 §5.13: Acct-Session-Id is in every request."""
    assert list(system_attributes(AcctStatus.ON, Sender(event=3))) == [
        ("Acct-Session-Id", "00000000"),
        ("Acct-Status-Type", 7),
        ("NAS-IP-Address", "0.0.0.0"),
        ("Event-Timestamp", 3),
        ("Acct-Delay-Time", 0),
    ]


# --- why a session has ended ---


@pytest.mark.parametrize("reason", EndReason)
def test_every_reason_has_a_cause(reason: EndReason) -> None:
    assert cause_of(reason, None).disconnect


@pytest.mark.parametrize(
    ("reason", "terminate"),
    [
        (EndReason.PEER_DELETE, 1),  # User Request: the user has logged out
        (EndReason.PEER_LOST, 2),  # Lost Carrier
        (EndReason.UNKNOWN_TO_PEER, 3),  # Lost Service
        (EndReason.NORMAL, 5),  # Session Timeout: the longest time of the session has passed
        (EndReason.OPERATOR, 6),  # Admin Reset: the administrator has reset the session
        (EndReason.LOCAL_FAILURE, 9),  # NAS Error
        (EndReason.SEQUENCE_ROLLOVER, 10),  # NAS Request: another reason, and no error
    ],
)
def test_the_causes_of_rfc_2866(reason: EndReason, terminate: int) -> None:
    """RFC 2866 §5.10."""
    assert cause_of(reason, None).terminate == terminate


@pytest.mark.parametrize(
    ("origin", "disconnect"),
    [
        (None, "Local Admin Disconnect"),
        (CONSOLE, "Local Admin Disconnect"),
        (manager("192.0.2.1"), "SNMP Disconnect"),
        (Origin(OriginKind.RADIUS, "192.0.2.2"), "RADIUS Disconnect"),
    ],
)
def test_an_operators_reset_says_by_what_it_has_come(origin: Origin | None, disconnect: str) -> None:
    """Cisco's Disconnect-Cause 150 to 152. RFC 5176 §3: a Disconnect-Request is an Admin-Reset."""
    assert cause_of(EndReason.OPERATOR, origin) == Cause(TerminateCause.ADMIN_RESET, disconnect)
    assert cause_of(EndReason.PEER_LOST, origin) == Cause(TerminateCause.LOST_CARRIER, "Lost Carrier")


def test_a_reload_is_an_admin_reboot_and_a_death_a_nas_reboot() -> None:
    """RFC 2866 §5.10: the administrator ends the service (7); the NAS crashed (11)."""
    assert (RELOADED.terminate, DIED.terminate) == (7, 11)
