"""The schema: what views, access control and notifications ask of the compiled modules."""

from __future__ import annotations

import dataclasses
import time
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.schema import Object, Schema, SchemaError, Syntax, Table, build_schema, encode_index

FLOW = (1, 3, 6, 1, 4, 1, 9, 9, 171)


def test_a_scalar(schema: Schema) -> None:
    size = schema.object("cipSecHistTableSize")
    assert size.kind == "scalar"
    assert size.module == "CISCO-IPSEC-FLOW-MONITOR-MIB"
    assert size.oid == (*FLOW, 1, 4, 1, 1, 1)
    assert size.syntax == Syntax("Integer32", "Integer32", ranges=((1, 2147483647),))
    assert size.accessible
    assert size.writable


def test_textual_conventions_are_resolved_to_their_base(schema: Schema) -> None:
    syntaxes = {
        name: schema.object(name).syntax for name in ("cikeTunLocalValue", "cikeTunLocalAddr", "cikeTunActiveTime", "ifDescr")
    }
    assert syntaxes["cikeTunLocalValue"] == Syntax("OctetString", "DisplayString", sizes=((0, 255),), display_hint="255a")
    assert syntaxes["cikeTunLocalAddr"] == Syntax("OctetString", "IPSIpAddress", sizes=((4, 4), (16, 16)))
    assert syntaxes["cikeTunActiveTime"] == Syntax("Integer32", "TimeInterval", ranges=((0, 2147483647),))
    assert syntaxes["ifDescr"] == Syntax("OctetString", "DisplayString", sizes=((0, 255),), display_hint="255a")


def test_each_base_type_is_known_by_its_own_name(schema: Schema) -> None:
    bases = {
        "sysUpTime": "TimeTicks",
        "sysObjectID": "ObjectIdentifier",
        "cipSecGlobalHcInOctets": "Counter64",
        "cipSecGlobalInOctets": "Counter32",
        "cipSecGlobalActiveTunnels": "Gauge32",
        "cipSecSpiValue": "Unsigned32",
        "cipsSALifetime": "Gauge32",
        "cipsMaxSAs": "Integer32",
        "cikeFailTime": "TimeTicks",
    }
    for name, base in bases.items():
        syntax = schema.object(name).syntax
        assert syntax is not None
        assert syntax.base == base


def test_conventions_of_one_name_are_told_apart_by_module(schema: Schema) -> None:
    flow, configuration = schema.object("cikeTunDiffHellmanGrp").syntax, schema.object("cipsIsakmpPolGroup").syntax
    assert flow is not None
    assert configuration is not None
    assert flow.name == configuration.name == "DiffHellmanGrp"
    assert schema.object("cikeTunDiffHellmanGrp").module != schema.object("cipsIsakmpPolGroup").module
    documents: dict[str, Any] = {
        "A-MIB": {"T": type_("T", "INTEGER", {"enumeration": {"a": 1}}), "x": scalar("x", "1.1", "T"), "imports": {}},
        "B-MIB": {"T": type_("T", "INTEGER", {"enumeration": {"b": 1}}), "y": scalar("y", "1.2", "T"), "imports": {}},
        "C-MIB": {"z": scalar("z", "1.3", "T"), "imports": {"B-MIB": ["T"]}},
    }
    collided = build_schema(documents)
    assert [collided.object(name).syntax.enum for name in "xyz"] == [{"a": 1}, {"b": 1}, {"b": 1}]  # type: ignore[union-attr]  # each has a syntax


def test_enumerations_read_both_ways(schema: Schema) -> None:
    reason = schema.object("cikeTunHistTermReason").syntax
    assert reason is not None
    assert reason.number("operRequest") == 3
    assert reason.label(3) == "operRequest"
    assert reason.label(99) is None
    with pytest.raises(KeyError):
        reason.number("aes")


def test_a_table_has_its_index_and_its_columns_in_oid_order(schema: Schema) -> None:
    tunnels = schema.table("cipSecTunnelTable")
    assert tunnels.oid == (*FLOW, 1, 3, 2)
    assert tunnels.entry == (*FLOW, 1, 3, 2, 1)
    assert [obj.name for obj in tunnels.index] == ["cipSecTunIndex"]
    assert [obj.oid[-1] for obj in tunnels.columns] == list(range(1, 52))
    assert not tunnels.implied_last


