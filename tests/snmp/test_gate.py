"""Under attack: what a datagram may cost, in work and memory, by who sent it (RFC 3412 §4.2.1, §7.2; RFC 3414 §3.2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pysnmp.proto.api import v2c

import agent.snmp.ber as ber
from agent.config.model import RouterConfig
from agent.mib.values import NULL, number, object_identifier, octets, wrap
from agent.snmp.gate import LARGEST_FOR_PYSNMP
from agent.snmp.transport import SHARE, WHOLE
from agent.snmp.view import View
from tests.snmp.conftest import Station
from tests.snmp.fakes import (
    ABSENT,
    ENTRY,
    FAULTY,
    GET,
    GET_BULK,
    GET_NEXT,
    ROOT,
    SET,
    SIZE,
    TEXT,
    add_group,
    add_user,
    add_view,
    request,
    response,
    router,
)
from tests.snmp.v3 import V3User, report_of

Start = Callable[..., Station]
LARGE = 65_000  # octets that a large datagram has at least
TOO_BIG, NO_ACCESS = 1, 6
TAGS = {GET: 0xA0, GET_NEXT: 0xA1, SET: 0xA3, GET_BULK: 0xA5}
MANAGER, FLOOD = ("127.0.0.1", 40000), ("127.0.0.2", 666)
MOST = 2**31 - 1


def config() -> RouterConfig:
    made = router()
    add_user(made, "joe", "g", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_user(made, "ann", "g")
    add_group(made, "g", "v3", write="v1default")
    return made


def pdu_of(kind: str, count: int, first: int = 0, second: int = 0, name: Any = SIZE) -> bytes:
    """A request of so many bindings, quickly made."""
    value = number("Integer32", 5) if kind == SET else NULL
    binding = wrap(0x30, object_identifier(name) + value)
    fields = b"".join(number("Integer32", field) for field in (4711, first, second))
    return wrap(TAGS[kind], fields + wrap(0x30, binding * count))


def message(community: bytes, pdu: bytes, version: int = 1) -> bytes:
    return wrap(0x30, number("Integer32", version) + octets(community) + pdu)


class Attacked:
    """A router with its fast path and gate, on a socket of ours; what reaches pysnmp, and what is decoded, is written down."""

    def __init__(self, here: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here = here
        here.agent.use_fast_path(here.agent.fast_path())
        self.transport = here.agent._transports[0]
        self.to_pysnmp: list[bytes] = []
        self.decoded: list[int] = []
        self._arrived: list[tuple[bytes, Any]] = []
        self.sent: list[tuple[bytes, Any]] = []
        plain = self.transport.receive
        monkeypatch.setattr(self.transport, "_socket", self)
        monkeypatch.setattr(self.transport, "receive", lambda data, at: (self.to_pysnmp.append(data), plain(data, at)))
        for name in ("read_pdu", "set_pdu"):
            self._watch(name, monkeypatch)

    def _watch(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        real = getattr(ber, name)

        def watched(data: bytes, *rest: Any) -> Any:
            self.decoded.append(len(data))
            return real(data, *rest)

        monkeypatch.setattr(ber, name, watched)

    def recvfrom(self, size: int) -> tuple[bytes, Any]:
        if not self._arrived:
            raise BlockingIOError
        return self._arrived.pop(0)

    def sendto(self, data: bytes, address: Any) -> None:
        self.sent.append((data, address))

    def receive(self, *datagrams: bytes, address: Any = MANAGER) -> list[bytes]:
        """What is sent because of these datagrams."""
        self.arrive(*((datagram, address) for datagram in datagrams))
        return [data for data, _ in self.sent]

    def arrive(self, *received: tuple[bytes, Any]) -> None:
        self.sent.clear()
        self._arrived += received
        while self._arrived or self.transport._waiting:
            self.transport._drain()

    def count(self, name: str) -> int:
        return self.here.counters.value(name)

    def user(self, name: str = "joe", **changed: Any) -> V3User:
        secrets = {"auth": "authpass1", "priv": "privpass1"} if name == "joe" else {}
        return self.here.v3_user(name, **{**secrets, **changed})


@pytest.fixture
def attacked(station: Start, monkeypatch: pytest.MonkeyPatch) -> Attacked:
    return Attacked(station(config()), monkeypatch)


# --- strangers: nothing of what they ask is looked at ---


def strangers(here: Attacked) -> dict[str, tuple[bytes, str]]:
    """Large datagrams of those without credentials, and the counter of each."""
    asked = pdu_of(GET, 3200)
    stranger = here.user("ann")
    return {
        "community": (message(b"nobody", pdu_of(SET, 2700)), "snmpInBadCommunityNames"),
        "version 1": (message(b"nobody", asked, 0), "snmpInBadCommunityNames"),
        "version": (message(b"public", asked, 7), "snmpInBadVersions"),
        "user": (here.user("nobody", auth=None, priv=None).message(asked), "usmStatsUnknownUserNames"),
        "engine": (replace(stranger, engine_id=b"\x80\0\0\0\x05other").message(asked), "usmStatsUnknownEngineIDs"),
        "discovery": (replace(stranger, engine_id=b"").message(asked), "usmStatsUnknownEngineIDs"),
        "digest": (here.user(auth="no-such-pass").message(asked), "usmStatsWrongDigests"),
        "time": (here.user(boots=1).message(asked), "usmStatsNotInTimeWindows"),
        "level": (here.user("ann", auth="authpass1").message(asked), "usmStatsUnsupportedSecLevels"),
        "garbage": (b"\x30" * LARGE, "snmpInASNParseErrs"),
        "depth": (message(b"public", wrap(0xA0, b"\x30\x80" * 32_000)), "snmpInASNParseErrs"),
    }


@pytest.mark.parametrize(
    "who",
    ["community", "version 1", "version", "user", "engine", "discovery", "digest", "time", "level", "garbage", "depth"],
)
def test_of_a_stranger_no_pdu_is_decoded(attacked: Attacked, who: str) -> None:
    datagram, counter = strangers(attacked)[who]
    assert len(datagram) > 40_000
    answers = attacked.receive(datagram)
    assert attacked.to_pysnmp == []
    assert attacked.decoded == [] or who == "depth"
    assert attacked.count(counter) == 1
    assert attacked.count("snmpInPkts") == 1
    assert attacked.count("snmpOutPkts") == len(answers)
    assert all(len(answer) < 200 for answer in answers)


def test_what_pysnmp_gets_is_small_and_from_those_who_are_known(attacked: Attacked) -> None:
    """It takes some microseconds for each octet. Managers do not encode lengths in more octets than they need."""
    asked = wrap(0x30, object_identifier(SIZE) + NULL)
    fields = b"".join(number("Integer32", field) for field in (7, 0, 0))
    odd = message(b"public", wrap(0xA0, fields + bytes((0x30, 0x81, len(asked))) + asked))
    assert len(attacked.receive(odd)) == 1
    assert attacked.to_pysnmp == [odd]
    large = message(b"public", b"\xa0\x83\x00" + pdu_of(GET, 3000)[2:])
    assert attacked.receive(large) == []
    assert attacked.to_pysnmp == [odd]
    assert all(len(each) <= LARGEST_FOR_PYSNMP for each in attacked.to_pysnmp)


def test_a_refused_community_is_noticed_so_often_and_always_counted(attacked: Attacked) -> None:
    attacked.receive(*[request(GET, [SIZE], b"nobody")] * 5000)
    assert attacked.count("snmpInBadCommunityNames") == 5000 - attacked.transport.dropped
    assert 1 <= len(attacked.here.strangers) < 100


# --- those who are known: no more work than an answer can hold ---


def encodings(here: Attacked, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one for each cell whose value is made."""
    made: list[int] = []
    for column in here.here.trees[""].columns:
        real = column.encode

        def encode(subject: Any, now: int, real: Any = real) -> Any:
            made.append(1)
            return real(subject, now)

        monkeypatch.setattr(column, "encode", encode)
    return made


