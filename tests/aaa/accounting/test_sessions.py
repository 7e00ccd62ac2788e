"""Which accounting records the sessions of a router make, and when (the guide's chapter "IPsec VPN Accounting")."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from agent.aaa.accounting.record import AcctStatus
from agent.aaa.radius.values import Attribute, Code, Place, Reply
from agent.base.clock import SECOND
from agent.config.aaa_model import AccountingList, AccountingUpdate
from agent.config.crypto_model import CryptoMap, IsakmpProfile
from agent.flow.model import EndReason, Identity, PeerEnds
from tests.aaa.accounting.world import EPOCH, MINUTE, START_STOP, AccountedRouter, pairs, value
from tests.flow.builders import HUB, SPOKE, bundle
from tests.flow.router import carry

START, STOP, INTERIM = AcctStatus.START, AcctStatus.STOP, AcctStatus.INTERIM
CLIENT = {"user": "alice", "client_group": "cclient", "remote": Identity(False, "cclient")}
ASSIGNED = IPv4Address("10.13.13.1")


# --- which list ---


def test_the_list_of_the_crypto_map_accounts_for_its_sessions() -> None:
    router = AccountedRouter()
    router.end(router.session())
    assert router.story == [(START, "00000001"), (STOP, "00000001")]
    assert {(record.groups, record.broadcast) for record in router.records} == {(("radius",), False)}


def test_the_list_of_the_profile_goes_before_that_of_the_map() -> None:
    router = AccountedRouter()
    router.config.aaa.network_accounting["other"] = AccountingList("start-stop", ("g1", "g2"), broadcast=True)
    router.config.crypto.profiles["p"] = IsakmpProfile("p", accounting="other")
    router.session(profile="p")
    assert (router.records[0].groups, router.records[0].broadcast) == (("g1", "g2"), True)


def test_a_profile_without_a_list_has_that_of_the_map() -> None:
    router = AccountedRouter()
    router.session(profile="p")
    assert router.story == [(START, "00000001")]


def test_sessions_without_a_list_that_is_defined_are_not_accounted_for() -> None:
    router = AccountedRouter(plan=None)
    router.end(router.session())
    router.config.aaa.network_accounting["acc"] = AccountingList("none", ())
    router.end(router.session())
    router.config.aaa.network_accounting["acc"] = START_STOP
    router.config.crypto.maps["vrf1-map"] = CryptoMap("vrf1-map")
    router.end(router.session())
    assert router.records == []


def test_sessions_without_a_users_name_may_be_left_out() -> None:
    """`aaa accounting suppress null-username` (Cisco IOS Security Command Reference)."""
    router = AccountedRouter()
    router.config.aaa.suppress_null_username = True
    router.end(router.session())
    router.session(**CLIENT)
    assert router.story == [(START, "00000001")]
    assert value(router.records[0], "User-Name") == "alice"


def test_without_aaa_new_model_nothing_is_accounted_for() -> None:
    router = AccountedRouter()
    router.config.aaa.new_model = None
    router.end(router.session())
    assert router.records == []


def test_a_session_keeps_the_list_that_it_has_come_up_with() -> None:
    router = AccountedRouter()
    tunnel = router.session()
    del router.config.aaa.network_accounting["acc"]
    router.config.aaa.new_model = False
    router.end(tunnel)
    assert router.story == [(START, "00000001"), (STOP, "00000001")]
    assert router.records[1].groups == ("radius",)


# --- from the first pair of SAs to the last ---


def test_a_session_of_several_tunnels_has_one_start_and_one_stop() -> None:
    router = AccountedRouter()
    ike = router.ike()
    first, second = router.ipsec(ike), router.ipsec(ike, 512)
    router.end(first)
    assert router.story == [(START, "00000001")]
    router.end(second)
    assert router.story == [(START, "00000001"), (STOP, "00000001")]


def test_rekeys_of_both_phases_make_no_record() -> None:
    router = AccountedRouter(newinfo=True)
    ike = router.ike()
    tunnel = router.ipsec(ike)
    router.monitor.sas_installed(tunnel, bundle(512), tunnel.facts, tunnel.spis)
    router.ike()
    router.monitor.ike_ended(ike, EndReason.NORMAL)
    assert router.story == [(START, "00000001")]


def test_a_stop_tells_how_long_the_session_was_up_and_what_it_has_carried() -> None:
    router = AccountedRouter()
    ike = router.ike()
    router.run(10 * SECOND)
    first = router.ipsec(ike)
    carry(first, IN_PACKETS=3, IN_OCTETS=300, IN_OUTER_OCTETS=528, OUT_PACKETS=2, OUT_INNER_OCTETS=200, OUT_OCTETS=352)
    router.run(100 * SECOND)
    second = router.ipsec(ike, 512)
    router.end(first)
    carry(second, IN_PACKETS=1, IN_OUTER_OCTETS=176)
    router.run(609 * SECOND + SECOND // 2)
    router.end(second, EndReason.PEER_DELETE)
    stop = router.records[-1]
    names = "Acct-Input-Octets", "Acct-Output-Octets", "Acct-Input-Packets", "Acct-Output-Packets"
    assert value(stop, "Acct-Session-Time") == 709
    assert [value(stop, name) for name in names] == [704, 352, 4, 2]
    assert value(stop, "Acct-Terminate-Cause") == 1
    assert pairs(stop)["disc-cause-ext"] == "Remote Hangup"


def test_the_gigawords_of_a_stop_may_be_left_out() -> None:
    router = AccountedRouter()
    ike = router.ike()
    router.end(router.ipsec(ike))
    router.config.aaa.gigawords = False
    router.end(router.ipsec(ike, 512))
    stops = [record for record in router.records if record.status is STOP]
    assert [value(stop, "Acct-Input-Gigawords") for stop in stops] == [0, None]


def test_a_second_session_of_a_peer_has_an_id_of_its_own() -> None:
    router = AccountedRouter()
    ike = router.ike()
    router.end(router.ipsec(ike))
    router.ipsec(ike, 512)
    assert router.story[1:] == [(STOP, "00000001"), (START, "00000002")]


def test_with_stop_only_there_is_no_start_and_no_interim_record() -> None:
    router = AccountedRouter(AccountingList("stop-only", ("radius",)), periodic=1, newinfo=True)
    tunnel = router.session()
    router.run(10 * MINUTE)
    assert router.records == []
    assert "00000001" in router.keeper.wills
    router.end(tunnel)
    assert router.story == [(STOP, "00000001")]


def test_a_remote_access_client_is_named_by_its_user_its_group_and_its_address() -> None:
    router = AccountedRouter()
    router.session(**CLIENT, assigned_address=ASSIGNED)
    start = router.records[0]
    assert value(start, "User-Name") == "alice"
    assert value(start, "Framed-IP-Address") == "10.13.13.1"
    assert pairs(start) == {
        "isakmp-group-id": "cclient",
        "vrf-id": "vrf1",
        "isakmp-initator-ip": str(SPOKE),
        "isakmp-phase1-id": "cclient",
        "connect-progress": "No Progress",
    }


def test_the_moment_of_a_record_is_by_the_real_clock_and_its_timestamp_by_the_routers() -> None:
    """Acct-Delay-Time counts real seconds. What is told of a session follows the clock that it lives by."""
    router = AccountedRouter()
    router.config.radius.event_timestamp = True
    router.run(100 * SECOND)
    router.run_really(3 * SECOND)
    router.session()
    assert router.records[0].moment == EPOCH + 3
    assert value(router.records[0], "Event-Timestamp") == EPOCH + 100


# --- interim records ---


def test_interim_records_come_in_each_period_of_the_routers_clock() -> None:
    router = AccountedRouter(periodic=5)
    router.run(30 * SECOND)
    tunnel = router.session()
    router.run(16 * MINUTE)
    router.end(tunnel)
    router.run(10 * MINUTE)
    times = [value(record, "Acct-Session-Time") for record in router.records]
    assert [status for status, _ in router.story] == [START, INTERIM, INTERIM, INTERIM, STOP]
    assert times == [None, 300, 600, 900, 960]


def test_interim_records_tell_what_was_carried_until_then() -> None:
    router = AccountedRouter(periodic=1)
    tunnel = router.session()
    carry(tunnel, IN_PACKETS=4, IN_OUTER_OCTETS=704)
    router.run(MINUTE)
    carry(tunnel, IN_PACKETS=1, IN_OUTER_OCTETS=176)
    router.run(MINUTE)
    assert [value(record, "Acct-Input-Octets") for record in router.records[1:]] == [704, 880]


def test_a_change_of_the_period_holds_for_sessions_that_are_up() -> None:
    router = AccountedRouter()
    router.session()
    router.run(10 * MINUTE)
    router.config.aaa.update = AccountingUpdate(periodic=4)
    router.accounting.apply()
    router.run(5 * MINUTE)
    router.config.aaa.update = None
    router.accounting.apply()
    router.run(60 * MINUTE)
    assert [value(record, "Acct-Session-Time") for record in router.records[1:]] == [720]


def test_a_list_may_have_a_period_of_its_own_or_none() -> None:
    """`action-type start-stop periodic {interval MINUTES | disable}` of a list's sub-mode."""
    router = AccountedRouter(replace(START_STOP, periodic=2), periodic=60)
    router.session()
    router.config.aaa.network_accounting["acc"] = replace(START_STOP, periodic=0)
    router.session(spoke=SPOKE + 1)
    router.run(5 * MINUTE)
    assert router.story[2:] == [(INTERIM, "00000001")] * 2
    router.config.aaa.update = AccountingUpdate(periodic=1)
    router.accounting.apply()
    router.run(MINUTE)
    assert router.story[2:] == [(INTERIM, "00000001")] * 3


