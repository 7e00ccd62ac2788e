"""Snmp room: the fast path: answers ordinary reads from the tree, in front of pysnmp.

It recognises GET, GETNEXT and GETBULK of known communities and SNMPv3 users whose views select whole columns. It answers them by
RFC 3416 §4.2, octet for octet as pysnmp's responder does. Anything else goes to the gate, which settles who asks. The general path
answers what the gate admits, and reads that have to skip many rows. What neither recognises goes to pysnmp unchanged.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Generator
from ipaddress import ip_address
from itertools import accumulate, chain

from agent.base.text import text_of
from agent.base.work import Work, go_on, in_shares
from agent.mib.column import LARGEST_KEPT_VALUE
from agent.mib.plan import Plan, Selection
from agent.mib.tree import Tree
from agent.mib.values import (
    END_OF_MIB_VIEW,
    INTEGER,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    content_at,
    decode_name,
    length,
    octets,
    order_key,
)
from agent.snmp.access import AccessPolicy, Grant, View
from agent.snmp.ber import DROP, GET, GET_BULK, GET_NEXT, SMALLEST_BINDING, VERSION_1, VERSION_2C, Decoder, Response, SetPdu
from agent.snmp.counters import SnmpCounters
from agent.snmp.fast_v3 import Opened, V3Messages
from agent.snmp.gate import MODELS, Admitted, Gate
from agent.snmp.general import GeneralPath
from agent.snmp.reading import LONGEST_SEARCH
from agent.snmp.sizes import room_in_v3

_NO_ERROR = b"\x02\x01\x00\x02\x01\x00"
_TOO_BIG = b"\x02\x01\x01\x02\x01\x00"
_SMALLEST_CELL = 14  # octets of a binding: of sysDescr.0, say, and a value of two
_KEPT = 2048
_SHORT = 1024  # octets of bindings of a message whose heads are all among those kept
_RESPONSE = [b"\xa2" + length(size) for size in range(_KEPT)]
_SEQUENCE = [b"\x30" + length(size) for size in range(_KEPT)]
_LARGEST_CACHE = 4096  # of sources seen: a flood of forged ones must not fill the memory


class Visible:
    """The columns that a community or a user may read in a context. `tables` and `subjects` are those of the columns, in order."""

    __slots__ = ("columns", "keys", "position", "subjects", "tables")

    def __init__(self, selection: Selection, tree: Tree) -> None:
        self.columns = selection.columns
        self.keys = selection.keys
        self.position = selection.position
        self.tables = [tree.table(column) for column in self.columns]
        self.subjects = [tree.subjects(column) for column in self.columns]

    def successor(self, name: bytes) -> tuple[int, int] | None:
        """The place of the first cell after a name: the positions of column and row; None for a malformed name."""
        at = self.position(name)
        if at is not None:
            row = self.tables[at].find(name[len(self.columns[at].prefix) :])
            if row >= 0:
                return at, row + 1
        oid = decode_name(name)
        if oid is None:
            return None
        key = order_key(oid)
        at = bisect_right(self.keys, key)
        if at and key.startswith(self.keys[at - 1]):
            return at - 1, self.tables[at - 1].after(key[len(self.keys[at - 1]) :])
        return at, 0


def select_visible(plan: Plan, view: View, version: int) -> Selection | None:
    """The columns of a plan that a view shows; None if the view selects rows inside a column.

    SNMPv1 has no Counter64 (RFC 3584 §4.2.2.1).
    """
    columns = []
    for column in plan.columns:
        covered = view.covers(column.object.oid)
        if covered is None:
            return None
        syntax = column.object.syntax
        if covered and not (version == VERSION_1 and syntax and syntax.base == "Counter64"):
            columns.append(column)
    return plan.select(columns)


class FastPath:
    """Answers reads of one router.

    `policy` and `tree` give the access rules and a context's tree as they stand, `now` the router's time; `v3` seals SNMPv3
    messages. `policy_changed` compiles the rules, at the start and after a change. The public numbers count the ordinary reads
    that were answered, to be added to what `counters` count.
    """

    def __init__(
        self,
        policy: Callable[[], AccessPolicy],
        tree: Callable[[str], Tree | None],
        now: Callable[[], int],
        v3: V3Messages,
        gate: Gate,
        general: GeneralPath,
        counters: SnmpCounters,
    ) -> None:
        self._policy = policy
        self._tree = tree
        self._now = now
        self._largest = 0  # octets of a response message
        self._most_names = 0  # that an answer can hold
        self._v3 = v3
        self._gate = gate
        self._general = general
        self._counters = counters
        self._decoder = Decoder(_LARGEST_CACHE)
        self._decode = self._decoder.decode
        self._grants: dict[tuple[bytes, str], Visible | None] = {}
        self._user_grants: dict[tuple[bytes, str, bytes, str], Visible | None] = {}  # by user, level, context and source
        self._selections: dict[tuple[int, Plan, View], Selection | None] = {}
        self._views: dict[tuple[int, str, View], Visible | None] = {}
        self.answered = dict.fromkeys((GET, GET_NEXT, GET_BULK), 0)  # requests, by kind
        self.variables = 0
        self.too_bigs = 0

    def policy_changed(self, largest: int) -> None:
        self._largest = largest
        self._most_names = largest // SMALLEST_BINDING
        heads = frozenset(
            bytes((INTEGER, 1, MODELS.index(model))) + octets(name) for name, model in self._policy().community_names()
        )
        self._decoder.use(heads, self._most_names)
        self._grants.clear()
        self._user_grants.clear()
        self._views.clear()
        self._selections.clear()

    def answer(self, datagram: bytes, source: str) -> Response | Work[Response]:
        """The response to a datagram from an address, or DROP; None if it is for pysnmp; the rest of the work if it takes long."""
        request = self._decode(datagram)
        if request is None:
            return self._admit(datagram, source)
        version, head, kind, request_id, first, second, names, given_at = request
        try:
            visible = self._grants[head, source]
        except KeyError:
            visible = self._grant(version, head, source)
        if visible is None:
            return self._admit(datagram, source)
        try:
            bindings = _READS[kind](visible, version, names, self._now(), first, second, self._largest)
        except Exception:  # a fault of a view, which the general path tells of, and answers with genErr
            bindings = None
        if bindings is None:
            return self._admit(datagram, source)
        response = _message(head, request_id, _NO_ERROR, b"".join(bindings))
        if len(response) > self._largest:
            if kind == GET_BULK:
                response = _trim(head, request_id, bindings, self._largest)
            else:
                self.answered[kind] += 1
                return self._too_big(version, head, request_id, datagram[given_at:])
        self.answered[kind] += 1
        self.variables += len(names)
        return response

    def _too_big(self, version: int, head: bytes, request_id: bytes, given: bytes) -> bytes:
        """RFC 3416 §4.2.1: tooBig without bindings; RFC 1157 §4.1.2: with those of the request, where they fit."""
        self.too_bigs += 1
        if version == VERSION_1:
            response = _message(head, request_id, _TOO_BIG, given)
            if len(response) <= self._largest:
                return response
        return _message(head, request_id, _TOO_BIG, b"")

    def _admit(self, datagram: bytes, source: str) -> Response | Work[Response]:
        """Handle what is no ordinary read of a community: settle first who asks."""
        asked = self._gate.admit(datagram, source, self._most_names)
        if asked is None or isinstance(asked, bytes):
            return self._counted(asked)
        if isinstance(asked, Admitted):
            response = go_on(self._general.answer(asked, datagram, source, self._largest))
        else:
            sealed = self._answer_v3(asked, source)
            if sealed is not None:
                return sealed
            response = go_on(self._general.answer_v3(asked, source, self._largest))
        return self._later(response, self._policy()) if isinstance(response, Generator) else self._counted(response)

    def _later(self, work: Work[Response], policy: AccessPolicy) -> Work[Response]:
        """The rest of a work. Nothing is answered by access rules that have changed since."""
        response = yield from in_shares(work, lambda: self._policy() is policy, DROP)
        return self._counted(response)

    def _counted(self, response: Response) -> Response:
        if response is not None:
            self._counters.count("snmpInPkts")
            if response:
                self._counters.count("snmpOutPkts")
        return response

    def _answer_v3(self, request: Opened, source: str) -> bytes | None:
        """The answer to an ordinary read, or None."""
        pdu = request.pdu
        if isinstance(pdu, SetPdu):
            return None
        try:
            visible = self._user_grants[request.user, request.level, request.context, source]
        except KeyError:
            visible = self._user_grant(request, source)
        engine_id, user, context = len(self._v3.engine_id), len(request.user), len(request.context)
        room = room_in_v3(self._largest, request.largest_scoped_pdu, engine_id, user, context)
        if visible is None or room < 0:
            return None
        kind, request_id, first, second, names, _ = pdu
        try:
            bindings = _READS[kind](visible, VERSION_2C, names, self._now(), first, second, room)
        except Exception:  # as in `answer`
            bindings = None
        if bindings is None:
            return None
        status = _NO_ERROR
        if kind == GET_BULK:
            bindings = bindings[: bisect_right(list(accumulate(map(len, bindings))), room)]
        elif sum(map(len, bindings)) > room:
            bindings, status = [], _TOO_BIG
        # A scopedPDU is made as a community's message is: of what goes before the PDU, and the PDU.
        response = self._v3.seal(request, _message(request.head, request_id, status, b"".join(bindings)))
        if len(response) > request.largest:
            return None
        self.answered[kind] += 1
        if status is _TOO_BIG:
            self.too_bigs += 1
        else:
            self.variables += len(names)
        return response

    def _user_grant(self, request: Opened, source: str) -> Visible | None:
        context = text_of(request.context)
        grant = self._policy().user(request.user, request.level, context, ip_address(source))
        if grant is None:
            return None
        if len(self._user_grants) >= _LARGEST_CACHE:
            self._user_grants.clear()
        visible = self._visible(grant, VERSION_2C)
        self._user_grants[request.user, request.level, request.context, source] = visible
        return visible

    def _grant(self, version: int, head: bytes, source: str) -> Visible | None:
        grant = self._policy().community(head[5:], MODELS[version], ip_address(source))
        if grant is None:
            return None
        if len(self._grants) >= _LARGEST_CACHE:
            self._grants.clear()
        visible = self._grants[head, source] = self._visible(grant, version)
        return visible

    def _visible(self, grant: Grant, version: int) -> Visible | None:
        """What of a context's tree a grant shows, compiled once per view."""
        tree = self._tree(grant.context)
        if tree is None:
            return None
        key = (version, grant.context, grant.read)
        if key not in self._views:
            selection = self._selected(tree.plan, grant.read, version)
            self._views[key] = None if selection is None else Visible(selection, tree)
        return self._views[key]

    def _selected(self, plan: Plan, view: View, version: int) -> Selection | None:
        key = (version, plan, view)
        if key not in self._selections:
            self._selections[key] = select_visible(plan, view, version)
        return self._selections[key]


