"""Bench: a hub's worth of tunnels, brought up through the flow monitor's verbs with a periodic counter source."""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import FrozenCounters, IpsecCounter, PeriodicCounters, Rhythm
from agent.flow.model import Endpoint, Identity, IkeFacts, IpsecFacts, SaAlgorithms
from agent.flow.monitor import FlowMonitor, NewSpi

_HUB = IPv4Address("10.0.0.1")
_ALGORITHMS = SaAlgorithms(2, "3des", 168, "sha", "sha")
_PERIOD = 10_000  # microseconds: a packet every hundredth of a second
_PACKETS_BEFORE = 20_000_000  # so that numbers are as long as those of a router that has been up for days
_INNER, _OUTER = 100, 184  # octets of a packet inside and on the wire


def _rhythm() -> Rhythm:
    step = [0] * len(IpsecCounter)
    for counter in (IpsecCounter.IN_OCTETS, IpsecCounter.IN_DECOMP_OCTETS, IpsecCounter.OUT_INNER_OCTETS):
        step[counter] = _INNER
    for counter in (IpsecCounter.OUT_OCTETS, IpsecCounter.OUT_UNCOMP_OCTETS, IpsecCounter.IN_OUTER_OCTETS):
        step[counter] = _OUTER
    for counter in (
        IpsecCounter.IN_PACKETS,
        IpsecCounter.IN_AUTHS,
        IpsecCounter.IN_DECRYPTS,
        IpsecCounter.OUT_PACKETS,
        IpsecCounter.OUT_AUTHS,
        IpsecCounter.OUT_ENCRYPTS,
    ):
        step[counter] = 1
    return Rhythm(_PERIOD, tuple(step))


def bring_up(monitor: FlowMonitor, vrf: str | None, count: int) -> None:
    """`count` IKE tunnels to as many peers, with one IPsec tunnel each, in one VRF."""
    rhythm = _rhythm()
    base = tuple(step * _PACKETS_BEFORE for step in rhythm.step)
    # Made together, and in order, they lie together in memory: polls read little else.
    now = monitor.clock.now()
    sources = [PeriodicCounters(base, rhythm, now - number * 37 % _PERIOD) for number in range(count)]
    ike_numbers = tuple([336] + [2] * (len(IkeCounter) - 1))
    for number in range(count):
        spoke = IPv4Address(0x0A800000 + number)
        inside = IPv4Address(0x14000000 + number)
        ike = monitor.ike_up(
            vrf,
            IkeFacts(
                local=Identity(True, str(_HUB)),
                remote=Identity(True, str(spoke)),
                local_address=_HUB,
                remote_address=spoke,
                local_port=500,
                remote_port=500,
                local_name="hub",
                remote_name="",
                initiator=False,
                aggressive=False,
                encryption="3des",
                key_bits=168,
                hash="sha",
                local_authentication="pre-share",
                remote_authentication="pre-share",
                group=2,
                lifetime=86400,
                policy=1,
            ),
            FrozenCounters(ike_numbers),
        )
        monitor.ipsec_up(
            ike,
            IpsecFacts(
                local_address=_HUB,
                remote_address=spoke,
                transport=False,
                life_size=4608000,
                life_time=3600,
                inbound=_ALGORITHMS,
                outbound=_ALGORITHMS,
                local=(Endpoint("address", _HUB, _HUB),),
                remote=(Endpoint("address", inside, inside),),
                map_name="hub",
                map_sequence=10,
            ),
            [
                NewSpi(True, "ah", 0x80000000 + 4 * number),
                NewSpi(False, "ah", 0x80000001 + 4 * number),
                NewSpi(True, "esp", 0x80000002 + 4 * number),
                NewSpi(False, "esp", 0x80000003 + 4 * number),
            ],
            sources[number],
        )
