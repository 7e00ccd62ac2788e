"""Shell room: `show logging`: where a router's messages go, how many went there, and the buffer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.shell.releases import Release
from agent.syslog.destinations import Status
from agent.syslog.hosts import HostAccount


@dataclass(frozen=True, slots=True)
class LoggingFacts:
    """The log of a router. `dropped` are lines to receivers. `sources` are the interfaces of `logging source-interface`, by VRF.

    `rate_limited_elsewhere` are the messages that were not limited on the console alone.
    """

    on: bool
    dropped: int
    rate_limited: int
    rate_limited_elsewhere: int
    console: Status
    monitor: Status
    buffer: Status
    trap: Status
    hosts: Sequence[HostAccount]
    sources: Mapping[str | None, str]
    buffer_size: int


_STATE = {True: "enabled", False: "disabled"}
_LINK = {True: "up", False: "down"}
_NOTHING_BETWEEN = "xml disabled, filtering disabled"  # no message is written as XML, and none passes a Tcl filter


def logging_lines(facts: LoggingFacts, release: Release, buffered: Iterator[str]) -> Iterator[str]:
    """As IOS has it; `buffered` are the lines of the buffer."""
    yield from _HEADINGS[release](facts)
    yield from _terminal("Console logging: ", facts.console)
    yield from _terminal("Monitor logging: ", facts.monitor)
    yield from _buffer(facts.buffer, release)
    if release is Release.CLASSIC:
        yield "    Logging Exception size (4096 bytes)"
        yield "    Count and timestamp logging messages: disabled"
    else:
        yield "    Exception Logging: size (4096 bytes)"
        yield "    Count and timestamp logging messages: disabled"
        yield "    Persistent logging: disabled"
    yield ""
    yield "No active filter modules."
    yield ""
    yield from _trap(facts, release)
    if facts.buffer.severity is not None:
        yield ""
        yield f"Log Buffer ({facts.buffer_size} bytes):"
        yield ""
        yield from buffered


def _classic_heading(facts: LoggingFacts) -> Iterator[str]:
    yield f"Syslog logging: {_STATE[facts.on]} ({facts.dropped} messages dropped, {facts.rate_limited} messages rate-limited,"
    yield f"                0 flushes, 0 overruns, {_NOTHING_BETWEEN})"


def _xe_heading(facts: LoggingFacts) -> Iterator[str]:
    dropped = f"{facts.dropped} messages dropped, {facts.rate_limited} messages rate-limited"
    yield f"Syslog logging: {_STATE[facts.on]} ({dropped}, 0 flushes, 0 overruns, {_NOTHING_BETWEEN})"
    yield ""
    yield "No Active Message Discriminator."
    yield ""
    yield ""
    yield ""
    yield "No Inactive Message Discriminator."
    yield ""
    yield ""


_HEADINGS = {Release.CLASSIC: _classic_heading, Release.XE: _xe_heading}


def _terminal(label: str, status: Status) -> Iterator[str]:
    if status.severity is None:
        yield f"    {label}disabled"
        return
    yield f"    {label}level {status.severity.name.lower()}, {status.logged} messages logged, xml disabled,"
    yield "                     filtering disabled"


def _buffer(status: Status, release: Release) -> Iterator[str]:
    label = "Buffer logging: " if release is Release.CLASSIC else "Buffer logging:  "
    if status.severity is None:
        yield f"    {label}disabled, xml disabled,"
    else:
        yield f"    {label}level {status.severity.name.lower()}, {status.logged} messages logged, xml disabled,"
    yield "                    filtering disabled"


def _trap(facts: LoggingFacts, release: Release) -> Iterator[str]:
    if facts.trap.severity is None:
        yield "    Trap logging: disabled"
    else:
        yield f"    Trap logging: level {facts.trap.severity.name.lower()}, {facts.trap.logged} message lines logged"
    for account in facts.hosts:
        yield from _host(account, facts.rate_limited_elsewhere)
    if release is Release.XE:
        yield "        Logging Source-Interface:       VRF Name:"
        for vrf, interface in facts.sources.items():
            yield f"        {interface:<32}{vrf or ''}".rstrip()


def _host(account: HostAccount, rate_limited: int) -> Iterator[str]:
    host = account.host
    vrf = f"({host.vrf}) " if host.vrf else ""
    yield f"        Logging to {host.address}  {vrf}({host.transport} port {host.port}, audit disabled,"
    yield f"              link {_LINK[account.up]}),"
    yield f"              {account.logged} message lines logged,"
    yield f"              {rate_limited} message lines rate-limited,"
    yield "              0 message lines dropped-by-MD,"
    yield "              xml disabled, sequence number disabled"
    yield "              filtering disabled"
