"""Names that resolve to nothing: each reference of the model is told with its line, and none where what it names is there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.config.document import Document
from agent.config.references import _REFERENCES

Read = Callable[[str], Document]

MAP = "crypto map m 10 ipsec-isakmp\n"
PROFILE = "crypto isakmp profile p\n"
GROUP = "crypto isakmp client configuration group g\n"

# The lines of a file (the name `gone` in one of them), what defines the name, and what the name is.
DANGLING = [
    ("interface Fa0/0\n ip vrf forwarding gone", "ip vrf gone", "VRF"),
    ("interface Fa0/0\n vrf forwarding gone", "vrf definition gone", "VRF"),
    ("interface Tunnel0\n tunnel vrf gone", "ip vrf gone", "VRF"),
    ("crypto keyring k vrf gone", "ip vrf gone", "VRF"),
    (f"{PROFILE} vrf gone", "ip vrf gone", "VRF"),
    (f"{PROFILE} match identity address 0.0.0.0 gone", "ip vrf gone", "VRF"),
    ("crypto isakmp peer address 10.1.1.1 vrf gone", "ip vrf gone", "VRF"),
    ("ip route vrf gone 10.0.0.0 255.0.0.0 10.1.1.1", "ip vrf gone", "VRF"),
    ("crypto pki trustpoint t\n vrf gone", "ip vrf gone", "VRF"),
    ("snmp-server host 10.1.1.1 vrf gone version 2c c", "ip vrf gone", "VRF"),
    ("interface Tunnel0\n tunnel source Loopback7", "interface Loopback7", "interface"),
    ("ip route 10.0.0.0 255.0.0.0 Loopback7", "interface Loopback7", "interface"),
    (f"{MAP}crypto map m local-address Loopback7", "interface Loopback7", "interface"),
    ("snmp-server trap-source Loopback7", "interface Loopback7", "interface"),
    (f"{MAP} match address gone", "ip access-list extended gone", "access list"),
    ("crypto dynamic-map d 10\n match address gone", "ip access-list extended gone", "access list"),
    (f"{GROUP} acl gone", "ip access-list extended gone", "access list"),
    ("snmp-server community c RO 7", "access-list 7 permit any", "access list"),
    ("snmp-server group g v3 priv access 7", "access-list 7 permit any", "access list"),
    ("snmp-server group g v3 auth\nsnmp-server user u g v3 auth sha 12345678 access 7", "access-list 7 permit any", "access list"),
    (f"{GROUP} pool gone", "ip local pool gone 10.1.1.1 10.1.1.9", "pool"),
    (f"{MAP} set peer gone", "ip host gone 10.1.1.1", "host"),
    ("snmp-server host gone version 2c c", "ip host gone 10.1.1.1", "host"),
    (f"{PROFILE} keyring gone", "crypto keyring gone", "keyring"),
    (f"{MAP} set isakmp-profile gone", "crypto isakmp profile gone", "ISAKMP profile"),
    ("crypto ipsec profile i\n set isakmp-profile gone", "crypto isakmp profile gone", "ISAKMP profile"),
    (f"{PROFILE} client configuration group gone", "crypto isakmp client configuration group gone", "client group"),
    (f"{PROFILE} match identity group gone", "crypto isakmp client configuration group gone", "client group"),
    (f"{PROFILE} ca trust-point gone", "crypto pki trustpoint gone", "trustpoint"),
    (f"{MAP} set transform-set gone", "crypto ipsec transform-set gone esp-des", "transform set"),
    ("crypto ipsec profile i\n set transform-set gone", "crypto ipsec transform-set gone esp-des", "transform set"),
    ("interface Tunnel0\n tunnel protection ipsec profile gone", "crypto ipsec profile gone", "IPsec profile"),
    ("interface Fa0/0\n crypto map gone", "crypto map gone 10 ipsec-isakmp", "crypto map"),
    ("crypto map m 10 ipsec-isakmp dynamic gone", "crypto dynamic-map gone 10", "dynamic map"),
    (f"{PROFILE} client authentication list gone", "aaa authentication login gone local", "login list"),
    (f"{MAP}crypto map m client authentication list gone", "aaa authentication login gone local", "login list"),
    (f"{PROFILE} isakmp authorization list gone", "aaa authorization network gone local", "authorization list"),
    (f"{MAP}crypto map m isakmp authorization list gone", "aaa authorization network gone local", "authorization list"),
    (f"{PROFILE} accounting gone", "aaa accounting network gone none", "accounting list"),
    ("crypto isakmp profile p accounting gone", "aaa accounting network gone none", "accounting list"),
    (f"{MAP}crypto map m client accounting list gone", "aaa accounting network gone none", "accounting list"),
    ("aaa authentication login l group gone", "aaa group server radius gone", "server group"),
    ("aaa authorization network l group gone", "aaa group server radius gone", "server group"),
    ("aaa authorization exec l group gone", "aaa group server radius gone", "server group"),
    ("aaa authentication enable default group gone", "aaa group server radius gone", "server group"),
    ("aaa accounting network l start-stop group gone", "aaa group server radius gone", "server group"),
    ("aaa accounting network l\n action-type stop-only\n group gone", "aaa group server radius gone", "server group"),
    ("aaa accounting system default start-stop group gone", "aaa group server radius gone", "server group"),
    ("aaa accounting exec default start-stop group gone", "aaa group server tacacs+ gone", "server group"),
    ("aaa group server radius g\n server name gone", "radius server gone", "RADIUS server"),
    ("aaa group server radius g\n ip vrf forwarding gone", "ip vrf gone", "VRF"),
    ("aaa group server radius g\n ip radius source-interface Loopback7", "interface Loopback7", "interface"),
    ("ip radius source-interface Loopback7", "interface Loopback7", "interface"),
    ("interface Fa0/0\n!\nip radius source-interface Fa0/0 vrf gone", "ip vrf gone", "VRF"),
    ("aaa group server radius g\n server-private gone", "ip host gone 10.1.1.1", "host"),
    ("radius-server host gone", "ip host gone 10.1.1.1", "host"),
    ("radius server s\n address ipv4 gone", "ip host gone 10.1.1.1", "host"),
    ("aaa server radius dynamic-author\n client gone", "ip host gone 10.1.1.1", "host"),
    ("aaa server radius dynamic-author\n client 10.1.1.1 vrf gone", "ip vrf gone", "VRF"),
    ("line vty 0 4\n login authentication gone", "aaa authentication login gone local", "login list"),
    ("line vty 0 4\n authorization exec gone", "aaa authorization exec gone local", "exec authorization list"),
    ("snmp-server community c view gone RO", "snmp-server view gone iso included", "SNMP view"),
    ("snmp-server group g v3 priv read gone", "snmp-server view gone iso included", "SNMP view"),
    ("snmp-server group g v3 priv write gone", "snmp-server view gone iso included", "SNMP view"),
    ("snmp-server group g v3 priv notify gone", "snmp-server view gone iso included", "SNMP view"),
    ("snmp-server user u gone v3 auth sha 12345678", "snmp-server group gone v3 auth", "SNMP group"),
    ("snmp-server host 10.1.1.1 version 3 auth gone", "snmp-server group g v3 auth\nsnmp-server user gone g v3", "SNMP user"),
    ("ip vrf v\n context x\nsnmp mib community-map gone context x", "snmp-server community gone", "SNMP community"),
    ("snmp-server community c\nsnmp mib community-map c context gone", "ip vrf v\n context gone", "SNMP context of a VRF"),
    ("snmp-server group g v3 priv context gone", "ip vrf v\n context gone", "SNMP context of a VRF"),
]  # fmt: skip


def told(document: Document) -> list[tuple[int, str]]:
    return [(each.line_number, each.message) for each in document.warnings if "not configured" in each.message]


@pytest.mark.parametrize(("lines", "definition", "kind"), DANGLING, ids=[f"{kind}: {lines}" for lines, _, kind in DANGLING])
def test_a_name_that_nothing_defines_is_told_with_its_line(document: Read, lines: str, definition: str, kind: str) -> None:
    name = "gone" if "gone" in lines else "Loopback7" if "Loopback7" in lines else "7"
    read = document(f"hostname r\n{lines}\n")
    assert read.unknown == ()
    number = 1 + len(lines.split("\n"))
    assert told(read) == [(number, f"names {kind} {name}, which is not configured")]
    assert told(document(f"hostname r\n{lines}\n!\n{definition}\n")) == []
    assert told(document(f"hostname r\n{definition}\n!\n{lines}\n")) == []


def test_every_reference_of_the_model_is_tried() -> None:
    kinds = {kind for _, _, kind in DANGLING} | {"RADIUS host"}  # which has a test of its own below
    assert kinds == {reference.kind for reference in _REFERENCES}
    assert len(DANGLING) >= len(_REFERENCES)


def test_a_group_names_its_servers_by_address_and_both_ports(document: Read) -> None:
    group = "aaa group server radius g\n server 10.1.1.1 auth-port 1812 acct-port 1813\n"
    missing = "names RADIUS host 10.1.1.1:1812,1813, which is not configured"
    assert told(document(f"{group}radius-server host 10.1.1.1\n")) == [(1, missing)]
    assert told(document(f"{group}radius-server host 10.1.1.1 auth-port 1812 acct-port 1813\n")) == []


def test_two_lines_that_name_one_missing_thing_are_both_told(document: Read) -> None:
    text = "snmp-server host 10.1.1.1 vrf gone version 2c c\nsnmp-server host 10.1.1.2 vrf gone version 2c c\n"
    assert sorted(number for number, _ in told(document(text))) == [1, 2]


def test_what_ios_has_by_itself_is_no_name_that_is_missing(document: Read) -> None:
    text = (
        "snmp-server community c view v1default RO\nsnmp-server group g v3 priv notify *tv.FFFFFFFF\n"
        "ip route 10.0.0.0 255.0.0.0 Null0\naaa authentication login l group radius local\n"
        "crypto map m 10 ipsec-isakmp\n set transform-set default_transform_set_1\n"
        "line vty 0 4\n login authentication default\n authorization exec default\n"
    )
    assert told(document(text)) == []


@pytest.mark.parametrize("line", ["match identity group gone", "client configuration group gone"])
def test_a_group_that_a_server_may_know_is_no_name_that_is_missing(document: Read, line: str) -> None:
    text = f"aaa authorization network l {{methods}}\ncrypto isakmp profile p\n isakmp authorization list l\n {line}\n"
    assert told(document(text.format(methods="local group radius"))) == []
    assert len(told(document(text.format(methods="local")))) == 1


def test_a_name_that_a_later_line_takes_back_is_not_told(document: Read) -> None:
    assert told(document("interface Fa0/0\n crypto map gone\n no crypto map\n")) == []
