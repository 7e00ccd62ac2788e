"""Floods beside a poll: `python -m bench.floods [--seconds S] [--kinds K,…]`.

One address floods a router with datagrams of one kind, at 20,000 a second and then as fast as it can. Another polls it every 20 ms,
waits a second for each answer, and says how long they took and how many were lost. At the end the memory is compared with that
of the beginning, after some rest.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.mib.values import NULL, number, object_identifier, octets, wrap
from bench.probe import get, is_answer
from bench.programs import HERE, compile_c
from bench.sides import Cores, Side, starter_of_agent

FLOOD_ADDRESS, POLLER_ADDRESS = "127.0.0.2", "127.0.0.3"
RATES = (20_000, 0)  # datagrams a second; 0 is full speed
INTERVAL = 0.02  # seconds between polls
PATIENCE = 1.0  # seconds that an answer is waited for
REST = 60.0
SYS_UP_TIME = (1, 3, 6, 1, 2, 1, 1, 3, 0)
WHOLE_TABLE = (1, 3, 6, 1, 4, 1, 9, 9, 171)
_GET, _GET_NEXT, _SET, _GET_BULK = 0xA0, 0xA1, 0xA3, 0xA5
_USUAL = bytes.fromhex("80004fb805") + b"other engine"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of the polls beside one flood: how long the answers took, in milliseconds, and how many there were not."""

    kind: str
    rate: int
    sent: int
    times: tuple[float, ...]
    lost: int
    after: float | None  # milliseconds from the flood's end to the next answer; None where there was none within a second

    def row(self) -> str:
        times = sorted(self.times) or [float("nan")]
        p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
        rate = f"{self.rate:,}/s" if self.rate else "full speed"
        after = "none" if self.after is None else f"{self.after:.1f}"
        return (
            f"| {self.kind} | {rate} | {self.sent:,} | {statistics.median(times):.1f} | {p99:.1f} | {times[-1]:.1f} |"
            f" {self.lost} of {self.lost + len(self.times)} | {after} |"
        )


def pdu(kind: int, names: int, name: tuple[int, ...] = SYS_UP_TIME, second: int = 0) -> bytes:
    """A request for one name so many times."""
    value = number("Integer32", 1) if kind == _SET else NULL
    bindings = wrap(0x30, object_identifier(name) + value) * names
    return wrap(kind, b"".join(number("Integer32", field) for field in (77, 0, second)) + wrap(0x30, bindings))


def community(name: str, request: bytes, version: int = 1) -> bytes:
    return wrap(0x30, number("Integer32", version) + octets(name) + request)


def version_3(engine_id: bytes, user: str, flags: int, digest: bytes, request: bytes) -> bytes:
    """An SNMPv3 message, its scopedPDU in the clear or, at authPriv, octets that nobody encrypted."""
    header = number("Integer32", 7) + number("Integer32", 65507) + octets(bytes((flags,))) + number("Integer32", 3)
    fields = octets(engine_id) + number("Integer32", 1) + number("Integer32", 0) + octets(user) + octets(digest)
    sealed = flags & 2
    parameters = octets(wrap(0x30, fields + octets(bytes(8) if sealed else b"")))
    scoped = wrap(0x30, octets(engine_id) + octets(b"") + request)
    whole = number("Integer32", 3) + wrap(0x30, header) + parameters + (octets(scoped) if sealed else scoped)
    return wrap(0x30, whole)


