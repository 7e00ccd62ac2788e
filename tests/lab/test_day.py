"""A day of a hub and its spokes under a virtual clock: with loss, rekeys, and spokes that go and come; nothing is lost of what was.

A fiftieth of it each time: a dozen spokes for two hours, with shorter lifetimes. With SOAK=1 in the environment (`make soak`), all
of it: 49 spokes for 24 hours.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from agent.config.edits import Editor
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, IkeTunnelEnded, IkeTunnelStarted, IpsecTunnelEnded, IpsecTunnelStarted
from agent.mib.column import Column
from agent.mib.context import Sources
from agent.mib.contexts import Contexts
from agent.mib.schema import Schema
from agent.mib.tree import Tree
from agent.mib.values import order_key
from agent.snmp.counters import SnmpCounters
from tests.flow.replica import follow, shown
from tests.lab import hub
from tests.lab.conftest import DrivenLab

MINUTE, HOUR = 60, 3600
MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class Size:
    spokes: int
    hours: int
    lifetimes: hub.Lifetimes
    flap_every: int  # seconds
    looks: int  # at random instants


FIFTIETH = Size(12, 2, hub.Lifetimes(ike=2400, ipsec=600), 7 * MINUTE, 12)
WHOLE = Size(49, 24, hub.Lifetimes(ike=4 * HOUR, ipsec=HOUR), 31 * MINUTE, 24)
SIZE = WHOLE if os.environ.get("SOAK") else FIFTIETH
SEEDS = (1, 2)


def flaps(size: Size, last: int) -> str:
    """Spokes in turn lose their power, or their interface, for four minutes; the last of it before the second `last`."""
    spokes, lines = hub.spoke_names(size.spokes), []
    for turn, begin in enumerate(range(size.flap_every, last - 5 * MINUTE, size.flap_every)):
        name = spokes[turn * 5 % len(spokes)]
        faults = [
            ('fault = "router off"', 'fault = "router on"'),
            (
                'run = ["interface FastEthernet0/0", "shutdown"]',
                'run = ["interface FastEthernet0/0", "no shutdown"]',
            ),
        ][turn % 2]
        for second, fault in zip((begin, begin + 4 * MINUTE), faults, strict=True):
            lines.append(f'[[at]]\ntime = "{second}s"\nrouter = "{name}"\n{fault}\n')
    return "".join(lines)


class Day:
    """A lab of that size, and what its hub shows."""

    def __init__(self, size: Size, seed: int, schema: Schema) -> None:
        self.size = size
        self.end = size.hours * HOUR
        quality = 'delay = "20ms"\njitter = "10ms"\nloss = 0.005\nduplicate = 0.001\nreorder = 0.001\ncorrupt = 0.0005'
        toml = f"seed = {seed}\n" + hub.link(size.spokes, quality) + hub.traffic(size.spokes, 10, self.end)
        # The last hour, or half hour, is a quiet one.
        self.lab = DrivenLab(toml + flaps(size, self.end - self.end // 4), hub.configurations(size.spokes, size.lifetimes))
        built = self.lab.lab.routers["hub"]
        crypto = built.document.config.crypto
        self.replica = follow(built.monitor, self.lab.clock, (crypto.history_tunnel_size, crypto.history_failure_size))

        def tree_of(monitor: FlowMonitor) -> Tree:
            config, device, engine = built.document.config, built.device, built.engine
            sources = Sources(schema, config, monitor, device, engine, Editor(config, lambda events: None), SnmpCounters().value)
            tree = Contexts(sources).tree("")
            assert tree is not None
            return tree

        self.tree, self.replica_tree = tree_of(built.monitor), tree_of(self.replica)
        self.started: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()  # by the names of the globals
        self.ends: dict[str, list[int]] = {"ike": [], "ipsec": []}
        self.monitor = built.monitor
        self.monitor.subscribe(self._note)
        self.lab.start()

    def walk(self) -> list[tuple[str, bytes, bytes]]:
        """Every cell of the hub's global context: its object, its index and its encoded value."""
        return self._walk(self.tree)

    def _walk(self, tree: Tree) -> list[tuple[str, bytes, bytes]]:
        cells = tree.successors(b"", self.lab.clock.now())
        return [(column.object.name, entry.suffix, value) for column, entry, value in cells]

    def check_replica(self) -> None:
        """A monitor that has nothing but the records shows the same, but for what live tunnels count; then that, too."""
        now = self.lab.clock.now()
        assert shown(self.replica, now, counters=False) == shown(self.monitor, now, counters=False)
        self.monitor.report_counters()
        assert self._walk(self.replica_tree) == self.walk()

    def _note(self, event: FlowRecord) -> None:
        if isinstance(event, IkeTunnelStarted | IpsecTunnelStarted):
            self.started["ike" if isinstance(event, IkeTunnelStarted) else "ipsec"] += 1
        elif isinstance(event, IkeTunnelEnded | IpsecTunnelEnded):
            kind = "ike" if isinstance(event, IkeTunnelEnded) else "ipsec"
            self.ends[kind].append(event.index)
            flow = self.monitor.vrf(event.vrf)
            newest = max(flow.ike_history if kind == "ike" else flow.ipsec_history)
            for column in self._columns("cikeTunHist" if kind == "ike" else "cipSecTunHist"):
                _, value = self.tree.get(column.key + order_key((newest,)), self.lab.clock.now())
                self.ended[column.object.name.replace("TunHist", "Global")] += number(value)

    def _columns(self, prefix: str) -> list[Column]:
        """The columns of a tunnel's numbers that a global sums."""
        globals_ = {column.object.name for column in self.tree.columns if "Global" in column.object.name}
        return [
            column
            for column in self.tree.columns
            if column.object.name.startswith(prefix)
            and column.object.name.replace(prefix, prefix.replace("TunHist", "Global").replace("Tun", "Global")) in globals_
            and not column.object.name.endswith("Wraps")
        ]

    def check(self) -> None:
        """What must be so at any instant."""
        cells: dict[str, list[int]] = {}
        for name, _, value in self.walk():
            cells.setdefault(name, []).append(number(value))
        for short, prefix in (("ike", "cikeTun"), ("ipsec", "cipSecTun")):
            columns = [column for column in self._columns(prefix) if "Hist" not in column.object.name]
            assert len(columns) > 12
            for column in columns:
                name = column.object.name.replace("Tun", "Global", 1)
                (told,) = cells[name]
                true = sum(cells.get(column.object.name, ())) + self.ended[name]
                assert told == (true if "Hc" in name else true % MODULUS), name
            stem = prefix.removesuffix("Tun")
            active, previous = (cells[f"{stem}Global{which}Tunnels"][0] for which in ("Active", "Previous"))
            assert active + previous == self.started[short]
            assert previous == len(self.ends[short])
            # The history is the last of those that have ended; all before them have slid out.
            flow = self.lab.flow("hub")
            history, live = (flow.ike_history, flow.ike_tunnels) if short == "ike" else (flow.ipsec_history, flow.ipsec_tunnels)
            assert [row.active_index for row in history.values()] == self.ends[short][-flow.tunnel_window :]
            assert len(live) == active
        self._check_bounds()

    def _check_bounds(self) -> None:
        """What a router holds is in proportion to its tunnels: one SA that carries, those that were replaced, those being made."""
        for name in self.lab.lab.routers:
            held, peers = self.lab.leaks(name), self.size.spokes if name == "hub" else 1
            assert held.flows <= 2 * peers
            assert held.sad <= 6 * peers
            assert held.records <= 6 * peers
            row_spis = {spi.value for row in self.lab.flow(name).ipsec_tunnels.values() for spi in row.spis if spi.inbound}
            bundles = [found for live in self.lab.router(name).sa_keeper.flows for found in live.bundles]
            assert row_spis == {spi.value for found in bundles for spi in found.spis if spi.inbound}
        assert len(self.lab.lab.scheduler) < 60 * (self.size.spokes + 1)

    def check_ends_agree(self) -> None:
        """Each spoke's flow is carried by SAs that the hub has too."""
        hub_spis = {spi.value for row in self.lab.flow("hub").ipsec_tunnels.values() for spi in row.spis}
        for name in hub.spoke_names(self.size.spokes):
            (row,) = self.lab.flow(name).ipsec_tunnels.values()
            assert {spi.value for spi in row.spis if not spi.expiring} <= hub_spis, name