@pytest.mark.parametrize(("jitter", "at_once"), [(0, 100), (10, 8)])
def test_jitter_is_the_longest_that_a_record_of_many_waits(jitter: int, at_once: int) -> None:
    """`aaa accounting update periodic N jitter maximum SECONDS`; 0 disables it (Cisco IOS Security Command Reference)."""
    router = AccountedRouter(periodic=5, jitter=jitter)
    for number in range(100):
        router.session(spoke=SPOKE + number, remote=Identity(True, str(SPOKE + number)))
    router.run(5 * MINUTE)
    assert sum(record.status is INTERIM for record in router.records) == at_once
    router.run(jitter * SECOND)
    assert sum(record.status is INTERIM for record in router.records) == 100


def test_another_jitter_holds_for_sessions_that_are_up() -> None:
    router = AccountedRouter(periodic=5)
    for number in range(100):
        router.session(spoke=SPOKE + number, remote=Identity(True, str(SPOKE + number)))
    router.run(MINUTE)
    router.config.aaa.update = AccountingUpdate(periodic=5, jitter=0)
    router.accounting.apply()
    router.run(4 * MINUTE)
    assert sum(record.status is INTERIM for record in router.records) == 100


def test_sessions_of_one_moment_have_their_interim_records_spread() -> None:
    router = AccountedRouter(periodic=5)
    for number in range(200):
        spoke = SPOKE + number
        router.session(spoke=spoke, remote=Identity(True, str(spoke)))
    router.run(5 * MINUTE)
    first = sum(record.status is INTERIM for record in router.records)
    router.run(5 * MINUTE - 1)
    assert first < 20
    assert sum(record.status is INTERIM for record in router.records) == 200


