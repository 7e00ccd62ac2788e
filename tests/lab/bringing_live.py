"""How the failures of live tunnels come about in a lab: packets that do not pass, and the ends of tunnels. See `bringing`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.base.origin import CONSOLE
from agent.config.session import Session
from agent.crypto import ip
from agent.crypto.replay import LAST_SEQUENCE
from agent.engine.values import ClearSas, ClearSessions
from tests.lab.bringing import BRINGING, EAST, WEST, Bringing, MakePair, brings, keeping, on_the_way, ping, port_of, up

# --- what they have in common ---


def flip(octets: bytes, at: int) -> bytes:
    changed = bytearray(octets)
    changed[at] ^= 1
    return bytes(changed)


def change_esp(lab: Any, name: str, change: Callable[[bytes], bytes]) -> None:
    on_the_way(lab, name, lambda octets: change(octets) if octets[9] == ip.ESP else octets)


def forget(lab: Any, clear: Callable[[], None]) -> None:
    """West clears what it has, and what it says of it is lost."""
    undo = on_the_way(lab, "east", lambda octets: None)
    clear()
    lab.wait(1)
    undo()


def with_failed_engine(cause: str, here: str, transforms: str) -> None:
    """A cause that lies in a crypto engine which fails under a tunnel."""

    def bring(make_pair: MakePair) -> Bringing:
        lab = up(make_pair(transforms=transforms))
        lab.lab.routers[here].router.fail_crypto()
        yield lab, here
        ping(lab, 3)

    BRINGING[cause] = bring


def changed_packets(cause: str, change: Callable[[bytes], bytes], **settings: Any) -> None:
    """A cause that lies in what becomes of West's ESP packets on their way."""

    def bring(make_pair: MakePair) -> Bringing:
        lab = up(make_pair(**settings))
        change_esp(lab, "west", change)
        yield lab, "west"
        ping(lab, 3)

    BRINGING[cause] = bring


# --- packets ---


def cut_short(octets: bytes) -> bytes:
    packet = ip.decode(octets)
    return packet._replace(payload=packet.payload[:16]).encode()


changed_packets("packets whose integrity check fails", lambda octets: flip(octets, 60))
changed_packets("packets that do not decrypt", lambda octets: flip(octets, -1), transforms="esp-des")
changed_packets("truncated packets", cut_short)
with_failed_engine("the crypto engine fails: packets out, encrypted", "east", "esp-des esp-sha-hmac")
with_failed_engine("the crypto engine fails: packets out, authenticated only", "east", "ah-sha-hmac")
with_failed_engine("the crypto engine fails: packets in, encrypted", "west", "esp-des esp-sha-hmac")
with_failed_engine("the crypto engine fails: packets in, authenticated only", "west", "esp-null esp-sha-hmac")


@brings("an unknown SPI")
def _unknown_spi(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    forget(lab, lambda: lab.west.engine.do(ClearSas(), CONSOLE))
    yield lab, "west"
    ping(lab)


@brings("an unknown SPI, and no ISAKMP SA with the peer")
def _unknown_spi_alone(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    forget(lab, lambda: lab.west.engine.do(ClearSessions(), CONSOLE))
    yield lab, "west"
    ping(lab)


@brings("an unknown SPI, no ISAKMP SA with the peer, and invalid-spi-recovery")
def _unknown_spi_recovered(make_pair: MakePair) -> Bringing:
    lab = up(make_pair(west={"lines": "crypto isakmp invalid-spi-recovery"}))
    forget(lab, lambda: lab.west.engine.do(ClearSessions(), CONSOLE))
    yield lab, "west"
    ping(lab)


@brings("packets that do not match the SA's selectors")
def _not_for_it(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "west"
    # A peer that breaks the rules: ours seals nothing but what its access list has.
    (live,) = lab.east.router.sa_keeper.flows
    inner = ip.Packet(0x0A090909, 0x0A000201, ip.ICMP, ip.encode_echo(ip.Echo(True, 1, 1, b"")))
    outer = live.outbound.bundle.seal(inner, EAST, WEST, lab.lab.routers["east"].router.ipsec._random)
    port_of(lab, "west").receive(outer.encode())


@brings("packets that should be protected come in the clear")
def _in_the_clear(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "west"
    echo = ip.Packet(0x0A000101, 0x0A000201, ip.ICMP, ip.encode_echo(ip.Echo(True, 1, 1, b"")))
    port_of(lab, "west").receive(echo.encode())


@brings("replayed packets")
def _replayed(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    port = port_of(lab, "west")
    receive = port.receive
    port.receive = lambda octets: (receive(octets), receive(octets))
    yield lab, "west"
    assert ping(lab, 3) == 3


@brings("packets left of the replay window")
def _late(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    kept: list[bytes] = []
    undo = on_the_way(lab, "west", lambda octets: kept.append(octets))
    ping(lab)
    undo()
    assert ping(lab, 64) == 64
    yield lab, "west"
    port_of(lab, "west").receive(kept[0])


# --- ends ---


@brings("an ISAKMP SA expires")
def _ike_expires(make_pair: MakePair) -> Bringing:
    lab = keeping(up(make_pair(ike_lifetime="300")), 1)
    yield lab, "west"
    lab.wait(310)


@brings("an ISAKMP SA expires that the peer would keep for longer")
def _ike_expires_here(make_pair: MakePair) -> Bringing:
    lab = keeping(up(make_pair(ike_lifetime="300")), 3600)
    yield lab, "west"
    lab.wait(310)


@brings("the SAs of an idle flow expire")
def _ipsec_expires(make_pair: MakePair) -> Bringing:
    lab = make_pair(seconds="120")
    ping(lab)
    yield lab, "east"
    lab.wait(130)


@brings("an operator clears the session")
def _clear(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "east"
    lab.east.engine.do(ClearSessions(), CONSOLE)
    lab.wait(1)


@brings("the map entry is removed")
def _map_removed(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "east"
    Session(lab.east.document).feed("no crypto map outside 10")
    lab.east.engine.config_changed()
    lab.wait(1)


@brings("sequence numbers are used up")
def _rollover(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    (live,) = lab.east.router.sa_keeper.flows
    live.outbound.bundle.outbound[0]._sequence.last = LAST_SEQUENCE  # as after 2^32 - 1 packets
    yield lab, "east"
    ping(lab)


@brings("the peer is lost: dead peer detection")
def _lost(make_pair: MakePair) -> Bringing:
    lab = up(make_pair(east={"lines": "crypto isakmp keepalive 10 3 periodic"}))
    on_the_way(lab, "west", lambda octets: None)
    yield lab, "east"
    lab.wait(40)


@brings("the peer starts again: INITIAL-CONTACT")
def _afresh(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    lab.east.router.power_off()
    lab.east.router.power_on()
    yield lab, "west"
    ping(lab, 3)


@brings("the crypto engine fails: a message of the ISAKMP SA")
def _engine_message(make_pair: MakePair) -> Bringing:
    lab = up(make_pair(west={"lines": "crypto isakmp keepalive 10 3 periodic"}))
    lab.east.router.fail_crypto()
    yield lab, "east"
    lab.wait(10)


@brings("the router is switched off")
def _power(make_pair: MakePair) -> Bringing:
    lab = up(make_pair())
    yield lab, "west"
    lab.west.router.power_off()
