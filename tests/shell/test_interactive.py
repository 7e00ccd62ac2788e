"""A session at a terminal: prompt, pages, questions, messages, time-out. The front end is the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.base.origin import CONSOLE, Origin, OriginKind
from agent.config.line_model import VTY
from agent.shell.interactive import MOST_MESSAGES, MOST_TYPED_AHEAD, Interactive
from agent.shell.lines import LineState
from agent.shell.router import Router
from agent.syslog.message import Message, Severity
from tests.shell.fakes import COMMANDS, CONFIG, FakeEngine, make_router
from tests.shell.screen_model import ScreenModel

QUIET = CONFIG + "no logging console\n"
MORE = " --More--"


class Seat:
    """Somebody at a terminal."""

    def __init__(self, router: Router, line: LineState) -> None:
        self.router = router
        self.line = line
        self.screen = ScreenModel()
        self.octets = b""
        self.taking = asyncio.Event()  # clear: the terminal takes no octets
        self.taking.set()
        self.shown = asyncio.Event()
        self.interactive = Interactive(router, COMMANDS, line, self._write, self._drain)
        self.over = asyncio.ensure_future(self.interactive.run())

    def _write(self, octets: bytes) -> None:
        self.octets += octets
        self.screen.show(octets)
        self.shown.set()

    async def _drain(self) -> None:
        await self.taking.wait()

    async def type(self, keys: str, until: str | Callable[[], bool]) -> str:
        """Type keys, and wait until the row with the cursor is a text again, or until something holds; the whole screen."""
        before = len(self.octets)
        self.interactive.feed(keys.encode())
        await self.sees(lambda: len(self.octets) > before and not self.interactive._editor.waiting and self._holds(until))
        return self.screen.text

    def _holds(self, until: str | Callable[[], bool]) -> bool:
        return until() if callable(until) else self.screen.line == until

    async def sees(self, until: str | Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not self._holds(until):
                self.shown.clear()
                await self.shown.wait()

    async def ends(self) -> None:
        async with asyncio.timeout(20):
            await self.over


@asynccontextmanager
async def seated(
    config: str = QUIET, line: LineState | None = None, router: Router | None = None, prompt: str = ""
) -> AsyncIterator[Seat]:
    seat = Seat(router or make_router(config), line or LineState(CONSOLE))
    try:
        await seat.sees(prompt or "far#" if prompt or seat.line.level > 1 else "far>")
        yield seat
    finally:
        seat.interactive.hang_up()
        await seat.ends()


def vty(level: int = 15, host: str = "10.9.9.9") -> LineState:
    return LineState(Origin(OriginKind.SSH, "alice"), level=level, kind=VTY, user="alice", host=host)


# --- pages ---


async def long_output(seat: Seat) -> None:
    await seat.type("show running-config\r", lambda: seat.screen.line == MORE)


async def test_output_comes_by_the_page_and_the_question_is_erased() -> None:
    async with seated() as seat:
        await long_output(seat)
        rows = seat.screen.text.split("\n")
        assert len(rows) == 1 + 24  # the prompt's row has scrolled up
        before = rows[-2]
        await seat.type("\r", lambda: seat.screen.line == MORE and len(seat.screen.text.split("\n")) == 26)
        assert seat.screen.text.split("\n")[-3] == before
        assert "--More--" not in "".join(seat.screen.text.split("\n")[:-1])
        await seat.type(" ", "far#")
        assert seat.screen.text.endswith("\nend\n\nfar#") or seat.screen.text.endswith("\nend\nfar#")


@pytest.mark.parametrize("key", ["q", "\x03", "n", "\x1b[A"])
async def test_any_other_key_ends_the_output(key: str) -> None:
    async with seated() as seat:
        await long_output(seat)
        await seat.type(key, "far#")
        assert "\nend\n" not in seat.screen.text
        await seat.type("show crypto mib ipsec flowmib version\r", "far#")
        assert "version: 1\nfar#" in seat.screen.text


@pytest.mark.parametrize(
    ("key", "pattern", "shown"),
    [
        ("/", "Serial", ["interface Serial1/2", " no ip address", " shutdown", "!", "end"]),
        ("+", "^interface|^ip", ["interface FastEthernet0/1", "interface Serial1/2"]),
        ("-", "^[ie! ]", []),
    ],
)
async def test_a_search_at_a_page_s_end_filters_what_waits_and_what_follows(key: str, pattern: str, shown: list[str]) -> None:
    async with seated() as seat:
        await long_output(seat)
        await seat.type(f"{key}{pattern}\r", "far#")
        assert [row for row in seat.screen.text.partition("filtering...\n")[2].split("\n") if row] == [*shown, "far#"]
        await seat.type("show crypto mib ipsec flowmib version\r", lambda: "version: 1\nfar#" in seat.screen.text)


async def test_searches_at_a_page_s_end_add_up_and_one_that_cannot_be_read_asks_again() -> None:
    async with seated() as seat:
        await seat.type("terminal length 5\rshow running-config\r", lambda: seat.screen.line == MORE)
        await seat.type("-(\r", lambda: "% Failed" in seat.screen.text and seat.screen.line == MORE)
        await seat.type("+ip|int\r", lambda: "filtering..." in seat.screen.text and seat.screen.line == MORE)
        await seat.type("-address\r", lambda: seat.screen.text.count("filtering...") == 2 and seat.screen.line == "far#")
        shown = seat.screen.text.rpartition("filtering...\n")[2].split("\n")
        kept = ["interface FastEthernet0/0", "interface FastEthernet0/1", " ip vrf forwarding red", "interface Serial1/2"]
        assert [row for row in shown if row] == [*kept, "far#"]
        await seat.type("show running-config\r", lambda: seat.screen.line == MORE)
        await seat.type("/abc\x03", "far#")


async def test_a_filter_comes_before_the_pages() -> None:
    async with seated() as seat:
        await seat.type("show running-config | include ^interface\r", "far#")
        assert seat.screen.text.count("\ninterface ") == 4
        assert "--More--" not in seat.screen.text


async def test_terminal_length_sets_the_pages_and_a_change_of_the_window_does_not_set_them_again() -> None:
    async with seated() as seat:
        await seat.type("terminal length 0\r", "far#")
        seat.interactive.resize(100, 10)
        await seat.type("show running-config\r", lambda: "\nend\nfar#" in seat.screen.text)
        await seat.type("terminal no length\r", "far#")
        seat.interactive.resize(100, 10)
        await seat.type("show running-config\r", lambda: seat.screen.line == MORE)
        assert len(seat.screen.text.rpartition("show running-config\n")[2].split("\n")) == 10


async def test_keys_typed_ahead_answer_the_question_for_more() -> None:
    async with seated() as seat:
        await seat.type("show running-config\rq", "far#")
        assert "\nend\n" not in seat.screen.text


# --- lines ---


async def test_help_leaves_the_line_and_a_blank_line_before_the_prompt() -> None:
    async with seated() as seat:
        await seat.type("show clo?", "far#show clo")
        assert seat.screen.text == "far#show clo?\nclock\n\nfar#show clo"
        await seat.type("x ?", "far#show clox")
        assert seat.screen.text.endswith("% Unrecognized command\nfar#show clox")


async def test_a_quoted_question_mark_is_part_of_the_line() -> None:
    async with seated() as seat:
        await seat.type("configure terminal\rhostname a\x16?b\r", lambda: "marker" in seat.screen.text or "a?b" in seat.screen.line)
        assert "Unrecognized" not in seat.screen.text


async def test_control_c_leaves_configure_mode_and_control_z_carries_out_the_line() -> None:
    async with seated() as seat:
        await seat.type("configure terminal\r", "far(config)#")
        await seat.type("hostname near\x03", "far#")
        assert "far(config)#hostname near^C\nfar#" in seat.screen.text
        await seat.type("configure terminal\r", "far(config)#")
        await seat.type("interface Loopback1\rshutdown\x1a", "far#")
        assert seat.router.document.config.interfaces["Loopback1"].shutdown


async def test_the_text_of_a_banner_has_no_prompt_help_or_history() -> None:
    async with seated() as seat:
        await seat.type("configure terminal\rbanner motd #\r", lambda: "End with" in seat.screen.text and not seat.screen.line)
        await seat.type("who is ?\r#\r", "far(config)#")
        assert seat.router.document.config.banners == {"motd": "\nwho is ?\n"}
        assert seat.line.histories.configure.lines == ["banner motd #"]


async def test_exec_and_configure_mode_have_histories_of_their_own() -> None:
    async with seated() as seat:
        await seat.type("terminal history size 3\r", "far#")
        await seat.type("show clock\rconfigure terminal\rhostname far\r", "far(config)#")
        await seat.type("\x10", "far(config)#hostname far")
        await seat.type("\x15end\r", "far#")
        await seat.type("show history\r", "far#")
        assert seat.screen.text.endswith("  show clock\n  configure terminal\n  show history\nfar#")
        await seat.type("terminal no history\r", "far#")
        assert seat.line.histories.exec.lines == []


async def test_an_interrupt_ends_a_command_and_drops_what_was_typed_before_it() -> None:
    engine = FakeEngine()
    engine.endless = True
    async with seated(router=make_router(QUIET, engine=engine)) as seat:
        await seat.type("ping 10.22.1.1 repeat 100\r", ".!!!!")
        await seat.type("show clock\r\x1e", "far#")
        assert "Success rate is 66 percent" in seat.screen.text
        assert "PST" not in seat.screen.text
    assert engine.ended_pings == 1


async def test_a_hang_up_ends_the_command_and_the_session() -> None:
    engine = FakeEngine()
    engine.endless = True
    async with seated(router=make_router(QUIET, engine=engine)) as seat:
        await seat.type("ping 10.22.1.1 repeat 100\r", ".!!!!")
        seat.interactive.hang_up()
        await seat.ends()
    assert engine.ended_pings == 1
    assert list(seat.router.lines) == []


async def test_an_answer_of_one_key_needs_no_return() -> None:
    async with seated() as seat:
        await seat.type("clear line vty 3\r", "[confirm]")
        await seat.type("n", "far#")
        assert "[OK]" not in seat.screen.text
        await seat.type("clear line vty 3\r", "[confirm]")
        await seat.type("\r", "far#")
        assert seat.screen.text.endswith("[confirm]\n [OK]\nfar#")


# --- lines of the router ---


async def test_show_users_has_every_session_and_clear_line_ends_one() -> None:
    router = make_router(QUIET)
    async with seated(router=router) as console, seated(router=router, line=vty()) as remote:
        async with seated(router=router, line=vty(host="10.8.8.8")) as other:
            assert other.line.origin.line == "vty1"
        await remote.type("show users\r", "far#")
        assert (
            "    Line       User       Host(s)              Idle       Location\n"
            "   0 con 0                idle                 00:00:00\n"
            "*  2 vty 0     alice      idle                 00:00:00 10.9.9.9\n"
            "\n"
            "  Interface    User               Mode         Idle     Peer Address\n"
        ) in remote.screen.text
        await remote.type("clear line 2\r", "far#")
        assert remote.screen.text.endswith("% Not allowed to clear current line\nfar#")
        await console.type("clear line vty 0\r\r", "far#")
        await remote.ends()


@pytest.mark.parametrize(
    ("keys", "level", "prompt"),
    [("disable\r", 1, "far>"), ("enable 5\r", 5, "far#"), ("disable 0\r", 0, "far>"), ("disable\rdisable 7\r", 1, "far>")],
)
async def test_privilege_levels(keys: str, level: int, prompt: str) -> None:
    async with seated() as seat:
        await seat.type(keys, lambda: seat.line.level == level and seat.screen.line == prompt)
        if level:
            await seat.type("show privilege\r", prompt)
            assert f"Current privilege level is {level}\n" in seat.screen.text
            await seat.type("show running-config\r", prompt)
            assert "% Invalid input detected" in seat.screen.text
        else:
            await seat.type("?", prompt)
            words = [row.split()[0] for row in seat.screen.text.split("Exec commands:\n")[1].split("\n\n")[0].split("\n")]
            assert words == ["disable", "enable", "exit", "help", "logout"]


async def test_enable_from_afar_needs_a_password_that_is_configured() -> None:
    async with seated(QUIET.replace("enable password lab\n", ""), vty(1)) as seat:
        await seat.type("enable\r", "far>")
        assert seat.screen.text.endswith("% No password set\nfar>")


async def test_a_line_s_configuration_holds_for_its_sessions() -> None:
    config = QUIET + "line vty 0 4\n length 0\n width 0\n history size 2\n"
    async with seated(config, vty(1)) as seat:
        assert (seat.line.length, seat.line.width, seat.line.history_size) == (0, 0, 2)


async def test_an_idle_session_ends_after_exec_timeout() -> None:
    seat = Seat(make_router(QUIET + "line con 0\n exec-timeout 0 1\n"), LineState(CONSOLE))
    await seat.ends()
    assert seat.screen.text == "far#\n"


async def test_the_banners_are_shown_with_their_tokens() -> None:
    config = (
        QUIET + "banner motd ^CThis is $(hostname).$(domain) on line $(line)^C\nbanner exec #Welcome#\nip domain name lab.example\n"
    )
    async with seated(config, vty()) as seat:
        assert seat.screen.text == "\nThis is far.lab.example on line 2\n\nWelcome\nfar#"
    async with seated(config + "line vty 0 4\n no motd-banner\n no exec-banner\n", vty()) as seat:
        assert seat.screen.text == "far#"


# --- messages ---

UPDOWN = Message("LINK", Severity.ERRORS, "UPDOWN", "Interface Tunnel0, changed state to up")


async def test_a_message_comes_in_between_and_the_line_goes_on_under_it() -> None:
    async with seated(CONFIG) as seat:
        await seat.type("show clo", "far#show clo")
        seat.router.syslog.log(UPDOWN)
        await seat.sees(lambda: "UPDOWN" in seat.screen.text and not seat.screen.line)
        await seat.type("ck", "ck")
        await seat.type("\r", "far#")
        assert "PST" in seat.screen.text


async def test_messages_follow_each_other_without_an_empty_line() -> None:
    """As in Cisco's debug documents: only what is typed in between begins a new line."""
    async with seated(CONFIG) as seat:
        for count in (1, 2):
            seat.router.syslog.log(UPDOWN)
            await seat.sees(lambda count=count: seat.screen.text.count("UPDOWN") == count and not seat.screen.line)
        prompt, *rows, _ = seat.screen.text.split("\n")
        assert prompt.startswith("far#")
        assert ["UPDOWN" in row for row in rows] == [True, True]
        await seat.type("show", "show")
        seat.router.syslog.log(UPDOWN)
        await seat.sees(lambda: seat.screen.text.count("UPDOWN") == 3)
        assert "show" in seat.screen.text.split("\n")


