"""A turn of the event loop sends few accounting records, however many the disk gives at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path

import pytest

from agent.aaa.accounting import spool as spool_module
from agent.aaa.accounting.record_codec import attributes_text
from agent.aaa.accounting.sender import AT_ONCE, RecordSender
from agent.aaa.radius.values import Reply, Request
from tests.aaa.accounting.spools import Arrivals, opened, run, start

RECORDS = 100


def test_records_that_come_from_the_disk_together_are_sent_in_several_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "IN_MEMORY", 0)
    text = attributes_text(start("00000001").attributes)

    class Servers:
        """Servers that answer nothing."""

        def __init__(self) -> None:
            self.asked = 0

        def ask(self, group: str, request: Request, answered: Callable[[Reply | None], None]) -> None:
            self.asked += 1

    async def body() -> None:
        async with opened(tmp_path) as lab:
            spool, servers = lab.router("r1"), Servers()
            for number in range(RECORDS):
                spool.append(start(f"{number:08X}"))
            arrivals = Arrivals(spool)
            await arrivals.until(RECORDS)
            arrivals.listening.close()
            wanted: list[tuple[tuple[int, ...], Callable[[dict[int, str]], None]]] = []
            monkeypatch.setattr(lab.writer, "load", lambda numbers, loaded: wanted.append((numbers, loaded)))
            sender = RecordSender(spool, servers, count(1).__next__)
            while sum(len(numbers) for numbers, _ in wanted) < RECORDS:
                await asyncio.sleep(0)
            for numbers, loaded in wanted:
                loaded(dict.fromkeys(numbers, text))
            turns = [servers.asked]
            while turns[-1] < RECORDS:
                await asyncio.sleep(0)
                turns.append(servers.asked)
            assert max(after - before for before, after in pairwise([0, *turns])) <= AT_ONCE
            sender.close()

    run(body())
