"""Shell room: traceroute: which routers pass a packet on. The probes are ICMP echo requests, whose time to live rises."""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.base.clock import SECOND
from agent.base.spans import milliseconds
from agent.engine.values import PingRequest, Probe, ProbeOutcome
from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import Release, release_of
from agent.shell.targets import check_vrf, resolve, typed_source

HELP = {
    "traceroute": "Trace route to destination",
    "traceroute <destination>": "Trace route to destination address or hostname",
    "probe": "specify number of probes per hop",
    "ttl": "specify minimum and maximum ttl",
    "<probes>": "Number of probes per hop",
    "<least>": "Minimum ttl",
    "<most>": "Maximum ttl",
}

_OCTETS = 28  # the headers alone


async def _traceroute(context: Context, match: ExecMatch) -> None:
    """Sends the probes of one time to live after those of another, until the destination answers."""
    router, out, vrf = context.router, context.out, match.maybe_word("vrf")
    check_vrf(router, vrf)
    source = typed_source(router, match, vrf)
    destination = resolve(context, match.word("destination"))
    probes, timeout = match.maybe_number("probes") or 3, match.maybe_number("timeout") or 3
    hops = range(match.maybe_number("least") or 1, (match.maybe_number("most") or 30) + 1)
    out.line("Type escape sequence to abort.")
    out.line(f"Tracing the route to {_named(context, destination)}")
    xe = release_of(router.document.config.version) is Release.XE
    out.line("VRF info: (vrf in name/id, vrf out name/id)" if xe else "")
    for hop in hops:
        line = _Line(context, hop)
        request = PingRequest(destination, vrf, source, probes, _OCTETS, timeout * SECOND, hop)
        finished = await context.unless_interrupted(router.engine.ping(request, line.add))
        out.line()
        if not finished or line.reached:
            return


class _Line:
    """One line: the probes of a time to live. A responder is named once, and again where another one answers."""

    def __init__(self, context: Context, hop: int) -> None:
        self.reached = False
        self._context = context
        self._last: IPv4Address | None = None
        context.out.write(f"{hop:>3} ")

    def add(self, probe: Probe) -> None:
        write = self._context.out.write
        if probe.responder is None:
            write(f"{'!U' if probe.outcome is ProbeOutcome.UNREACHABLE else ' *'} ")
            return
        if probe.responder != self._last:
            write(("\n    " if self._last else "") + _named(self._context, probe.responder))
            self._last = probe.responder
        write(f" {milliseconds(probe.round_trip)} msec")
        self.reached = self.reached or probe.outcome is ProbeOutcome.REPLY


def _named(context: Context, address: IPv4Address) -> str:
    name = context.router.document.config.host_name(address)
    return f"{name} ({address})" if name else str(address)


COMMANDS = (
    ExecCommand(
        "traceroute [vrf <vrf:word>] [ip] <destination:host>"
        " [source {<source:address>|<interface:interface>}|timeout <timeout:int(1-3600)>|probe <probes:int(1-65535)>"
        "|ttl <least:int(1-255)> <most:int(1-255)>]*",
        _traceroute,
        user=True,
    ),
)
