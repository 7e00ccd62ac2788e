"""Shell room: `show crypto ruleset`: what IOS makes of crypto maps and their access lists, interface by interface.

The form is that of the Cisco IOS Security Command Reference: the protocol in hexadecimal, both ends, what becomes of the packet.
With `detail` each rule has its number, and a `deny` the number that it leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import count, groupby

from agent.config.protection import Protection, line_of
from agent.engine.flows import TunnelsByMap, selector_of
from agent.flow.model import Endpoint, EndpointPair, IpsecTunnel

_BASE = 20_000_000_000_000
_PER_ENTRY = 1_000_000
_PER_LINE = 10
_MAP, _SA = 9, 5  # the last digit: a rule of the map, one of an SA
_LAST = 999_999  # of an entry: what it denies goes on with the next
_ANY = "ANY"
_ALL = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class _Rule:
    number: int
    text: str

    def line(self, detail: bool) -> str:
        return f" {self.number} {self.text}" if detail else f" {self.text}"


def ruleset_lines(protections: Iterable[Protection], tunnels: TunnelsByMap, detail: bool) -> Iterator[str]:
    """The rules of each interface, in the order in which they are tried. Those of an SA come before the map's that made it.

    The numbers go on through all templates of an entry's dynamic map.
    """
    for interface, of_interface in groupby(protections, lambda each: each.interface):
        yield f"{interface}:"
        for (_, sequence), of_entry in groupby(of_interface, lambda each: (each.map_name, each.sequence)):
            entry = _BASE + sequence * _PER_ENTRY
            numbers = count(entry + _PER_LINE, _PER_LINE)
            denied = f" DENY -> {entry + _LAST}" if detail else " DENY"
            for protection in of_entry:
                yield from (rule.line(detail) for rule in _rules(protection, tunnels.take(protection), numbers, denied))


def _rules(protection: Protection, live: Sequence[IpsecTunnel], numbers: Iterator[int], denied: str) -> Iterator[_Rule]:
    if protection.dynamic and not protection.rules:
        for tunnel in live:
            yield from _sa_rules(next(numbers), tunnel)
        yield _Rule(next(numbers) + _MAP, f"IP {_ANY} {_ANY} IPSec Cryptomap")
        return
    for rule in protection.rules:
        at, words = next(numbers), _words(selector_of(rule))
        if not rule.permit:
            yield _Rule(at + _MAP, f"{words}{denied}")
            continue
        line = line_of(protection.entry, rule.text)
        for tunnel in live:
            if tunnel.facts.acl_entry == line:
                yield from _sa_rules(at, tunnel)
        yield _Rule(at + _MAP, f"{words} IPSec Cryptomap")


def _sa_rules(at: int, tunnel: IpsecTunnel) -> Iterator[_Rule]:
    return (_Rule(at + _SA, f"{_words(pair)} IPSec SA") for pair in tunnel.facts.endpoints)


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
    if not int(end.last):
        return f"{_ANY}{port}"
    wildcard = int(end.last) ^ _ALL
    mask: object = end.last if wildcard & (wildcard + 1) else 32 - wildcard.bit_length()  # a mask with gaps has no length
    return f"{end.first}/{mask}{port}"
