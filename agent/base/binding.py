"""Base room: the error message for an address and port that cannot be listened on."""

from __future__ import annotations

import errno

UNPRIVILEGED = 1024  # the first port that needs no rights (Linux: net.ipv4.ip_unprivileged_port_start)


def why_unbound(error: OSError, port: int, elsewhere: str) -> str:
    """The system's reason, what it means, and how to choose another address or port (`elsewhere`)."""
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        return f"{reason}: another program has it; {elsewhere}"
    if error.errno in (errno.EACCES, errno.EPERM) and port < UNPRIVILEGED:
        return f"{reason}: ports below {UNPRIVILEGED} need the rights of root (CAP_NET_BIND_SERVICE); {elsewhere}"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{reason}: this machine does not have it; {elsewhere}"
    return f"{reason}; {elsewhere}"
