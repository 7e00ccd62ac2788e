"""The accounting of both configurations of the chapter "IPsec VPN Accounting" of Cisco's guide, as FreeRADIUS writes it down.

The clock of the labs runs fast, so that a minute between two interim records takes seconds. Packets, octets and times of the
records are compared with the MIB, with the other end, and with what was captured.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.freeradius import FreeRadius, Packet, RadiusUser
from tests.e2e.strongswan import Charon, Namespace, RealLab, capture, running
from tests.e2e.tools import ROOT, wait_for

SPEED = "30"  # of a lab by itself
PATIENT = ("timeout", "20")  # the first packet of a ping has the tunnel come up, and is lost
SPEED_WITH_CHARON = "20"  # charon lives in real time
HUNDREDTHS = 100  # of a second: the unit of the MIB's times
SHEEP, FAR = 1, 2
# What the server says of its user goes into the accounting records (RFC 2865 §5.1 and §5.25).
ALICE = RadiusUser("alice", "secret", reply=('User-Name = "alice@example.com"', "Class = 0x676f6c64"))

SERVER_LINE = "radius-server host 127.0.0.1 auth-port 1645 acct-port 1646 key cisco123"
POLLS = "snmp-server community public RW\n"


@pytest.fixture
def radius(tmp_path: Path, namespaces: tuple[Namespace, Namespace]) -> Iterator[FreeRadius]:
    server = FreeRadius(tmp_path / "radius", users=[ALICE], namespace=namespaces[0])
    server.start()
    yield server
    server.stop()


def of_the_guide(name: str, server: FreeRadius, more: str = "") -> str:
    """A configuration of the examples, with the server where it is here, and more lines."""
    text = (ROOT / "examples" / name).read_text()
    assert SERVER_LINE in text
    return text.replace(SERVER_LINE, server.ios()).replace("\nend\n", f"\n{POLLS}{more}end\n")


def octets(value: str) -> int:
    """A number that net-snmp prints with its unit."""
    return int(value.split()[0])


def ticks(value: str) -> int:
    """A moment that net-snmp prints as days:hours:minutes:seconds, in hundredths of a second."""
    days, hours, minutes, seconds = value.split(":")
    return round(((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 6000 + float(seconds) * HUNDREDTHS)


def total(lab: RealLab, column: str) -> int:
    return sum(map(octets, lab.column(SHEEP, column)))


def is_rekeyed(lab: RealLab) -> bool:
    return any(map(octets, lab.column(SHEEP, "cipSecTunTotalRefreshes")))


def interim_of_now(radius: FreeRadius) -> Packet:
    """An interim record that was made after now: the second that comes, because the first may be on its way."""
    return radius.await_records(radius.summary().get("Interim-Update", 0) + 2, "Interim-Update")[-1]


# --- without a profile: a site, and its peer ---

PEER = """hostname far
crypto isakmp policy 1
 authentication pre-share
 group 2
crypto isakmp key cisco address 172.28.100.1
crypto ipsec transform-set esp-des-md5 esp-des esp-md5-hmac
crypto map test local-address Loopback0
crypto map test 10 ipsec-isakmp
 set peer 172.28.100.1
 set security-association lifetime seconds 120
 set transform-set esp-des-md5
 match address 101
interface Loopback0
 ip address 172.31.100.2 255.255.255.255
interface Loopback1
 ip address 10.10.10.10 255.255.255.255
interface FastEthernet0/0
 ip address 172.28.100.2 255.255.255.0
 crypto map test
ip route 10.20.20.0 255.255.255.0 172.28.100.1
access-list 101 permit ip host 10.10.10.10 host 10.20.20.20
access-list 101 permit ip host 10.10.10.10 host 10.20.20.1
snmp-server community public RW
end
"""
SITE = """interface Loopback0
 ip address 10.20.20.1 255.255.255.0 secondary
