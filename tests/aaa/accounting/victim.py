"""A process that a test kills: a router's spool, and what sends its records, with sessions that come and go.

    python -m tests.aaa.accounting.victim FOLDER PORT SEED [last]

It begins as the agent does: Accounting-On, then sessions. Each has a Start, interim records and a Stop, and a will at each moment.
With `last` it ends by itself, when each session has its Stop, and a server has taken everything.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from random import Random

from agent.aaa.accounting.record import ACCT_DELAY_TIME, AccountingRecord, AcctStatus
from agent.aaa.accounting.sender import RecordSender
from agent.aaa.accounting.spool import LabSpool, Spool
from agent.aaa.radius.client import RadiusClient
from agent.aaa.radius.values import Attribute
from agent.base.clock import SECOND
from agent.base.outside import OutsideTraffic
from agent.config.aaa_model import RadiusServer, Secret, by_identity
from agent.config.model import RouterConfig
from tests.aaa.accounting.server import SECRET
from tests.aaa.accounting.spools import FILE

LOCAL = IPv4Address("127.0.0.1")
AT_ONCE = 40  # sessions
NAS_REBOOT = 11  # RFC 2866 §5.10


class Sessions:
    """Sessions that come and go. `life` tells those of one process from those of another."""

    def __init__(self, spool: Spool, random: Random) -> None:
        self._spool = spool
        self._random = random
        self._life = random.getrandbits(32)
        self._open: dict[str, int] = {}  # octets by session

    def start(self) -> None:
        self._spool.append(self._record(AcctStatus.ON, "00000000", 0))

    def step(self) -> None:
        """One of the sessions comes, goes, or has new numbers."""
        if len(self._open) < AT_ONCE and self._random.random() < 0.5:
            session = self._spool.next_session_id()
            self._open[session] = 0
            self._spool.append(self._record(AcctStatus.START, session, 0), self._will(session))
        elif self._open:
            session = self._random.choice(list(self._open))
            self._open[session] += 100
            match self._random.randrange(3):
                case 0:
                    self._spool.append(self._record(AcctStatus.INTERIM, session, self._open[session]), self._will(session))
                case 1:
                    self._spool.will(session, self._will(session))
                case _:
                    self._spool.append(self._record(AcctStatus.STOP, session, self._open.pop(session)))

    def end(self) -> None:
        for session, octets in self._open.items():
            self._spool.append(self._record(AcctStatus.STOP, session, octets))

    def _will(self, session: str) -> AccountingRecord:
        return self._record(AcctStatus.STOP, session, self._open[session], NAS_REBOOT)

    def _record(self, status: AcctStatus, session: str, octets: int, cause: int | None = None) -> AccountingRecord:
        attributes = [
            Attribute("Acct-Session-Id", session),
            Attribute("Acct-Status-Type", int(status)),
            Attribute("Acct-Input-Octets", octets),
            Attribute("Acct-Session-Time", self._life),
        ]
        if cause is not None:
            attributes.append(Attribute("Acct-Terminate-Cause", cause))
        return AccountingRecord(status, session, (*attributes, ACCT_DELAY_TIME), ("radius",), False, time.time())


async def main(folder: Path, port: int, seed: int, last: bool) -> None:
    loop = asyncio.get_running_loop()
    lab = LabSpool(
        folder / FILE,
        in_loop=loop.call_soon_threadsafe,
        now=lambda: int(loop.time() * SECOND),
        later=lambda delay, call: loop.call_later(delay / SECOND, call),
        hold=lambda: lambda: None,
    )
    config = RouterConfig()
    config.radius.hosts = by_identity([RadiusServer(LOCAL, acct_port=port, timeout=1, key=Secret(SECRET.decode()))])
    client = RadiusClient(config, lambda group: LOCAL, OutsideTraffic(logging.getLogger()))
    spool = lab.router("r1")
    sender = RecordSender(spool, client, count(1).__next__)
    sessions = Sessions(spool, Random(seed))
    sessions.start()
    steps = 200 if last else sys.maxsize
    for _ in range(steps):
        sessions.step()
        await asyncio.sleep(0)
        while len(spool) > 500:  # as many as a server that does not answer leaves
            await asyncio.sleep(1)
    sessions.end()
    done = asyncio.Event()
    lab.when_empty(done.set)
    await done.wait()
    sender.close()
    client.close()
    lab.close()
    print("unwritten", spool.counters.unwritten)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:] == ["last"]))
