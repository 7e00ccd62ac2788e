"""A hub and its spokes: configurations and a lab file, for tests that want many routers."""

from __future__ import annotations

from dataclasses import dataclass

_POLICY = """
crypto isakmp policy 10
 authentication pre-share
 encryption aes
 group 1
 lifetime {ike_seconds}
crypto isakmp key secret address {peers}
crypto isakmp keepalive 10 3 on-demand
crypto ipsec security-association lifetime seconds {seconds}
crypto ipsec transform-set ours esp-aes esp-sha-hmac
"""
_SPOKE = """
crypto map outside 10 ipsec-isakmp
 set peer 192.0.2.254
 set transform-set ours
 match address 101
access-list 101 permit ip 10.1.{number}.0 0.0.0.255 10.0.0.0 0.0.0.255
interface Loopback0
 ip address 10.1.{number}.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.{number} 255.255.255.0
 crypto map outside
ip route 10.0.0.0 255.255.255.0 192.0.2.254
"""
_HUB = """
interface Loopback0
 ip address 10.0.0.1 255.255.255.0
interface FastEthernet0/0
 ip address 192.0.2.254 255.255.255.0
 crypto map outside
"""
_HUB_ENTRY = """
crypto map outside {number} ipsec-isakmp
 set peer 192.0.2.{number}
 set transform-set ours
 match address {acl}
access-list {acl} permit ip 10.0.0.0 0.0.0.255 10.1.{number}.0 0.0.0.255
ip route 10.1.{number}.0 255.255.255.0 192.0.2.{number}
"""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """In seconds."""

    ike: int = 14400
    ipsec: int = 3600


def spoke_names(count: int) -> list[str]:
    return [f"spoke{number}" for number in range(1, count + 1)]


def configurations(count: int, lifetimes: Lifetimes) -> dict[str, str]:
    """By router: the hub, and spokes whose networks are 10.1.N.0; the hub's is 10.0.0.0."""
    hub = _POLICY.format(ike_seconds=lifetimes.ike, peers="0.0.0.0", seconds=lifetimes.ipsec) + "hostname hub\n" + _HUB
    hub += "".join(_HUB_ENTRY.format(number=number, acl=2000 + number) for number in range(1, count + 1))
    spokes = {
        name: _POLICY.format(ike_seconds=lifetimes.ike, peers="192.0.2.254", seconds=lifetimes.ipsec)
        + f"hostname {name}\n"
        + _SPOKE.format(number=number)
        for number, name in enumerate(spoke_names(count), 1)
    }
    return {"hub": hub, **spokes}


def traffic(count: int, period: int, stop: int) -> str:
    """A [[traffic]] section for each spoke: an echo request to the hub every `period` seconds, each at a moment of its own."""
    return "".join(
        f'[[traffic]]\nsource = "{name}:Loopback0"\ndestination = "10.0.0.1"\nprotocol = "icmp"\nperiod = "{period}s"\n'
        f'start = "{at * period * 1000 // count}ms"\nstop = "{stop}s"\n'
        for at, name in enumerate(spoke_names(count))
    )


def link(count: int, quality: str) -> str:
    """One medium for all; `quality` is lines of a [[link]] section."""
    ends = ", ".join(f'"{name}:FastEthernet0/0"' for name in ("hub", *spoke_names(count)))
    return f"[[link]]\nends = [{ends}]\n{quality}\n"
