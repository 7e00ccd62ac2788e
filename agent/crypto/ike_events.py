"""Crypto room: the interface between the IKE cores and their owner: events, counts, and the decisions that the owner makes.

Times are whole microseconds, as the owner's clock has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from agent.base.ike_counters import IkeCounter
from agent.crypto.certificates import Credential, Trust
from agent.crypto.doi import Exchange
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.payloads import Attribute, Identification
from agent.crypto.proposals import Phase1Policy, Phase2Choice, Phase2Terms

SECOND = 1_000_000


class Trouble(Enum):
    """Why a negotiation failed, or what was wrong with a message."""

    PROPOSAL = "no proposal chosen"
    AUTHENTICATION = "authentication failed"
    UNANSWERED = "nobody has said whether the user may log in"
    HASH = "hash does not match"
    SIGNATURE = "signature does not match"
    CERTIFICATE_MISSING = "the peer has sent no certificate"
    CERTIFICATE_ENCODING = "the peer's certificate cannot be read"
    CERTIFICATE_AUTHORITY = "the peer's certificate is of no authority that we know"
    CERTIFICATE_EXPIRED = "the peer's certificate is not valid now"
    CERTIFICATE_IDENTITY = "the peer's certificate names somebody else"
    CERTIFICATE_REVOKED = "the peer's certificate has been revoked"
    CRL = "whether the peer's certificate is revoked cannot be known"
    LOCAL_CERTIFICATE = "our certificate is not valid now"
    DISABLED = "aggressive mode is disabled"
    DECRYPT = "not decryptable"
    ENCODING = "malformed"
    TIMEOUT = "no answer"
    REFUSED = "refused by the peer"
    KEY_EXCHANGE = "bad public value"
    CAPACITY = "no room for another"
    EXPIRED = "the ISAKMP SA has expired"
    PEER_DELETED = "the peer has deleted the ISAKMP SA"
    GIVEN_UP = "we have deleted the ISAKMP SA"
    ENGINE = "our crypto engine has failed"
    ENCRYPT = "our crypto engine does not encrypt"


class Tally(Protocol):
    """Receives an SA's counts."""

    def add(self, counter: IkeCounter, amount: int = 1) -> None: ...


@dataclass(frozen=True, slots=True)
class QuickRequest:
    """The flow that a peer's quick mode asks for; an identity that it left out is the peers' own addresses (RFC 2409 §5.5).

    `translated`: it is between the peers themselves, in transport mode past a NAT, and its identities have the addresses of the
    peer's side.
    """

    local: Identification | None
    remote: Identification | None
    translated: bool = False


@dataclass(frozen=True, slots=True)
class QuickStart:
    """A quick mode to begin, or the terms of answering one. `tag` is the owner's and comes back in the events."""

    terms: Phase2Terms
    local: Identification | None
    remote: Identification | None
    tag: object


class Addressing(Enum):
    """How a remote-access client gets its address and configuration."""

    NONE = "not at all"
    ASKED = "the client asks"
    PUSHED = "the server sends it unasked"


@dataclass(frozen=True, slots=True)
class RemoteAccess:
    """What comes between a phase 1 and its first quick mode. The initiator is the client.

    `login` is the server's: the client knows from the policy agreed on whether it will be asked.
    """

    login: bool = False
    addressing: Addressing = Addressing.NONE


NO_REMOTE_ACCESS = RemoteAccess()


@dataclass(frozen=True, slots=True)
class Login:
    """A user and what proves that it is the user (XAUTH). A client that is `chap` does not give its password to a server."""

    user: str
    password: str = field(repr=False)
    chap: bool = False


@dataclass(frozen=True, slots=True)
class ChapLogin:
    """A user, and the response to a challenge of ours (XAUTH type RADIUS-CHAP).

    It is MD5 over the identifier, the password and the challenge (RFC 1994 §4.1).
    """

    user: str
    identifier: int
    challenge: bytes
    response: bytes = field(repr=False)


class Decisions(Protocol):
    """The decisions of a phase 1 that need the configuration or the peer. Its owner implements them."""

    def allows_aggressive(self) -> bool:
        """Whether a phase 1 may go by aggressive mode."""
        ...

    def policies(self, peer: Identification | None) -> Sequence[Phase1Policy]:
        """The policies that are usable with this peer, best first. `peer` is its identity, if it has sent one by then."""
        ...

    def is_unknown(self, peer: Identification) -> bool:
        """Whether the owner must first find out about a peer that has named itself: `PeerNamed`, then `ikev1.resume`."""
        ...

    def pre_shared_key(self, peer: Identification | None) -> bytes | None:
        """The key by the peer's identity, if it has sent one by then (aggressive mode, RFC 2409 §5.4), else by its address."""
        ...

    def credential(self, authorities: Sequence[bytes]) -> Credential | None:
        """Our key and certificate. If there are several, one under an authority that the peer has asked for (names as DER)."""
        ...

    def local_identity(self, credential: Credential | None) -> Identification:
        """Our identity. With `credential`, that will prove it."""
        ...

    def trust(self, peer: Identification | None) -> Trust:
        """The accepted authorities, and the time."""
        ...

    def accepts(self, peer: Identification) -> bool:
        """Whether an authenticated peer may be who it says that it is."""
        ...

    def first_contact(self) -> bool:
        """Whether there is no other SA with this peer (RFC 2407 §4.6.3.3)."""
        ...

    def remote_access(self) -> RemoteAccess:
        """What this authenticated peer must do before quick modes."""
        ...

    def login(self) -> Login | None:
        """Of a client: its answer to a server's request for a login; None if it has no user."""
        ...

    def wanted_attributes(self) -> Sequence[Attribute]:
        """Of a client: the attributes that it asks for, without values."""
        ...

    def answer(self, request: QuickRequest) -> QuickStart | None:
        """The terms for a flow that the peer asks for; None refuses, `RefusedError` says why."""
        ...

    def new_spi(self, protocol: IpsecProtocol) -> bytes:
        """An SPI that no SA of ours has."""
        ...


