"""Snmp room: the general path: admitted requests that are no ordinary reads: SET, errors of version 1, views that select rows.

It decodes and encodes messages. `answering.py` makes the answers, as for pysnmp's responder. Making a response is work that pauses
(`agent/base/work.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

from agent.base.text import text_of
from agent.base.work import Work
from agent.mib.schema import Oid
from agent.mib.tree import Tree
from agent.mib.values import decode_name, name_content, number, wrap
from agent.snmp.access import AccessPolicy, Source
from agent.snmp.answering import Answerer, Question, echoes
from agent.snmp.ber import DROP, RESPONSE, SEQUENCE, SET, VERSION_1, ReadPdu, Response, SetPdu
from agent.snmp.counters import SnmpCounters
from agent.snmp.fast_v3 import Opened, V3Messages
from agent.snmp.gate import Admitted
from agent.snmp.reading import TOO_BIG, Answer
from agent.snmp.security import source_of
from agent.snmp.sizes import room_in_community_message, room_in_v3


class GeneralPath:
    """Answers admitted requests of one router; `largest` is the most octets of a response.

    `refused_user` is called for each SNMPv3 request without any right, with user, level, context and source.
    """

    def __init__(
        self,
        policy: Callable[[], AccessPolicy],
        tree: Callable[[str], Tree | None],
        answerer: Answerer,
        v3: V3Messages,
        counters: SnmpCounters,
        refused_user: Callable[[bytes, str, str, Source], None],
    ) -> None:
        self._policy = policy
        self._tree = tree
        self._answerer = answerer
        self._v3 = v3
        self._counters = counters
        self._refused_user = refused_user

    def answer(self, request: Admitted, data: bytes, source: str, largest: int) -> Work[Response]:
        """The response to a community's request, or DROP; None if pysnmp is to report the error."""
        tree, pdu = self._tree(request.grant.context), request.pdu
        if tree is None or pdu is None:
            return None
        question = _question(pdu, request.version == VERSION_1, True, request.grant.context, source, request.end)
        if question is None:
            return self._drop("snmpInASNParseErrs")
        room = room_in_community_message(largest, data)
        answer = yield from self._answerer.answer(question, tree, request.grant, room)
        response = wrap(SEQUENCE, request.head + _response(question, answer, pdu, data[_bindings_of(pdu) : request.end], room))
        if len(response) > largest:
            return self._drop("snmpSilentDrops")
        self._counters.count("snmpOutGetResponses")
        return response

    def answer_v3(self, request: Opened, source: str, largest: int) -> Work[Response]:
        """The response to an opened SNMPv3 request, its Report, or DROP."""
        context, policy, pdu = text_of(request.context), self._policy(), request.pdu
        address = ip_address(source.partition("%")[0])
        if not policy.admits(request.user, address):
            self._refused_user(request.user, request.level, context, address)
            return DROP  # as for a community whose access list refuses the source
        question = _question(pdu, False, False, context, source, request.end)
        if question is None:
            return self._drop("snmpInASNParseErrs")
        tree = self._tree(context) if context in policy.contexts else None
        if tree is None:
            return self._v3.report(request, "snmpUnknownContexts", request.level, request.protection)
        grant = policy.user(request.user, request.level, context, address)
        if grant is None:
            self._refused_user(request.user, request.level, context, address)
        engine_id, user = len(self._v3.engine_id), len(request.user)
        room = room_in_v3(largest, request.largest_scoped_pdu, engine_id, user, len(request.context))
        answer = yield from self._answerer.answer(question, tree, grant, room)
        echoed = request.octets[_bindings_of(pdu) : request.end]
        response = self._v3.seal(request, wrap(SEQUENCE, request.head + _response(question, answer, pdu, echoed, room)))
        if len(response) > request.largest:
            return self._drop("snmpSilentDrops")  # not even an empty response fits
        self._counters.count("snmpOutGetResponses")
        return response

    def _drop(self, counter: str) -> bytes:
        self._counters.count(counter)
        return DROP


def _question(pdu: ReadPdu | SetPdu, version_1: bool, by_community: bool, context: str, source: str, end: int) -> Question | None:
    """What a PDU asks; None where it has a name that nothing can have."""
    echoed = end - _bindings_of(pdu)
    if isinstance(pdu, SetPdu):
        assignments = pdu.assignments
        if assignments is None:
            return None
        return Question(SET, version_1, by_community, context, str(source_of((source,))), (), assignments, echoed)
    kind, _, first, second, contents, _ = pdu
    names: list[Oid] = []
    for content in contents:
        name = decode_name(content)
        if name is None:
            return None
        names.append(name)
    return Question(kind, version_1, by_community, context, source, names, (), echoed, first, second)


def _bindings_of(pdu: ReadPdu | SetPdu) -> int:
    return pdu.bindings if isinstance(pdu, SetPdu) else pdu[5]


def _response(question: Question, answer: Answer, pdu: ReadPdu | SetPdu, echoed: bytes, room: int) -> bytes:
    """The Response-PDU, with the request's own bindings where the answer has those."""
    request_id = pdu.request_id if isinstance(pdu, SetPdu) else pdu[1]
    if echoes(question, answer) or (answer.status == TOO_BIG and question.version_1 and question.echoed <= room):
        bindings = echoed  # RFC 3416 §4.2.1: tooBig has none; RFC 1157 §4.1.2: those of the request
    else:
        bindings = b"".join(wrap(SEQUENCE, wrap(0x06, name_content(name)) + value) for name, value in answer.bindings)
    status = number("Integer32", answer.status) + number("Integer32", answer.index)
    return wrap(RESPONSE, request_id + status + wrap(SEQUENCE, bindings))
