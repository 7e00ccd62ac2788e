"""Engine room: the requests that any engine takes, and one router as the views see it.

The lab implements `Engine` for a simulated router. The results of a request come back through the flow monitor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from agent.base.origin import Origin
from agent.config.document import Document
from agent.config.events import ConfigEvent
from agent.engine.access import AccessControl
from agent.engine.values import Admission, CryptoEngine, Phase1Sa, PingRequest, Probe, Refusal, Request
from agent.flow.device import Device
from agent.flow.model import Address
from agent.flow.monitor import FlowMonitor


class Engine(Protocol):
    """What makes the tunnels of one router. `test` says first whether it would refuse a request; then `do` carries it out."""

    def test(self, request: Request) -> Refusal | None:
        """Whether `do` would refuse, and why. It changes nothing."""
        ...

    def do(self, request: Request, origin: Origin | None) -> bool:
        """Carry out a request that `test` does not refuse; whether there was anything to end."""
        ...

    def phase1_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        """Every phase-1 SA, or those with a remote address: deleted ones that are remembered, then the others, oldest first.

        They are told one by one, as of the moment when each is asked for: there may be a hundred thousand.
        """
        ...

    def negotiating_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        """Those in negotiation alone, without a look at the others."""
        ...

    def admission(self) -> Admission:
        """The present state of IKE's call admission control."""
        ...

    def crypto_engine(self) -> CryptoEngine:
        """What encrypts and authenticates, as it is now."""
        ...

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        """Send the probes one after another. `on_probe` gets the outcome of each. Cancelling ends it at once."""
        ...

    def use_access(self, access: AccessControl) -> None:
        """Whom to ask about remote-access clients. Without it nobody may log in."""
        ...

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        """The configuration has changed; the events say how."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One router, or one gateway: its configuration, its tunnel facts, its interfaces, and the engine behind them.

    `epoch` is the moment, with its time zone, at which the router's clock (`monitor.clock`) was 0.
    """

    name: str
    document: Document
    monitor: FlowMonitor
    device: Device
    engine: Engine
    epoch: datetime

    def moment(self, time: int) -> datetime:
        """A moment of the router's clock (microseconds), in the time zone of its configuration."""
        return (self.epoch + timedelta(microseconds=time)).astimezone(self.document.config.zone)
