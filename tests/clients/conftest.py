"""The guide's lab, once for each release. AGENT_PYTHON is the interpreter that has the agent."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.tools import ROOT
from tests.living import CLASSIC, XE, LivingLab, living_lab


def _python() -> str:
    return os.environ.get("AGENT_PYTHON") or str(ROOT / ".venv" / "bin" / "python")


@pytest.fixture(scope="session")
def xe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingLab]:
    with living_lab(_python(), tmp_path_factory.mktemp("xe"), XE) as lab:
        yield lab


@pytest.fixture(scope="session")
def classic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingLab]:
    with living_lab(_python(), tmp_path_factory.mktemp("classic"), CLASSIC) as lab:
        yield lab
