"""Snmp room: the command responder: requests that pysnmp has decoded and authenticated, answered from the trees (RFC 3413 §3.2).

It stands where pysnmp's four responders would, and mends what they do wrong: the error-index is that of the failed binding, any
exception ends in a response (genErr), an empty GETBULK is answered, no number of bindings is cut silently, a response that is too
large is trimmed (GETBULK) or says tooBig, and an unknown SNMPv3 context gets its Report.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pysnmp.proto import errind, error, rfc1905
from pysnmp.proto.api import v1, v2c

from agent.base.text import octets_of, text_of
from agent.mib.schema import Oid
from agent.mib.tree import Tree
from agent.snmp.access import AccessPolicy, Grant, Source
from agent.snmp.counters import SnmpCounters
from agent.snmp.reading import (
    NO_ERROR,
    TOO_BIG,
    Answer,
    ReadFaultError,
    Visible,
    binding_size,
    fitting,
    get,
    get_bulk,
    get_next,
    visible,
)
from agent.snmp.security import USM, AccessControl, source_of
from agent.snmp.setting import STATUS, STATUS_FOR_VERSION_1, Refusal, set_values
from agent.snmp.sizes import V3_HEADER, room_in_community_message, room_in_v3
from agent.snmp.view import View
from agent.snmp.wire import assignment, pysnmp_value

GET, GET_NEXT, SET, GET_BULK = 0xA0, 0xA1, 0xA3, 0xA5  # tags of PDUs
_KINDS = {
    rfc1905.GetRequestPDU.tagSet: GET,
    rfc1905.GetNextRequestPDU.tagSet: GET_NEXT,
    rfc1905.GetBulkRequestPDU.tagSet: GET_BULK,
    rfc1905.SetRequestPDU.tagSet: SET,
}
REQUESTS = tuple(_KINDS)
_OUT_COUNTERS = {1: "snmpOutTooBigs", 2: "snmpOutNoSuchNames", 3: "snmpOutBadValues", 5: "snmpOutGenErrs"}
_MOST_BINDINGS = 2147483647
MOST_SUB_IDENTIFIERS = 128
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
    kind: int
    pdu: Any
    bindings: Bindings
    largest_scoped_pdu: int
    size: int  # octets of the whole message

    @property
    def version_1(self) -> bool:
        return self.mp_model == 0


class CommandResponder:
    """Answers GET, GETNEXT, GETBULK and SET of every context of one router."""

    def __init__(
        self,
        access: AccessControl,
        policy: Callable[[], AccessPolicy],
        trees: Callable[[str], Tree | None],
        now: Callable[[], int],
        counters: SnmpCounters,
        largest: Callable[[], int],
        failed: Callable[[Exception], None],
    ) -> None:
        self._access = access
        self._policy = policy
        self._trees = trees
        self._now = now
        self._counters = counters
        self._largest = largest
        self._failed = failed
        self._visible: dict[tuple[str, View, bool], tuple[Tree, int, Visible]] = {}

    def policy_changed(self) -> None:
        """Forget what was compiled from views and trees that may be no more."""
        self._visible.clear()

    def process_pdu(self, engine: Any, *message: Any) -> None:
        """pysnmp's dispatcher calls this with each request that is for us (RFC 3412 §4.2.2 processPdu). Nothing makes it raise."""
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
        request = _Request(
            int(mp_model),
            int(security_model),
            bytes(security_name),
            int(security_level),
            text_of(bytes(context_name)),
            _KINDS[pdu.tagSet],
            pdu,
            (v1 if int(mp_model) == 0 else v2c).apiPDU.get_varbinds(pdu),
            int(largest_scoped_pdu),
            len(execution["wholeMsg"]),
        )
        source = source_of(execution["transportAddress"])
        if request.model == USM and not self._policy().admits(request.name, source):
            return  # as for a community whose access list refuses the source: no answer
        if not all(_is_name(name) for name, _ in request.bindings):
            self._counters.count("snmpInASNParseErrs")
            return
        status_information: dict[str, Any] = {}
        try:
            tree, grant = self._subject(request, source)
            response = self._response(request, tree, grant, self._budget(request, engine, execution["wholeMsg"]))
        except _UnknownContext:
            response = pdu
            status_information = _unknown_context(engine, request.level)
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
        """The tree of the request's context, and what may be done there; no grant where access is refused as such."""
        try:
            grant = self._access.grant(request.model, request.name, request.level, octets_of(request.context), source)
        except error.StatusInformation as refused:
            if refused["errorIndication"] == errind.noSuchContext:
                raise _UnknownContext from None
            grant = None
        tree = self._trees(request.context)
        if tree is None:
            raise _UnknownContext
        return tree, grant

    def _response(self, request: _Request, tree: Tree, grant: Grant | None, budget: int) -> Any:
        self._counters.request(request.kind, len(request.bindings))
        try:
            answer = self._answer(request, tree, grant, budget)
        except Exception as fault:  # a view's own fault must not leave the manager without an answer
            self._failed(fault)
            answer = Answer(STATUS["genErr"], fault.place if isinstance(fault, ReadFaultError) else 0)
        if sum(map(binding_size, answer.bindings)) > budget:
            answer = self._shrink(request, answer, budget)
        counter = _OUT_COUNTERS.get(answer.status)
        if counter is not None:
            self._counters.count(counter)
        return _response_pdu(request, answer)

    def _answer(self, request: _Request, tree: Tree, grant: Grant | None, budget: int) -> Answer:
        if grant is None:
            # RFC 3413 §3.2: noAccessEntry is authorizationError at the first binding; without bindings nobody was refused anything.
            return _refused(request, Refusal("authorizationError", 1)) if request.bindings else Answer()
        if request.kind == SET:
            return self._set(request, tree, grant)
        shown = self._shown(request, tree, grant)
        names: list[Oid] = [tuple(name) for name, _ in request.bindings]
        now = self._now()
        if request.kind == GET:
            return get(shown, names, now, request.version_1)
        if request.kind == GET_NEXT:
            return get_next(shown, names, now, request.version_1)
        non_repeaters = min(int(v2c.apiBulkPDU.get_non_repeaters(request.pdu)), _MOST_BINDINGS)
        repetitions = min(int(v2c.apiBulkPDU.get_max_repetitions(request.pdu)), _MOST_BINDINGS)
        return get_bulk(shown, names, non_repeaters, repetitions, now, budget)

    def _set(self, request: _Request, tree: Tree, grant: Grant) -> Answer:
        largest = self._largest() if request.model != USM else min(self._largest(), request.largest_scoped_pdu + V3_HEADER)
        if request.size > largest:
            return Answer(TOO_BIG)  # a SET's response is as large as the SET: refused before anything is done
        refusal = set_values(tree, grant.write, [assignment(name, value) for name, value in request.bindings], self._failed)
        if refusal is None:
            return Answer()  # the bindings go back as they came
        if refusal.status == "noAccess" and request.model != USM:
            self._counters.count("snmpInBadCommunityUses")
        return _refused(request, refusal)

    def _shown(self, request: _Request, tree: Tree, grant: Grant) -> Visible:
        key = (request.context, grant.read, request.version_1)
        known = self._visible.get(key)
        if known is None or known[0] is not tree or known[1] != len(tree.columns):
            known = self._visible[key] = (tree, len(tree.columns), visible(tree, grant.read, request.version_1))
        return known[2]

    # --- sizes ---

    def _budget(self, request: _Request, engine: Any, message: bytes) -> int:
        """How many octets of variable bindings a response to this request may hold."""
        largest = self._largest()
        if request.mp_model == 3:
            names = len(engine.snmpEngineID), len(request.name), len(octets_of(request.context))
            return room_in_v3(largest, request.largest_scoped_pdu, *names)
        return room_in_community_message(largest, message)

    def _shrink(self, request: _Request, answer: Answer, budget: int) -> Answer:
        """A GETBULK gives what fits (RFC 3416 §4.2.3), anything else says tooBig (§4.2.1)."""
        if request.kind == GET_BULK:
            return replace(answer, bindings=answer.bindings[: fitting(answer.bindings, budget)])
        return Answer(TOO_BIG, 0)


