"""Snmp room: SNMPv3 messages of the fast path: requests opened, responses sealed (RFC 3412 §6 and §7, RFC 3414 §2.4 and §3).

A message is opened when nothing about it needs saying: it is for this engine, by a user known here, at a level that the user has,
in time, authentic, and a read. All else (discovery, whatever ends in a Report or a counter of errors, SET, encodings that managers
do not make) is None, "not for the fast path": pysnmp takes it from the start, so that nothing is counted twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import NamedTuple

from agent.mib.values import length, number, octets, wrap
from agent.snmp.ber import OCTET_STRING, SEQUENCE, VERSION_2C, NotRecognisedError, ReadPdu, number_at, read_pdu, value_at
from agent.snmp.identity import MOST_BOOTS, EngineIdentity
from agent.snmp.sizes import V3_HEADER
from agent.snmp.usm_protocols import SALT_SIZE, Authentication, Levels, Protection

TIME_WINDOW = 150  # seconds (RFC 3414 §2.2.3)
_SMALLEST_MAX_SIZE = 484  # octets (RFC 3412 §6, HeaderData)
_VERSION_3 = b"\x02\x01\x03"
_USM = b"\x02\x01\x03"  # msgSecurityModel
# Levels, by their names in the configuration, of msgFlags; a request may bear the reportableFlag, a response does not.
_LEVELS = {0: "noauth", 1: "auth", 3: "priv", 4: "noauth", 5: "auth", 7: "priv"}
_FLAGS = {"noauth": b"\x04\x01\x00", "auth": b"\x04\x01\x01", "priv": b"\x04\x01\x03"}


# What is made for every message is a tuple: nothing else is made as quickly.
class Opened(NamedTuple):
    """A request that has been authenticated and decrypted.

    `head` is what the scopedPDU of the response repeats, contextEngineID and contextName. `largest` is the sender's msgMaxSize, and
    `largest_scoped_pdu` what that leaves for a scopedPDU (RFC 3414 §3.2, step 9), in octets.
    """

    message_id: bytes  # its whole INTEGER
    largest: int
    largest_scoped_pdu: int
    user: bytes
    level: str
    protection: Protection
    head: bytes
    context: bytes
    pdu: ReadPdu


class _Header(NamedTuple):
    """msgGlobalData, and where msgSecurityParameters begin."""

    message_id: bytes
    largest: int
    level: str
    end: int


class _Parameters(NamedTuple):
    """msgSecurityParameters, their size in octets, and where msgData begin."""

    boots: int
    time: int
    user: bytes
    digest_at: int
    digest_end: int
    salt: bytes
    size: int
    end: int


class V3Messages:
    """Opens requests and seals responses of one engine, which is the authoritative one of both.

    `time` gives its snmpEngineTime, `users` its users by name as they stand; `largest` is the msgMaxSize that it announces.
    """

    def __init__(self, identity: EngineIdentity, time: Callable[[], int], users: Mapping[bytes, Levels], largest: int) -> None:
        self.engine_id = identity.engine_id
        self._boots = identity.boots
        self._time = time
        self._users = users
        self._engine = octets(identity.engine_id)
        self._engine_and_boots = self._engine + number("Integer32", identity.boots)
        self._announced = number("Integer32", largest)

    def open(self, datagram: bytes) -> Opened | None:
        """The request in a datagram, or None: it is not for the fast path."""
        try:
            return self._open(datagram)
        except (IndexError, NotRecognisedError):
            return None

    def seal(self, request: Opened, scoped_pdu: bytes) -> bytes:
        """The response to a request, of its scopedPDU: for the request's user, at its level (RFC 3412 §7.1, RFC 3414 §3.1)."""
        authentication, privacy = request.protection.authentication, request.protection.privacy
        now = self._time()
        salt = b""
        if privacy is not None:
            encrypted, salt = privacy.encrypt(self._boots, now, scoped_pdu)
            scoped_pdu = octets(encrypted)
        size = 0 if authentication is None else authentication.size
        # What goes before the digest and what goes after it, from the inside out: the digest is of all of it.
        before = self._engine_and_boots + number("Integer32", now) + octets(request.user) + bytes((OCTET_STRING, size))
        after = octets(salt)
        before = _begun(SEQUENCE, before, size + len(after))
        before = _begun(OCTET_STRING, before, size + len(after))
        before = _VERSION_3 + wrap(SEQUENCE, request.message_id + self._announced + _FLAGS[request.level] + _USM) + before
        after += scoped_pdu
        before = _begun(SEQUENCE, before, size + len(after))
        if authentication is None:
            return before + after
        return before + authentication.digest(before + bytes(size) + after) + after

    # --- opening, in the order of the elements of procedure ---

    def _open(self, data: bytes) -> Opened:
        header = _header(data)
        parameters = self._parameters(data, header.end)
        levels = self._users.get(parameters.user)
        protection = None if levels is None else levels.get(header.level)
        if protection is None or not self._is_authentic(data, parameters, protection.authentication):
            raise NotRecognisedError
        scoped, begin, end = _scoped_pdu(data, parameters, protection)
        context_at = begin + len(self._engine)
        if scoped[begin:context_at] != self._engine:
            raise NotRecognisedError
        name_at, pdu_at = value_at(scoped, context_at, OCTET_STRING)
        pdu = read_pdu(scoped, pdu_at, end, VERSION_2C)
        if pdu is None:
            raise NotRecognisedError
        return Opened(
            header.message_id,
            header.largest,
            header.largest - parameters.size - V3_HEADER,
            parameters.user,
            header.level,
            protection,
            scoped[begin:pdu_at],
            scoped[name_at:pdu_at],
            pdu,
        )

    def _parameters(self, data: bytes, at: int) -> _Parameters:
        """UsmSecurityParameters (RFC 3414 §2.4, §3.2 steps 1 to 3) of this engine."""
        begin, end = value_at(data, at, OCTET_STRING)
        at, sequence_end = value_at(data, begin, SEQUENCE)
        boots_at = at + len(self._engine)
        if data[at:boots_at] != self._engine:
            raise NotRecognisedError
        boots, at = number_at(data, boots_at)
        time, at = number_at(data, at)
        user_at, user_end = value_at(data, at, OCTET_STRING)
        digest_at, digest_end = value_at(data, user_end, OCTET_STRING)
        salt_at, salt_end = value_at(data, digest_end, OCTET_STRING)
        if not salt_end == sequence_end == end:
            raise NotRecognisedError
        return _Parameters(boots, time, data[user_at:user_end], digest_at, digest_end, data[salt_at:end], end - begin, end)

    def _is_authentic(self, data: bytes, given: _Parameters, authentication: Authentication | None) -> bool:
        """Whether the digest is right, and the message in time (RFC 3414 §3.2 steps 6 and 7); at noAuthNoPriv there is none."""
        digest = data[given.digest_at : given.digest_end]
        if authentication is None:
            return not digest
        if given.boots != self._boots or self._boots == MOST_BOOTS or abs(given.time - self._time()) > TIME_WINDOW:
            return False
        size = authentication.size
        cleared = data[: given.digest_at] + bytes(size) + data[given.digest_end :]
        return len(digest) == size and compare_digest(digest, authentication.digest(cleared))


