"""The SNMP engine's own modules: what they show follows from the configuration, and keys are nowhere in them."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from agent.config.document import load
from agent.config.endpoint import RouterEndpoint
from agent.mib.schema import Schema
from agent.snmp.access import compile_policy
from tests.mib.world import VRF1, World

CONFIGURATION = """
ip vrf vrf1
 context vrf-vrf1-context
ip host nms 127.0.0.9
snmp-server group abc1 v2c context vrf-vrf1-context read ONE
snmp-server group g3 v3 priv context vrf- match prefix write ONE
snmp-server view ONE ifEntry.*.3 included
snmp-server view ONE snmpUsmMIB included
snmp-server community abc1 RW
snmp-server community public view ONE RO
snmp-server community lost RO
snmp-server host 127.0.0.1 version 2c abc1 udp-port 2001 ipsec
snmp-server host nms informs version 3 priv joe
snmp-server host elsewhere public
snmp-server user joe g3 v3 auth sha256 authpass1 priv aes 128 privpass1
snmp-server user kim g3 v3 auth md5 authpass1 priv 3des privpass1
snmp mib community-map abc1 context vrf-vrf1-context
snmp mib community-map lost context nowhere
"""


@pytest.fixture
def world(schema: Schema) -> World:
    world = World(schema)
    loaded = load(CONFIGURATION, "router.cfg").config
    world.config.vrfs, world.config.snmp, world.config.hosts = loaded.vrfs, loaded.snmp, loaded.hosts
    return world


def named(text: str) -> str:
    """A string as a row's index has it, its length before it."""
    return ".".join(map(str, (len(text), *text.encode())))


def implied(text: str) -> str:
    return ".".join(map(str, text.encode()))


def test_the_engine_tells_its_name_its_clock_and_its_counters(world: World) -> None:
    world.engine.counters.count("usmStatsWrongDigests", 4)
    assert world.get("snmpEngineID.0", "") == world.engine.identity.engine_id
    assert [world.get(f"snmpEngine{name}.0", "") for name in ("Boots", "Time", "MaxMessageSize")] == [3, 7, 65507]
    assert world.get("usmStatsWrongDigests.0", "") == 4


def test_each_host_that_has_an_address_is_a_target(world: World) -> None:
    first, second = implied("host1"), implied("host2")
    assert world.get(f"snmpTargetAddrTAddress.{first}", "") == bytes([127, 0, 0, 1]) + (2001).to_bytes(2, "big")
    assert world.get(f"snmpTargetAddrTAddress.{second}", "") == IPv4Address("127.0.0.9").packed + (162).to_bytes(2, "big")
    assert [world.get(f"snmpTargetAddrRetryCount.{host}", "") for host in (first, second)] == [0, 3]
    assert [world.get(f"snmpTargetAddrTimeout.{host}", "") for host in (first, second)] == [1500, 1500]
    world.config.snmp.inform_retries, world.config.snmp.inform_timeout = 5, 42949671
    assert [world.get(f"snmpTargetAddrRetryCount.{host}", "") for host in (first, second)] == [0, 5]
    assert world.get(f"snmpTargetAddrTimeout.{second}", "") == 2**31 - 1  # the most that a TimeInterval can say
    assert [world.labels(f"snmpNotifyType.{host}", "") for host in (first, second)] == ["trap", "inform"]
    models = [(world.get(f"snmpTargetParams{kind}Model.{host}", "")) for host in (first, second) for kind in ("MP", "Security")]
    assert models == [1, 2, 3, 3]
    assert world.get(f"snmpTargetParamsSecurityName.{second}", "") == b"joe"
    assert world.labels(f"snmpTargetParamsSecurityLevel.{second}", "") == "authPriv"
    assert len(world.walk("snmpTargetAddrTAddress", "")) == 2


