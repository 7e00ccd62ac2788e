"""What goes wrong, by its true cause: in the right table, with the right reason, on both sides, as docs/failures.md has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.base.origin import CONSOLE
from agent.crypto import ip
from agent.crypto.doi import NotifyType
from agent.crypto.ike_sa import IkeSa
from agent.crypto.informational import refusal
from agent.crypto.isakmp import RefusedHeaderError
from agent.crypto.payloads import Notification
from agent.engine.values import ClearSas, ClearSessions
from agent.flow.device import InterfaceCounter
from agent.lab.failures.tunnel_log import TunnelLog
from agent.lab.ike import ike as ike_module
from agent.mib.schema import Schema
from tests.lab import bringing_live, bringing_phase1
from tests.lab.bringing import WEST, on_the_way, ping, port_of, up
from tests.lab.causes import CAUSES, CLIENTS, MESSAGES, PACKETS, PHASE_1, PHASE_2, Cause, Shown, page
from tests.lab.watched import Watched, normal

BRINGING = bringing_live.BRINGING | bringing_phase1.BRINGING
# Set-ups, messages and packets that fail; ends are told as such.
WITH_A_FAILURE = [
    cause
    for cause in (*PHASE_1, *CLIENTS, *MESSAGES, *PHASE_2, *PACKETS)
    if cause.here != Shown(cause.here.counters, logged=cause.here.logged)
]
# What the log cannot tell apart from another cause.
WORDED = {
    "a reserved SPI is offered": "the quick mode fails: malformed",
    "a message for an ISAKMP SA that has just ended": "a message for an unknown ISAKMP SA",
    "PFS is required and not offered": "no common transform set, or PFS is required and not offered",
    "an unknown SPI, and no ISAKMP SA with the peer": "an unknown SPI",
    "an unknown SPI, no ISAKMP SA with the peer, and invalid-spi-recovery": "an unknown SPI",
}
# A stranger's address where it is not one of the two routers that causes it.
STRANGERS = {
    "a message of another version, such as IKEv2": "192.0.2.65",
    "no usable policy: AAA has no key for the name of the client's group or of the peer": "192.0.2.101",
}
PAGE = Path(__file__).parents[2] / "docs" / "failures.md"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_each_cause_shows_as_the_table_says(
    cause: Cause, make_pair: Callable[..., Any], schema: Schema, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bringing = BRINGING[cause.name](make_pair)
    lab, here = next(bringing)
    watched = {name: Watched(schema, lab.lab.routers[name]) for name in ("east", "west")}
    inform = IkeSa.inform

    def informing(sa: IkeSa, payloads: Any) -> None:
        told = watched["west" if int(sa.ends.local) == WEST else "east"].told
        told += [NotifyType(each.kind).name if isinstance(each, Notification) else "DELETE" for each in payloads]
        inform(sa, payloads)

    def refusing(refused: RefusedHeaderError) -> bytes | None:
        watched["west"].told.append(refused.notify.name)
        return refusal(refused)

    monkeypatch.setattr(IkeSa, "inform", informing)
    lab.lab.routers[here].monitor.subscribe(TunnelLog(here, lab.clock.now, lab.lab.scheduler.after))
    caplog.set_level(logging.INFO, logger="agent.lab.failures.tunnel_log")
    monkeypatch.setattr(ike_module, "refusal", refusing)
    assert next(bringing, None) is None
    if cause in WITH_A_FAILURE:
        assert any(f"failed: {WORDED.get(cause.name, cause.name)}" in line for line in caplog.messages), caplog.messages
    there = "east" if here == "west" else "west"
    addresses = {"east": "192.0.2.1", "west": "192.0.2.2"}
    for name, other, expected in ((here, there, cause.here), (there, here, cause.peer)):
        shown = watched[name].shown(addresses[name], STRANGERS.get(cause.name, addresses[other]))
        assert shown == normal(expected), name


def test_every_cause_can_be_brought_about() -> None:
    assert set(BRINGING) == {cause.name for cause in CAUSES}


def reasons(rows: Any) -> list[str]:
    return [row.reason.value for row in rows.values()]


def test_one_row_for_each_sa_and_reason(make_pair: Callable[..., Any]) -> None:
    lab = up(make_pair())
    undo = on_the_way(lab, "west", lambda octets: octets[:-1] + bytes((octets[-1] ^ 1,)) if octets[9] == 50 else octets)
    ping(lab, 3)
    assert lab.ipsec("west", "IN_AUTH_FAILS") == 3
    (row,) = lab.flow("west").ipsec_failures.values()
    assert row.tunnel_index == 1
    assert row.spi in {spi.value for spi in lab.flow("west").spis.values()}
    assert (str(row.source), str(row.destination)) == ("192.0.2.1", "192.0.2.2")
    undo()
    assert ping(lab, 2) == 2  # the tunnel lives on


def test_an_unknown_spi_is_told_once_and_the_next_packets_find_new_sas(make_pair: Callable[..., Any]) -> None:
    lab = up(make_pair())
    undo = on_the_way(lab, "east", lambda octets: None)
    lab.west.engine.do(ClearSas(), CONSOLE)
    lab.wait(1)
    undo()
    assert ping(lab, 3) == 1  # lost, told of it; negotiated anew; through
    assert reasons(lab.flow("west").ipsec_failures) == ["operator request", "non-existent sa"]
    assert (lab.leaks("east").sad, lab.leaks("west").sad) == (1, 1)


def test_an_unknown_spi_without_an_isakmp_sa_is_told_once_however_long_it_goes_on(make_pair: Callable[..., Any]) -> None:
    lab = up(make_pair())
    undo = on_the_way(lab, "east", lambda octets: None)
    lab.west.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    undo()
    assert ping(lab, 5) == 0
    assert reasons(lab.flow("west").ipsec_failures) == ["operator request", "non-existent sa"]


def test_with_recovery_the_sender_is_talked_to_anew(make_pair: Callable[..., Any]) -> None:
    lab = up(make_pair(west={"lines": "crypto isakmp invalid-spi-recovery"}))
    undo = on_the_way(lab, "east", lambda octets: None)
    lab.west.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)
    undo()
    assert ping(lab, 3) == 1
    assert len(lab.flow("west").ike_tunnels) == 1
    assert next(iter(lab.flow("west").ike_tunnels.values())).facts.initiator


def test_with_recovery_nobody_is_called_who_is_not_configured(make_pair: Callable[..., Any]) -> None:
    lines = "crypto isakmp invalid-spi-recovery\nno crypto isakmp key secret address 192.0.2.{peer}"
    lab = make_pair(west={"lines": lines})
    stray = bytes.fromhex("4500003400000000ff320000c0000201c0000202") + bytes(range(32))
    packet = ip.decode(stray[:10] + ip.checksum(stray[:20]).to_bytes(2, "big") + stray[12:])
    port_of(lab, "west").receive(packet.encode())
    lab.wait(1)
    assert reasons(lab.flow("west").ipsec_failures) == ["non-existent sa"]
    assert lab.leaks("west").records == 0
    assert not lab.flow("west").ike_failures


def test_a_tunnel_goes_on_when_the_crypto_engine_works_again(make_pair: Callable[..., Any]) -> None:
    lab = up(make_pair())
    lab.east.router.fail_crypto()
    assert ping(lab, 2) == 0
    lab.east.router.repair_crypto()
    assert ping(lab, 2) == 2
    assert lab.ipsec("east", "OUT_ENCRYPT_FAILS") == 2
    assert len(lab.flow("east").ike_tunnels) == 1


def test_what_should_have_been_protected_does_not_pass_in_the_clear(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(east={"lines": "interface FastEthernet0/0\n no crypto map"})
    assert ping(lab, 2) == 0
    port = lab.west.device.interface("FastEthernet0/0")
    assert port.counters[InterfaceCounter.IN_DISCARDS] == 2
    # Between the peers themselves nothing is protected.
    assert lab.ping("east", "192.0.2.2", repeat=2) == 2


def test_the_next_peer_of_a_map_entry_is_tried(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(
        east={
            "map_lines": " no set peer 192.0.2.2\n set peer 192.0.2.77\n set peer 192.0.2.2",
            "lines": "crypto isakmp key secret address 192.0.2.77",
        }
    )
    assert ping(lab) == 0
    lab.wait(90)
    assert reasons(lab.flow("east").ike_failures) == ["peer lost"]
    assert ping(lab, 2) == 2
    (tunnel,) = lab.flow("east").ipsec_tunnels.values()
    assert str(tunnel.facts.remote_address) == "192.0.2.2"


def test_a_set_up_that_failed_leaves_nothing_behind(make_pair: Callable[..., Any]) -> None:
    lab = make_pair(west={"transforms": "esp-aes esp-sha-hmac"})
    ping(lab, 2)
    for name in ("east", "west"):
        assert not lab.flow(name).ipsec_history
        assert (lab.leaks(name).flows, lab.leaks(name).sad) == (0, 0)


def test_the_page_has_the_tables() -> None:
    assert page() in PAGE.read_text()
