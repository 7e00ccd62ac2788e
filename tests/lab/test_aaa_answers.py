"""Remote access by an AAA that answers later, asks the user back, or knows groups and users that the configuration does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from ipaddress import IPv4Address
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from agent.base.origin import CONSOLE
from agent.config.crypto_model import ClientGroup
from agent.crypto.certificates import Authority
from agent.crypto.doi import ConfigurationAttribute, Exchange
from agent.crypto.ike_events import Login, Phase1Failed, Trouble
from agent.engine.access import ChapResponse, LoginAccepted, LoginChallenge, UserPolicy
from agent.engine.values import ClearIsakmp
from agent.flow.model import IkeFailureReason
from agent.lab.policy.groups import QUESTIONS
from agent.lab.policy.trustpoints import Trustpoint
from tests.crypto.pki import address, root, subject_of
from tests.lab.access import FakeAccess
from tests.lab.conftest import DrivenLab, MakePair, ping
from tests.lab.remote_hub import ALICE, DATE, DEFAULTS, HUB, MAP_LINES, PROFILE, SIGNED_POLICY, MakeHub, clients, reasons
from tests.lab.vpn_client import WITH_LOGIN, VpnClient

STAFF = ClientGroup("staff", key="staffkey", pool="clients", dns=(IPv4Address("10.0.0.99"),), domain="staff.example")
STAFF_PROFILE = PROFILE.format(way="respond").replace("group road", "group staff")


def access_of(lab: DrivenLab) -> FakeAccess:
    return lab.access["hub"]


def states(lab: DrivenLab) -> list[str]:
    return [sa.state for sa in lab.hub.engine.phase1_sas()]


# --- groups ---


@pytest.fixture
def staff_hub(make_hub: MakeHub) -> Callable[..., Any]:
    """A hub for clients of the group `staff`, of which its configuration knows nothing but the name."""

    def make(**settings: str) -> DrivenLab:
        lab: DrivenLab = make_hub(**{"profile": STAFF_PROFILE, **settings})
        access_of(lab).groups["staff"] = STAFF
        return lab

    return make


def test_a_group_that_aaa_alone_knows(staff_hub: Callable[..., Any]) -> None:
    lab = staff_hub()
    client = VpnClient(lab, "192.0.2.101", group="staff", key=b"staffkey").connect()
    assert client.inner == IPv4Address("10.9.0.1")
    assert client.value_of(ConfigurationAttribute.INTERNAL_IP4_DNS) == IPv4Address("10.0.0.99").packed
    assert client.value_of(ConfigurationAttribute.DEFAULT_DOMAIN) == b"staff.example"
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.hub.monitor.ike_tunnels.values()
    assert tunnel.facts.client_group == "staff"
    assert access_of(lab).asked_groups == [("groups", "staff")]


def test_the_lines_of_a_crypto_map_do_as_well(staff_hub: Callable[..., Any]) -> None:
    lab = staff_hub(profile="", template="", map_lines=MAP_LINES)
    client = VpnClient(lab, "192.0.2.101", group="staff", key=b"staffkey").connect()
    assert client.ping("10.0.0.1") == 3


def test_the_group_of_a_profile_is_asked_for_where_a_client_names_none(staff_hub: Callable[..., Any]) -> None:
    profile = PROFILE.format(way="respond").replace("group road", "address 0.0.0.0") + "\n client configuration group staff"
    lab = staff_hub(profile=profile, map_lines="crypto isakmp key groupkey address 0.0.0.0 0.0.0.0")
    client = VpnClient(lab, "192.0.2.101", identity="address", exchange=Exchange.MAIN).connect()
    assert access_of(lab).asked_groups == [("groups", "staff")]
    assert client.value_of(ConfigurationAttribute.DEFAULT_DOMAIN) == b"staff.example"


def test_a_group_that_nobody_knows_has_no_key(make_hub: MakeHub) -> None:
    lab = make_hub(profile=STAFF_PROFILE)
    VpnClient(lab, "192.0.2.101", group="staff", key=b"staffkey").connect()
    assert reasons(lab) == [IkeFailureReason.PROPOSAL]


def test_the_first_message_waits_for_the_group_and_nothing_else_does(staff_hub: Callable[..., Any]) -> None:
    lab = staff_hub(profile=STAFF_PROFILE + "\n match identity group road")
    first = VpnClient(lab, "192.0.2.101").connect()
    access_of(lab).waits = True
    second = VpnClient(lab, "192.0.2.102", group="staff", key=b"staffkey").connect()
    lab.wait(8)  # it sends its first message again
    assert states(lab) == ["QM_IDLE", "AG_NO_STATE"]
    assert second.heard == 0
    assert first.ping("10.0.0.1") == 3
    access_of(lab).waits = False
    access_of(lab).answer()
    lab.wait(3)
    assert second.ping("10.0.0.1") == 3
    assert access_of(lab).asked_groups == [("groups", "road"), ("groups", "staff")]


def test_one_question_serves_all_who_wait_for_its_answer(staff_hub: Callable[..., Any]) -> None:
    """A first message costs its sender nothing, so it must not cost the servers a request each time."""
    lab = staff_hub()
    access_of(lab).waits = True
    waiting = [VpnClient(lab, f"192.0.2.{number}", group="staff", key=b"staffkey").connect() for number in (101, 102, 103)]
    assert access_of(lab).asked_groups == [("groups", "staff")]
    access_of(lab).waits = False
    access_of(lab).answer()
    lab.wait(3)
    assert {client.inner for client in waiting} == {IPv4Address(f"10.9.0.{number}") for number in (1, 2, 3)}


@pytest.mark.parametrize("exchange", [Exchange.MAIN, Exchange.AGGRESSIVE])
def test_the_group_that_the_ou_of_a_certificate_names_is_waited_for(exchange: Exchange) -> None:
    authority = root()
    unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "staff")
    mine = authority.credential("alice's computer", subject=x509.Name([*subject_of("alice"), unit]))
    text = HUB.format(**{**DEFAULTS, "policy": SIGNED_POLICY, "profile": STAFF_PROFILE})
    hub = Trustpoint(Authority(authority.certificate, None), authority.credential("hub", address("192.0.2.1")))
    lab = DrivenLab(DATE, {"hub": text}, {"hub": {"ours": hub}})
    access = access_of(lab)
    access.groups["staff"], access.waits = STAFF, True
    policy = replace(WITH_LOGIN, authentication="rsa-sig")
    client = VpnClient(lab, "192.0.2.101", policy=policy, exchange=exchange, credential=mine, trust=authority.trust()).connect()
    assert states(lab) == ["MM_KEY_EXCH" if exchange is Exchange.MAIN else "AG_NO_STATE"]
    assert access.asked_groups == [("groups", "staff")]
    access.waits = False
    access.answer()
    lab.wait(3)
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.flow("hub").ike_tunnels.values()
    assert tunnel.facts.client_group == "staff"


def clear(lab: DrivenLab) -> None:
    lab.hub.engine.do(ClearIsakmp(), CONSOLE)


def switch_off(lab: DrivenLab) -> None:
    lab.hub.router.power_off()
    lab.hub.router.power_on()


@pytest.mark.parametrize("end", [clear, switch_off])
@pytest.mark.parametrize("waits_for", ["group", "login"])
def test_an_answer_that_comes_when_all_is_over_changes_nothing(
    make_hub: MakeHub, end: Callable[[DrivenLab], None], waits_for: str
) -> None:
    lab = make_hub()
    access_of(lab).waits = True
    client = VpnClient(lab, "192.0.2.101").connect()
    if waits_for == "login":
        access_of(lab).answer()
        lab.wait(3)
    assert states(lab) == ["CONF_XAUTH" if waits_for == "login" else "AG_NO_STATE"]
    client.vanish()
    end(lab)
    access_of(lab).answer()
    lab.wait(1)
    assert (clients(lab), lab.leaks("hub").records) == (0, 0)
    assert not lab.hub.monitor.ike_tunnels


def test_a_login_whose_client_has_gone_takes_no_place(make_hub: MakeHub) -> None:
    """`max-users` counts those who are there."""
    lab = make_hub(group_lines=" max-users 1")
    access_of(lab).waits = True
    client = VpnClient(lab, "192.0.2.101").connect()
    access_of(lab).answer()
    lab.wait(3)
    client.disconnect()
    access_of(lab).answer()
    access_of(lab).waits = False
    assert clients(lab) == 0
    assert VpnClient(lab, "192.0.2.102").connect().inner == IPv4Address("10.9.0.1")


# --- keys of peers that are no clients (Cisco's feature guide "IKE: Initiate Aggressive Mode") ---

SPOKE = "crypto isakmp peer address 192.0.2.2\n set aggressive-mode password theirs\n set aggressive-mode client-endpoint {end}"
KEYS = """no crypto isakmp key secret address 192.0.2.1
aaa new-model
aaa authorization network keys group radius
crypto map outside isakmp authorization list keys"""


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ("user-fqdn spoke@example.com", "spoke@example.com"),
        ("fqdn spoke.example.com", "spoke.example.com"),
        ("ipv4-address 192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_spoke_has_its_key_in_aaa(make_pair: MakePair, end: str, name: str) -> None:
    lab = make_pair(east={"lines": SPOKE.format(end=end)}, west={"lines": KEYS})
    lab.access["west"].groups[name] = ClientGroup(name, key="theirs")
    assert ping(lab, repeat=4) == 3
    assert lab.access["west"].asked_groups == [("keys", name)]
    (tunnel,) = lab.flow("west").ike_tunnels.values()
    assert (tunnel.facts.aggressive, tunnel.facts.client_group) == (True, None)


@pytest.mark.parametrize("key", [None, "another"])
def test_a_spoke_with_another_key_than_aaa_has_is_refused(make_pair: MakePair, key: str | None) -> None:
    lab = make_pair(east={"lines": SPOKE.format(end="fqdn spoke")}, west={"lines": KEYS})
    if key is not None:
        lab.access["west"].groups["spoke"] = ClientGroup("spoke", key=key)
    assert ping(lab) == 0
    assert not lab.flow("west").ike_tunnels


def test_aaa_is_not_asked_for_a_key_that_is_configured(make_pair: MakePair) -> None:
    lines = KEYS.replace("no crypto isakmp key secret address 192.0.2.1", "crypto isakmp key theirs hostname spoke")
    lab = make_pair(east={"lines": SPOKE.format(end="fqdn spoke")}, west={"lines": lines})
    assert ping(lab, repeat=4) == 3
    assert lab.access["west"].asked_groups == []


def test_main_mode_comes_too_late_for_a_key_of_aaa(make_pair: MakePair) -> None:
    """The identity is encrypted by a key that needs it (RFC 2409 §5.4)."""
    lab = make_pair(west={"lines": KEYS})
    assert ping(lab) == 0
    assert lab.access["west"].asked_groups == []


# --- admission ---


def test_those_who_wait_are_being_negotiated_and_give_their_place_in_time(staff_hub: Callable[..., Any]) -> None:
    """A flood of forged first messages, while no server answers, does not keep others out for longer."""
    profile = STAFF_PROFILE + "\n match identity group road"
    lab = staff_hub(map_lines="crypto call admission limit ike in-negotiation-sa 10", profile=profile)
    access_of(lab).waits = True
    for number in range(101, 111):
        VpnClient(lab, f"192.0.2.{number}", group="staff").call()
    lab.wait(0.1)
    assert lab.hub.engine.admission().negotiating == 10
    VpnClient(lab, "192.0.2.111").call()
    lab.wait(0.1)
    assert lab.hub.engine.admission().rejected_at_negotiating == 1
    lab.wait(10)
    access_of(lab).waits = False
    assert VpnClient(lab, "192.0.2.112").connect().inner is not None


def test_an_address_has_no_more_than_its_share(staff_hub: Callable[..., Any]) -> None:
    lab = staff_hub()
    access_of(lab).waits = True
    for _ in range(120):
        VpnClient(lab, "192.0.2.101", group="staff").call()
        lab.wait(0.005)
    assert lab.hub.engine.admission().negotiating == 100
    assert access_of(lab).asked_groups == [("groups", "staff")]


def test_strangers_cause_few_questions_about_groups_that_there_are_not(make_hub: MakeHub) -> None:
    """With the lines of a crypto map any name is a group's. Clients of known groups get in all the same."""
    lab = make_hub(profile="", template="", map_lines=MAP_LINES)
    VpnClient(lab, "192.0.2.101").connect()
    asked = access_of(lab).asked_groups
    asked.clear()
    for number in range(200):
        VpnClient(lab, f"192.0.2.{110 + number % 100}", group=f"guess {number}").call()
    lab.wait(0.5)
    assert len(asked) == QUESTIONS
    assert VpnClient(lab, "192.0.2.102").connect().inner is not None
    lab.wait(2)
    VpnClient(lab, "192.0.2.103", group="guess").call()
    lab.wait(0.5)
    assert asked[-1] == ("groups", "guess")


