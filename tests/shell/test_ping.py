"""Ping: IOS's own output, options, the dialogue, and what is refused."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

import pytest

from agent.base.clock import SECOND
from agent.engine.values import PingRequest, Probe, ProbeOutcome
from tests.shell.fakes import CONFIG, TIMEOUT, UNREACHABLE, Console, reply

HUB = IPv4Address("10.22.1.1")
SOURCE = IPv4Address("10.20.1.1")

GOLDEN = (
    "Type escape sequence to abort.\n"
    "Sending 5, 100-byte ICMP Echos to 10.22.1.1, timeout is 2 seconds:\n"
    "Packet sent with a source address of 10.20.1.1 \n"
    ".!!!!\n"
    "Success rate is 80 percent (4/5), round-trip min/avg/max = 4/4/4 ms\n"
)

QUESTIONS = (
    "Protocol [ip]: \nTarget IP address: 10.22.1.1\nRepeat count [5]: \nDatagram size [100]: \nTimeout in seconds [2]: \n"
    "Extended commands [n]: y\nSource address or interface: 10.20.1.1\nType of service [0]: \nSet DF bit in IP header? [no]: \n"
    "Validate reply data? [no]: \nData pattern [0xABCD]: \nLoose, Strict, Record, Timestamp, Verbose[none]: \n"
    "Sweep range of sizes [n]: \n"
)
ANSWERS = ["", "10.22.1.1", "", "", "", "y", "10.20.1.1", "", "", "", "", "", ""]


def test_the_output_is_that_of_ios() -> None:
    console = Console()
    assert console.type("ping 10.22.1.1 source 10.20.1.1 repeat 5") == GOLDEN
    assert console.engine.pings == [PingRequest(HUB, source=SOURCE)]


def test_each_mark_is_streamed_as_it_comes() -> None:
    console = Console()
    console.type("ping 10.22.1.1")
    assert [piece for piece in console.terminal.pieces if piece in ("!", ".")] == [".", "!", "!", "!", "!"]


def test_without_replies_there_are_no_times_and_no_error() -> None:
    console = Console()
    console.engine.probes = [TIMEOUT, UNREACHABLE]
    result = console.result("ping 10.22.1.1 repeat 2")
    assert not result.failed
    assert console.terminal.text.endswith("seconds:\n.U\nSuccess rate is 0 percent (0/2)\n")


def test_times_are_milliseconds_least_mean_and_most() -> None:
    console = Console()
    console.engine.probes = [reply(0.2), reply(9.6), reply(2.2)]
    assert console.type("ping 10.22.1.1 repeat 3").endswith("(3/3), round-trip min/avg/max = 1/4/10 ms\n")


def test_seventy_marks_fill_a_line() -> None:
    console = Console()
    console.engine.probes = [reply()] * 140
    assert "\n" + "!" * 70 + "\n" + "!" * 70 + "\nSuccess rate is 100 percent (140/140)" in console.type(
        "ping 10.22.1.1 repeat 140"
    )
    console.engine.probes = [reply()] * 71
    assert "\n" + "!" * 70 + "\n!\nSuccess" in console.type("ping 10.22.1.1 repeat 71")


def test_options_come_in_any_order_and_abbreviated() -> None:
    console = Console()
    console.type("ping vrf red ip 10.22.1.1 timeout 1 size 1500 source FastEthernet 0/1 rep 9")
    console.type("ping hub so lo1 ti 0")
    assert console.engine.pings == [
        PingRequest(HUB, "red", IPv4Address("10.9.9.1"), 9, 1500, 1 * SECOND),
        PingRequest(IPv4Address("10.1.1.2"), None, SOURCE, timeout=0),
    ]


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("ping vrf blue 10.22.1.1", "% VRF blue does not exist"),
        ("ping nowhere", "% Unrecognized host or address, or protocol not running."),
        ("ping 10.22.1.1 source 10.5.5.5", "% Invalid source address- IP address not on any of our up interfaces"),
        ("ping vrf red 10.22.1.1 source 10.20.1.1", "% Invalid source address- IP address not on any of our up interfaces"),
        ("ping 10.22.1.1 source s1/2", "% Invalid source interface - IP not enabled or interface is down"),
        ("ping 10.22.1.1 source fa0/1", "% Invalid source interface - Interface vrf does not match the vrf used for ping"),
    ],
)
def test_what_cannot_be_pinged_is_refused(line: str, refusal: str) -> None:
    console = Console()
    result = console.result(line)
    assert result.error == refusal + "\n"
    assert not result.caret
    assert console.terminal.text == ""
    assert console.engine.pings == []


def test_a_name_that_only_a_domain_server_could_know_is_said_to_be_asked_for() -> None:
    console = Console(CONFIG.replace("no ip domain lookup", "ip name-server 10.0.0.53"))
    assert console.type("ping nowhere") == (
        'Translating "nowhere"...domain server (10.0.0.53)\n% Unrecognized host or address, or protocol not running.\n'
    )


def test_values_out_of_range_are_invalid_input() -> None:
    console = Console()
    for line in ("ping 10.1.1.1 size 35", "ping 10.1.1.1 size 18025", "ping 10.1.1.1 timeout 3601", "ping 10.1.1.1 repeat x"):
        assert "% Invalid input" in console.result(line).error


def test_the_dialogue_asks_what_the_guide_shows() -> None:
    console = Console(answers=ANSWERS)
    assert console.type("ping") == QUESTIONS + GOLDEN
    assert console.engine.pings == [PingRequest(HUB, source=SOURCE)]


def test_the_dialogue_without_extended_commands_is_short() -> None:
    console = Console(answers=["ip", "hub", "3", "200", "1", "n", ""])
    console.type("ping vrf red")
    assert console.engine.pings == [PingRequest(IPv4Address("10.1.1.2"), "red", None, 3, 200, 1 * SECOND)]


@pytest.mark.parametrize(
    ("at", "answer", "refusal"),
    [
        (0, "ipx", '% Unknown protocol - "ipx", type "ping ?" for help'),
        (1, "", "% Unrecognized host or address, or protocol not running."),
        (2, "0", "% A decimal number between 1 and 2147483647."),
        (3, "many", "% A decimal number between 36 and 18024."),
        (5, "maybe", "% Please answer 'yes' or 'no'."),
        (6, "10.1.1", "% Invalid source. Must use IP address or full interface name without spaces (e.g. Serial0/1)"),
        (6, "10.5.5.5", "% Invalid source address- IP address not on any of our up interfaces"),
        (7, "16", "% 16: not supported here, only the default is."),
        (12, "y", "% y: not supported here, only the default is."),
    ],
)
def test_a_wrong_answer_ends_the_dialogue(at: int, answer: str, refusal: str) -> None:
    console = Console(answers=[*ANSWERS[:at], answer, *ANSWERS[at + 1 :]])
    assert console.result("ping").error == refusal + "\n"
    assert console.engine.pings == []


def test_unanswered_questions_ping_nobody() -> None:
    console = Console(answers=ANSWERS[:4])
    assert console.result("ping").failed
    assert console.engine.pings == []


def test_the_escape_sequence_ends_a_ping_and_its_summary_counts_the_probe_under_way() -> None:
    async def drive() -> Console:
        console = Console()
        console.engine.probes = [reply(), TIMEOUT]
        console.engine.endless = True
        running = asyncio.ensure_future(console.session.execute("ping 10.22.1.1 repeat 100"))
        await console.engine.probed.wait()
        console.session.interrupt()
        assert not (await running).failed
        return console

    console = asyncio.run(drive())
    assert console.terminal.text.endswith("!.\nSuccess rate is 33 percent (1/3), round-trip min/avg/max = 4/4/4 ms\n")
    assert console.engine.ended_pings == 1


def test_probe_marks_are_those_of_ios() -> None:
    assert [Probe(outcome).outcome.value for outcome in ProbeOutcome] == ["!", ".", "U", "&"]