# --- news ---


def test_with_newinfo_a_peer_that_has_moved_makes_an_interim_record() -> None:
    """`aaa accounting update newinfo`: a record for new information to report (Cisco IOS Security Command Reference)."""
    router = AccountedRouter(newinfo=True)
    tunnel = router.session(local_port=4500, remote_port=1025)
    ends = PeerEnds(None, HUB, SPOKE, 4500, 1025)
    router.monitor.peer_moved(tunnel.peer, replace(ends, remote_port=1026))  # no attribute tells the port
    assert len(router.records) == 1
    router.monitor.peer_moved(tunnel.peer, replace(ends, remote_address=SPOKE + 7))
    assert router.story[1:] == [(INTERIM, "00000001")]
    assert pairs(router.records[1])["isakmp-initator-ip"] == str(SPOKE + 7)


def test_without_newinfo_news_wait_for_the_next_record() -> None:
    router = AccountedRouter(periodic=60)
    tunnel = router.session(local_port=4500, remote_port=1025)
    router.monitor.peer_moved(tunnel.peer, PeerEnds(None, HUB, SPOKE + 7, 4500, 1025))
    assert len(router.records) == 1
    router.end(tunnel)
    assert pairs(router.records[1])["isakmp-initator-ip"] == str(SPOKE + 7)


