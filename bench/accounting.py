"""Bench: accounting records a second, on disk first and then acknowledged: `python -m bench.accounting [--records N]`.

The agent runs on one core. Records of sessions, each with its will, are given to its spool as fast as servers acknowledge them. A
server that acknowledges at once, and a poll every 20 ms, are on the other core. Beside the agent stand two clients that a user
would take, with the same attributes and server, and without a disk: pyrad's, and radclient with many requests on the way.
"""

from __future__ import annotations

import argparse
import asyncio
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median

from agent.aaa.accounting.attributes import Accounted, Sender, Usage, session_attributes
from agent.aaa.accounting.causes import DIED, RELOADED
from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.spool import Spool
from agent.app import LabService, load_schema, settle_memory
from agent.base.clock import RealClock
from agent.flow.model import Identity, PeerEnds
from agent.flow.sessions import SessionFacts, SessionTotals
from agent.lab.lab import open_router
from agent.router_service import Options
from bench.floods import poll
from bench.probe import free_udp_port, wait_for_answer
from bench.sides import COMMUNITY, ROOT, Cores, Side, pinned

SECRET = "bench-secret"
RECORDS = 20_000
WANTED_RATE, WANTED_P99_MS = 2_000, 20
POLL_SECONDS = 0.02
AT_ONCE = 16  # records that are made in one turn of the loop
BACKLOG = 512  # records that wait at most
RADCLIENT_AT_ONCE = 256
CONFIGURATION = f"""\
hostname bench
aaa new-model
aaa accounting network bench start-stop group radius
radius-server host 127.0.0.1 auth-port 1645 acct-port {{port}} key {SECRET}
radius-server vsa send accounting
snmp-server community {COMMUNITY} RO
interface Loopback0
 ip address 127.0.0.1 255.255.255.255
end
"""
FACTS = SessionFacts("", None, "FastEthernet0/0.1", "username1", "cclient", IPv4Address("10.13.13.1"))
ENDS = PeerEnds(None, IPv4Address("10.1.1.1"), IPv4Address("10.1.2.2"))


# --- the agent ---


def records(spool: Spool) -> Iterator[tuple[AccountingRecord, AccountingRecord | None]]:
    """Starts with their wills, and Stops: those of a session follow one another."""
    now = time.time()
    while True:
        session = spool.next_session_id()
        who = Accounted(session, "cisco", Identity(True, "10.1.2.2"), ENDS, FACTS)

        def made(status: AcctStatus, usage: Usage | None, who: Accounted = who) -> AccountingRecord:
            return AccountingRecord(
                status, who.session_id, session_attributes(status, who, usage, Sender()), ("radius",), False, now
            )

        yield made(AcctStatus.START, None), made(AcctStatus.STOP, Usage(0, SessionTotals(), DIED))
        totals = SessionTotals(1004, 100_000, 152_608, 1004, 100_000, 152_608)
        yield made(AcctStatus.STOP, Usage(709, totals, RELOADED)), None


async def account(spool: Spool, number: int, rate: int) -> float:
    """Have so many records acknowledged, and the seconds that it takes. `rate` is how many are made in a second; 0: no limit."""
    made, given, began = records(spool), 0, time.perf_counter()
    while given < number:
        due = number if not rate else min(number, int((time.perf_counter() - began) * rate))
        wanted = min(given + AT_ONCE, due)
        while given < wanted and len(spool) < BACKLOG:
            spool.append(*next(made))
            given += 1
        await asyncio.sleep(0 if given < wanted else 0.001)
    while len(spool):
        await asyncio.sleep(0.001)
    return time.perf_counter() - began


async def agent(folder: Path, port: int, listen: int, number: int) -> None:
    """The product, as its command puts it together; says READY, and what it took."""
    config = folder / "bench.cfg"
    config.write_text(CONFIGURATION.format(port=port))
    lab = open_router(config, RealClock())
    service = LabService(lab, load_schema(folder, []), Options("bench", folder, (("127.0.0.1", listen),)))
    await service.start()
    settle_memory()
    shared = service._aaa.spool
    assert shared is not None
    spool = shared.router(lab.first.name)
    print("READY", flush=True)
    while rate := sys.stdin.readline():
        busy = time.process_time()
        seconds = await account(spool, number, int(rate))
        print(f"{seconds} {time.process_time() - busy}", flush=True)
    await service.stop()


# --- the server, and the other clients ---


def serve() -> None:
    """Acknowledge every request (RFC 2866 §3), until the process is ended. Says at which port."""
    secret = SECRET.encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        server.bind(("127.0.0.1", 0))
        print(server.getsockname()[1], flush=True)
        while True:
            request, source = server.recvfrom(4096)
            head = b"\x05" + request[1:2] + b"\x00\x14"
            server.sendto(head + md5(head + request[4:20] + secret).digest(), source)