async def test_logging_synchronous_shows_the_line_again() -> None:
    async with seated(CONFIG + "line con 0\n logging synchronous\n") as seat:
        await seat.type("show clo\x02", "far#show clo")
        seat.router.syslog.log(UPDOWN)
        await seat.sees(lambda: "UPDOWN" in seat.screen.text and seat.screen.line == "far#show clo")
        rows = seat.screen.text.split("\n")
        assert len(rows) == 2
        assert rows[0].endswith("%LINK-3-UPDOWN: Interface Tunnel0, changed state to up")
        assert seat.screen.column == len("far#show cl")


async def test_terminal_monitor_is_for_lines_that_show_no_console() -> None:
    router = make_router(CONFIG)
    async with seated(router=router) as console, seated(router=router, line=vty()) as remote:
        await console.type("terminal monitor\r", "far#")
        assert console.screen.text.endswith("% Console already monitors\nfar#")
        router.syslog.log(UPDOWN)
        await console.sees(lambda: "UPDOWN" in console.screen.text)
        assert "UPDOWN" not in remote.screen.text
        await remote.type("terminal monitor\r", "far#")
        router.syslog.log(UPDOWN)
        await remote.sees(lambda: remote.screen.text.count("UPDOWN") == 1)
        await remote.type("\rterminal no monitor\r", "far#")
        router.syslog.log(UPDOWN)
        await remote.type("show privilege\r", "far#")
        assert remote.screen.text.count("UPDOWN") == 1