def test_with_newinfo_another_log_in_makes_an_interim_record() -> None:
    router = AccountedRouter(newinfo=True)
    tunnel = router.session(**CLIENT, assigned_address=ASSIGNED)
    assert tunnel.ike is not None
    router.monitor.ike_up("vrf1", replace(tunnel.ike.facts, user="bob"), tunnel.ike.counters)
    assert router.story[1:] == [(INTERIM, "00000001")]
    assert value(router.records[1], "User-Name") == "bob"
    assert value(router.records[1], "Framed-IP-Address") == "10.13.13.1"


# --- what a server has said of the user ---


def accepted(*attributes: Attribute) -> Reply:
    return Reply(Code.ACCESS_ACCEPT, attributes, Place(IPv4Address("127.0.0.1"), 1812))


def test_the_class_of_the_access_accept_is_in_each_record() -> None:
    """RFC 2865 §5.25: unmodified, in Accounting-Requests; a packet may have several."""
    router = AccountedRouter(periodic=1)
    router.grants.add("alice", str(SPOKE), accepted(Attribute("Class", b"\xc0\xff\xee"), Attribute("Class", b"gold")))
    tunnel = router.session(**CLIENT)
    router.run(MINUTE)
    router.end(tunnel)
    for record in router.records:
        assert [each.value for each in record.attributes if each.name == "Class"] == [b"\xc0\xff\xee", b"gold"]
    assert [status for status, _ in router.story] == [START, INTERIM, STOP]


def test_the_name_of_the_access_accept_is_that_of_the_records() -> None:
    """RFC 2865 §5.1: the client should use the name that was returned in all Accounting-Requests of the session."""
    router = AccountedRouter()
    router.grants.add("alice", str(SPOKE), accepted(Attribute("User-Name", "alice@example.com")))
    router.session(**CLIENT)
    assert value(router.records[0], "User-Name") == "alice@example.com"


@pytest.mark.parametrize(
    ("own", "periodic", "said", "times"),
    [
        (None, None, 90, [90, 180, 270]),
        (None, 2, 90, [120, 240]),  # the router's own goes before it
        (0, None, 90, []),  # a list with `periodic disable`
        (None, None, 59, []),  # too short
    ],
)
def test_a_server_may_say_how_often_there_are_interim_records(
    own: int | None, periodic: int | None, said: int, times: list[int]
) -> None:
    """Acct-Interim-Interval (RFC 2869 §5.16), in seconds: at least 60, and a locally configured value must override it."""
    router = AccountedRouter(replace(START_STOP, periodic=own), periodic=periodic)
    router.grants.add("alice", str(SPOKE), accepted(Attribute("Acct-Interim-Interval", said)))
    router.session(**CLIENT)
    router.run(5 * MINUTE)
    assert [value(record, "Acct-Session-Time") for record in router.records[1:]] == times


def test_a_class_belongs_to_one_log_in() -> None:
    router = AccountedRouter()
    router.grants.add("alice", "203.0.113.7", accepted(Attribute("Class", b"other place")))
    router.grants.add("alice", str(SPOKE), accepted(Attribute("Class", b"server")))
    router.grants.add("alice", str(SPOKE), None)  # the latest was known without a server
    router.session(**CLIENT)
    assert value(router.records[0], "Class") is None


# --- delay-start ---


def test_with_delay_start_the_start_waits_for_the_clients_address() -> None:
    """`aaa accounting delay-start`: not before the address of the user is known (Cisco IOS Security Command Reference)."""
    router = AccountedRouter(periodic=1)
    router.config.aaa.delay_start = True
    tunnel = router.session(**CLIENT)
    router.run(5 * MINUTE)
    assert router.records == []
    assert tunnel.ike is not None
    router.monitor.ike_up("vrf1", replace(tunnel.ike.facts, assigned_address=ASSIGNED), tunnel.ike.counters)
    assert router.story == [(START, "00000001")]
    assert value(router.records[0], "Framed-IP-Address") == "10.13.13.1"
    router.run(MINUTE)
    assert router.story[1:] == [(INTERIM, "00000001")]


def test_with_delay_start_a_session_that_never_has_an_address_has_its_start_before_its_stop() -> None:
    router = AccountedRouter()
    router.config.aaa.delay_start = True
    tunnel = router.session(**CLIENT)
    router.end(tunnel)
    assert router.story == [(START, "00000001"), (STOP, "00000001")]