@pytest.mark.parametrize("view", [None, "cut"])
def test_a_get_bulk_of_thousands_of_names_makes_no_more_than_fits(
    station: Start, monkeypatch: pytest.MonkeyPatch, view: str | None
) -> None:
    """RFC 3416 §4.2.3: what does not fit is left out; it need not be made first."""
    made = config()
    add_view(made, "cut", "fake included", "fakeEntry.*.300 excluded")
    made.snmp.communities["public"] = replace(made.snmp.communities["public"], view=view)
    here = Attacked(station(made), monkeypatch)
    cells = encodings(here, monkeypatch)
    (answer,) = here.receive(message(b"public", pdu_of(GET_BULK, 3100, 0, MOST, ENTRY)))
    assert 1400 < len(answer) <= 1500
    assert len(cells) < 2 * 1500 // 7
    (answer,) = here.receive(message(b"public", pdu_of(GET_BULK, 3100, 3100, 0, ENTRY)))
    assert 1400 < len(answer) <= 1500
    assert len(cells) < 4 * 1500 // 7
    assert here.to_pysnmp == []


def test_a_large_get_bulk_with_a_negative_number_is_answered(attacked: Attacked) -> None:
    """RFC 3416 §4.2.3: non-repeaters below 0 are 0."""
    asked = pdu_of(GET_BULK, 100, -1, 1, ENTRY)
    (answer,) = attacked.receive(message(b"public", asked))
    assert set(response(answer).names) == {(*ENTRY, 2, 1)}
    assert attacked.to_pysnmp == []


