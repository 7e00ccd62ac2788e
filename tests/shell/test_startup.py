"""Saving, showing and erasing the startup configuration, and `reload`, in IOS's words."""

from __future__ import annotations

import asyncio

import pytest

from agent.base.clock import VirtualClock
from agent.base.errors import UserError
from agent.base.origin import CONSOLE, TIMELINE, Origin, OriginKind
from agent.base.scheduler import Scheduler
from agent.config.document import load
from agent.config.events import HostnameSet, InterfaceChanged, SnmpChanged
from agent.config.startup import Startup, StartupError
from agent.shell.command import LineState
from agent.shell.session import Session
from agent.syslog.syslog import Logged
from tests.shell.fakes import COMMANDS, Console, FakeTerminal, make_router

SAVED = "Building configuration...\n[OK]\n"
NAME = "Destination filename [startup-config]? "
MODIFIED = "\nSystem configuration has been modified. Save? [yes/no]: "
PROCEED = "Proceed with reload? [confirm]"
ERASE = "Erasing the nvram filesystem will remove all configuration files! Continue? [confirm]"
CHANGE = ("configure terminal", "hostname other", "end")


def is_saved(console: Console) -> bool:
    return not console.router.startup.differs(console.router.document)


@pytest.mark.parametrize("command", ["write memory", "write", "wr", "write mem"])
def test_write_saves_the_running_configuration(command: str) -> None:
    console = Console()
    console.type(*CHANGE)
    assert not is_saved(console)
    assert console.type(command) == SAVED
    assert is_saved(console)


@pytest.mark.parametrize("answer", ["", "startup-config", "nvram:startup-config"])
@pytest.mark.parametrize("command", ["copy running-config startup-config", "copy run start", "copy system:running-config nvram:"])
def test_copy_asks_for_the_name_and_saves(command: str, answer: str) -> None:
    console = Console()
    console.type(*CHANGE)
    console.ready(answer)
    assert console.type(command) == f"{NAME}{answer}\n{SAVED}"
    assert is_saved(console)


def test_copy_to_another_name_saves_nothing() -> None:
    console = Console()
    console.type(*CHANGE)
    console.ready("backup")
    assert console.type("copy run start") == f"{NAME}backup\n%Error opening nvram:/backup (No such file or directory)\n"
    assert not is_saved(console)


MERGE = "Destination filename [running-config]? "
STARTED = """\
hostname far
banner motd ^C
 two
hostname lines
^C
interface Loopback1
 ip address 10.0.0.1 255.255.255.255
crypto iakmp key
snmp-server user nms admins v3 auth sha authpassword
"""


@pytest.mark.parametrize(
    "command", ["copy startup-config running-config", "copy start run", "copy nvram:startup-config system:run"]
)
def test_the_startup_configuration_is_read_into_the_running_one(command: str) -> None:
    """As on IOS: what the running one alone has is kept."""
    console = Console(STARTED)
    heard: list[Logged] = []
    begun = console.router.document.render()
    console.type(
        "configure terminal", "hostname other", "no banner motd", "interface Loopback1", "no ip address", "interface Loopback2"
    )
    console.type("no snmp-server user nms admins v3", "end")
    console.router.syslog.subscribe(heard.append)
    console.events.clear()
    console.ready("")
    shown = console.type(command)
    added = "interface Loopback2\n no ip address\n!\n"
    assert console.router.document.render().replace(added, "") == begun
    assert console.router.document.config.snmp.users
    assert {type(event) for event in console.events} == {HostnameSet, InterfaceChanged, SnmpChanged}
    refused = "crypto iakmp key\n       ^\n% Invalid input detected at '^' marker.\n\n"
    octets = len(console.router.startup.whole or "")
    assert shown == f"{MERGE}\n{refused}{octets} bytes copied in 0.001 secs ({octets * 1000} bytes/sec)\n"
    assert [str(each.message) for each in heard] == ["%SYS-5-CONFIG_I: Configured from memory by console"]


def test_what_is_merged_needs_a_startup_configuration_and_its_name() -> None:
    console = Console(answers=["backup"])
    assert console.type("copy start run") == f"{MERGE}backup\n%Error opening system:/backup (No such file or directory)\n"
    console.ready("", "")
    console.type("write erase")
    assert console.type("copy start run").endswith("%Error opening nvram:/startup-config (No such file or directory)\n")


