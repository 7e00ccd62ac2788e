"""Bench: how long the event loop is held while a thousand negotiations run: `python -m bench.stall`.

A hub and its spokes in one process, by real time: every spoke pings the hub's network, which wants a main and a quick mode; then
all sessions are cleared, and so on. Beside them a probe wants every turn of the loop; what lies between two of its turns is what a
poll would have waited.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median

from agent.app import settle_memory
from agent.base.clock import RealClock
from agent.base.origin import CONSOLE
from agent.base.runner import RealRunner
from agent.engine.values import ClearSessions, PingRequest
from agent.lab.lab import Lab, open_lab
from tests.lab.hub import Lifetimes, configurations, link, spoke_names

SPOKES = 50
NEGOTIATIONS = 1000
GROUP = 14
LIMIT_MS = 20
_HUB = IPv4Address("10.0.0.1")


@dataclass(frozen=True, slots=True)
class Stalls:
    """How long the negotiations took, and for how long the loop was held: of the processor's time, and of the world's."""

    negotiations: int
    seconds: float
    held: list[float]
    waited: list[float]


class Probe:
    """Asks for every turn of the loop."""

    def __init__(self) -> None:
        self.held: list[float] = []
        self.waited: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._last = (time.thread_time(), time.perf_counter())
        self._handle = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        now = (time.thread_time(), time.perf_counter())
        self.held.append(now[0] - self._last[0])
        self.waited.append(now[1] - self._last[1])
        self._last = now
        self._handle = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        self._handle.cancel()


def make_lab(folder: Path) -> Lab:
    """A hub and its spokes on one medium."""
    text = link(SPOKES, "")
    for name, configuration in configurations(SPOKES, Lifetimes()).items():
        (folder / f"{name}.cfg").write_text(configuration.replace(" group 1\n", f" group {GROUP}\n"))
        text += f'[router.{name}]\nconfig = "{name}.cfg"\n'
    (folder / "lab.toml").write_text(text)
    return open_lab(folder / "lab.toml", RealClock())


async def measure(lab: Lab) -> Stalls:
    clock = lab.clock
    assert isinstance(clock, RealClock)
    runner = RealRunner(lab.scheduler, clock)
    runner.start()
    lab.start(lambda router, lines, key: None)
    settle_memory()
    hub = lab.routers["hub"].monitor.vrf(None)
    spokes = [lab.routers[name].engine for name in spoke_names(SPOKES)]
    done, began = 0, time.perf_counter()
    probe = Probe()
    while done < NEGOTIATIONS:
        for number, engine in enumerate(spokes, 1):
            engine.begin_ping(PingRequest(_HUB, source=IPv4Address(f"10.1.{number}.1"), repeat=1))
            await asyncio.sleep(0)  # each is a command of its own
        await runner.until(lambda: len(hub.ipsec_tunnels) == SPOKES)
        done += SPOKES
        for engine in spokes:
            engine.do(ClearSessions(), CONSOLE)
            await asyncio.sleep(0)
        await runner.until(lambda: not len(hub.ike_tunnels))
    probe.stop()
    runner.stop()
    return Stalls(done, time.perf_counter() - began, probe.held, probe.waited)


def main() -> None:
    """One line for each clock."""
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        stalls = asyncio.run(measure(make_lab(Path(folder))))
    print(f"{stalls.negotiations:,} main and quick modes of group {GROUP} in {stalls.seconds:.1f} s, both ends in one process")
    for title, found in (("processor's", stalls.held), ("world's", stalls.waited)):
        busy = sorted(found)[-len(found) // 100 :]
        print(
            f"the loop was held at most {max(found) * 1000:.1f} ms of the {title} time, median of the longest hundredth "
            f"{median(busy) * 1000:.1f} ms (wanted < {LIMIT_MS} ms)"
        )


if __name__ == "__main__":
    main()
