"""Mib room: the labels of the MIBs' enumerations for terms of IKE, IPsec and IOS. A term without a label cannot be represented."""

from __future__ import annotations

from agent.base.clock import CENTISECOND
from agent.flow.model import NO_GROUP, NOT_USED, Address, EndReason, Identity, IkeFailureReason, IpsecFailureReason
from agent.flow.settings import TrapKind

LARGEST_INTEGER32 = 2147483647

NEGO_MODE = {False: "main", True: "aggressive"}  # IkeNegoMode
ENCAPSULATION = {False: "tunnel", True: "transport"}  # EncapMode
GROUP = {NO_GROUP: "none", 1: "dhGroup1", 2: "dhGroup2"}  # DiffHellmanGrp
CIPHER = {NOT_USED: "none", "null": "none", "des": "des", "3des": "des3"}  # EncryptAlgo
IKE_HASH = {NOT_USED: "none", "md5": "md5", "sha": "sha"}  # IkeHashAlgo
AUTHENTICATION = {"pre-share": "preSharedKey", "rsa-sig": "rsaSig", "rsa-encr": "rsaEncrypt"}  # IkeAuthMethod
HMAC = {NOT_USED: "none", "md5": "hmacMd5", "sha": "hmacSha"}  # AuthAlgo
COMPRESSION = {NOT_USED: "none", "deflate": "ldf"}  # CompAlgo
ENDPOINT_KIND = {"address": "singleIpAddr", "range": "ipAddrRange", "subnet": "ipSubnet"}  # EndPtType

IKE_END = {
    EndReason.OTHER: "other",
    EndReason.NORMAL: "normal",
    EndReason.OPERATOR: "operRequest",
    EndReason.PEER_DELETE: "peerDelRequest",
    EndReason.PEER_LOST: "peerLost",
    EndReason.LOCAL_FAILURE: "localFailure",
    EndReason.CHECKPOINT: "checkPointReg",
}
IPSEC_END = {
    EndReason.OTHER: "other",
    EndReason.LOCAL_FAILURE: "other",
    EndReason.UNKNOWN_TO_PEER: "other",
    EndReason.NORMAL: "normal",
    EndReason.OPERATOR: "operRequest",
    EndReason.PEER_DELETE: "peerDelRequest",
    EndReason.PEER_LOST: "peerLost",
    EndReason.SEQUENCE_ROLLOVER: "seqNumRollOver",
    EndReason.CHECKPOINT: "checkPointReq",
}
IKE_FAILURE = {
    IkeFailureReason.OTHER: "other",
    IkeFailureReason.PEER_DELETE: "peerDelRequest",
    IkeFailureReason.PEER_LOST: "peerLost",
    IkeFailureReason.LOCAL_FAILURE: "localFailure",
    IkeFailureReason.AUTHENTICATION: "authFailure",
    IkeFailureReason.HASH_VALIDATION: "hashValidation",
    IkeFailureReason.ENCRYPT: "encryptFailure",
    IkeFailureReason.INTERNAL: "internalError",
    IkeFailureReason.CAPACITY: "sysCapExceeded",
    IkeFailureReason.PROPOSAL: "proposalFailure",
    IkeFailureReason.PEER_CERTIFICATE_UNAVAILABLE: "peerCertUnavailable",
    IkeFailureReason.PEER_CERTIFICATE_INVALID: "peerCertNotValid",
    IkeFailureReason.LOCAL_CERTIFICATE_EXPIRED: "localCertExpired",
    IkeFailureReason.CRL: "crlFailure",
    IkeFailureReason.PEER_ENCODING: "peerEncodingError",
    IkeFailureReason.NO_SA: "nonExistentSa",
    IkeFailureReason.OPERATOR: "operRequest",
}
IPSEC_FAILURE = {
    IpsecFailureReason.OTHER: "other",
    IpsecFailureReason.INTERNAL: "internalError",
    IpsecFailureReason.PEER_ENCODING: "peerEncodingError",
    IpsecFailureReason.PROPOSAL: "proposalFailure",
    IpsecFailureReason.PROTOCOL_USE: "protocolUseFail",
    IpsecFailureReason.NO_SA: "nonExistentSa",
    IpsecFailureReason.DECRYPT: "decryptFailure",
    IpsecFailureReason.ENCRYPT: "encryptFailure",
    IpsecFailureReason.IN_AUTHENTICATION: "inAuthFailure",
    IpsecFailureReason.OUT_AUTHENTICATION: "outAuthFailure",
    IpsecFailureReason.COMPRESSION: "compression",
    IpsecFailureReason.CAPACITY: "sysCapExceeded",
    IpsecFailureReason.PEER_DELETE: "peerDelRequest",
    IpsecFailureReason.PEER_LOST: "peerLost",
    IpsecFailureReason.SEQUENCE_ROLLOVER: "seqNumRollOver",
    IpsecFailureReason.OPERATOR: "operRequest",
}