def test_delay_start_holds_no_site_back_and_ends_with_its_line() -> None:
    router = AccountedRouter()
    router.config.aaa.delay_start = True
    router.session()
    assert router.story == [(START, "00000001")]
    router.session(**CLIENT, spoke=SPOKE + 1)
    assert len(router.records) == 1
    router.config.aaa.delay_start = False
    router.accounting.apply()
    assert router.story[1:] == [(START, "00000002")]


# --- the end of the router, in order and not ---


def test_a_router_that_ends_in_order_stops_its_sessions() -> None:
    router = AccountedRouter(periodic=1)
    router.config.aaa.system_accounting = START_STOP
    router.accounting.start()
    tunnel = router.session()
    carry(tunnel, IN_PACKETS=4)
    router.run(30 * SECOND)
    router.stop()
    router.run(10 * MINUTE)
    router.run_really(10 * MINUTE)
    router.end(tunnel)
    assert router.story == [
        (AcctStatus.ON, "00000000"),
        (START, "00000001"),
        (STOP, "00000001"),
        (AcctStatus.OFF, "00000000"),
    ]
    stop = router.records[2]
    assert (value(stop, "Acct-Terminate-Cause"), value(stop, "Acct-Session-Time"), value(stop, "Acct-Input-Packets")) == (7, 30, 4)
    assert router.keeper.wills == {}


def test_an_end_in_order_that_is_broken_off_leaves_the_wills_of_the_other_sessions() -> None:
    """Accounting-Off would say that no session is open any more (RFC 2866 §5.1)."""
    router = AccountedRouter()
    router.config.aaa.system_accounting = START_STOP
    router.session()
    router.session(spoke=IPv4Address("10.9.9.9"))
    ending = router.accounting.stop()
    next(ending)
    ending.close()
    assert router.story == [(START, "00000001"), (START, "00000002"), (STOP, "00000001")]
    assert set(router.keeper.wills) == {"00000002"}


def test_without_a_list_for_the_system_there_is_no_record_about_the_router() -> None:
    router = AccountedRouter()
    router.accounting.start()
    router.stop()
    assert router.records == []


def test_with_stop_only_the_router_tells_of_its_end_alone() -> None:
    router = AccountedRouter()
    router.config.aaa.system_accounting = AccountingList("stop-only", ("g1",))
    router.accounting.start()
    router.stop()
    assert [(record.status, record.groups) for record in router.records] == [(AcctStatus.OFF, ("g1",))]


def test_an_open_session_has_a_will_with_its_numbers_of_the_last_minute() -> None:
    """The Stop that it has if the program dies: Acct-Terminate-Cause NAS-Reboot (RFC 2866 §5.10)."""
    router = AccountedRouter()
    tunnel = router.session()
    will = router.keeper.wills["00000001"]
    assert (will.status, will.session, value(will, "Acct-Terminate-Cause")) == (STOP, "00000001", 11)
    carry(tunnel, IN_PACKETS=4, IN_OUTER_OCTETS=704)
    router.run(MINUTE)
    router.run_really(MINUTE)
    will = router.keeper.wills["00000001"]
    assert (value(will, "Acct-Session-Time"), value(will, "Acct-Input-Octets")) == (60, 704)
    router.end(tunnel)
    assert router.keeper.wills == {}


def test_no_will_is_older_than_a_minute_though_a_thousand_sessions_came_up_together() -> None:
    router = AccountedRouter()
    for number in range(1_000):
        router.session(spoke=SPOKE + number, remote=Identity(True, str(SPOKE + number)))
    oldest = []
    for seconds in range(4, 181, 4):
        router.run(4 * SECOND)
        router.run_really(4 * SECOND)
        oldest.append(max(seconds - int(value(will, "Acct-Session-Time") or 0) for will in router.keeper.wills.values()))
    assert max(oldest) <= 60


def test_a_will_is_not_kept_again_while_the_routers_time_stands_still() -> None:
    router = AccountedRouter()
    router.session()
    router.run_really(60 * MINUTE)
    assert router.keeper.willed == 1


def test_an_interim_record_renews_the_will() -> None:
    router = AccountedRouter(periodic=1)
    tunnel = router.session()
    carry(tunnel, OUT_PACKETS=9)
    router.run(MINUTE)
    assert value(router.keeper.wills["00000001"], "Acct-Output-Packets") == 9