def kinds(engine_id: bytes) -> Mapping[str, bytes]:
    """Datagrams of at most 1,500 octets, by what they are."""
    one = pdu(_GET, 1)
    return {
        "bad community": community("nobody", one),
        "bad community, 1,400 octets": community("nobody", pdu(_GET, 90)),
        "discovery": version_3(b"", "", 4, b"", pdu(_GET, 0)),
        "unknown user": version_3(engine_id, "nobody", 4, b"", one),
        "unknown engine": version_3(_USUAL, "nobody", 4, b"", one),
        "bad digest": version_3(engine_id, "bench", 7, bytes(12), one),
        "unsupported level": version_3(engine_id, "bench", 6, b"", one),
        "GET": community("public", one),
        "GET of 90 names": community("public", pdu(_GET, 90)),
        "GETNEXT": community("public", pdu(_GET_NEXT, 1, WHOLE_TABLE)),
        "GETBULK of 90 names": community("public", pdu(_GET_BULK, 90, WHOLE_TABLE, 2**31 - 1)),
        "GETBULK": community("public", pdu(_GET_BULK, 1, WHOLE_TABLE, 2**31 - 1)),
        "SET without right": community("public", pdu(_SET, 1)),
        "SET of 80 bindings": community("public", pdu(_SET, 80)),
        "name above 2^32-1": community("public", pdu(_GET, 1, (1, 3, 6, 1, 1 << 32))),
        "response": community("public", pdu(0xA2, 1)),
        "trap": community("public", pdu(0xA7, 1)),
        "Report": version_3(_USUAL, "bench", 0, b"", pdu(0xA8, 1)),
        "garbage": b"\x30\x82\x05\x00" + b"\x30\x80" * 640,
        "odd encoding": community("public", b"\xa0\x81" + bytes((len(one) - 2,)) + one[2:]),
    }


def engine_id_of(port: int) -> bytes:
    """The engine ID that a Report on discovery names."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(version_3(b"", "", 4, b"", pdu(_GET, 0)), ("127.0.0.1", port))
        report = asking.recv(65535)
    at = report.index(b"\x80\x00\x4f\xb8")
    return report[at : at + report[at - 1]]


def flooded(program: Path, side: Side, kind: str, datagram: bytes, rate: int, seconds: float) -> Outcome:
    """Polls during one flood, and then once more."""
    command = [str(program), FLOOD_ADDRESS, "127.0.0.1", str(side.port), str(rate), str(seconds)]
    times: list[float] = []
    lost = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poller:
        poller.bind((POLLER_ADDRESS, 0))
        poller.connect(("127.0.0.1", side.port))
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as flood:
            assert flood.stdin is not None
            assert flood.stdout is not None
            flood.stdin.write(datagram)
            flood.stdin.close()
            while flood.poll() is None:
                took = poll(poller, side.community)
                if took is None:
                    lost += 1
                else:
                    times.append(took * 1000)
                    time.sleep(max(0.0, INTERVAL - took))
            sent = int(flood.stdout.read().partition(b"=")[2] or 0)
        after = poll(poller, side.community)
    return Outcome(kind, rate, sent, tuple(times), lost, None if after is None else after * 1000)


def poll(poller: socket.socket, name: str) -> float | None:
    """The seconds until sysUpTime is answered; None after a second without an answer."""
    began = time.monotonic()
    poller.send(get(name, bytes((0x2B, 6, 1, 2, 1, 1, 3, 0))))
    while (left := began + PATIENCE - time.monotonic()) > 0:
        poller.settimeout(left)
        try:
            if is_answer(poller.recv(65535), name):
                return time.monotonic() - began
        except OSError:
            break
    return None


def resident_mib(process: int) -> float:
    """The resident memory of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"no such process: {process}")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.floods", description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--rest", type=float, default=REST)
    parser.add_argument("--kinds", help="some of them, separated by semicolons")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="floods-") as folder:
        program = Path(folder) / "flood"
        compile_c(["gcc", "-O2", "-Wall", "-Wextra", "-o", program, HERE / "client" / "flood.c"])
        side = starter_of_agent(Cores.of_this_machine().server)(1000)
        try:
            datagrams = kinds(engine_id_of(side.port))
            wanted = options.kinds.split(";") if options.kinds else list(datagrams)
            before = resident_mib(side.process.pid)
            print("| flood | rate | sent | median ms | p99 ms | max ms | lost | answer after, ms |")
            print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
            for kind in wanted:
                for rate in RATES:
                    print(flooded(program, side, kind, datagrams[kind], rate, options.seconds).row(), flush=True)
            time.sleep(options.rest)
            after = resident_mib(side.process.pid)
            print(f"resident: {before:.1f} MiB before, {after:.1f} MiB after all and {options.rest:.0f} s of rest")
        finally:
            side.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
