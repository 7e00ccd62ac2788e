"""Crypto room: the assigned numbers of ISAKMP and of the IPsec domain of interpretation.

RFC 2408 §3.1, §3.14.1 (payloads, exchanges, notify types), RFC 2407 §4.4–4.6 (IPsec DOI), RFC 2409 appendix A (IKE attributes),
RFC 4868 §2.6 (SHA-2 in phase 2), RFC 3947 (NAT traversal), draft-dukes-ike-mode-cfg-02 and draft-beaulieu-ike-xauth-02 (remote
access). Algorithms are named as IOS names them; the tables at the end give each its numbers.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType

IPSEC_DOI = 1
SITUATION_IDENTITY_ONLY = (1).to_bytes(4, "big")
ISAKMP_VERSION = 0x10  # the major version above the minor one
ISAKMP_PORT = 500
NAT_PORT = 4500  # RFC 3947 §4
UDP = 17


class PayloadType(IntEnum):
    """RFC 2408 §3.1."""

    NONE = 0
    SA = 1
    PROPOSAL = 2
    TRANSFORM = 3
    KEY_EXCHANGE = 4
    IDENTIFICATION = 5
    CERTIFICATE = 6
    CERTIFICATE_REQUEST = 7
    HASH = 8
    SIGNATURE = 9
    NONCE = 10
    NOTIFICATION = 11
    DELETE = 12
    VENDOR = 13
    ATTRIBUTES = 14  # draft-dukes-ike-mode-cfg-02 §3.2
    NAT_DETECTION = 20  # RFC 3947 §9
    NAT_DETECTION_DRAFT = 130  # the drafts before it


class Exchange(IntEnum):
    """RFC 2408 §3.1 and RFC 2409 appendix A."""

    MAIN = 2  # Identity Protection
    AGGRESSIVE = 4
    INFORMATIONAL = 5
    TRANSACTION = 6
    QUICK = 32


PHASE1_EXCHANGES = (Exchange.MAIN, Exchange.AGGRESSIVE)


class Flag(IntEnum):
    """RFC 2408 §3.1."""

    ENCRYPTION = 1
    COMMIT = 2
    AUTHENTICATION_ONLY = 4


class Protocol(IntEnum):
    """RFC 2407 §4.4.1."""

    ISAKMP = 1
    AH = 2
    ESP = 3
    IPCOMP = 4


KEY_IKE = 1  # the one transform of protocol ISAKMP (RFC 2407 §4.4.2)


class AhTransform(IntEnum):
    """RFC 2407 §4.4.3, RFC 4868 §2.6."""

    MD5 = 2
    SHA = 3
    SHA2_256 = 5
    SHA2_384 = 6
    SHA2_512 = 7


class EspTransform(IntEnum):
    """RFC 2407 §4.4.4, RFC 3602."""

    DES = 2
    TRIPLE_DES = 3
    NULL = 11
    AES_CBC = 12


class IdentificationType(IntEnum):
    """RFC 2407 §4.6.2.1."""

    IPV4_ADDR = 1
    FQDN = 2
    USER_FQDN = 3
    IPV4_ADDR_SUBNET = 4
    IPV6_ADDR = 5
    IPV6_ADDR_SUBNET = 6
    IPV4_ADDR_RANGE = 7
    IPV6_ADDR_RANGE = 8
    DER_ASN1_DN = 9
    DER_ASN1_GN = 10
    KEY_ID = 11


class CertificateEncoding(IntEnum):
    """RFC 2408 §3.9: the only one that is sent and read here."""

    X509_SIGNATURE = 4


class IkeAttribute(IntEnum):
    """Attributes of a phase-1 transform (RFC 2409 appendix A)."""

    ENCRYPTION = 1
    HASH = 2
    AUTHENTICATION = 3
    GROUP = 4
    LIFE_TYPE = 11
    LIFE_DURATION = 12
    KEY_LENGTH = 14


class IpsecAttribute(IntEnum):
    """Attributes of a phase-2 transform (RFC 2407 §4.5)."""

    LIFE_TYPE = 1
    LIFE_DURATION = 2
    GROUP = 3
    ENCAPSULATION_MODE = 4
    AUTHENTICATION = 5
    KEY_LENGTH = 6


class LifeType(IntEnum):
    SECONDS = 1
    KILOBYTES = 2


class EncapsulationMode(IntEnum):
    """RFC 2407 §4.5 and RFC 3947 §5.1."""

    TUNNEL = 1
    TRANSPORT = 2
    UDP_TUNNEL = 3
    UDP_TRANSPORT = 4
    UDP_TUNNEL_DRAFT = 61443  # the drafts before RFC 3947
    UDP_TRANSPORT_DRAFT = 61444


class ConfigurationType(IntEnum):
    """What an Attributes payload is for (draft-dukes-ike-mode-cfg-02 §3.2)."""

    REQUEST = 1
    REPLY = 2
    SET = 3
    ACK = 4


class ConfigurationAttribute(IntEnum):
    """Attributes of the configuration method (draft-dukes-ike-mode-cfg-02 §3.3); those from 28672 on are of Cisco's Unity."""

    INTERNAL_IP4_ADDRESS = 1
    INTERNAL_IP4_NETMASK = 2
    INTERNAL_IP4_DNS = 3
    INTERNAL_IP4_NBNS = 4
    INTERNAL_ADDRESS_EXPIRY = 5
    APPLICATION_VERSION = 7
    SUPPORTED_ATTRIBUTES = 14
    BANNER = 28672
    SAVE_PASSWORD = 28673
    DEFAULT_DOMAIN = 28674
    SPLIT_DNS = 28675
    SPLIT_INCLUDE = 28676
    INCLUDE_LOCAL_LAN = 28678
    PFS = 28679


