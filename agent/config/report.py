"""Config room: the report on a configuration file: lines that are not carried out, and names that nothing defines.

`ipsec-agent config check` prints all of it, `run` a line about what is not understood. Lines about IPsec and SNMP come first: they
are what a router of this program is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from agent.config.document import Document
from agent.config.errors import Finding

_LONGEST = 60  # characters of a line that is quoted

IPSEC, SNMP, OTHER = "IPsec", "SNMP", ""
_WORDS = {
    IPSEC: re.compile(
        r"\b(crypto|ipsec|ike|ikev[12]|isakmp|i[a-z]*kmp|gdoi|transform-set|security-association)\b|tunnel protection", re.I
    ),
    SNMP: re.compile(r"\bsnmp\b", re.I),
}
_MODES = {
    "isakmp-policy", "keyring", "isakmp-profile", "isakmp-peer", "isakmp-group", "trustpoint", "transform-set", "ipsec-profile",
    "crypto-map", "dynamic-map",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that are not understood and are kept together: the first, and those under it."""

    first: Finding
    topic: str
    lines: tuple[Finding, ...]

    def told(self, filename: str) -> str:
        under = len(self.lines) - 1
        about = f" (about {self.topic})" if self.topic else ""
        with_those = f", with the {_count(under, 'line')} under it" if under else ""
        return f"{self.first.told(filename)}{with_those}{about}"


def blocks(unknown: Iterable[Finding]) -> list[Block]:
    """Those about IPsec, about SNMP, and the others, each in the order of the file."""
    sections: dict[int, list[Finding]] = {}
    for finding in unknown:
        sections.setdefault(finding.under or finding.line_number, []).append(finding)
    found = [Block(lines[0], _topic(lines), tuple(lines)) for lines in sections.values()]
    order = (IPSEC, SNMP, OTHER)
    return sorted(found, key=lambda block: (order.index(block.topic), block.first.line_number))


def checked(document: Document) -> list[str]:
    """The whole report on a file, with its sum."""
    name = document.filename
    wrong = [finding.told(name) for finding in document.wrong]
    kept = [block.told(name) for block in blocks(document.unknown)]
    return [*wrong, *kept, *(finding.told(name) for finding in document.warnings), f"{name}: {_sum(document)}"]


def not_understood(document: Document) -> str | None:
    """One line about the lines of a file that are not carried out; None if there are none."""
    if not document.unknown:
        return None
    parts = [f"{_count(len(document.unknown), 'line')} not understood"]
    for topic in (IPSEC, SNMP):
        about = [block for block in blocks(document.unknown) if block.topic == topic]
        if about:
            first = about[0].first
            number = sum(len(block.lines) for block in about)
            parts.append(f"{number} of them about {topic} (line {first.line_number}: {_quoted(first.text)})")
    return f"{document.filename}: {', '.join(parts)}"


def _sum(document: Document) -> str:
    parts = []
    if document.wrong:
        parts.append(f"{_count(len(document.wrong), 'line')} wrong")
    if document.unknown:
        kept = blocks(document.unknown)
        about = [
            f"{sum(len(block.lines) for block in kept if block.topic == topic)} about {topic}"
            for topic in (IPSEC, SNMP)
            if any(block.topic == topic for block in kept)
        ]
        topics = f" ({', '.join(about)})" if about else ""
        parts.append(f"{_count(len(document.unknown), 'line')} not understood{topics}")
    if document.warnings:
        parts.append(_count(len(document.warnings), "warning"))
    return ", ".join(parts) or "every line is understood"


def _topic(lines: Iterable[Finding]) -> str:
    for line in lines:
        if line.mode in _MODES:
            return IPSEC
    for topic, words in _WORDS.items():
        if any(words.search(line.text) for line in lines):
            return topic
    return OTHER


def _quoted(text: str) -> str:
    line = text.strip().split("\n")[0]
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST].rstrip()} …"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
