"""Lab room: builds a lab from its file: routers with their configuration, monitor, device and engine, and the timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType

from agent.base.clock import RealClock, VirtualClock, world_date
from agent.base.endpoints import Endpoint
from agent.base.runner import RealRunner, Runner, VirtualRunner, runner_of
from agent.base.scheduler import Scheduler
from agent.config.commands import build
from agent.config.defaults import policies_in_force
from agent.config.document import Document, load_file, read_file, read_utf8_file
from agent.config.errors import ConfigError, ConfigErrors, UnreadableFileError
from agent.crypto.ciphers import RandomSource
from agent.engine.port import Node
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor
from agent.lab.engine import LabEngine
from agent.lab.labfile.reading import LabFileError, parse_lab_file
from agent.lab.labfile.sections import AtSection, LabFile, RouterSection, router_name_for
from agent.lab.policy.trustpoints import Certificates, Trustpoints, read_trustpoints, unknown_trustpoints
from agent.lab.randomness import SeededRandom, SystemRandom
from agent.lab.router import Router
from agent.lab.spokes.opening import Opening
from agent.lab.spokes.pair import HUB
from agent.lab.spokes.spokes import Spokes
from agent.lab.timeline.faults import LINK_FAULTS, ROUTER_FAULTS, change_quality
from agent.lab.timeline.traffic import Traffic
from agent.lab.wire.underlay import Underlay, underlay_problems
from agent.lab.wiring import Wiring

DEFAULT_SEED = 0
RunLines = Callable[["LabRouter", tuple[str, ...], str], None]
Text = tuple[str, str]  # a configuration, and the name of the file that it is from


@dataclass(frozen=True, slots=True, eq=False)
class LabRouter(Node):
    """One router of a lab. `snmp` and `ssh` are the addresses in the lab file where it answers."""

    engine: LabEngine
    snmp: tuple[Endpoint, ...]
    ssh: tuple[Endpoint, ...]
    router: Router


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
        spokes: tuple[Spokes, ...],
        external_traffic: bool,
        underlays: dict[str, Underlay],
        documents: tuple[Document, ...],
        filename: str,
    ) -> None:
        """`documents`: the configurations, one a file, those of spokes too."""
        self.routers = routers
        self.underlays = underlays
        self.clock = clock
        self.scheduler = scheduler
        self.runner = runner
        self.timeline = timeline
        self.traffic = traffic
        self.spokes = spokes
        self.external_traffic = external_traffic
        self.documents = documents
        self.filename = filename

    @property
    def first(self) -> LabRouter:
        return next(iter(self.routers.values()))

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


def random_source(clock: RealClock | VirtualClock, seed: int | None) -> RandomSource:
    """The source of random octets: the system's, or a seeded one under a virtual clock, so that a run can be repeated exactly."""
    if isinstance(clock, VirtualClock):
        return SeededRandom(DEFAULT_SEED if seed is None else seed)
    return SystemRandom()


def open_lab(path: Path, clock: RealClock | VirtualClock) -> Lab:
    """Build the lab of a file. Raises LabFileError or ConfigErrors with all errors of it and its configurations."""
    text = read_utf8_file(path)
    try:
        return _open_lab(path, text, clock)
    except LabFileError as wrong:
        raise wrong.located(text) from None


def _open_lab(path: Path, text: str, clock: RealClock | VirtualClock) -> Lab:
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
    return build_lab(lab, texts, clock, str(path), templates, trustpoints)


def open_router(path: Path, clock: RealClock | VirtualClock) -> Lab:
    """A lab of one router from its IOS configuration, named after its hostname. Its peers are on no wire. Raises ConfigErrors."""
    text = read_file(path)
    document = load_file(text, str(path), other="a lab file is run without --config")
    name = router_name_for(document.config.hostname)
    lab = LabFile(router={name: RouterSection(config=path.name)})
    return build_lab(lab, {name: (text, str(path))}, clock, str(path))


