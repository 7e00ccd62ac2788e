"""A router without an engine: its configuration, its monitor and the trees over them; and cells read back as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from agent.base.ike_counters import IkeCounter
from agent.base.keyed import keyed_by_itself
from agent.base.origin import Origin, manager
from agent.config.crypto_model import CryptoMap, CryptoMapEntry, IsakmpPolicy
from agent.config.edits import Editor
from agent.config.endpoint import RouterEndpoint
from agent.config.events import ConfigEvent
from agent.config.model import Interface, RouterConfig, Vrf
from agent.engine.access import AccessControl
from agent.engine.values import Admission, CryptoEngine, Phase1Sa, PingRequest, Probe, Refusal, Request
from agent.flow.counters import FrozenCounters, IpsecCounter
from agent.flow.device import Device, InterfaceState
from agent.flow.model import Address, IkeTunnel, IpsecTunnel
from agent.flow.monitor import FlowMonitor, NewSpi
from agent.mib.column import Column, Commit
from agent.mib.context import Sources
from agent.mib.contexts import Contexts
from agent.mib.schema import Schema
from agent.mib.tree import Tree
from agent.mib.values import INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, decode_name, order_key
from agent.router_service import plans_of
from agent.snmp.administration import Administration
from agent.snmp.identity import EngineIdentity, LocalEngine
from tests.flow.builders import bundle, ike_facts, ipsec_facts

Value = int | bytes | tuple[int, ...] | None
Poll = list[tuple[str, Value]]
MANAGER = manager("10.9.9.9")
VRF1, VRF2 = "vrf-vrf1-context", "vrf-vrf2-context"
POLLS = Path(__file__).parents[1] / "golden" / "polls"
# Where the guide's prints spell an object otherwise than its module does.
_SPELLINGS = {"P2Exchs.": "P2Exchgs.", "cikePeerConnIpSecTunIndex": "cikePeerCorrIpSecTunIndex"}
# The guide's print has the inner addresses of another test-bed.
_RENUMBERED = {"16 01 01 01": "0a 16 01 01", "14 01 01 01": "0a 14 01 01"}


class Clock:
    """Stands where it is put, in microseconds."""

    time = 0

    def now(self) -> int:
        return self.time


class FakeEngine:
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.refusal: Refusal | None = None

    def test(self, request: Request) -> Refusal | None:
        return self.refusal

    def do(self, request: Request, origin: Origin) -> bool:
        self.requests.append(request)
        return True

    def admission(self) -> Admission:
        return Admission()

    def crypto_engine(self) -> CryptoEngine:
        return CryptoEngine()

    def phase1_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        return iter(())

    def negotiating_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        return iter(())

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        return None

    def use_access(self, access: AccessControl) -> None:
        """It has no clients."""

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        return None


class World:
    """One router's views. `configured` are the events of what went to the configuration's door."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.clock = Clock()
        self.config = two_vrf_hub()
        self.monitor = FlowMonitor(self.clock)
        self.device = Device("ipsecf-3745b", "A VPN router", "1.3.6.1.4.1.9.1.436")
        for index, name in enumerate(self.config.interfaces, 1):
            self.device.interfaces.add(index, InterfaceState(index, name, "propPointToPointSerial", 1500, 1_544_000))
        self.tunnels = FakeEngine()
        self.configured: list[ConfigEvent] = []
        self.real_time = 0.0
        self.engine = LocalEngine(EngineIdentity(b"\x80\0\0\x09\x05engine", 3), lambda: self.real_time)
        self.real_time = 7.5
        self.contexts = Contexts(
            Sources(
                schema=schema,
                config=self.config,
                monitor=self.monitor,
                device=self.device,
                engine=self.tunnels,
                editor=Editor(self.config, self._follow),
                snmp_count=self.engine.counters.value,
                administration=Administration(RouterEndpoint(self.config), self.engine, schema.oid_of),
            ),
            plans_of(schema),
        )

    def _follow(self, events: Sequence[ConfigEvent]) -> None:
        self.configured += events
        self.contexts.config_changed()

    # --- what an engine would report ---

    def ike(self, vrf: str | None = "vrf1", numbers: dict[IkeCounter, int | None] | None = None, **facts: Any) -> IkeTunnel:
        return self.monitor.ike_up(vrf, ike_facts(**facts), frozen(IkeCounter, numbers or {}))

    def ipsec(
        self,
        ike: IkeTunnel,
        numbers: dict[IpsecCounter, int | None] | None = None,
        spis: list[NewSpi] | None = None,
        **facts: Any,
    ) -> IpsecTunnel:
        return self.monitor.ipsec_up(ike, ipsec_facts(**facts), spis or bundle(), frozen(IpsecCounter, numbers or {}))

    # --- what a manager would see ---

    def tree(self, context: str = VRF1) -> Tree:
        tree = self.contexts.tree(context)
        assert tree is not None
        return tree

    def walk(self, root: str, context: str = VRF1) -> Poll:
        """Every cell under an object, as "name.index" and value, in the order of GETNEXT."""
        oid = self.schema.oid_of(root)
        found: Poll = []
        for column, entry, encoded in self.tree(context).successors(order_key(oid), self.clock.time):
            if column.object.oid[: len(oid)] != oid:
                break
            index = [int.from_bytes(entry.key[at : at + 4], "big") for at in range(0, len(entry.key), 4)]
            found.append((f"{column.object.name}.{'.'.join(map(str, index))}", value_of(encoded)))
        return found

    def get(self, instance: str, context: str = VRF1) -> Value:
        """One cell's value by "name.index"; None where it is not instantiated. An enumerated value is its label."""
        name, _, index = instance.partition(".")
        obj = self.schema.object(name)
        key = order_key((*obj.oid, *map(int, index.split("."))))
        column, encoded = self.tree(context).get(key, self.clock.time)
        assert column is not None, f"{name} is not in context {context!r}"
        value = value_of(encoded)
        if obj.syntax is not None and obj.syntax.enum and isinstance(value, int):
            return (obj.syntax.label(value) or "").encode()
        return value

    def labels(self, instance: str, context: str = VRF1) -> str | None:
        """One enumerated cell's label."""
        value = self.get(instance, context)
        assert value is None or isinstance(value, bytes)
        return None if value is None else value.decode()

    def test(self, instance: str, value: Any, context: str = VRF1) -> Commit:
        """The first half of a SET of one cell: gives the commit or raises SetRefusedError."""
        name, _, index = instance.partition(".")
        found = self.tree(context).entry(order_key((*self.schema.object(name).oid, *map(int, index.split(".")))))
        assert found is not None
        column, entry = found
        assert column.write is not None, f"{name} is not writable"
        return column.write(self.tree(context).context, entry.row, value)

    def set(self, instance: str, value: Any, context: str = VRF1) -> None:
        self.test(instance, value, context).do(MANAGER)

    def columns(self, context: str = VRF1) -> dict[str, Column]:
        return {column.object.name: column for column in self.tree(context).columns}


