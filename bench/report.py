"""The benchmark's output: plain text tables. What we want stands beside what was measured; nothing is asserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.load import OPERATIONS, Figure, Operation
from bench.sides import Side

SCALE_LIMIT = 0.8
MEMORY_LIMIT_OCTETS = 1 << 30
START_LIMIT_SECONDS = 1.5
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident octets of one side after it was measured, and how long it took to answer first."""

    side: str
    rows: int
    resident: int
    start_seconds: float

    @classmethod
    def of(cls, side: Side, rows: int) -> Memory:
        """Of a running side, now."""
        return cls(side.name, rows, side.resident_octets(), side.start_seconds)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as they need to be; the first two to the left, the rest to the right."""
    widths = [max(len(line[place]) for line in (headings, *rows)) for place in range(len(headings))]

    def line(words: Sequence[str]) -> str:
        placed = (
            word.ljust(width) if place < 2 else word.rjust(width)
            for place, (word, width) in enumerate(zip(words, widths, strict=True))
        )
        return "  ".join(placed).rstrip()

    return "\n".join((line(headings), line(["-" * width for width in widths]), *map(line, rows)))


def rate_text(figure: Figure) -> str:
    """`12,345 ±1.2%`, with a mark where answers were wrong or lost."""
    bad = f" ({figure.bad} bad)" if figure.bad else ""
    return f"{figure.rate:,.0f} ±{figure.spread:.1%}{bad}"


def rates(figures: Mapping[tuple[int, Operation], Mapping[str, Figure]], names: Sequence[str], limits: bool) -> str:
    """Medians of rates per second, and the ratio of the first side's to the second's.

    The last columns are the shares of their cores that a server and its client used: the server is to be the limit.
    """
    headings = ["tunnels", "operation", *(f"{name}/s" for name in names)]
    if len(names) > 1:
        headings += ["ratio", "wanted"] if limits else ["ratio"]
    headings += [f"cpu {name}, client" for name in names]
    lines = []
    for (rows, operation), found in figures.items():
        words = [f"{rows:,}", operation.title, *(rate_text(found[name]) for name in names)]
        if len(names) > 1:
            first, second = (found[name].rate for name in names)
            words.append(f"{first / second:.2f}" if second else "-")
            words += [f"≥ {operation.limit:.1f}"] if limits else []
        words += [f"{found[name].server_cpu:.0%}, {found[name].client_cpu:.0%}" for name in names]
        lines.append(words)
    return table(headings, lines)


def scale(figures: Mapping[tuple[int, Operation], Mapping[str, Figure]], sizes: Sequence[int], name: str) -> str:
    """One side's rate at the largest size as a share of that at the smallest."""
    small, large = min(sizes), max(sizes)
    lines = []
    for operation in OPERATIONS:
        share = figures[large, operation][name].rate / figures[small, operation][name].rate
        lines.append([operation.title, f"{large:,} / {small:,}", f"{share:.2f}", f"≥ {SCALE_LIMIT}"])
    return table([f"rate of {name}", "tunnels", "share", "wanted"], lines)


def memory(found: Sequence[Memory]) -> str:
    """Resident memory after the measurements; per tunnel as the difference to the same side's smallest size."""
    lines = []
    for one in found:
        base = min((other for other in found if other.side == one.side), key=lambda other: other.rows)
        per_tunnel = f"{(one.resident - base.resident) / (one.rows - base.rows):,.0f}" if one.rows > base.rows else "-"
        wanted = f"≤ {MEMORY_LIMIT_OCTETS / MEBIBYTE:,.0f}" if one.side == "agent" else "-"
        lines.append(
            [
                one.side,
                f"{one.rows:,}",
                f"{one.resident / MEBIBYTE:,.1f}",
                wanted,
                per_tunnel,
                f"{one.start_seconds:.2f}",
            ]
        )
    return table(["side", "tunnels", "resident MiB", "wanted", "octets per tunnel", "seconds to first answer"], lines)
