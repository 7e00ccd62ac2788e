"""The compiled modules and their schema, made once for the tests of this room."""

from __future__ import annotations

import pytest

from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.schema import Schema, build_schema


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> CompiledMibs:
    return compile_mibs(tmp_path_factory.mktemp("mib-cache") / "cache")


@pytest.fixture(scope="session")
def schema(compiled: CompiledMibs) -> Schema:
    return build_schema(compiled.documents)
