"""The engine as managers meet it: v1, v2c and v3 requests over a socket, and configurations that change under it."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from pysnmp.proto.api import v1, v2c

from agent.base.limited_log import AT_ONCE
from agent.config.model import AccessList, AclAddress, AclEntry, RouterConfig, Vrf
from agent.config.snmp_model import Community
from agent.snmp.engine import ListenError, SnmpAgent
from tests.snmp.conftest import Station
from tests.snmp.fakes import (
    ABSENT,
    ADDRESS,
    BIG,
    ENTRY,
    GET,
    GET_BULK,
    GET_NEXT,
    LOOPBACK,
    POINTER,
    READ_ONLY,
    ROOT,
    SET,
    SIZE,
    TEXT,
    add_group,
    add_user,
    add_view,
    fake_tree,
    request,
    response,
    router,
)
from tests.snmp.v3 import V3User, report_of

Start = Callable[..., Station]
USM_STATS = (1, 3, 6, 1, 6, 3, 15, 1, 1)
NO_SUCH_NAME, BAD_VALUE, NO_ACCESS = 2, 3, 6
TOO_BIG = 1


def with_users() -> RouterConfig:
    config = router()
    add_user(config, "ann", "g")
    add_user(config, "ken", "g", auth="sha", auth_password="authpass1")
    add_user(config, "joe", "g", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_group(config, "g", "v3", "priv", "red-context", write="v1default")
    add_group(config, "g", "v3", "noauth", "", read="little")
    add_view(config, "little", "fakeScalars included")
    return config


def joe(here: Station, **rest: Any) -> V3User:
    return here.v3_user("joe", auth="authpass1", priv="privpass1", **rest)


def ask_v3(here: Station, user: V3User, kind: str, names: Any, context: str = "", **rest: Any) -> Any:
    answered = here.send(user.request(kind, names, context, **rest))
    assert answered is not None
    return user.response(answered)


# --- reads ---


@pytest.mark.parametrize("version", [0, 1])
def test_each_community_reads_its_own_context(station: Start, version: int) -> None:
    here = station(router())
    for context, fake in here.fakes.items():
        fake.size = 100 + len(context)
    for community, context in ((b"public", ""), (b"red", "red-context"), (b"blue", "blue-context")):
        assert here.get(GET, [SIZE], community, version).values == [str(100 + len(context))]


def test_a_get_tells_objects_from_instances_that_are_not_there(station: Start) -> None:
    names = [READ_ONLY, ABSENT, (*SIZE[:-1], 1), SIZE[:-1], (*ROOT, 77), (1, 3), POINTER, ADDRESS]
    assert station(router()).get(GET, names).values == [
        "-5", "NoSuchInstance", "NoSuchInstance", "NoSuchInstance", "NoSuchObject", "NoSuchObject", "0.0", "10.0.0.1",
    ]  # fmt: skip


def test_version_1_has_no_exceptions_and_no_counter64(station: Start) -> None:
    here = station(router())
    for failing in (ABSENT, BIG, (1, 3)):
        answered = here.get(GET, [SIZE, failing, failing], version=0)
        assert (answered.status, answered.index) == (NO_SUCH_NAME, 2)
        assert answered.names == [SIZE, failing, failing]
    assert here.get(GET_NEXT, [TEXT], version=0).names == [POINTER]
    answered = here.get(GET_NEXT, [SIZE, (2, 1)], version=0)
    assert (answered.status, answered.index, answered.names) == (NO_SUCH_NAME, 2, [SIZE, (2, 1)])


def test_a_walk_by_get_next_and_one_by_get_bulk_see_the_same(station: Start) -> None:
    here = station(router())
    walked, name = [], ROOT
    while True:
        (name,) = here.get(GET_NEXT, [name]).names
        if walked and name == walked[-1]:
            break
        walked.append(name)
    bulk = here.get(GET_BULK, [ROOT], repetitions=100)
    assert bulk.names == [*walked, walked[-1]]
    assert bulk.values[-1] == "EndOfMibView"
    assert walked == sorted(walked)
    assert ABSENT not in walked
    assert (*ENTRY, 3, 2) not in walked


@pytest.mark.parametrize(
    ("non_repeaters", "repetitions"), [(0, 3), (1, 2), (2, 2), (3, 5), (9, 5), (-1, 2), (1, -1), (1, 0), (0, 0)]
)
def test_get_bulk_repeats_what_is_not_a_non_repeater(station: Start, non_repeaters: int, repetitions: int) -> None:
    here = station(router())
    names = [SIZE, (*ENTRY, 2, 300), (*ENTRY, 5, 300)]
    once = min(max(non_repeaters, 0), 3)
    expected = [here.get(GET_NEXT, [name]).names[0] for name in names[:once]]
    rest = names[once:]
    for _ in range(max(repetitions, 0)):
        if not rest:
            break
        row = here.get(GET_NEXT, rest)
        expected += row.names
        rest = row.names
        if set(row.values) == {"EndOfMibView"}:
            break
    answered = here.get(GET_BULK, names, non_repeaters=non_repeaters, repetitions=repetitions)
    assert answered.names == expected


def test_a_view_hides_what_it_excludes(station: Start) -> None:
    config = router()
    add_view(config, "v", "fake included", "fakeScalars.2 excluded", "fakeEntry.*.300 excluded", "fakeEntry.2.3 excluded")
    config.snmp.communities["c"] = Community("c", "RW", view="v")
    here = station(config)
    assert here.get(GET, [SIZE, (*ENTRY, 2, 300), (*ENTRY, 5, 300), (*ENTRY, 5, 3)], b"c").values == [
        "NoSuchObject", "NoSuchInstance", "NoSuchInstance", "1",
    ]  # fmt: skip
    assert here.get(GET_NEXT, [READ_ONLY, (*ENTRY, 2, 2), (*ENTRY, 5, 3)], b"c").names == [
        (*ROOT, 1, 3, 0), (*ENTRY, 2, 70000), (*ENTRY, 5, 70000),
    ]  # fmt: skip
    answered = here.get(SET, [(SIZE, v2c.Integer32(5))], b"c")
    assert (answered.status, answered.index) == (NO_ACCESS, 1)


# --- who gets no answer ---


def test_a_stranger_gets_no_answer_and_is_counted(station: Start) -> None:
    here = station(router())
    assert here.ask(GET, [SIZE], b"nobody") is None
    assert here.ask(SET, [(SIZE, v2c.Integer32(5))], b"nobody", 1) is None
    assert here.counters.value("snmpInBadCommunityNames") == 2
    assert here.strangers == [LOOPBACK, LOOPBACK]


def test_a_source_that_the_access_list_refuses_gets_no_answer(station: Start) -> None:
    config = router()
    elsewhere = AclAddress(IPv4Address("10.9.9.9"), IPv4Address(0))
    anywhere = AclAddress(IPv4Address(0), IPv4Address("255.255.255.255"))
    config.access_lists["10"] = AccessList("10", False, (AclEntry(True, 0, elsewhere, anywhere),))
    config.snmp.communities["c"] = Community("c", acl="10")
    add_user(config, "ann", "g", acl="10")
    add_group(config, "g", "v3")
    here = station(config)
    assert here.ask(GET, [SIZE], b"c") is None
    assert here.counters.value("snmpInBadCommunityNames") == 1
    assert here.send(here.v3_user("ann").request(GET, [SIZE])) is None


def test_a_community_of_a_context_without_a_vrf_leaves_nothing_behind(station: Start) -> None:
    config = router()
    config.snmp.communities["lost"] = Community("lost")
    config.snmp.community_contexts["lost"] = "nowhere"
    here = station(config)
    for _ in range(20):
        assert here.ask(GET, [SIZE], b"lost") is None
    assert here.counters.value("snmpInBadCommunityNames") == 20
    engine = here.agent.engine
    assert all(model._cache.is_empty() for model in engine.security_models.values())
    for model in engine.message_processing_subsystems.values():
        assert model._cache._Cache__stateReferenceIndex == {}


# --- SET ---


def test_a_read_only_community_cannot_set(station: Start) -> None:
    here = station(router())
    for version, status in ((0, NO_SUCH_NAME), (1, NO_ACCESS)):
        value = v1.Integer(5) if version == 0 else v2c.Integer32(5)
        answered = here.get(SET, [(SIZE, value)], version=version)
        assert (answered.status, answered.index) == (status, 1)
    assert here.fakes[""].done == []
    assert here.counters.value("snmpInBadCommunityUses") == 2


def test_a_set_is_done_in_its_own_context_alone(station: Start) -> None:
    here = station(router())
    answered = here.get(SET, [(SIZE, v2c.Integer32(130)), (TEXT, v2c.OctetString("new"))], b"red")
    assert (answered.status, answered.values) == (0, ["130", "new"])
    assert (here.fakes["red-context"].size, here.fakes["red-context"].text) == (130, b"new")
    assert (here.fakes[""].size, here.fakes["blue-context"].size) == (10, 10)


@pytest.mark.parametrize(
    ("name", "value", "status_1", "status_2"),
    [
        (READ_ONLY, "Integer", NO_SUCH_NAME, 17),
        (SIZE, "OctetString", BAD_VALUE, 7),
        (TEXT, "OctetString", BAD_VALUE, 8),
        (SIZE, "Integer", BAD_VALUE, 10),
        ((*ENTRY, 5, 99), "Integer", NO_SUCH_NAME, 11),
    ],
)
def test_version_1_is_told_the_old_codes(station: Start, name: Any, value: str, status_1: int, status_2: int) -> None:
    here = station(router())
    content: Any = "far too long" if value == "OctetString" else 0
    for version, status in ((0, status_1), (1, status_2)):
        made = getattr(v1 if version == 0 else v2c, value)(content)
        answered = here.get(SET, [(SIZE, (v1.Integer if version == 0 else v2c.Integer32)(5)), (name, made)], b"private", version)
        assert (answered.status, answered.index) == (status, 2)
    assert here.fakes[""].done == []


def test_a_set_whose_response_would_be_too_large_is_not_done(station: Start) -> None:
    here = station(router())
    long = [(SIZE, v2c.Integer32(5))] + [(TEXT, v2c.OctetString("x" * 100))] * 20
    answered = here.get(SET, long, b"private")
    assert (answered.status, answered.bindings) == (TOO_BIG, [])
    assert here.fakes[""].done == []


# --- sizes ---


@pytest.mark.parametrize("size", [484, 485, 611, 612, 613, 1500])
@pytest.mark.parametrize("community", [b"public", b"private"])
def test_a_get_bulk_fills_the_packet_and_no_more(station: Start, size: int, community: bytes) -> None:
    config = router()
    config.snmp.packet_size = size
    here = station(config)
    answered = here.send(request(GET_BULK, [(*ENTRY, 2), (*ENTRY, 5), TEXT[:-1]], community, repetitions=200, request_id=70000))
    assert answered is not None
    assert size - 22 < len(answered) <= size
    whole = response(answered)
    assert whole.names[:3] == [(*ENTRY, 2, 1), (*ENTRY, 5, 1), TEXT]


def test_a_get_that_does_not_fit_is_too_big(station: Start) -> None:
    here = station(router())
    answered = here.get(GET, [SIZE] * 100)
    assert (answered.status, answered.index, answered.bindings) == (TOO_BIG, 0, [])
    old = here.get(GET, [SIZE] * 100, version=0)
    assert (old.status, old.index, old.names) == (TOO_BIG, 0, []), "the request's bindings do not fit either"
    assert here.counters.value("snmpOutTooBigs") == 2


@pytest.mark.parametrize("largest", [484, 1000, 1400])
def test_a_v3_response_stays_within_what_the_manager_can_take(station: Start, largest: int) -> None:
    config = with_users()
    config.snmp.packet_size = 8192
    here = station(config)
    user = joe(here, largest=largest)
    answered = here.send(user.request(GET_BULK, [(*ENTRY, 2)] * 5, "red-context", repetitions=200))
    assert answered is not None
    assert largest - 150 < len(answered) <= largest
    assert user.response(answered).names[0] == (*ENTRY, 2, 1)
    assert ask_v3(here, user, GET, [TEXT] * 100, "red-context").status == TOO_BIG


# --- SNMPv3 ---


def test_a_v3_user_reads_the_context_named(station: Start) -> None:
    here = station(with_users())
    here.fakes["red-context"].size = 77
    assert ask_v3(here, joe(here), GET, [SIZE, (*ENTRY, 2, 1)], "red-context").values == ["77", "11"]
    assert ask_v3(here, joe(here), GET_NEXT, [ROOT], "red-context").names == [READ_ONLY]
    assert ask_v3(here, joe(here), GET, [SIZE, (*ENTRY, 2, 1)]).values == ["10", "NoSuchObject"]
    assert ask_v3(here, here.v3_user("ann"), GET, [SIZE]).values == ["10"]
    assert ask_v3(here, here.v3_user("ken", auth="authpass1"), GET, [SIZE]).values == ["10"]


def test_a_v3_user_gets_nothing_that_no_group_says(station: Start) -> None:
    here = station(with_users())
    for user, context in ((here.v3_user("ann"), "red-context"), (joe(here), "blue-context")):
        answered = ask_v3(here, user, GET, [SIZE], context)
        assert (answered.status, answered.index) == (16, 1)  # authorizationError


def test_a_v3_user_writes_where_the_group_says_so(station: Start) -> None:
    here = station(with_users())
    assert ask_v3(here, joe(here), SET, [(SIZE, v2c.Integer32(6))], "red-context").status == 0
    assert here.fakes["red-context"].size == 6
    assert ask_v3(here, joe(here), SET, [(SIZE, v2c.Integer32(6))]).status == NO_ACCESS


def test_a_user_may_ask_at_a_lower_level_and_gets_what_the_groups_say_for_it(station: Start) -> None:
    here = station(with_users())
    for lower in (here.v3_user("joe", auth="authpass1"), here.v3_user("joe"), here.v3_user("ken")):
        assert ask_v3(here, lower, GET, [SIZE, (*ENTRY, 2, 1)]).values == ["10", "NoSuchObject"]
        assert ask_v3(here, lower, GET, [SIZE], "red-context").status == 16  # authorizationError


def test_a_message_of_no_user_is_no_users(station: Start) -> None:
    here = station(with_users())
    assert report_of(ask_v3(here, here.v3_user(""), GET, [SIZE])) == (*USM_STATS, 3, 0)
    assert here.counters.value("usmStatsUnknownUserNames") == 1
    assert here.agent.engine.security_models[3]._SnmpUSMSecurityModel__timeline == {}


def test_who_asks_another_engine_is_told_which_engine_is_here(station: Start) -> None:
    """So a manager that knows an engine of before finds the one that took its place."""
    here = station(with_users())
    for user in (here.v3_user(""), here.v3_user("ann"), here.v3_user("nobody"), here.v3_user("ken", auth="authpass1"), joe(here)):
        user.engine_id = b"\x80\0\0\x09\x05stranger"
        assert report_of(ask_v3(here, user, GET, [SIZE])) == (*USM_STATS, 4, 0)
    assert (here.counters.value("usmStatsUnknownEngineIDs"), here.counters.value("usmStatsUnknownUserNames")) == (5, 0)
    assert here.agent.engine.security_models[3]._SnmpUSMSecurityModel__timeline == {}


@pytest.mark.parametrize("size", [0, 1, 4, 33, 64])
@pytest.mark.parametrize("passwords", [{}, {"auth": "authpass1"}, {"auth": "authpass1", "priv": "privpass1"}])
def test_an_engine_id_of_no_possible_length_is_discovery_at_every_level(
    station: Start, size: int, passwords: dict[str, str]
) -> None:
    """RFC 3414 §3.2 step 3 (b): zero-length or otherwise illegally sized gets a Report, which RFC 3412 §7.2 sends in the clear."""
    here = station(with_users())
    user = here.v3_user("joe", **passwords)
    user.engine_id = b"\x80" * size
    answered = here.send(user.request(GET, [SIZE]))
    assert answered is not None
    taken = user.taken(answered)
    assert (taken.engine_id, taken.header[2]) == (here.identity.engine_id, b"\0")
    assert report_of(ask_v3(here, user, GET, [SIZE])) == (*USM_STATS, 4, 0)
    assert here.counters.value("usmStatsUnknownEngineIDs") == 2
    assert here.send(user.request(GET, [SIZE], reportable=False)) is None
    assert here.counters.value("usmStatsUnknownEngineIDs") == 3
    assert here.agent.engine.security_models[3]._SnmpUSMSecurityModel__timeline == {}


def test_wrong_v3_messages_get_their_reports(station: Start) -> None:
    here = station(with_users())
    bad = here.v3_user("ken", auth="authpass2")
    late = here.v3_user("ken", auth="authpass1", time=1000)
    cases = {
        2: late,
        3: here.v3_user("nobody"),
        5: bad,
        1: here.v3_user("ann", auth="authpass1"),
    }
    for number, user in cases.items():
        assert report_of(ask_v3(here, user, GET, [SIZE])) == (*USM_STATS, number, 0)
        answered = here.send(user.request(GET, [SIZE]))
        assert answered is not None
        assert not user.taken(answered).header[2][0] & 4, "a Report has no reportableFlag"
    stranger = here.v3_user("ann")
    stranger.engine_id = b""
    assert report_of(ask_v3(here, stranger, GET, [])) == (*USM_STATS, 4, 0)
    names = ("NotInTimeWindows", "UnknownUserNames", "WrongDigests", "UnsupportedSecLevels", "UnknownEngineIDs")
    assert [here.counters.value(f"usmStats{name}") for name in names] == [2, 2, 2, 2, 1]


def test_an_unknown_context_is_reported_and_counted(station: Start) -> None:
    here = station(with_users())
    report_of(ask_v3(here, joe(here), GET, [SIZE], "nowhere"))
    assert here.counters.value("snmpUnknownContexts") == 1
    assert ask_v3(here, joe(here), GET, [SIZE]).values == ["10"]


def test_engine_time_follows_no_wall_clock(station: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    here = station(with_users())
    (symbol,) = here.agent.engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineTime")
    before = int(symbol.syntax.clone())
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert before <= int(symbol.syntax.clone()) < before + 3600
    assert ask_v3(here, joe(here), GET, [SIZE], "red-context").values == ["10"]


def test_the_engines_identity_is_ours_and_kept_nowhere_else(
    station: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    here = station(router())
    (boots,) = here.agent.engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineBoots")
    assert int(boots.syntax) == here.identity.boots
    assert bytes(here.agent.engine.snmpEngineID) == here.identity.engine_id
    assert list(tmp_path.iterdir()) == []


# --- change and what is counted ---


def test_a_changed_configuration_is_followed_at_once(station: Start) -> None:
    config = with_users()
    here = station(config)
    assert here.ask(GET, [SIZE], b"new") is None
    config.snmp.communities["new"] = Community("new")
    del config.snmp.communities["blue"]
    add_user(config, "joe", "g", auth="sha", auth_password="otherpass", priv="aes128", priv_password="privpass1")
    del config.snmp.users["ann"]
    here.follow(config)
    assert here.get(GET, [SIZE], b"new").values == ["10"]
    assert here.ask(GET, [SIZE], b"blue") is None
    assert report_of(ask_v3(here, joe(here), GET, [SIZE])) == (*USM_STATS, 5, 0)
    assert report_of(ask_v3(here, here.v3_user("ann"), GET, [SIZE])) == (*USM_STATS, 3, 0)
    changed = here.v3_user("joe", auth="otherpass", priv="privpass1")
    assert ask_v3(here, changed, GET, [SIZE], "red-context").values == ["10"]


def test_a_new_vrf_brings_a_new_context(station: Start) -> None:
    config = router()
    here = station(config)
    config.vrfs["green"] = Vrf("green", context="green-context")
    config.snmp.communities["green"] = Community("green")
    config.snmp.community_contexts["green"] = "green-context"
    here.trees["green-context"] = fake_tree(here.fakes[""])
    here.follow(config)
    assert here.get(GET, [SIZE], b"green").values == ["10"]
    del config.vrfs["green"]
    here.follow(config)
    assert here.ask(GET, [SIZE], b"green") is None


def test_requests_and_responses_are_counted(station: Start) -> None:
    here = station(router())
    here.get(GET, [SIZE, TEXT])
    here.get(GET_NEXT, [SIZE])
    here.get(GET_BULK, [SIZE])
    here.get(SET, [(SIZE, v2c.Integer32(3))], b"private")
    here.get(GET, [ABSENT], version=0)
    assert here.ask(GET, [SIZE], b"nobody") is None
    sentinels = 7  # what the station asks to know that no answer is coming
    expected = {
        "snmpInPkts": 6 + sentinels,
        "snmpOutPkts": 5 + sentinels,
        "snmpInGetRequests": 2 + sentinels,
        "snmpInGetNexts": 1,
        "snmpInSetRequests": 1,
        "snmpInTotalReqVars": 4,  # noSuchName read nothing
        "snmpInTotalSetVars": 1,
        "snmpOutGetResponses": 5 + sentinels,
        "snmpOutNoSuchNames": 1,
        "snmpInBadCommunityNames": 1,
        "snmpInASNParseErrs": 0,
        "snmpInBadVersions": 0,
    }
    assert {name: here.counters.value(name) for name in expected} == expected


def test_versions_that_there_are_not_are_counted(station: Start) -> None:
    here = station(router())
    datagram = bytearray(request(GET, [SIZE]))
    datagram[4] = 2
    assert here.send(bytes(datagram)) is None
    assert here.counters.value("snmpInBadVersions") == 1


def test_a_sub_identifier_beyond_32_bits_is_a_parse_error(station: Start) -> None:
    here = station(router())
    for name in ((*ROOT, 1 << 32), (*ROOT, *[1] * 130)):
        for kind in (GET, GET_NEXT, GET_BULK):
            assert here.ask(kind, [name], b"private") is None
        assert here.ask(SET, [(name, v2c.Integer32(1))], b"private") is None
    assert here.counters.value("snmpInASNParseErrs") == 8


# --- sockets ---


def test_it_answers_over_ipv6_and_on_every_address(station: Start, loop: asyncio.AbstractEventLoop) -> None:
    here = station(router())
    here.agent.listen([("::1", 0), (LOOPBACK, 0)])
    first, second, third = here.agent.addresses
    assert first != third
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        manager.bind(("::1", 0))

        async def ask() -> bytes:
            await loop.sock_sendto(manager, request(GET, [SIZE]), second)
            return await loop.sock_recv(manager, 65535)

        assert response(here.run(ask())).values == ["10"]


def test_an_address_in_use_is_one_line(station: Start) -> None:
    here = station(router())
    taken = here.agent.addresses[0]
    with pytest.raises(
        ListenError, match=rf"^127\.0\.0\.1:{taken[1]}: cannot listen for SNMP there: Address already in use: .*--listen HOST:PORT"
    ):
        here.agent.listen([(LOOPBACK, 0), taken])
    assert here.agent.addresses == [taken]


class Parrot:
    """A fast path that answers what it is told to."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self.answered = {0xA0: 0, 0xA1: 0, 0xA5: 0}
        self.variables = self.too_bigs = 0
        self.sources: list[str] = []
        self.largest: list[int] = []

    def answer(self, datagram: bytes, source: str) -> bytes | None:
        self.sources.append(source)
        return self._answer(datagram)

    def policy_changed(self, largest: int) -> None:
        self.largest.append(largest)


