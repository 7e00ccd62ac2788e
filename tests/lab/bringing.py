"""How each cause of failure comes about in a lab: by configurations, wires, faults and commands.

Each is a generator: it makes a lab and what leads up to the failure, yields the lab and the router that the cause is at, and then
has it happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.crypto.doi import Exchange, NotifyType, Protocol
from agent.crypto.ike_events import Login
from agent.crypto.isakmp import NO_COOKIE, Header
from agent.crypto.payloads import Notification
from agent.engine.access import LoginRefused
from agent.engine.values import ClearIsakmp, ClearSas, ClearSessions
from tests.crypto.in_the_clear import encode_message
from tests.lab.vpn_client import VpnClient

MakePair = Callable[..., Any]
Bringing = Iterator[tuple[Any, str]]
EAST, WEST = 0xC0000201, 0xC0000202

BRINGING: dict[str, Callable[[MakePair], Bringing]] = {}


def brings(cause: str) -> Callable[[Callable[[MakePair], Bringing]], Callable[[MakePair], Bringing]]:
    def keep(bring: Callable[[MakePair], Bringing]) -> Callable[[MakePair], Bringing]:
        BRINGING[cause] = bring
        return bring

    return keep


# --- what they have in common ---


def ping(lab: Any, repeat: int = 1) -> int:
    return int(lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=repeat))


def start_ping(lab: Any, seconds: float) -> None:
    """One echo, and as long as that takes."""
    lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
    lab.wait(seconds)


def up(lab: Any) -> Any:
    assert ping(lab, 2) >= 1
    return lab


def with_phase_1_alone(lab: Any) -> Any:
    up(lab).east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    return lab


def keeping(lab: Any, seconds: int) -> Any:
    """East keeps its ISAKMP SA for longer than was agreed."""
    (record,) = lab.east.router.ike.sas
    record.sa.expire_at(record.sa.expires + seconds * 1_000_000)
    return lab


def port_of(lab: Any, name: str) -> Any:
    return lab.lab.routers[name].router.ports["FastEthernet0/0"]


def on_the_way(lab: Any, name: str, change: Callable[[bytes], bytes | None]) -> Callable[[], None]:
    """Have what arrives at a router changed, or dropped; the answer ends that."""
    port = port_of(lab, name)
    receive = port.receive

    def receive_changed(octets: bytes) -> None:
        changed = change(octets)
        if changed is not None:
            receive(changed)

    def undo() -> None:
        port.receive = receive

    port.receive = receive_changed
    return undo


def change_isakmp(lab: Any, name: str, exchange: int, number: int, change: Callable[[bytearray], None]) -> None:
    """Have the `number`th message of a kind of exchange that arrives at a router changed."""
    seen = 0

    def changed(octets: bytes) -> bytes:
        nonlocal seen
        packet = ip.decode(octets)
        if packet.protocol != ip.UDP:
            return octets
        datagram = ip.decode_udp(packet)
        if datagram.data[18] == exchange:
            seen += 1
            if seen == number:
                message = bytearray(datagram.data)
                change(message)
                payload = ip.encode_udp(packet.source, packet.destination, datagram._replace(data=bytes(message)))
                return packet._replace(payload=payload).encode()
        return octets

    on_the_way(lab, name, changed)


def configured(cause: str, here: str = "west", **settings: Any) -> None:
    """A cause that lies in the configurations: one ping brings it about."""

    def bring(make_pair: MakePair) -> Bringing:
        lab = make_pair(**settings)
        yield lab, here
        ping(lab)

    BRINGING[cause] = bring


def refused(cause: str, **settings: Any) -> None:
    """The same of phase 2: the second ping has phase 1 to go by."""

    def bring(make_pair: MakePair) -> Bringing:
        lab = make_pair(**settings)
        ping(lab)
        yield lab, "west"
        ping(lab)

    BRINGING[cause] = bring


# --- set-ups of phase 1 ---

_RING = "crypto keyring K\n pre-shared-key address 192.0.2.0 255.255.255.0 key other\n"
_OTHER_KEY = _RING + "crypto isakmp profile P\n keyring K\n match identity address 192.0.2.1 255.255.255.255"
_NO_MATCH = "crypto isakmp profile P\n match identity address 192.0.2.99 255.255.255.255\n"
_NOT_MATCHED = _NO_MATCH + "crypto map outside 10\n set isakmp-profile P"
_NO_KEY = "no crypto isakmp key secret address 192.0.2.{peer}"

configured("no common ISAKMP policy", west={"encryption": "3des"})
configured("no usable policy: there is no key for the peer", "east", lines=_NO_KEY)
configured("the pre-shared keys differ", west={"key": "another"})
configured("the peer's profile has another key than the one used", west={"lines": _OTHER_KEY})
configured("the initiator's profile does not match the responder", "east", east={"lines": _NOT_MATCHED})


@brings("a message of the set-up is malformed")
def _malformed(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    change_isakmp(lab, "west", Exchange.MAIN, 2, lambda message: message.__setitem__(30, 0xFF))
    yield lab, "west"
    ping(lab)


@brings("a message of another version, such as IKEv2")
def _ikev2(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    yield lab, "west"
    ike_sa_init = Header(b"initiate", NO_COOKIE, 33, 34, 0x08, 0, version=0x20).encode()
    stranger = EAST + 0x40
    datagram = ip.encode_udp(stranger, WEST, ip.Datagram(500, 500, ike_sa_init))
    for _ in range(2):
        port_of(lab, "west").receive(ip.Packet(stranger, WEST, ip.UDP, datagram).encode())
    lab.wait(1)


@brings("an invalid Diffie-Hellman public value")
def _bad_public_value(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    change_isakmp(lab, "west", Exchange.MAIN, 2, lambda message: message.__setitem__(slice(32, 128), bytes(96)))
    yield lab, "west"
    ping(lab)


@brings("the peer never answers")
def _no_answer(make_pair: MakePair) -> Bringing:
    lab = make_pair(link='[[link]]\nends = ["east:FastEthernet0/0", "west:FastEthernet0/0"]\nloss = 1.0\n')
    yield lab, "east"
    start_ping(lab, 120)


@brings("the initiator stops answering")
def _silent(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    yield lab, "west"
    start_ping(lab, 0.0025)
    lab.east.router.power_off()
    lab.wait(120)


@brings("the set-up is cleared")
def _cleared(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    yield lab, "east"
    start_ping(lab, 0.0025)
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(120)


@brings("the crypto engine has failed before phase 1")
def _engine_phase1(make_pair: MakePair) -> Bringing:
    lab = make_pair()
    lab.west.router.fail_crypto()
    yield lab, "west"
    start_ping(lab, 120)


# --- set-ups of remote-access clients ---

CLIENTS = """
aaa new-model
aaa authentication login users local
aaa authorization network groups local
username alice password secret
username bob password secret
crypto isakmp client configuration group road
 key groupkey
 pool clients
{group_line}
crypto isakmp profile road
 match identity group road
 client authentication list users
 isakmp authorization list groups
 client configuration address respond
