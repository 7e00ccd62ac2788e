"""A small tree of the tests' own, a router's configuration, and SNMP messages built with pyasn1."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v1, v2c

from agent.base.keyed import Keyed
from agent.base.origin import Origin
from agent.base.work import Work, go_on
from agent.config.model import RouterConfig, Vrf
from agent.config.snmp_model import Community, SnmpGroup, SnmpUser, SnmpView, ViewSubtree
from agent.mib.column import Column, Commit, SetRefusedError, Undo
from agent.mib.index import NumberIndex
from agent.mib.schema import Object, Oid, Syntax
from agent.mib.tree import Tree
from agent.mib.values import number, object_identifier, octets
from agent.snmp.ber import Response as Sent
from agent.snmp.view import ViewMaker
from tests.mib.trees import tree_of

LOOPBACK = "127.0.0.1"
ROOT: Oid = (1, 3, 6, 1, 4, 1, 99999)
NAMES: dict[str, Oid] = {
    "iso": (1,),
    "internet": (1, 3, 6, 1),
    "mib-2": (1, 3, 6, 1, 2, 1),
    "system": (1, 3, 6, 1, 2, 1, 1),
    "fake": ROOT,
    "fakeScalars": (*ROOT, 1),
    "fakeTable": (*ROOT, 2),
    "fakeEntry": (*ROOT, 2, 1),
    "fakeCount": (*ROOT, 2, 1, 2),
    # RFC 3411 to 3418, RFC 3584
    "snmpFrameworkMIB": (1, 3, 6, 1, 6, 3, 10),
    "snmpMPDMIB": (1, 3, 6, 1, 6, 3, 11),
    "snmpTargetMIB": (1, 3, 6, 1, 6, 3, 12),
    "snmpNotificationMIB": (1, 3, 6, 1, 6, 3, 13),
    "snmpUsmMIB": (1, 3, 6, 1, 6, 3, 15),
    "snmpVacmMIB": (1, 3, 6, 1, 6, 3, 16),
    "snmpCommunityMIB": (1, 3, 6, 1, 6, 3, 18),
}


def resolve(name: str) -> Oid:
    return NAMES[name]


VIEWS = ViewMaker(resolve)
INTERNET, EVERYTHING = VIEWS.internet, VIEWS.everything


@dataclass
class Fake:
    """What the fake tree shows and what was done to it."""

    label: str = "fake"
    size: int = 10
    mode: str = "on"
    text: bytes = b"words"
    address: IPv4Address = field(default_factory=lambda: IPv4Address("10.0.0.1"))
    rows: dict[int, int] = field(default_factory=lambda: {1: 11, 2: 22, 3: 33, 300: 3300, 70000: 70000})
    done: list[str] = field(default_factory=list)
    fault: Exception | None = None
    commit_fault: Exception | None = None  # what commits raise whose name begins with `faulty`
    faulty: str = ""
    undo_fault: Exception | None = None
    origins: list[Origin] = field(default_factory=list)


def _object(name: str, oid: Oid, kind: str, base: str, access: str = "read-only", **syntax: Any) -> Object:
    return Object("FAKE-MIB", name, oid, kind, access, Syntax(base, base, **syntax))


MODES = {"on": 1, "off": 2}
READ_ONLY = (*ROOT, 1, 1, 0)
SIZE = (*ROOT, 1, 2, 0)
MODE = (*ROOT, 1, 3, 0)
TEXT = (*ROOT, 1, 4, 0)
BIG = (*ROOT, 1, 5, 0)
POINTER = (*ROOT, 1, 6, 0)
FAULTY = (*ROOT, 1, 7, 0)
ABSENT = (*ROOT, 1, 8, 0)
ADDRESS = (*ROOT, 1, 9, 0)
ENTRY = (*ROOT, 2, 1)


def fake_tree(fake: Fake) -> Tree:
    """Scalars 1 to 9 (5 a Counter64, 7 raises what `fault` says, 8 not instantiated), then a table of counters, text and status."""
    columns: list[Column] = []
    one = NumberIndex()
    one.add((0,), fake)

    def scalar(number_: int, base: str, encode: Callable[[Any, int], bytes | None], write: Any = None, **syntax: Any) -> None:
        access = "read-write" if write else "read-only"
        oid = (*ROOT, 1, number_)
        columns.append(Column(_object(f"fakeScalar{number_}", oid, "scalar", base, access, **syntax), 0, encode, write))

    def act(what: str, change: Callable[[], None], undo: Callable[[], None] | None = None) -> Callable[[Origin], Undo | None]:
        def take_back() -> None:
            if fake.undo_fault:
                raise fake.undo_fault
            fake.done.append(f"not {what}")
            if undo is not None:
                undo()

        def do(origin: Origin) -> Undo | None:
            if fake.commit_fault and what.startswith(fake.faulty):
                raise fake.commit_fault
            fake.done.append(what)
            fake.origins.append(origin)
            change()
            return take_back if undo is not None else None

        return do

    def put(what: str, row: Fake, name: str, value: Any) -> Callable[[Origin], Undo | None]:
        before = getattr(row, name)
        return act(what, lambda: setattr(row, name, value), lambda: setattr(row, name, before))

    def write_size(context: object, row: Fake, value: int) -> Commit:
        if value == 13:
            raise SetRefusedError("inconsistentValue")
        return Commit(put(f"size={value}", row, "size", value))

    def write_mode(context: object, row: Fake, value: int) -> Commit:
        label = next(label for label, code in MODES.items() if code == value)
        return Commit(put(f"mode={label}", row, "mode", label))

    def write_text(context: object, row: Fake, value: bytes) -> Commit:
        return Commit(put("text", row, "text", value), order=3)

    def faulty(row: Fake, now: int) -> bytes | None:
        if row.fault:
            raise row.fault
        return number("Gauge32", 7)

    scalar(1, "Integer32", lambda row, now: number("Integer32", -5))
    scalar(2, "Integer32", lambda row, now: number("Integer32", row.size), write_size, ranges=((1, 65535),))
    scalar(3, "Integer32", lambda row, now: number("Integer32", MODES[row.mode]), write_mode, enum=MODES)
    scalar(4, "OctetString", lambda row, now: octets(row.text), write_text, sizes=((0, 8), (16, 16)))
    scalar(5, "Counter64", lambda row, now: number("Counter64", 2**64 - 1))
    scalar(6, "ObjectIdentifier", lambda row, now: object_identifier((0, 0)))
    scalar(7, "Gauge32", faulty)
    scalar(8, "Integer32", lambda row, now: None)
    scalar(9, "IpAddress", lambda row, now: b"\x40\x04" + row.address.packed)

    table = NumberIndex()
    for index in fake.rows:
        table.add((index,), index)

    def destroy(context: object, row: int, value: int) -> Commit:
        if value != 2:
            raise SetRefusedError("wrongValue")
        return Commit(act(f"destroy {row}", lambda: table.remove((row,))), order=10)

    def column(number_: int, base: str, encode: Callable[[Any, int], bytes | None], write: Any = None, **syntax: Any) -> None:
        access = "read-write" if write else "read-only"
        columns.append(
            Column(_object(f"fakeColumn{number_}", (*ENTRY, number_), "column", base, access, **syntax), 1, encode, write)
        )

    column(2, "Counter32", lambda row, now: number("Counter32", fake.rows[row]))
    column(3, "OctetString", lambda row, now: octets(f"row {row} of {fake.label}") if row != 2 else None)
    column(4, "Counter64", lambda row, now: number("Counter64", fake.rows[row] << 40))
    column(5, "Integer32", lambda row, now: number("Integer32", 1), destroy)
    return tree_of(columns, one, table)


def router() -> RouterConfig:
    """Two VRFs with contexts; the communities `public` (RO) and `private` (RW), `red` (RW), `blue` (RO) of one each."""
    config = RouterConfig()
    config.vrfs = {name: Vrf(name, context=f"{name}-context") for name in ("red", "blue")}
    for name, access in (("public", "RO"), ("private", "RW"), ("red", "RW"), ("blue", "RO")):
        config.snmp.communities[name] = Community(name, access)
    config.snmp.community_contexts = {"red": "red-context", "blue": "blue-context"}
    return config


def add_view(config: RouterConfig, name: str, *lines: str) -> None:
    """`add_view(config, "v", "iso included", "system excluded")`"""
    subtrees = tuple(ViewSubtree(line.split()[0], line.split()[1] == "included") for line in lines)
    config.snmp.views[name] = SnmpView(name, Keyed((each.subtree, each) for each in subtrees))


def add_group(config: RouterConfig, name: str, model: str, level: str = "noauth", context: str | None = None, **rest: Any) -> None:
    config.snmp.groups[name, model, level, context] = SnmpGroup(name, model, level, context, **rest)


def add_user(config: RouterConfig, name: str, group: str, **rest: Any) -> None:
    config.snmp.users[name] = SnmpUser(name, group, **rest)


# --- messages ---


def whole(answered: Sent | Work[Sent]) -> Sent:
    """The response to a request, waited for where it takes long."""
    while isinstance(answered, Generator):
        answered = go_on(answered)
    return answered


GET, GET_NEXT, GET_BULK, SET = "get", "get-next", "get-bulk", "set"


@dataclass(frozen=True)
class Response:
    """A decoded v1 or v2c response; values as pysnmp decoded them."""

    request_id: int
    status: int
    index: int
    bindings: list[tuple[Oid, Any]]

    @property
    def names(self) -> list[Oid]:
        return [name for name, _ in self.bindings]

    @property
    def values(self) -> list[str]:
        return [
            type(value).__name__ if value.tagSet.superTags[-1].tagClass == 0x80 else value.prettyPrint()
            for _, value in self.bindings
        ]


def request(
    kind: str,
    names: Sequence[Any],
    community: bytes = b"public",
    version: int = 1,
    non_repeaters: int = 0,
    repetitions: int = 10,
    request_id: int = 4711,
) -> bytes:
    """A v1 (0) or v2c (1) request. For SET, `names` are (name, pysnmp value) pairs."""
    api = v1 if version == 0 else v2c
    make = {GET: "GetRequestPDU", GET_NEXT: "GetNextRequestPDU", GET_BULK: "GetBulkRequestPDU", SET: "SetRequestPDU"}
    pdu = getattr(api, make[kind])()
    pdu_api = v2c.apiBulkPDU if kind == GET_BULK else api.apiPDU
    pdu_api.set_defaults(pdu)
    pdu_api.set_request_id(pdu, request_id)
    if kind == GET_BULK:
        pdu_api.set_non_repeaters(pdu, abs(non_repeaters))
        pdu_api.set_max_repetitions(pdu, abs(repetitions))
    pdu_api.set_varbinds(pdu, names if kind == SET else [(name, api.null if version == 0 else v2c.null) for name in names])
    message = api.Message()
    api.apiMessage.set_defaults(message)
    api.apiMessage.set_community(message, community)
    api.apiMessage.set_pdu(message, pdu)
    encoded: bytes = encoder.encode(message)
    if kind == GET_BULK:  # pyasn1 makes no negative ones
        fields = bytes((2, 1, abs(non_repeaters), 2, 1, abs(repetitions)))
        wanted = bytes((2, 1, non_repeaters & 0xFF, 2, 1, repetitions & 0xFF))
        encoded = encoded.replace(fields, wanted, 1) if min(non_repeaters, repetitions) < 0 else encoded
    return encoded


def response(datagram: bytes, version: int = 1) -> Response:
    api = v1 if version == 0 else v2c
    message, rest = decoder.decode(datagram, asn1Spec=api.Message())
    assert not rest
    pdu = api.apiMessage.get_pdu(message)
    assert "Response" in type(pdu).__name__
    bindings = [(tuple(name), value) for name, value in api.apiPDU.get_varbinds(pdu)]
    return Response(
        int(api.apiPDU.get_request_id(pdu)), int(api.apiPDU.get_error_status(pdu)), int(api.apiPDU.get_error_index(pdu)), bindings
    )
