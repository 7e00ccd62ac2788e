"""Lab room: every cause of failure, and what it shows as at both ends, in the words of CISCO-IPSEC-FLOW-MONITOR-MIB.

The table is printed into docs/failures.md, and a test brings each of its causes about and looks at every column. What decides is
elsewhere: troubles and faults become reasons in `failures`, ends become reasons in the flow monitor, reasons notifications in the
snmp room.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Shown:
    """What one end shows: counters that rise, the reason of its new failure rows of either phase, the reason in history of a tunnel
    of either phase that ends, the notifications sent where they are enabled, what the peer is told by ISAKMP (not counting
    answers that a set-up needs anyway), and the messages logged, by their names in `LINES`."""

    counters: tuple[str, ...] = ()
    ike_failure: str | None = None
    ipsec_failure: str | None = None
    ike_end: str | None = None
    ipsec_end: str | None = None
    notifications: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    logged: tuple[str, ...] = ()

    def logging(self, *logged: str) -> Shown:
        """The same with messages logged."""
        return replace(self, logged=logged)


NOTHING = Shown()


@dataclass(frozen=True, slots=True)
class Cause:
    """`here` is the end that the cause is at, or that finds it out."""

    name: str
    here: Shown
    peer: Shown = NOTHING


# --- what several causes show as ---

_IKE_STOP = ("cikeTunnelStop",)
_IPSEC_STOP = ("cipSecTunnelStop", "cipSecEarlyTunTerm")
_BOTH_STOP = (*_IPSEC_STOP, *_IKE_STOP)

UP, DOWN = "session UP", "session DOWN"
_BAD_MESSAGE = "IKMP_BAD_MESSAGE"
_IN_MAIN = "IKMP_MODE_FAILURE, Main"
_IN_AGGRESSIVE = "IKMP_MODE_FAILURE, Aggressive"
_IN_QUICK = "IKMP_MODE_FAILURE, Quick"
_IN_INFORMATIONAL = "IKMP_MODE_FAILURE, Informational"
_NOT_AUTHENTICATED = "IKMP_AUTH_FAIL"
_BAD_CERTIFICATE = "IKMP_INVAL_CERT, invalid"

_INITIATOR = "cikeGlobalInitTunnelFails"
_RESPONDER = "cikeGlobalRespTunnelFails"
_AUTH = "cikeGlobalAuthFails"
_REJECTED = "cikeGlobalInP2ExchgRejects"
_WAS_REJECTED = "cikeGlobalOutP2ExchgRejects"


def _set_up(side: str, reason: str, *told: str, counters: tuple[str, ...] = (), notification: str | None = None) -> Shown:
    """A phase 1 that does not come about."""
    sent = (notification,) if notification else ()
    return Shown((side, *counters), ike_failure=reason, notifications=sent, told=told)


def _no_room(side: str) -> Shown:
    """A phase 1 that may not begin."""
    return _set_up(side, "sysCapExceeded", counters=("cikeGlobalSysCapFails",), notification="cikeSysFailure")


def _certificate(reason: str, told: str, side: str = _RESPONDER) -> Shown:
    """A peer's certificate that is not believed."""
    shown = _set_up(side, reason, told, counters=(_AUTH,), notification="cikeCertCrlFailure")
    return shown.logging(_BAD_CERTIFICATE, _IN_MAIN)


def _quick(counter: str | None, reason: str, *told: str, notification: str = "cipSecSetUpFailure") -> Shown:
    """A phase 2 that does not come about."""
    return Shown((counter,) if counter else (), ipsec_failure=reason, notifications=(notification,), told=told)


def _packet(*counters: str, reason: str, notification: str = "cipSecProtocolFailure") -> Shown:
    """Packets of a live tunnel that do not pass."""
    return Shown(tuple(f"cipSecGlobal{counter}" for counter in counters), ipsec_failure=reason, notifications=(notification,))


def _message(*counters: str, reason: str, told: tuple[str, ...] = ()) -> Shown:
    """A bad message to a live ISAKMP SA."""
    rising = tuple(f"cikeGlobal{counter}" for counter in counters)
    return Shown(rising, ike_failure=reason, notifications=("cikeProtocolFailure",), told=told)


def _both_end(reason: str, *told: str) -> Shown:
    """The tunnels of both phases end."""
    return Shown((), reason, reason, reason, reason, _BOTH_STOP, told, (DOWN,))


