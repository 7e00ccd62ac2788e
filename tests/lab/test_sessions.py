"""Sessions of lab routers: what each carries and who it is, and which association a client behind a NAT is."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

import pytest

from agent.base.clock import SECOND
from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.crypto.ike_events import Login
from agent.crypto.udp_encapsulation import encapsulate
from agent.engine.sessions import shown_sessions
from agent.engine.values import ClearIsakmp, ClearSas, ClearSessions, SessionFilter
from agent.flow.model import EndReason, Identity, PeerEnds
from agent.flow.records import FlowRecord, IkeFailed, IpsecFailed, IpsecTunnelEnded, IpsecTunnelStarted, SessionDown, SessionUp
from agent.flow.sessions import Session, SessionFacts, SessionTotals
from tests.lab.conftest import LINK, DrivenLab, MakePair, only, ping
from tests.lab.nat import Nat
from tests.lab.remote_hub import ALICE, MakeHub
from tests.lab.test_nat_traversal import behind_a_nat
from tests.lab.vpn_client import VpnClient

BOB = Login("bob", "builder")
USERS = "username bob password builder\n"
NAT = "192.0.2.77"
DESCRIBED = "crypto isakmp peer address 192.0.2.{peer}\n description the other end"
# A packet of 100 octets with ESP of DES and SHA: 20 of IP, 8 of ESP, 8 of IV, 104 of payload and trailer, 12 of ICV.
ON_THE_WIRE = 152


def recorded(lab: Any, name: str) -> list[FlowRecord]:
    records: list[FlowRecord] = []
    lab.lab.routers[name].monitor.subscribe(records.append)
    return records


def sessions(lab: Any, name: str = "hub") -> list[Session]:
    return list(lab.lab.routers[name].monitor.sessions())


def statuses(lab: Any, name: str) -> list[str]:
    return [shown.status.value for shown in shown_sessions(lab.lab.routers[name]) if shown is not None]


# --- what a session is ---


def test_a_session_of_two_routers_says_who_and_how_much_at_both_ends(make_pair: MakePair) -> None:
    lab = make_pair(lines=DESCRIBED)
    records = recorded(lab, "west")
    assert ping(lab, 5) == 4
    for name, me, peer in (("east", "192.0.2.1", "192.0.2.2"), ("west", "192.0.2.2", "192.0.2.1")):
        (session,) = sessions(lab, name)
        assert session.peer.ends == PeerEnds(None, IPv4Address(me), IPv4Address(peer), 500, 500)
        assert session.facts == SessionFacts("the other end", interface="FastEthernet0/0")
        assert session.totals(lab.clock.now()) == SessionTotals(4, 400, 4 * ON_THE_WIRE, 4, 400, 4 * ON_THE_WIRE)
    lab.west.engine.do(ClearSessions(), CONSOLE)
    _, started, up, ended, down, _ = records
    assert isinstance(started, IpsecTunnelStarted)
    assert isinstance(up, SessionUp)
    assert isinstance(ended, IpsecTunnelEnded)
    assert isinstance(down, SessionDown)
    assert (down.reason, down.origin, down.start, down.id) == (EndReason.OPERATOR, CONSOLE, started.start, up.id)
    assert down.totals == SessionTotals(4, 400, 4 * ON_THE_WIRE, 4, 400, 4 * ON_THE_WIRE)


def test_a_session_goes_on_through_rekeys_of_both_phases(make_pair: MakePair) -> None:
    lab = make_pair(LINK, seconds="120", ike_lifetime="300")
    records = recorded(lab, "east")
    ping(lab)
    row, (session,) = only(lab.flow("east").peers), sessions(lab, "east")
    received = 1 + sum(lab.ping("east", "10.0.2.1", "10.0.1.1", repeat=40) + (lab.wait(25) or 0) for _ in range(20))
    assert only(lab.flow("east").ipsec_tunnels).refreshes >= 3
    assert len(lab.flow("east").ike_history) >= 1
    assert only(lab.flow("east").peers) is row
    assert sessions(lab, "east") == [session]
    totals = session.totals(lab.clock.now())
    assert (totals.in_packets, totals.in_inner_octets, totals.in_outer_octets) == (
        received,
        100 * received,
        ON_THE_WIRE * received,
    )
    assert [type(record) for record in records if isinstance(record, SessionUp | SessionDown)] == [SessionUp]


def test_the_status_of_a_session_is_that_of_ios(make_pair: MakePair) -> None:
    lab = make_pair()
    asked = lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=3)
    lab.wait(0.0015)
    assert (statuses(lab, "east"), statuses(lab, "west")) == (["DOWN-NEGOTIATING"], ["DOWN-NEGOTIATING"])
    lab.wait_for(asked)
    assert (statuses(lab, "east"), statuses(lab, "west")) == (["UP-ACTIVE"], ["UP-ACTIVE"])
    lab.east.engine.do(ClearIsakmp(), CONSOLE)
    lab.wait(1)
    assert (statuses(lab, "east"), statuses(lab, "west")) == (["UP-NO-IKE"], ["UP-NO-IKE"])
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert statuses(lab, "east") == ["DOWN"]
    ping(lab)
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert (statuses(lab, "east"), statuses(lab, "west")) == (["UP-IDLE"], ["UP-IDLE"])


def test_a_deleted_isakmp_sa_is_told_for_a_minute(make_pair: MakePair) -> None:
    """charon and IOS remember it as long as late messages may come; IOS then shows it without a state, with its number."""
    lab = make_pair()
    ping(lab)
    (before,) = lab.east.engine.phase1_sas()
    assert (before.state, before.index, before.deleted, before.start) == (
        "QM_IDLE",
        1,
        False,
        lab.east.monitor.ike_tunnels[1].start,
    )
    lab.east.engine.do(ClearIsakmp(), CONSOLE)
    for name in ("east", "west"):
        lab.wait(1)
        (deleted,) = lab.lab.routers[name].engine.phase1_sas()
        assert (deleted.state, deleted.index, deleted.deleted, deleted.negotiating) == ("MM_NO_STATE", 1, True, False)
        assert deleted.facts.encryption == "des"
        assert list(lab.lab.routers[name].engine.negotiating_sas()) == []
    lab.wait(60)
    assert list(lab.east.engine.phase1_sas()) == []


def test_sas_in_negotiation_are_told_with_what_is_agreed_on(make_pair: MakePair) -> None:
    lab = make_pair(encryption="aes 256")
    lab.start_ping("east", "10.0.2.1", "10.0.1.1", repeat=1)
    lab.wait(0.0035)
    peer = IPv4Address("192.0.2.2")
    (sa,) = lab.east.engine.negotiating_sas()
    assert list(lab.east.engine.negotiating_sas(peer)) == list(lab.east.engine.phase1_sas(peer)) == [sa]
    assert list(lab.east.engine.phase1_sas(IPv4Address("192.0.2.3"))) == []
    assert (sa.state, sa.facts.encryption, sa.facts.key_bits, sa.start) == ("MM_SA_SETUP", "aes", 256, None)


def test_clear_crypto_sa_may_be_for_one_crypto_map(make_pair: MakePair) -> None:
    lab = make_pair()
    ping(lab)
    assert not lab.east.engine.do(ClearSas(map_name="inside"), CONSOLE)
    assert lab.east.engine.do(ClearSas(map_name="outside"), CONSOLE)
    lab.wait(1)
    assert (statuses(lab, "east"), statuses(lab, "west")) == (["UP-IDLE"], ["UP-IDLE"])


def test_a_row_is_kept_while_the_next_ike_sa_is_awaited(make_pair: MakePair) -> None:
    lab = make_pair(seconds="3600", ike_lifetime="120")
    ping(lab)
    row, (session,) = only(lab.flow("east").peers), sessions(lab, "east")
    start = row.start
    lab.wait(130)
    assert (row.tunnel_index, only(lab.flow("east").ipsec_tunnels).ike) == (0, None)
    lab.configure("east", "crypto ipsec security-association lifetime seconds 3600")
    lab.east.router.ike.negotiate(next(iter(lab.east.router.sa_keeper.flows)))  # from the same ends
    lab.wait(2)
    assert only(lab.flow("east").peers) is row
    assert (row.start, row.tunnel_index, only(lab.flow("east").ipsec_tunnels).ike_index) == (start, 2, 2)
    assert sessions(lab, "east") == [session]


# --- SAs ---


def test_what_each_sa_has_carried_is_what_the_other_end_says(make_pair: MakePair) -> None:
    lab = make_pair(seconds="120", kilobytes="100000")
    ping(lab, 5)
    lab.wait(100)
    ping(lab, 1)
    lab.wait(8)  # a rekey: both bundles are there
    ping(lab, 7)
    now = lab.clock.now()
    rows = {name: only(lab.flow(name).ipsec_tunnels) for name in ("east", "west")}
    ends = {
        name: {spi.value: (spi.counted(now).packets, spi.counted(now).octets) for spi in row.spis} for name, row in rows.items()
    }
    assert ends["east"] == ends["west"]
    # The maker of a rekey sends by the old SA until a packet has come by the new one.
    assert [spi.counted(now).packets for spi in rows["east"].spis] == [5, 6, 7, 6]
    assert sum(spi.counted(now).octets for spi in rows["east"].spis if spi.inbound) == lab.ipsec("east", "IN_OCTETS") == 1200
    old, new = rows["east"].spis[0], rows["east"].spis[2]
    assert (old.expiring, new.expiring) == (True, False)
    assert 100 < (new.start - old.start) / SECOND < 120
    assert old.seconds_left(now) < 10 < 110 < new.seconds_left(now) <= 120
    assert new.kilobytes_left(now) == 99999
    hard_end = min(found.hard_end for live in lab.east.router.sa_keeper.flows for found in live.bundles)
    assert old.seconds_left(now) == (hard_end - now) // SECOND


def test_packets_that_do_not_pass_are_errors_of_their_sa(make_pair: MakePair) -> None:
    lab = make_pair()
    ping(lab)
    (spi, _) = only(lab.flow("west").ipsec_tunnels).spis
    wire = lab.east.router.ports["FastEthernet0/0"].wire
    wire.quality = replace(wire.quality, corrupt=1.0)
    assert ping(lab, 3) == 0
    wire.quality = replace(wire.quality, corrupt=0.0, duplicate=1.0)
    assert ping(lab, 2) == 2
    now = lab.clock.now()
    drops, replays = lab.ipsec("west", "IN_DROPS"), lab.ipsec("west", "IN_REPLAY_DROPS")
    assert drops > 0
    assert replays > 0
    assert spi.counted(now).errors == drops + replays
    assert spi.counted(now).packets == lab.ipsec("west", "IN_PACKETS")


# --- clients behind a NAT ---


@pytest.fixture
def behind_nat(make_hub: MakeHub) -> tuple[Any, Nat]:
    lab = make_hub(map_lines=USERS)
    return lab, Nat(lab, (), "hub", NAT)


def two_clients(lab: Any, nat: Nat, user: Login = BOB) -> tuple[VpnClient, VpnClient]:
    return VpnClient(lab, "192.168.1.2", nat=nat).connect(), VpnClient(lab, "192.168.1.3", nat=nat, user=user).connect()


def port_of(lab: Any, client: VpnClient) -> int:
    """The port that the hub has heard a client from last."""
    (live,) = [
        live for live in lab.router("hub").sa_keeper.flows if live.plan.remote_identity.network().network_address == client.inner
    ]
    return int(live.ends.remote_port)


@pytest.mark.parametrize("user", [BOB, ALICE], ids=["two users", "one user twice"])
def test_two_clients_of_a_group_behind_one_nat_are_two_rows_and_two_sessions(behind_nat: tuple[Any, Nat], user: Login) -> None:
    lab, nat = behind_nat
    clients = two_clients(lab, nat, user)
    rows = list(lab.flow("hub").peers.values())
    assert [row.key.internal for row in rows] == [1, 2]
    assert {row.key.remote for row in rows} == {Identity(False, "road")}
    assert {str(row.remote_address) for row in rows} == {NAT}
    assert [(session.peer, session.facts.user, session.facts.assigned_address) for session in sessions(lab)] == [
        (rows[0], "alice", clients[0].inner),
        (rows[1], user.user, clients[1].inner),
    ]
    assert [session.peer.ends.remote_port for session in sessions(lab)] == [port_of(lab, client) for client in clients]


def test_sessions_follow_their_clients_where_a_nat_moves_them(behind_nat: tuple[Any, Nat]) -> None:
    lab, nat = behind_nat
    one, two = two_clients(lab, nat)
    before = sessions(lab)
    nat.move("192.0.2.78")
    assert (one.ping("10.0.0.1"), two.ping("10.0.0.1")) == (3, 3)
    assert sessions(lab) == before
    assert [session.peer.ends for session in before] == [
        PeerEnds(None, IPv4Address("192.0.2.1"), IPv4Address("192.0.2.78"), 4500, port_of(lab, client)) for client in (one, two)
    ]
    nat.swap()
    assert (one.ping("10.0.0.1"), two.ping("10.0.0.1")) == (3, 3)
    assert [session.peer.ends.remote_port for session in sessions(lab)] == [port_of(lab, client) for client in (one, two)]


def test_clear_crypto_session_takes_the_client_that_is_at_a_port_now(behind_nat: tuple[Any, Nat]) -> None:
    lab, nat = behind_nat
    one, two = two_clients(lab, nat)
    before = port_of(lab, one)
    nat.move(NAT)
    assert (one.ping("10.0.0.1"), two.ping("10.0.0.1")) == (3, 3)

    def clear(port: int) -> bool:
        wanted = SessionFilter(remote=IPv4Address(NAT), remote_port=port)
        return bool(lab.hub.engine.do(ClearSessions(wanted), CONSOLE))

    assert not clear(before)
    assert clear(port_of(lab, one))
    lab.wait(1)
    assert [session.facts.user for session in sessions(lab)] == ["bob"]
    assert len(lab.hub.monitor.ike_tunnels) == 1


@pytest.mark.parametrize("ports", ["the same port", "another port"])
def test_a_client_that_authenticates_again_keeps_its_row_and_its_session(behind_nat: tuple[Any, Nat], ports: str) -> None:
    lab, nat = behind_nat
    one, two = two_clients(lab, nat)
    before, rows = sessions(lab), list(lab.flow("hub").peers.values())
    if ports == "another port":
        nat.move(NAT)
        assert two.ping("10.0.0.1") == 3
    one.authenticate_again()
    assert list(lab.flow("hub").peers.values()) == rows
    assert rows[0].tunnel_index == 3
    one.drop()
    assert one.ping("10.0.0.1") == 3
    assert list(lab.flow("hub").peers.values()) == rows
    assert sessions(lab) == before
    assert before[0].peer.ends.remote_port == port_of(lab, one)


def test_a_client_that_crashed_and_is_back_has_another_session(behind_nat: tuple[Any, Nat]) -> None:
    """It is asked whether it is there, before it gets its address again, and does not answer: all that it had has ended."""
    lab, nat = behind_nat
    one, _ = two_clients(lab, nat)
    records = recorded(lab, "hub")
    one.vanish()
    nat.move(NAT)
    again = VpnClient(lab, "192.168.1.2", nat=nat).connect()
    assert again.inner == one.inner
    changes = [record for record in records if isinstance(record, SessionUp | SessionDown)]
    assert [(type(record), record.id, record.facts.user) for record in changes] == [
        (SessionDown, 1, "alice"),
        (SessionUp, 3, "alice"),
    ]
    assert changes[0].reason is EndReason.PEER_LOST
    assert sorted(row.key.internal for row in lab.flow("hub").peers.values()) == [1, 2]


def test_another_client_by_the_port_of_one_that_is_gone_is_another_row(behind_nat: tuple[Any, Nat]) -> None:
    lab, nat = behind_nat
    one, two = two_clients(lab, nat)
    one.vanish()
    third = int(IPv4Address("192.168.1.4"))
    nat._ports = {(third if host == one.address else host, port): given for (host, port), given in nat._ports.items()}
    client = VpnClient(lab, "192.168.1.4", nat=nat, user=BOB).connect()
    assert client.inner not in (None, one.inner, two.inner)
    assert sorted(row.key.internal for row in lab.flow("hub").peers.values()) == [1, 2, 3]
    by_user = [(session.facts.user, session.peer.ends.remote_port) for session in sessions(lab)]
    assert by_user == [("alice", by_user[2][1]), ("bob", port_of(lab, two)), ("bob", port_of(lab, client))]


def test_a_failure_of_a_client_has_the_instance_that_it_would_have(behind_nat: tuple[Any, Nat]) -> None:
    lab, nat = behind_nat
    records = recorded(lab, "hub")
    two_clients(lab, nat)
    VpnClient(lab, "192.168.1.4", nat=nat, user=Login("alice", "wrong")).connect()
    (failed,) = [record for record in records if isinstance(record, IkeFailed)]
    assert (failed.peer.remote, failed.peer.internal) == (Identity(False, "road"), 3)


def test_messages_to_no_sa_have_the_instance_of_the_client_that_sends_them(behind_nat: tuple[Any, Nat]) -> None:
    lab, nat = behind_nat
    records = recorded(lab, "hub")
    _, two = two_clients(lab, nat)
    two._send_isakmp(two.sa, b"no such SA here." + bytes((8, 0x10, 5, 0)) + bytes(4) + (28).to_bytes(4, "big"))
    two._send(encapsulate(ip.Packet(two.address, two.sa.ends.remote._ip, ip.ESP, b"no such SPI is there"), two.sa.ends))
    lab.wait(1)
    failed = [record for record in records if isinstance(record, IkeFailed | IpsecFailed)]
    assert [(type(record), record.reason.value) for record in failed] == [
        (IkeFailed, "non-existent sa"),
        (IpsecFailed, "non-existent sa"),
    ]
    assert {record.peer for record in failed} == {sessions(lab)[1].peer.key}
    assert failed[0].peer.internal == 2


def test_routers_behind_one_nat_keep_their_rows_from_500_to_4500_and_through_the_next_ike_sa() -> None:
    lab, _ = behind_a_nat(others=("north",), west="crypto isakmp policy 5\n authentication pre-share\n lifetime 120\n")
    assert lab.ping("east", "10.0.2.1", "10.0.1.1") == 4
    assert lab.ping("north", "10.0.2.1", "10.0.3.1") == 4
    rows, before = list(lab.flow("west").peers.values()), sessions(lab, "west")
    assert len(rows) == len(before) == 2
    for _ in range(3):
        lab.wait(100)
        for name in ("east", "north"):
            live = next(iter(lab.router(name).sa_keeper.flows))
            lab.router(name).ike.negotiate(live)
        lab.wait(2)
    assert list(lab.flow("west").peers.values()) == rows
    assert sessions(lab, "west") == before
    assert len(lab.flow("west").ike_history) >= 2


def test_both_ends_of_a_tunnel_interface_have_its_name_for_their_session(make_lab: Any) -> None:
    text = (
        "hostname {name}\ncrypto isakmp policy 10\n authentication pre-share\n"
        "crypto isakmp key secret address 0.0.0.0 0.0.0.0\n"
        "crypto ipsec transform-set ours esp-des esp-sha-hmac\n mode transport\n"
        "crypto ipsec profile protect\n set transform-set ours\n"
        "interface FastEthernet0/0\n ip address 192.0.2.{me} 255.255.255.0\n"
        "interface Tunnel0\n ip address 10.0.0.{me} 255.255.255.0\n tunnel source FastEthernet0/0\n"
        " tunnel destination 192.0.2.{peer}\n tunnel protection ipsec profile protect\n"
    )
    texts = {name: text.format(name=name, me=me, peer=3 - me) for name, me in (("east", 1), ("west", 2))}
    lab: DrivenLab = make_lab(LINK, texts)
    lab.ping("east", "10.0.0.2", repeat=5)
    assert [session.facts.interface for name in texts for session in sessions(lab, name)] == ["Tunnel0", "Tunnel0"]
    lab.east.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    assert not lab.west.engine.do(ClearSessions(SessionFilter(interface="FastEthernet0/0")), CONSOLE)
    assert statuses(lab, "west") == ["UP-IDLE"]
    lab.ping("east", "10.0.0.2", repeat=5)
    lab.east.engine.do(ClearSessions(SessionFilter(interface="Tunnel0")), CONSOLE)
    lab.wait(1)
    assert not sessions(lab, "west")
