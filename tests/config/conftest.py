"""What the tests of the config room share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agent.config.command import CommandSet
from agent.config.commands import build
from agent.config.document import Document, load

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="session")
def commands() -> CommandSet:
    return build()


@pytest.fixture
def document(commands: CommandSet) -> Callable[[str], Document]:
    def read(text: str) -> Document:
        return load(text, "test.cfg", commands)

    return read


@pytest.fixture
def hub(commands: CommandSet) -> Document:
    return load((EXAMPLES / "ipsecf-3745b.cfg").read_text(), "ipsecf-3745b.cfg", commands)