def build_lab(
    lab: LabFile,
    texts: dict[str, Text],
    clock: RealClock | VirtualClock,
    filename: str,
    templates: Sequence[Text] = (),
    trustpoints: Mapping[str, Trustpoints] = MappingProxyType({}),
) -> Lab:
    """`texts`: the routers' configurations by name; `templates`: those of the sections of spokes, in their order.

    `trustpoints`: by router, what its trustpoints' files hold.
    """
    documents = _load_all(texts)
    scheduler = Scheduler(clock)
    runner = runner_of(scheduler, clock)
    random = random_source(clock, lab.seed)
    configs = {name: document.config for name, document in documents.items()}
    problems = underlay_problems(lab, configs, isinstance(clock, RealClock)) + unknown_trustpoints(lab, configs)
    if problems:
        raise LabFileError(filename, problems)
    epoch = (lab.date or world_date()) - timedelta(microseconds=clock.now())
    date = partial(_date, epoch, clock)
    known = {name: Certificates(config, trustpoints.get(name, {}), date) for name, config in configs.items()}
    routers = {
        name: _build_router(name, section, documents[name], scheduler, runner, random, known[name], epoch)
        for name, section in lab.router.items()
    }
    underlays = {name: Underlay(name, section, scheduler, filename) for name, section in lab.router.items() if section.ike}
    wiring = Wiring({name: built.router for name, built in routers.items()}, underlays, scheduler, random, filename)
    traffic = wiring.join(lab)
    files = {document.filename: document for document in documents.values()}

    def hidden(known: Trustpoints, lab: LabFile, texts: dict[str, Text], clock: VirtualClock) -> Lab:
        """A lab of a hub and a spoke. Errors of its configurations are reported like those of the routers."""
        built = build_lab(lab, texts, clock, filename, trustpoints={HUB: known})
        for document in built.documents:
            files.setdefault(document.filename, document)
        return built

    spokes = []
    for at, (section, template) in enumerate(zip(lab.spokes, templates, strict=True)):
        hub = section.hub[0]
        build = partial(hidden, trustpoints.get(hub, {}))
        opening = Opening(at, lab, filename, routers[hub].router, (texts[hub], template), build)
        spokes.append(opening.spokes(scheduler, random))
        routers[hub].engine.spokes.append(spokes[-1])
    return Lab(
        routers=routers,
        clock=clock,
        scheduler=scheduler,
        runner=runner,
        timeline=tuple(lab.at),
        traffic=traffic,
        spokes=tuple(spokes),
        external_traffic=lab.external_traffic,
        underlays=underlays,
        documents=tuple(files.values()),
        filename=filename,
    )


def _date(epoch: datetime, clock: RealClock | VirtualClock) -> datetime:
    return epoch + timedelta(microseconds=clock.now())


def _load_all(texts: dict[str, Text]) -> dict[str, Document]:
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


def _build_router(
    name: str,
    section: RouterSection,
    document: Document,
    scheduler: Scheduler,
    runner: Runner,
    random: RandomSource,
    certificates: Certificates,
    epoch: datetime,
) -> LabRouter:
    config = document.config
    crypto = config.crypto
    monitor = FlowMonitor(scheduler.clock, crypto.history_tunnel_size, crypto.history_failure_size)
    description = section.sysdescr if section.sysdescr is not None else f"Simulated VPN router {config.hostname}"
    device = Device(config.hostname, description, section.sysobjectid)
    udp_always = section.ike is not None
    router = Router(
        config=config,
        device=device,
        monitor=monitor,
        scheduler=scheduler,
        random=random,
        isakmp_policies=lambda: policies_in_force(config),
        certificates=certificates,
        udp_always=udp_always,
    )
    return LabRouter(
        name=name,
        document=document,
        monitor=monitor,
        device=device,
        engine=LabEngine(router, runner.until),
        epoch=epoch,
        snmp=tuple(section.snmp),
        ssh=tuple(section.ssh),
        router=router,
    )
