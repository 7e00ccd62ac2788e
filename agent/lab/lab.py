"""Lab room: builds a lab from its file: routers with their configuration, the wires between them, and the timeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType

from agent.base.clock import RealClock, VirtualClock, world_date
from agent.base.errors import UserError
from agent.base.runner import RealRunner, VirtualRunner, runner_of
from agent.base.scheduler import Scheduler
from agent.config.commands import build
from agent.config.document import Document, load, load_file, read_file, read_utf8_file
from agent.config.errors import ConfigError, ConfigErrors, UnreadableFileError
from agent.config.startup import Startup
from agent.crypto.ciphers import RandomSource
from agent.lab.chassis import Chassis, LabRouter
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.labfile.sections import AtSection, LabFile, RouterSection, router_name_for
from agent.lab.policy.trustpoints import Trustpoints, read_trustpoints, unknown_trustpoints
from agent.lab.randomness import SeededRandom, SystemRandom
from agent.lab.spokes.opening import Opening
from agent.lab.spokes.pair import HUB
from agent.lab.spokes.spokes import Spokes
from agent.lab.timeline.faults import LINK_FAULTS, ROUTER_FAULTS, change_quality
from agent.lab.timeline.traffic import Traffic
from agent.lab.wire.underlay import Underlay, underlay_problems
from agent.lab.wiring import Wiring

DEFAULT_SEED = 0
_log = logging.getLogger(__name__)
STARTUP_SUFFIX = ".startup-config"
RunLines = Callable[[LabRouter, tuple[str, ...], str], None]
Text = tuple[str, str]  # a configuration, and the name of the file that it is from


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """What a lab needs to restart a router: its chassis, its startup configuration, and what makes its spokes by number."""

    chassis: Chassis
    startup: Startup
    spokes: Callable[[LabRouter, Text], None]


class Lab:
    """Routers by name, in the order of the file. After `start` the lab runs as the scheduler's runner does."""

    def __init__(
        self,
        routers: dict[str, LabRouter],
        clock: RealClock | VirtualClock,
        scheduler: Scheduler,
        runner: RealRunner | VirtualRunner,
        timeline: tuple[AtSection, ...],
        traffic: tuple[Traffic, ...],
        external_traffic: bool,
        underlays: dict[str, Underlay],
        documents: tuple[Document, ...],
        filename: str,
        slots: Mapping[str, Slot],
        wiring: Wiring,
    ) -> None:
        """`documents`: the configurations, one a file, those of spokes too. `slots` are by the names of the routers."""
        self.routers = routers
        self.underlays = underlays
        self.clock = clock
        self.scheduler = scheduler
        self.runner = runner
        self.timeline = timeline
        self.traffic = traffic
        self.external_traffic = external_traffic
        self.documents = documents
        self.filename = filename
        self.slots = slots
        self._wiring = wiring

    @property
    def first(self) -> LabRouter:
        return next(iter(self.routers.values()))

    @property
    def spokes(self) -> list[Spokes]:
        """The spokes by number, of all routers."""
        return [spokes for router in self.routers.values() for spokes in router.engine.spokes]

    def start(self, run: RunLines, announce: Callable[[str], None] = lambda text: None) -> None:
        """Put the timeline, the traffic and the spokes on the schedule.

        `run` carries out lines of a router's CLI, with their key in the lab file. `announce` is called with each entry that is
        carried out.
        """
        for at, entry in enumerate(self.timeline):
            self.scheduler.at(entry.time, partial(self._happen, at, entry, run, announce))
        for traffic in self.traffic:
            traffic.start()
        for spokes in self.spokes:
            spokes.start()

    def restart(self, name: str) -> LabRouter:
        """Restart a router with its startup configuration.

        It loses everything that it knew, and tells its peers nothing. Its clock begins at 0. Its spokes by number begin as at the
        start of the lab. Raises StartupError and ConfigErrors, and then changes nothing.
        """
        slot, before = self.slots[name], self.routers[name]
        text = _boot(slot.startup)
        document = load(*text)
        router = slot.chassis.boot(document, self.clock.now(), "reload")
        slot.spokes(router, text)
        slot.startup.booted(document)
        before.timers.close()
        self.routers[name] = router
        self._wiring.replace(name, router.router)
        for spokes in router.engine.spokes:
            spokes.start()
        return router

    def _happen(self, at: int, entry: AtSection, run: RunLines, announce: Callable[[str], None]) -> None:
        """Carry out one entry of the timeline."""
        announce(f"timeline: at[{at}]: {_described(entry)}")
        if entry.router is not None:
            router = self.routers[entry.router]
            if entry.run is not None:
                run(router, entry.run, f"at[{at}].run")
            elif entry.fault in ROUTER_FAULTS:
                ROUTER_FAULTS[entry.fault](router.router)
        elif entry.link is not None:
            name, interface = entry.link
            port = self.routers[name].router.ports.get(interface)
            if port is None or port.wire is None:
                return  # the interface has since been removed from the configuration
            if entry.fault in LINK_FAULTS:
                LINK_FAULTS[entry.fault](port.wire)
            change_quality(port.wire, entry.quality)


