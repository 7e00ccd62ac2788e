"""strongSwan's charon as a remote-access client of routers that ask FreeRADIUS about its user, its group and its address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from agent.crypto.certificates import Credential
from tests.crypto.pki import address, pem_key, subject_of
from tests.e2e.freeradius import FreeRadius, Packet, RadiusUser
from tests.e2e.strongswan import DEFAULTS, PLUGINS, STRONGSWAN_CONF, Charon, Namespace, RealLab, StartRealLab, charon
from tests.e2e.test_strongswan_phase1 import DAY, TODAY, Encoding, settings
from tests.e2e.test_strongswan_phase1 import ROOT as AUTHORITY
from tests.e2e.tools import free_port, wait_for

QUESTION = "Enter the code that you have been sent"
GROUP = (
    'Tunnel-Password = "radiuskey"',
    "Service-Type = Outbound-User",
    'Cisco-AVPair = "ipsec:addr-pool=clients"',
    'Cisco-AVPair += "ipsec:default-domain=example.com"',
    'Cisco-AVPair += "ipsec:dns-servers=10.1.0.53 10.1.0.54"',
    'Cisco-AVPair += "ipsec:inacl=150"',
)
PAIRS = (
    'Cisco-AVPair = "ipsec:key-exchange=ike"',
    'Cisco-AVPair += "ipsec:tunnel-password=pairkey"',
    'Cisco-AVPair += "ipsec:addr-pool=clients"',
)
USERS = [
    RadiusUser("alice", "secret"),
    # charon answers a challenge by the password again.
    RadiusUser("dave", "secret", challenge=QUESTION, answer="secret"),
    RadiusUser("eve", "secret", challenge=QUESTION, answer="another"),
    RadiusUser("frank", "secret", reply=("Framed-IP-Address = 10.3.200.7", "Framed-IP-Netmask = 255.255.255.0")),
    RadiusUser("staff", "cisco", reply=GROUP),
    RadiusUser("pairs", "cisco", reply=PAIRS),
    RadiusUser("spoke@example.com", "cisco", reply=('Tunnel-Password = "spokekey"',)),
]

# What decides, by router: {login} and {groups} are methods, {group} is the group that the profile matches.
RIGHT, WRONG, CHALLENGED, DENIED, OWN, AWAY, LOCAL, STAFF, PAIRED, CERTIFIED, STRANGER, SPOKE, RETURNING = range(1, 14)
ROUTER = """hostname {{name}}
no ip domain lookup
{aaa}
username carol password secret
crypto isakmp policy 10
 encryption aes
 authentication {{authentication}}
 group 2
crypto isakmp client configuration group road
 key groupkey
 pool clients
crypto isakmp profile ours
 match identity group {{group}}
 client authentication list users
 isakmp authorization list groups
 client configuration address respond
crypto ipsec transform-set ours esp-aes esp-sha-hmac
crypto dynamic-map remotes 1
 set transform-set ours
 set isakmp-profile ours
 reverse-route
crypto map outside 10 ipsec-isakmp dynamic remotes
interface FastEthernet0/0
 ip address {{address}} 255.255.255.252
 crypto map outside
interface FastEthernet0/1
 ip address 10.1.{{number}}.254 255.255.255.0
ip local pool clients 10.3.{{number}}.1
access-list 150 permit ip 10.1.{{number}}.0 0.0.0.255 any
snmp-server community public RO
{{lines}}
end
"""
AAA = """aaa new-model
aaa group server radius away
 server-private 127.0.0.1 auth-port {away} acct-port {away} timeout 1 retransmit 1 key nobody
aaa authentication login users {{login}}
aaa authorization network groups {{groups}}
radius-server timeout 1
radius-server retransmit 1
{servers}"""
KEYS = """no crypto isakmp key {key} address 10.99.{number}.2
aaa new-model
aaa authorization network keys group radius
crypto map outside isakmp authorization list keys
{servers}
"""
METHODS = {AWAY: "group away", LOCAL: "group away local"}
GROUPS = {STAFF: "staff", PAIRED: "pairs", CERTIFIED: "staff", STRANGER: "nobody", RETURNING: "staff"}


@pytest.fixture(scope="module")
def server(namespaces: tuple[Namespace, Namespace], tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    found = FreeRadius(tmp_path_factory.mktemp("radius") / "server", users=USERS, namespace=namespaces[0])
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def swan(namespaces: tuple[Namespace, Namespace], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charon]:
    """A charon that takes name servers, and what Cisco's Unity gives: the networks that go through the tunnel."""
    conf = STRONGSWAN_CONF.replace("@PLUGINS@", f"{PLUGINS} unity resolve")
    conf = conf.replace("charon {\n", "charon {\n  cisco_unity = yes\n", 1)
    conf = conf.replace("plugins {\n", "plugins {\n    resolve {\n      file = @FOLDER@/resolv.conf\n    }\n", 1)
    with charon(namespaces[1], tmp_path_factory.mktemp("swan"), conf) as started:
        yield started


