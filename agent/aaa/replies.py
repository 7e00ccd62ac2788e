"""Aaa room: what an Access-Accept says about a user and about a client group.

The attributes are those of RFC 2865, RFC 2868 and RFC 2869, and Cisco's pairs (Cisco-AVPair): `ipsec:addr-pool=vpn`. A pair begins
with the protocol that it is for. After the attribute comes `=`, or `*` for one that a client may ignore. What is said of something
else, or is malformed, is ignored. "Easy VPN Server" in the IOS security configuration guide lists the pairs of groups and users.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any, NamedTuple

from agent.aaa.radius.values import Reply
from agent.base.printable import printable
from agent.base.text import text_of
from agent.config.crypto_model import ClientGroup
from agent.engine.access import UserPolicy

OUTBOUND = 5  # Service-Type (RFC 2865 §5.6): that of a group's request
ADMINISTRATIVE = 6  # the same: privileged commands
MOST_PRIVILEGED = 15
_FROM_POOL = (IPv4Address("255.255.255.254"), IPv4Address("255.255.255.255"))  # RFC 2865 §5.8: the router, or the user, selects


class Pair(NamedTuple):
    """A pair of Cisco-AVPair."""

    protocol: str
    name: str
    value: str


def pairs_of(reply: Reply) -> Iterator[Pair]:
    """The pairs of a reply that have a protocol and a value, in the order of the packet. A value may stand in quotes."""
    for attribute in reply.values("Cisco-AVPair"):
        protocol, colon, rest = _text(attribute).partition(":")
        name = rest[: min((rest.find(mark) for mark in "=*" if mark in rest), default=0)]
        if colon and name:
            value = rest[len(name) + 1 :].strip()
            yield Pair(protocol.strip().lower(), name.strip().lower(), value.removeprefix('"').removesuffix('"'))


# --- users ---


def user_policy(reply: Reply) -> UserPolicy:
    """What a remote-access client gets for its user."""
    address = next(_addresses(reply, "Framed-IP-Address"), None)
    own = {pair.name: pair.value for pair in pairs_of(reply) if pair.protocol == "ipsec"}
    return UserPolicy(
        address=None if address in _FROM_POOL else address,
        netmask=next(_addresses(reply, "Framed-IP-Netmask"), None),
        pool=next((pair.value for pair in pairs_of(reply) if pair[:2] in _POOLS), None) or _first(reply, "Framed-Pool"),
        privilege=privilege_of(reply),
        vpn_group=own.get("user-vpn-group"),
        save_password=_SWITCHES.get(own.get("user-save-password", "")),
        include_local_lan=_SWITCHES.get(own.get("user-include-local-lan", "")),
    )


_POOLS = (("ipsec", "addr-pool"), ("ip", "addr-pool"))
_SWITCHES = {"0": False, "1": True}


def privilege_of(reply: Reply) -> int | None:
    """The privilege level of a user of the CLI; None: the server says none."""
    for pair in pairs_of(reply):
        if pair[:2] == ("shell", "priv-lvl") and (level := _number(pair.value)) is not None and level <= MOST_PRIVILEGED:
            return level
    return MOST_PRIVILEGED if ADMINISTRATIVE in reply.values("Service-Type") else None


def message_of(reply: Reply) -> str:
    """The text for the user (RFC 2865 §5.18): the lines of each Reply-Message, without what a terminal would act on."""
    return "\n".join(printable(line) for value in reply.values("Reply-Message") for line in _text(value).splitlines())


# --- groups ---


def client_group(name: str, reply: Reply) -> ClientGroup:
    """The group of remote-access clients that a server describes. Of a pair that comes again, the later one counts."""
    said: dict[str, Any] = {
        "key": _first(reply, "Tunnel-Password"),
        "pool": _first(reply, "Framed-Pool"),
        "netmask": next(_addresses(reply, "Framed-IP-Netmask"), None),
    }
    split_dns: list[str] = []
    for pair in pairs_of(reply):
        if pair.protocol == "ipsec" and pair.name in _FIELDS:
            field, convert = _FIELDS[pair.name]
            value = convert(pair.value)
            if value is not None:
                said[field] = value
        elif pair[:2] == ("ipsec", "split-dns"):
            split_dns += _words(pair.value)
    return ClientGroup(name, split_dns=tuple(split_dns), **said)


def _words(value: str) -> list[str]:
    return value.replace(",", " ").split()


def _word(value: str) -> str | None:
    return value or None


def _banner(value: str) -> str | None:
    """A text between its delimiters, as the configuration has it."""
    return f"^C{value}^C" if value else None


def _servers(value: str) -> tuple[IPv4Address, ...] | None:
    found = tuple(address for word in _words(value) if (address := _address(word)) is not None)
    return found or None


def _yes(value: str) -> bool | None:
    return True if value == "1" else None


def _number(value: str) -> int | None:
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None


def _address(value: str) -> IPv4Address | None:
    try:
        return IPv4Address(value)
    except ValueError:
        return None


_FIELDS: Mapping[str, tuple[str, Callable[[str], object | None]]] = {
    "tunnel-password": ("key", _word),
    "addr-pool": ("pool", _word),
    "default-domain": ("domain", _word),
    "dns-servers": ("dns", _servers),
    "wins-servers": ("wins", _servers),
    "inacl": ("acl", _word),
    "netmask": ("netmask", _address),
    "save-password": ("save_password", _yes),
    "include-local-lan": ("include_local_lan", _yes),
    "pfs": ("pfs", _yes),
    "max-users": ("max_users", _number),
    "max-logins": ("max_logins", _number),
    "banner": ("banner", _banner),
}


# --- values ---


def _text(value: str | int | bytes) -> str:
    return text_of(value) if isinstance(value, bytes) else str(value)


def _first(reply: Reply, name: str) -> str | None:
    return next((_text(value) for value in reply.values(name)), None)


def _addresses(reply: Reply, name: str) -> Iterator[IPv4Address]:
    return (address for value in reply.values(name) if (address := _address(_text(value))) is not None)
