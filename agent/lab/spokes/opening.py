"""Lab room: a [[spokes]] section made into spokes: its configuration read, and a hidden negotiation held to learn from.

The hidden pair of routers is built as any lab is, from the hub's configuration and that of the first spoke, on a clock of its own.
The last spoke has its own negotiation too, so that a section whose spokes the hub does not treat alike is an error, not a lie.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Address
from typing import Any, Protocol

from agent.base.clock import VirtualClock
from agent.base.scheduler import Scheduler
from agent.config.document import load
from agent.crypto.ciphers import RandomSource
from agent.flow.model import Address, IkeFacts, IpsecFacts
from agent.lab.labfile.reading import LabFileError
from agent.lab.labfile.sections import LabFile, LinkSection, RouterSection, SpokesSection
from agent.lab.spokes.life import Half, HiddenPair, Life, NoTunnelError, Traffic, measure, measure_farewells
from agent.lab.spokes.numbers import FIRST, SpokeNumbers, UnknownPlaceError
from agent.lab.spokes.spokes import Beginning, Spokes
from agent.lab.spokes.steps import Stage

HIDDEN_HUB, _SPOKE = "hub", "spoke"
_HIGHEST = 0xFFFFFFFF
_HIDDEN: dict[str, Any] = {"snmp": [], "ike": None, "nat": None}  # what a hidden router has not
Text = tuple[str, str]


class Built(Protocol):
    """A lab, as far as it is needed here."""

    @property
    def routers(self) -> Mapping[str, Half]: ...

    @property
    def scheduler(self) -> Scheduler: ...


class Build(Protocol):
    """Builds a lab."""

    def __call__(self, lab: LabFile, texts: dict[str, Text], clock: VirtualClock, filename: str, /) -> Built: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the lab that spokes are part of gives them; `filename` is its file's."""

    scheduler: Scheduler
    random: RandomSource
    filename: str


class _SectionError(Exception):
    """What is wrong with a key of the section."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def open_spokes(at: int, lab: LabFile, hub: Half, texts: tuple[Text, Text], surroundings: Surroundings, build: Build) -> Spokes:
    """The spokes of the section at a place of the lab file. `texts`: the hub's configuration, and the spokes' template.

    Raises LabFileError and ConfigErrors.
    """
    try:
        return _open(lab, lab.spokes[at], hub, texts, surroundings, build)
    except _SectionError as problem:
        raise LabFileError(surroundings.filename, [(f"spokes[{at}]{problem.key}", str(problem))]) from None


def _open(lab: LabFile, section: SpokesSection, hub: Half, texts: tuple[Text, Text], given: Surroundings, build: Build) -> Spokes:
    hub_text, (template, template_name) = texts
    names: dict[Address, str] = {address: name for name, address in reversed(hub.router.config.hosts.items())}
    peers = hub.router.config.crypto.peers
    descriptions: dict[tuple[Address, str | None], str] = {key: peer.description or "" for key, peer in peers.items()}
    numbers = SpokeNumbers.of(section, template, names, descriptions)
    _check(section, numbers, hub)

    def pair(number: int) -> HiddenPair:
        spoke_text = _configuration(numbers, number, template_name)
        hidden = LabFile(
            router={HIDDEN_HUB: lab.router[section.hub[0]].model_copy(update=_HIDDEN), _SPOKE: RouterSection(config=template_name)},
            link=[_link(section, numbers, number, spoke_text)],
            host=[
                host.model_copy(update={"behind": (HIDDEN_HUB, host.behind[1])})
                for host in lab.host
                if host.behind[0] == section.hub[0]
            ],
            seed=lab.seed,
        )
        clock = VirtualClock()
        built = build(hidden, {HIDDEN_HUB: hub_text, _SPOKE: spoke_text}, clock, given.filename)
        traffic = Traffic(
            numbers.inside.address(number), int(section.traffic.destination), section.traffic.period, section.traffic.size
        )
        return HiddenPair(built.routers[HIDDEN_HUB], built.routers[_SPOKE], built.scheduler, clock, traffic)

    try:
        _check_alike(numbers, pair(FIRST), pair(numbers.count))
        life = Life(pair(FIRST), measure(pair(FIRST)))
        farewells = measure_farewells(pair(FIRST))
    except NoTunnelError as error:
        raise _SectionError("", f"the hub and a spoke set up no tunnel: {error}") from None
    router = hub.router
    stage = Stage(hub.monitor, router.device, router.sa_keeper.sad, given.random, numbers, life.law, router.sa_keeper.room)
    return Spokes(numbers, life, stage, farewells, given.scheduler, Beginning(section.start, section.over))


def _check(section: SpokesSection, numbers: SpokeNumbers, hub: Half) -> None:
    if section.hub[1] not in hub.router.ports:
        known = ", ".join(hub.router.ports) or "none"
        raise _SectionError(".hub", f"{section.hub[0]} has no interface {section.hub[1]}; there are {known}")
    for key, series in (("address", numbers.address), ("inside", numbers.inside)):
        if series.address(numbers.count) > _HIGHEST:
            raise _SectionError(
                f".{key}", f"{numbers.count} addresses from {IPv4Address(series.first)} on, {series.step} apart, go past the last"
            )


def _configuration(numbers: SpokeNumbers, number: int, template_name: str) -> Text:
    try:
        return numbers.configuration(number), template_name
    except UnknownPlaceError as error:
        raise _SectionError(".config", f"{template_name} {error}") from None


def _link(section: SpokesSection, numbers: SpokeNumbers, number: int, text: Text) -> LinkSection:
    """The wire between the hub's interface and the spoke's that has its address."""
    address = IPv4Address(numbers.address.address(number))
    for interface in load(*text).config.interfaces.values():
        if interface.address is not None and interface.address.ip == address:
            ends = [f"{HIDDEN_HUB}:{section.hub[1]}", f"{_SPOKE}:{interface.name}"]
            return LinkSection.model_validate({"ends": ends, "delay": f"{section.delay}us"})
    raise _SectionError(".config", f"{text[1]} has no interface with {{address}}, which is {address}")


def _check_alike(numbers: SpokeNumbers, first: HiddenPair, last: HiddenPair) -> None:
    """The hub must treat the last spoke as the first: by one map entry, with the same terms."""
    (ike, ipsec), (last_ike, last_ipsec), number = first.first(), last.first(), numbers.count
    cookies: dict[str, Any] = {
        "initiator_cookie": last_ike.facts.initiator_cookie,
        "responder_cookie": last_ike.facts.responder_cookie,
    }
    expected = replace(ike.facts, **numbers.of_peer(ike.facts, number), **cookies)
    differing = _differing(expected, last_ike.facts) + _differing(numbers.ipsec_facts(ipsec.facts, number), last_ipsec.facts)
    if differing:
        raise _SectionError("", f"the hub does not treat all spokes alike: the first and the last differ in {', '.join(differing)}")


def _differing(one: IkeFacts | IpsecFacts, other: IkeFacts | IpsecFacts) -> list[str]:
    names = [field.name for field in fields(one)]
    return [name.replace("_", " ") for name in names if getattr(one, name) != getattr(other, name)]
