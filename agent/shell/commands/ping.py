"""Shell room: ping, with its options on one line or asked for one by one."""

from __future__ import annotations

from collections.abc import Callable

from agent.base.clock import SECOND
from agent.base.spans import milliseconds
from agent.engine.values import PingRequest, Probe, ProbeOutcome
from agent.shell.command import CommandFailed, Context, ExecCommand, ExecMatch
from agent.shell.targets import check_vrf, resolve, source_of, typed_source

HELP = {
    "ping": "Send echo messages",
    "ping vrf": "Select VPN routing instance",
    "ip": "IP echo",
    "vrf": "Select VPN routing instance",
    "<vrf>": "VPN Routing/Forwarding instance name",
    "<destination>": "Ping destination address or hostname",
    "repeat": "specify repeat count",
    "size": "specify datagram size",
    "source": "specify source address or name",
    "timeout": "specify timeout interval",
    "<repeat>": "Repeat count",
    "<size>": "Datagram size",
    "<timeout>": "Timeout in seconds",
    "<source>": "Source address",
    "<interface>": "Source interface",
}

REPEAT = (1, 2147483647)
SIZE = (36, 18024)
TIMEOUT = (0, 3600)
_MARKS_PER_LINE = 70


async def _with_options(context: Context, match: ExecMatch) -> None:
    vrf = match.maybe_word("vrf")
    check_vrf(context.router, vrf)
    source = typed_source(context.router, match, vrf)
    request = PingRequest(
        resolve(context, match.word("destination")),
        vrf,
        source,
        _number(match, "repeat", 5),
        _number(match, "size", 100),
        _number(match, "timeout", 2) * SECOND,
    )
    await _ping(context, request)


def _number(match: ExecMatch, name: str, default: int) -> int:
    found = match.maybe_number(name)
    return default if found is None else found


# --- the dialogue ---


async def _dialogue(context: Context, match: ExecMatch) -> None:
    """Asks as IOS does. What no engine can do (an option other than the default) is refused when it is answered."""
    vrf = match.maybe_word("vrf")
    check_vrf(context.router, vrf)
    protocol = await _ask(context, "Protocol [ip]: ")
    if protocol and protocol.lower() != "ip":
        raise CommandFailed(f'% Unknown protocol - "{protocol}", type "ping ?" for help')
    destination = resolve(context, await _ask(context, "Target IP address: "))
    repeat = await _ask_number(context, "Repeat count", 5, REPEAT)
    size = await _ask_number(context, "Datagram size", 100, SIZE)
    timeout = await _ask_number(context, "Timeout in seconds", 2, TIMEOUT)
    source = None
    if _says_yes(await _ask(context, "Extended commands [n]: ")):
        source = source_of(context.router, await _ask(context, "Source address or interface: "), vrf)
        await _ask_default(context, "Type of service [0]: ", lambda answer: answer in ("0", "0x0"))
        await _ask_default(context, "Set DF bit in IP header? [no]: ", _says_no)
        await _ask_default(context, "Validate reply data? [no]: ", _says_no)
        await _ask_default(context, "Data pattern [0xABCD]: ", lambda answer: answer.lower() in ("0xabcd", "abcd"))
        await _ask_default(context, "Loose, Strict, Record, Timestamp, Verbose[none]: ", lambda answer: answer.lower() == "none")
    await _ask_default(context, "Sweep range of sizes [n]: ", _says_no)
    await _ping(context, PingRequest(destination, vrf, source, repeat, size, timeout * SECOND))


async def _ask(context: Context, prompt: str) -> str:
    answer = await context.terminal.ask(prompt)
    if answer is None:
        raise CommandFailed("% Ping was not begun: its questions were not answered.")
    return answer.strip()


async def _ask_number(context: Context, name: str, default: int, bounds: tuple[int, int]) -> int:
    answer = await _ask(context, f"{name} [{default}]: ")
    if not answer:
        return default
    low, high = bounds
    if not (answer.isascii() and answer.isdigit() and low <= int(answer) <= high):
        raise CommandFailed(f"% A decimal number between {low} and {high}.")
    return int(answer)


async def _ask_default(context: Context, prompt: str, is_default: Callable[[str], bool]) -> None:
    answer = await _ask(context, prompt)
    if answer and not is_default(answer):
        raise CommandFailed(f"% {answer}: not supported here, only the default is.")


def _says_yes(answer: str) -> bool:
    if answer and not _says_no(answer) and not "yes".startswith(answer.lower()):
        raise CommandFailed("% Please answer 'yes' or 'no'.")
    return bool(answer) and not _says_no(answer)


def _says_no(answer: str) -> bool:
    return "no".startswith(answer.lower())


# --- the ping itself ---


async def _ping(context: Context, request: PingRequest) -> None:
    """Prints a mark per probe as it is decided, and the summary, also of one that the operator ended."""
    out = context.out
    out.line("Type escape sequence to abort.")
    out.line(
        f"Sending {request.repeat}, {request.size}-byte ICMP Echos to {request.destination}, "
        f"timeout is {request.timeout // SECOND} seconds:"
    )
    if request.source is not None:
        out.line(f"Packet sent with a source address of {request.source} ")  # IOS ends this line with a blank
    tally = _Tally(out.write)
    finished = await context.unless_interrupted(context.router.engine.ping(request, tally.add))
    # The probe under way when it was ended has been sent, and is not answered.
    sent = tally.decided if finished else min(tally.decided + 1, request.repeat)
    tally.print_summary(sent)


class _Tally:
    def __init__(self, write: Callable[[str], None]) -> None:
        self.decided = 0
        self._replies = 0
        self._total = 0  # microseconds
        self._least = 0
        self._most = 0
        self._write = write

    def add(self, probe: Probe) -> None:
        self.decided += 1
        if probe.outcome is ProbeOutcome.REPLY:
            self._least = min(self._least, probe.round_trip) if self._replies else probe.round_trip
            self._most = max(self._most, probe.round_trip)
            self._replies += 1
            self._total += probe.round_trip
        self._write(probe.outcome.value)
        if self.decided % _MARKS_PER_LINE == 0:
            self._write("\n")

    def print_summary(self, sent: int) -> None:
        if self.decided % _MARKS_PER_LINE:
            self._write("\n")
        percent = 100 * self._replies // sent if sent else 0
        times = ""
        if self._replies:
            shown = "/".join(str(milliseconds(time)) for time in (self._least, self._total // self._replies, self._most))
            times = f", round-trip min/avg/max = {shown} ms"
        self._write(f"Success rate is {percent} percent ({self._replies}/{sent}){times}\n")


_OPTIONS = (
    "[repeat <repeat:int({}-{})> | size <size:int({}-{})> | timeout <timeout:int({}-{})>"
    " | source {{<source:address> | <interface:interface>}}]*"
).format(*REPEAT, *SIZE, *TIMEOUT)

COMMANDS = (
    ExecCommand("ping [vrf <vrf:word>] [ip]", _dialogue, user=True),
    ExecCommand(f"ping [vrf <vrf:word>] [ip] <destination:host> {_OPTIONS}", _with_options, user=True),
)
