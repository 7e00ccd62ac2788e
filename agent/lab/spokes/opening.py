"""Lab room: makes the spokes of a [[spokes]] section: reads its configuration, and builds hidden pairs of routers.

A hidden pair is built as any lab, from the hub's configuration and that of the first spoke. A second pair has the last spoke: if
the hub does not treat the two alike, the section is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from agent.base.clock import VirtualClock
from agent.base.scheduler import Timers
from agent.config.document import load
from agent.crypto.ciphers import RandomSource
from agent.flow.model import IkeTunnel, IpsecTunnel
from agent.lab.labfile.reading import LabFileError
from agent.lab.labfile.sections import LabFile, LinkSection, RouterSection
from agent.lab.router import Router
from agent.lab.spokes.numbers import FIRST, SpokeNumbers, UnknownPlaceError
from agent.lab.spokes.pair import HUB, SPOKE, HiddenPair, NoTunnelError
from agent.lab.spokes.script import Script
from agent.lab.spokes.shift import Form, Shift
from agent.lab.spokes.spoke import Spoke
from agent.lab.spokes.spokes import Spokes
from agent.lab.spokes.steady import measure

if TYPE_CHECKING:
    from agent.lab.lab import Lab

_HIGHEST = 0xFFFFFFFF
_HIDDEN: dict[str, Any] = {"snmp": [], "ike": None, "nat": None}  # the keys that a hidden router does without
_RANDOM = ("initiator_cookie", "responder_cookie")  # facts that differ between any two tunnels
Text = tuple[str, str]
Build = Callable[[LabFile, dict[str, Text], VirtualClock], "Lab"]


class Opening:
    """A section of a lab file, whose spokes `hub` gets. `texts`: the hub's configuration, and the template."""

    def __init__(self, at: int, lab: LabFile, filename: str, hub: Router, texts: tuple[Text, Text], build: Build) -> None:
        self._at, self._lab, self._filename = at, lab, filename
        self._section = lab.spokes[at]
        self._hub = hub
        self._hub_text, (template, self._template_name) = texts
        self._build = build
        self._numbers = SpokeNumbers(self._section, template)

    def spokes(self, scheduler: Timers, random: RandomSource) -> Spokes:
        """The spokes. Raises LabFileError and ConfigErrors."""
        section, shift = self._section, Shift(self._numbers, self._hub, random)
        self._check()
        try:
            first = self._pair(FIRST)
            self._check_alike(shift, first, self._pair(section.count))
            steady = measure(first)
            tried = Script(self._pair(FIRST), steady)
            endings = {IpsecTunnel: tried.ending(IpsecTunnel), IkeTunnel: tried.ending(IkeTunnel)}
            script = Script(self._pair(FIRST), steady)
        except NoTunnelError as error:
            raise self._wrong("", f"the hub and a spoke set up no tunnel: {error}") from None
        firsts = (section.start + section.over * place // section.count for place in range(section.count))
        return Spokes(self._hub, shift, script, endings, firsts, scheduler)

    def _wrong(self, key: str, message: str) -> LabFileError:
        return LabFileError(self._filename, [(f"spokes[{self._at}]{key}", message)])

    def _check(self) -> None:
        name, interface = self._section.hub
        if interface not in self._hub.ports:
            known = ", ".join(self._hub.ports) or "none"
            raise self._wrong(".hub", f"{name} has no interface {interface}; there are {known}")
        for key, series in (("address", self._numbers.address), ("inside", self._numbers.inside)):
            if series.address(self._numbers.count) > _HIGHEST:
                what = f"{self._numbers.count} addresses from {IPv4Address(series.first)} on, {series.step} apart, go past the last"
                raise self._wrong(f".{key}", what)

    def _pair(self, number: int) -> HiddenPair:
        section, (name, _) = self._section, self._section.hub
        try:
            text = self._numbers.configuration(number), self._template_name
        except UnknownPlaceError as error:
            raise self._wrong(".config", f"{self._template_name} {error}") from None
        hosts = (host for host in self._lab.host if host.behind[0] == name)
        hidden = LabFile(
            router={HUB: self._lab.router[name].model_copy(update=_HIDDEN), SPOKE: RouterSection(config=self._template_name)},
            link=[self._link(number, text)],
            host=[host.model_copy(update={"behind": (HUB, host.behind[1])}) for host in hosts],
            seed=self._lab.seed,
        )
        clock = VirtualClock()
        built = self._build(hidden, {HUB: self._hub_text, SPOKE: text}, clock)
        return HiddenPair(built, clock, self._numbers.inside.address(number), section.traffic)

    def _link(self, number: int, text: Text) -> LinkSection:
        """The wire between the hub's interface and the interface with the spoke's address."""
        address = IPv4Address(self._numbers.address.address(number))
        for interface in load(*text).config.interfaces.values():
            if interface.address is not None and interface.address.ip == address:
                ends = [f"{HUB}:{self._section.hub[1]}", f"{SPOKE}:{interface.name}"]
                return LinkSection.model_validate({"ends": ends, "delay": f"{self._section.delay}us"})
        raise self._wrong(".config", f"{text[1]} has no interface with {{address}}, which is {address}")

    def _check_alike(self, shift: Shift, first: HiddenPair, last: HiddenPair) -> None:
        """The hub must treat the last spoke as the first: by one map entry, with the same terms."""
        differing: list[str] = []
        pairs: Iterable[tuple[Any, Any]] = zip(first.up(), last.up(), strict=True)
        for one, other in pairs:
            expected, found = Form(one.facts).shifted(shift, Spoke(self._numbers.count, 0)), other.facts
            names = (field.name for field in fields(expected) if field.name not in _RANDOM)
            differing += [name.replace("_", " ") for name in names if getattr(expected, name) != getattr(found, name)]
        if differing:
            what = f"the hub does not treat all spokes alike: the first and the last differ in {', '.join(differing)}"
            raise self._wrong("", what)