def test_write_terminal_is_show_running_config() -> None:
    console = Console()
    assert console.type("write terminal") == console.type("show running-config")


def test_startup_config_is_what_the_router_started_with_until_another_is_saved() -> None:
    console = Console("version 12.4\nhostname far\n")
    text = console.router.document.render()
    console.type(*CHANGE)
    assert console.type("show startup-config") == f"Using {len(text)} out of 155640 bytes\n{text}"
    console.type("write")
    shown = console.type("show startup-config | include hostname")
    assert shown == "hostname other\n"


def test_a_release_of_ios_xe_has_more_memory() -> None:
    console = Console("version 16.9\n")
    assert console.type("show startup-config | include bytes").endswith("out of 33554432 bytes\n")


@pytest.mark.parametrize("command", ["write erase", "erase startup-config", "erase nvram:"])
def test_an_erased_one_is_not_present(command: str) -> None:
    console = Console(answers=[""])
    assert console.type(command) == f"{ERASE}\n[OK]\nErase of nvram: complete\n"
    assert console.type("show startup-config") == "startup-config is not present\n"


def test_erase_can_be_declined() -> None:
    console = Console(answers=["n"])
    assert console.type("write erase") == f"{ERASE}n\n"
    assert console.router.startup.shown is not None


def test_reload_asks_and_ends_the_session() -> None:
    console = Console(answers=[""])
    heard: list[Logged] = []
    console.router.syslog.subscribe(heard.append)
    assert console.type("reload") == f"{PROCEED}\n"
    assert (console.reloads, console.session.closed) == (1, True)
    assert [str(each.message) for each in heard] == ["%SYS-5-RELOAD: Reload requested by console. Reload Reason: Reload Command."]


@pytest.mark.parametrize(("answer", "saved"), [("yes", True), ("y", True), ("no", False), ("n", False)])
def test_reload_asks_about_what_is_not_saved(answer: str, saved: bool) -> None:
    console = Console()
    console.type(*CHANGE)
    console.ready("what", "", answer, "")
    wrong = "% Please answer 'yes' or 'no'.\n"
    shown = f"{MODIFIED}what\n{wrong}{MODIFIED}\n{wrong}{MODIFIED}{answer}\n{SAVED if saved else ''}{PROCEED}\n"
    assert console.type("reload") == shown
    assert console.reloads == 1
    assert is_saved(console) is saved


def test_reload_that_is_not_confirmed_does_nothing() -> None:
    console = Console(answers=["n"])
    assert not console.result("reload").failed
    assert (console.reloads, console.session.closed) == (0, False)


@pytest.mark.parametrize("command", ["reload", "reload in 5", "copy run start", "copy start run", "write erase"])
@pytest.mark.parametrize("lines", [(), CHANGE], ids=["saved", "modified"])
def test_a_command_whose_question_nobody_answers_is_refused(command: str, lines: tuple[str, ...]) -> None:
    console = Console()
    console.type(*lines)
    assert console.result(command).error == "% Nothing was done: a question was not answered.\n"
    assert is_saved(console) is not bool(lines)
    assert (console.reloads, console.router.reloads.planned, console.session.closed) == (0, None, False)


def test_the_user_who_reloads_is_named() -> None:
    router = make_router()
    heard: list[Logged] = []
    router.syslog.subscribe(heard.append)
    session = Session(
        router, FakeTerminal(""), COMMANDS, LineState(Origin(OriginKind.SSH, "alice", line="vty0", address="192.0.2.1"))
    )
    asyncio.run(session.execute("reload"))
    assert str(heard[0].message) == "%SYS-5-RELOAD: Reload requested by alice on vty0 (192.0.2.1). Reload Reason: Reload Command."


def test_the_timeline_is_asked_nothing() -> None:
    reloads: list[str] = []
    router = make_router(reload=lambda: reloads.append("reloaded"))
    terminal = FakeTerminal()
    session = Session(router, terminal, COMMANDS, LineState(TIMELINE))
    for line in (*CHANGE, "copy running-config startup-config", "write erase", "reload"):
        assert not asyncio.run(session.execute(line)).error
    assert "?" not in terminal.text
    assert reloads == ["reloaded"]


def test_a_wrong_startup_configuration_keeps_the_router_running() -> None:
    def fail() -> None:
        raise UserError("r.cfg:3: needs a number")

    session = Session(make_router(reload=fail), FakeTerminal(""), COMMANDS, LineState(TIMELINE))
    assert asyncio.run(session.execute("reload")).error == "% r.cfg:3: needs a number\n"
    assert not session.closed