# --- logins ---


def test_phase_1_waits_for_the_login_and_nothing_else_does(make_hub: MakeHub) -> None:
    lab = make_hub()
    first = VpnClient(lab, "192.0.2.101").connect()
    access_of(lab).waits = True
    second = VpnClient(lab, "192.0.2.102").connect()
    access_of(lab).answer()  # about the group
    lab.wait(3)
    assert states(lab) == ["QM_IDLE", "CONF_XAUTH"]
    lab.wait(50)
    assert first.ping("10.0.0.1") == 3
    access_of(lab).answer()
    lab.wait(3)
    assert second.ping("10.0.0.1") == 3


def test_a_challenge_is_asked_of_the_client_and_its_state_goes_back(make_hub: MakeHub) -> None:
    lab = make_hub()
    access_of(lab).users["alice"] = [
        LoginChallenge("Your code?", b"the state"),
        LoginChallenge("Again?", b"another"),
        LoginAccepted(),
    ]
    client = VpnClient(lab, "192.0.2.101").connect()
    assert [attempt.state for _, attempt in access_of(lab).logins] == [None, b"the state", b"another"]
    assert client.ping("10.0.0.1") == 3


def test_a_client_that_offers_chap_is_asked_for_a_response(make_hub: MakeHub) -> None:
    lab = make_hub()
    access_of(lab).users["alice"] = [LoginAccepted()]
    client = VpnClient(lab, "192.0.2.101", user=replace(ALICE, chap=True)).connect()
    ((_, attempt),) = access_of(lab).logins
    proof = attempt.proof
    assert isinstance(proof, ChapResponse)
    expected = md5(bytes((proof.identifier,)) + b"secret" + proof.challenge, usedforsecurity=False).digest()
    assert proof.response == expected
    assert client.ping("10.0.0.1") == 3