access-list 101 permit ip host 10.20.20.1 host 10.10.10.10
"""
WHO = (
    ("Acct-Session-Id", "00000001"),
    ("Cisco-AVPair", "isakmp-initator-ip=172.31.100.2"),
    ("Cisco-AVPair", "isakmp-phase1-id=172.31.100.2"),
    ("Cisco-AVPair", "connect-progress=No Progress"),
)
WHERE = (
    ("Cisco-NAS-Port", "FastEthernet1/1"),
    ("NAS-Port", "0"),
    ("NAS-IP-Address", "10.2.80.203"),
    ("Acct-Delay-Time", "0"),
)


def usage(seconds: int, packets: int, octets: int) -> tuple[tuple[str, str], ...]:
    """The same in both directions."""
    return (
        ("Acct-Session-Time", str(seconds)),
        ("Acct-Input-Octets", str(octets)),
        ("Acct-Output-Octets", str(octets)),
        ("Acct-Input-Packets", str(packets)),
        ("Acct-Output-Packets", str(packets)),
    )


# An echo of 100 octets in ESP of DES and MD5: 20 of IP, 8 of ESP, 8 of IV, 104 of payload and trailer, 12 of ICV.
SEALED = 152
SITE_LAB = """
[router.r1]
config = "sheep.cfg"
snmp = ["127.0.0.1:0"]
[router.r2]
config = "far.cfg"
snmp = ["127.0.0.1:0"]
"""


def test_a_site_s_session_of_two_tunnels(
    tmp_path: Path, mibs: Path, radius: FreeRadius, namespaces: tuple[Namespace, Namespace]
) -> None:
    """One of its tunnels ends before it does, the other is rekeyed."""
    (tmp_path / "sheep.cfg").write_text(of_the_guide("accounting-site.cfg", radius, SITE))
    (tmp_path / "far.cfg").write_text(PEER)
    (tmp_path / "site.toml").write_text(SITE_LAB)
    with running(namespaces[0], tmp_path / "site.toml", mibs, "--speed", SPEED) as lab:
        assert "(4/5)" in lab.cli(SHEEP, "ping", "10.10.10.10", "source", "10.20.20.20", "repeat", "5", *PATIENT)
        assert "(6/7)" in lab.cli(SHEEP, "ping", "10.10.10.10", "source", "10.20.20.1", "repeat", "7", *PATIENT)
        (start,) = radius.await_records(1, "Start")
        destroy = ("snmpset", "-v2c", "-c", "public", f"127.0.0.1:{lab.ports['r1']}", "cipSecTunStatus.2", "i", "2")
        namespaces[0].run(*destroy)
        wait_for(lambda: is_rekeyed(lab), "the other tunnel to be rekeyed")
        assert "(3/3)" in lab.cli(SHEEP, "ping", "10.10.10.10", "source", "10.20.20.20", "repeat", "3", *PATIENT)
        live, ended = lab.column(SHEEP, "cipSecTunInPkts"), lab.column(SHEEP, "cipSecTunHistInPkts")
        interim = interim_of_now(radius)
        lab.cli(SHEEP, "clear", "crypto", "session")
        (stop,) = radius.await_records(1, "Stop")

        assert start.attributes == (*WHO, ("Acct-Status-Type", "Start"), *WHERE)
        assert sum(map(octets, (*live, *ended))) == 13
        seconds = int(interim["Acct-Session-Time"])
        assert interim.attributes == (*WHO, *usage(seconds, 13, 13 * SEALED), ("Acct-Status-Type", "Interim-Update"), *WHERE)
        check_stop(stop, lab, radius)
        assert int(stop["Acct-Input-Octets"]) == octets(lab.get(FAR, "cipSecGlobalOutOctets.0"))
        assert stop.attributes == (
            *WHO,
            *usage(int(stop["Acct-Session-Time"]), 13, 13 * SEALED),
            ("Acct-Input-Gigawords", "0"),
            ("Acct-Output-Gigawords", "0"),
            ("Acct-Terminate-Cause", "Admin-Reset"),
            ("Cisco-AVPair", "disc-cause-ext=Local Admin Disconnect"),
            ("Acct-Status-Type", "Stop"),
            *WHERE,
        )


def check_stop(stop: Packet, lab: RealLab, radius: FreeRadius) -> None:
    """A Stop says what the ended tunnels of its session have in the history. Between the Start and it are interim records alone."""
    assert int(stop["Acct-Input-Packets"]) == total(lab, "cipSecTunHistInPkts")
    assert int(stop["Acct-Output-Packets"]) == total(lab, "cipSecTunHistOutPkts")
    assert int(stop["Acct-Output-Octets"]) == total(lab, "cipSecTunHistOutOctets")
    began = [ticks(moment) for moment in lab.column(SHEEP, "cipSecTunHistStartTime")]
    active = [octets(span) for span in lab.column(SHEEP, "cipSecTunHistActiveTime")]
    ended = max(moment + span for moment, span in zip(began, active, strict=True))
    assert int(stop["Acct-Session-Time"]) == (ended - min(began)) // HUNDREDTHS
    statuses = [record["Acct-Status-Type"] for record in radius.records()]
    assert statuses == ["Start", *["Interim-Update"] * (len(statuses) - 2), "Stop"]
    assert {record["Acct-Session-Id"] for record in radius.records()} == {stop["Acct-Session-Id"]}
    times = [int(record["Acct-Session-Time"]) for record in radius.records()[1:-1]]
    assert [seconds // 60 for seconds in times] == list(range(1, len(times) + 1))


# --- with a profile: a client that logs in ---

CLIENTS = """ip vrf cisco
 context cisco