class XauthAttribute(IntEnum):
    """Attributes of extended authentication (draft-beaulieu-ike-xauth-02 §6)."""

    TYPE = 16520
    USER_NAME = 16521
    USER_PASSWORD = 16522
    MESSAGE = 16524
    CHALLENGE = 16525
    STATUS = 16527


XAUTH_GENERIC, XAUTH_RADIUS_CHAP = 0, 1  # types: by name and password, by the response to a challenge (RFC 1994)
XAUTH_FAIL, XAUTH_OK = 0, 1  # values of STATUS


class NotifyType(IntEnum):
    """RFC 2408 §3.14.1 and RFC 2407 §4.6.3: those that this implementation sends or acts upon."""

    DOI_NOT_SUPPORTED = 2
    SITUATION_NOT_SUPPORTED = 3
    INVALID_MAJOR_VERSION = 5
    INVALID_MINOR_VERSION = 6
    INVALID_FLAGS = 8
    INVALID_SPI = 11
    NO_PROPOSAL_CHOSEN = 14
    PAYLOAD_MALFORMED = 16
    INVALID_KEY_INFORMATION = 17
    INVALID_ID_INFORMATION = 18
    INVALID_CERT_ENCODING = 19
    INVALID_CERTIFICATE = 20
    CERT_TYPE_UNSUPPORTED = 21
    INVALID_CERT_AUTHORITY = 22
    INVALID_HASH_INFORMATION = 23
    AUTHENTICATION_FAILED = 24
    INVALID_SIGNATURE = 25
    CERTIFICATE_UNAVAILABLE = 28
    CONNECTED = 16384
    RESPONDER_LIFETIME = 24576
    INITIAL_CONTACT = 24578
    R_U_THERE = 36136  # RFC 3706 §5.2
    R_U_THERE_ACK = 36137


FIRST_STATUS_NOTIFY = 16384  # below are errors (RFC 2408 §3.14.1)

# --- algorithms by their IOS names ---

# Classes of phase 1 (RFC 2409 appendix A); the key length is an attribute of its own where it varies.
IKE_CIPHERS = MappingProxyType({"des": 1, "3des": 5, "aes": 7})
IKE_HASHES = MappingProxyType({"md5": 1, "sha": 2, "sha256": 4, "sha384": 5, "sha512": 6})
IKE_AUTHENTICATION = MappingProxyType({"pre-share": 1, "rsa-sig": 3})
# The same, with the initiator's user to log in afterwards (draft-beaulieu-ike-xauth-02 §7.2).
XAUTH_AUTHENTICATION = MappingProxyType({"pre-share": 65001, "rsa-sig": 65005})

ESP_CIPHERS = MappingProxyType(
    {"des": EspTransform.DES, "3des": EspTransform.TRIPLE_DES, "aes": EspTransform.AES_CBC, "null": EspTransform.NULL}
)
AH_HASHES = MappingProxyType(
    {
        "md5": AhTransform.MD5,
        "sha": AhTransform.SHA,
        "sha256": AhTransform.SHA2_256,
        "sha384": AhTransform.SHA2_384,
        "sha512": AhTransform.SHA2_512,
    }
)
# The Authentication Algorithm attribute of phase 2 (RFC 2407 §4.5, RFC 4868 §2.6).
IPSEC_HASHES = MappingProxyType({"md5": 1, "sha": 2, "sha256": 5, "sha384": 6, "sha512": 7})

VARIABLE_KEY_CIPHERS = frozenset({"aes"})  # the key length is negotiated
