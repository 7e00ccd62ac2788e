"""A wire's quality: each of its keys does what it says, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agent.base.clock import VirtualClock
from agent.base.runner import VirtualRunner
from agent.base.scheduler import Scheduler
from agent.lab.randomness import SeededRandom
from agent.lab.wire.wires import Quality, Wire

COUNT = 4000
GAP = 1000  # microseconds from packet to packet


@dataclass(eq=False)
class Ear:
    """A port that notes what it hears, and when."""

    clock: VirtualClock
    address: int
    heard: list[tuple[int, bytes]] = field(default_factory=list)

    def has(self, address: int) -> bool:
        return address == self.address

    def receive(self, octets: bytes) -> None:
        self.heard.append((self.clock.now(), octets))

    def carrier_changed(self) -> None:
        pass


def octets(number: int) -> bytes:
    return number.to_bytes(4, "big") * 5


def carried(quality: Quality) -> list[tuple[int, bytes]]:
    """What comes out of a wire into which a packet was put every `GAP`: when, and which."""
    clock = VirtualClock()
    scheduler = Scheduler(clock)
    wire = Wire(scheduler, SeededRandom(3), quality)
    ears = [Ear(clock, address) for address in (1, 2, 3)]
    for ear in ears:
        wire.attach(ear)
    for number in range(COUNT):
        scheduler.at(number * GAP, lambda number=number: wire.send(ears[0], 2, 9, octets(number)))
    VirtualRunner(scheduler, clock).advance(COUNT * GAP + 10_000_000)
    assert not ears[0].heard + ears[2].heard
    return ears[1].heard


def test_a_good_wire_delivers_at_once() -> None:
    assert carried(Quality()) == [(number * GAP, octets(number)) for number in range(COUNT)]


def test_delay() -> None:
    assert carried(Quality(delay=2500)) == [(number * GAP + 2500, octets(number)) for number in range(COUNT)]


def test_jitter_stretches_and_does_not_reorder() -> None:
    heard = carried(Quality(delay=500, jitter=5000))
    assert [packet for _, packet in heard] == [octets(number) for number in range(COUNT)]
    extra = [moment - number * GAP - 500 for number, (moment, _) in enumerate(heard)]
    assert 0 <= min(extra) < 3000
    assert 4500 < max(extra) <= 5000


@pytest.mark.parametrize("loss", [0.1, 0.5, 1.0])
def test_loss(loss: float) -> None:
    heard = carried(Quality(loss=loss))
    assert abs(COUNT - len(heard) - loss * COUNT) < 0.03 * COUNT
    numbers = [int.from_bytes(packet[:4], "big") for _, packet in heard]
    assert numbers == sorted(set(numbers))


def test_duplicates_are_the_same_octets() -> None:
    heard = carried(Quality(duplicate=0.2))
    twice = len(heard) - len({packet for _, packet in heard})
    assert abs(twice - 0.2 * COUNT) < 0.03 * COUNT
    assert {packet for _, packet in heard} == {octets(number) for number in range(COUNT)}


def test_what_loses_its_place_comes_late_and_the_rest_in_order() -> None:
    heard = carried(Quality(delay=1500, reorder=0.1))
    assert {packet for _, packet in heard} == {octets(number) for number in range(COUNT)}
    late = [(moment, packet) for moment, packet in heard if moment - int.from_bytes(packet[:4], "big") * GAP != 1500]
    assert abs(len(late) - 0.1 * COUNT) < 0.03 * COUNT
    assert {moment - int.from_bytes(packet[:4], "big") * GAP for moment, packet in late} == {6000}  # three delays more
    others = [packet for moment, packet in heard if (moment, packet) not in late]
    assert others == sorted(others)
    assert [packet for _, packet in heard] != sorted(packet for _, packet in heard)


def test_a_corrupted_packet_has_one_bit_changed() -> None:
    heard = carried(Quality(corrupt=0.25))
    changed = [
        int.from_bytes(packet, "big") ^ int.from_bytes(octets(number), "big")
        for number, (_, packet) in enumerate(heard)
        if packet != octets(number)
    ]
    assert len(heard) == COUNT
    assert abs(len(changed) - 0.25 * COUNT) < 0.03 * COUNT
    assert {bits.bit_count() for bits in changed} == {1}
    assert {bits.bit_length() for bits in changed} > set(range(2, 159))  # anywhere in it


def test_the_same_seed_has_the_same_weather() -> None:
    storm = Quality(1000, 1000, 0.1, 0.1, 0.1, 0.1)
    assert carried(storm) == carried(storm)


def test_a_cut_wire_carries_nothing_until_it_is_mended() -> None:
    clock = VirtualClock()
    scheduler = Scheduler(clock)
    wire = Wire(scheduler, SeededRandom(3), Quality(delay=100), point_to_point=True)
    here, there = Ear(clock, 1), Ear(clock, 2)
    wire.attach(here)
    wire.attach(there)
    for moment, up in ((0, True), (950, False), (2000, True)):
        scheduler.at(moment, lambda up=up: wire.set_up(up))
    for number in range(3):  # the first arrives, the second is on its way when the wire is cut, the third is not sent
        scheduler.at((100, 900, 1500)[number], lambda number=number: wire.send(here, 2, 2, octets(number)))
    scheduler.at(2500, lambda: wire.send(here, 2, 2, octets(3)))
    VirtualRunner(scheduler, clock).advance(10_000)
    assert there.heard == [(200, octets(0)), (2600, octets(3))]
