"""SNMPv3 on the fast path: what it answers, and that all else is pysnmp's, and counted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from itertools import product
from typing import Any

import pytest
from pysnmp.proto.api import v2c

from agent.config.model import AccessList, AclAddress, AclEntry, RouterConfig
from agent.snmp.ber import SEQUENCE, value_at
from agent.snmp.fast_v3 import Opened, V3Messages
from agent.snmp.identity import MOST_BOOTS
from agent.snmp.usm_message import TIME_WINDOW
from tests.snmp.conftest import Station
from tests.snmp.fakes import ENTRY, GET, GET_BULK, GET_NEXT, LOOPBACK, SET, SIZE, TEXT, add_group, add_user, add_view, router
from tests.snmp.v3 import V3User

SECRETS = {"auth": "authpass1", "priv": "privpass1"}
READS: list[tuple[str, Any]] = [(GET, [SIZE, TEXT]), (GET_NEXT, [SIZE]), (GET_BULK, [ENTRY]), (GET, [TEXT] * 200)]
# What a request may be counted in.
COUNTERS = (
    "snmpInPkts",
    "snmpOutPkts",
    "snmpInGetRequests",
    "snmpInGetNexts",
    "snmpInSetRequests",
    "snmpInTotalReqVars",
    "snmpInTotalSetVars",
    "snmpOutGetResponses",
    "snmpOutTooBigs",
    "snmpInASNParseErrs",
    "snmpInvalidMsgs",
    "snmpUnknownContexts",
    "snmpUnknownPDUHandlers",
    "usmStatsUnsupportedSecLevels",
    "usmStatsNotInTimeWindows",
    "usmStatsUnknownUserNames",
    "usmStatsUnknownEngineIDs",
    "usmStatsWrongDigests",
    "usmStatsDecryptionErrors",
)


def config() -> RouterConfig:
    """`joe` can do all, `sue` can sign, `ann` neither; they read the global context and that of `red`."""
    made = router()
    add_user(made, "joe", "readers", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_user(made, "sue", "readers", auth="sha", auth_password="authpass1")
    add_user(made, "ann", "readers")
    add_group(made, "readers", "v3")
    add_group(made, "readers", "v3", context="red-context")
    return made


class Fast:
    """A router with the fast path before pysnmp."""

    def __init__(self, here: Station, in_front: bool = True) -> None:
        self.here = here
        agent = self.here.agent
        self.path = agent.fast_path()
        if in_front:
            agent.use_fast_path(self.path)

    def user(self, name: str = "joe", **changed: Any) -> V3User:
        secrets = {"joe": SECRETS, "sue": {"auth": SECRETS["auth"]}, "ann": {}}.get(name, {})
        return self.here.v3_user(name, **{**secrets, **changed})

    def answers(self, datagram: bytes, source: str = LOOPBACK) -> bytes | None:
        """The answer to an ordinary read; None where the gate, the general path or pysnmp has the say."""
        before = sum(self.path.answered.values())
        answer = self.path.answer(datagram, source)
        return answer if sum(self.path.answered.values()) > before else None


@pytest.fixture
def fast(station: Callable[..., Station]) -> Fast:
    return Fast(station(config()))


def counted(here: Station, datagram: bytes) -> dict[str, int]:
    """What a datagram is counted in, and how often (with the requests that follow it so that no answer need be waited for)."""
    before = {name: here.counters.value(name) for name in COUNTERS}
    here.send(datagram)
    after = {name: here.counters.value(name) for name in COUNTERS}
    return {name: after[name] - before[name] for name in COUNTERS if after[name] != before[name]}


def test_reads_are_answered_and_counted_as_pysnmp_does(fast: Fast, station: Callable[..., Station]) -> None:
    plain = station(config())
    for (kind, names), name in product(READS, ["joe", "sue", "ann"]):
        user = fast.user(name)
        datagram = user.request(kind, names, "red-context")
        answer = fast.answers(datagram)
        assert answer is not None
        user.response(answer)
        there = replace(user, engine_id=plain.identity.engine_id).request(kind, names, "red-context")
        assert counted(fast.here, datagram) == counted(plain, there)


def test_a_user_may_ask_at_a_lower_level(fast: Fast) -> None:
    assert fast.answers(fast.user("joe", priv=None).request(GET, [SIZE])) is not None
    assert fast.answers(fast.user("joe", priv=None, auth=None).request(GET, [SIZE])) is not None


@pytest.mark.parametrize("off", [-TIME_WINDOW, TIME_WINDOW])
def test_the_time_window_is_150_seconds_either_way(fast: Fast, off: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast.here.agent.v3_messages, "_time", lambda: 1000)
    assert fast.answers(fast.user(time=1000 + off).request(GET, [SIZE])) is not None
    assert fast.answers(fast.user(time=1000 + off + off // TIME_WINDOW).request(GET, [SIZE])) is None


def with_flags(flags: int) -> Callable[[Fast], bytes]:
    return lambda fast: fast.user("ann").request(GET, [SIZE]).replace(b"\x04\x01\x04\x02\x01\x03", bytes((4, 1, flags, 2, 1, 3)))


# What is not for the fast path, and the counter that says why (None of what is answered as any request is).
NOT_FAST: dict[str, tuple[Callable[[Fast], bytes], str | None]] = {
    "wrong digest": (lambda fast: fast.user(auth="no-such-pass").request(GET, [SIZE]), "usmStatsWrongDigests"),
    "boots of before": (lambda fast: fast.user(boots=2).request(GET, [SIZE]), "usmStatsNotInTimeWindows"),
    "too late": (lambda fast: fast.user(time=10_000).request(GET, [SIZE]), "usmStatsNotInTimeWindows"),
    "unknown user": (lambda fast: fast.user("nobody").request(GET, [SIZE]), "usmStatsUnknownUserNames"),
    "no user": (lambda fast: fast.user("").request(GET, [SIZE]), "usmStatsUnknownUserNames"),
    "another engine's user": (
        lambda fast: replace(fast.user("ann"), engine_id=b"\x80\0\0\0\x05other").request(GET, [SIZE]),
        "usmStatsUnknownEngineIDs",
    ),
    "discovery": (lambda fast: replace(fast.user("ann"), engine_id=b"").request(GET, []), "usmStatsUnknownEngineIDs"),
    "a level above the user's": (lambda fast: fast.user("sue", **SECRETS).request(GET, [SIZE]), "usmStatsUnsupportedSecLevels"),
    "wrong key": (lambda fast: fast.user(priv="no-such-pass").request(GET, [SIZE]), "usmStatsDecryptionErrors"),
    "unknown context": (lambda fast: fast.user().request(GET, [SIZE], "nowhere"), "snmpUnknownContexts"),
    "another engine's context": (
        lambda fast: fast.user().request(GET, [SIZE], context_engine_id=b"\x80\0\0\0\x05other"),
        "snmpUnknownPDUHandlers",
    ),
    "privacy without authentication": (with_flags(6), "snmpInvalidMsgs"),
    "not a message": (lambda fast: fast.user("ann").request(GET, [SIZE])[:-1], "snmpInASNParseErrs"),
    "set": (lambda fast: fast.user().request(SET, [(SIZE, v2c.Integer32(7))]), "snmpInSetRequests"),
    "a context without access": (lambda fast: fast.user().request(GET, [SIZE], "blue-context"), None),
}


@pytest.mark.parametrize("case", NOT_FAST)
def test_all_else_is_said_and_counted_once_as_pysnmp_does(fast: Fast, station: Callable[..., Station], case: str) -> None:
    made, counter = NOT_FAST[case]
    found = counted(fast.here, made(fast))
    if counter is not None:
        assert found[counter] == 1
        assert {name for name in found if name.startswith("usmStats")} <= {counter}
    plain = Fast(station(config()), in_front=False)
    assert found == counted(plain.here, made(plain))


@pytest.mark.parametrize("name", ["joe", "sue"])
def test_no_octet_of_an_authentic_message_can_be_another(fast: Fast, name: str) -> None:
    whole = fast.user(name).request(GET, [SIZE], "red-context")
    flags = whole.index(b"\x02\x01\x03\x04") - 1  # before msgSecurityModel; a level that is lower is another request
    for at in [at for at in range(len(whole)) if at != flags]:
        assert fast.answers(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]) is None


def test_nothing_shorter_or_longer_is_taken(fast: Fast) -> None:
    for name in ("joe", "ann"):
        whole = fast.user(name).request(GET, [SIZE])
        assert not any(fast.answers(whole[:size]) for size in range(len(whole)))
        assert fast.answers(whole + b"\0") is None


def opened(messages: V3Messages, user: V3User) -> Opened | bytes | None:
    whole = user.request(GET, [SIZE])
    return messages.open(whole, value_at(whole, 0, SEQUENCE)[0] + 3, 10)


def test_an_engine_at_its_last_boot_authenticates_no_more(fast: Fast) -> None:
    agent = fast.here.agent
    last = V3Messages(replace(fast.here.identity, boots=MOST_BOOTS), agent.engine_time, agent._levels, 65507, agent.counters)
    assert isinstance(opened(last, fast.user(boots=MOST_BOOTS)), bytes)
    assert isinstance(opened(last, fast.user("ann", boots=MOST_BOOTS)), Opened)


def test_a_changed_configuration_is_followed_at_once(fast: Fast) -> None:
    user, changed = fast.user(), config()
    asked = user.request(GET, [SIZE, TEXT])
    assert fast.answers(asked) is not None

    add_view(changed, "text", "fake included", "fakeCount excluded")
    add_group(changed, "readers", "v3", read="text")
    fast.here.follow(changed)
    hidden = fast.answers(user.request(GET, [(*ENTRY, 2, 1)]))
    assert hidden is not None
    assert user.response(hidden).values == ["NoSuchObject"]

    add_group(changed, "readers", "v3", "priv", read="text")
    del changed.snmp.groups["readers", "v3", "noauth", None]
    fast.here.follow(changed)
    assert fast.answers(asked) is not None
    assert fast.answers(fast.user(priv=None).request(GET, [SIZE])) is None

    add_user(changed, "joe", "readers", auth="sha", auth_password="another-pass", priv="aes128", priv_password="privpass1")
    fast.here.follow(changed)
    assert fast.answers(asked) is None
    assert fast.answers(fast.user(auth="another-pass").request(GET, [SIZE])) is not None

    del changed.snmp.users["joe"]
    fast.here.follow(changed)
    assert fast.answers(fast.user(auth="another-pass").request(GET, [SIZE])) is None


@pytest.mark.parametrize("whose", ["user", "group"])
def test_a_source_that_an_access_list_refuses_is_not_answered(fast: Fast, whose: str) -> None:
    changed = config()
    only = AclAddress(IPv4Address("10.9.9.9"), IPv4Address(0))
    changed.access_lists["10"] = AccessList(
        "10", False, (AclEntry(True, 0, only, AclAddress(IPv4Address(0), IPv4Address(2**32 - 1))),)
    )
    if whose == "user":
        add_user(changed, "ann", "readers", acl="10")
    else:
        add_group(changed, "readers", "v3", acl="10")
    asked = fast.user("ann").request(GET, [SIZE])
    assert fast.answers(asked) is not None
    fast.here.follow(changed)
    assert fast.answers(asked) is None
    assert fast.answers(asked, "10.9.9.9") is not None


def test_sources_without_number_do_not_fill_the_memory(fast: Fast) -> None:
    asked = fast.user("ann").request(GET, [SIZE])
    for source in range(5000):
        assert fast.answers(asked, f"10.0.{source >> 8}.{source & 255}") is not None
    assert len(fast.path._user_grants) < 5000


@pytest.mark.parametrize("cipher", ["des", "3des", "aes128"])
def test_no_salt_is_used_twice_by_either_path(fast: Fast, cipher: str) -> None:
    changed = config()
    add_user(changed, "joe", "readers", auth="sha", auth_password="authpass1", priv=cipher, priv_password="privpass1")
    fast.here.follow(changed)
    user = fast.user(privacy=cipher)
    salts = []
    for _ in range(3):
        read = fast.answers(user.request(GET, [SIZE]))
        written = fast.here.send(user.request(SET, [(SIZE, v2c.Integer32(7))]))
        assert read is not None
        assert written is not None
        salts += [user.taken(read).salt, user.taken(written).salt]
    assert len(set(salts)) == len(salts)
