"""The example of accounting as a newcomer runs it: `make radius`, and strongSwan's own command as a remote-access client."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import state_of
from tests.e2e.freeradius import Packet, packets_of
from tests.e2e.strongswan import PLUGINS, STRONGSWAN_CONF, Charon, Namespace, charon, command
from tests.e2e.tools import AGENT, ROOT, run_tool, wait_for

HUB, CLIENT = "172.28.100.1", "172.31.100.2"  # as the guide's configurations have them


@pytest.fixture(scope="module")
def swan(namespaces: tuple[Namespace, Namespace], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Charon]:
    """A charon with DES, at the address of the guide's client."""
    lab, far = namespaces
    for name, address, other in ((lab.name, HUB, CLIENT), (far.name, CLIENT, HUB)):
        command("ip", "-n", name, "address", "add", f"{address}/32", "dev", "veth0")
        command("ip", "-n", name, "route", "add", f"{other}/32", "dev", "veth0")
    conf = STRONGSWAN_CONF.replace("@PLUGINS@", f"openssl {PLUGINS}")
    conf = conf.replace("plugins {\n", "plugins {\n    openssl {\n      load_legacy = yes\n    }\n", 1)
    with charon(far, tmp_path_factory.mktemp("swan"), conf) as started:
        yield started


@contextmanager
def make_radius(lab: Namespace, folder: Path, state: Path) -> Iterator[Path]:
    """What `make radius` runs, in a copy of the examples; gives the file of accounting records, and ends it as Ctrl-C does."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    lab_file = folder / "examples" / "accounting.toml"
    text = lab_file.read_text()
    for ours, real in (("127.0.0.1:5500", f"{HUB}:500"), ("127.0.0.1:5501", f"{HUB}:4500"), ("127.0.0.1:6500", f"{CLIENT}:500")):
        assert ours in text
        text = text.replace(ours, real)
    lab_file.write_text(text.replace('nat = "127.0.0.1:6501"', f'nat = "{CLIENT}:4500"'))
    words = ["sh", str(ROOT / "scripts" / "radius.sh"), "radius", *AGENT, "run", str(lab_file), "--state-dir", str(state)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        lab.words(*words),
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if line == "ready\n":
                break
        assert "ready\n" in said, "".join(said)
        assert any("radius/accounting.detail" in line for line in said), "".join(said)
        yield folder / "radius" / "accounting.detail"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=30)


def await_record(detail: Path, status: str, pair: tuple[str, str], skip: int = 0) -> Packet:
    """The record of a status, and with a name and value in it, after so many of that kind."""

    def found() -> list[Packet]:
        return [each for each in packets_of(detail) if each["Acct-Status-Type"] == status and pair in each.attributes]

    wait_for(lambda: len(found()) > skip, f"a {status} with {pair} in {detail}")
    return found()[skip]


def test_it_shows_sessions_of_a_site_and_of_a_client(
    namespaces: tuple[Namespace, Namespace], swan: Charon, tmp_path: Path, mibs: Path
) -> None:
    state = state_of(tmp_path, mibs)

    def cli(*words: str) -> str:
        return run_tool(*AGENT, "cli", "--state-dir", str(state), "--router", *words)

    def swanctl(*words: str) -> str:
        return swan.namespace.run(program, *words, "--uri", f"unix://{swan.folder / 'charon.vici'}")

    program = shutil.copy(shutil.which("swanctl", path="/usr/sbin:/usr/bin") or "", tmp_path)  # as with charon, for AppArmor's sake
    site, client = ("Cisco-AVPair", f"isakmp-phase1-id={CLIENT}"), ("User-Name", "username1")
    with make_radius(namespaces[0], tmp_path, state) as detail:
        begun = await_record(detail, "Start", site)
        assert "User-Name" not in begun
        cli("site", "clear", "crypto", "session")
        assert await_record(detail, "Stop", site)["Acct-Terminate-Cause"] == "Admin-Reset"
        await_record(detail, "Start", site, 1)  # the next packet

        swanctl("--load-all", "--file", str(ROOT / "examples" / "accounting.swanctl.conf"))
        swanctl("--initiate", "--child", "lab")
        begun = await_record(detail, "Start", client)
        assert begun["Framed-IP-Address"] == "192.168.1.1"
        assert (begun.pairs["isakmp-group-id"], begun.pairs["vrf-id"]) == ("cclient", "cisco")
        swan.namespace.run("ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", "-I", "192.168.1.1", "10.20.20.20", check=False)
        swanctl("--terminate", "--ike", "hub")
        ended = await_record(detail, "Stop", client)
        assert (ended["Acct-Terminate-Cause"], ended["Acct-Input-Packets"]) == ("User-Request", "3")
        assert "User successfully authenticated" in cli("clients", "test aaa group radius username1 wonderland new-code")
        assert "User rejected" in cli("clients", "test aaa group radius username1 wrong new-code")
    assert await_record(detail, "Stop", site, 1)["Acct-Terminate-Cause"] == "Admin-Reboot"
