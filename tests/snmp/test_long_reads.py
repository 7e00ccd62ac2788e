"""Reads that pass over many rows: no share of their work is large, the answers are right, and others are answered meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator

import pytest

from agent.config.model import RouterConfig
from agent.mib.column import Column
from agent.mib.index import NumberIndex, TableIndex
from agent.mib.name_index import NameIndex
from agent.mib.schema import Object, Syntax
from agent.mib.values import END_OF_MIB_VIEW, number
from agent.snmp.transport import SHARE
from tests.mib.trees import widened
from tests.snmp.conftest import Station
from tests.snmp.fakes import GET, GET_BULK, GET_NEXT, ROOT, SIZE, Oid, add_view, request, response, router
from tests.snmp.test_gate import FLOOD, MANAGER, Attacked

ROWS = 20_000
A_SHARE = 4096  # rows that one share of work looks at, at most
SPARSE = (*ROOT, 3, 1, 1)  # a table of one number: a cell in row ROWS alone, and in every 997th
PAIRS = (*ROOT, 4, 1, 1)  # a table of two numbers, the second from 1 to 4
LAST = (*ROOT, 5, 1, 0)  # a scalar behind both


class Long:
    """A router that has long tables. `looked_at` counts the cells that have been asked for."""

    def __init__(self, here: Station) -> None:
        self.here = here
        self.looked_at = 0
        self.sparse = NumberIndex()
        self.pairs = NameIndex()
        one = NumberIndex()
        one.add((0,), 0)
        self.shown = {ROWS}
        for row in range(1, ROWS + 1):
            self.sparse.add((row,), row)
            self.pairs.add((1 + row // 4, 1 + row % 4), row)
        self._column(SPARSE, self.sparse, lambda row: row in self.shown)
        self._column(PAIRS, self.pairs, lambda row: True)
        self._column(LAST[:-1], one, lambda row: True)
        here.agent.use_fast_path(here.agent.fast_path())

    def _column(self, oid: Oid, table: TableIndex, has_cell: Callable[[int], bool]) -> None:
        def encode(row: int, now: int) -> bytes | None:
            self.looked_at += 1
            return number("Integer32", row) if has_cell(row) else None

        made = Object("FAKE-MIB", f"fake{oid}", oid, "column", "read-only", Syntax("Integer32", "Integer32"))
        self.here.trees[""] = widened(self.here.trees[""], lambda number: Column(made, number, encode), table)

    def shares(self, datagram: bytes) -> Generator[None, None, bytes]:
        """The answer, with a pause wherever the agent does something else; each share is looked at."""
        transport = self.here.agent._transports[0]
        assert transport.fast is not None
        self.looked_at = 0
        found = transport.fast.answer(datagram, MANAGER[0])
        while isinstance(found, Generator):
            assert self.looked_at <= A_SHARE
            self.looked_at = 0
            yield
            try:
                next(found)
            except StopIteration as done:
                found = done.value
        assert self.looked_at <= A_SHARE
        assert isinstance(found, bytes)
        return found

    def answer(self, datagram: bytes) -> tuple[bytes, int]:
        """The answer, and how many shares its work had."""
        return rest_of(self.shares(datagram))

    def by_pysnmp(self, datagram: bytes) -> bytes:
        transport = self.here.agent._transports[0]
        sent: list[bytes] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transport, "_send", lambda data, address: sent.append(data))
            transport.receive(datagram, MANAGER)
            while transport._waiting:
                transport._drain()
        (answer,) = sent
        return answer


def rest_of(work: Generator[None, None, bytes]) -> tuple[bytes, int]:
    """What comes of a work, and in how many shares."""
    for count in itertools.count(1):
        try:
            next(work)
        except StopIteration as done:
            return done.value, count
    raise AssertionError


def config() -> RouterConfig:
    made = router()
    add_view(made, "late", "iso included", f"{dotted(PAIRS)} excluded", f"{dotted(PAIRS)}.*.9 included")
    add_view(made, "last", "iso included", f"{dotted(PAIRS)} excluded", f"{dotted(PAIRS)}.{1 + ROWS // 4} included")
    holes = (f"{dotted(SPARSE)}.{row} excluded" for row in range(1, ROWS, 25))
    add_view(made, "holes", "iso included", *holes)
    for name in ("late", "last", "holes"):
        made.snmp.communities[name] = type(made.snmp.communities["public"])(name, "RO", name)
    made.snmp.packet_size = 8192
    return made


def dotted(name: Oid) -> str:
    return ".".join(map(str, name))


@pytest.fixture
def long(station: Callable[..., Station]) -> Long:
    return Long(station(config()))


@pytest.mark.parametrize(
    ("community", "name", "next_name"),
    [
        (b"public", SPARSE, (*SPARSE, ROWS)),
        (b"late", PAIRS, LAST),
        (b"last", PAIRS, (*PAIRS, 1 + ROWS // 4, 1)),
        (b"holes", SPARSE, (*SPARSE, ROWS)),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_a_getnext_that_passes_over_many_rows_pauses(long: Long, community: bytes, name: Oid, next_name: Oid, version: int) -> None:
    """RFC 3416 §4.2.2: the answer is the first name behind the one that is asked for, however far it is."""
    asked = request(GET_NEXT, [name], community, version)
    answer, shares = long.answer(asked)
    assert response(answer, version).names == [next_name]
    before = long.here.counters.value("snmpInPkts")
    assert answer == long.by_pysnmp(asked)
    assert long.here.counters.value("snmpInPkts") == before + 1
    assert shares > 1 or community == b"last"


def test_a_getbulk_of_many_names_pauses_and_gives_each_name_one_cell_at_least(long: Long) -> None:
    """RFC 3416 §4.2.3: one that takes long may have fewer repetitions than were asked for, but one at least."""
    long.shown |= set(range(997, ROWS, 997))
    asked = request(GET_BULK, [SPARSE, (*SPARSE, 5)] * 20, repetitions=100)
    answer, shares = long.answer(asked)
    names = response(answer).names
    assert names[:40] == [(*SPARSE, 997)] * 40
    assert shares > 1
    assert 40 <= len(names) < 40 * 21
    assert len(names) % 40 == 0
    assert answer == long.by_pysnmp(asked)


def test_a_getbulk_that_finds_what_it_asks_for_is_not_cut(long: Long) -> None:
    asked = request(GET_BULK, [PAIRS] * 3, b"public", repetitions=40)
    answer, _ = long.answer(asked)
    assert len(response(answer).names) == 120


def test_past_the_end_of_the_view_a_long_getbulk_ends(long: Long) -> None:
    long.shown = set()
    answer, shares = long.answer(request(GET_BULK, [SPARSE], b"late", repetitions=120))
    assert shares > 1
    assert response(answer).names == [LAST]  # the search for it has taken long: the end of the view is told by the next answer
    end, _ = long.answer(request(GET_BULK, [LAST], b"late", repetitions=120))
    assert END_OF_MIB_VIEW in end


def test_rows_that_come_and_go_while_a_read_pauses_are_seen_as_they_are(long: Long) -> None:
    work = long.shares(request(GET_NEXT, [SPARSE], b"public"))
    next(work)
    for row in range(1, 3000):
        long.sparse.remove((row,))  # which the search has passed, and some that it has not
    long.sparse.add((ROWS + 5,), ROWS + 5)
    long.shown = {5, ROWS + 5}
    long.sparse.remove((ROWS,))
    answer, _ = rest_of(work)
    assert response(answer).names == [(*SPARSE, ROWS + 5)]


def test_access_rules_that_change_meanwhile_end_a_read(long: Long) -> None:
    work = long.shares(request(GET_NEXT, [SPARSE], b"public"))
    next(work)
    long.here.agent.apply()
    assert rest_of(work) == (b"", 1)


def test_others_are_answered_while_a_read_goes_on(station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch) -> None:
    attacked = Attacked(station(config()), monkeypatch)
    Long(attacked.here)
    slow = request(GET_NEXT, [PAIRS], b"late", request_id=1)
    attacked.arrive((slow, FLOOD), (request(GET, [SIZE], request_id=2), FLOOD), (request(GET, [SIZE], request_id=3), MANAGER))
    *others, last = (response(data).request_id for data, _ in attacked.sent)
    assert sorted(others) == [2, 3]
    assert last == 1
    assert attacked.to_pysnmp == []


def test_reads_that_go_on_have_a_bound_for_each_source(station: Callable[..., Station], monkeypatch: pytest.MonkeyPatch) -> None:
    attacked = Attacked(station(config()), monkeypatch)
    Long(attacked.here)
    slow = request(GET_NEXT, [PAIRS], b"late")
    waiting = attacked.transport._waiting
    most = 0
    for _ in range(200):
        attacked._arrived.append((slow, FLOOD))
        attacked.transport._drain()
        most = max(most, waiting.held)
    assert 0 < most <= 2 * SHARE + 64 * 1024
    assert attacked.transport.dropped > 0
    attacked.arrive((request(GET, [SIZE], request_id=3), MANAGER))
    assert MANAGER in [address for _, address in attacked.sent]


def test_a_get_of_many_names_in_a_view_of_many_lines_is_answered_in_shares(long: Long) -> None:
    asked = request(GET, [(*SPARSE, row) for row in range(1, 300)], b"holes")
    answer, shares = long.answer(asked)
    assert len(response(answer).names) == 299
    assert shares > 1
    assert answer == long.by_pysnmp(asked)
