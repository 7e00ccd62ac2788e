"""What is read from configuration and device: CISCO-IPSEC-MIB, CISCO-IPSEC-POLICY-MAP-MIB, contexts, SNMPv2-MIB, IF-MIB."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.keyed import keyed_by_itself
from agent.config.crypto_model import CryptoMap, CryptoMapEntry, IsakmpPolicy, Keepalive
from agent.config.document import Document
from agent.config.events import (
    ConfigEvent,
    CryptoMapDetached,
    HostnameSet,
    InterfaceChanged,
    IsakmpPolicyAdded,
    SnmpChanged,
    SnmpTextSet,
    TrapTypesSet,
)
from agent.config.model import Vrf
from agent.config.snmp_model import Community
from agent.flow.device import InterfaceState
from agent.flow.model import EndReason
from agent.mib.column import SetRefusedError
from agent.mib.schema import Schema
from agent.mib.standard import SERVED_MODULES, short_name
from agent.mib.terms import IPSEC_TRAP_SCALARS
from tests.mib.world import MANAGER, VRF1, VRF2, World

MAP = "118.114.102.49.45.109.97.112"  # "vrf1-map"


@pytest.fixture
def world(schema: Schema) -> World:
    return World(schema)


def walked(world: World, root: str, context: str = "") -> dict[str, object]:
    return dict(world.walk(root, context))


# --- contexts ---


def test_each_vrf_with_a_context_has_a_tree_and_others_have_none(world: World) -> None:
    assert world.contexts.tree("vrf1") is None
    assert world.contexts.tree("no-such-context") is None
    assert len({id(world.tree(context)) for context in ("", VRF1, VRF2)}) == 3
    assert world.tree(VRF1) is world.tree(VRF1)


def test_a_context_moved_to_another_vrf_shows_that_one(world: World) -> None:
    world.ike("vrf2")
    world.config.vrfs["vrf1"] = Vrf("vrf1")
    world.config.vrfs["vrf2"] = Vrf("vrf2", context=VRF1)
    assert world.get("cikeGlobalActiveTunnels.0", VRF1) == 1


@pytest.mark.parametrize("context", ["", VRF2])
def test_contexts_can_be_discovered_and_follow_the_configuration(world: World, context: str) -> None:
    def names() -> list[object]:
        return [value for _, value in world.walk("cContextMappingVrfName", context)]

    assert names() == [b"vrf1", b"vrf2"]
    index = ".".join(map(str, VRF1.encode()))
    assert world.get(f"cContextMappingVrfName.{len(VRF1)}.{index}", context) == b"vrf1"
    assert world.labels(f"cContextMappingRowStatus.{len(VRF1)}.{index}", context) == "active"
    assert world.labels(f"cContextMappingStorageType.{len(VRF1)}.{index}", context) == "readOnly"
    world.config.vrfs["hidden"] = Vrf("hidden", context="another")
    del world.config.vrfs["vrf1"]
    world.contexts.config_changed()
    assert names() == [b"hidden", b"vrf2"]  # in the order of the lengths of their contexts' names


def test_of_two_vrfs_with_one_context_the_table_names_the_one_that_it_shows(world: World) -> None:
    world.config.vrfs["vrf2"] = Vrf("vrf2", context=VRF1)
    world.contexts.config_changed()
    assert [value for _, value in world.walk("cContextMappingVrfName")] == [b"vrf1"]
    assert world.config.vrf_of_context(VRF1) == "vrf1"


def test_configuration_and_policy_map_are_in_the_global_context_alone(world: World) -> None:
    world.ike()
    for root in ("ciscoIPsecMIB", "ciscoIpSecPolMapMIB"):
        assert world.walk(root, "")
        assert world.walk(root, VRF1) == []


# --- CISCO-IPSEC-MIB ---


def test_the_policy_table_holds_configured_policies(world: World) -> None:
    assert walked(world, "cipsIsakmpPolicyTable") == {
        "cipsIsakmpPolEncr.1": 2,
        "cipsIsakmpPolHash.1": 3,
        "cipsIsakmpPolHash.20": 3,
        "cipsIsakmpPolAuth.1": 2,
        "cipsIsakmpPolAuth.20": 3,
        "cipsIsakmpPolGroup.1": 2,
        "cipsIsakmpPolLifetime.1": 86400,
        "cipsIsakmpPolLifetime.20": 86400,
    }
    assert world.get("cipsNumIsakmpPolicies.0", "") == 2
    world.config.crypto.policies[5] = IsakmpPolicy(5, "3des", 168, "md5", "rsa-encr", 2, 60)
    world.config.crypto.policies[1] = replace(world.config.crypto.policies[1], lifetime=600)
    del world.config.crypto.policies[20]
    assert len(world.walk("cipsIsakmpPolLifetime", "")) == 2
    world.contexts.config_changed()
    assert world.walk("cipsIsakmpPolLifetime", "") == [("cipsIsakmpPolLifetime.1", 600), ("cipsIsakmpPolLifetime.5", 60)]
    columns = ("Encr", "Hash", "Auth", "Group")
    assert [world.labels(f"cipsIsakmpPol{column}.5", "") for column in columns] == ["des3", "md5", "rsaEncrypt", "dhGroup2"]


def test_scalars_follow_the_configuration_at_once(world: World) -> None:
    crypto = world.config.crypto
    assert world.get("cipsIsakmpKeepaliveInterval.0", "") is None
    assert (world.labels("cipsIsakmpEnabled.0", ""), world.labels("cipsIsakmpIdentity.0", "")) == ("true", "isakmpIdTypeADDRESS")
    crypto.keepalive, crypto.enabled, crypto.identity = Keepalive(30), False, "hostname"
    crypto.lifetime_seconds, crypto.lifetime_kilobytes = 120, 2560
    assert world.get("cipsIsakmpKeepaliveInterval.0", "") == 30
    assert (world.labels("cipsIsakmpEnabled.0", ""), world.labels("cipsIsakmpIdentity.0", "")) == ("false", "isakmpIdTypeHOSTNAME")
    assert (world.get("cipsSALifetime.0", ""), world.get("cipsSALifesize.0", "")) == (120, 2560)
    crypto.identity = "dn"
    assert world.labels("cipsIsakmpIdentity.0", "") == "isakmpIdTypeUNKNOWN"


@pytest.mark.parametrize(("limit", "shown"), [(None, 0), (1, 1), (65535, 65535), (65536, 0)])
def test_the_ceiling_of_sas_is_shown_where_it_can_be(world: World, limit: int | None, shown: int) -> None:
    world.config.crypto.ipsec_sa_limit = limit
    assert world.get("cipsMaxSAs.0", "") == shown


def test_map_sets_count_their_entries_and_sas(world: World) -> None:
    maps = world.config.crypto.maps
    entries = (
        *maps["vrf1-map"].entries,
        CryptoMapEntry("vrf1-map", 20, kind="ipsec-manual"),
        CryptoMapEntry("vrf1-map", 30, dynamic="dyn", discover=True),
    )
    maps["vrf1-map"] = CryptoMap("vrf1-map", entries)
    world.config.crypto.dynamic_maps["dyn"] = CryptoMap("dyn", (CryptoMapEntry("dyn", 1), CryptoMapEntry("dyn", 2)))
    world.contexts.config_changed()
    world.ipsec(world.ike())
    found = {name.partition(".")[0]: value for name, value in world.walk("cipsStaticCryptomapSetTable", "") if name.endswith(MAP)}
    assert found == {
        "cipsStaticCryptomapSetSize": 3,
        "cipsStaticCryptomapSetNumIsakmp": 2,
        "cipsStaticCryptomapSetNumManual": 1,
        "cipsStaticCryptomapSetNumCET": 0,
        "cipsStaticCryptomapSetNumDynamic": 1,
        "cipsStaticCryptomapSetNumDisc": 1,
        "cipsStaticCryptomapSetNumSAs": 4,
    }
    assert walked(world, "cipsDynamicCryptomapSetTable") == {
        "cipsDynamicCryptomapSetSize.3.100.121.110": 2,
        "cipsDynamicCryptomapSetNumAssoc.3.100.121.110": 1,
    }
    assert [
        world.get(f"cips{name}.0", "") for name in ("NumStaticCryptomapSets", "NumDynamicCryptomapSets", "NumTEDCryptomapSets")
    ] == [2, 1, 1]
    types = [value for _, value in world.walk("cipsStaticCryptomapType", "")]
    syntax = world.schema.object("cipsStaticCryptomapType").syntax
    assert syntax is not None
    expected = ("cryptomapTypeISAKMP", "cryptomapTypeMANUAL", "cryptomapTypeDYNAMICDISCOVERY")
    assert [syntax.label(value) for value in types if isinstance(value, int)] == list(expected)


def test_map_entries_tell_their_settings(world: World) -> None:
    assert walked(world, "cipsStaticCryptomapTable") == {
        f"cipsStaticCryptomap{column}.8.{MAP}.10": value
        for column, value in {
            "Type": 2,
            "Descr": b"",
            "Peer": b"\x0a\x01\x01\x01",
            "NumPeers": 1,
            "Pfs": 1,
            "Lifetime": 0,
            "Lifesize": 0,
            "LevelHost": 2,
        }.items()
    }
    entry = world.config.crypto.maps["vrf1-map"].entries[0]
    changed = replace(
        entry,
        peers=keyed_by_itself(("spoke", IPv4Address("192.0.2.9"))),
        pfs_group=14,
        lifetime_seconds=5000,
        per_host=True,
        description="to a",
    )
    world.config.crypto.maps["vrf1-map"] = CryptoMap("vrf1-map", (changed,))
    world.contexts.config_changed()
    instance = f"8.{MAP}.10"
    assert world.get(f"cipsStaticCryptomapPeer.{instance}", "") is None  # a name that nobody knows
    world.config.hosts["spoke"] = IPv4Address("192.0.2.1")
    assert world.get(f"cipsStaticCryptomapPeer.{instance}", "") == b"\xc0\x00\x02\x01"
    assert world.get(f"cipsStaticCryptomapPfs.{instance}", "") is None  # group 14
    assert world.get(f"cipsStaticCryptomapLifetime.{instance}", "") == 5000
    assert world.get(f"cipsStaticCryptomapDescr.{instance}", "") == b"to a"
    assert world.labels(f"cipsStaticCryptomapLevelHost.{instance}", "") == "true"


def test_maps_on_interfaces_follow_the_configuration(world: World) -> None:
    status = [name for name, _ in world.walk("cipsCryptomapSetIfStatus", "")]
    assert status == [f"cipsCryptomapSetIfStatus.2.8.{MAP}", "cipsCryptomapSetIfStatus.3.11.103.108.111.98.97.108.49.45.109.97.112"]
    virtual = [value for _, value in world.walk("cipsCryptomapSetIfVirtual", "")]
    assert virtual == [2, 1]
    world.config.interfaces["Serial1/2.1"] = replace(world.config.interfaces["Serial1/2.1"], crypto_map=None)
    world.contexts.config_changed()
    assert [name for name, _ in world.walk("cipsCryptomapSetIfStatus", "")] == status[1:]


def test_detaching_a_map_is_a_configuration_change(world: World) -> None:
    instance = f"cipsCryptomapSetIfStatus.2.8.{MAP}"
    assert world.labels(instance, "") == "attached"
    commit = world.test(instance, 2, "")
    assert world.configured == []
    commit.do(MANAGER)
    assert world.configured == [CryptoMapDetached("vrf1-map", "Serial1/2.1", origin=MANAGER)]
    assert world.config.interfaces["Serial1/2.1"].crypto_map is None
    instance = "cipsCryptomapSetIfStatus.3.11.103.108.111.98.97.108.49.45.109.97.112"
    for number, status in ((1, "genErr"), (0, "wrongValue"), (9, "wrongValue")):
        with pytest.raises(SetRefusedError, match=status):
            world.test(instance, number, "")


@pytest.mark.parametrize("scalar", IPSEC_TRAP_SCALARS)
def test_the_global_notifications_are_switched_in_the_global_context(world: World, scalar: str) -> None:
    assert world.labels(f"{scalar}.0", "") == "disabled"
    world.set(f"{scalar}.0", 1, "")
    assert world.labels(f"{scalar}.0", "") == "enabled"
    assert IPSEC_TRAP_SCALARS[scalar] in world.monitor.vrf(None).traps


# --- CISCO-IPSEC-POLICY-MAP-MIB ---


def test_the_policy_map_lists_tunnels_of_all_vrfs(world: World) -> None:
    first, second = world.ike("vrf1"), world.ike("vrf2", policy=None)
    ipsec = world.ipsec(second)
    world.ipsec(first, acl_name=None, map_sequence=65536)
    assert walked(world, "ikePolMapTable") == {"ikePolMapPolicyNum.1": 1}
    assert walked(world, "ipSecPolMapTable") == {
        "ipSecPolMapCryptoMapName.1": b"vrf1-map",
        "ipSecPolMapCryptoMapName.2": b"vrf1-map",
        "ipSecPolMapCryptoMapNum.1": 10,
        "ipSecPolMapCryptoMapNum.2": 65536,
        "ipSecPolMapAclString.1": b"101",
        "ipSecPolMapAceString.1": b"permit ip host 10.22.1.1 host 10.20.1.1",
        "ipSecPolMapAceString.2": b"permit ip host 10.22.1.1 host 10.20.1.1",
    }
    world.monitor.ipsec_ended(ipsec, EndReason.NORMAL)
    assert world.walk("ipSecPolMapCryptoMapNum", "") == [("ipSecPolMapCryptoMapNum.2", 65536)]


# --- SNMPv2-MIB ---


@pytest.mark.parametrize("context", ["", VRF1])
def test_the_system_group_is_the_same_in_every_context(world: World, context: str) -> None:
    world.clock.time = (2**32 + 7) * 10_000
    world.config.snmp.contact = "noc"
    assert walked(world, "system", context) == {
        "sysDescr.0": b"A VPN router",
        "sysObjectID.0": (1, 3, 6, 1, 4, 1, 9, 1, 436),
        "sysUpTime.0": 7,
        "sysContact.0": b"noc",
        "sysName.0": b"ipsecf-3745b",
        "sysLocation.0": b"",
        "sysServices.0": 78,
        "sysORLastChange.0": 0,
        **{f"sysORID.{at}": world.schema.oid_of(name) for at, (name, _) in enumerate(SERVED_MODULES, 1)},
        **{f"sysORDescr.{at}": text.encode() for at, (_, text) in enumerate(SERVED_MODULES, 1)},
        **{f"sysORUpTime.{at}": 0 for at in range(1, len(SERVED_MODULES) + 1)},
    }


@pytest.mark.parametrize(
    ("instance", "value", "line", "events"),
    [
        ("sysContact.0", b"the night shift", "snmp-server contact the night shift", [SnmpTextSet(origin=MANAGER)]),
        ("sysContact.0", b"x" * 255, "snmp-server contact " + "x" * 255, [SnmpTextSet(origin=MANAGER)]),  # RFC 3418: SIZE (0..255)
        ("sysLocation.0", b"! here", "snmp-server location ! here", [SnmpTextSet(origin=MANAGER)]),
        ("sysLocation.0", b"", None, []),
        ("sysName.0", b"hub", "hostname hub", [HostnameSet("hub", origin=MANAGER)]),
    ],
)
def test_a_set_of_the_system_group_goes_to_the_configuration(
    world: World, instance: str, value: bytes, line: str | None, events: list[ConfigEvent]
) -> None:
    world.set(instance, value)
    assert world.configured == events
    assert world.get(instance) == value
    document = Document()
    document.state.config = world.config
    assert line is None or line in document.render().splitlines()


@pytest.mark.parametrize(
    ("instance", "value"),
    [
        ("sysName.0", b""),
        ("sysName.0", b"two words"),
        ("sysName.0", b"x" * 64),
        ("sysContact.0", b" noc"),
        ("sysContact.0", b"a\nhostname b"),
        ("sysLocation.0", b"\xff"),
        ("sysContact.0", b"\0"),
        ("ifAlias.3", b"spare "),
    ],
)
def test_what_no_configuration_line_can_hold_is_a_wrong_value(world: World, instance: str, value: bytes) -> None:
    with pytest.raises(SetRefusedError, match="wrongValue"):
        world.test(instance, value)


def test_the_snmp_group_reads_the_engines_counters(world: World) -> None:
    world.engine.counters.count("snmpInPkts", 5)
    world.engine.counters.count("snmpInBadCommunityNames", 2**32 + 1)
    group = walked(world, "snmp", VRF1)
    assert (group["snmpInPkts.0"], group["snmpInBadCommunityNames.0"], group["snmpSilentDrops.0"]) == (5, 1, 0)


def test_authentication_traps_follow_and_change_the_configuration(world: World) -> None:
    assert world.labels("snmpEnableAuthenTraps.0") == "disabled"
    world.config.snmp.traps.add("snmp authentication")
    assert world.labels("snmpEnableAuthenTraps.0") == "enabled"
    for number in (2, 1):
        world.set("snmpEnableAuthenTraps.0", number)
        assert world.get("snmpEnableAuthenTraps.0") == (b"enabled" if number == 1 else b"disabled")
    leaf = frozenset({"snmp authentication"})
    assert world.configured == [TrapTypesSet(leaf, False, origin=MANAGER), TrapTypesSet(leaf, True, origin=MANAGER)]


def test_managers_take_turns_by_one_serial_number_in_all_contexts(world: World) -> None:
    world.set("snmpSetSerialNo.0", 0, VRF1)
    assert [world.get("snmpSetSerialNo.0", context) for context in ("", VRF1, VRF2)] == [1, 1, 1]
    with pytest.raises(SetRefusedError, match="inconsistentValue"):
        world.test("snmpSetSerialNo.0", 0, VRF2)


# --- IF-MIB ---


@pytest.mark.parametrize("context", ["", VRF1])
def test_interfaces_are_in_configuration_order_in_every_context(world: World, context: str) -> None:
    assert world.get("ifNumber.0", context) == 3
    assert world.walk("ifDescr", context) == [
        ("ifDescr.1", b"Serial1/0.1"),
        ("ifDescr.2", b"Serial1/2.1"),
        ("ifDescr.3", b"Tunnel0"),
    ]
    assert world.walk("ifName", context) == [("ifName.1", b"Se1/0.1"), ("ifName.2", b"Se1/2.1"), ("ifName.3", b"Tu0")]


def test_an_interface_tells_its_state_and_what_crossed_it(world: World) -> None:
    interface = world.device.interfaces[2]
    interface.description, interface.last_change, interface.oper_up = "to the far router", 120_000, False
    interface.count_in(176)
    interface.count_out(100)
    interface.counters[0] += 2**32
    row = {name.partition(".")[0]: value for name, value in walked(world, "interfaces").items() if name.endswith(".2")}
    assert {name: row[name] for name in row if row[name]} == {
        "ifIndex": 2,
        "ifDescr": b"Serial1/2.1",
        "ifType": 22,
        "ifMtu": 1500,
        "ifSpeed": 1_544_000,
        "ifAdminStatus": 1,
        "ifOperStatus": 2,
        "ifLastChange": 12,
        "ifInOctets": 176,
        "ifInUcastPkts": 1,
        "ifOutOctets": 100,
        "ifOutUcastPkts": 1,
        "ifSpecific": (0, 0),
    }
    assert world.get("ifHCInOctets.2") == 2**32 + 176
    assert (world.get("ifAlias.2"), world.get("ifHighSpeed.2")) == (b"to the far router", 2)
    assert [world.labels(f"ifConnectorPresent.{index}") for index in (1, 3)] == ["false", "false"]


def test_a_fast_interface_is_told_in_millions(world: World) -> None:
    world.device.interfaces.add(4, InterfaceState(4, "TenGigabitEthernet0/0", "ethernetCsmacd", 1500, 10_000_000_000))
    assert (world.get("ifSpeed.4"), world.get("ifHighSpeed.4"), world.get("ifNumber.0")) == (4294967295, 10_000, 4)
    assert (world.get("ifName.4"), world.labels("ifConnectorPresent.4")) == (b"Te0/0", "true")
    world.device.interfaces.remove(4)
    assert world.walk("ifSpeed")[-1][0] == "ifSpeed.3"


def test_link_traps_show_as_enabled_when_both_are(world: World) -> None:
    assert world.labels("ifLinkUpDownTrapEnable.1") == "disabled"
    world.config.snmp.traps |= {"snmp linkup", "snmp linkdown"}
    assert world.labels("ifLinkUpDownTrapEnable.1") == "enabled"


@pytest.mark.parametrize(
    ("instance", "value", "changed"),
    [
        ("ifAdminStatus.2", 2, {"shutdown": True}),
        ("ifAdminStatus.1", 1, {"shutdown": False}),
        ("ifAlias.3", b"spare", {"description": "spare"}),
        ("ifAlias.2", b"", {"description": None}),
    ],
)
def test_a_set_of_an_interface_goes_to_the_configuration(
    world: World, instance: str, value: object, changed: dict[str, Any]
) -> None:
    interfaces = world.config.interfaces
    interfaces["Serial1/0.1"] = replace(interfaces["Serial1/0.1"], shutdown=True)
    interfaces["Serial1/2.1"] = replace(interfaces["Serial1/2.1"], description="a")
    name = list(interfaces)[int(instance[-1]) - 1]
    wanted = replace(interfaces[name], **changed)
    world.set(instance, value)
    assert world.configured == [InterfaceChanged(name, origin=MANAGER)]
    assert interfaces[name] == wanted


def test_testing_an_interface_is_not_supported(world: World) -> None:
    with pytest.raises(SetRefusedError, match="inconsistentValue"):
        world.test("ifAdminStatus.1", 3)


def test_an_unknown_kind_of_interface_keeps_its_name() -> None:
    assert short_name("Dialer1") == "Dialer1"


def test_an_event_refreshes_the_tables_that_it_may_change_and_no_others(world: World) -> None:
    """A line of the configuration costs what it changes."""
    world.walk("ciscoIPsecMIB", "")
    world.walk("snmpCommunityMIB", "")
    made = len(world.config.crypto.policies)
    world.config.crypto.policies[77] = IsakmpPolicy(77)
    world.config.snmp.communities["fresh"] = Community("fresh", "RO")
    world.contexts.config_changed([SnmpTextSet()])
    assert world.get("cipsNumIsakmpPolicies.0", "") == made + 1
    assert "cipsIsakmpPolHash.77" not in names(world)
    world.contexts.config_changed([IsakmpPolicyAdded(world.config.crypto.policies[77])])
    assert "cipsIsakmpPolHash.77" in names(world)
    assert b"fresh" not in communities(world)
    world.contexts.config_changed([SnmpChanged()])
    assert b"fresh" in communities(world)


def names(world: World) -> set[str]:
    return set(walked(world, "cipsIsakmpPolicyTable"))


def communities(world: World) -> set[object]:
    return {value for name, value in world.walk("snmpCommunityMIB", "") if name.startswith("snmpCommunityName.")}
