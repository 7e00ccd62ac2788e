"""Shell room: `show processes cpu` and `show processes memory`: one row for each room of the program, under IOS's names.

The processor time is that of the process, which all routers of a lab share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# By the longest beginning of a module's name. The order is that of the rows, and their PIDs.
NAMES: Mapping[str, str] = {
    "": "Init",
    "agent": "Per-Second Jobs",
    "agent.base": "Per-Second Jobs",
    "agent.config": "Parser",
    "agent.lab": "IP Input",
    "agent.lab.ike": "Crypto IKMP",
    "agent.lab.ipsec": "IPSEC key engine",
    "agent.lab.spokes": "Crypto Support",
    "agent.crypto": "Crypto IKMP",
    "agent.crypto.ah": "IPSEC key engine",
    "agent.crypto.esp": "IPSEC key engine",
    "agent.flow": "Crypto MIB",
    "agent.mib": "SNMP ENGINE",
    "agent.snmp": "IP SNMP",
    "agent.snmp.sender": "SNMP Traps",
    "agent.snmp.notifications": "SNMP Traps",
    "agent.snmp.informs": "SNMP Traps",
    "agent.aaa": "AAA Server",
    "agent.syslog": "Logger",
    "agent.shell": "Virtual Exec",
}
_PIDS = {name: pid for pid, name in enumerate(dict.fromkeys(NAMES.values()), 1)}
WINDOWS = (5, 60, 300)  # seconds


@dataclass(frozen=True, slots=True)
class ProcessorUse:
    """`runtime` is milliseconds by module since the start, `samples` how often it was looked at, `shares` percent by window."""

    runtime: Mapping[str, int]
    samples: Mapping[str, int]
    shares: tuple[Mapping[str, float], Mapping[str, float], Mapping[str, float]]


def process_of(module: str) -> str:
    """IOS's name for the work of a module."""
    while module not in NAMES:
        module = module.rpartition(".")[0]
    return NAMES[module]


def _by_process(numbers: Mapping[str, float]) -> dict[str, float]:
    found = dict.fromkeys(_PIDS, 0.0)
    for module, number in numbers.items():
        found[process_of(module)] += number
    return found


def cpu_lines(use: ProcessorUse, by_share: bool = False) -> Iterator[str]:
    """`show processes cpu [sorted]`: every process, as IOS does, those that have used no processor time as well."""
    runtime, samples = _by_process(use.runtime), _by_process(use.samples)
    shares = [_by_process(share) for share in use.shares]
    five, minute, minutes = (round(sum(share.values())) for share in shares)
    yield f"CPU utilization for five seconds: {five}%/0%; one minute: {minute}%; five minutes: {minutes}%"
    yield " PID Runtime(ms)     Invoked      uSecs   5Sec   1Min   5Min TTY Process "
    names = sorted(_PIDS, key=lambda name: -shares[0][name] if by_share else 0)
    for name in names:
        each = 1000 * runtime[name] / samples[name] if samples[name] else 0
        percents = " ".join(f"{share[name]:>5.2f}%" for share in shares)
        yield f"{_PIDS[name]:>4} {runtime[name]:>11.0f} {samples[name]:>11.0f} {each:>10.0f} {percents}   0 {name}"


def memory_lines(total: int, held: Mapping[str, int], by_size: bool = False) -> Iterator[str]:
    """`show processes memory`: octets of the process in all, and those that a router holds, by module."""
    by_process = _by_process(held)
    used = round(sum(by_process.values()))
    yield f"Processor Pool Total: {total:>10} Used: {used:>10} Free: {max(total - used, 0):>10}"
    yield ""
    yield " PID TTY  Allocated      Freed    Holding    Getbufs    Retbufs Process"
    for name in sorted(by_process, key=lambda name: -by_process[name] if by_size else 0):
        octets = round(by_process[name])
        yield f"{_PIDS[name]:>4}   0 {octets:>10} {0:>10} {octets:>10} {0:>10} {0:>10} {name}"
    yield f"{'':>27} {used:>10} Total"
