"""Lab room: spokes by number: the addresses of each, its configuration, and its own form of what the first one's tunnels say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Any

from agent.crypto.ciphers import RandomSource
from agent.flow.model import Address, Endpoint, Identity, IkeFacts, IpsecFacts
from agent.lab.labfile.sections import SeriesSection, SpokesSection

_PLACE = re.compile(r"\{(\w+)\}")
_COOKIE_OCTETS = 8
FIRST = 1  # the number of the first spoke


@dataclass(frozen=True, slots=True)
class Series:
    """Addresses by number, `step` apart."""

    first: int
    step: int

    @classmethod
    def of(cls, section: SeriesSection) -> Series:
        return cls(int(section.first), section.step)

    def address(self, number: int) -> int:
        return self.first + (number - FIRST) * self.step

    def number_of(self, address: int) -> int | None:
        """Whose address it is; None for one between two spokes' or before the first's."""
        number, rest = divmod(address - self.first, self.step)
        return None if rest or number < 0 else number + FIRST

    def moved(self, address: Address, number: int) -> Address:
        """The address that stands to spoke `number` as this one does to the first; one that is not the first's stays.

        The first spoke's are those of the block of `step` addresses that its own is in: its subnet's, say.
        """
        if isinstance(address, IPv4Address) and int(address) // self.step == self.first // self.step:
            return IPv4Address(int(address) + (number - FIRST) * self.step)
        return address


class UnknownPlaceError(Exception):
    """A configuration names a place that spokes have nothing for."""


@dataclass(frozen=True, slots=True)
class SpokeNumbers:
    """One [[spokes]] section's spokes: `address` is where the hub meets them, `inside` where their traffic comes from.

    `names` are the hub's `ip host` lines, by address. `descriptions` are its `crypto isakmp peer` lines', by address and VRF.
    """

    count: int
    address: Series
    inside: Series
    template: str
    names: Mapping[Address, str]
    descriptions: Mapping[tuple[Address, str | None], str]

    @classmethod
    def of(
        cls,
        section: SpokesSection,
        template: str,
        names: Mapping[Address, str],
        descriptions: Mapping[tuple[Address, str | None], str],
    ) -> SpokeNumbers:
        return cls(section.count, Series.of(section.address), Series.of(section.inside), template, names, descriptions)

    def number_of(self, address: Address) -> int | None:
        """Whose address the hub meets there; None where it is none of the spokes'."""
        number = self.address.number_of(int(address))
        return number if number is not None and number <= self.count else None

    def configuration(self, number: int) -> str:
        """The spoke's configuration. Raises UnknownPlaceError."""
        places = {
            "number": str(number),
            "address": str(IPv4Address(self.address.address(number))),
            "inside": str(IPv4Address(self.inside.address(number))),
        }

        def fill(found: re.Match[str]) -> str:
            if found[1] not in places:
                line = self.template.count("\n", 0, found.start()) + 1
                raise UnknownPlaceError(f"line {line}: {found[0]} is unknown; there are {{{'}, {'.join(places)}}}")
            return places[found[1]]

        return _PLACE.sub(fill, self.template)

    def ike_facts(self, facts: IkeFacts, number: int, random: RandomSource) -> IkeFacts:
        """What the phase 1 of a spoke agreed on, where that of the first agreed on `facts`; cookies are random."""
        cookies = random.take(2 * _COOKIE_OCTETS)
        initiator, responder = cookies[:_COOKIE_OCTETS], cookies[_COOKIE_OCTETS:]
        return replace(facts, **self.of_peer(facts, number), initiator_cookie=initiator, responder_cookie=responder)

    def of_peer(self, facts: IkeFacts, number: int) -> dict[str, Any]:
        """What of a phase 1 is the spoke's own."""
        remote = self.address.moved(facts.remote_address, number)
        return {
            "remote": self.identity(facts.remote, number),
            "remote_address": remote,
            "remote_name": self.names.get(remote, ""),
            "description": self.descriptions.get((remote, facts.front_vrf), ""),
        }

    def ipsec_facts(self, facts: IpsecFacts, number: int) -> IpsecFacts:
        return replace(
            facts,
            remote_address=self.address.moved(facts.remote_address, number),
            remote=tuple(self._endpoint(end, number) for end in facts.remote),
        )

    def identity(self, identity: Identity, number: int) -> Identity:
        """A spoke's form of the first one's identity: its address, or its name where that has its number in it."""
        if identity.is_address:
            value = _address_of(identity.value)
            return Identity(True, str(self.address.moved(value, number))) if value else identity
        # A name that the configuration makes of the spoke's own places is another one for each spoke.
        for word in self.template.split():
            if _PLACE.search(word) and self._filled(word, FIRST) == identity.value:
                return Identity(False, self._filled(word, number))
        return identity

    def _filled(self, word: str, number: int) -> str:
        return SpokeNumbers(self.count, self.address, self.inside, word, {}, {}).configuration(number)

    def _endpoint(self, end: Endpoint, number: int) -> Endpoint:
        first = self.moved(end.first, number)
        last = end.last if end.kind == "subnet" else self.moved(end.last, number)
        return Endpoint(end.kind, first, last, end.protocol, end.port, self.names.get(first, "") if end.kind == "address" else "")

    def pair(self, ends: tuple[Address, Address], number: int) -> tuple[Address, Address]:
        return self.moved(ends[0], number), self.moved(ends[1], number)

    def moved(self, address: Address, number: int) -> Address:
        """A spoke's own form of an address of the first one's."""
        inside = self.inside.moved(address, number)
        return inside if inside is not address else self.address.moved(address, number)


def _address_of(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None
