"""`show logging` and `clear logging`; the message at the end of a configure session."""

from __future__ import annotations

from agent.shell.command import LineState
from agent.shell.session import Session
from agent.syslog.message import Message, Severity
from tests.shell.fakes import COMMANDS, Console, FakeTerminal

CLASSIC = """\
version 12.4
hostname r1
service timestamps log uptime
no logging console
logging monitor warnings
"""

CLASSIC_SHOWN = """\
Syslog logging: enabled (0 messages dropped, 0 messages rate-limited,
                0 flushes, 0 overruns, xml disabled, filtering disabled)
    Console logging: disabled
    Monitor logging: level warnings, 0 messages logged, xml disabled,
                     filtering disabled
    Buffer logging: level debugging, 1 messages logged, xml disabled,
                    filtering disabled
    Logging Exception size (4096 bytes)
    Count and timestamp logging messages: disabled

No active filter modules.

    Trap logging: level informational, 1 message lines logged

Log Buffer (4096 bytes):

00:00:00: %SYS-5-CONFIG_I: Configured from console by console
"""

XE = """\
version 16.9
hostname r1
logging buffered 8192 informational
logging source-interface Loopback0
logging source-interface Loopback1 vrf red
logging host 127.0.0.1
logging host 192.0.2.9 vrf red transport tcp port 1470
"""

XE_SHOWN = """\
Syslog logging: enabled (1 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns, xml disabled, filtering disabled)

No Active Message Discriminator.



No Inactive Message Discriminator.


    Console logging: level debugging, 1 messages logged, xml disabled,
                     filtering disabled
    Monitor logging: level debugging, 0 messages logged, xml disabled,
                     filtering disabled
    Buffer logging:  level informational, 1 messages logged, xml disabled,
                    filtering disabled
    Exception Logging: size (4096 bytes)
    Count and timestamp logging messages: disabled
    Persistent logging: disabled

No active filter modules.

    Trap logging: level informational, 1 message lines logged
        Logging to 127.0.0.1  (udp port 514, audit disabled,
              link up),
              1 message lines logged,
              0 message lines rate-limited,
              0 message lines dropped-by-MD,
              xml disabled, sequence number disabled
              filtering disabled
        Logging to 192.0.2.9  (red) (tcp port 1470, audit disabled,
              link down),
              0 message lines logged,
              0 message lines rate-limited,
              0 message lines dropped-by-MD,
              xml disabled, sequence number disabled
              filtering disabled
        Logging Source-Interface:       VRF Name:
        Loopback0
        Loopback1                       red

Log Buffer (8192 bytes):

*Feb 29 23:59:58.000: %SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 127.0.0.1 port 514 started - CLI initiated
"""


def test_show_logging_of_a_classic_router() -> None:
    console = Console(CLASSIC)
    console.router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "CONFIG_I", "Configured from console by console"))
    assert console.type("show logging") == CLASSIC_SHOWN
    assert console.type("show log | include CONFIG_I") == CLASSIC_SHOWN.splitlines()[-1] + "\n"


def test_show_logging_of_an_xe_router() -> None:
    console = Console(XE)
    console.router.logging.start()
    assert console.type("show logging") == XE_SHOWN
    console.router.logging.close()


def test_show_logging_without_buffer_and_receivers() -> None:
    shown = Console("hostname r1\nno logging buffered\nno logging trap\nno logging on\n").type("show logging")
    assert shown.startswith("Syslog logging: disabled (0 messages dropped")
    assert "    Buffer logging:  disabled, xml disabled,\n                    filtering disabled\n" in shown
    assert "    Trap logging: disabled\n" in shown
    assert "Log Buffer" not in shown


def test_clear_logging_asks_first() -> None:
    console = Console(CLASSIC)
    console.router.syslog.log(Message("SYS", Severity.NOTIFICATIONS, "CONFIG_I", "one"))
    console.ready("n")
    assert console.type("clear logging").startswith("Clear logging buffer [confirm]")
    assert list(console.router.logging.buffer.lines()) == ["00:00:00: %SYS-5-CONFIG_I: one"]
    console.ready("")
    console.type("clear logging")
    assert list(console.router.logging.buffer.lines()) == []
    assert ", 1 messages logged" in console.type("show logging")  # they were, also without the buffer


def test_the_end_of_a_configure_session_is_logged_whatever_ends_it() -> None:
    for end in ("end", "exit", "\x1a", "hostname r2\x1a"):
        console = Console(CLASSIC)
        console.type("configure terminal", "ip host a 10.0.0.1")
        assert list(console.router.logging.buffer.lines()) == []
        console.type(end)
        assert list(console.router.logging.buffer.lines()) == ["00:00:00: %SYS-5-CONFIG_I: Configured from console by console"]


def test_a_session_that_goes_or_is_interrupted_in_configure_mode_ends_it() -> None:
    for leave in (Session.close, Session.drop):
        console = Console(CLASSIC)
        console.type("configure terminal", "interface Loopback1")
        leave(console.session)
        leave(console.session)
        assert len(list(console.router.logging.buffer.lines())) == 1


def test_a_session_that_has_configured_nothing_is_not_logged() -> None:
    console = Console(CLASSIC)
    session = Session(console.router, FakeTerminal(), COMMANDS, LineState(console.session._line.origin))
    session.close()
    assert list(console.router.logging.buffer.lines()) == []