@pytest.mark.parametrize("level", ["noauth", "auth", "priv"])
@pytest.mark.parametrize("kind", [GET, GET_NEXT, SET, GET_BULK])
def test_so_does_a_user_at_each_level(attacked: Attacked, monkeypatch: pytest.MonkeyPatch, kind: str, level: str) -> None:
    cells = encodings(attacked, monkeypatch)
    above = {"noauth": {"auth": None, "priv": None}, "auth": {"priv": None}, "priv": {}}[level]
    user = attacked.user(**above)
    (answer,) = attacked.receive(user.message(pdu_of(kind, 2700, 0, MOST if kind == GET_BULK else 0)))
    assert len(answer) <= 1500
    assert user.response(answer).status == (0 if kind == GET_BULK else TOO_BIG)
    assert len(cells) < 3 * 1500 // 7
    assert attacked.to_pysnmp == []


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("kind", [GET, GET_NEXT, SET])
def test_more_bindings_than_an_answer_can_hold_are_too_big(attacked: Attacked, kind: str, version: int) -> None:
    (answer,) = attacked.receive(message(b"private", pdu_of(kind, 2700), version))
    said = response(answer, version)
    assert (said.status, said.index, said.bindings) == (TOO_BIG, 0, [])
    assert attacked.here.fakes[""].done == []
    assert attacked.count("snmpOutTooBigs") == 1
    assert attacked.to_pysnmp == []