def _get(visible: Visible, version: int, names: list[bytes], now: int, *_: int) -> list[bytes] | None:
    """RFC 3416 §4.2.1; version 1 has no exceptions, and its errors are left to pysnmp."""
    bindings = []
    for name in names:
        at = visible.position(name)
        if at is not None:
            column = visible.columns[at]
            suffix = name[len(column.prefix) :]
            row = visible.tables[at].find(suffix)
            if row >= 0:
                value = column.encode(visible.subjects[at][row], now)
                if value is not None:
                    if len(value) < LARGEST_KEPT_VALUE:
                        size = len(suffix)
                        head = column.heads.get(size) or column.heads_of(size)
                        bindings.append(head[len(value)] + suffix + value)
                    else:
                        bindings.append(_bind(name, value))
                    continue
        if version == VERSION_1 or decode_name(name) is None:
            return None
        bindings.append(_bind(name, NO_SUCH_OBJECT if at is None else NO_SUCH_INSTANCE))
    return bindings


def _get_next(
    visible: Visible, version: int, names: list[bytes], now: int, first: int, second: int, largest: int
) -> list[bytes] | None:
    """RFC 3416 §4.2.2."""
    if len(names) * _SMALLEST_CELL > largest:
        return None
    bindings: list[bytes] = []
    left = LONGEST_SEARCH
    for name in names:
        place = visible.successor(name)
        if place is None:
            return None
        at, first = place
        if at < len(visible.columns):
            # Usually the next cell is in the next row; `_run` handles the rest.
            column = visible.columns[at]
            table = visible.tables[at]
            if first < len(table.rows):
                value = column.encode(visible.subjects[at][first], now)
                if value is not None and len(value) < LARGEST_KEPT_VALUE:
                    suffix = table.suffix(first)
                    size = len(suffix)
                    head = column.heads.get(size) or column.heads_of(size)
                    bindings.append(head[len(value)] + suffix + value)
                    continue
        found, left = _run(visible, place, 1, now, left)
        if left < 0:
            return None
        if found:
            bindings += found
        elif version == VERSION_1:
            return None
        else:
            bindings.append(_bind(name, END_OF_MIB_VIEW))
    return bindings


