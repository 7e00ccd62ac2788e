"""Config room: the names of interfaces: their types, in full and abbreviated, and their numbers."""

from __future__ import annotations

import re

# Types that IOS takes abbreviated, and lists where `?` asks for an interface, with its help lines.
INTERFACE_TYPES = {
    "Async": "Async interface",
    "ATM": "ATM interface",
    "BVI": "Bridge-Group Virtual Interface",
    "Dialer": "Dialer interface",
    "Ethernet": "IEEE 802.3",
    "FastEthernet": "FastEthernet IEEE 802.3",
    "GigabitEthernet": "GigabitEthernet IEEE 802.3z",
    "Loopback": "Loopback interface",
    "Multilink": "Multilink-group interface",
    "Null": "Null interface",
    "Port-channel": "Ethernet Channel of interfaces",
    "POS": "Packet over Sonet",
    "Serial": "Serial",
    "TenGigabitEthernet": "TenGigabitEthernet",
    "Tunnel": "Tunnel interface",
    "Virtual-Template": "Virtual Template interface",
    "Vlan": "Catalyst Vlans",
}
# Types of some platforms only. They have no abbreviations, so that those of the others stay unique.
RARE_INTERFACE_TYPES = (
    "AppGigabitEthernet",
    "BDI",
    "BRI",
    "CEM",
    "Cellular",
    "Dot11Radio",
    "Embedded-Service-Engine",
    "FiveGigabitEthernet",
    "FortyGigabitEthernet",
    "Group-Async",
    "HundredGigE",
    "Integrated-Service-Engine",
    "ISM",
    "LISP",
    "MFR",
    "NVI",
    "nve",
    "pseudowire",
    "Service-Engine",
    "SM",
    "TwentyFiveGigE",
    "TwoGigabitEthernet",
    "ucse",
    "Virtual-PPP",
    "VirtualPortGroup",
    "Wlan-GigabitEthernet",
    "wlan-ap",
)
VIRTUAL_INTERFACE_TYPES = frozenset(
    {
        "BDI",
        "BVI",
        "Dialer",
        "Group-Async",
        "LISP",
        "Loopback",
        "MFR",
        "Multilink",
        "NVI",
        "nve",
        "Port-channel",
        "pseudowire",
        "Tunnel",
        "Virtual-PPP",
        "Virtual-Template",
        "VirtualPortGroup",
        "Vlan",
    }
)

_INTERFACE = re.compile(r"(Dot11Radio|[A-Za-z][A-Za-z-]*)([0-9]+(?:/[0-9]+)*(?:[.:][0-9]+)?)")


def interface_type(word: str) -> str | None:
    """The interface type that a word abbreviates ("fa" → "FastEthernet"); None where none or several do."""
    lower = word.lower()
    exact = [name for name in (*INTERFACE_TYPES, *RARE_INTERFACE_TYPES) if name.lower() == lower]
    candidates = exact or [name for name in INTERFACE_TYPES if name.lower().startswith(lower)]
    return candidates[0] if len(candidates) == 1 else None


def type_of(name: str) -> str:
    """The type in a canonical name ("Serial1/2.1" → "Serial")."""
    return name.rstrip("0123456789/.:")


def is_virtual(name: str) -> bool:
    """Whether an interface is made by configuration: it can be removed."""
    return type_of(name) in VIRTUAL_INTERFACE_TYPES


def has_medium(name: str) -> bool:
    """Whether an interface has a medium of its own. Packets of a Tunnel leave by another interface, of a Loopback by none."""
    return type_of(name) not in ("Loopback", "Tunnel")


def interface_name(text: str) -> str | None:
    """The canonical name of an interface written in IOS form ("s1/2.1" → "Serial1/2.1", "tunnel 0" → "Tunnel0"), else None."""
    found = _INTERFACE.fullmatch(text.replace(" ", ""))
    if not found:
        return None
    kind = interface_type(found[1])
    return f"{kind}{found[2]}" if kind else None
