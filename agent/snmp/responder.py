"""Snmp room: the command responder: requests that pysnmp has decoded and authenticated, answered from the trees (RFC 3413 §3.2).

It replaces pysnmp's four responders, and corrects their defects: the error-index is that of the failed binding, any
exception ends in a response (genErr), an empty GETBULK is answered, no number of bindings is cut silently, a response that is too
large is trimmed (GETBULK) or says tooBig, and an unknown SNMPv3 context gets its Report.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from pyasn1.codec.ber import encoder
from pysnmp.proto import errind, error, rfc1905
from pysnmp.proto.api import v1, v2c

from agent.base.text import octets_of, text_of
from agent.base.work import Work, go_on
from agent.mib.tree import Tree
from agent.mib.values import LONGEST_NAME, content_at
from agent.snmp.access import AccessPolicy, Grant, Source
from agent.snmp.answering import Answerer, Question, echoes
from agent.snmp.ber import GET, GET_BULK, GET_NEXT, SET
from agent.snmp.counters import SnmpCounters
from agent.snmp.reading import TOO_BIG, Answer
from agent.snmp.security import LEVEL_NAMES, USM, AccessControl, source_of
from agent.snmp.sizes import room_in_community_message, room_in_v3
from agent.snmp.wire import assignment, pysnmp_value

_KINDS = {
    rfc1905.GetRequestPDU.tagSet: GET,
    rfc1905.GetNextRequestPDU.tagSet: GET_NEXT,
    rfc1905.GetBulkRequestPDU.tagSet: GET_BULK,
    rfc1905.SetRequestPDU.tagSet: SET,
}
REQUESTS = tuple(_KINDS)
_MOST_BINDINGS = 2147483647
LARGEST_SUB_IDENTIFIER = 4294967295

Bindings = Sequence[tuple[Any, Any]]  # names and values as pysnmp has them


@dataclass(frozen=True, slots=True)
class _Request:
    """One request as pysnmp hands it over."""

    mp_model: int  # 0: SNMPv1, 1: SNMPv2c, 3: SNMPv3
    model: int
    name: bytes
    level: int
    context: str
    source: str
    kind: int
    pdu: Any
    bindings: Bindings
    largest_scoped_pdu: int

    @property
    def version_1(self) -> bool:
        return self.mp_model == 0


Later = Callable[[Any, Any, bytes, Work[Answer]], None]  # transport domain and address, and the message


class CommandResponder:
    """Answers GET, GETNEXT, GETBULK and SET of every context of one router.

    `later` has a work done whose answer takes long, and then `answer_with` called.
    """

    def __init__(
        self,
        access: AccessControl,
        policy: Callable[[], AccessPolicy],
        trees: Callable[[str], Tree | None],
        answerer: Answerer,
        counters: SnmpCounters,
        largest: Callable[[], int],
        failed: Callable[[Exception], None],
        refused_user: Callable[[bytes, str, str, Source], None],
        later: Later,
    ) -> None:
        self._access = access
        self._policy = policy
        self._trees = trees
        self._answerer = answerer
        self._counters = counters
        self._largest = largest
        self._failed = failed
        self._refused_user = refused_user
        self._later = later
        self._found: Answer | None = None

    def answer_with(self, found: Answer, receive: Callable[[], None]) -> None:
        """Have the request that `receive` takes in once more answered with what was found."""
        self._found = found
        try:
            receive()
        finally:
            self._found = None

    def process_pdu(self, engine: Any, *message: Any) -> None:
        """pysnmp's dispatcher calls this with each request for us (RFC 3412 §4.2.2 processPdu). It never raises."""
        try:
            self._process(engine, *message)
        except Exception as fault:
            self._failed(fault)

    # --- one request ---

    def _process(
        self,
        engine: Any,
        mp_model: Any,
        security_model: Any,
        security_name: Any,
        security_level: Any,
        context_engine_id: Any,
        context_name: Any,
        pdu_version: Any,
        pdu: Any,
        largest_scoped_pdu: Any,
        state_reference: Any,
    ) -> None:
        execution = engine.observer.get_execution_context("rfc3412.receiveMessage:request")
        source = source_of(execution["transportAddress"])
        request = _Request(
            int(mp_model),
            int(security_model),
            bytes(security_name),
            int(security_level),
            text_of(bytes(context_name)),
            str(source),
            _KINDS[pdu.tagSet],
            pdu,
            (v1 if int(mp_model) == 0 else v2c).apiPDU.get_varbinds(pdu),
            int(largest_scoped_pdu),
        )
        if request.model == USM and not self._policy().admits(request.name, source):
            self._refused_user(request.name, LEVEL_NAMES[request.level], request.context, source)
            return  # as for a community whose access list refuses the source: no answer
        if not all(_is_name(name) for name, _ in request.bindings):
            self._counters.count("snmpInASNParseErrs")
            return
        status_information: dict[str, Any] = {}
        try:
            tree, grant = self._subject(request, source)
            room = self._budget(request, engine, execution["wholeMsg"])
            question = _question(request)
            found = go_on(self._answerer.answer(question, tree, grant, room)) if self._found is None else self._found
            if isinstance(found, Generator):
                self._later(execution["transportDomain"], execution["transportAddress"], execution["wholeMsg"], found)
                return
            response = _response_pdu(request, question, found, room)
        except _UnknownContext:
            response = pdu
            status_information = self._unknown_context(engine, request.level)
        security = (mp_model, security_model, security_name, security_level)
        context = (context_engine_id, context_name, pdu_version)
        try:
            engine.message_dispatcher.return_response_pdu(
                engine, *security, *context, response, largest_scoped_pdu, state_reference, status_information
            )
        except error.StatusInformation:
            self._counters.count("snmpSilentDrops")  # not even an empty response fits
            return
        if not status_information:
            self._counters.count("snmpOutGetResponses")

    def _subject(self, request: _Request, source: Source) -> tuple[Tree, Grant | None]:
        """The tree of the request's context, and the requester's rights there; no grant if access is refused."""
        try:
            grant = self._access.grant(request.model, request.name, request.level, octets_of(request.context), source)
        except error.StatusInformation as refused:
            if refused["errorIndication"] == errind.noSuchContext:
                raise _UnknownContext from None
            grant = None
            if request.model == USM:
                self._refused_user(request.name, LEVEL_NAMES[request.level], request.context, source)
        tree = self._trees(request.context)
        if tree is None:
            raise _UnknownContext
        return tree, grant

    def _unknown_context(self, engine: Any, level: int) -> dict[str, Any]:
        """Count the unknown context, and have the Report say so (RFC 3413 §3.2 step 5, RFC 3412 §7.1.3)."""
        (counter,) = engine.get_mib_builder().import_symbols("__SNMP-TARGET-MIB", "snmpUnknownContexts")
        counter.syntax += 1
        return {
            "errorIndication": errind.noSuchContext,
            "oid": counter.name,
            "val": counter.syntax.clone(self._counters.value("snmpUnknownContexts") & 0xFFFFFFFF),
            "securityLevel": level,
        }

    # --- sizes ---

    def _budget(self, request: _Request, engine: Any, message: bytes) -> int:
        """How many octets of variable bindings a response to this request may hold."""
        largest = self._largest()
        if request.mp_model == 3:
            names = len(engine.snmpEngineID), len(request.name), len(octets_of(request.context))
            return room_in_v3(largest, request.largest_scoped_pdu, *names)
        return room_in_community_message(largest, message)


