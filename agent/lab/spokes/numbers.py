"""Lab room: spokes by number: what each has of its own: its addresses, its configuration, and its identity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from agent.flow.model import Address, Identity
from agent.lab.labfile.sections import SpokesSection

_PLACE = re.compile(r"\{(\w+)\}")
_RECENT = 4096  # the addresses of spokes that come up together: what is equal is one object in all their records
FIRST = 1  # the number of the first spoke


@dataclass(frozen=True, slots=True)
class Series:
    """Addresses by number, `step` apart."""

    first: int
    step: int

    def address(self, number: int) -> int:
        return self.first + (number - FIRST) * self.step

    def number_of(self, address: int) -> int | None:
        """Whose address it is; None for one between two spokes' or before the first's."""
        number, rest = divmod(address - self.first, self.step)
        return None if rest or number < 0 else number + FIRST

    def is_first(self, address: int) -> bool:
        """Whether an address is the first spoke's: in the block of `step` addresses that its own is in, its subnet's, say."""
        return address // self.step == self.first // self.step


class UnknownPlaceError(Exception):
    """A configuration names a place that spokes have nothing for."""


class SpokeNumbers:
    """One [[spokes]] section's spokes: `address` is where the hub meets them, `inside` where their traffic comes from."""

    def __init__(self, section: SpokesSection, template: str) -> None:
        self.count = section.count
        self.address = Series(int(section.address.first), section.address.step)
        self.inside = Series(int(section.inside.first), section.inside.step)
        self._template = template
        self.moved = lru_cache(_RECENT)(self._moved)
        self.identity = lru_cache(_RECENT)(self._identity)
        # A name that the configuration makes of the spoke's own places is another one for each spoke.
        self._names = [word for word in template.split() if _PLACE.search(word)]

    def number_of(self, address: Address) -> int | None:
        """Whose address the hub meets there; None where it is none of the spokes'."""
        number = self.address.number_of(int(address))
        return number if number is not None and number <= self.count else None

    def configuration(self, number: int) -> str:
        """The spoke's configuration. Raises UnknownPlaceError."""
        return self._filled(self._template, number)

    def _filled(self, text: str, number: int) -> str:
        series = {"address": self.address, "inside": self.inside}
        places = {"number": str(number), **{name: str(IPv4Address(each.address(number))) for name, each in series.items()}}

        def fill(found: re.Match[str]) -> str:
            if found[1] not in places:
                line = text.count("\n", 0, found.start()) + 1
                raise UnknownPlaceError(f"line {line}: {found[0]} is unknown; there are {{{'}, {'.join(places)}}}")
            return places[found[1]]

        return _PLACE.sub(fill, text)

    def _moved(self, address: Address, number: int) -> Address:
        """The address that stands to spoke `number` as this one does to the first; one that is not the first's stays."""
        for series in (self.inside, self.address):
            if isinstance(address, IPv4Address) and series.is_first(int(address)):
                return IPv4Address(int(address) + (number - FIRST) * series.step)
        return address

    def _identity(self, identity: Identity, number: int) -> Identity:
        """A spoke's form of the first one's identity: its address, or its name where that has a place in it."""
        if not identity.is_address:
            names = (self._filled(word, number) for word in self._names if self._filled(word, FIRST) == identity.value)
            return Identity(False, next(names, identity.value))
        return Identity(True, str(self.moved(ip_address(identity.value), number)))
