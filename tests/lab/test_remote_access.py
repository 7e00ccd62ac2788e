"""Remote access in a lab: clients of a hub log in, get addresses, talk through their tunnels, and go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from agent.base.origin import CONSOLE
from agent.crypto.certificates import Authority
from agent.crypto.doi import ConfigurationAttribute, Exchange
from agent.crypto.ike_events import Addressing, Configured, Login, Phase1Deleted, Phase1Failed, Trouble
from agent.engine.access import LoginAttempt, LoginRefused, NobodyKnown
from agent.engine.values import ClearIsakmp, ClearSessions, DestroyIke, DestroyIpsec, SessionFilter
from agent.flow.model import EndReason, Identity, IkeFailureReason
from agent.flow.vrf import IkeEvents
from agent.lab.policy.trustpoints import Trustpoint
from tests.crypto.pki import address, root, subject_of
from tests.lab.conftest import DrivenLab
from tests.lab.remote_hub import DATE, DEFAULTS, HUB, MAP_LINES, POLICY, PROFILE, SIGNED_POLICY, MakeHub, clients, reasons
from tests.lab.vpn_client import PLAIN, WITH_LOGIN, VpnClient

# --- how it goes ---


def test_a_client_logs_in_gets_an_address_and_pings_through_its_tunnel(make_hub: MakeHub) -> None:
    lab = make_hub()
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.inner == IPv4Address("10.9.0.1")
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.hub.monitor.ike_tunnels.values()
    facts = tunnel.facts
    assert (facts.user, facts.client_group, facts.assigned_address) == ("alice", "road", IPv4Address("10.9.0.1"))
    assert (facts.remote, facts.aggressive, facts.profile) == (Identity(False, "road"), True, "road")
    (flow,) = lab.hub.monitor.ipsec_tunnels.values()
    assert flow.facts.remote[0].first == IPv4Address("10.9.0.1")
    assert lab.ipsec("hub", "IN_PACKETS") == lab.ipsec("hub", "OUT_PACKETS") == 3


def test_a_client_is_told_what_its_group_has(make_hub: MakeHub) -> None:
    client = VpnClient(make_hub(), "192.0.2.101").connect()
    assert client.value_of(ConfigurationAttribute.INTERNAL_IP4_DNS) == IPv4Address("10.0.0.53").packed
    assert client.value_of(ConfigurationAttribute.DEFAULT_DOMAIN) == b"example.com"
    split = client.value_of(ConfigurationAttribute.SPLIT_INCLUDE)
    assert split == IPv4Address("10.0.0.0").packed + IPv4Address("255.255.255.0").packed + bytes(6)


def test_what_is_not_asked_for_is_sent_to_who_does_not_ask(make_hub: MakeHub) -> None:
    lines = (
        " wins 10.0.0.54\n netmask 255.255.255.0\n save-password\n banner ^C\nWelcome\n^C\n"
        " split-dns a.example\n split-dns b.example"
    )
    lab = make_hub(profile=PROFILE.format(way="initiate"), group_lines=lines)
    client = VpnClient(lab, "192.0.2.101", addressing=Addressing.PUSHED).connect()
    assert client.inner == IPv4Address("10.9.0.1")
    assert client.value_of(ConfigurationAttribute.INTERNAL_IP4_NBNS) == IPv4Address("10.0.0.54").packed
    assert client.value_of(ConfigurationAttribute.INTERNAL_IP4_NETMASK) == IPv4Address("255.255.255.0").packed
    assert client.value_of(ConfigurationAttribute.SAVE_PASSWORD) == b"\x00\x01"
    assert client.value_of(ConfigurationAttribute.BANNER) == b"Welcome"
    assert client.value_of(ConfigurationAttribute.SPLIT_DNS) == b"a.example,b.example"
    assert client.value_of(ConfigurationAttribute.INTERNAL_ADDRESS_EXPIRY) == (86399).to_bytes(4, "big")
    assert client.ping("10.0.0.1") == 3


def test_the_lines_of_a_crypto_map_do_as_well(make_hub: MakeHub) -> None:
    lab = make_hub(profile="", template="", map_lines=MAP_LINES)
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.ping("10.0.0.1") == 3


def test_clients_of_a_profile_are_in_its_vrf_whichever_template_takes_them(make_hub: MakeHub) -> None:
    lab = make_hub(
        profile="ip vrf red\n rd 1:1\n" + PROFILE.format(way="respond") + "\n vrf red",
        template="",
        map_lines="interface Loopback1\n ip vrf forwarding red\n ip address 10.0.0.1 255.255.255.0\n",
    )
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.ping("10.0.0.1") == 3
    assert [tunnel.vrf for tunnel in lab.hub.monitor.ike_tunnels.values()] == ["red"]
    assert lab.ipsec("hub", "IN_PACKETS", "red") == 3


def test_easy_vpn_policies_take_clients_where_nothing_else_does(make_hub: MakeHub) -> None:
    lab = make_hub(policy="no crypto isakmp default policy")
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.hub.monitor.ike_tunnels.values()
    assert tunnel.facts.policy in range(65515, 65536)


@pytest.mark.parametrize("settings", [{"exchange": Exchange.MAIN}, {"policy": PLAIN}], ids=["main mode", "no login"])
def test_easy_vpn_policies_are_for_aggressive_mode_and_a_login(make_hub: MakeHub, settings: dict[str, Any]) -> None:
    lab = make_hub(policy="no crypto isakmp default policy", map_lines="crypto isakmp key groupkey address 0.0.0.0 0.0.0.0")
    client = VpnClient(lab, "192.0.2.101", **settings).connect()
    assert client.of(Phase1Failed)
    assert reasons(lab) == [IkeFailureReason.PROPOSAL]


def test_main_mode_takes_clients_by_the_key_of_their_address(make_hub: MakeHub) -> None:
    lab = make_hub(map_lines="crypto isakmp key groupkey address 0.0.0.0 0.0.0.0")
    client = VpnClient(lab, "192.0.2.101", exchange=Exchange.MAIN).connect()
    assert client.ping("10.0.0.1") == 3


def test_a_key_may_spare_its_peers_the_login(make_hub: MakeHub) -> None:
    lab = make_hub(map_lines="crypto isakmp key groupkey address 192.0.2.101 no-xauth")
    client = VpnClient(lab, "192.0.2.101", exchange=Exchange.MAIN, policy=PLAIN, user=None).connect()
    assert client.ping("10.0.0.1") == 3


@pytest.mark.parametrize("exchange", [Exchange.MAIN, Exchange.AGGRESSIVE])
def test_a_client_with_a_certificate_is_of_the_group_that_its_ou_names(exchange: Exchange) -> None:
    authority = root()
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "road")
    mine = authority.credential("alice's computer", subject=x509.Name([*subject_of("alice"), unit]))
    text = HUB.format(**{**DEFAULTS, "policy": SIGNED_POLICY})
    hub = Trustpoint(Authority(authority.certificate, None), authority.credential("hub", address("192.0.2.1")))
    lab = DrivenLab(DATE, {"hub": text}, {"hub": {"ours": hub}})
    policy = replace(WITH_LOGIN, authentication="rsa-sig")
    client = VpnClient(lab, "192.0.2.101", policy=policy, exchange=exchange, credential=mine, trust=authority.trust()).connect()
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.flow("hub").ike_tunnels.values()
    assert (tunnel.facts.user, tunnel.facts.client_group, tunnel.facts.authentication) == ("alice", "road", "rsa-sig")


# --- who may log in ---


def test_aaa_is_asked_by_the_list_of_the_profile(make_hub: MakeHub) -> None:
    lab = make_hub()
    VpnClient(lab, "192.0.2.101").connect()
    assert lab.access["hub"].logins == [("users", LoginAttempt("alice", "secret", remote="192.0.2.101"))]
    assert lab.access["hub"].asked_groups == [("groups", "road")]


REFUSED = LoginRefused("Your account has expired")


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [(REFUSED, Trouble.AUTHENTICATION), (LoginRefused(unanswered=True), Trouble.UNANSWERED)],
    ids=["refused", "no answer"],
)
def test_a_user_who_is_not_let_in(make_hub: MakeHub, answer: LoginRefused, trouble: Trouble) -> None:
    lab = make_hub()
    lab.access["hub"].users["alice"] = [answer]
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.of(Phase1Failed) == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert reasons(lab) == [IkeFailureReason.AUTHENTICATION]
    assert lab.flow("hub").ike_events[IkeEvents.AUTHENTICATION_FAILS] == 1
    assert lab.flow("hub").ike_events[IkeEvents.RESPONDER_FAILS] == 1
    assert not lab.hub.monitor.ike_tunnels
    assert not lab.flow("hub").ike_history
    assert (clients(lab), lab.leaks("hub").records) == (0, 0)


def test_without_aaa_nobody_gets_in(make_hub: MakeHub) -> None:
    lab = make_hub()
    lab.hub.engine.use_access(NobodyKnown())
    assert VpnClient(lab, "192.0.2.101").connect().inner is None


def test_a_group_with_another_key_is_not_let_in(make_hub: MakeHub) -> None:
    lab = make_hub()
    VpnClient(lab, "192.0.2.101", key=b"guess").connect()
    assert not lab.hub.monitor.ike_tunnels
    assert reasons(lab) == [IkeFailureReason.HASH_VALIDATION]


def test_a_client_that_falls_silent_before_its_login_is_lost(make_hub: MakeHub) -> None:
    lab = make_hub()
    client = VpnClient(lab, "192.0.2.101", hears=2).connect()
    lab.wait(10)
    assert client.silent
    lab.wait(80)
    assert reasons(lab) == [IkeFailureReason.PEER_LOST]
    assert lab.leaks("hub").records == 0


# --- addresses ---


def test_each_client_has_an_address_of_its_own(make_hub: MakeHub) -> None:
    lab = make_hub()
    inner = [VpnClient(lab, f"192.0.2.{number}").connect().inner for number in (101, 102, 103)]
    assert inner == [IPv4Address(f"10.9.0.{number}") for number in (1, 2, 3)]


def test_a_client_for_whom_there_is_no_address_left_fails(make_hub: MakeHub) -> None:
    lab = make_hub(last="1")
    first = VpnClient(lab, "192.0.2.101").connect()
    second = VpnClient(lab, "192.0.2.102").connect()
    assert second.inner is None
    assert reasons(lab) == [IkeFailureReason.CAPACITY]
    assert lab.flow("hub").ike_events[IkeEvents.CAPACITY_FAILS] == 1
    first.disconnect()
    assert VpnClient(lab, "192.0.2.103").connect().inner == IPv4Address("10.9.0.1")


@pytest.mark.parametrize("line", [" max-users 1", " max-logins 1"])
def test_a_group_has_its_limits(make_hub: MakeHub, line: str) -> None:
    lab = make_hub(group_lines=line)
    VpnClient(lab, "192.0.2.101").connect()
    VpnClient(lab, "192.0.2.102").connect()
    assert reasons(lab) == [IkeFailureReason.CAPACITY]
    assert len(lab.hub.monitor.ike_tunnels) == 1


def test_a_client_that_comes_again_keeps_its_address(make_hub: MakeHub) -> None:
    lab = make_hub()
    VpnClient(lab, "192.0.2.102").connect()
    first = VpnClient(lab, "192.0.2.101").connect()
    assert first.inner == IPv4Address("10.9.0.2")
    first.vanish()
    assert VpnClient(lab, "192.0.2.101", wish=first.inner.packed).connect().inner == first.inner


def test_nobody_gets_the_address_of_another_by_asking_for_it(make_hub: MakeHub) -> None:
    lab = make_hub()
    first = VpnClient(lab, "192.0.2.101").connect()
    assert first.inner is not None
    assert VpnClient(lab, "192.0.2.102", wish=first.inner.packed).connect().inner == IPv4Address("10.9.0.2")


def clear(lab: Any, client: VpnClient) -> None:
    lab.hub.engine.do(ClearSessions(SessionFilter(remote=IPv4Address(client.address))), CONSOLE)


def vanish(lab: Any, client: VpnClient) -> None:
    client.vanish()
    lab.wait(60)  # dead peer detection asks every 10 seconds, then every 2


def destroy(lab: Any, client: VpnClient) -> None:
    (flow,) = list(lab.hub.monitor.ipsec_tunnels.values())
    (ike,) = list(lab.hub.monitor.ike_tunnels.values())
    lab.hub.engine.do(DestroyIpsec(flow.index), CONSOLE)
    assert clients(lab) == 1
    lab.hub.engine.do(DestroyIke(ike.index), CONSOLE)


def lose_power(lab: Any, client: VpnClient) -> None:
    lab.hub.router.power_off()
    lab.hub.router.power_on()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda lab, client: client.disconnect(), EndReason.PEER_DELETE),
        (clear, EndReason.OPERATOR),
        (destroy, EndReason.OPERATOR),
        (vanish, EndReason.PEER_LOST),
        (lose_power, EndReason.LOCAL_FAILURE),
    ],
    ids=["deleted by the client", "cleared", "destroyed", "lost", "without power"],
)
def test_an_address_is_given_back_however_the_session_ends(
    make_hub: MakeHub, end: Callable[[Any, VpnClient], None], reason: EndReason
) -> None:
    lab = make_hub()
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.ping("10.0.0.1") == 3
    end(lab, client)
    assert clients(lab) == 0
    assert [history.reason for history in lab.flow("hub").ike_history.values()] == [reason]
    client.vanish()
    assert VpnClient(lab, "192.0.2.105").connect().inner == IPv4Address("10.9.0.1")


# --- what ends an ISAKMP SA ends its flow and its address (draft-dukes-ike-mode-cfg-02, INTERNAL_IP4_ADDRESS) ---


def destroy_ike(lab: Any, client: VpnClient) -> None:
    (ike,) = list(lab.hub.monitor.ike_tunnels.values())
    lab.hub.engine.do(DestroyIke(ike.index), CONSOLE)


def clear_isakmp(lab: Any, client: VpnClient) -> None:
    lab.hub.engine.do(ClearIsakmp(), CONSOLE)


def begin_afresh(lab: Any, client: VpnClient) -> None:
    """INITIAL-CONTACT of a client at the same address, which then goes away."""
    client.vanish()
    other = VpnClient(lab, "192.0.2.101", first=True, exchange=Exchange.MAIN).connect()
    assert other.inner == client.inner
    other.disconnect()


def expire(lab: Any, client: VpnClient) -> None:
    lab.wait(600)


def fail_engine(lab: Any, client: VpnClient) -> None:
    lab.hub.router.fail_crypto()
    lab.wait(30)


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (lambda lab, client: client.drop(), EndReason.PEER_DELETE),
        (destroy_ike, EndReason.OPERATOR),
        (clear_isakmp, EndReason.OPERATOR),
        (vanish, EndReason.PEER_LOST),
        (begin_afresh, EndReason.PEER_LOST),
        (expire, EndReason.NORMAL),
        (fail_engine, EndReason.LOCAL_FAILURE),
    ],
    ids=["deleted by the client", "destroyed", "cleared", "lost", "begun afresh", "expired", "no crypto engine"],
)
def test_whatever_ends_an_isakmp_sa_ends_its_row_its_flow_and_its_address(
    make_hub: MakeHub, end: Callable[[Any, VpnClient], None], reason: EndReason
) -> None:
    lifetime = POLICY + "\n lifetime 600\ncrypto isakmp key groupkey address 0.0.0.0 0.0.0.0"
    lab = make_hub(policy=lifetime)
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.ping("10.0.0.1") == 3
    end(lab, client)
    assert clients(lab) == 0
    assert not lab.hub.monitor.ike_tunnels
    assert not lab.hub.monitor.ipsec_tunnels
    assert next(iter(lab.flow("hub").ike_history.values())).reason is reason
    assert next(iter(lab.flow("hub").ipsec_history.values())).reason is reason
    held = lab.leaks("hub")
    assert (held.sad, held.flows, held.records) == (0, 0, 0)


def test_a_client_that_is_silent_with_its_address_has_given_it_back(make_hub: MakeHub) -> None:
    """It hears AM2, the request of its login and the status, and nothing of what it is sent unasked."""
    lab = make_hub(profile=PROFILE.format(way="initiate"))
    VpnClient(lab, "192.0.2.101", addressing=Addressing.PUSHED, hears=3).connect()
    assert clients(lab) == 1
    lab.wait(80)
    assert reasons(lab) == [IkeFailureReason.PEER_LOST]
    assert (clients(lab), lab.leaks("hub").records) == (0, 0)


# --- a client that asks where it would have been told ---


def test_a_client_that_asks_a_hub_which_tells_lives_on(make_hub: MakeHub) -> None:
    lab = make_hub(profile=PROFILE.format(way="initiate"))
    client = VpnClient(lab, "192.0.2.101").connect()
    assert client.inner == IPv4Address("10.9.0.1")
    assert client.ping("10.0.0.1") == 3
    lab.wait(200)
    assert client.ping("10.0.0.1") == 3
    assert reasons(lab) == []
    assert len(lab.hub.monitor.ike_tunnels) == len(lab.hub.monitor.ipsec_tunnels) == clients(lab) == 1


def test_an_empty_pool_is_said_before_the_delete(make_hub: MakeHub) -> None:
    """A client that were only deleted would begin anew at once, as strongSwan's charon does."""
    for way in ("respond", "initiate"):
        lab = make_hub(last="1", profile=PROFILE.format(way=way))
        VpnClient(lab, "192.0.2.101").connect()
        second = VpnClient(lab, "192.0.2.102", user=Login("carol", "hashcat")).connect()
        told = [type(event) for event in second.events if isinstance(event, Configured | Phase1Deleted)]
        assert told[-1:] == [Phase1Deleted]
        assert Configured in told
        assert second.inner is None
        assert reasons(lab) == [IkeFailureReason.CAPACITY]