async def test_many_messages_at_once_are_all_shown() -> None:
    """A tunnel that comes up has some fifty lines of `debug`, all in one moment."""
    async with seated(CONFIG) as seat:
        for _ in range(100):
            seat.router.syslog.log(UPDOWN)
        await seat.sees(lambda: seat.screen.text.count("UPDOWN") == 100)
        assert "MSGLOST" not in seat.screen.text


async def test_a_terminal_that_takes_nothing_loses_messages_and_is_told_how_many() -> None:
    async with seated(CONFIG) as seat:
        seat.taking.clear()
        for _ in range(1000):
            seat.router.syslog.log(UPDOWN)
            await asyncio.sleep(0)
        assert len(seat.octets) < 4000
        seat.taking.set()
        await seat.sees(lambda: "MSGLOST" in seat.screen.text)
        assert seat.screen.text.count("UPDOWN") <= MOST_MESSAGES + 2


async def test_a_message_waits_for_the_key_that_a_page_waits_for() -> None:
    async with seated(CONFIG) as seat:
        await long_output(seat)
        seat.router.syslog.log(UPDOWN)
        await asyncio.sleep(0)
        assert "UPDOWN" not in seat.screen.text
        await seat.type("q", lambda: "UPDOWN" in seat.screen.text)


# --- what nobody should be able to do ---