def pyrad_rate(port: int, number: int) -> float:
    """Records a second by pyrad's own client, one after another."""
    from pyrad.client import Client
    from pyrad.dictionary import Dictionary

    import agent.aaa.radius

    dictionary = Dictionary(str(Path(agent.aaa.radius.__file__).parent / "dictionary"))
    client = Client(server="127.0.0.1", acctport=port, secret=SECRET.encode(), dict=dictionary)
    attributes = sample()
    began = time.perf_counter()
    for _ in range(number):
        request = client.CreateAcctPacket()
        for name, value in attributes:
            request.AddAttribute(name, value)
        client.SendPacket(request)
    return number / (time.perf_counter() - began)


def radclient_rate(port: int, number: int, folder: Path) -> float | None:
    """Records a second by radclient; None where it is not installed."""
    program = shutil.which("radclient")
    if program is None:
        return None
    text = "\n".join(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in sample())
    requests = folder / "requests"
    requests.write_text(f"{text}\n\n" * number)
    command = [program, "-q", "-D", "/usr/share/freeradius", "-p", str(RADCLIENT_AT_ONCE), "-f", str(requests)]
    began = time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}", "acct", SECRET], check=True, stdout=subprocess.DEVNULL)
    return number / (time.perf_counter() - began)


def sample() -> list[tuple[str, str | int]]:
    """The attributes of a Start, without those that the clients have no name for."""
    who = Accounted("00000001", "cisco", Identity(True, "10.1.2.2"), ENDS, FACTS)
    found = session_attributes(AcctStatus.START, who, None, Sender())
    return [(name, value) for name, value in found if isinstance(value, str | int)]


# --- the bench ---


@contextmanager
def server_on(core: int | None) -> Iterator[int]:
    """A server in a process of its own, and its port."""
    command = pinned(core, [sys.executable, "-m", "bench.accounting", "--serve"])
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def measure(port: int, number: int, cores: Cores, folder: Path) -> None:
    """The agent with its polls, at the rate that is wanted, and then as fast as it can; prints the figures."""
    listen = free_udp_port()
    command = [sys.executable, "-m", "bench.accounting", "--agent", str(folder), str(port), str(listen), "--records", str(number)]
    process = subprocess.Popen(pinned(cores.server, command), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    side = Side("agent", process, listen, COMMUNITY, None, 0.0)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        while process.stdout.readline().strip() != "READY":
            pass
        wait_for_answer(listen, COMMUNITY, 30.0, lambda: process.poll() is None)
        for rate in (WANTED_RATE, 0):
            process.stdin.write(f"{rate}\n")
            process.stdin.flush()
            times, lost = polled(process, listen)
            seconds, busy = map(float, process.stdout.readline().split())
            title = f"accounting at {rate:,} records a second" if rate else "accounting as fast as it can"
            speed = f"{number / seconds:,.0f} a second, {busy / number * 1e6:.0f} µs of work each"
            print(f"{title}: {number:,} in {seconds:.1f} s, {speed}")
            times.sort()
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))] * 1000
            wanted = f" (wanted < {WANTED_P99_MS} ms)" if rate else ""
            print(
                f"  polls meanwhile: {len(times):,}, {lost} lost, median {median(times) * 1000:.1f} ms, p99 {p99:.1f} ms{wanted}, "
                f"slowest {times[-1] * 1000:.1f} ms"
            )
        process.stdin.close()
    finally:
        side.stop()


def polled(process: subprocess.Popen[str], port: int) -> tuple[list[float], int]:
    """Poll until the agent has said what it took: the seconds of each answer, and how many there were not."""
    assert process.stdout is not None
    times: list[float] = []
    lost = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poller:
        poller.connect(("127.0.0.1", port))
        while not select.select([process.stdout], [], [], POLL_SECONDS)[0]:
            took = poll(poller, COMMUNITY)
            if took is None:
                lost += 1
            else:
                times.append(took)
    return times, lost


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.accounting", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--agent", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.agent:
        folder, port, listen = options.agent
        asyncio.run(agent(Path(folder), int(port), int(listen), options.records))
    else:
        cores = Cores.of_this_machine()
        with tempfile.TemporaryDirectory(prefix="accounting-") as name, server_on(cores.client) as port:
            measure(port, options.records, cores, Path(name))
            print(f"pyrad's client, one after another and without a disk: {pyrad_rate(port, options.records // 10):,.0f} a second")
            rate = radclient_rate(port, options.records, Path(name))
            print(
                "radclient is not installed" if rate is None else f"radclient, 256 at once and without a disk: {rate:,.0f} a second"
            )


if __name__ == "__main__":
    main()
