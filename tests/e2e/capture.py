"""What crosses an interface, as a program: `python -m tests.e2e.capture INTERFACE`, to be run in a network namespace.

It says `ready`, then keeps IPv4 packets until SIGTERM, and prints one line for each: direction, source, destination, protocol, two
ports, the length of the IP packet, and the first octets behind the UDP header.
"""

from __future__ import annotations

import signal
import socket
import struct
import sys

_ALL, _IPV4 = 3, 0x0800  # what goes out is shown only to those who want to see everything
_BUFFER = 1 << 24


def main(interface: str) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ALL)) as tap:
        tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        tap.bind((interface, _ALL))
        print("ready", flush=True)
        signal.sigwait({signal.SIGTERM})
        tap.setblocking(False)
        while True:
            try:
                octets, address = tap.recvfrom(65535)
            except BlockingIOError:
                return
            if address[1] == _IPV4:
                print("out" if address[2] == socket.PACKET_OUTGOING else "in", _described(octets))


def _described(octets: bytes) -> str:
    length, protocol = struct.unpack_from(">H", octets, 2)[0], octets[9]
    ends = " ".join(socket.inet_ntoa(octets[at : at + 4]) for at in (12, 16))
    header = (octets[0] & 15) * 4
    ports = "{} {}".format(*struct.unpack_from(">HH", octets, header)) if protocol == 17 else "0 0"
    return f"{ends} {protocol} {ports} {length} {octets[header + 8 : header + 12].hex() or '-'}"


if __name__ == "__main__":
    main(sys.argv[1])