def test_an_index_object_may_be_another_table_s_or_another_module_s(schema: Schema) -> None:
    assert [obj.name for obj in schema.table("cipSecSpiTable").index] == ["cipSecTunIndex", "cipSecSpiIndex"]
    assert [(obj.module, obj.name) for obj in schema.table("cipsCryptomapSetIfTable").index] == [
        ("IF-MIB", "ifIndex"),
        ("CISCO-IPSEC-MIB", "cipsStaticCryptomapSetName"),
    ]
    assert schema.table("cipSecPhase2GWStatsTable").index[0].module == "CISCO-MEDIA-GATEWAY-MIB"


def test_an_augmenting_table_has_the_index_of_the_other(schema: Schema) -> None:
    assert schema.table("ifXTable").index == schema.table("ifTable").index


def test_a_notification_names_its_objects_in_order(schema: Schema) -> None:
    start = schema.notification("cikeTunnelStart")
    assert start.oid == (*FLOW, 2, 0, 1)
    assert start.objects == ("cikePeerLocalAddr", "cikePeerRemoteAddr", "cikeTunLifeTime")
    assert schema.notification("cipSecNoSa").objects == ()
    assert schema.notification("linkUp").oid == (1, 3, 6, 1, 6, 3, 1, 1, 5, 4)


def test_accessible_objects_come_in_oid_order_without_those_that_cannot_be_read(schema: Schema) -> None:
    accessible = list(schema.accessible())
    assert [obj.oid for obj in accessible] == sorted(obj.oid for obj in accessible)
    names = {obj.name for obj in accessible}
    assert {"cikeTunStatus", "ifIndex", "sysDescr"} <= names
    assert not {"cikeTunIndex", "snmpTrapOID", "cikeTunnelTable", "cipSecMIBObjects"} & names


def test_names_of_any_kind_have_an_oid(schema: Schema) -> None:
    assert schema.oid_of("cipSecMIBObjects") == (*FLOW, 1)
    assert schema.oid_of("mib-2") == (1, 3, 6, 1, 2, 1)
    assert schema.oid_of("iso") == (1,)
    assert schema.oid_of("internet") == (1, 3, 6, 1)
    with pytest.raises(KeyError):
        schema.oid_of("nothing")


def test_defaults_are_values(schema: Schema) -> None:
    assert schema.object("cipSecTrapCntlIkeNoSa").default == 2
    assert schema.object("cContextMappingVrfName").default == b""
    assert schema.object("cikeTunStatus").default is None


def test_units_are_kept(schema: Schema) -> None:
    assert schema.object("cipSecTunLifeSize").units == "KBytes"


def test_values_are_frozen(schema: Schema) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        schema.object("sysDescr").name = "x"  # type: ignore[misc]  # that it cannot be is the test


def test_a_peer_row_is_named_as_in_the_guide_s_poll(schema: Schema) -> None:
    table = schema.table("cikePeerTable")
    written = "1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.50.1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.49.1"
    expected = tuple(map(int, written.split(".")))
    assert schema.encode_index(table, ("ipAddrPeer", "010.001.001.002", 1, b"010.001.001.001", 1)) == expected


def test_an_index_of_the_wrong_number_of_values_is_refused(schema: Schema) -> None:
    with pytest.raises(ValueError, match="indexed by 1 values, not 2"):
        encode_index(schema.table("cikeTunnelTable"), (1, 2))


def column(name: str, syntax: Syntax) -> Object:
    return Object("T-MIB", name, (1, 2, 3), "column", "not-accessible", syntax)


def table(*syntaxes: Syntax, implied_last: bool = False) -> Table:
    index = tuple(column(f"c{place}", syntax) for place, syntax in enumerate(syntaxes))
    return Table("T-MIB", "tTable", (1, 2), (1, 2, 1), index, implied_last, ())


STRING = Syntax("OctetString", "OCTET STRING")
FIXED = Syntax("OctetString", "MacAddress", sizes=((6, 6),))
OBJECT = Syntax("ObjectIdentifier", "OBJECT IDENTIFIER")
INET = Syntax("OctetString", "IPSIpAddress", sizes=((4, 4), (16, 16)))


