"""An engine in a page: three tunnels that are always there. It shows all that the port asks of an engine, and needs no lab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_network

from agent.base.clock import SECOND
from agent.base.ike_counters import IkeCounter
from agent.base.origin import Origin
from agent.config.events import ConfigEvent
from agent.engine.access import AccessControl
from agent.engine.values import Admission, CryptoEngine, Phase1Sa, PingRequest, Probe, ProbeOutcome, Refusal, Request
from agent.flow.counters import IpsecCounter, PolledCounters
from agent.flow.model import NOT_USED, Address, Endpoint, Identity, IkeFacts, IpsecFacts, SaAlgorithms
from agent.flow.monitor import FlowMonitor, NewSpi

AGE = 3600  # seconds that the first tunnel has been up when the agent begins
DES = SaAlgorithms(group=2, cipher="3des", key_bits=168, ah=NOT_USED, esp_auth="sha")
GCM = SaAlgorithms(group=19, cipher="aes-gcm", key_bits=256, ah=NOT_USED, esp_auth=NOT_USED)
V4, V6 = (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")), (IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2"))
Ends = tuple[Address, Address]


def net(text: str) -> Endpoint:
    network = ip_network(text)
    return Endpoint("subnet", network.network_address, network.netmask)


def ike(ends: Ends, version: int, aggressive: bool | None, cipher: str, bits: int, integrity: str, group: int) -> IkeFacts:
    names = (Identity(True, str(ends[0])), Identity(True, str(ends[1])))
    who = (*names, *ends, 4500, 4500, "toy", "", True, aggressive)
    return IkeFacts(*who, cipher, bits, integrity, group, 14400, version=version, prf="sha256")


def ipsec(ends: Ends, algorithms: SaAlgorithms, local: Sequence[str], remote: Sequence[str]) -> IpsecFacts:
    selectors = tuple(map(net, local)), tuple(map(net, remote))
    return IpsecFacts(*ends, False, None, 3960, algorithms, algorithms, *selectors, life_time_threshold=673)


class ToyEngine:
    """Nothing ends a tunnel of it, and it counts the octets and packets that a gateway's daemon tells."""

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor

    def begin(self) -> None:
        monitor, before = self._monitor, self._monitor.clock.now() - AGE * SECOND
        known = {IpsecCounter.IN_PACKETS: 5, IpsecCounter.IN_OCTETS: 640, IpsecCounter.OUT_PACKETS: 7}
        told = PolledCounters(tuple(known.get(counter) for counter in IpsecCounter))
        every = (PolledCounters((1,) * len(IpsecCounter)), PolledCounters((2,) * len(IpsecCounter)))
        v1, v2 = ike(V4, 1, False, "3des", 168, "sha", 2), ike(V6, 2, None, "aes-gcm", 256, NOT_USED, 19)
        old = monitor.ike_up(None, v1, PolledCounters((9,) * len(IkeCounter)), start=before)
        monitor.ipsec_up(old, ipsec(V4, DES, ["10.1.0.0/16"], ["10.2.0.0/16"]), self._sas(1), every[0], start=before)
        several = ipsec(V4, DES, ["10.1.0.0/16"], ["10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16"])
        monitor.ipsec_up(old, several, self._sas(2), every[1])
        new = monitor.ike_up(None, v2, PolledCounters((None,) * len(IkeCounter)))
        monitor.ipsec_up(new, ipsec(V6, GCM, ["2001:db8:1::/48"], ["2001:db8:2::/48"]), self._sas(3), told)

    def _sas(self, number: int) -> list[NewSpi]:
        return [NewSpi(True, "esp", 0xC0000000 + number), NewSpi(False, "esp", 0xD0000000 + number)]

    def test(self, request: Request) -> Refusal | None:
        return Refusal("This gateway is shown, and not controlled")

    def do(self, request: Request, origin: Origin | None) -> bool:
        return False

    def phase1_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        for row in self._monitor.ike_tunnels.values():
            facts = row.facts
            if facts.version == 1 and remote in (None, facts.remote_address):
                yield Phase1Sa(facts.local_address, facts.remote_address, "QM_IDLE", row.index, facts=facts, start=row.start)

    def negotiating_sas(self, remote: Address | None = None) -> Iterator[Phase1Sa]:
        return iter(())

    def admission(self) -> Admission:
        return Admission(active=len(self._monitor.ike_tunnels))

    def crypto_engine(self) -> CryptoEngine:
        return CryptoEngine(ciphers=frozenset({"3des", "aes-gcm"}))

    async def ping(self, request: PingRequest, on_probe: Callable[[Probe], None]) -> None:
        for _ in range(request.repeat):
            on_probe(Probe(ProbeOutcome.UNREACHABLE))

    def use_access(self, access: AccessControl) -> None:
        """It has no clients."""

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        """It has no configuration."""