@pytest.fixture(scope="module")
def lab(start_real_lab: StartRealLab, server: FreeRadius, tmp_path_factory: pytest.TempPathFactory) -> RealLab:
    text = ROUTER.format(aaa=AAA.format(away=free_port(), servers=server.ios()))
    routers = {
        number: {
            "text": text,
            "login": METHODS.get(number, "group radius"),
            "groups": "group radius" if number in GROUPS else "local",
            "group": GROUPS.get(number, "road"),
            "authentication": "pre-share",
        }
        for number in (*range(RIGHT, SPOKE), RETURNING)
    }
    routers[SPOKE] = {"lines": KEYS.format(key=DEFAULTS["key"], number=SPOKE, servers=server.ios())}
    own = settings(CERTIFIED, tmp_path_factory.mktemp("pki"), signed=True)
    routers[CERTIFIED] |= {**own, "authentication": "rsa-sig"}
    return start_real_lab(routers)


EVERYWHERE = {"remote_ts": ["0.0.0.0/0"]}  # as far as the router lets it


def connect(
    swan: Charon,
    number: int,
    user: str = "alice",
    password: str = "secret",
    key: str = "groupkey",
    child: dict[str, Any] | None = None,
) -> str | None:
    """Have charon log in; None where the tunnel came up, else why not."""
    group = GROUPS.get(number, "road")
    with swan.session() as session:
        session.load_shared({"id": f"g{number}", "type": "IKE", "data": key, "owners": [f"10.99.{number}.1", f"keyid:{group}"]})
        session.load_shared({"id": user, "type": "XAUTH", "data": password, "owners": [user]})
    swan.connect(
        number,
        {"local_ts": ["dynamic"], **(child or {})},
        secret=None,
        aggressive="yes",
        vips=["0.0.0.0"],
        proposals=["aes128-sha1-modp1024"],
        local={"auth": "psk", "id": f"keyid:{group}"},
        **{"local-user": {"auth": "xauth", "xauth_id": user}},
    )
    return swan.initiate(number)


def pings(swan: Charon, number: int, inner: str) -> int:
    """How many of three pings from the client's address are answered from behind the router."""
    words = ["ping", "-n", "-i", "0.05", "-W", "2", "-c", "3", "-I", inner, f"10.1.{number}.1"]
    found = re.search(r"(\d+) received", swan.namespace.run(*words, check=False))
    return int(found[1]) if found else 0


def check_tunnel(swan: Charon, number: int, inner: str) -> None:
    assert swan.sas(number)[-1]["local-vips"] == [inner]
    assert pings(swan, number, inner) == 3


def requests(server: FreeRadius, number: int) -> list[Packet]:
    """The Access-Requests of a router, which are known by the router's address."""
    return [packet for packet in server.accesses() if packet["NAS-IP-Address"] == f"10.99.{number}.1"]


# --- users ---


