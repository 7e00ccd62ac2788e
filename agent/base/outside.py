"""Base room: traffic for addresses outside loopback, which a lab sends only if its file says `external_traffic = true`.

A configuration of a production network that is loaded into a lab must not reach that network.
"""

from __future__ import annotations

import logging
from ipaddress import IPv4Address, IPv6Address


class OutsideTraffic:
    """Whether something may be sent to an address. What is not sent is logged once for each destination."""

    def __init__(self, log: logging.Logger, allowed: bool = False) -> None:
        self._log = log
        self._allowed = allowed
        self._logged: set[str] = set()

    def withholds(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether nothing may be sent to an address."""
        return not self._allowed and not address.is_loopback

    def tell(self, what: str, destination: str) -> None:
        """Log, the first time, that something for a destination is not sent."""
        if destination not in self._logged:
            self._logged.add(destination)
            self._log.warning("%s to %s are not sent: it is outside loopback, and external_traffic is not set", what, destination)