def _ipsec_ends(end: str, reason: str | None, *told: str) -> Shown:
    notifications = _IPSEC_STOP if reason else _IPSEC_STOP[:1]
    return Shown((), None, reason, None, end, notifications, told, (DOWN,))


_PROTOCOL = "cikeProtocolFailure"
_NOT_BEGUN = _set_up(_INITIATOR, "proposalFailure", notification=_PROTOCOL)
_REFUSED = _NOT_BEGUN.logging(_IN_INFORMATIONAL)
_NOT_AUTHENTIC = _set_up(_INITIATOR, "authFailure", counters=(_AUTH,), notification=_PROTOCOL).logging(_IN_INFORMATIONAL)
_OURS_NOT_AUTHENTIC = _set_up(_RESPONDER, "authFailure", counters=(_AUTH,), notification=_PROTOCOL).logging(_IN_INFORMATIONAL)
_QUICK_NOT_CHOSEN = _quick(_REJECTED, "proposalFailure", "NO_PROPOSAL_CHOSEN").logging(_IN_QUICK)
_QUICK_REFUSED = _quick(_WAS_REJECTED, "proposalFailure")
_PEER_GONE = _set_up(_INITIATOR, "peerLost")

PHASE_1 = (
    Cause(
        "no common ISAKMP policy",
        _set_up(_RESPONDER, "proposalFailure", "NO_PROPOSAL_CHOSEN", notification=_PROTOCOL).logging(_IN_MAIN),
        _REFUSED,
    ),
    Cause("no usable policy: there is no key for the peer", _NOT_BEGUN),
    Cause(
        "the pre-shared keys differ",
        _set_up(_RESPONDER, "authFailure", "PAYLOAD_MALFORMED", counters=(_AUTH,), notification=_PROTOCOL).logging(_BAD_MESSAGE),
        _NOT_AUTHENTIC,
    ),
    Cause(
        "the pre-shared keys differ, in aggressive mode",
        _set_up(
            _INITIATOR,
            "hashValidation",
            "INVALID_HASH_INFORMATION",
            counters=("cikeGlobalHashValidFails",),
            notification=_PROTOCOL,
        ).logging(_NOT_AUTHENTICATED, _IN_AGGRESSIVE),
        _set_up(_RESPONDER, "hashValidation", counters=("cikeGlobalHashValidFails",), notification=_PROTOCOL).logging(
            _IN_INFORMATIONAL
        ),
    ),
    Cause(
        "aggressive mode is disabled at the responder",
        _set_up(_RESPONDER, "other").logging("IKMP_AG_MODE_DISABLED"),
        _PEER_GONE,
    ),
    Cause("the limit of IKE SAs is reached at the responder", _no_room(_RESPONDER), _PEER_GONE),
    Cause("the limit of IKE SAs is reached at the initiator", _no_room(_INITIATOR)),
    Cause("no usable policy: this router has no certificate", _NOT_BEGUN),
    Cause(
        "the signature is not that of the peer's certificate",
        _set_up(_RESPONDER, "authFailure", "INVALID_SIGNATURE", counters=(_AUTH,), notification=_PROTOCOL).logging(
            "IKMP_AUTH_FAIL, signature", _IN_MAIN
        ),
        _NOT_AUTHENTIC,
    ),
    Cause(
        "the peer sends no certificate",
        _certificate("peerCertUnavailable", "CERTIFICATE_UNAVAILABLE", _INITIATOR).logging(_IN_AGGRESSIVE),
        _OURS_NOT_AUTHENTIC,
    ),
    Cause(
        "the peer's certificate cannot be read",
        _certificate("peerCertNotValid", "INVALID_CERT_ENCODING", _INITIATOR).logging(_BAD_CERTIFICATE, _IN_AGGRESSIVE),
        _OURS_NOT_AUTHENTIC,
    ),
    Cause(
        "the peer's certificate is not from a known authority",
        _certificate("peerCertNotValid", "INVALID_CERT_AUTHORITY"),
        _NOT_AUTHENTIC,
    ),
    Cause("the peer's certificate names another identity", _certificate("peerCertNotValid", "INVALID_CERTIFICATE"), _NOT_AUTHENTIC),
    Cause("the peer's certificate has expired", _certificate("peerCertNotValid", "INVALID_CERTIFICATE"), _NOT_AUTHENTIC),
    Cause("the peer's certificate is revoked", _certificate("crlFailure", "INVALID_CERTIFICATE"), _NOT_AUTHENTIC),
    Cause(
        "there is no current revocation list",
        _certificate("crlFailure", "INVALID_CERTIFICATE").logging("IKMP_INVAL_CERT, CA", _IN_MAIN),
        _NOT_AUTHENTIC,
    ),
    Cause(
        "our own certificate has expired",
        _set_up(
            _INITIATOR, "localCertExpired", "AUTHENTICATION_FAILED", counters=(_AUTH,), notification="cikeCertCrlFailure"
        ).logging(_IN_MAIN),
        _OURS_NOT_AUTHENTIC,
    ),
    Cause(
        "the peer's profile has another key than the one used",
        _set_up(_RESPONDER, "authFailure", "AUTHENTICATION_FAILED", counters=(_AUTH,), notification=_PROTOCOL).logging(
            _NOT_AUTHENTICATED, _IN_MAIN
        ),
        _NOT_AUTHENTIC,
    ),
    Cause(
        "the initiator's profile does not match the responder",
        _set_up(_INITIATOR, "authFailure", "AUTHENTICATION_FAILED", counters=(_AUTH,), notification=_PROTOCOL).logging(
            _NOT_AUTHENTICATED, _IN_MAIN
        ),
        Shown((), "peerDelRequest", None, "peerDelRequest", None, ("cikeTunnelStart", *_IKE_STOP)),
    ),
    Cause(
        "a message of the set-up is malformed",
        _set_up(_RESPONDER, "peerEncodingError", "PAYLOAD_MALFORMED", notification=_PROTOCOL).logging(_BAD_MESSAGE),
        _set_up(_INITIATOR, "other").logging(_IN_INFORMATIONAL),
    ),
    Cause(
        "a message of another version, such as IKEv2",
        _set_up(_RESPONDER, "peerEncodingError", "INVALID_MAJOR_VERSION", notification=_PROTOCOL).logging(
            _BAD_MESSAGE, _BAD_MESSAGE
        ),
    ),
    Cause(
        "an invalid Diffie-Hellman public value",
        _set_up(_RESPONDER, "peerEncodingError", "INVALID_KEY_INFORMATION", notification=_PROTOCOL).logging(_IN_MAIN),
        _set_up(_INITIATOR, "other").logging(_IN_INFORMATIONAL),
    ),
    Cause("the peer never answers", _PEER_GONE),
    Cause("the initiator stops answering", _set_up(_RESPONDER, "peerLost")),
    Cause("the set-up is cleared", _set_up(_INITIATOR, "operRequest"), _set_up(_RESPONDER, "peerLost")),
    Cause(
        "the crypto engine has failed before phase 1",
        _set_up(_RESPONDER, "localFailure", notification="cikeSysFailure").logging(_IN_MAIN),
        _PEER_GONE,
    ),
)
CLIENTS = (
    Cause(
        "a user's password is wrong",
        _set_up(_RESPONDER, "authFailure", "DELETE", counters=(_AUTH,), notification=_PROTOCOL),
    ),
    Cause(
        "no usable policy: AAA has no key for the name of the client's group or of the peer",
        _set_up(_RESPONDER, "proposalFailure", "NO_PROPOSAL_CHOSEN", notification=_PROTOCOL).logging(_IN_AGGRESSIVE),
    ),
    Cause(
        "no method of the list of logins has an answer",
        _set_up(_RESPONDER, "authFailure", "DELETE", counters=(_AUTH,), notification=_PROTOCOL),
    ),
    Cause("a client does not answer", _set_up(_RESPONDER, "peerLost", "DELETE")),
    Cause(
        "the pool has no address left",
        _set_up(_RESPONDER, "sysCapExceeded", "DELETE", counters=("cikeGlobalSysCapFails",), notification="cikeSysFailure"),
    ),
    Cause(
        "the limit of a group's users is reached",
        _set_up(_RESPONDER, "sysCapExceeded", "DELETE", counters=("cikeGlobalSysCapFails",), notification="cikeSysFailure"),
    ),
)
MESSAGES = (
    Cause(
        "a message that does not decrypt",
        _message("DecryptFails", "InP2ExchgInvalids", reason="encryptFailure").logging(_BAD_MESSAGE),
    ),
    Cause(
        "a message whose HASH is wrong",
        _message("HashValidFails", "InP2ExchgInvalids", reason="hashValidation").logging(_IN_QUICK),
    ),
    Cause("an error notification in the clear", _message("AuthFails", reason="authFailure").logging("IKMP_NOT_ENCRYPTED")),
    Cause(
        "a message for an unknown ISAKMP SA",
        Shown(("cikeGlobalNoSaFails",), ike_failure="nonExistentSa", notifications=("cikeNoSa",), logged=("IKMP_NO_SA",)),
        Shown((), "operRequest", None, "operRequest", None, _IKE_STOP, ("DELETE",), ("ISAKMP_MANUAL_DELETE",)),
    ),
    Cause(
        "a message for an ISAKMP SA that has just ended",
        Shown(("cikeGlobalNoSaFails",), "nonExistentSa", None, None, None, ("cikeNoSa",), ("DELETE",), ("IKMP_NO_SA",)),
        Shown((), "peerDelRequest", None, "peerDelRequest", None, _IKE_STOP, ("R_U_THERE",)),
    ),
)
PHASE_2 = (
    Cause("no common transform set", _QUICK_NOT_CHOSEN, _QUICK_REFUSED),
    Cause("no map entry for the flow", _QUICK_NOT_CHOSEN, _QUICK_REFUSED),
    Cause(
        "a reserved SPI is offered",
        _quick(_REJECTED, "peerEncodingError", "INVALID_SPI").logging(_BAD_MESSAGE),
        _quick(_WAS_REJECTED, "other"),
    ),
    Cause("PFS is required and not offered", _QUICK_NOT_CHOSEN, _QUICK_REFUSED),
    Cause(
        "the limit of IPsec SAs is reached at the responder",
        Shown(
            (_REJECTED, "cipSecGlobalSysCapFails"),
            ipsec_failure="sysCapExceeded",
            notifications=("cipSecSysFailure", "cipsTooManySAs"),
            told=("NO_PROPOSAL_CHOSEN",),
            logged=(_IN_QUICK,),
        ),
        _QUICK_REFUSED,
    ),
    Cause(
        "the limit of IPsec SAs is reached at the initiator",
        Shown(
            ("cipSecGlobalSysCapFails",),
            ipsec_failure="sysCapExceeded",
            notifications=("cipSecSysFailure", "cipsTooManySAs"),
        ),
    ),
    Cause("the peer does not answer a quick mode", _quick(None, "peerLost")),
    Cause(
        "the quick mode is cleared",
        Shown((), "operRequest", "operRequest", "operRequest", None, ("cipSecSetUpFailure", "cikeTunnelStop"), ("DELETE",)),
        Shown((), "peerDelRequest", "peerDelRequest", "peerDelRequest", None, ("cipSecSetUpFailure", "cikeTunnelStop")),
    ),
    Cause(
        "the crypto engine cannot encrypt the first message of a quick mode",
        Shown(
            (), "localFailure", "encryptFailure", "localFailure", None, ("cipSecSysFailure", "cikeTunnelStop", "cikeSysFailure")
        ).logging("IKMP_CRYPT_FAILURE, encrypt"),
    ),
    Cause(
        "the crypto engine fails during a quick mode",
        Shown(
            (), "localFailure", "internalError", "localFailure", None, ("cipSecSysFailure", "cikeTunnelStop", "cikeSysFailure")
        ).logging("IKMP_CRYPT_FAILURE, decrypt"),
        _quick(None, "peerLost"),
    ),
)
PACKETS = (
    Cause(
        "an unknown SPI",
        Shown(
            ("cipSecGlobalNoSaFails",), None, "nonExistentSa", None, None, ("cipSecNoSa",), ("INVALID_SPI",), ("RECVD_PKT_INV_SPI",)
        ),
        _ipsec_ends("other", "nonExistentSa"),
    ),
    Cause(
        "an unknown SPI, and no ISAKMP SA with the peer",
        Shown(
            ("cipSecGlobalNoSaFails",),
            ipsec_failure="nonExistentSa",
            notifications=("cipSecNoSa",),
            logged=("RECVD_PKT_INV_SPI",),
        ),
    ),
    Cause(
        "an unknown SPI, no ISAKMP SA with the peer, and invalid-spi-recovery",
        Shown(
            ("cipSecGlobalNoSaFails",),
            ipsec_failure="nonExistentSa",
            notifications=("cipSecNoSa", "cikeTunnelStart"),
            told=("INVALID_SPI",),
            logged=("RECVD_PKT_INV_SPI",),
        ),
        Shown((), "peerLost", "peerLost", "peerLost", "peerLost", ("cikeTunnelStop", *_IPSEC_STOP, "cikeTunnelStart")).logging(
            DOWN
        ),
    ),
    Cause(
        "packets whose integrity check fails",
        _packet("InAuthFails", "InDrops", reason="inAuthFailure").logging("RECVD_PKT_MAC_ERR"),
    ),
    Cause("packets that do not decrypt", _packet("InDecryptFails", "InDrops", reason="decryptFailure")),
    Cause(
        "packets that do not match the SA's selectors",
        _packet("InDrops", "ProtocolUseFails", reason="protocolUseFail").logging("RECVD_PKT_INV_IDENTITY"),
    ),
    Cause("truncated packets", _packet("InDrops", reason="peerEncodingError").logging("RECVD_PKT_MSG_LEN_ERR")),
    Cause("replayed packets", Shown(("cipSecGlobalInReplayDrops",), logged=("PKT_REPLAY_ERR",))),
    Cause("packets left of the replay window", Shown(("cipSecGlobalInReplayDrops",), logged=("PKT_REPLAY_ERR",))),
    Cause("packets that should be protected come in the clear", Shown(logged=("RECVD_PKT_NOT_IPSEC",))),
    Cause(
        "the crypto engine fails: packets out, encrypted",
        _packet("OutEncryptFails", "OutDrops", reason="encryptFailure", notification="cipSecSysFailure"),
    ),
    Cause(
        "the crypto engine fails: packets out, authenticated only",
        _packet("OutAuthFails", "OutDrops", reason="outAuthFailure", notification="cipSecSysFailure"),
    ),
    Cause(
        "the crypto engine fails: packets in, encrypted",
        _packet("InDecryptFails", "InDrops", reason="internalError", notification="cipSecSysFailure"),
    ),
    Cause(
        "the crypto engine fails: packets in, authenticated only",
        _packet("InAuthFails", "InDrops", reason="internalError", notification="cipSecSysFailure"),
    ),
)
ENDS = (
    Cause(
        "an ISAKMP SA expires",
        Shown(ike_end="normal", notifications=_IKE_STOP, told=("DELETE",)),
        Shown(ike_end="normal", notifications=_IKE_STOP),
    ),
    Cause(
        "an ISAKMP SA expires that the peer would keep for longer",
        Shown(ike_end="normal", notifications=_IKE_STOP, told=("DELETE",)),
        Shown((), "peerDelRequest", None, "peerDelRequest", None, _IKE_STOP),
    ),
    Cause("the SAs of an idle flow expire", _ipsec_ends("normal", None, "DELETE"), _ipsec_ends("normal", None, "DELETE")),
    Cause("an operator clears the session", _both_end("operRequest", "DELETE"), _both_end("peerDelRequest")),
    Cause(
        "the map entry is removed",
        _ipsec_ends("operRequest", "operRequest", "DELETE"),
        _ipsec_ends("peerDelRequest", "peerDelRequest"),
    ),
    Cause(
        "sequence numbers are used up",
        Shown(("cipSecGlobalOutDrops",), None, "seqNumRollOver", None, "seqNumRollOver", _IPSEC_STOP, ("DELETE",), (DOWN,)),
        _ipsec_ends("peerDelRequest", "peerDelRequest"),
    ),
    Cause(
        "the peer is lost: dead peer detection",
        Shown((), "peerLost", "peerLost", "peerLost", "peerLost", ("cikeTunnelStop", *_IPSEC_STOP), ("R_U_THERE",), (DOWN,)),
    ),
    Cause(
        "the peer starts again: INITIAL-CONTACT",
        Shown(
            (),
            "peerLost",
            "peerLost",
            "peerLost",
            "peerLost",
            ("cikeTunnelStop", *_IPSEC_STOP, "cikeTunnelStart", "cipSecTunnelStart"),
        ).logging(DOWN, UP),
        Shown(("cipSecGlobalOutDrops",), notifications=("cikeTunnelStart", "cipSecTunnelStart"), logged=(UP,)),
    ),
    Cause(
        "the crypto engine fails: a message of the ISAKMP SA",
        Shown((), "localFailure", None, "localFailure", None, ("cikeTunnelStop", "cikeSysFailure")).logging(
            "IKMP_CRYPT_FAILURE, decrypt"
        ),
        Shown(told=("R_U_THERE",)),
    ),
    Cause(
        "the router is switched off",
        Shown(
            (),
            "localFailure",
            "internalError",
            "localFailure",
            "other",
            (*_IPSEC_STOP, "cipSecSysFailure", "cikeTunnelStop", "cikeSysFailure"),
        ).logging(DOWN),
    ),
)