aaa server radius dynamic-author
 client 127.0.0.1 server-key disconnect-me
snmp-server context cisco
snmp mib community-map public context cisco
interface Loopback1
 ip vrf forwarding cisco
 ip address 10.20.30.1 255.255.255.0
"""
CLIENTS_LAB = """
[router.r1]
config = "sheep.cfg"
snmp = ["127.0.0.1:0"]
ike = "10.99.1.1:500"
nat = "10.99.1.1:4500"
[[peer]]
address = "172.31.100.2"
behind = "r1:FastEthernet1/1"
ike = "10.99.1.2:500"
nat = "10.99.1.2:4500"
"""


CLIENT = (
    ("Acct-Session-Id", "00000001"),
    ("Cisco-AVPair", "isakmp-group-id=cclient"),
    ("Framed-IP-Address", "192.168.1.1"),
    ("Cisco-AVPair", "vrf-id=cisco"),
    ("Cisco-AVPair", "isakmp-initator-ip=172.31.100.2"),
    ("Cisco-AVPair", "isakmp-phase1-id=cclient"),
    ("Cisco-AVPair", "connect-progress=No Progress"),
    ("User-Name", "alice@example.com"),
)
PLACE = (*WHERE[:2], ("Class", "0x676f6c64"), *WHERE[2:])
# An echo of 84 octets in ESP of DES and MD5 in UDP: 20 of IP, 8 of UDP, 8 of ESP, 8 of IV, 88 of payload and trailer, 12 of ICV.
ENCAPSULATED = 144


def connect(swan: Charon) -> None:
    """Have charon log in as alice of the group cclient."""
    with swan.session() as session:
        session.load_shared({"id": "g", "type": "IKE", "data": "jegjegjhrq", "owners": ["172.28.100.1", "keyid:cclient"]})
        session.load_shared({"id": "alice", "type": "XAUTH", "data": "secret", "owners": ["alice"]})
    swan.connect(
        1,
        {"local_ts": ["dynamic"], "remote_ts": ["10.20.30.0/24"], "esp_proposals": ["des-md5"]},
        secret=None,
        aggressive="yes",
        vips=["0.0.0.0"],
        proposals=["aes128-sha1-modp1024"],
        local={"auth": "psk", "id": "keyid:cclient"},
        remote={"auth": "psk", "id": "172.28.100.1"},
        **{"local-user": {"auth": "xauth", "xauth_id": "alice"}},
    )
    why = swan.initiate(1)
    assert why is None, (why, swan.log)


def pings(swan: Charon, count: int) -> int:
    words = ["ping", "-n", "-i", "0.05", "-W", "2", "-c", str(count), "-I", "192.168.1.1", "10.20.30.1"]
    found = re.search(r"(\d+) received", swan.namespace.run(*words, check=False))
    return int(found[1]) if found else 0


def test_a_client_s_session(
    tmp_path: Path, mibs: Path, radius: FreeRadius, namespaces: tuple[Namespace, Namespace], swan: Charon
) -> None:
    """Its tunnel is rekeyed, and its octets are those that were captured: ESP in UDP, whole packets."""
    (tmp_path / "sheep.cfg").write_text(of_the_guide("accounting-clients.cfg", radius, CLIENTS))
    (tmp_path / "clients.toml").write_text(CLIENTS_LAB)
    with running(namespaces[0], tmp_path / "clients.toml", mibs, "--speed", SPEED_WITH_CHARON) as lab:
        with capture(namespaces[0]) as seen:
            connect(swan)
            assert pings(swan, 4) == 4
            (start,) = radius.await_records(1, "Start")
            wait_for(lambda: is_rekeyed(lab), "the tunnel to be rekeyed")
            assert pings(swan, 3) == 3
            interim = interim_of_now(radius)
            swan.terminate(ike="c1")
            (stop,) = radius.await_records(1, "Stop")
        (login,) = radius.accesses()
        check_stop(stop, lab, radius)
        the_server_ends_sessions(lab, radius, swan)

    assert (login["User-Name"], login["User-Password"], login["Calling-Station-Id"]) == ("alice", "secret", "172.31.100.2")
    assert start.attributes == (*CLIENT, ("Acct-Status-Type", "Start"), *PLACE)
    carried = usage(int(interim["Acct-Session-Time"]), 7, 7 * ENCAPSULATED)
    assert interim.attributes == (*CLIENT, *carried, ("Acct-Status-Type", "Interim-Update"), *PLACE)
    esp = [packet for packet in seen if packet.is_esp]
    assert int(stop["Acct-Input-Octets"]) == sum(packet.length for packet in esp if not packet.sent)
    assert int(stop["Acct-Output-Octets"]) == sum(packet.length for packet in esp if packet.sent)
    assert stop.attributes == (
        *CLIENT,
        *usage(int(stop["Acct-Session-Time"]), 7, 7 * ENCAPSULATED),
        ("Acct-Input-Gigawords", "0"),
        ("Acct-Output-Gigawords", "0"),
        ("Acct-Terminate-Cause", "User-Request"),
        ("Cisco-AVPair", "disc-cause-ext=Remote Hangup"),
        ("Acct-Status-Type", "Stop"),
        *PLACE,
    )


def the_server_ends_sessions(lab: RealLab, radius: FreeRadius, swan: Charon) -> None:
    """By what it knows of a session from its Start (RFC 5176)."""
    for number, names in enumerate((("Acct-Session-Id",), ("User-Name", "Framed-IP-Address"), ("Calling-Station-Id",)), 2):
        connect(swan)
        start = radius.await_records(number, "Start")[-1]
        known = {**dict(start.attributes), "Calling-Station-Id": start.pairs["isakmp-initator-ip"]}
        assert known["Acct-Session-Id"] == f"0000000{number}"
        asked = ", ".join(f'{name} = "{known[name]}"' for name in names)
        said = lab.namespace.run("sh", "-c", f"echo '{asked}' | radclient -x 127.0.0.1:1700 disconnect disconnect-me")
        assert "Received Disconnect-ACK" in said
        stop = radius.await_records(number, "Stop")[-1]
        assert stop["Acct-Session-Id"] == known["Acct-Session-Id"]
        assert (stop["Acct-Terminate-Cause"], stop.pairs["disc-cause-ext"]) == ("Admin-Reset", "RADIUS Disconnect")
        wait_for(lambda: not swan.sas(1), "charon to get the delete")
