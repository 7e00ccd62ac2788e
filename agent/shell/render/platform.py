"""Shell room: `show version`, `show inventory` and `show hosts`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.base.spans import units
from agent.config.interface_names import type_of

# By this line Genie's parsers know the kind of an image. The sysDescr of a router has it, too, if it is given whole.
_SUPPORT = "Technical Support: http://www.cisco.com/techsupport"
_PLATFORM = re.compile(r"\(([A-Za-z0-9]+)[-_]")  # "Cisco IOS Software, 3700 Software (C3745-ADVIPSERVICESK9-M), …"


@dataclass(frozen=True, slots=True)
class Platform:
    """What a router says of itself. `description` is sysDescr. `uptime` is in seconds, `memory` in octets of this process.

    `release` is that of the `version` line of the configuration.
    """

    hostname: str
    software: str
    release: str
    description: str
    uptime: int
    restarted: str
    cause: str
    memory: int
    serial: str
    interfaces: tuple[str, ...]

    @property
    def is_ios(self) -> bool:
        """Whether the lab file has given it the sysDescr of an IOS router."""
        return "IOS" in self.description

    @property
    def model(self) -> str:
        found = _PLATFORM.search(self.description) if self.is_ios else None
        return found[1] if found else self.software.split()[0]


def version_lines(platform: Platform) -> Iterator[str]:
    if not platform.is_ios:
        yield f"{platform.software}, showing a router configured as IOS release {platform.release}"
    yield from platform.description.splitlines()
    if platform.is_ios and _SUPPORT not in platform.description:
        yield _SUPPORT
    yield ""
    uptime = ", ".join(units(platform.uptime, "year", "week", "day", "hour", "minute"))
    yield f"{platform.hostname} uptime is {uptime or '0 minutes'}"
    yield f"System returned to ROM by {platform.cause}"
    yield f"System restarted at {platform.restarted}"
    yield f'System image file is "{platform.software}"'
    yield ""
    maker = "Cisco " if platform.is_ios else ""
    yield f"{maker}{platform.model} (simulated) processor with {platform.memory // 1024}K bytes of memory."
    yield f"Processor board ID {platform.serial}"
    for kind, count in Counter(map(_counted, platform.interfaces)).items():
        yield f"{count} {kind} interface{'s' if count > 1 else ''}"
    yield ""
    yield "Configuration register is 0x2102"
    yield ""


def _counted(interface: str) -> str:
    kind = type_of(interface)
    return {"Loopback": "Virtual Loopback", "Tunnel": "Virtual Tunnel"}.get(kind, kind)


def inventory_lines(platform: Platform) -> Iterator[str]:
    yield f'NAME: "Chassis", DESCR: "{platform.model} chassis, simulated by {platform.software}"'
    yield f"PID: {platform.model:<18}, VID: {'':<4}, SN: {platform.serial}"
    yield ""


def host_lines(hosts: Mapping[str, IPv4Address], domain: str | None, lookup: bool, servers: Iterable[IPv4Address]) -> Iterator[str]:
    """`show hosts`: the names of `ip host` lines. `lookup` is `ip domain lookup`."""
    yield f"Default domain is {domain or 'not set'}"
    yield f"Name/address lookup uses {'domain service' if lookup else 'static mappings'}"
    yield f"Name servers are {', '.join(map(str, servers)) or '255.255.255.255'}"
    yield ""
    yield "Codes: UN - unknown, EX - expired, OK - OK, ?? - revalidate"
    yield "       temp - temporary, perm - permanent"
    yield "       NA - Not Applicable None - Not defined"
    yield ""
    yield "Host                      Port  Flags      Age Type   Address(es)"
    for name, address in hosts.items():
        yield f"{name:<25} None  (perm, OK)  0   IP    {address}"
