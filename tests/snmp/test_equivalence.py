"""The fast path and pysnmp give octet-identical answers while the clock is held still (the snmp group's own counters aside).

Of SNMPv3 what is sealed is compared: each answer has a salt and a time of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from agent.base.clock import VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.config.session import Session
from agent.flow.counters import IpsecCounter, PacketCounters, PeriodicCounters, Rhythm
from agent.flow.model import EndReason
from agent.lab.lab import open_lab
from agent.mib.schema import Schema
from agent.mib.values import END_OF_MIB_VIEW, NULL, number, object_identifier, wrap
from agent.router_service import Options, RouterService, plans_of
from tests.flow.builders import bundle, ike_facts, ipsec_facts
from tests.snmp.fakes import response, whole
from tests.snmp.v3 import V3User

EXAMPLES = Path(__file__).parents[2] / "examples"
GET, GET_NEXT, SET, GET_BULK = 0xA0, 0xA1, 0xA3, 0xA5
SNMP_GROUP = (1, 3, 6, 1, 2, 1, 11)
EXTRA_LINES = (
    "snmp-server view no-ike iso included",
    "snmp-server view no-ike cipSecPhaseOne excluded",
    "snmp-server view only-flow ciscoIpSecFlowMonitorMIB included",
    "snmp-server community narrow view no-ike RO",
    "snmp-server community flow view only-flow RO",
    "snmp mib community-map narrow context vrf-vrf1-context",
    "snmp-server packetsize 8192",
    "snmp-server group readers v3 noauth",
    "snmp-server group readers v3 auth context vrf-vrf1-context read no-ike",
    "snmp-server group readers v3 priv context vrf-vrf1-context read only-flow",
)
# SNMPv3 users by name: every protocol of either kind.
USERS: dict[str, dict[str, str]] = {
    "plain": {},
    "signing": {"authentication": "md5", "auth": "authpass1"},
    **{
        f"sealing-{authentication}-{privacy}": {
            "authentication": authentication,
            "auth": "authpass1",
            "privacy": privacy,
            "priv": "privpass1",
        }
        for authentication, privacy in (
            ("md5", "des"),
            ("sha", "3des"),
            ("sha224", "aes128"),
            ("sha256", "aes192"),
            ("sha384", "aes256"),
            ("sha512", "des"),
        )
    },
}
# The secrets that a message of a level does without.
ABOVE = {"noauth": ("auth", "priv"), "auth": ("priv",), "priv": ()}
# pyasn1 gives these one octet too many (X.690 §8.3.2): the slow path's answer is right otherwise, and no manager is troubled.
ENCODED_TOO_LONG = (-(2**7), -(2**15), -(2**23), -(2**31))
Oid = tuple[int, ...]
FLOW_MIB = (1, 3, 6, 1, 4, 1, 9, 9, 171, 1)
# What is set to what it is.
SETTABLE: dict[Oid, bytes] = {(*FLOW_MIB, 4, 1, 1, 1, 0): number("Integer32", 200)}  # cipSecHistTableSize


def user_line(name: str, authentication: str = "", auth: str = "", privacy: str = "", priv: str = "") -> str:
    """The configuration line of one of the users."""
    words = f"snmp-server user {name} readers v3"
    if auth:
        words += f" auth {authentication} {auth}"
    return f"{words} priv {privacy.replace('aes', 'aes ')} {priv}" if priv else words


@dataclass(slots=True)
class Pair:
    """One router, asked by either path."""

    service: RouterService
    names: list[Oid]

    def fast(self, datagram: bytes) -> bytes | None:
        return whole(self.service.agent.fast.answer(datagram, "127.0.0.1"))

    def user(self, name: str, level: str, largest: int = 65507) -> V3User:
        """One of the users at a level that it has, as a manager knows it."""
        secrets = {key: value for key, value in USERS[name].items() if key not in ABOVE[level]}
        engine_id = self.service.agent.v3_messages.engine_id
        return V3User(name, engine_id, boots=1, time=self.service.agent.engine_time(), largest=largest, **secrets)

    def slow(self, datagram: bytes) -> bytes | None:
        (transport,) = self.service.agent._transports
        sent: list[bytes] = []
        transport._send = lambda message, address: bool(sent.append(message)) or True  # type: ignore[method-assign]  # the way out
        transport.receive(datagram, ("127.0.0.1", 40000))
        while transport._waiting.held:
            transport._drain()
        assert len(sent) <= 1
        return sent[0] if sent else None


@pytest.fixture(scope="module")
def pair(schema: Schema, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    loop = asyncio.new_event_loop()

    async def build() -> RouterService:
        lab = open_lab(EXAMPLES / "two-vrf-hub.toml", VirtualClock(90_000_000))
        service = RouterService(lab.first, plans_of(schema), Options("lab", tmp_path_factory.mktemp("state")))
        service.listen([("127.0.0.1", 0)])
        session = Session(service.document)
        for line in (*EXTRA_LINES, *(user_line(name, **secrets) for name, secrets in USERS.items())):
            service.configured(session.feed(line).events)
        return service

    service = loop.run_until_complete(build())
    _populate(service)
    names = []
    for context in ("", "vrf-vrf1-context"):
        tree = service.contexts.tree(context)
        assert tree is not None
        for column in tree.columns:
            table = tree.table(column)
            places = range(len(table))
            names += [(*column.object.oid, *_sub_identifiers(table.key(at))) for at in (*places[:3], *places[-2:])]
            names.append(column.object.oid)
    yield Pair(service, sorted(set(names)))
    service.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def _sub_identifiers(key: bytes) -> Oid:
    return tuple(int.from_bytes(key[at : at + 4], "big") for at in range(0, len(key), 4))


def _populate(service: RouterService) -> None:
    """Tunnels of both kinds of source, with holes (AES, group 14), history and failures."""
    monitor = service.node.monitor
    rhythm = Rhythm(1000, tuple(range(1, len(IpsecCounter) + 1)))
    for number_of in range(150):
        spoke = IPv4Address("10.9.0.0") + number_of
        odd = {"encryption": "aes", "group": 14} if number_of % 3 == 0 else {}
        ike = monitor.ike_up("vrf1", ike_facts(spoke, **odd), PacketCounters(IkeCounter))
        counters = PeriodicCounters((2**33,) * len(IpsecCounter), rhythm, -number_of)
        tunnel = monitor.ipsec_up(ike, ipsec_facts(spoke), bundle(1000 + 10 * number_of), counters)
        if number_of % 7 == 0:
            monitor.ipsec_ended(tunnel, EndReason.OPERATOR)
            monitor.ike_ended(ike, EndReason.PEER_LOST)


def request(version: int, community: bytes, kind: int, names: list[Oid], first: int, second: int, request_id: int) -> bytes:
    return wrap(0x30, number("Integer32", version) + wrap(0x04, community) + read(kind, names, first, second, request_id))


def read(kind: int, names: list[Oid], first: int, second: int, request_id: int) -> bytes:
    """A PDU."""
    bindings = b"".join(wrap(0x30, object_identifier(name) + NULL) for name in names)
    fields = b"".join(number("Integer32", value) for value in (request_id, first, second))
    return wrap(kind, fields + wrap(0x30, bindings))


def requests(names: list[Oid]) -> st.SearchStrategy[bytes]:
    community = st.sampled_from([b"abc1", b"global1", b"narrow", b"flow"])
    common = contents(names)
    simple, bulk = simple_fields(), bulk_fields()
    return st.one_of(
        st.builds(request, version=st.sampled_from([0, 1]), community=community, **simple, **common),
        st.builds(request, version=st.just(1), community=community, **bulk, **common),
    )


def pdus(names: list[Oid]) -> st.SearchStrategy[bytes]:
    common = contents(names)
    return st.one_of(st.builds(read, **simple_fields(), **common), st.builds(read, **bulk_fields(), **common))


def simple_fields() -> dict[str, st.SearchStrategy[int]]:
    return {"kind": st.sampled_from([GET, GET_NEXT]), "first": st.just(0), "second": st.just(0)}


def bulk_fields() -> dict[str, st.SearchStrategy[int]]:
    return {
        "kind": st.just(GET_BULK),
        "first": st.one_of(st.integers(-2, 8), st.just(2**31 - 1)),
        "second": st.one_of(st.integers(-2, 40), st.sampled_from([500, 2**31 - 1])),
    }


def contents(names: list[Oid]) -> dict[str, st.SearchStrategy[Any]]:
    changed = st.builds(
        lambda name, cut, tail: (*name[: len(name) - cut], *tail),
        st.sampled_from(names),
        st.integers(0, 6),
        st.lists(st.one_of(st.integers(0, 60), st.integers(0, 2**32 - 1)), max_size=3),
    )
    outside = st.lists(st.integers(0, 39), min_size=2, max_size=6).map(lambda tail: (1, 3, *tail))
    name = st.one_of(st.sampled_from(names), changed, outside).filter(lambda oid: len(oid) >= 2 and oid[:2] == (1, 3))
    return {
        "names": st.one_of(st.lists(name, max_size=6), st.lists(name, min_size=40, max_size=120)),
        "request_id": st.integers(-(2**31), 2**31 - 1).filter(lambda number: number not in ENCODED_TOO_LONG),
    }


def without_snmp_group(names: list[Oid]) -> list[Oid]:
    return [name for name in names if name[: len(SNMP_GROUP)] != SNMP_GROUP]


# A failing example is made no smaller: that would take longer than finding it.
searched = settings(
    max_examples=5000 if os.environ.get("SOAK") else 150,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@searched
@given(data=st.data())
def test_both_paths_answer_alike(pair: Pair, data: st.DataObject) -> None:
    datagram = data.draw(requests(without_snmp_group(pair.names)))
    fast = pair.fast(datagram)
    if fast is not None:
        slow = pair.slow(datagram)
        assert bool(fast) == (slow is not None)
        if slow is not None and not _shows_counters_of_the_engine(fast):
            assert fast.hex() == slow.hex()


def assignments(names: list[Oid]) -> st.SearchStrategy[bytes]:
    """SETs of which each is refused, or sets what is already so."""
    known = list(SETTABLE.items())
    value = st.one_of(
        st.integers(0, 2**31 - 1).map(lambda value: number("Integer32", value)),
        st.integers(0, 2**32 - 1).map(lambda value: number("Gauge32", value)),
        st.binary(max_size=200).map(lambda value: wrap(0x04, value)),
        st.just(object_identifier((1, 3, 6, 1))),
        st.just(b"\x40\x04\x0a\x00\x00\x01"),
    )
    binding = st.one_of(st.sampled_from(known), st.tuples(st.sampled_from(names), value)).filter(
        lambda binding: binding[0] not in SETTABLE or binding in known
    )
    return st.builds(
        lambda version, community, bindings, request_id: wrap(
            0x30,
            number("Integer32", version)
            + wrap(0x04, community)
            + wrap(
                SET,
                number("Integer32", request_id)
                + b"\x02\x01\x00\x02\x01\x00"
                + wrap(0x30, b"".join(wrap(0x30, object_identifier(name) + value) for name, value in bindings)),
            ),
        ),
        st.sampled_from([0, 1]),
        st.sampled_from([b"abc1", b"global1", b"narrow"]),
        st.one_of(st.lists(binding, max_size=4), st.lists(binding, min_size=100, max_size=140)),
        st.integers(1, 2**31 - 1),
    )


@settings(searched, max_examples=2000 if os.environ.get("SOAK") else 100)
@given(data=st.data())
def test_both_paths_set_alike(pair: Pair, data: st.DataObject) -> None:
    datagram = data.draw(assignments(pair.names))
    fast, slow = pair.fast(datagram), pair.slow(datagram)
    assert fast is not None
    assert slow is not None
    assert fast.hex() == slow.hex()


def _shows_counters_of_the_engine(message: bytes) -> bool:
    return object_identifier(SNMP_GROUP)[2:] in message


COMMUNITIES = [b"abc1", b"global1", b"narrow", b"flow"]
PACK = 40  # names of a request: the slow path answers many at once sooner than each by itself


def walked(pair: Pair, community: bytes) -> list[Oid]:
    """The names that a walk by the fast path shows, with the one that it begins at."""
    names: list[Oid] = [(1, 3)]
    while True:
        answer = pair.fast(request(1, community, GET_BULK, names[-1:], 0, PACK, 1))
        assert answer is not None
        names += response(answer, 1).names
        if END_OF_MIB_VIEW in answer[-2:]:
            return list(dict.fromkeys(names))


@pytest.mark.parametrize("community", COMMUNITIES)
def test_walks_by_getbulk_are_alike(pair: Pair, community: bytes) -> None:
    """Every cell, up to the end of the view."""
    for turn, name in enumerate(walked(pair, community)[::PACK]):
        answered_alike(pair, request(1, community, GET_BULK, [name], 0, PACK, turn))


@pytest.mark.parametrize("community", COMMUNITIES)
def test_walks_by_version_1_are_alike(pair: Pair, community: bytes) -> None:
    """By GETNEXT, up to noSuchName. Version 1 passes over the columns of Counter64, so the ends of each column are looked at."""
    names = walked(pair, community)
    looked = names if os.environ.get("SOAK") else [name for at, name in enumerate(names) if at % 10 == 0 or at_an_edge(names, at)]
    for turn, at in enumerate(range(0, len(looked) - 1, PACK)):
        answered_alike(pair, request(0, community, GET_NEXT, looked[at : min(at + PACK, len(looked) - 1)], 0, 0, turn))
    answered_alike(pair, request(0, community, GET_NEXT, names[-1:], 0, 0, 0))


def at_an_edge(names: list[Oid], at: int) -> bool:
    """Whether the name before or after is in another column: those of the flow MIB have 13 sub-identifiers."""
    return {name[:13] for name in names[max(at - 1, 0) : at + 2]} != {names[at][:13]}


def answered_alike(pair: Pair, datagram: bytes) -> None:
    fast, slow = pair.fast(datagram), pair.slow(datagram)
    assert slow is not None
    assert fast is not None
    if not _shows_counters_of_the_engine(fast):
        assert fast.hex() == slow.hex()


def levels(name: str) -> list[str]:
    return ["noauth", *(["auth"] if "auth" in USERS[name] else []), *(["priv"] if "priv" in USERS[name] else [])]


@settings(searched, max_examples=5000 if os.environ.get("SOAK") else 100)
@given(data=st.data())
def test_both_paths_answer_v3_alike(pair: Pair, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(USERS)))
    level = data.draw(st.sampled_from(levels(name)))
    user = pair.user(name, level, data.draw(st.sampled_from([484, 600, 1400, 9000, 2**31 - 1])))
    context = data.draw(st.sampled_from(["", "vrf-vrf1-context"]))
    pdu = data.draw(pdus(without_snmp_group(pair.names)))
    datagram = user.message(pdu, context, data.draw(st.booleans()), message_id=data.draw(st.integers(0, 2**31 - 1)))
    fast = pair.fast(datagram)
    if fast is not None:
        slow = pair.slow(datagram)
        assert slow is not None
        alike(user, fast, slow)


def alike(user: V3User, fast: bytes, slow: bytes) -> None:
    """Whether two SNMPv3 responses are authentic and say the same."""
    ours, theirs = user.taken(fast), user.taken(slow)
    assert ours.header == theirs.header
    assert len(ours.salt) == len(theirs.salt)
    if not _shows_counters_of_the_engine(ours.scoped):
        assert replace(ours, time=0, salt=b"") == replace(theirs, time=0, salt=b"")


@pytest.mark.parametrize("name", USERS)
def test_the_fast_path_answers_every_user_at_every_level(pair: Pair, name: str) -> None:
    for level in levels(name):
        user = pair.user(name, level)
        context = "" if level == "noauth" else "vrf-vrf1-context"
        for kind in (GET, GET_NEXT, GET_BULK):
            datagram = user.message(read(kind, without_snmp_group(pair.names)[::400], 0, 3 if kind == GET_BULK else 0, 7), context)
            fast, slow = pair.fast(datagram), pair.slow(datagram)
            assert fast is not None
            assert slow is not None
            alike(user, fast, slow)


def refused(pair: Pair) -> dict[str, bytes]:
    """SNMPv3 messages that are no user's, or not as they must be, with what the gate says of each (RFC 3414 §3.2)."""
    asked = read(GET, pair.names[:2], 0, 0, 77)
    plain, signing, sealing = (
        pair.user("plain", "noauth"),
        pair.user("signing", "auth"),
        pair.user("sealing-sha224-aes128", "priv"),
    )
    return {
        "discovery": replace(plain, engine_id=b"").message(read(GET, [], 0, 0, 77)),
        "discovery by name": replace(plain, engine_id=b"", name="").message(asked, "vrf-vrf1-context"),
        "another engine": replace(plain, engine_id=b"\x80\0\0\0\x05other").message(asked),
        "no user": replace(plain, name="").message(asked),
        "unknown user": replace(plain, name="nobody").message(asked),
        "unknown user, sealed": replace(sealing, name="nobody").message(asked),
        "a level too high": replace(signing, priv="privpass1", privacy="des").message(asked),
        "a wrong digest": replace(signing, auth="no-such-pass").message(asked),
        "a wrong digest, sealed": replace(sealing, auth="no-such-pass").message(asked),
        "boots of before": replace(signing, boots=0).message(asked),
        "too late, sealed": replace(sealing, time=10_000).message(asked),
        "a wrong key": replace(sealing, priv="no-such-pass").message(asked),
        "an unknown context": sealing.message(asked, "nowhere"),
        "an unknown context in the clear": plain.message(asked, "nowhere"),
        "another engine's context": signing.message(asked, context_engine_id=b"\x80\0\0\0\x05other"),
        "not to be reported": replace(plain, name="nobody").message(asked, reportable=False),
        "no access": plain.message(asked, "vrf-vrf2-context"),
    }


