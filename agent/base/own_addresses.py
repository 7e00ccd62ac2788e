"""Base room: the addresses of this machine."""

from __future__ import annotations

import socket


def is_ours(address: str) -> bool:
    """Whether this machine has an IPv4 address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
