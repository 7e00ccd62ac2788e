"""The real process, driven by real clients. Each lab runs in a folder of its own, on ports that the kernel gave."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.strongswan import Charon, Namespace, RealLab, Routers, StartRealLab, charon, real_lab, two_namespaces
from tests.e2e.tools import AGENT, PATIENCE, ROOT, Wait, free_port, run_tool, until_ready, wait_for

__all__ = ["AGENT", "PATIENCE", "ROOT", "Wait", "free_port", "run_tool", "wait_for"]


@dataclass
class Lab:
    """A running `ipsec-agent run`."""

    folder: Path
    process: subprocess.Popen[str]
    ports: dict[str, int]
    output: list[str] = field(default_factory=list)

    @property
    def hub(self) -> str:
        return f"127.0.0.1:{self.ports['ipsecf-3745b']}"

    def cli(self, *words: str, router: str | None = None, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """`ipsec-agent cli`; with `stdin`, lines as pasted into a terminal."""
        chosen = ["--router", router] if router else []
        return subprocess.run(
            [*AGENT, "cli", "--state-dir", str(self.folder / "state"), *chosen, *words],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )

    def ping(self, destination: str = "10.22.1.1", source: str = "10.20.1.1") -> str:
        done = self.cli("ping", destination, "source", source, "repeat", "5", router="ipsecf-3745a")
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def mibs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all labs keep the compiled MIB modules."""
    return tmp_path_factory.mktemp("mibs")


def state_of(folder: Path, mibs: Path) -> Path:
    """A state directory of a lab's own, but for the compiled MIB modules."""
    state = folder / "state"
    state.mkdir()
    (state / "mibs").symlink_to(mibs)
    return state


@pytest.fixture
def start_lab(tmp_path: Path, mibs: Path) -> Iterator[Callable[..., Lab]]:
    """Starts the guide's lab from a copy; `edit` may change its files (by name) before, `options` go to `run`."""
    labs: list[Lab] = []

    def start(edit: dict[str, Callable[[str], str]] | None = None, options: list[str] | None = None) -> Lab:
        folder = tmp_path / f"lab{len(labs)}"
        shutil.copytree(ROOT / "examples", folder)
        lab_file = folder / "two-vrf-hub.toml"
        lab_file.write_text(re.sub(r'"127\.0\.0\.1:\d+"', '"127.0.0.1:0"', lab_file.read_text()))
        for name, change in (edit or {}).items():
            path = folder / name
            path.write_text(change(path.read_text()))
        process = subprocess.Popen(
            [*AGENT, "run", str(lab_file), "--state-dir", str(state_of(folder, mibs)), *(options or [])],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
        )
        lab = Lab(folder, process, {})
        labs.append(lab)
        until_ready(process, lab.ports, lab.output)
        return lab

    yield start
    for lab in labs:
        if lab.process.poll() is None:
            lab.process.send_signal(signal.SIGTERM)
        assert lab.process.wait(20) == 0, "".join(lab.output)
        assert "Traceback" not in "".join(lab.output), "".join(lab.output)


@pytest.fixture
def lab(start_lab: Callable[..., Lab]) -> Lab:
    return start_lab()


# --- strongSwan, and routers on a real underlay ---


@pytest.fixture(scope="module")
def namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    """The lab's and charon's."""
    with two_namespaces() as made:
        yield made


@pytest.fixture(scope="module")
def swan(namespaces: tuple[Namespace, Namespace], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charon]:
    """A charon for the tests of a module. Each talks with it from a router of its own, so that none finds what another left."""
    with charon(namespaces[1], tmp_path_factory.mktemp("swan")) as started:
        yield started


@pytest.fixture(scope="module")
def start_real_lab(
    namespaces: tuple[Namespace, Namespace], mibs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartRealLab]:
    """Starts a lab of routers by number, each with its settings (`strongswan.DEFAULTS`), and options of `run`."""
    with ExitStack() as stack:

        def start(routers: Routers, *options: str) -> RealLab:
            return stack.enter_context(real_lab(namespaces[0], tmp_path_factory.mktemp("real"), mibs, routers, *options))

        yield start