# --- what AAA gives a user (RFC 2865 §5.8, §5.9) ---


def with_policy(lab: DrivenLab, **policy: Any) -> None:
    access_of(lab).users["alice"] = [LoginAccepted(UserPolicy(**policy))]


def test_a_user_has_an_address_of_its_own(make_hub: MakeHub) -> None:
    lab = make_hub()
    with_policy(lab, address=IPv4Address("10.8.0.77"), netmask=IPv4Address("255.255.0.0"))
    client = VpnClient(lab, "192.0.2.101", wanted=(ConfigurationAttribute.INTERNAL_IP4_NETMASK,)).connect()
    assert client.inner == IPv4Address("10.8.0.77")
    assert client.value_of(ConfigurationAttribute.INTERNAL_IP4_NETMASK) == IPv4Address("255.255.0.0").packed
    assert client.ping("10.0.0.1") == 3
    (tunnel,) = lab.hub.monitor.ike_tunnels.values()
    assert tunnel.facts.assigned_address == IPv4Address("10.8.0.77")


def test_a_user_has_a_pool_of_its_own(make_hub: MakeHub) -> None:
    lab = make_hub(map_lines="ip local pool others 10.7.0.1 10.7.0.9")
    with_policy(lab, pool="others")
    assert VpnClient(lab, "192.0.2.101").connect().inner == IPv4Address("10.7.0.1")
    assert VpnClient(lab, "192.0.2.102", user=Login("carol", "hashcat")).connect().inner == IPv4Address("10.9.0.1")