@pytest.mark.parametrize(
    ("shape", "values", "encoded"),
    [
        (table(STRING), (b"ab",), (2, 97, 98)),
        (table(STRING), (b"",), (0,)),
        (table(STRING, implied_last=True), ("ab",), (97, 98)),
        (table(STRING, STRING, implied_last=True), ("ab", "c"), (2, 97, 98, 99)),
        (table(FIXED), (bytes(6),), (0,) * 6),
        (table(OBJECT), ((1, 3, 6),), (3, 1, 3, 6)),
        (table(OBJECT, implied_last=True), ((1, 3, 6),), (1, 3, 6)),
        (table(Syntax("IpAddress", "IpAddress")), (IPv4Address("10.1.1.2"),), (10, 1, 1, 2)),
        (table(INET), (IPv4Address("10.1.1.2"),), (4, 10, 1, 1, 2)),
        (table(INET), (IPv6Address("::1"),), (16, *(0,) * 15, 1)),
    ],
)
def test_index_values_become_sub_identifiers_as_rfc_2578_7_7_says(shape: Table, values: Any, encoded: tuple[int, ...]) -> None:
    assert encode_index(shape, values) == encoded


@given(st.lists(st.tuples(st.integers(0, 2**31 - 1), st.binary(max_size=20)), min_size=2, max_size=2, unique=True))
def test_two_rows_never_share_a_name(rows: list[tuple[int, bytes]]) -> None:
    for implied in (False, True):
        shape = table(Syntax("Integer32", "Integer32"), STRING, implied_last=implied)
        assert encode_index(shape, rows[0]) != encode_index(shape, rows[1])


def type_(name: str, base: str, constraints: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "class": "textualconvention", "type": {"type": base, "class": "type", "constraints": constraints or {}}}


def scalar(name: str, oid: str, syntax: str, **more: Any) -> dict[str, Any]:
    written = {"type": syntax, "class": "type"}
    return {
        "name": name,
        "class": "objecttype",
        "nodetype": "scalar",
        "oid": oid,
        "maxaccess": "read-only",
        "syntax": written,
        **more,
    }


def row(name: str, oid: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "class": "objecttype", "nodetype": "row", "oid": oid, "maxaccess": "not-accessible", **more}


def test_a_convention_of_a_convention_keeps_what_it_does_not_narrow() -> None:
    documents = {
        "A-MIB": {
            "Name": {**type_("Name", "OCTET STRING", {"size": [{"min": 0, "max": 255}]}), "displayhint": "255t"},
            "ShortName": type_("ShortName", "Name", {"size": [{"min": 0, "max": 32}]}),
            "imports": {},
        },
        "B-MIB": {"x": scalar("x", "1.1", "ShortName"), "imports": {"A-MIB": ["ShortName"]}},
    }
    assert build_schema(documents).object("x").syntax == Syntax("OctetString", "ShortName", sizes=((0, 32),), display_hint="255t")


def test_bits_have_positions_and_a_default_of_octets() -> None:
    bits = {"type": "Bits", "class": "type", "bits": {"a": 0, "c": 9}}
    default = {"default": {"basetype": "Bits", "format": "bits", "value": bits}}
    documents = {"A-MIB": {"x": {**scalar("x", "1.1", "Bits", default=default), "syntax": bits}, "imports": {}}}
    obj = build_schema(documents).object("x")
    assert obj.syntax == Syntax("Bits", "Bits", enum={"a": 0, "c": 9})
    assert obj.default == b"\x80\x40"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (scalar("x", "1.1", "Unknown"), "the type Unknown is neither defined nor imported"),
        (row("x", "1.2.1", augmention={"module": "A-MIB", "object": "gone"}), "x augments gone, which is no row"),
        (
            row("x", "1.2.1", indices=[{"module": "A-MIB", "object": "gone", "implied": 0}]),
            "x is indexed by gone, which is no object",
        ),
    ],
)
def test_documents_that_do_not_fit_together_are_refused(entry: dict[str, Any], problem: str) -> None:
    holder = {"name": "t", "class": "objecttype", "nodetype": "table", "oid": "1.2", "maxaccess": "not-accessible"}
    with pytest.raises(SchemaError, match=problem) as caught:
        build_schema({"A-MIB": {"t": holder, "x": entry, "imports": {}}})
    assert caught.value.module == "A-MIB"


def test_a_warm_start_is_a_matter_of_milliseconds(compiled: CompiledMibs) -> None:
    def warm() -> float:
        begin = time.process_time()
        build_schema(compile_mibs(compiled.cache_file.parent).documents)
        return time.process_time() - begin

    assert min(warm() for _ in range(5)) < 0.05
