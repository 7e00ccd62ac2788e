"""Snmp room: the parts of an SNMPv3 message: reads security parameters, and authenticates and encrypts messages.

RFC 3412 §6, RFC 3414 §2.4 and §3.1. Of requests and traps this router's engine is the authoritative one, of informs the receiver's:
that is the engine whose ID, boots and time a message bears, and to which the user's keys are localised.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from agent.mib.values import OCTET_STRING, length, number, octets, wrap
from agent.snmp.ber import SEQUENCE, NotRecognisedError, number_at, value_at
from agent.snmp.usm_protocols import Protection

USM = b"\x02\x01\x03"  # msgSecurityModel
LEVELS = ("noauth", "auth", None, "priv")  # by the lower two bits of msgFlags: privacy without authentication is no level
REPORTABLE = 4  # the bit of msgFlags; a response does not bear it, nor does a trap
FLAGS = {"noauth": b"\x04\x01\x00", "auth": b"\x04\x01\x01", "priv": b"\x04\x01\x03"}
REPORTABLE_FLAGS = {"noauth": b"\x04\x01\x04", "auth": b"\x04\x01\x05", "priv": b"\x04\x01\x07"}
TIME_WINDOW = 150  # seconds (RFC 3414 §2.2.3)
LARGEST_UDP_PAYLOAD = 65507  # octets: the msgMaxSize that is announced
_VERSION_3 = b"\x02\x01\x03"
_LONGEST_USER = 32  # octets of a name (SnmpAdminString)


# What is made for every message is a tuple: nothing else is made as quickly.
class Parameters(NamedTuple):
    """msgSecurityParameters, their size in octets, and where msgData begin."""

    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest_at: int
    digest_end: int
    salt: bytes
    size: int
    end: int


def read_parameters(data: bytes, at: int) -> Parameters:
    """UsmSecurityParameters at `at` (RFC 3414 §2.4, §3.2 steps 1 and 2). Raises IndexError, NotRecognisedError."""
    begin, end = value_at(data, at, OCTET_STRING)
    at, sequence_end = value_at(data, begin, SEQUENCE)
    engine_at, at = value_at(data, at, OCTET_STRING)
    engine_id = data[engine_at:at]
    boots, at = number_at(data, at)
    time, at = number_at(data, at)
    user_at, user_end = value_at(data, at, OCTET_STRING)
    digest_at, digest_end = value_at(data, user_end, OCTET_STRING)
    salt_at, salt_end = value_at(data, digest_end, OCTET_STRING)
    if not salt_end == sequence_end == end or user_end - user_at > _LONGEST_USER:
        raise NotRecognisedError
    return Parameters(engine_id, boots, time, data[user_at:user_end], digest_at, digest_end, data[salt_at:end], end - begin, end)


def read_message_id(data: bytes) -> int | None:
    """The msgID of a message of version 3; None of whatever else the octets are."""
    try:
        return number_at(data, _header(data))[0]
    except (IndexError, NotRecognisedError):
        return None


def read_engine_id(data: bytes) -> bytes | None:
    """The msgAuthoritativeEngineID of a message of version 3; None of whatever else the octets are."""
    try:
        return read_parameters(data, read_flags(data)[1]).engine_id
    except (IndexError, NotRecognisedError):
        return None


def read_flags(data: bytes) -> tuple[int, int]:
    """The msgFlags of a message of version 3, and where its security parameters begin. Raises IndexError or NotRecognisedError."""
    at = _header(data)
    for _ in range(2):  # msgID and msgMaxSize
        at = number_at(data, at)[1]
    begin, end = value_at(data, at, OCTET_STRING)
    if end != begin + 1 or number_at(data, end)[0] != USM[-1]:
        raise NotRecognisedError
    return data[begin], number_at(data, end)[1]


def _header(data: bytes) -> int:
    """Where the contents of msgGlobalData begin."""
    begin, end = value_at(data, 0, SEQUENCE)
    version, at = number_at(data, begin)
    if version != _VERSION_3[-1] or end != len(data):
        raise NotRecognisedError
    return value_at(data, at, SEQUENCE)[0]


def global_data(message_id: bytes, announced: bytes, flags: bytes) -> bytes:
    """Version and msgGlobalData, of the INTEGERs msgID and msgMaxSize and the OCTET STRING msgFlags."""
    return _VERSION_3 + wrap(SEQUENCE, message_id + announced + flags + USM)


def sealed(
    head: bytes, engine_and_boots: bytes, boots: int, now: int, user: bytes, protection: Protection, scoped_pdu: bytes
) -> bytes:
    """A whole message, encrypted and authenticated by `protection` (RFC 3414 §3.1).

    `head` is its `global_data`; `engine_and_boots` are the first two of the security parameters, encoded.
    """
    authentication, privacy = protection.authentication, protection.privacy
    salt = b""
    if privacy is not None:
        encrypted, salt = privacy.encrypt(boots, now, scoped_pdu)
        scoped_pdu = octets(encrypted)
    size = 0 if authentication is None else authentication.size
    # The parts before and after the digest, from the inside out, because the digest covers all of it.
    after = octets(salt)
    before = head + _parameters_to_digest(engine_and_boots, now, user, size, len(after))
    after += scoped_pdu
    before = _begun(SEQUENCE, before, size + len(after))
    if authentication is None:
        return before + after
    return before + authentication.digest(before + bytes(size) + after) + after


@lru_cache(maxsize=64)  # they are the same for all answers to a user within a second
def _parameters_to_digest(engine_and_boots: bytes, now: int, user: bytes, digest_size: int, salt_size: int) -> bytes:
    """msgSecurityParameters up to the contents of the digest, after which the salt's OCTET STRING is to follow."""
    before = engine_and_boots + number("Integer32", now) + octets(user) + bytes((OCTET_STRING, digest_size))
    rest = digest_size + salt_size
    return _begun(OCTET_STRING, _begun(SEQUENCE, before, rest), rest)


def _begun(tag: int, content: bytes, rest: int) -> bytes:
    """A value of which the contents so far are given, and so many octets are to follow."""
    return bytes((tag,)) + length(len(content) + rest) + content