@pytest.mark.parametrize(("group_has", "user_has", "given"), [("", True, b"\x00\x01"), (" save-password", False, None)])
def test_a_switch_of_the_user_goes_before_that_of_the_group(
    make_hub: MakeHub, group_has: str, user_has: bool, given: bytes | None
) -> None:
    lab = make_hub(group_lines=group_has)
    with_policy(lab, save_password=user_has)
    client = VpnClient(lab, "192.0.2.101", wanted=(ConfigurationAttribute.SAVE_PASSWORD,)).connect()
    assert client.inner is not None
    assert client.value_of(ConfigurationAttribute.SAVE_PASSWORD) == given


@pytest.mark.parametrize(("group", "let_in"), [("road", True), ("staff", False)])
def test_a_user_of_one_group_is_let_into_no_other(make_hub: MakeHub, group: str, let_in: bool) -> None:
    """User-VPN-Group of Easy VPN Server: the connection ends where the groups do not match."""
    lab = make_hub()
    with_policy(lab, vpn_group=group)
    assert (VpnClient(lab, "192.0.2.101").connect().inner is not None) == let_in
    assert reasons(lab) == ([] if let_in else [IkeFailureReason.AUTHENTICATION])


def test_the_address_is_the_users_again_after_the_end_and_nobody_elses_before(make_hub: MakeHub) -> None:
    lab = make_hub()
    with_policy(lab, address=IPv4Address("10.8.0.77"))
    access_of(lab).users["carol"] = access_of(lab).users["alice"]
    first = VpnClient(lab, "192.0.2.101").connect()
    other = VpnClient(lab, "192.0.2.102", user=Login("carol", "hashcat")).connect()
    assert other.inner is None
    assert reasons(lab) == [IkeFailureReason.CAPACITY]
    first.disconnect()
    assert VpnClient(lab, "192.0.2.103").connect().inner == IPv4Address("10.8.0.77")


