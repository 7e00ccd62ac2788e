"""Two ends of IKEv1 and the wire between them, for tests: every decision is open, every message can be lost, doubled or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address

from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1, transaction
from agent.crypto.certificates import Credential, Trust
from agent.crypto.dialogues import Dialogue
from agent.crypto.doi import Exchange, Flag, NotifyType, Protocol
from agent.crypto.ike_events import (
    NO_REMOTE_ACCESS,
    SECOND,
    ChapLogin,
    ConfigurationWanted,
    IkeEvent,
    Login,
    LoginOffered,
    Phase2Result,
    Phase2Up,
    QuickRequest,
    QuickStart,
    RemoteAccess,
    Trouble,
)
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import encode_payloads
from agent.crypto.nat_traversal import NAT_TRAVERSAL, Ends, NatTraversal
from agent.crypto.payloads import Attribute, Hash, Identification, Notification
from agent.crypto.proposals import Phase1Policy, Phase2Terms, Suite
from agent.lab.randomness import SeededRandom

DES = Phase1Policy("des", 56, "sha", "pre-share", 1, 86400, 1)
GUIDE = Phase2Terms((Suite("sha", "des", 56, "sha"),), 5000, 99000)
NOBODY = Trust((), datetime(2026, 7, 1, tzinfo=UTC))
CONNECTED = Notification(Protocol.ESP, NotifyType.CONNECTED, b"\0\0\x20\x01")
LOCAL = Identification.of_address(IPv4Address("10.20.1.1"))
REMOTE = Identification.of_address(IPv4Address("10.22.1.1"))


class Counts(Counter[IkeCounter]):
    def add(self, counter: IkeCounter, amount: int = 1) -> None:
        self[counter] += amount

    def named(self) -> dict[str, int]:
        return {what.name: amount for what, amount in self.items() if amount}


@dataclass
class Side:
    """The decisions of one end, all of them open."""

    address: str
    proposals: Sequence[Phase1Policy] = (DES,)
    key: bytes | None = b"key"
    terms: Phase2Terms | None = GUIDE
    identity: Identification | None = None  # the address, where it is None
    own: Credential | None = None
    believes: Trust = NOBODY
    trusts: bool = True
    aggressive: bool = True
    first: bool = True
    spi: int = 0x1000
    access: RemoteAccess = NO_REMOTE_ACCESS
    user: Login | None = None
    wants: Sequence[Attribute] = ()
    gives: Sequence[Attribute] | None = ()
    requests: list[Sequence[Attribute] | None] = field(default_factory=list)
    # Of logins: a text is a message that the user must answer. None: it does not answer by itself.
    judge: Callable[[Login | ChapLogin], Trouble | str | None] | None = lambda login: None
    unknown: bool = False  # peers that name themselves
    asked: list[QuickRequest] = field(default_factory=list)
    asked_for_key: list[Identification | None] = field(default_factory=list)

    def allows_aggressive(self) -> bool:
        return self.aggressive

    def policies(self, peer: Identification | None) -> Sequence[Phase1Policy]:
        return self.proposals

    def is_unknown(self, peer: Identification) -> bool:
        return self.unknown

    def pre_shared_key(self, peer: Identification | None) -> bytes | None:
        self.asked_for_key.append(peer)
        return self.key

    def credential(self, authorities: Sequence[bytes]) -> Credential | None:
        return self.own

    def trust(self, peer: Identification | None) -> Trust:
        return self.believes

    def local_identity(self, credential: Credential | None = None) -> Identification:
        return self.identity or Identification.of_address(IPv4Address(self.address), 17, 500)

    def accepts(self, peer: Identification) -> bool:
        return self.trusts

    def first_contact(self) -> bool:
        return self.first

    def remote_access(self) -> RemoteAccess:
        return self.access

    def login(self) -> Login | None:
        return self.user

    def wanted_attributes(self) -> Sequence[Attribute]:
        return self.wants

    def answer(self, request: QuickRequest) -> QuickStart | None:
        self.asked.append(request)
        return QuickStart(self.terms, request.local, request.remote, "answered") if self.terms else None

    def new_spi(self, protocol: Protocol) -> bytes:
        self.spi += 1
        return self.spi.to_bytes(4, "big")


class Pair:
    """Two ends and the wire between them. `wire` says what arrives of a message (from the initiator?, its number, octets).

    `nat`: an address and what to add to ports, where a NAT stands before the initiator; the responder knows that address alone.
    """

    def __init__(
        self,
        initiator: Side | None = None,
        responder: Side | None = None,
        traversal: tuple[NatTraversal, NatTraversal] = (NAT_TRAVERSAL, NAT_TRAVERSAL),
        nat: tuple[str, int] | None = None,
        exchange: Exchange = Exchange.MAIN,
    ) -> None:
        self.sides = initiator or Side("10.1.1.1"), responder or Side("10.1.1.2", spi=0x2000)
        self.counts = Counts(), Counts()
        self.nat = (IPv4Address(nat[0]), nat[1]) if nat else None
        random = SeededRandom(1)
        self.now = 0
        self.wire: Callable[[bool, int, bytes], list[bytes]] = lambda from_initiator, number, octets: [octets]
        self.sent: tuple[list[bytes], list[bytes]] = [], []
        self.events: tuple[list[IkeEvent], list[IkeEvent]] = [], []
        self.ends: tuple[IkeSa, IkeSa] = (
            ikev1.initiate(self.sides[0], self.counts[0], random, 0, ends(0), traversal[0], exchange),
            ikev1.respond(self.sides[1], self.counts[1], random, ends(1), traversal[1], exchange),
        )

    @property
    def initiator(self) -> IkeSa:
        return self.ends[0]

    @property
    def responder(self) -> IkeSa:
        return self.ends[1]

    def run(self) -> Pair:
        """Carry messages until nobody has more to say."""
        while self._turn():
            pass
        return self

    def told(self, side: int) -> int:
        """How many informational messages an end has sent."""
        return sum(ikev1.decode_header(octets).exchange == Exchange.INFORMATIONAL for octets in self.sent[side])

    def _turn(self) -> bool:
        said = False
        for side in (0, 1):
            events = self.ends[side].take_events()
            self.events[side].extend(event for event in events if not isinstance(event, ConfigurationWanted))
            for event in events:
                if isinstance(event, ConfigurationWanted):
                    self.sides[side].requests.append(event.asked)
                    transaction.answer_configuration(self.ends[side], event, self.sides[side].gives, self.now)
                if isinstance(event, LoginOffered) and (judge := self.sides[side].judge):
                    verdict = judge(event.login)
                    if isinstance(verdict, str):
                        transaction.challenge_login(self.ends[side], verdict, self.now)
                    else:
                        transaction.answer_login(self.ends[side], verdict, self.now)
            for octets in self.ends[side].take_messages():
                said = True
                self.sent[side].append(octets)
                for arrived in self.wire(side == 0, len(self.sent[side]), octets):
                    ikev1.receive(self.ends[1 - side], arrived, self.now, self._heard(side))
        return said

    def _heard(self, side: int) -> Ends:
        """Where the other end hears a message from."""
        ends = self.ends[side].ends
        if self.nat is None:
            return Ends(ends.remote, ends.local, ends.remote_port, ends.local_port)
        address, shift = self.nat
        if side == 0:
            return Ends(ends.remote, address, ends.remote_port, ends.local_port + shift)
        assert ends.remote == address
        return Ends(self.ends[0].ends.local, ends.local, ends.remote_port - shift, ends.local_port)

    def wait(self, seconds: int) -> Pair:
        """Let time go by, with every timer on its way."""
        end = self.now + seconds * SECOND
        while dues := [due for sa in self.ends if (due := sa.next_timer()) is not None and due <= end]:
            self.now = min(dues)
            for sa in self.ends:
                ikev1.tick(sa, self.now)
            self.run()
        self.now = end
        return self

    def up(self) -> Pair:
        self.run()
        assert self.initiator.up
        assert self.responder.up
        return self

    def quick(self, terms: Phase2Terms = GUIDE, by: int = 0) -> Pair:
        local, remote = (LOCAL, REMOTE) if by == 0 else (REMOTE, LOCAL)
        ikev1.negotiate(self.ends[by], QuickStart(terms, local, remote, "asked"), self.now)
        return self.run()

    def result(self, side: int) -> Phase2Result:
        (event,) = [event for event in self.events[side] if isinstance(event, Phase2Up)]
        return event.result

    def of(self, side: int, kind: type) -> list[IkeEvent]:
        return [event for event in self.events[side] if isinstance(event, kind)]


def ends(side: int) -> Ends:
    """Of one of the two."""
    addresses = IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2")
    return Ends(addresses[side], addresses[1 - side])


def datagram(octets: bytes) -> int:
    return len(octets) + 28


# --- the commit bit ---


def committing(pair: Pair) -> Pair:
    """The responder sets the commit bit in its second message; no HASH covers the header."""

    def set_commit(from_initiator: bool, number: int, octets: bytes) -> list[bytes]:
        if from_initiator or octets[18] != Exchange.QUICK:
            return [octets]
        return [octets[:19] + bytes((octets[19] | Flag.COMMIT,)) + octets[20:]]

    pair.wire = set_commit
    return pair.quick()


def connected(pair: Pair, exchange: Exchange, vector: bytes, notification: Notification = CONNECTED) -> bytes:
    """The responder's word that its SAs are there."""
    sa = pair.responder
    (message_id,) = sa.quick
    _, chain = encode_payloads((notification,))
    mine = Hash(sa.authenticate(message_id.to_bytes(4, "big"), chain))
    return sa.seal(exchange, Dialogue(vector), (mine, notification), message_id)


def last_block(pair: Pair) -> bytes:
    return pair.sent[0][-1][-8:]


def committed_by_the_initiator(pair: Pair, number: int) -> Pair:
    """The initiator sets the commit bit in one message of its quick mode, the first or the last."""

    def set_commit(from_initiator: bool, sent: int, octets: bytes) -> list[bytes]:
        if not from_initiator or sent - 3 != number:
            return [octets]
        return [octets[:19] + bytes((octets[19] | Flag.COMMIT,)) + octets[20:]]

    pair.wire = set_commit
    return pair.quick()


# --- ports ---


def ports_of_messages(pair: Pair) -> list[tuple[bool, int, int]]:
    """Of each message from now on: whether the initiator sends it, and the ports that it goes from and to."""
    seen: list[tuple[bool, int, int]] = []

    def wire(from_initiator: bool, number: int, octets: bytes) -> list[bytes]:
        ends = pair.ends[0 if from_initiator else 1].ends
        seen.append((from_initiator, ends.local_port, ends.remote_port))
        return [octets]

    pair.wire = wire
    return seen