def frozen(kind: type[IkeCounter] | type[IpsecCounter], numbers: dict[Any, int | None]) -> FrozenCounters:
    return FrozenCounters(tuple(numbers.get(counter, 0) for counter in kind))


def value_of(encoded: bytes | None) -> Value:
    """A cell as a number, octets or an OID, by its tag."""
    if encoded is None:
        return None
    tag, content = encoded[0], encoded[2:] if encoded[1] < 0x80 else encoded[2 + (encoded[1] & 0x7F) :]
    if tag == OCTET_STRING:
        return content
    if tag == OBJECT_IDENTIFIER:
        return decode_name(content)
    return int.from_bytes(content, "big", signed=tag == INTEGER)


def two_vrf_hub() -> RouterConfig:
    """The hub's configuration as far as the views read it."""
    config = RouterConfig(hostname="ipsecf-3745b")
    config.vrfs = {name: Vrf(name, context=context) for name, context in (("vrf1", VRF1), ("vrf2", VRF2), ("hidden", None))}
    config.interfaces = {
        interface.name: interface
        for interface in (
            Interface("Serial1/0.1", vrf="vrf1", address=IPv4Interface("10.3.1.1/24")),
            Interface("Serial1/2.1", address=IPv4Interface("10.1.1.2/24"), crypto_map="vrf1-map"),
            Interface("Tunnel0", crypto_map="global1-map"),
        )
    }
    config.crypto.policies = {
        1: IsakmpPolicy(1, "des", 56, "sha", "pre-share", 1, 86400),
        20: IsakmpPolicy(20, "aes", 256, group=14),
    }
    entry = CryptoMapEntry(
        "vrf1-map", 10, peers=keyed_by_itself([IPv4Address("10.1.1.1")]), transform_sets=("tset",), match_address="101"
    )
    config.crypto.maps = {"vrf1-map": CryptoMap("vrf1-map", (entry,)), "global1-map": CryptoMap("global1-map")}
    return config


def golden(name: str) -> Poll:
    """A poll of the guide in the terms of `World.walk`: enumerated values as numbers, addresses and texts as octets."""
    return [_golden_line(line) for line in (POLLS / name).read_text().splitlines()]


_READERS: tuple[tuple[str, Callable[[str], Value]], ...] = (
    (r"[A-Za-z0-9]+\(\d+\)", lambda text: int(text.partition("(")[2][:-1])),
    (r"0x[0-9a-f]+", lambda text: int(text, 16)),
    (r"\d+", int),
    (r"[0-9a-f]{2}( [0-9a-f]{2}){3}", bytes.fromhex),
    (r".*", str.encode),
)


def _golden_line(line: str) -> tuple[str, Value]:
    instance, _, text = line.partition(" =")
    for written, meant in _SPELLINGS.items():
        instance = instance.replace(written, meant)
    text = _RENUMBERED.get(text.strip(), text.strip())
    return instance, next(read(text) for pattern, read in _READERS if re.fullmatch(pattern, text))