def _get_bulk(
    visible: Visible, version: int, names: list[bytes], now: int, first: int, second: int, largest: int
) -> list[bytes] | None:
    """RFC 3416 §4.2.3: once every repeater is past the end of the view, no further repetition is made."""
    total = len(names)
    non_repeaters = first if first < total else total
    # No more is made than fits: names are read until their first cells fill the answer.
    most = (largest // SMALLEST_BINDING + 1) // (total - non_repeaters or 1) + 1
    count = second if second < most else most
    bindings: list[bytes] = []
    runs: list[list[bytes]] = []
    filled = 0
    left = LONGEST_SEARCH
    for at, name in enumerate(names):
        place = visible.successor(name)
        if place is None:
            return None
        if at < non_repeaters:
            found, left = _run(visible, place, 1, now, left)
            found = found or [_bind(name, END_OF_MIB_VIEW)]
            bindings += found
        elif count:
            found, left = _run(visible, place, count, now, left)
            if len(found) < count:
                found.append(_bind(_name_of(found[-1]) if found else name, END_OF_MIB_VIEW))
            runs.append(found)
        else:
            continue
        if left < 0:
            return None
        filled += len(found[0])
        if filled > largest:
            break
    if len(runs) == 1:
        return bindings + runs[0]
    if runs:
        turns = max(map(len, runs))
        for run in runs:
            if len(run) < turns:
                run += [run[-1]] * (turns - len(run))
        bindings += chain.from_iterable(zip(*runs, strict=True))
    return bindings


# What answers a kind of request: of what is visible, the version, the names and the time; then, for GETBULK alone, non-repeaters,
# max-repetitions and the octets that there is room for. None where the answer is another's to give: also where it takes long.
_READS: dict[int, Callable[..., list[bytes] | None]] = {GET: _get, GET_NEXT: _get_next, GET_BULK: _get_bulk}


def _trim(head: bytes, request_id: bytes, bindings: list[bytes], largest: int) -> bytes:
    """A GETBULK response of as many bindings as fit."""

    def message_size(content: int) -> int:
        body = len(request_id) + len(_NO_ERROR) + len(_sequence(content)) + content
        pdu = len(head) + len(_sequence(body)) + body
        return len(_sequence(pdu)) + pdu

    sizes = list(accumulate(map(len, bindings)))
    fitting = bisect_right(sizes, largest, key=message_size)
    return _message(head, request_id, _NO_ERROR, b"".join(bindings[:fitting]))


def _run(visible: Visible, place: tuple[int, int], count: int, now: int, left: int) -> tuple[list[bytes], int]:
    """The bindings of up to `count` cells from a place on, in order; and how many rows and columns may still be passed.

    Below 0 the search has ended early.
    """
    at, first = place
    columns = visible.columns
    bindings: list[bytes] = []
    while at < len(columns):
        table, subjects = visible.tables[at], visible.subjects[at]
        some, passed = columns[at].bindings(table, subjects, first, count - len(bindings), now, left)
        bindings = bindings + some if bindings else some
        left -= passed + 1
        if len(bindings) >= count or left < 0:
            break
        at += 1
        first = 0
    return bindings, left


def _bind(name: bytes, value: bytes) -> bytes:
    body = b"\x06" + length(len(name)) + name + value
    return b"\x30" + length(len(body)) + body


def _name_of(binding: bytes) -> bytes:
    """The name in an encoded binding of ours."""
    begin, end = content_at(binding, content_at(binding, 0)[0])
    return binding[begin:end]


def _message(head: bytes, request_id: bytes, status: bytes, bindings: bytes) -> bytes:
    size = len(bindings)
    if size < _SHORT:
        body = request_id + status + _SEQUENCE[size] + bindings
        pdu = head + _RESPONSE[len(body)] + body
        return _SEQUENCE[len(pdu)] + pdu
    body = request_id + status + _sequence(size) + bindings
    size = len(body)
    pdu = head + (_RESPONSE[size] if size < _KEPT else b"\xa2" + length(size)) + body
    return _sequence(len(pdu)) + pdu


def _sequence(size: int) -> bytes:
    return _SEQUENCE[size] if size < _KEPT else b"\x30" + length(size)