@pytest.mark.parametrize("kind", [GET_NEXT, GET_BULK])
def test_rows_that_a_view_hides_cost_no_work_each(station: Start, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """One row of 100,000 is shown, in a table whose columns the view cuts."""
    made = config()
    add_view(made, "cut", "fake included", "fakeTable excluded", "fakeEntry.*.5 included", "fakeEntry.*.90000 included")
    made.snmp.communities["public"] = replace(made.snmp.communities["public"], view="cut")
    here = Attacked(station(made), monkeypatch)
    fake = here.here.fakes[""]
    tree = here.here.trees[""]
    table = next(tree.table(column) for column in tree.columns if column.object.oid == (*ENTRY, 2))
    for row in range(1, 100_001):
        if row not in fake.rows:
            fake.rows[row] = row
            table.add((row,), row)
    looked_at: list[Any] = []
    contains = View.contains
    monkeypatch.setattr(View, "contains", lambda view, name: looked_at.append(name) or contains(view, name))
    (answer,) = here.receive(request(kind, [(*ENTRY, 2), (*ENTRY, 2, 5), (*ENTRY, 5, 5)], repetitions=20))
    names = response(answer).names
    assert names[:3] == [(*ENTRY, 2, 5), (*ENTRY, 2, 90_000), (*ENTRY, 5, 90_000)]
    assert len(looked_at) < 300


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("fast", [False, True], ids=["pysnmp", "fast"])
def test_variables_count_where_they_were_read_or_set_successfully(station: Start, fast: bool, version: int) -> None:
    """RFC 3418 snmpInTotalReqVars, snmpInTotalSetVars."""
    here = station(config())
    if fast:
        here.agent.use_fast_path(here.agent.fast_path())
    here.fakes[""].text = b"x" * 100

    def counted(kind: str, names: Any) -> list[int]:
        before = [here.counters.value(f"snmpInTotal{what}Vars") for what in ("Req", "Set")]
        here.get(kind, names, b"private", version)
        return [here.counters.value(f"snmpInTotal{what}Vars") - old for what, old in zip(("Req", "Set"), before, strict=True)]

    seven, words = (SIZE, v2c.Integer32(7)), (SIZE, v2c.OctetString("words"))
    assert counted(GET, [SIZE, TEXT]) == [2, 0]
    assert counted(GET_NEXT, [SIZE]) == [1, 0]
    assert counted(GET, [TEXT] * 20) == [0, 0]  # tooBig
    assert counted(GET, [SIZE] * 300) == [0, 0]
    assert counted(SET, [seven, seven]) == [0, 2]
    assert counted(SET, [seven, words]) == [0, 0]
    assert counted(SET, [seven] * 120) == [0, 0]


# --- answers with the request's own bindings are bounded as others are ---


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("fast", [False, True], ids=["pysnmp", "fast"])
def test_an_answer_that_echoes_is_no_larger_than_may_be(station: Start, fast: bool, version: int) -> None:
    """RFC 3416 §4.2.1 to §4.2.5, RFC 1157 §4.1.2: errors and SETs repeat the request, and their size counts."""
    here = station(config())
    if fast:
        here.agent.use_fast_path(here.agent.fast_path())
    here.fakes[""].fault = RuntimeError("no value")
    for kind, names, community in (
        (GET, [*[TEXT] * 120, FAULTY], b"public"),  # genErr
        (GET, [*[TEXT] * 120, ABSENT], b"public"),  # noSuchName in version 1
        (SET, [(TEXT, v2c.OctetString("words"))] * 120, b"private"),
        (SET, [(TEXT, v2c.OctetString("words"))] * 120, b"public"),  # no right to
    ):
        answer = here.send(request(kind, names, community, version))
        assert answer is not None
        assert len(answer) <= 1500
        assert response(answer, version).status == TOO_BIG
    assert here.fakes[""].done == []


def test_a_version_1_error_that_fits_repeats_the_request(attacked: Attacked) -> None:
    """RFC 1157 §4.1.2: the response is of identical form."""
    config_ = config()
    config_.snmp.packet_size = 700
    attacked.here.follow(config_)
    attacked.here.fakes[""].text = b"x" * 100
    names = [TEXT] * 20
    (answer,) = attacked.receive(request(GET, names, version=0))
    said = response(answer, 0)
    assert (said.status, said.names) == (TOO_BIG, names)


@pytest.mark.parametrize("largest", [484, 600])
def test_what_a_v3_manager_can_take_bounds_an_echo(attacked: Attacked, largest: int) -> None:
    user = attacked.user(largest=largest)
    attacked.here.fakes[""].fault = RuntimeError("no value")
    for datagram in (user.request(GET, [*[SIZE] * 40, FAULTY]), user.request(SET, [(SIZE, v2c.Integer32(7))] * 40)):
        (answer,) = attacked.receive(datagram)
        assert len(answer) <= largest
        assert user.response(answer).status == TOO_BIG


# --- what is not answered is forgotten at once ---


def unanswered(here: Station) -> list[bytes]:
    user = here.v3_user("ann")
    report = wrap(0xA8, b"".join(number("Integer32", field) for field in (7, 0, 0)) + wrap(0x30, b""))
    return [
        request(GET, [(*ROOT, 1 << 32)]),
        request(GET_BULK, [(*ROOT, *[1] * 130)]),
        request(SET, [((*ROOT, 1 << 32), v2c.Integer32(1))], b"private"),
        user.request(GET, [(*ROOT, 1 << 32)]),
        user.message(report),
        replace(user, engine_id=b"\x80\0\0\0\x05other").message(report),
        message(b"public", b"\xa2" + pdu_of(GET, 1)[1:]),
        message(b"public", b"\xa8" + pdu_of(GET, 1)[1:]),
        message(b"public", b"\xa7" + pdu_of(GET, 1)[1:]),
        request(GET, [SIZE], b"nobody"),
        request(GET, [SIZE])[:-1],
    ]


@pytest.mark.parametrize("fast", [False, True], ids=["pysnmp", "fast"])
def test_nothing_is_kept_of_what_is_not_answered(station: Start, fast: bool) -> None:
    here = station(config())
    if fast:
        here.agent.use_fast_path(here.agent.fast_path())
    transport = here.agent._transports[0]
    for port in range(40):
        for datagram in unanswered(here):
            response_ = transport.fast.answer(datagram, "127.0.0.1") if transport.fast is not None else None
            if response_ is None:
                transport.receive(datagram, ("127.0.0.1", 1000 + port))
    engine = here.agent.engine
    for model in engine.message_processing_subsystems.values():
        cache = model._cache
        assert cache._Cache__stateReferenceIndex == {}
        assert all(not waiting.get("stateReference") for waiting in cache._Cache__expirationQueue.values())
    assert engine.message_processing_subsystems[3]._SnmpV3MessageProcessingModel__engineIdCache == {}
    usm = engine.security_models[3]
    assert bytes(engine.snmpEngineID) not in map(bytes, usm._SnmpUSMSecurityModel__timeline)
    assert engine.message_dispatcher._MsgAndPduDispatcher__transportInfo == {}


def test_a_report_that_nobody_waits_for_tells_nothing_of_an_engine(attacked: Attacked) -> None:
    """RFC 3412 §7.2 step 10: it is matched with a message of ours, or discarded."""
    for datagram in unanswered(attacked.here)[4:6]:
        assert attacked.receive(datagram) == []
    assert attacked.to_pysnmp == []
    assert attacked.here.agent.engine.security_models[3]._SnmpUSMSecurityModel__timeline == {}


# --- a share for each source ---


def test_who_sends_little_waits_for_one_of_who_sends_much(attacked: Attacked) -> None:
    flood = [(request(GET_BULK, [ENTRY] * 5, repetitions=100), FLOOD)] * 600
    attacked.arrive(*flood[:300], (request(GET, [SIZE]), MANAGER), *flood[300:])
    place = [address for _, address in attacked.sent].index(MANAGER)
    assert place <= 64


def test_what_is_over_the_share_is_dropped_and_counted(attacked: Attacked) -> None:
    asked = request(SET, [(SIZE, v2c.Integer32(7))], b"public")
    attacked.arrive(*[(asked, FLOOD)] * 20_000, (request(GET, [SIZE]), MANAGER))
    answers = [data for data, address in attacked.sent if address == MANAGER]
    assert [response(answer).values for answer in answers] == [["10"]]
    done = attacked.count("snmpInSetRequests")
    assert done + attacked.transport.dropped == 20_000
    assert attacked.count("snmpInBadCommunityUses") == done
    assert attacked.to_pysnmp == []


def test_what_waits_is_bounded(attacked: Attacked) -> None:
    asked = message(b"nobody", pdu_of(GET, 2000))
    queue = attacked.transport._waiting
    for source in range(2000):
        for _ in range(8):
            queue.put(f"10.0.{source >> 8}.{source & 255}", 161, (asked, FLOOD), len(asked))
    assert queue.held <= 2 * WHOLE + len(asked) + SHARE
    while queue:
        queue.take()


def test_a_turn_ends_and_what_waits_is_served_in_the_next(attacked: Attacked, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves a millisecond with each look: so many answers a turn, whatever has come."""
    time = iter(range(1_000_000))
    monkeypatch.setattr(attacked.here.agent.loop, "time", lambda: next(time) / 1000)
    attacked._arrived += [(request(GET_BULK, [ENTRY], repetitions=100), MANAGER)] * 300
    attacked.transport._drain()
    assert 0 < len(attacked.sent) < 100
    assert attacked.transport._resumption is not None
    monkeypatch.undo()


def test_reports_go_on_as_they_were(attacked: Attacked) -> None:
    """The counters and their Reports are exact over both paths."""
    for turn in range(1, 4):
        user = attacked.user("nobody", auth=None, priv=None)
        (answer,) = attacked.receive(user.request(GET, [SIZE]))
        said = user.response(answer)
        assert report_of(said) == (1, 3, 6, 1, 6, 3, 15, 1, 1, 3, 0)
        assert int(said.bindings[0][1]) == turn
