"""Snmp room: answers a request from the tree of its context and its access rights (RFC 3413 §3.2, RFC 3416 §4.2).

It does not encode messages: pysnmp's responder and the general path both call it, and put the answer into a message. Every request
gets an answer: an exception of a view gives genErr; an answer that does not fit is cut (GETBULK) or becomes tooBig. An answer is
work that pauses (`agent/base/work.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from agent.base.origin import manager
from agent.base.work import Work
from agent.mib.plan import Plan
from agent.mib.schema import Oid
from agent.mib.setting import Assignment
from agent.mib.tree import Tree
from agent.snmp.access import Grant
from agent.snmp.ber import GET, GET_BULK, SET
from agent.snmp.counters import SnmpCounters
from agent.snmp.reading import (
    NO_ERROR,
    TOO_BIG,
    Answer,
    Part,
    ReadFaultError,
    Visible,
    binding_size,
    fitting,
    get,
    get_bulk,
    get_next,
    visible,
)
from agent.snmp.setting import STATUS, STATUS_FOR_VERSION_1, Refusal, set_values
from agent.snmp.view import View

_OUT_COUNTERS = {1: "snmpOutTooBigs", 2: "snmpOutNoSuchNames", 3: "snmpOutBadValues", 5: "snmpOutGenErrs"}


@dataclass(frozen=True, slots=True)
class Question:
    """A request without its message. `kind` is the PDU's tag, `echoed` the octets of its own bindings.

    `source` is the address of the manager. `first` and `second` are non-repeaters and max-repetitions of a GETBULK.
    """

    kind: int
    version_1: bool
    by_community: bool
    context: str
    source: str
    names: Sequence[Oid]
    assignments: Sequence[Assignment]
    echoed: int
    first: int = 0
    second: int = 0

    @property
    def count(self) -> int:
        """How many bindings it has."""
        return len(self.assignments if self.kind == SET else self.names)


class Answerer:
    """Answers GET, GETNEXT, GETBULK and SET of every context of one router. `failed` gets the exceptions of views."""

    def __init__(self, now: Callable[[], int], counters: SnmpCounters, failed: Callable[[Exception], None]) -> None:
        self._now = now
        self._counters = counters
        self._failed = failed
        self._visible: dict[tuple[Plan, View, bool], Part] = {}

    def policy_changed(self) -> None:
        """Forget what was compiled from views that may have gone."""
        self._visible.clear()

    def answer(self, question: Question, tree: Tree, grant: Grant | None, room: int) -> Work[Answer]:
        """The answer with at most `room` octets of bindings: its own, or those of the request if `echoes` says so.

        tooBig has none. The caller gives a tooBig of version 1 the request's bindings where they fit (RFC 1157 §4.1.2).
        """
        self._counters.request(question.kind)
        try:
            answer = yield from self._answer(question, tree, grant, room)
        except Exception as fault:  # the manager gets an answer even if a view raises
            self._failed(fault)
            answer = Answer(STATUS["genErr"], fault.place if isinstance(fault, ReadFaultError) else 0)
        if echoes(question, answer):
            # RFC 3416 §4.2.1 to §4.2.5: an error's bindings count as others do.
            if question.echoed > room:
                answer = Answer(TOO_BIG)
        elif sum(map(binding_size, answer.bindings)) > room:
            answer = _shrunk(question, answer, room)
        if answer.status == NO_ERROR:
            self._counters.variables(question.kind, question.count)
        counter = _OUT_COUNTERS.get(answer.status)
        if counter is not None:
            self._counters.count(counter)
        return answer

    def _answer(self, question: Question, tree: Tree, grant: Grant | None, room: int) -> Work[Answer]:
        if grant is None:
            # RFC 3413 §3.2: noAccessEntry is authorizationError at the first binding; without bindings nobody was refused anything.
            return _refused(question, Refusal("authorizationError", 1)) if question.count else Answer()
        if question.kind == SET:
            return self._set(question, tree, grant, room)
        shown = self._shown(question, tree, grant)
        if question.kind == GET_BULK:
            return (yield from get_bulk(shown, question.names, question.first, question.second, self._now, room))
        read = get if question.kind == GET else get_next
        return (yield from read(shown, question.names, self._now, room, question.version_1))

    def _set(self, question: Question, tree: Tree, grant: Grant, room: int) -> Answer:
        if question.echoed > room:
            return Answer(TOO_BIG)  # a SET's response is as large as the SET: refused before anything is done
        refusal = set_values(tree, grant.write, question.assignments, manager(question.source), self._failed)
        if refusal is None:
            return Answer()  # the bindings go back as they came
        if refusal.status == "noAccess" and question.by_community:
            self._counters.count("snmpInBadCommunityUses")
        return _refused(question, refusal)

    def _shown(self, question: Question, tree: Tree, grant: Grant) -> Visible:
        key = (tree.plan, grant.read, question.version_1)
        part = self._visible.get(key)
        if part is None:
            part = self._visible[key] = visible(*key)
        return Visible(part, tree)


def echoes(question: Question, answer: Answer) -> bool:
    """Whether the response's bindings are those of the request: with an error, and to a SET (RFC 3416 §4.2.1, §4.2.5)."""
    return answer.status not in (NO_ERROR, TOO_BIG) or (question.kind == SET and answer.status == NO_ERROR)


def _shrunk(question: Question, answer: Answer, room: int) -> Answer:
    """What fits of a GETBULK (RFC 3416 §4.2.3); tooBig for anything else (§4.2.1)."""
    if question.kind == GET_BULK:
        return replace(answer, bindings=answer.bindings[: fitting(answer.bindings, room)])
    return Answer(TOO_BIG)


def _refused(question: Question, refusal: Refusal) -> Answer:
    status = STATUS_FOR_VERSION_1.get(refusal.status, refusal.status) if question.version_1 else refusal.status
    return Answer(STATUS[status], refusal.index)
