"""Config room: hosts that a line names by address or by name."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address


def address_of_host(host: IPv4Address | str | None, names: Mapping[str, IPv4Address]) -> IPv4Address | None:
    """The address of a host that may be one of `names` (`ip host`). None if the name is unknown, or there is none."""
    return host if isinstance(host, IPv4Address) else names.get(host or "")
