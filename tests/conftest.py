"""The compiled modules and their schema, made once for all tests; and examples that may take as long as they need."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.schema import Schema, build_schema

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledMibs:
    return compile_mibs(tmp_path_factory.mktemp("mib-cache") / "cache")


@pytest.fixture(scope="session")
def schema(compiled: CompiledMibs) -> Schema:
    return build_schema(compiled.documents)
