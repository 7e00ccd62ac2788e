"""Lab room: spokes by number: each spoke's own addresses, configuration and identity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, ip_address

from agent.flow.model import Address, Identity
from agent.lab.labfile.sections import SpokesSection

_PLACE = re.compile(r"\{(\w+)\}")
_RECENT = 4096  # addresses that are kept, so that equal addresses of recent spokes are one object
FIRST = 1  # the number of the first spoke


@dataclass(frozen=True, slots=True)
class Series:
    """Addresses by number, `step` apart."""

    first: int
    step: int

    def address(self, number: int) -> int:
        return self.first + (number - FIRST) * self.step

    def number_of(self, address: int) -> int | None:
        """The number of the spoke with an address; None if no spoke has it."""
        number, rest = divmod(address - self.first, self.step)
        return None if rest or number < 0 else number + FIRST

    def is_first(self, address: int) -> bool:
        """Whether an address belongs to the first spoke: it is in the same block of `step` addresses, such as its subnet."""
        return address // self.step == self.first // self.step


class UnknownPlaceError(Exception):
    """A configuration has a placeholder that does not exist."""


class SpokeNumbers:
    """The numbering of one [[spokes]] section. `address` are the spokes' peer addresses, `inside` the sources of their traffic."""

    def __init__(self, section: SpokesSection, template: str) -> None:
        self.count = section.count
        self.address = Series(int(section.address.first), section.address.step)
        self.inside = Series(int(section.inside.first), section.inside.step)
        self._template = template
        self.moved = lru_cache(_RECENT)(self._moved)
        self.identity = lru_cache(_RECENT)(self._identity)
        # A name with a placeholder of the configuration differs for each spoke.
        self._names = [word for word in template.split() if _PLACE.search(word)]

    def number_of(self, address: Address) -> int | None:
        """The number of the spoke with a peer address; None if no spoke has it."""
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
        """The address of spoke `number` that corresponds to this address of the first spoke. Other addresses stay."""
        for series in (self.inside, self.address):
            if isinstance(address, IPv4Address) and series.is_first(int(address)):
                return IPv4Address(int(address) + (number - FIRST) * series.step)
        return address

    def _identity(self, identity: Identity, number: int) -> Identity:
        """A spoke's identity in place of the first one's: its address, or its name if that has a placeholder."""
        if not identity.is_address:
            names = (self._filled(word, number) for word in self._names if self._filled(word, FIRST) == identity.value)
            return Identity(False, next(names, identity.value))
        return Identity(True, str(self.moved(ip_address(identity.value), number)))
