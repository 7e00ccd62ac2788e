"""Shell room: `show crypto ruleset`: what IOS makes of crypto maps and their access lists, interface by interface.

The form is that of the Cisco IOS Security Command Reference: the protocol in hexadecimal, both ends, what
becomes of the packet. With `detail` each rule has its
number, and a `deny` the number that it leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.config.protection import Protection, line_of
from agent.engine.flows import TunnelsByMap, selector_of
from agent.flow.model import Endpoint, EndpointPair, IpsecTunnel

_BASE = 20_000_000_000_000
_PER_ENTRY = 1_000_000
_PER_LINE = 10
_MAP, _SA = 9, 5  # the last digit: a rule of the map, one of an SA
_LAST = 999_999  # of an entry: what it denies goes on with the next
_ANY = "ANY"


@dataclass(frozen=True, slots=True)
class _Rule:
    number: int
    text: str

    def line(self, detail: bool) -> str:
        return f" {self.number} {self.text}" if detail else f" {self.text}"


def ruleset_lines(protections: Iterable[Protection], tunnels: TunnelsByMap, detail: bool) -> Iterator[str]:
    """The rules of each interface, in the order in which they are tried. Those of an SA come before the map's that made it."""
    shown = None
    for protection in protections:
        if shown != protection.interface:
            shown = protection.interface
            yield f"{protection.interface}:"
        yield from (rule.line(detail) for rule in _rules(protection, tunnels.take(protection), detail))


def _rules(protection: Protection, live: Sequence[IpsecTunnel], detail: bool) -> Iterator[_Rule]:
    entry = _BASE + protection.sequence * _PER_ENTRY
    at = entry
    if protection.dynamic and not protection.rules:
        for at, tunnel in enumerate(live, 1):
            for pair in tunnel.facts.endpoints:
                yield _Rule(entry + at * _PER_LINE + _SA, f"{_words(pair)} IPSec SA")
        yield _Rule(entry + (len(live) + 1) * _PER_LINE + _MAP, f"IP {_ANY} {_ANY} IPSec Cryptomap")
        return
    for rule in protection.rules:
        at += _PER_LINE
        pair = selector_of(rule)
        if not rule.permit:
            yield _Rule(at + _MAP, f"{_words(pair)} DENY{f' -> {entry + _LAST}' if detail else ''}")
            continue
        line = line_of(protection.entry, rule.text)
        for tunnel in live:
            if tunnel.facts.acl_entry == line:
                yield from (_Rule(at + _SA, f"{_words(each)} IPSec SA") for each in tunnel.facts.endpoints)
        yield _Rule(at + _MAP, f"{_words(pair)} IPSec Cryptomap")


def _words(pair: EndpointPair) -> str:
    """A selector: the protocol in hexadecimal, and both ends."""
    protocol = pair[0].protocol or pair[1].protocol
    return f"{f'{protocol:X}' if protocol else 'IP'} {_end(pair[0])} {_end(pair[1])}"


def _end(end: Endpoint) -> str:
    port = f"/{end.port}" if end.port else ""
    if end.kind == "range" and end.first != end.last:
        return f"{end.first}-{end.last}{port}"
    if end.kind != "subnet" or not isinstance(end.last, IPv4Address):
        return f"{end.first}{port}"
    length = bin(int(end.last)).count("1")
    return f"{_ANY if not length else f'{end.first}/{length}'}{port}"
