"""Trap hosts that answer informs, or do not, each a thread of its own so that none of them waits for the agent."""

from __future__ import annotations

import socket
import threading
from collections import Counter

from tests.snmp.fakes import LOOPBACK

_BUFFER = 8 << 20  # octets: what a busy machine lets wait
_INFORM, _RESPONSE = 0xA6, 0xA2


class TrapHost:
    """Counts what comes by its last octets (the value of the last object). While `answering`, informs are answered.

    A host that is not `listening` has no socket: the system refuses what comes for it (ICMP port unreachable).
    """

    def __init__(self, listening: bool = True, answering: bool = True) -> None:
        self.answering = answering
        self.seen: Counter[bytes] = Counter()
        self.answered: set[bytes] = set()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        if listening:
            self._thread.start()
        else:
            self._socket.close()

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(b"", (LOOPBACK, self.port))
            self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            datagram, source = self._socket.recvfrom(65535)
            if not datagram:
                return
            told = datagram[-4:]
            self.seen[told] += 1
            if not self.answering:
                continue
            # Community messages have their PDU's tag right after the community: the answer differs in that alone.
            at = 7 + datagram[6] if datagram[1] < 0x80 else 7 + (datagram[1] & 0x7F) + datagram[6 + (datagram[1] & 0x7F)]
            if datagram[at] == _INFORM:
                self._socket.sendto(datagram[:at] + bytes((_RESPONSE,)) + datagram[at + 1 :], source)
                self.answered.add(told)
