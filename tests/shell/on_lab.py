"""A CLI session on a router of a lab that a test drives."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agent.base.origin import CONSOLE
from agent.engine.port import Node
from agent.shell.command import LineState
from agent.shell.session import Session
from tests.shell.fakes import COMMANDS, FakeTerminal, make_router


def typed(node: Node, *lines: str) -> str:
    """What exec commands print on a node's CLI, errors included."""
    router = replace(
        make_router(),
        name=node.name,
        document=node.document,
        monitor=node.monitor,
        device=node.device,
        engine=node.engine,
        epoch=node.epoch,
    )
    terminal = FakeTerminal()
    session = Session(router, terminal, COMMANDS, LineState(CONSOLE))
    printed = ""
    for line in lines:
        before = len(terminal.text)
        result = asyncio.run(session.execute(line))
        printed += terminal.text[before:] + result.error
    return printed