crypto ipsec transform-set theirs esp-3des esp-sha-hmac
crypto dynamic-map remotes 1
 set transform-set theirs
crypto map outside 20 ipsec-isakmp dynamic remotes
ip local pool clients 10.9.0.1
"""


def with_clients(make_pair: MakePair, group_line: str = "") -> Any:
    return make_pair(west={"lines": CLIENTS.format(group_line=group_line)})


@brings("no usable policy: AAA has no key for the name of the client's group or of the peer")
def _no_group(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair, "no crypto isakmp client configuration group road")
    yield lab, "west"
    VpnClient(lab, "192.0.2.101", server="west").connect()


@brings("a user's password is wrong")
def _wrong_password(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair)
    yield lab, "west"
    VpnClient(lab, "192.0.2.101", server="west", user=Login("alice", "wrong")).connect()


@brings("no method of the list of logins has an answer")
def _no_answer(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair)
    lab.access["west"].users["alice"] = [LoginRefused(unanswered=True)]
    yield lab, "west"
    VpnClient(lab, "192.0.2.101", server="west").connect()


@brings("a client does not answer")
def _silent_client(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair)
    client = VpnClient(lab, "192.0.2.101", server="west", hears=1)
    yield lab, "west"
    client.connect()
    lab.wait(120)


@brings("the pool has no address left")
def _no_address(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair)
    VpnClient(lab, "192.0.2.101", server="west").connect()
    yield lab, "west"
    VpnClient(lab, "192.0.2.102", server="west", user=Login("bob", "secret")).connect()


@brings("the limit of a group's users is reached")
def _full_group(make_pair: MakePair) -> Bringing:
    lab = with_clients(make_pair, " max-users 1")
    VpnClient(lab, "192.0.2.101", server="west").connect()
    yield lab, "west"
    VpnClient(lab, "192.0.2.102", server="west").connect()


# --- messages to an ISAKMP SA ---


@brings("a message that does not decrypt")
def _undecryptable(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    change_isakmp(lab, "west", Exchange.QUICK, 1, lambda message: message.__setitem__(28, message[28] ^ 1))
    yield lab, "west"
    start_ping(lab, 1)


@brings("a message whose HASH is wrong")
def _wrong_hash(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    # In the middle of the nonce, behind a Hash of 24 octets, an SA of 60 and a header of 4: no length comes out changed.
    change_isakmp(lab, "west", Exchange.QUICK, 1, lambda message: message.__setitem__(28 + 96, message[28 + 96] ^ 1))
    yield lab, "west"
    start_ping(lab, 1)


@brings("an error notification in the clear")
def _forged(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "west"
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    header = Header(tunnel.facts.initiator_cookie, tunnel.facts.responder_cookie, 0, Exchange.INFORMATIONAL, 0, 99)
    forged = encode_message(header, (Notification(Protocol.ISAKMP, NotifyType.NO_PROPOSAL_CHOSEN),))
    datagram = ip.encode_udp(EAST, WEST, ip.Datagram(500, 500, forged))
    port_of(lab, "west").receive(ip.Packet(EAST, WEST, ip.UDP, datagram).encode())


@brings("a message for an unknown ISAKMP SA")
def _no_isakmp_sa(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    lab.west.router.power_off()
    lab.west.router.power_on()
    yield lab, "west"
    lab.east.engine.do(ClearIsakmp(), CONSOLE)
    lab.wait(1)


@brings("a message for an ISAKMP SA that has just ended")
def _late_message(make_pair: MakePair) -> Bringing:
    lab = keeping(up(make_pair(ike_lifetime="300", east={"lines": "crypto isakmp keepalive 310 periodic"})), 3600)
    undo = on_the_way(lab, "east", lambda octets: None)
    lab.wait(305)
    undo()
    yield lab, "west"
    lab.wait(10)


# --- set-ups of phase 2 ---

_ONE_SA = {"lines": "crypto call admission limit ipsec sa 1"}

refused("no common transform set", west={"transforms": "esp-aes esp-sha-hmac"})


@brings("a reserved SPI is offered")
def _reserved_spi(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    (record,) = lab.east.router.ike.sas
    record.decisions.take_spi = lambda: 255
    yield lab, "west"
    ping(lab)


refused("no map entry for the flow", west={"flow": "10.0.2.0 0.0.0.255 10.9.9.0 0.0.0.255"})
refused("PFS is required and not offered", west={"map_lines": " set pfs group2"})
refused("the limit of IPsec SAs is reached at the responder", west=_ONE_SA)
configured("the limit of IPsec SAs is reached at the initiator", "east", east=_ONE_SA)


@brings("the peer does not answer a quick mode")
def _no_answer_to_quick_mode(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    on_the_way(lab, "west", lambda octets: None)
    yield lab, "east"
    start_ping(lab, 120)


@brings("the quick mode is cleared")
def _cleared_quick_mode(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    yield lab, "east"
    start_ping(lab, 0.0015)
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)


@brings("the crypto engine cannot encrypt the first message of a quick mode")
def _engine_quick_mode(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    lab.east.router.fail_crypto()
    yield lab, "east"
    ping(lab)


@brings("the crypto engine fails during a quick mode")
def _engine_during_quick_mode(make_pair: MakePair) -> Bringing:
    lab = with_phase_1_alone(make_pair())
    yield lab, "east"
    start_ping(lab, 0.0015)
    lab.east.router.fail_crypto()
    lab.wait(120)
