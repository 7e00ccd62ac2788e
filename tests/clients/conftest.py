"""Labs of IOS XE, each started once. AGENT_PYTHON is the interpreter that has the agent."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.e2e.tools import ROOT
from tests.living import XE, LivingLab, pair, two_vrf_hub


def python() -> str:
    return os.environ.get("AGENT_PYTHON") or str(ROOT / ".venv" / "bin" / "python")


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingLab]:
    """The guide's hub: two VRFs."""
    with two_vrf_hub(python(), tmp_path_factory.mktemp("hub"), XE) as lab:
        yield lab


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingLab]:
    """Two routers without VRFs."""
    with pair(python(), tmp_path_factory.mktemp("sites"), XE) as lab:
        yield lab