def _described(entry: AtSection) -> str:
    """A line that describes an entry of the timeline."""
    place = entry.router if entry.router is not None else f"link {':'.join(entry.link or ())}"
    changes = [f"{name} {value}" for name, value in entry.quality.items()]
    return f"{place}: {'; '.join(entry.run or ()) or entry.fault or ', '.join(changes)}"


def _boot(startup: Startup) -> Text:
    """The configuration with which a router starts now. The log has what an operator should know of it."""
    text = startup.boot()
    for notice in startup.notices:
        _log.warning("%s", notice)
    return text


def random_source(clock: RealClock | VirtualClock, seed: int | None) -> RandomSource:
    """The source of random octets: the system's, or a seeded one under a virtual clock, so that a run can be repeated exactly."""
    if isinstance(clock, VirtualClock):
        return SeededRandom(DEFAULT_SEED if seed is None else seed)
    return SystemRandom()


def open_lab(path: Path, clock: RealClock | VirtualClock, state_dir: Path | None = None) -> Lab:
    """Build the lab of a file. Raises LabFileError or ConfigErrors with all errors of it and its configurations.

    `state_dir` is where the routers' startup configurations are, and are saved; without it, they are saved in memory.
    """
    text = read_utf8_file(path)
    try:
        return _open_lab(path, text, clock, state_dir)
    except LabFileError as wrong:
        raise wrong.located(text) from None


def _open_lab(path: Path, text: str, clock: RealClock | VirtualClock, state_dir: Path | None) -> Lab:
    lab = parse_lab_file(text, str(path))
    problems: list[tuple[str, str]] = []

    def read(key: str, config: str) -> tuple[str, str]:
        source = path.parent / config
        try:
            return read_file(source), str(source)
        except UnreadableFileError as unreadable:
            problems.append((f"{key}.config", f"{config}: {unreadable.why}"))
            return "", str(source)
        except ConfigErrors as wrong:
            for error in wrong.errors:
                line = f":{error.line_number}" if error.line_number else ""
                problems.append((f"{key}.config", f"{config}{line} needs {error.what_would_be_right}"))
            return "", str(source)

    texts = {name: read(f"router.{name}", section.config) for name, section in lab.router.items()}
    templates = [read(f"spokes[{at}]", section.config) for at, section in enumerate(lab.spokes)]
    trustpoints, wrong = read_trustpoints(lab, path.parent)
    problems += wrong
    if problems:
        raise LabFileError(str(path), problems)
    startups = {name: Startup(name, given, _kept(state_dir, path, name), readable=True) for name, given in texts.items()}
    return build_lab(lab, texts, clock, str(path), templates, trustpoints, startups)


def _kept(state_dir: Path | None, path: Path, router: str) -> Path | None:
    """Where the startup configuration of a router is saved."""
    return None if state_dir is None else state_dir / f"{path.stem}.{router}{STARTUP_SUFFIX}"


def open_router(path: Path, clock: RealClock | VirtualClock, state_dir: Path | None = None) -> Lab:
    """A lab of one router from its IOS configuration, named after its hostname. Its peers are on no wire. Raises ConfigErrors."""
    text = read_file(path)
    document = load_file(text, str(path), other="a lab file is run without --config")
    name = router_name_for(document.config.hostname)
    lab = LabFile(router={name: RouterSection(config=path.name)})
    startup = Startup(name, (text, str(path)), _kept(state_dir, path, name), readable=True)
    return build_lab(lab, {name: (text, str(path))}, clock, str(path), startups={name: startup})