CHAPTERS = (
    ("Set-ups of phase 1", PHASE_1),
    ("Set-ups of remote-access clients", CLIENTS),
    ("Messages to an ISAKMP SA", MESSAGES),
    ("Set-ups of phase 2", PHASE_2),
    ("Packets", PACKETS),
    ("Ends", ENDS),
)
CAUSES = tuple(cause for _, causes in CHAPTERS for cause in causes)


# The control object of each notification, by which a manager enables it. That of cipsTooManySAs is in CISCO-IPSEC-MIB, the rest
# in CISCO-IPSEC-FLOW-MONITOR-MIB.
CONTROLS = {
    "cikeTunnelStart": "cipSecTrapCntlIkeTunnelStart",
    "cikeTunnelStop": "cipSecTrapCntlIkeTunnelStop",
    "cikeSysFailure": "cipSecTrapCntlIkeSysFailure",
    "cikeCertCrlFailure": "cipSecTrapCntlIkeCertCrlFailure",
    "cikeProtocolFailure": "cipSecTrapCntlIkeProtocolFail",
    "cikeNoSa": "cipSecTrapCntlIkeNoSa",
    "cipSecTunnelStart": "cipSecTrapCntlIpSecTunnelStart",
    "cipSecTunnelStop": "cipSecTrapCntlIpSecTunnelStop",
    "cipSecSysFailure": "cipSecTrapCntlIpSecSysFailure",
    "cipSecSetUpFailure": "cipSecTrapCntlIpSecSetUpFailure",
    "cipSecEarlyTunTerm": "cipSecTrapCntlIpSecEarlyTunTerm",
    "cipSecProtocolFailure": "cipSecTrapCntlIpSecProtocolFail",
    "cipSecNoSa": "cipSecTrapCntlIpSecNoSa",
    "cipsTooManySAs": "cipsCntlTooManySAs",
}
# The messages of syslog, by the name that the tables give them, in IOS's words (facility CRYPTO).
# {here} and {peer} are the addresses of the two routers, {dec} and {hex} are numbers; of a packet {inner} is the one inside.
LINES = {
    UP: "%CRYPTO-5-SESSION_STATUS: Crypto session is UP. Peer {peer}:500 Id: {peer}",
    DOWN: "%CRYPTO-5-SESSION_STATUS: Crypto session is DOWN. Peer {peer}:500 Id: {peer}",
    "IKMP_AG_MODE_DISABLED": "%CRYPTO-5-IKMP_AG_MODE_DISABLED: Unable to initiate or respond to Aggressive Mode while disabled",
    _NOT_AUTHENTICATED: "%CRYPTO-6-IKMP_AUTH_FAIL: Authentication method 1 failed with host {peer}",
    "IKMP_AUTH_FAIL, signature": "%CRYPTO-6-IKMP_AUTH_FAIL: Authentication method 3 failed with host {peer}",
    _BAD_MESSAGE: "%CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from {peer} failed its sanity check or is malformed",
    "IKMP_CRYPT_FAILURE, decrypt": "%CRYPTO-6-IKMP_CRYPT_FAILURE: IKE (connection id {dec}) unable to decrypt packet",
    "IKMP_CRYPT_FAILURE, encrypt": "%CRYPTO-6-IKMP_CRYPT_FAILURE: IKE (connection id {dec}) unable to encrypt packet",
    "IKMP_INVAL_CERT, CA": "%CRYPTO-5-IKMP_INVAL_CERT: Certificate received from {peer} is bad: CA request failed!",
    _BAD_CERTIFICATE: "%CRYPTO-5-IKMP_INVAL_CERT: Certificate received from {peer} is bad: certificate invalid",
    _IN_AGGRESSIVE: "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Aggressive mode failed with peer at {peer}",
    _IN_INFORMATIONAL: "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Informational mode failed with peer at {peer}",
    _IN_MAIN: "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Main mode failed with peer at {peer}",
    _IN_QUICK: "%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Quick mode failed with peer at {peer}",
    "IKMP_NOT_ENCRYPTED": "%CRYPTO-6-IKMP_NOT_ENCRYPTED: IKE packet from {peer} was not encrypted and it should've been.",
    "IKMP_NO_SA": "%CRYPTO-4-IKMP_NO_SA: IKE message from {peer} has no SA and is not an initialization offer",
    "ISAKMP_MANUAL_DELETE": "%CRYPTO-6-ISAKMP_MANUAL_DELETE: IKE SA manually deleted. Do 'clear crypto sa peer {peer}' to manually"
    " clear IPSec SA's covered by this IKE SA.",
    "PKT_REPLAY_ERR": "%CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed connection id={dec}, sequence number={dec}",
    "RECVD_PKT_INV_IDENTITY": "%CRYPTO-4-RECVD_PKT_INV_IDENTITY: identity doesn't match negotiated identity"
    " (ip) dest_addr= {inner}, src_addr= {inner}, prot= {dec}"
    " (ident) local={here}, remote={peer}, local_proxy={net}, remote_proxy={net}",
    "RECVD_PKT_INV_SPI": "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr={here}, prot={dec},"
    " spi=0x{hex}({dec}), srcaddr={peer}",
    "RECVD_PKT_MAC_ERR": "%CRYPTO-4-RECVD_PKT_MAC_ERR: decrypt: mac verify failed for connection id={dec}"
    " local={here} remote={peer} spi={hex} seqno={hex}",
    "RECVD_PKT_MSG_LEN_ERR": "%CRYPTO-4-RECVD_PKT_MSG_LEN_ERR: decapsulate: packet has bad esp length"
    " destadr={here}, prot={dec}, len={dec}",
    "RECVD_PKT_NOT_IPSEC": "%CRYPTO-4-RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet."
    " (ip) vrf/dest_addr= /{inner}, src_addr= {inner}, prot= {dec}",
}
_BY_DEFAULT = ("cikeTunnelStart", "cikeTunnelStop", "cipSecTunnelStart", "cipSecTunnelStop")  # enabled