def test_a_user_whom_radius_knows(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    assert connect(swan, RIGHT) is None
    check_tunnel(swan, RIGHT, "10.3.1.1")
    (request,) = requests(server, RIGHT)
    assert (request["User-Name"], request["User-Password"]) == ("alice", "secret")
    assert request["Calling-Station-Id"] == "10.99.1.2"
    assert "Message-Authenticator" in request


def test_a_wrong_password_is_an_authentication_failure(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, WRONG, "alice", "wrong")
    assert lab.column(WRONG, "cikeFailReason") == ["authFailure"]
    assert lab.count(WRONG, "cikeGlobalActiveTunnels") == 0


def test_a_challenge_is_answered_by_the_client(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    assert connect(swan, CHALLENGED, "dave") is None
    check_tunnel(swan, CHALLENGED, "10.3.3.1")
    first, second = requests(server, CHALLENGED)
    assert "State" not in first
    assert "State" in second
    assert f"XAuth message: {QUESTION}" in swan.log


def test_a_wrong_answer_to_a_challenge_is_an_authentication_failure(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    assert connect(swan, DENIED, "eve")
    assert len(requests(server, DENIED)) == 2
    assert lab.column(DENIED, "cikeFailReason") == ["authFailure"]


def test_a_user_has_an_address_of_its_own(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, OWN, "frank") is None
    check_tunnel(swan, OWN, "10.3.200.7")


def test_without_an_answer_nobody_gets_in(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, AWAY)
    wait_for(lambda: lab.column(AWAY, "cikeFailReason") == ["authFailure"], "the login to fail")
    assert lab.count(AWAY, "cikeGlobalActiveTunnels") == 0


def test_the_next_method_answers_where_the_servers_do_not(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, LOCAL, "carol") is None
    check_tunnel(swan, LOCAL, f"10.3.{LOCAL}.1")


# --- groups ---


def check_group_request(server: FreeRadius, number: int, name: str) -> None:
    """IOS asks for a group by its name, with the password `cisco` and Service-Type Outbound."""
    request, login = requests(server, number)
    assert (request["User-Name"], request["User-Password"]) == (name, "cisco")
    assert request["Service-Type"] == "Outbound-User"
    assert login["User-Name"] == "alice"


def test_a_group_that_radius_alone_knows(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    assert connect(swan, STAFF, key="radiuskey", child=EVERYWHERE) is None
    check_tunnel(swan, STAFF, f"10.3.{STAFF}.1")
    check_group_request(server, STAFF, "staff")
    assert lab.column(STAFF, "cikeTunRemoteValue") == ["staff"]
    (child,) = swan.children(STAFF)
    assert child["remote-ts"] == [f"10.1.{STAFF}.0/24"]  # what the access list has, and not everything
    servers = re.findall(r"nameserver (\S+)", (swan.folder / "resolv.conf").read_text())
    assert servers == ["10.1.0.54", "10.1.0.53"]  # charon puts each before the others


def test_a_group_by_pairs_of_cisco(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    assert connect(swan, PAIRED, key="pairkey") is None
    check_tunnel(swan, PAIRED, f"10.3.{PAIRED}.1")
    check_group_request(server, PAIRED, "pairs")


def test_a_group_that_radius_does_not_know(swan: Charon, lab: RealLab) -> None:
    assert connect(swan, STRANGER, key="guess")
    assert not lab.column(STRANGER, "cikeTunRemoteValue")


def client_credential() -> Credential:
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "staff")
    name = x509.Name([*subject_of("client"), unit])
    return AUTHORITY.credential("client", address(f"10.99.{CERTIFIED}.2"), begin=TODAY - DAY, end=TODAY + DAY, subject=name)


def test_the_group_that_a_certificate_names(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    own = client_credential()
    pem = own.certificates[0].public_bytes(Encoding.PEM)
    with swan.session() as session:
        session.load_cert({"type": "X509", "flag": "CA", "data": AUTHORITY.certificate.public_bytes(Encoding.PEM)})
        session.load_key({"type": "rsa", "data": pem_key(own.key)})
        session.load_shared({"id": "alice", "type": "XAUTH", "data": "secret", "owners": ["alice"]})
    connection: dict[str, Any] = {
        "vips": ["0.0.0.0"],
        "proposals": ["aes128-sha1-modp1024"],
        "local": {"auth": "pubkey", "certs": [pem]},
        "remote": {"auth": "pubkey", "id": f"10.99.{CERTIFIED}.1"},
        "local-user": {"auth": "xauth", "xauth_id": "alice"},
    }
    swan.connect(CERTIFIED, {"local_ts": ["dynamic"]}, secret=None, **connection)
    assert swan.initiate(CERTIFIED) is None
    check_tunnel(swan, CERTIFIED, f"10.3.{CERTIFIED}.1")
    check_group_request(server, CERTIFIED, "staff")


# --- keys of peers that are no clients ---


def test_a_spoke_whose_key_radius_has(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    name = "spoke@example.com"
    with swan.session() as session:
        session.load_shared({"id": "spoke", "type": "IKE", "data": "spokekey", "owners": [f"10.99.{SPOKE}.1", name]})
    swan.connect(SPOKE, secret=None, aggressive="yes", local={"auth": "psk", "id": name})
    assert swan.initiate(SPOKE) is None
    assert swan.ping(SPOKE) == 5
    (request,) = requests(server, SPOKE)
    assert (request["User-Name"], request["User-Password"], request["Service-Type"]) == (name, "cisco", "Outbound-User")
    assert lab.column(SPOKE, "cikeTunRemoteValue") == [name]


# --- last, because it stops the server ---


def test_a_server_that_comes_back_is_asked_again(swan: Charon, lab: RealLab, server: FreeRadius) -> None:
    server.stop()
    assert connect(swan, RETURNING, key="radiuskey")
    assert lab.count(RETURNING, "cikeGlobalActiveTunnels") == 0
    server.start()
    assert connect(swan, RETURNING, key="radiuskey") is None
    check_tunnel(swan, RETURNING, f"10.3.{RETURNING}.1")
