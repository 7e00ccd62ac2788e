"""Which profile, key and identity a peer gets."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.config.defaults import DEFAULT_POLICIES, default_transform_sets, policies_in_force
from agent.config.document import load
from agent.flow.model import IkeFailureReason
from agent.lab.policy.isakmp import pre_shared_key
from agent.lab.policy.peer_pair import PeerPair

PEER = IPv4Address("192.0.2.1")


def key(text: str, front_vrf: str | None = None, profile: str | None = None) -> bytes | None:
    config = load(text).config
    return pre_shared_key(config, PeerPair(front_vrf, 0, int(PEER)), config.crypto.profiles[profile] if profile else None)


RINGS = """
ip vrf red
crypto keyring plain
 pre-shared-key address 192.0.2.0 255.255.255.0 key near
 pre-shared-key address 192.0.2.1 key exact
crypto keyring colour vrf red
 pre-shared-key address 0.0.0.0 0.0.0.0 key red
crypto isakmp key any address 0.0.0.0
crypto isakmp profile p
 keyring colour
"""


def test_the_longest_match_of_the_front_door_is_the_key() -> None:
    assert key(RINGS) == b"exact"
    assert key(RINGS, "red") == b"red"
    assert key(RINGS.replace("192.0.2.1 key exact", "192.0.2.9 key exact")) == b"near"
    assert key("crypto isakmp key any address 0.0.0.0") == b"any"
    assert key("crypto isakmp key any address 0.0.0.0", "red") is None


def test_a_profiles_keyring_is_the_only_one_it_may_use() -> None:
    assert key(RINGS, "red", "p") == b"red"
    assert key(RINGS, None, "p") is None


def test_a_key_may_be_for_a_name_that_ip_host_knows() -> None:
    assert key("ip host peer.example 192.0.2.1\ncrypto isakmp key named hostname peer.example") == b"named"


def test_default_policies_are_in_force_until_one_is_configured() -> None:
    assert [(policy.priority, policy.encryption, policy.hash, policy.group) for policy in DEFAULT_POLICIES][::2] == [
        (65507, "aes", "sha", 5),
        (65509, "aes", "md5", 5),
        (65511, "3des", "sha", 2),
        (65513, "3des", "md5", 2),
    ]
    assert [policy.authentication for policy in DEFAULT_POLICIES[:2]] == ["rsa-sig", "pre-share"]
    assert list(policies_in_force(load("").config)) == list(DEFAULT_POLICIES)
    assert [policy.priority for policy in policies_in_force(load("crypto isakmp policy 7\n").config)] == [7]
    assert not list(policies_in_force(load("no crypto isakmp default policy").config))


def test_default_policies_and_transform_sets_make_a_tunnel(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(lines="no crypto isakmp policy 10\ncrypto map outside 10\n no set transform-set ours")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 2
    (ike,) = lab.flow("west").ike_tunnels.values()
    (ipsec,) = lab.flow("west").ipsec_tunnels.values()
    assert (ike.facts.policy, ike.facts.encryption, ike.facts.group) == (65508, "aes", 5)
    assert (ipsec.facts.inbound.cipher, ipsec.facts.inbound.key_bits, ipsec.facts.inbound.esp_auth) == ("aes", 128, "sha")
    assert (ipsec.facts.transform_set, ipsec.facts.transport) == ("#!default_transform_set_1", False)


def test_default_transform_sets_have_transport_mode_for_flows_between_the_peers(make_pair: Callable[..., Any]) -> None:
    """IOS prints `will negotiate = { Transport,  }` for them."""
    lab = make_pair(flow="host 192.0.2.{me} host 192.0.2.{peer}", lines="crypto map outside 10\n no set transform-set ours")
    assert lab.ping("east", "192.0.2.2", repeat=3) == 2
    (ipsec,) = lab.flow("west").ipsec_tunnels.values()
    assert ipsec.facts.transport is True


def test_a_flow_tells_its_transform_set_and_its_template(make_pair: Callable[..., Any]) -> None:
    dynamic = "no crypto map outside 10\ncrypto dynamic-map remote 7\n set transform-set other ours\n"
    west = f"crypto ipsec transform-set other esp-3des\n{dynamic}crypto map outside 5 ipsec-isakmp dynamic remote"
    lab = make_pair(west={"lines": west})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 2
    (ours,), (theirs,) = (lab.flow(name).ipsec_tunnels.values() for name in ("east", "west"))
    assert (ours.facts.transform_set, ours.facts.template) == ("ours", None)
    assert (theirs.facts.transform_set, theirs.facts.template) == ("ours", "remote/7")


PROFILE = "crypto isakmp profile {name}\n match identity {match}\ncrypto map outside 10\n set isakmp-profile {name}"


def test_a_peer_may_go_by_its_name(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(
        east={"lines": "crypto isakmp identity hostname"},
        west={"lines": PROFILE.format(name="named", match="host east")},
    )
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 2
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    assert (tunnel.facts.remote.is_address, tunnel.facts.remote.value, tunnel.facts.profile) == (False, "east", "named")


def test_its_name_ends_with_the_domain(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(
        east={"lines": "crypto isakmp identity hostname\nip domain name lab.example"},
        west={"lines": PROFILE.format(name="named", match="host domain lab.example")},
    )
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=3) == 2
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    assert (tunnel.facts.remote.value, tunnel.facts.profile) == ("east.lab.example", "named")


def test_a_map_that_names_a_profile_takes_no_other_peer(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"lines": PROFILE.format(name="other", match="address 192.0.2.99 255.255.255.255")})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1) == 0
    assert len(lab.flow("west").ike_tunnels) == 1
    assert len(lab.flow("west").ipsec_failures) == 1


def test_a_responder_that_is_not_the_profiles_is_refused(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": PROFILE.format(name="other", match="address 192.0.2.99 255.255.255.255")})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1) == 0
    assert [row.reason for row in lab.flow("east").ike_failures.values()] == [IkeFailureReason.AUTHENTICATION]


@pytest.mark.parametrize("off", ["no crypto isakmp enable", "no crypto isakmp policy 10\nno crypto isakmp default policy"])
def test_a_router_without_ike_answers_nobody(make_pair: Callable[..., Any], off: str) -> None:
    lab = make_pair(west={"lines": off})
    assert lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=1) == 0
    assert not lab.flow("west").ike_tunnels


def test_a_default_transform_set_stands_where_the_crypto_engine_has_its_cipher() -> None:
    config = load("").config
    assert [each.shown_name for each in default_transform_sets(config, {"aes", "3des"})] == [
        "#!default_transform_set_1",
        "#!default_transform_set_0",
    ]
    assert [each.name for each in default_transform_sets(config, {"des", "3des"})] == ["default_transform_set_0"]
    off = load("no crypto ipsec default transform-set").config
    assert default_transform_sets(off, {"aes", "3des"}) == ()
