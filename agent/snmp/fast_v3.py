"""Snmp room: SNMPv3 messages of the fast path: decrypts requests, makes answers and Reports (RFC 3412 §6, §7; RFC 3414 §2.4, §3).

It first settles who asks: engine, user, level, digest, time, in the RFC's order. A message that fails is counted, and gets its
Report here. A message that passes is decrypted, and only then its PDU is decoded. pysnmp gets answers to messages of ours, and PDUs
in unusual encodings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import NamedTuple

from agent.mib.schema import Oid
from agent.mib.values import OCTET_STRING, number, object_identifier, octets, wrap
from agent.snmp.ber import (
    DROP,
    GET,
    GET_BULK,
    GET_NEXT,
    INFORM,
    REPORT,
    RESPONSE,
    SEQUENCE,
    SET,
    VERSION_2C,
    NotRecognisedError,
    ReadPdu,
    SetPdu,
    number_at,
    request_pdu,
    value_at,
)
from agent.snmp.counters import SnmpCounters
from agent.snmp.identity import MOST_BOOTS, EngineIdentity
from agent.snmp.sizes import V3_HEADER
from agent.snmp.usm_message import (
    FLAGS,
    LEVELS,
    REPORTABLE,
    TIME_WINDOW,
    USM,
    Parameters,
    global_data,
    read_parameters,
    sealed,
)
from agent.snmp.usm_protocols import SALT_SIZE, Levels, Protection, UnusableUserError

_SMALLEST_MAX_SIZE = 484  # octets (RFC 3412 §6, HeaderData)
_PLAIN = Protection()
_NO_ID = b"\x02\x01\x00"  # the request-id of a Report about a request whose own was not read
_NO_CONTEXT = b"\x04\x00"
_NO_ERROR = b"\x02\x01\x00\x02\x01\x00"
_CONFIRMED = frozenset((GET, GET_NEXT, SET, GET_BULK, INFORM))
_USM_STATS: Oid = (1, 3, 6, 1, 6, 3, 15, 1, 1)
_MPD_STATS: Oid = (1, 3, 6, 1, 6, 3, 11, 2, 1)
_REPORTED: Mapping[str, bytes] = {
    name: object_identifier((*oid, 0))
    for name, oid in {
        "usmStatsUnsupportedSecLevels": (*_USM_STATS, 1),
        "usmStatsNotInTimeWindows": (*_USM_STATS, 2),
        "usmStatsUnknownUserNames": (*_USM_STATS, 3),
        "usmStatsUnknownEngineIDs": (*_USM_STATS, 4),
        "usmStatsWrongDigests": (*_USM_STATS, 5),
        "usmStatsDecryptionErrors": (*_USM_STATS, 6),
        "snmpUnknownPDUHandlers": (*_MPD_STATS, 3),
        "snmpUnknownContexts": (1, 3, 6, 1, 6, 3, 12, 1, 5),
    }.items()
}


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
    pdu: ReadPdu | SetPdu
    octets: bytes  # in which `bindings` of the PDU begin
    end: int  # where they end


class _Header(NamedTuple):
    """msgGlobalData, and where msgSecurityParameters begin."""

    message_id: bytes
    largest: int
    level: str
    reportable: bool
    end: int


class _Refused(Exception):  # noqa: N818 - a turn of the flow, not a fault
    """A message is refused; `report` is sent in return."""

    def __init__(self, report: bytes) -> None:
        super().__init__()
        self.report = report


class V3Messages:
    """Opens requests and seals responses of one engine, which is the authoritative one of both.

    `time` gives its snmpEngineTime, `users` its users by name as they stand; `largest` is the msgMaxSize that it announces. What is
    refused is counted in `counters`.
    """

    def __init__(
        self,
        identity: EngineIdentity,
        time: Callable[[], int],
        users: Mapping[bytes, Levels],
        largest: int,
        counters: SnmpCounters,
    ) -> None:
        self.engine_id = identity.engine_id
        self._boots = identity.boots
        self._time = time
        self._users = users
        self._counters = counters
        self._engine = octets(identity.engine_id)
        self._engine_and_boots = self._engine + number("Integer32", identity.boots)
        self._announced = number("Integer32", largest)

    def open(self, data: bytes, at: int, names: int) -> Opened | bytes | None:
        """The request in a message whose header is at `at`, with up to `names` names and one more.

        Octets if there is none: the Report to send, or DROP. None if it is for pysnmp.
        """
        try:
            return self._open(data, at, names)
        except _Refused as refused:
            # RFC 3412 §7.1 step 3: no Report on what is known to ask nothing.
            return DROP if refused.report and _asks_nothing(data, at) else refused.report
        except (IndexError, NotRecognisedError):
            self._counters.count("snmpInASNParseErrs")
            return DROP

    def seal(self, request: Opened, scoped_pdu: bytes) -> bytes:
        """The response to a request, of its scopedPDU: for the request's user, at its level (RFC 3412 §7.1, RFC 3414 §3.1)."""
        return self._seal(request.message_id, request.user, request.level, request.protection, scoped_pdu)

    def trap(self, message_id: int, user: bytes, level: str, context: bytes, pdu: bytes) -> bytes:
        """A trap to a user, in a context (RFC 3412 §7.1). Raises UnusableUserError."""
        protection = self._users.get(user, {}).get(level)
        if protection is None:
            raise UnusableUserError("its user cannot be used at that security level")
        scoped_pdu = wrap(SEQUENCE, self.context(context) + pdu)
        return self._seal(number("Integer32", message_id), user, level, protection, scoped_pdu)

    def context(self, name: bytes) -> bytes:
        """What the scopedPDU of a notification of ours begins with: contextEngineID and contextName."""
        return self._engine + octets(name)

    def report(self, request: Opened, counter: str, level: str, protection: Protection) -> bytes:
        """The Report on a request that was opened, by the counter that it adds to; DROP where it does not fit."""
        self._counters.count(counter)
        request_id = request.pdu.request_id if isinstance(request.pdu, SetPdu) else request.pdu[1]
        scoped = self._reporting(counter, request_id)
        report = self._seal(request.message_id, request.user, level, protection, scoped)
        return report if len(report) <= request.largest else DROP

    def _seal(self, message_id: bytes, user: bytes, level: str, protection: Protection, scoped_pdu: bytes) -> bytes:
        head = global_data(message_id, self._announced, FLAGS[level])
        return sealed(head, self._engine_and_boots, self._boots, self._time(), user, protection, scoped_pdu)

    # --- opening, in the order of the elements of procedure ---

    def _open(self, data: bytes, at: int, names: int) -> Opened | None:
        header = self._header(data, at)
        given = read_parameters(data, header.end)
        if given.engine_id != self.engine_id:
            self._of_another_engine(header, given)
        levels = self._users.get(given.user)
        if levels is None:
            raise self._refusal("usmStatsUnknownUserNames", header, given.user)
        protection = levels.get(header.level)
        if protection is None:
            raise self._refusal("usmStatsUnsupportedSecLevels", header, given.user)
        if protection.authentication is not None:
            self._authenticate(data, header, given, protection)
        scoped, begin, end = self._scoped_pdu(data, header, given, protection)
        context_at = begin + len(self._engine)
        ours = scoped[begin:context_at] == self._engine
        if not ours:
            context_at = value_at(scoped, begin, OCTET_STRING)[1]
        name_at, pdu_at = value_at(scoped, context_at, OCTET_STRING)
        kind = scoped[pdu_at]
        if kind in (RESPONSE, REPORT):
            raise _Refused(DROP)  # to nothing that we have sent (RFC 3412 §7.2 step 10)
        pdu = request_pdu(scoped, pdu_at, end, VERSION_2C, names)
        if pdu is None:
            return None
        opened = Opened(
            header.message_id,
            header.largest,
            header.largest - given.size - V3_HEADER,
            given.user,
            header.level,
            protection,
            scoped[begin:pdu_at],
            scoped[name_at:pdu_at],
            pdu,
            scoped,
            end,
        )
        if not ours:
            raise _Refused(self.report(opened, "snmpUnknownPDUHandlers", "noauth", _PLAIN))
        return opened

    def _header(self, data: bytes, at: int) -> _Header:
        """msgGlobalData (RFC 3412 §6, §7.2 steps 2 to 5)."""
        begin, end = value_at(data, at, SEQUENCE)
        message_number, at = number_at(data, begin)
        message_id = data[begin:at]
        if len(message_id) != message_number.bit_length() // 8 + 3:
            message_id = number("Integer32", message_number)
        largest, at = number_at(data, at)
        flags_at, flags_end = value_at(data, at, OCTET_STRING)
        if flags_end != flags_at + 1 or largest < _SMALLEST_MAX_SIZE:
            raise NotRecognisedError
        if data[flags_end:end] != USM:
            model, stop = number_at(data, flags_end)
            if stop != end or not model:
                raise NotRecognisedError
            if model != USM[-1]:
                self._counters.count("snmpUnknownSecurityModels")
                raise _Refused(DROP)
        flags = data[flags_at]
        level = LEVELS[flags & 3]
        if level is None:
            self._counters.count("snmpInvalidMsgs")
            raise _Refused(DROP)
        return _Header(message_id, largest, level, bool(flags & REPORTABLE), end)

    def _of_another_engine(self, header: _Header, given: Parameters) -> None:
        """Refuse a message that names no engine, or not ours (RFC 3414 §3.2 step 3, §4)."""
        raise self._refusal("usmStatsUnknownEngineIDs", header)

    def _authenticate(self, data: bytes, header: _Header, given: Parameters, protection: Protection) -> None:
        """Refuse a message whose digest is wrong, or that is not in time (RFC 3414 §3.2 steps 6 and 7)."""
        authentication = protection.authentication
        assert authentication is not None
        digest, size = data[given.digest_at : given.digest_end], authentication.size
        cleared = data[: given.digest_at] + bytes(size) + data[given.digest_end :]
        if len(digest) != size or not compare_digest(digest, authentication.digest(cleared)):
            raise self._refusal("usmStatsWrongDigests", header, given.user)
        if given.boots != self._boots or self._boots == MOST_BOOTS or abs(given.time - self._time()) > TIME_WINDOW:
            level = Protection(authentication)  # so that the manager can trust the time in the Report
            raise self._refusal("usmStatsNotInTimeWindows", header, given.user, level="auth", protection=level)

    def _scoped_pdu(self, data: bytes, header: _Header, given: Parameters, protection: Protection) -> tuple[bytes, int, int]:
        """The octets in which the scopedPDU lies, and where its contents begin and end in them (RFC 3414 §3.2 step 8)."""
        privacy = protection.privacy
        begin, end = value_at(data, given.end, SEQUENCE if privacy is None else OCTET_STRING)
        if end != len(data):
            raise NotRecognisedError
        if privacy is None:
            return data, begin, end
        if len(given.salt) == SALT_SIZE:
            scoped = privacy.decrypt(given.boots, given.time, given.salt, data[begin:end])
            try:
                begin, end = value_at(scoped, 0, SEQUENCE)  # padding may follow
                if end <= len(scoped):
                    return scoped, begin, end
            except (IndexError, NotRecognisedError):
                pass
        raise self._refusal("usmStatsDecryptionErrors", header, given.user)

    # --- Reports ---

    def _refusal(
        self,
        counter: str,
        header: _Header,
        user: bytes = b"",
        level: str = "noauth",
        protection: Protection = _PLAIN,
    ) -> _Refused:
        """Count why a message is refused. Its Report is sent where the sender takes one (RFC 3412 §7.1 step 3)."""
        self._counters.count(counter)
        if not header.reportable:
            return _Refused(DROP)
        scoped = self._reporting(counter, _NO_ID)
        report = self._seal(header.message_id, user, level, protection, scoped)
        return _Refused(report if len(report) <= header.largest else DROP)

    def _reporting(self, counter: str, request_id: bytes) -> bytes:
        """A scopedPDU with the Report of a counter."""
        value = number("Counter32", self._counters.value(counter) & 0xFFFFFFFF)
        binding = wrap(SEQUENCE, wrap(SEQUENCE, _REPORTED[counter] + value))
        return wrap(SEQUENCE, self._engine + _NO_CONTEXT + wrap(REPORT, request_id + _NO_ERROR + binding))


def _asks_nothing(data: bytes, at: int) -> bool:
    """Whether a message in the clear has a PDU that is not of the Confirmed Class; `at` is its header."""
    at = value_at(data, value_at(data, at, SEQUENCE)[1], OCTET_STRING)[1]
    if data[at] != SEQUENCE:
        return False
    at = value_at(data, value_at(data, at, SEQUENCE)[0], OCTET_STRING)[1]
    return data[value_at(data, at, OCTET_STRING)[1]] not in _CONFIRMED