# The control scalar of each notification.
FLOW_TRAP_SCALARS = {
    "cipSecTrapCntlIkeTunnelStart": TrapKind.IKE_TUNNEL_START,
    "cipSecTrapCntlIkeTunnelStop": TrapKind.IKE_TUNNEL_STOP,
    "cipSecTrapCntlIkeSysFailure": TrapKind.IKE_SYSTEM_FAILURE,
    "cipSecTrapCntlIkeCertCrlFailure": TrapKind.IKE_CERTIFICATE_FAILURE,
    "cipSecTrapCntlIkeProtocolFail": TrapKind.IKE_PROTOCOL_FAILURE,
    "cipSecTrapCntlIkeNoSa": TrapKind.IKE_NO_SA,
    "cipSecTrapCntlIpSecTunnelStart": TrapKind.IPSEC_TUNNEL_START,
    "cipSecTrapCntlIpSecTunnelStop": TrapKind.IPSEC_TUNNEL_STOP,
    "cipSecTrapCntlIpSecSysFailure": TrapKind.IPSEC_SYSTEM_FAILURE,
    "cipSecTrapCntlIpSecSetUpFailure": TrapKind.IPSEC_SETUP_FAILURE,
    "cipSecTrapCntlIpSecEarlyTunTerm": TrapKind.IPSEC_EARLY_END,
    "cipSecTrapCntlIpSecProtocolFail": TrapKind.IPSEC_PROTOCOL_FAILURE,
    "cipSecTrapCntlIpSecNoSa": TrapKind.IPSEC_NO_SA,
}
IPSEC_TRAP_SCALARS = {
    "cipsCntlIsakmpPolicyAdded": TrapKind.POLICY_ADDED,
    "cipsCntlIsakmpPolicyDeleted": TrapKind.POLICY_DELETED,
    "cipsCntlCryptomapAdded": TrapKind.MAP_ADDED,
    "cipsCntlCryptomapDeleted": TrapKind.MAP_DELETED,
    "cipsCntlCryptomapSetAttached": TrapKind.MAP_ATTACHED,
    "cipsCntlCryptomapSetDetached": TrapKind.MAP_DETACHED,
    "cipsCntlTooManySAs": TrapKind.TOO_MANY_SAS,
}


def identity_type(identity: Identity | None) -> str | None:
    """IkePeerType; None of an identity that never became known."""
    if identity is None:
        return None
    return "ipAddrPeer" if identity.is_address else "namePeer"


def identity_value(identity: Identity | None) -> str | None:
    """An identity as IOS writes it into the MIB: an IPv4 address zero-padded to 15 characters."""
    if identity is None:
        return None
    if identity.is_address and ":" not in identity.value:
        return ".".join(octet.zfill(3) for octet in identity.value.split("."))
    return identity.value


def centiseconds(microseconds: int) -> int:
    """TimeStamp: hundredths of a second, 0 for what was before sysUpTime began (RFC 2579 §2)."""
    return max(0, microseconds) // CENTISECOND


def interval(microseconds: int) -> int | None:
    """TimeInterval: hundredths of a second; one of more than 248 days cannot be represented."""
    return representable(microseconds // CENTISECOND)


def representable(value: int | None) -> int | None:
    """A number as an Integer32 can hold it, else None."""
    return None if value is None or value > LARGEST_INTEGER32 else value


def address(value: Address | None) -> bytes | None:
    """IPSIpAddress: 4 or 16 octets."""
    return None if value is None else value.packed


def truth(value: bool) -> str:
    """TruthValue."""
    return "true" if value else "false"


def trap_status(enabled: bool) -> str:
    """TrapStatus."""
    return "enabled" if enabled else "disabled"