class _UnknownContext(Exception):  # noqa: N818 - a turn of the flow, not a fault
    """The request names a context that this router does not have."""


def _refused(request: _Request, refusal: Refusal) -> Answer:
    status = STATUS_FOR_VERSION_1.get(refusal.status, refusal.status) if request.version_1 else refusal.status
    return Answer(STATUS[status], refusal.index)


def _response_pdu(request: _Request, answer: Answer) -> Any:
    """pysnmp's response PDU. With an error, and to a SET, the bindings are those of the request (RFC 3416 §4.2.1, §4.2.5)."""
    api = v1 if request.version_1 else v2c
    pdu = api.apiPDU.get_response(request.pdu)
    bindings = request.bindings
    if answer.status == TOO_BIG and not request.version_1:
        bindings = ()  # RFC 3416 §4.2.1: empty; RFC 1157 §4.1.2 has them as they came
    if answer.status == NO_ERROR and request.kind != SET:
        bindings = [(name, pysnmp_value(value, request.version_1)) for name, value in answer.bindings]
    api.apiPDU.set_varbinds(pdu, bindings)
    api.apiPDU.set_error_status(pdu, answer.status)
    api.apiPDU.set_error_index(pdu, answer.index)
    return pdu


def _is_name(name: Sequence[int]) -> bool:
    """Whether a decoded OBJECT IDENTIFIER can name anything (RFC 2578 §3.5: at most 128 sub-identifiers of 32 bits)."""
    return len(name) <= MOST_SUB_IDENTIFIERS and all(number <= LARGEST_SUB_IDENTIFIER for number in name)


def _unknown_context(engine: Any, level: int) -> dict[str, Any]:
    """Count the unknown context, and have the Report say so (RFC 3413 §3.2 step 5, RFC 3412 §7.1.3)."""
    (counter,) = engine.get_mib_builder().import_symbols("__SNMP-TARGET-MIB", "snmpUnknownContexts")
    counter.syntax += 1
    return {
        "errorIndication": errind.noSuchContext,
        "oid": counter.name,
        "val": counter.syntax,
        "securityLevel": level,
    }
