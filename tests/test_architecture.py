"""The architecture, read from the source: which room imports which, where time and asyncio are, and how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "agent"
# The rooms of ours that each room may import, beside itself. What stands in the package itself may import anything.
ROOMS: dict[str, frozenset[str]] = {
    "base": frozenset(),
    "config": frozenset({"base"}),
    "crypto": frozenset({"base"}),
    "flow": frozenset({"base"}),
    "engine": frozenset({"base", "config", "flow"}),
    "lab": frozenset({"base", "config", "crypto", "flow", "engine"}),
    "mib": frozenset({"base", "config", "flow", "engine"}),
    "snmp": frozenset({"base", "config", "flow", "engine", "mib"}),
    "syslog": frozenset({"base", "config", "flow", "engine"}),
    "aaa": frozenset({"base", "config", "flow", "engine", "syslog"}),
    "shell": frozenset({"base", "config", "flow", "engine", "syslog", "aaa"}),
}
TOP = {
    "agent/__init__.py",
    "agent/__main__.py",
    "agent/aaa_service.py",
    "agent/app.py",
    "agent/entry.py",
    "agent/router_service.py",
}
LEFT_OF_THE_VIEWS = ("base", "config", "crypto", "flow", "engine", "lab")
CORES = ("config", "crypto", "flow", "engine", "mib")
CLOCK = "agent/base/clock.py"
SHELLS = {
    "agent/aaa/accounting/sender.py",
    "agent/aaa/dynamic/listener.py",
    "agent/aaa/hash_worker.py",
    "agent/aaa/questions.py",
    "agent/aaa/radius/client.py",
    "agent/aaa/radius/sockets.py",
    "agent/__main__.py",
    "agent/aaa_service.py",
    "agent/app.py",
    "agent/base/runner.py",
    "agent/lab/wire/underlay.py",
    "agent/router_service.py",
    "agent/snmp/dispatcher.py",
    "agent/snmp/engine.py",
    "agent/snmp/sender.py",
    "agent/snmp/transport.py",
    "agent/syslog/hosts.py",
}
LONGEST_FILE = 600
TIME_CALLS = {"now", "utcnow", "today"}


def files_of(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(path: Path) -> str | None:
    """The room that a file of the package is in; None of one that stands in the package itself."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else None


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imports_of(path: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere in it, each as `module.name` where it imports a name from a module."""
    return imports_in(tree_of(path), ["agent", *path.relative_to(PACKAGE).parts[:-1]])


def imports_in(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """The same of a module that stands in a package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_in(names: Iterable[str]) -> set[str]:
    """The rooms of ours that dotted names are in."""
    return {name.split(".")[1] for name in names if name.startswith("agent.")}


def modules_of(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports_of(path)}


PRODUCT = files_of("agent")
IN_ROOMS = [path for path in PRODUCT if room_of(path)]


def test_every_file_is_in_a_known_room() -> None:
    assert {name_of(path) for path in PRODUCT if room_of(path) is None} <= TOP
    assert {room_of(path) for path in IN_ROOMS} <= set(ROOMS)


@pytest.mark.parametrize("path", IN_ROOMS, ids=name_of)
def test_imports_go_one_way(path: Path) -> None:
    room = room_of(path)
    assert room is not None
    assert rooms_in(imports_of(path)) <= ROOMS[room] | {room}


VIEWS = ("mib", "snmp", "shell")


@pytest.mark.parametrize("room", VIEWS)
def test_a_view_may_know_the_port_and_no_engine(room: str) -> None:
    assert "engine" in ROOMS[room]
    assert not {"lab", "crypto"} & ROOMS[room]


@pytest.mark.parametrize(
    "planted",
    [
        "from agent.lab.lab import Lab",
        "import agent.lab.router",
        "from agent import lab",
        "from ...lab import router",
        "from ... import lab",
        "def late():\n    from agent.lab.wire import wires",
        "if TYPE_CHECKING:\n    from agent.lab import router",
    ],
)
def test_an_import_that_goes_the_other_way_is_found(planted: str) -> None:
    assert rooms_in(imports_in(ast.parse(planted), ["agent", "shell", "commands"])) == {"lab"}


def test_the_views_run_without_an_engine() -> None:
    """Also what they load by name is none."""
    loaded = "import sys, agent.mib.contexts, agent.snmp.engine, agent.shell.server; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "agent.engine.port" in modules
    assert not [name for name in modules if name.startswith(("agent.lab", "agent.crypto"))]


def test_the_snmp_room_knows_no_router_s_configuration() -> None:
    """It has an endpoint (`agent/snmp/endpoint.py`), and values of the SNMP section, of access lists and of named hosts."""
    known = ("agent.config.snmp_model.", "agent.config.events.", "agent.config.model.AccessList", "agent.config.hosts.")
    for path in files_of("agent/snmp"):
        assert not [name for name in imports_of(path) if name.startswith("agent.config.") and not name.startswith(known)]


def test_nothing_in_the_product_imports_tests_or_benchmarks() -> None:
    assert not [name_of(path) for path in PRODUCT if modules_of(path) & {"tests", "bench", "pytest", "hypothesis"}]


def test_the_rooms_have_an_order() -> None:
    """No two rooms may import each other, directly or round a corner."""
    ordered: list[str] = []
    while len(ordered) < len(ROOMS):
        free = sorted(room for room, needs in ROOMS.items() if room not in ordered and needs <= set(ordered))
        assert free, "the table of rooms goes in a circle"
        ordered += free


# What each package of the lab may import of the others. What stands in the room itself joins them, and may import all.
LAB_PACKAGES: dict[str, frozenset[str]] = {
    "labfile": frozenset(),
    "policy": frozenset({"labfile"}),
    "wire": frozenset({"labfile", "policy", "failures"}),
    "failures": frozenset({"policy"}),
    "ipsec": frozenset({"policy", "wire", "failures"}),
    "ike": frozenset({"policy", "failures", "ipsec"}),
    "spokes": frozenset({"labfile", "ipsec"}),
    "timeline": frozenset({"wire"}),
}


def lab_package_of(path: Path) -> str | None:
    parts = path.relative_to(PACKAGE / "lab").parts
    return parts[0] if len(parts) > 1 else None


@pytest.mark.parametrize("path", [path for path in files_of("agent/lab") if lab_package_of(path)], ids=name_of)
def test_the_labs_packages_are_in_order(path: Path) -> None:
    package = lab_package_of(path)
    assert package is not None
    used = {name.split(".")[2] for name in imports_of(path) if name.startswith("agent.lab.")}
    assert used & set(LAB_PACKAGES) <= LAB_PACKAGES[package] | {package}


def world_times(path: Path) -> Iterator[int]:
    """Lines that ask the world for the time: an import of `time`, or a call of datetime's or date's `now` and the like."""
    for node in ast.walk(tree_of(path)):
        if (isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names)) or (
            isinstance(node, ast.ImportFrom) and node.module == "time"
        ):
            yield node.lineno
        elif isinstance(node, ast.Attribute) and node.attr in TIME_CALLS and isinstance(node.value, ast.Name | ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
            if owner in ("datetime", "date"):
                yield node.lineno


@pytest.mark.parametrize("path", [path for path in IN_ROOMS if room_of(path) in LEFT_OF_THE_VIEWS], ids=name_of)
def test_left_of_the_views_a_clock_is_the_only_source_of_time(path: Path) -> None:
    if name_of(path) == CLOCK:
        assert list(world_times(path))
    else:
        assert not list(world_times(path))


def test_asyncio_is_at_the_edges_alone() -> None:
    users = {name_of(path) for path in PRODUCT if "asyncio" in modules_of(path)}
    assert {name for name in users if not name.startswith("agent/shell/")} <= SHELLS


# A password's hash and a sync of the disk take tens of milliseconds, which the loop cannot spare.
THREADS = {"agent/aaa/hash_worker.py", "agent/aaa/accounting/spool_writer.py"}


def test_there_are_two_threads_beside_the_loop() -> None:
    threading = {"threading", "_thread", "concurrent", "multiprocessing"}
    assert {name_of(path) for path in PRODUCT if modules_of(path) & threading} == THREADS


@pytest.mark.parametrize("path", [path for path in IN_ROOMS if room_of(path) in CORES], ids=name_of)
def test_cores_open_no_sockets_and_print_nothing(path: Path) -> None:
    assert not modules_of(path) & {"socket", "selectors", "logging", "sys"}
    calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
    assert not [call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"]


@pytest.mark.parametrize("path", PRODUCT, ids=name_of)
def test_no_state_is_global(path: Path) -> None:
    """Names of a module are bound once, while it is imported."""
    assert not [node.lineno for node in ast.walk(tree_of(path)) if isinstance(node, ast.Global)]


# Where a packet or a request takes a call of many positional arguments, for keywords cost time there.
ON_THE_WAY_OF_PACKETS = {
    "agent/crypto/ah.py",
    "agent/crypto/ip.py",
    "agent/crypto/isakmp.py",
    "agent/snmp/fast_v3.py",
    "agent/snmp/general.py",
    "agent/snmp/responder.py",
    "agent/snmp/usm.py",
    "agent/snmp/usm_message.py",
}
MOST_POSITIONAL = 8


@pytest.mark.parametrize("path", [path for path in PRODUCT if name_of(path) not in ON_THE_WAY_OF_PACKETS], ids=name_of)
def test_many_arguments_have_their_names(path: Path) -> None:
    calls = [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call)]
    assert not [(call.lineno, ast.unparse(call.func)) for call in calls if len(call.args) > MOST_POSITIONAL]


@pytest.mark.parametrize("path", files_of("agent", "bench", "tests"), ids=name_of)
def test_no_file_is_two_ideas_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", [path for path in PRODUCT if path.name != "__init__.py"], ids=name_of)
def test_a_module_says_which_room_it_is(path: Path) -> None:
    said = ast.get_docstring(tree_of(path)) or ""
    room = room_of(path)
    assert said
    assert room is None or said.startswith(f"{room.capitalize()} room")


def test_a_start_with_a_warm_cache_loads_no_compiler() -> None:
    """pysmi and what it brings (a parser generator, templates, an HTTP client) would be a tenth of the time to the first answer."""
    loaded = "import sys, agent.__main__, agent.app; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "pysnmp" in modules
    assert not {"pysmi", "lark", "jinja2", "requests"} & set(modules)


@pytest.mark.parametrize("room", ["aaa", "config", "crypto", "flow", "lab", "mib", "shell", "snmp", "syslog"])
def test_a_rooms_page_names_its_files_and_no_other(room: str) -> None:
    page = (ROOT / "docs" / f"{room}.md").read_text()
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `") and ".py`" in line.split("|")[1])
    named = set(re.findall(r"`([a-z0-9_/]+\.py)`", rows))
    files = [path.relative_to(PACKAGE / room) for path in (PACKAGE / room).rglob("*.py") if path.name != "__init__.py"]
    assert named == {
        path.as_posix() for path in files if path.parts[0] not in ("commands", "render")
    }  # a row each, whatever their number
