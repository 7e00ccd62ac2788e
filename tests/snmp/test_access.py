"""Who may do what, from the configuration alone."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from agent.config.endpoint import RouterEndpoint
from agent.config.model import AccessList, AclAddress, AclEntry, RouterConfig, Vrf
from agent.config.snmp_model import Community, SnmpHost
from agent.snmp.access import AccessPolicy, Grant, compile_policy
from agent.snmp.view import NOTHING
from tests.snmp.fakes import EVERYTHING, INTERNET, ROOT, add_group, add_user, add_view, resolve, router

HERE = IPv4Address("10.1.1.1")
ELSEWHERE = IPv4Address("10.2.2.2")
LITTLE, LESS = (1, 3, 6, 1, 2, 1, 1, 1, 0), (*ROOT, 1, 1, 0)


def policy(config: RouterConfig) -> AccessPolicy:
    return compile_policy(RouterEndpoint(config), resolve)


def permit(address: IPv4Address) -> AclEntry:
    only = AclAddress(address, IPv4Address(0))
    return AclEntry(True, 0, only, AclAddress(IPv4Address(0), IPv4Address(0xFFFFFFFF)))


@pytest.fixture
def config() -> RouterConfig:
    config = router()
    add_view(config, "little", "system included")
    add_view(config, "fakes", "fake included")
    config.access_lists = {"10": AccessList("10", False, (permit(HERE),)), "empty": AccessList("empty", False)}
    return config


@pytest.mark.parametrize("model", ["v1", "v2c"])
def test_a_community_reads_the_context_that_it_maps_to_and_any_other_the_global_one(config: RouterConfig, model: str) -> None:
    assert policy(config).community(b"red", model, HERE) == Grant("red-context", INTERNET, INTERNET, EVERYTHING)
    assert policy(config).community(b"public", model, HERE) == Grant("", INTERNET, None, EVERYTHING)


def test_an_unknown_community_has_nothing(config: RouterConfig) -> None:
    assert policy(config).community(b"nobody", "v2c", HERE) is None
    assert policy(config).community(b"PUBLIC", "v2c", HERE) is None


def test_a_community_of_a_context_that_no_vrf_has_is_unknown(config: RouterConfig) -> None:
    config.snmp.community_contexts["public"] = "nowhere"
    made = policy(config)
    assert made.community(b"public", "v2c", HERE) is None
    assert any("nowhere" in problem for problem in made.problems)
    config.vrfs["late"] = Vrf("late", context="nowhere")
    assert policy(config).community(b"public", "v2c", HERE) is not None


def test_a_communitys_view_is_what_it_reads_and_with_rw_writes(config: RouterConfig) -> None:
    config.snmp.communities["c"] = Community("c", "RW", view="little")
    grant = policy(config).community(b"c", "v1", HERE)
    assert grant is not None
    assert grant.read == grant.write
    assert grant.read.contains(LITTLE)
    assert not grant.read.contains(LESS)


def test_an_undefined_view_holds_nothing(config: RouterConfig) -> None:
    config.snmp.communities["c"] = Community("c", "RW", view="nowhere")
    assert policy(config).community(b"c", "v1", HERE) == Grant("", NOTHING, NOTHING, EVERYTHING)


def test_an_access_list_must_permit_the_source(config: RouterConfig) -> None:
    for name, acl in (("listed", "10"), ("open", "empty"), ("undefined", "77")):
        config.snmp.communities[name] = Community(name, acl=acl)
    made = policy(config)
    assert made.community(b"listed", "v2c", HERE) is not None
    assert made.community(b"listed", "v2c", ELSEWHERE) is None
    assert made.community(b"open", "v2c", ELSEWHERE) is not None
    assert made.community(b"undefined", "v2c", ELSEWHERE) is not None
    assert made.community(b"listed", "v2c", ip_address("::ffff:10.1.1.1")) is not None
    assert made.community(b"listed", "v2c", IPv6Address("::1")) is None
    assert made.community(b"open", "v2c", IPv6Address("::1")) is not None


def test_a_group_of_the_communitys_name_replaces_only_the_views_that_it_names(config: RouterConfig) -> None:
    add_group(config, "red", "v2c", context="red-context", read="little", notify="*tv.FFFFFFFF.FFFFFFFF")
    made = policy(config)
    grant = made.community(b"red", "v2c", HERE)
    assert grant is not None
    assert grant.read.contains(LITTLE)
    assert not grant.read.contains(LESS)
    assert grant.write == INTERNET
    assert grant.notify == EVERYTHING
    assert made.community(b"red", "v1", HERE) == Grant("red-context", INTERNET, INTERNET, EVERYTHING)


def test_a_group_adds_a_write_view_to_a_read_only_community(config: RouterConfig) -> None:
    add_group(config, "public", "v2c", write="fakes")
    grant = policy(config).community(b"public", "v2c", HERE)
    assert grant is not None
    assert grant.read == INTERNET
    assert grant.write is not None
    assert grant.write.contains(LESS)
    assert not grant.write.contains(LITTLE)


def test_a_group_of_another_context_says_nothing(config: RouterConfig) -> None:
    add_group(config, "public", "v2c", context="red-context", read="little")
    add_group(config, "red", "v2c", read="little")
    made = policy(config)
    assert made.community(b"public", "v2c", HERE) == Grant("", INTERNET, None, EVERYTHING)
    assert made.community(b"red", "v2c", HERE) == Grant("red-context", INTERNET, INTERNET, EVERYTHING)


def test_the_access_list_of_a_group_applies_as_well(config: RouterConfig) -> None:
    add_group(config, "public", "v2c", acl="10")
    made = policy(config)
    assert made.community(b"public", "v2c", HERE) is not None
    assert made.community(b"public", "v2c", ELSEWHERE) is None
    assert made.community(b"public", "v1", ELSEWHERE) is not None


def test_a_user_gets_what_the_group_says_and_nothing_else(config: RouterConfig) -> None:
    add_user(config, "joe", "g")
    add_group(config, "g", "v3", "auth", "red-context", read="little", write="fakes")
    made = policy(config)
    assert made.user(b"joe", "noauth", "red-context") is None
    assert made.user(b"joe", "auth", "") is None
    assert made.user(b"joe", "auth", "blue-context") is None
    assert made.user(b"joe", "auth", "nowhere") is None
    assert made.user(b"ann", "priv", "red-context") is None
    for level in ("auth", "priv"):
        grant = made.user(b"joe", level, "red-context")
        assert grant is not None
        assert grant.read.contains(LITTLE)
        assert not grant.read.contains(LESS)
        assert grant.notify is None


def test_a_group_without_views_reads_the_default_and_writes_nothing(config: RouterConfig) -> None:
    add_user(config, "joe", "g")
    add_group(config, "g", "v3")
    assert policy(config).user(b"joe", "noauth", "") == Grant("", INTERNET, None, None)


def test_the_most_specific_row_of_a_group_applies(config: RouterConfig) -> None:
    add_user(config, "joe", "g")
    add_group(config, "g", "v3", read="little", match="prefix")
    add_group(config, "g", "v3", context="red", read="fakes", match="prefix")
    add_group(config, "g", "v3", context="blue-context")
    add_group(config, "g", "v3", "priv", context="blue-context", read="little")
    made = policy(config)

    def reads(level: str, context: str) -> tuple[bool, bool]:
        grant = made.user(b"joe", level, context)
        assert grant is not None
        return grant.read.contains(LITTLE), grant.read.contains(LESS)

    assert reads("noauth", "") == (True, False)
    assert reads("noauth", "red-context") == (False, True)
    assert reads("noauth", "blue-context") == (True, True)
    assert reads("auth", "blue-context") == (True, True)
    assert reads("priv", "blue-context") == (True, False)


def test_a_host_gives_the_group_of_its_user_a_notify_view(config: RouterConfig) -> None:
    add_user(config, "joe", "g")
    add_group(config, "g", "v3")
    config.snmp.hosts["x", None, "joe", 162] = SnmpHost(HERE, "joe", version="3")
    assert policy(config).user(b"joe", "noauth", "") == Grant("", INTERNET, None, EVERYTHING)
    add_group(config, "g", "v3", notify="little")
    grant = policy(config).user(b"joe", "noauth", "")
    assert grant is not None
    assert grant.notify is not None
    assert not grant.notify.contains(LESS)


def test_access_lists_of_users_and_of_their_groups(config: RouterConfig) -> None:
    add_user(config, "joe", "g", acl="10")
    add_user(config, "ann", "listed")
    add_group(config, "g", "v3")
    add_group(config, "listed", "v3", acl="10")
    made = policy(config)
    assert made.user(b"joe", "noauth", "", HERE) is not None
    assert made.user(b"joe", "noauth", "", ELSEWHERE) is None
    assert not made.admits(b"joe", ELSEWHERE)
    assert made.admits(b"joe", HERE)
    assert made.user(b"ann", "noauth", "", HERE) is not None
    assert made.user(b"ann", "noauth", "", ELSEWHERE) is None
    for name in (b"joe", b"ann"):
        assert made.user_refusal(name, "noauth", "", ELSEWHERE) == "refused by access-list 10"
        assert made.user_refusal(name, "noauth", "", HERE) is None
    assert made.user_refusal(b"nobody", "noauth", "", ELSEWHERE) is None


def test_a_view_whose_exclusion_cannot_be_understood_shows_nothing(config: RouterConfig) -> None:
    add_view(config, "v", "iso included", "notThere excluded")
    add_view(config, "w", "iso included", "notThere included")
    config.snmp.communities["c"] = Community("c", view="v")
    config.snmp.communities["d"] = Community("d", view="w")
    made = policy(config)
    closed, open_ = made.community(b"c", "v1", HERE), made.community(b"d", "v1", HERE)
    assert closed is not None
    assert open_ is not None
    assert closed.read == NOTHING
    assert open_.read.contains(LESS)
    assert len(made.problems) == 2