async def test_a_flood_of_keys_is_bounded_and_leaves_others_their_turn() -> None:
    async with seated() as seat:
        turns = 0
        for _ in range(100):
            seat.interactive.feed(b"\x01x" * 2000)
        assert seat.interactive._editor.waiting <= 2 * MOST_TYPED_AHEAD + 4000
        while seat.interactive._editor.waiting:
            turns += 1
            await asyncio.sleep(0)
        assert turns > 100


WORDS = (
    "show clear crypto configure terminal interface ip vrf no do exit end ping sa session | include 10.1.1.1 line vty 0 banner motd"
)
PIECES = [*(f"{word} ".encode() for word in WORDS.split()), b"\r", b"\x1a", b"\x03", b"\t", b"?", b"q", b"#"]
TYPED = st.lists(st.binary(max_size=12) | st.sampled_from(PIECES), max_size=40)


@settings(max_examples=60, deadline=None, database=None)
@given(TYPED)
def test_whatever_is_typed_no_command_breaks_and_the_session_goes_on(pieces: list[bytes]) -> None:
    async def session() -> tuple[list[object], str]:
        broken: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        router = make_router(QUIET)
        seat = Seat(router, LineState(CONSOLE, length=0, length_set=True))
        for piece in pieces:
            seat.interactive.feed(piece)
            await asyncio.sleep(0)
        seat.interactive.hang_up()
        await seat.ends()
        return broken, seat.octets.decode("utf-8", "replace")

    broken, shown = asyncio.run(session())
    assert not broken
    assert "Traceback" not in shown