def test_the_fast_path_is_asked_first_and_its_counts_are_added(station: Start) -> None:
    here = station(router())
    said: dict[bytes, bytes] = {}
    parrot = Parrot(said.get)
    here.agent.use_fast_path(parrot)
    asked = request(GET, [SIZE])
    assert here.get(GET, [SIZE]).values == ["10"]  # passed on
    said[asked] = b"instead"
    assert here.send(asked) == b"instead"
    said[asked] = b""  # dropped
    assert here.send(asked) is None
    assert set(parrot.sources) == {LOOPBACK}
    before = here.counters.value("snmpInPkts")
    parrot.answered = {0xA0: 7, 0xA1: 2, 0xA5: 1}
    assert here.counters.value("snmpInPkts") == before + 10
    assert here.counters.value("snmpInGetRequests") >= 7
    here.follow(here.config)
    assert parrot.largest == [1500, 1500], "at first, and of the new configuration"


def test_a_fast_path_that_fails_leaves_the_answer_to_pysnmp(station: Start) -> None:
    here = station(router())
    fault = RuntimeError("no")

    def fail(datagram: bytes) -> bytes | None:
        raise fault

    here.agent.use_fast_path(Parrot(fail))
    here.agent._transports[0]._failed = here.faults.append
    assert here.get(GET, [SIZE]).values == ["10"]
    assert set(here.faults) == {fault}


def test_a_fault_that_a_stranger_causes_again_and_again_is_a_few_lines_in_the_log(
    station: Start, caplog: pytest.LogCaptureFixture
) -> None:
    here = station(router())
    for _ in range(100):
        SnmpAgent.failed(here.agent, RuntimeError("no"))
    assert len(caplog.records) == AT_ONCE
    here.agent.close()
    assert f"of {100 - AT_ONCE} such lines" in caplog.messages[-1]