def _header(data: bytes) -> _Header:
    """SNMPv3Message up to msgGlobalData (RFC 3412 §6, §7.2 steps 2 to 5)."""
    at, end = value_at(data, 0, SEQUENCE)
    if end != len(data) or data[at : at + 3] != _VERSION_3:
        raise NotRecognisedError
    begin, end = value_at(data, at + 3, SEQUENCE)
    _, at = number_at(data, begin)
    message_id = data[begin:at]
    largest, at = number_at(data, at)
    level = _LEVELS.get(data[at + 2])
    if data[at : at + 2] != b"\x04\x01" or data[at + 3 : end] != _USM or level is None or largest < _SMALLEST_MAX_SIZE:
        raise NotRecognisedError
    return _Header(message_id, largest, level, end)


def _scoped_pdu(data: bytes, given: _Parameters, protection: Protection) -> tuple[bytes, int, int]:
    """The octets in which the scopedPDU lies, and where its contents begin and end in them (RFC 3414 §3.2 step 8)."""
    privacy = protection.privacy
    if privacy is None:
        begin, end = value_at(data, given.end, SEQUENCE)
        if end != len(data) or given.salt:
            raise NotRecognisedError
        return data, begin, end
    begin, end = value_at(data, given.end, OCTET_STRING)
    if end != len(data) or len(given.salt) != SALT_SIZE:
        raise NotRecognisedError
    scoped = privacy.decrypt(given.boots, given.time, given.salt, data[begin:end])
    begin, end = value_at(scoped, 0, SEQUENCE)  # padding may follow
    return scoped, begin, end


def _begun(tag: int, content: bytes, rest: int) -> bytes:
    """A value of which the contents so far are given, and so many octets are to follow."""
    return bytes((tag,)) + length(len(content) + rest) + content