class _UnknownContext(Exception):  # noqa: N818 - a turn of the flow, not a fault
    """The request names a context that this router does not have."""


def _question(request: _Request) -> Question:
    bindings, kind = request.bindings, request.kind
    first = second = 0
    if kind == GET_BULK:
        first = min(int(v2c.apiBulkPDU.get_non_repeaters(request.pdu)), _MOST_BINDINGS)
        second = min(int(v2c.apiBulkPDU.get_max_repetitions(request.pdu)), _MOST_BINDINGS)
    return Question(
        kind,
        request.version_1,
        request.model != USM,
        request.context,
        request.source,
        () if kind == SET else [tuple(name) for name, _ in bindings],
        [assignment(name, value) for name, value in bindings] if kind == SET else (),
        _content_size(encoder.encode(request.pdu[3])) if bindings else 0,
        first,
        second,
    )


def _response_pdu(request: _Request, question: Question, answer: Answer, room: int) -> Any:
    """pysnmp's response PDU. With an error, and to a SET, the bindings are those of the request (RFC 3416 §4.2.1, §4.2.5)."""
    api = v1 if request.version_1 else v2c
    pdu = api.apiPDU.get_response(request.pdu)
    if echoes(question, answer) or (answer.status == TOO_BIG and request.version_1 and question.echoed <= room):
        bindings = request.bindings  # RFC 3416 §4.2.1: tooBig has none; RFC 1157 §4.1.2: those of the request
    else:
        bindings = [(name, pysnmp_value(value, request.version_1)) for name, value in answer.bindings]
    api.apiPDU.set_varbinds(pdu, bindings)
    api.apiPDU.set_error_status(pdu, answer.status)
    api.apiPDU.set_error_index(pdu, answer.index)
    return pdu


def _content_size(encoded: bytes) -> int:
    begin, end = content_at(encoded, 0)
    return end - begin


def _is_name(name: Sequence[int]) -> bool:
    """Whether a decoded OBJECT IDENTIFIER can name anything (RFC 2578 §3.5: at most 128 sub-identifiers of 32 bits)."""
    return len(name) <= LONGEST_NAME and all(number <= LARGEST_SUB_IDENTIFIER for number in name)