def test_a_client_that_authenticates_again_keeps_the_address_of_its_user(make_hub: MakeHub) -> None:
    lab = make_hub()
    with_policy(lab, address=IPv4Address("10.8.0.77"))
    client = VpnClient(lab, "192.0.2.101").connect().authenticate_again()
    assert client.inner == IPv4Address("10.8.0.77")
    assert client.ping("10.0.0.1") == 3
    client.drop()
    assert client.ping("10.0.0.1") == 3
    client.disconnect()
    assert clients(lab) == 0


def test_a_user_who_comes_back_from_elsewhere_gets_the_address_of_the_session_that_is_dead(make_hub: MakeHub) -> None:
    lab = make_hub()
    with_policy(lab, address=IPv4Address("10.8.0.77"))
    VpnClient(lab, "192.0.2.101").connect().vanish()
    second = VpnClient(lab, "192.0.2.102").connect()
    lab.wait(3)
    assert second.inner == IPv4Address("10.8.0.77")


def test_an_address_of_a_user_that_the_pool_has_is_given_to_nobody_else(make_hub: MakeHub) -> None:
    lab = make_hub()
    with_policy(lab, address=IPv4Address("10.9.0.1"))
    VpnClient(lab, "192.0.2.101").connect()
    assert VpnClient(lab, "192.0.2.102", user=Login("carol", "hashcat")).connect().inner == IPv4Address("10.9.0.2")


def test_a_refused_login_is_an_authentication_failure(make_hub: MakeHub) -> None:
    lab = make_hub()
    client = VpnClient(lab, "192.0.2.101", user=Login("alice", "wrong")).connect()
    assert client.of(Phase1Failed) == [Phase1Failed(Trouble.AUTHENTICATION)]
    assert reasons(lab) == [IkeFailureReason.AUTHENTICATION]