@dataclass(frozen=True, slots=True)
class SaKeys:
    """One protocol's pair of SAs: SPIs, and for each direction the cipher's and the hash's key."""

    protocol: IpsecProtocol
    inbound_spi: int
    outbound_spi: int
    inbound_cipher_key: bytes = field(repr=False)
    inbound_auth_key: bytes = field(repr=False)
    outbound_cipher_key: bytes = field(repr=False)
    outbound_auth_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Phase2Result:
    """A finished quick mode. `sas` are in the order of a packet's headers, from the outside in.

    `cookies` are those of the ISAKMP SA that keyed it.
    """

    tag: object
    message_id: int
    initiator: bool
    choice: Phase2Choice
    local: Identification | None
    remote: Identification | None
    sas: tuple[SaKeys, ...]
    cookies: bytes = b""


# --- events ---


@dataclass(frozen=True, slots=True)
class Phase1Up:
    """The peer is authenticated, as a client it has logged in and has its address: quick modes may begin."""


@dataclass(frozen=True, slots=True)
class PeerNamed:
    """An initiator has named itself, and the owner does not know yet what to do with it. Phase 1 goes on with `ikev1.resume`."""

    peer: Identification


@dataclass(frozen=True, slots=True)
class LoginOffered:
    """A client's user wants to log in. The owner answers with `transaction.answer_login` or `transaction.challenge_login`."""

    login: Login | ChapLogin


@dataclass(frozen=True, slots=True)
class ConfigurationWanted:
    """A client needs its configuration. The owner answers with `transaction.answer_configuration`.

    `asked`: what the client asks for; None where it does not ask, and is to be sent all that there is for it. `message_id` is that
    of the client's exchange. The ISAKMP SA lives `seconds` more.
    """

    asked: tuple[Attribute, ...] | None
    message_id: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Configured:
    """Of a client: the server has sent the configuration."""

    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Phase1Failed:
    """The phase 1 has failed. `exchange` is that of the peer's message that has ended it, None if none has."""

    trouble: Trouble
    exchange: Exchange | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Phase1Shortened:
    """The responder keeps the ISAKMP SA for so many seconds only."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Phase1Expired:
    """The ISAKMP SA's lifetime is over."""


@dataclass(frozen=True, slots=True)
class Phase1Deleted:
    """The peer has deleted the ISAKMP SA."""


@dataclass(frozen=True, slots=True)
class OverButUsed:
    """The peer still uses an ISAKMP SA that is over."""


@dataclass(frozen=True, slots=True)
class PeerLost:
    """The peer of an ISAKMP SA that was up no longer answers (RFC 3706)."""


@dataclass(frozen=True, slots=True)
class InitialContact:
    """The peer says that it holds no other SA with us."""


@dataclass(frozen=True, slots=True)
class Phase2Keyed:
    """The responder has sent its answer. The initiator may use the SAs before its last message arrives here."""

    result: Phase2Result


@dataclass(frozen=True, slots=True)
class Phase2Up:
    result: Phase2Result


@dataclass(frozen=True, slots=True)
class Phase2Failed:
    """A quick mode has failed. `tag` is None if the owner refused it. `spis` were ours in it.

    `asked` is the protocol that was asked for where that is known: ESP of a bundle. `exchange` is as in Phase1Failed.
    """

    trouble: Trouble
    initiator: bool
    tag: object
    spis: tuple[int, ...] = ()
    asked: int | None = None
    exchange: Exchange | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Phase2Deleted:
    """The peer has deleted SAs: the SPIs are those that we send with."""

    protocol: int
    spis: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class InvalidSpi:
    """The peer has no SA of an SPI that we send with."""

    protocol: int
    spi: int


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """A message of an established ISAKMP SA could not be encrypted (`sending`) or decrypted, so the SA is useless."""

    sending: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class BadMessage:
    """A message that was dropped: of a live SA, or one that tells nothing certain about the set-up under way.

    `exchange` is what its header says, None if that names none that there is. `clear`: it should have been encrypted, and was not.
    """

    trouble: Trouble
    exchange: Exchange | None = field(default=None, compare=False)
    clear: bool = field(default=False, compare=False)


IkeEvent = (
    Phase1Up
    | PeerNamed
    | LoginOffered
    | ConfigurationWanted
    | Configured
    | Phase1Failed
    | Phase1Shortened
    | Phase1Expired
    | Phase1Deleted
    | OverButUsed
    | PeerLost
    | InitialContact
    | Phase2Keyed
    | Phase2Up
    | Phase2Failed
    | Phase2Deleted
    | InvalidSpi
    | EngineFailed
    | BadMessage
)


class RefusedError(Exception):
    """A handler ends its exchange. It says why, and which notification to send (0: none)."""

    def __init__(self, trouble: Trouble, notify: int = 0) -> None:
        super().__init__(trouble.value)
        self.trouble = trouble
        self.notify = notify