def build_lab(
    lab: LabFile,
    texts: Mapping[str, Text],
    clock: RealClock | VirtualClock,
    filename: str,
    templates: Sequence[Text] = (),
    trustpoints: Mapping[str, Trustpoints] = MappingProxyType({}),
    startups: Mapping[str, Startup] | None = None,
) -> Lab:
    """`texts`: the routers' configurations by name; `templates`: those of the sections of spokes, in their order.

    `trustpoints`: by router, what its trustpoints' files hold. `startups`: by router, where its configuration may be saved.
    """
    startups = startups or {name: Startup(name, given) for name, given in texts.items()}
    boots = {name: _boot(startup) for name, startup in startups.items()}
    documents = _load_all(boots)
    scheduler = Scheduler(clock)
    runner = runner_of(scheduler, clock)
    random = random_source(clock, lab.seed)
    # What the lab file says of an interface or a trustpoint must fit the files that it names, not what an operator has saved.
    configs = {name: document.config for name, document in documents.items() if not startups[name].is_saved}
    problems = underlay_problems(lab, configs, isinstance(clock, RealClock)) + unknown_trustpoints(lab, configs)
    if problems:
        raise LabFileError(filename, problems)
    epoch = (lab.date or world_date()) - timedelta(microseconds=clock.now())
    date = partial(_date, epoch, clock)
    chassis = {
        name: Chassis(name, section, trustpoints.get(name, {}), scheduler, runner, random, epoch, date)
        for name, section in lab.router.items()
    }
    routers = {name: chassis[name].boot(document) for name, document in documents.items()}
    underlays = {name: Underlay(name, section, scheduler, filename) for name, section in lab.router.items() if section.ike}
    saved = frozenset(name for name, startup in startups.items() if startup.is_saved)
    wiring = Wiring({name: built.router for name, built in routers.items()}, underlays, scheduler, random, filename, saved)
    traffic = wiring.join(lab)
    files = {document.filename: document for document in documents.values()}

    def hidden(known: Trustpoints, lab: LabFile, texts: dict[str, Text], clock: VirtualClock) -> Lab:
        """A lab of a hub and a spoke. Errors of its configurations are reported like those of the routers."""
        built = build_lab(lab, texts, clock, filename, trustpoints={HUB: known})
        for document in built.documents:
            files.setdefault(document.filename, document)
        return built

    def give_spokes(hub: LabRouter, text: Text) -> None:
        """Make the spokes that the lab file gives a router whose configuration is `text`."""
        build = partial(hidden, trustpoints.get(hub.name, {}))
        for at, (section, template) in enumerate(zip(lab.spokes, templates, strict=True)):
            if section.hub[0] == hub.name:
                opening = Opening(at, lab, filename, hub.router, (text, template), build)
                hub.engine.spokes.append(opening.spokes(hub.timers, random))

    def give_spokes_if_possible(hub: LabRouter, text: Text) -> None:
        """The same for a configuration that need not fit the lab file."""
        try:
            give_spokes(hub, text)
        except UserError as wrong:
            _log.warning("%s has no spokes: %s", hub.name, wrong)

    for name, startup in startups.items():
        startup.booted(documents[name])
        (give_spokes_if_possible if startup.is_saved else give_spokes)(routers[name], boots[name])
    return Lab(
        routers=routers,
        clock=clock,
        scheduler=scheduler,
        runner=runner,
        timeline=tuple(lab.at),
        traffic=traffic,
        external_traffic=lab.external_traffic,
        underlays=underlays,
        documents=tuple(files.values()),
        filename=filename,
        slots={name: Slot(chassis[name], startup, give_spokes_if_possible) for name, startup in startups.items()},
        wiring=wiring,
    )


def _date(epoch: datetime, clock: RealClock | VirtualClock) -> datetime:
    return epoch + timedelta(microseconds=clock.now())


def _load_all(texts: Mapping[str, Text]) -> dict[str, Document]:
    documents: dict[str, Document] = {}
    errors: list[ConfigError] = []
    commands = build()
    for name, (text, filename) in texts.items():
        try:
            documents[name] = load_file(text, filename, commands)
        except ConfigErrors as wrong:
            errors += wrong.errors
    if errors:
        raise ConfigErrors(tuple(errors))
    return documents