# --- printed ---

_COLUMNS = (
    "at",
    "counters",
    "cikeFailReason",
    "cipSecFailReason",
    "cikeTunHistTermReason",
    "cipSecTunHistTermReason",
    "notifications",
    "control objects",
    "tells the peer",
    "syslog",
)


def page() -> str:
    """The tables of docs/failures.md."""
    return "\n".join([*(line for title, causes in CHAPTERS for line in _chapter(title, causes)), *_messages()])


def _messages() -> Iterator[str]:
    yield "### Messages of syslog\n"
    yield "| syslog | message |"
    yield "| --- | --- |"
    yield from (f"| {name} | `{line}` |" for name, line in LINES.items())
    yield ""


def _chapter(title: str, causes: tuple[Cause, ...]) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"| cause | {' | '.join(_COLUMNS)} |"
    yield "|".join(["", *[" --- "] * (len(_COLUMNS) + 1), ""])
    for cause in causes:
        yield _row(cause.name, "here", cause.here)
        if cause.peer != NOTHING:
            yield _row("", "peer", cause.peer)
    yield ""


def _row(name: str, at: str, shown: Shown) -> str:
    reasons = (shown.ike_failure, shown.ipsec_failure, shown.ike_end, shown.ipsec_end)
    told = (kind.replace("_", "-") for kind in shown.told)
    lists = (", ".join(each) for each in (shown.counters, shown.notifications, told))
    counters, notifications, tells = lists
    syslog = "; ".join(dict.fromkeys(shown.logged))
    controls = ", ".join(dict.fromkeys(CONTROLS[each] for each in shown.notifications if each not in _BY_DEFAULT))
    cells = (name, at, counters, *reasons, notifications, controls, tells, syslog)
    return "|".join(["", *[f" {cell} " if cell else " " for cell in cells], ""])