def test_users_show_their_protocols_and_never_a_key(world: World) -> None:
    engine = world.engine.identity.engine_id
    joe, kim = (f"{'.'.join(map(str, (len(engine), *engine)))}.{named(user)}" for user in ("joe", "kim"))
    oid = world.schema.oid_of
    assert world.get(f"usmUserAuthProtocol.{joe}", "") == oid("usmHMAC192SHA256AuthProtocol")
    assert world.get(f"usmUserPrivProtocol.{joe}", "") == oid("usmAesCfb128Protocol")
    assert world.get(f"usmUserAuthProtocol.{kim}", "") == oid("usmHMACMD5AuthProtocol")
    assert world.get(f"usmUserPrivProtocol.{kim}", "") is None  # 3DES has no name in a module
    assert {value for name, value in world.walk("usmUserTable", "") if "KeyChange" in name} == {b""}
    assert not [value for _, value in world.walk("snmpUsmMIB", "") if isinstance(value, bytes) and b"pass1" in value]


def test_communities_show_the_context_that_they_map_to(world: World) -> None:
    assert world.walk("snmpCommunityContextName", "") == [
        (f"snmpCommunityContextName.{implied('abc1')}", VRF1.encode()),
        (f"snmpCommunityContextName.{implied('public')}", b""),
    ]


def test_access_shows_the_views_that_count(world: World) -> None:
    def rights(group: str, context: str, model: int, level: int) -> list[object]:
        index = f"{named(group)}.{named(context)}.{model}.{level}"
        return [world.get(f"vacmAccess{kind}ViewName.{index}", "") for kind in ("Read", "Write", "Notify")]

    every = b"*tv.FFFFFFFF.FFFFFFFF.FFFFFFFF.F"
    assert rights("abc1", VRF1, 1, 1) == [b"v1default", b"v1default", every]
    assert rights("abc1", VRF1, 2, 1) == [b"ONE", b"v1default", every]  # the group's view in the place of its own
    assert rights("public", "", 2, 1) == [b"ONE", b"", every]
    assert rights("g3", "vrf-", 3, 3) == [b"v1default", b"ONE", every]  # a user of its is a host's
    assert world.labels(f"vacmAccessContextMatch.{named('g3')}.{named('vrf-')}.3.3", "") == "prefix"
    assert world.get(f"vacmGroupName.3.{named('joe')}", "") == b"g3"
    assert [value for _, value in world.walk("vacmContextName", "")] == [b"", VRF1.encode()]


def test_views_show_their_masks_and_what_is_kept_out_of_them(world: World) -> None:
    def family(subtree: tuple[int, ...]) -> str:
        return f"{named('ONE')}.{'.'.join(map(str, (len(subtree), *subtree)))}"

    oid = world.schema.oid_of
    column = family((*oid("ifEntry"), 0, 3))
    assert world.get(f"vacmViewTreeFamilyMask.{column}", "") == bytes([0xFF, 0xBF])
    assert world.labels(f"vacmViewTreeFamilyType.{column}", "") == "included"
    assert world.labels(f"vacmViewTreeFamilyType.{family(oid('snmpUsmMIB'))}", "") == "included"
    assert world.labels(f"vacmViewTreeFamilyType.{family(oid('snmpVacmMIB'))}", "") == "excluded"


def test_no_view_holds_it_that_does_not_name_it(world: World) -> None:
    policy = compile_policy(RouterEndpoint(world.config), world.schema.oid_of)
    plain, naming = policy.community(b"abc1", "v1", None), policy.community(b"public", "v2c", None)
    assert plain is not None
    assert naming is not None
    for column in world.tree("").columns:
        if column.object.oid[:6] == (1, 3, 6, 1, 6, 3) and column.object.module != "SNMPv2-MIB":
            assert not plain.read.contains((*column.object.oid, 0)), column.object.name
            assert naming.read.contains((*column.object.oid, 0)) == (column.object.module == "SNMP-USER-BASED-SM-MIB")


def test_the_tables_follow_a_changed_configuration(world: World) -> None:
    world.tree("")
    world.config.snmp.communities.pop("public")
    world.config.snmp.users.pop("kim")
    world.contexts.config_changed()
    assert len(world.walk("snmpCommunityName", "")) == 1
    assert len(world.walk("usmUserStatus", "")) == 1
