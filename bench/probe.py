"""One SNMPv2c GET of sysUpTime.0 by hand (RFC 3416), to learn when an agent first answers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

SYS_UP_TIME_0 = bytes((0x2B, 6, 1, 2, 1, 1, 3, 0))
RESPONSE_TAG = 0xA2
RETRY_SECONDS = 0.005


def tlv(tag: int, content: bytes) -> bytes:
    """A BER element; the content is shorter than 128 octets here."""
    return bytes((tag, len(content))) + content


def get(community: str, name: bytes) -> bytes:
    """A whole GET of one name (its octets)."""
    varbind = tlv(0x30, tlv(0x06, name) + tlv(0x05, b""))
    zero = tlv(0x02, b"\0")
    pdu = tlv(0xA0, tlv(0x02, b"\1") + zero + zero + tlv(0x30, varbind))
    return tlv(0x30, tlv(0x02, b"\1") + tlv(0x04, community.encode()) + pdu)


def is_answer(datagram: bytes, community: str) -> bool:
    """True for a Response-PDU to our community."""
    after_community = datagram.find(community.encode()) + len(community)
    return datagram[after_community : after_community + 1] == bytes((RESPONSE_TAG,))


def answers(port: int, community: str, wait_seconds: float) -> bool:
    """Asks 127.0.0.1:`port` once; False where no answer comes in time or the port is closed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(wait_seconds)
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(get(community, SYS_UP_TIME_0))
            return is_answer(asking.recv(65535), community)
        except OSError:
            return False


def wait_for_answer(port: int, community: str, limit_seconds: float, is_alive: Callable[[], bool]) -> bool:
    """Asks until an answer comes; False after `limit_seconds`, or once the process asked is no longer alive."""
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline and is_alive():
        # A datagram that came before the socket was read is answered late rather than never: wait a little for it.
        if answers(port, community, 0.05):
            return True
        time.sleep(RETRY_SECONDS)
    return False


def ask_number(port: int, community: str, name: bytes, wait_seconds: float) -> int | None:
    """An unsigned number of 127.0.0.1:`port`; None where no answer comes in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(wait_seconds)
        try:
            asking.connect(("127.0.0.1", port))
            asking.send(get(community, name))
            answer = asking.recv(65535)
        except OSError:
            return None
    at = answer.rindex(name) + len(name)
    return int.from_bytes(answer[at + 2 : at + 2 + answer[at + 1]], "big")


def free_udp_port() -> int:
    """A UDP port of 127.0.0.1 that the kernel says is free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
        return port
