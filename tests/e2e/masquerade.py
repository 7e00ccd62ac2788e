"""Clients behind a real NAT: network namespaces for the lab, for a masquerade (nftables), and for each client behind it.

Everything is made by the test that asks for it, and taken away by the names that were then given. It wants root. Router number n of
the lab is 10.99.n.1, and knows the NAT as 10.99.n.2. Client number m is 192.168.m.2 behind it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.e2e.strongswan import Namespace, command

ROUTERS = 20  # how many the wire has addresses for
CLIENTS = (1, 2)
# Every datagram of UDP gets a port that the NAT chooses, and a new one after its conntrack entry is gone.
RULES = """
table ip hide {
  chain leaving {
    type nat hook postrouting priority srcnat;
    oifname "outside" meta l4proto udp masquerade to :20000-59999 fully-random
  }
}
"""


@dataclass(frozen=True)
class Site:
    """The lab's namespace, the NAT's, and those of the clients by number."""

    lab: Namespace
    nat: Namespace
    clients: dict[int, Namespace]

    def forget_ports(self) -> None:
        """The NAT forgets every mapping, as one that was restarted does: the next datagrams go by other ports."""
        self.nat.run("conntrack", "-F")

    def ports(self) -> set[int]:
        """The outside ports by which ESP and IKE of the clients go now (RFC 3948: port 4500)."""
        said = self.nat.run("conntrack", "-L", "-p", "udp", "--orig-port-dst", "4500")
        replies = [line.rpartition("sport=4500 dport=")[2].split()[0] for line in said.splitlines() if "sport=4500 dport=" in line]
        return {int(port) for port in replies}


def _batch(namespace: str, *lines: str) -> None:
    done = subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines), capture_output=True, text=True)
    assert done.returncode == 0, (lines, done.stderr)


def _join(one: str, name: str, two: str, other: str) -> None:
    """A veth pair between two namespaces."""
    command("ip", "link", "add", name, "netns", one, "type", "veth", "peer", "name", other, "netns", two)


@contextmanager
def behind_masquerade() -> Iterator[Site]:
    assert os.geteuid() == 0, "tests behind a NAT make network namespaces, which wants root: run them as root"
    for tool in ("nft", "conntrack"):
        assert shutil.which(tool), f"tests behind a NAT want {tool}"
    tag = os.getpid()
    lab, nat, insides = f"hub{tag}", f"nat{tag}", {number: f"client{number}-{tag}" for number in CLIENTS}
    made = []
    try:
        for name in (lab, nat, *insides.values()):
            command("ip", "netns", "add", name)
            made.append(name)
            _batch(name, "link set lo up")
        _join(lab, "veth0", nat, "outside")
        _batch(lab, *(f"address add 10.99.{n}.1/30 dev veth0" for n in range(1, ROUTERS + 1)), "link set veth0 up")
        _batch(nat, *(f"address add 10.99.{n}.2/30 dev outside" for n in range(1, ROUTERS + 1)), "link set outside up")
        for number, inside in insides.items():
            _join(inside, "veth0", nat, f"inside{number}")
            _batch(nat, f"address add 192.168.{number}.1/24 dev inside{number}", f"link set inside{number} up")
            _batch(inside, f"address add 192.168.{number}.2/24 dev veth0", "link set veth0 up")
            _batch(inside, f"route add default via 192.168.{number}.1")
        gateway = Namespace(nat)
        gateway.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        gateway.run("nft", RULES)
        yield Site(Namespace(lab), gateway, {number: Namespace(inside) for number, inside in insides.items()})
    finally:
        for name in made:
            command("ip", "netns", "delete", name)