REFUSED = (
    *("discovery", "discovery by name", "another engine", "no user", "unknown user", "unknown user, sealed", "a level too high"),
    *("a wrong digest", "a wrong digest, sealed", "boots of before", "too late, sealed", "a wrong key", "an unknown context"),
    *("an unknown context in the clear", "another engine's context", "not to be reported", "no access"),
)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_reported_alike(pair: Pair, case: str) -> None:
    """But for time, salt, digest, and the counter, which has risen by one."""
    datagram = refused(pair)[case]
    user = pair.user("sealing-sha224-aes128" if "sealed" in case or case == "an unknown context" else "signing", "auth")
    user.priv, user.privacy = "privpass1", "aes128"
    if "sealing" in datagram.decode("latin-1"):
        user = pair.user("sealing-sha224-aes128", "priv")
    slow, fast = pair.slow(datagram), pair.fast(datagram)
    assert fast is not None
    assert bool(fast) == (slow is not None)
    if slow is not None:
        ours, theirs = user.taken(fast), user.taken(slow)
        assert len(fast) == len(slow)
        assert ours.scoped[:-1] == theirs.scoped[:-1]
        assert ours.scoped[-1] in (theirs.scoped[-1], theirs.scoped[-1] + 1)
        assert replace(ours, time=0, salt=b"", scoped=b"") == replace(theirs, time=0, salt=b"", scoped=b"")