def number(value: bytes | None) -> int:
    """An encoded number; what a row does not instantiate adds nothing."""
    return int.from_bytes(value[2:], "big") if value else 0


def run(seed: int, schema: Schema) -> tuple[Day, list[Any]]:
    day, dice = Day(SIZE, seed, schema), random.Random(seed)
    for instant in sorted(dice.uniform(0, day.end) for _ in range(SIZE.looks)):
        day.lab.wait(instant - day.lab.clock.now() / 1_000_000)
        day.check()
        day.check_replica()
    day.lab.wait(day.end - day.lab.clock.now() / 1_000_000)
    day.check()
    return day, day.walk()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_day_and_its_repetition_soak(schema: Schema, seed: int) -> None:
    began = time.process_time()
    day, walk = run(seed, schema)
    spent = time.process_time() - began
    assert day.started["ipsec"] > SIZE.spokes  # some have gone and come
    assert day.lab.ipsec("hub", "IN_PACKETS") > 0.9 * SIZE.spokes * day.end / 10
    assert sum(row.refreshes for row in day.lab.flow("hub").ipsec_tunnels.values()) > SIZE.spokes
    day.check_ends_agree()
    packets = day.lab.ipsec("hub", "IN_PACKETS") + day.lab.ipsec("hub", "OUT_PACKETS")
    print(f"{SIZE.spokes} spokes, {SIZE.hours} h: {spent:.1f} s, {packets} packets, {dict(day.started)} tunnels")
    if seed == SEEDS[0]:
        _, again = run(seed, schema)
        assert again == walk
    # Without traffic, every SA comes to its end.
    day.lab.wait(SIZE.lifetimes.ike + SIZE.lifetimes.ipsec + 10 * MINUTE)
    day.check()
    for name in day.lab.lab.routers:
        assert vars(day.lab.leaks(name)) == {"sad": 0, "flows": 0, "records": 0}, name
        assert not day.lab.flow(name).peers
    assert day.lab.lab.scheduler.next_time() is None