def test_a_save_that_fails_says_so() -> None:
    class Full(Startup):
        def save(self, document: object) -> None:
            raise StartupError("r: cannot be written: No space left on device")

    document = load("hostname r\n")
    router = make_router(startup=Full("r", (document.render(), "r.cfg")))
    result = asyncio.run(Session(router, FakeTerminal(), COMMANDS, LineState(TIMELINE)).execute("write"))
    assert result.error == "%Error opening nvram:/startup-config (r: cannot be written: No space left on device)\n"


def test_user_exec_has_none_of_this() -> None:
    console = Console(privileged=False)
    for command in ("write", "copy run start", "erase startup-config", "reload", "show startup-config"):
        assert "% Invalid input detected" in console.type(command)


def test_the_configuration_of_one_interface_is_shown_alone() -> None:
    console = Console(
        "interface Serial1/0.1 point-to-point\n ip address 10.1.1.1 255.255.255.0\ninterface Serial1/0.12\n shutdown\n"
    )
    body = "!\ninterface Serial1/0.1 point-to-point\n ip address 10.1.1.1 255.255.255.0\nend\n"
    shown = f"Building configuration...\n\nCurrent configuration : {len(body)} bytes\n{body}"
    assert console.type("show running-config interface s1/0.1") == shown
    assert console.type("sh run int Serial 1/0.1") == shown
    assert console.type("show running-config interface Loopback9") == "% Loopback9: there is no such interface\n"


def test_a_reload_may_be_planned_and_cancelled() -> None:
    clock, reloads = VirtualClock(), list[str]()
    scheduler = Scheduler(clock)
    router = make_router(
        "version 12.4\nhostname far\n", reload=lambda: reloads.append("reloaded"), schedule=scheduler.at, clock=clock
    )
    heard: list[str] = []
    router.syslog.subscribe(lambda logged: heard.append(str(logged.message)))
    terminal = FakeTerminal("", "")
    session = Session(router, terminal, COMMANDS, LineState(CONSOLE))

    def type_line(line: str) -> str:
        before = len(terminal.text)
        error = asyncio.run(session.execute(line)).error
        return terminal.text[before:] + error

    # The fake router's clock is 0 at 23:59:58 on 29 February 2024.
    when = "Reload scheduled for 01:04:58 UTC Fri Mar 1 2024 (in {}) by console\nReload reason: maintenance\n"
    assert type_line("show reload") == "No reload is scheduled.\n"
    assert type_line("reload in 1:05 maintenance") == f"{when.format('1 hour and 5 minutes')}{PROCEED}\n"
    clock.advance(10_000_000)
    assert type_line("show reload") == when.format("1 hour and 4 minutes")
    assert type_line("reload cancel") == "\n\n***\n*** --- SHUTDOWN ABORTED ---\n***\n\n"
    assert type_line("reload cancel") == "%No reload is scheduled.\n"
    assert "Reload scheduled for 00:10:00 UTC Fri Mar 1 2024 (in 9 minutes and 52 seconds)" in type_line("reload at 0:10")
    scheduler.run_due(3_600_000_000)
    assert (reloads, session.closed) == (["reloaded"], False)
    assert heard == [
        "%SYS-5-SCHEDULED_RELOAD: Reload requested for 01:04:58 UTC Fri Mar 1 2024 at 23:59:58 UTC Thu Feb 29 2024 by console. "
        "Reload Reason: maintenance.",
        "%SYS-5-SCHEDULED_RELOAD_CANCELLED: Scheduled reload cancelled at 00:00:08 UTC Fri Mar 1 2024",
        "%SYS-5-SCHEDULED_RELOAD: Reload requested for 00:10:00 UTC Fri Mar 1 2024 at 00:00:08 UTC Fri Mar 1 2024 by console. "
        "Reload Reason: Reload Command.",
        "%SYS-5-RELOAD: Reload requested by console. Reload Reason: Reload Command.",
    ]


@pytest.mark.parametrize("line", ["reload in 0", "reload in x", "reload in 1:x", "reload at 24:00", "reload at 3"])
def test_a_wrong_time_of_a_reload_is_refused(line: str) -> None:
    console = Console()
    assert console.type(line).startswith("%Invalid reload time")
    assert console.type("show reload") == "No reload is scheduled.\n"
