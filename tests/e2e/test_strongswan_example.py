"""The example of docs/lab.md, as a user tries it: the lab file, and strongSwan's own command with its own file."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.e2e.strongswan import Charon, Namespace, running
from tests.e2e.tools import ROOT


def test_the_example_works_as_it_is_written(
    namespaces: tuple[Namespace, Namespace], swan: Charon, tmp_path: Path, mibs: Path
) -> None:
    for name in ("strongswan-peer.toml", "strongswan-peer.cfg"):
        shutil.copy(ROOT / "examples" / name, tmp_path)
    uri = ["--uri", f"unix://{swan.folder / 'charon.vici'}"]
    swanctl = shutil.copy(shutil.which("swanctl", path="/usr/sbin:/usr/bin") or "", tmp_path)  # as with charon, for AppArmor's sake
    with running(namespaces[0], tmp_path / "strongswan-peer.toml", mibs) as lab:
        file = str(ROOT / "examples" / "strongswan-peer.swanctl.conf")
        swan.namespace.run(swanctl, "--load-all", "--file", file, *uri)
        swan.namespace.run(swanctl, "--initiate", "--child", "net", *uri)
        said = swan.namespace.run("ping", "-n", "-c", "3", "-i", "0.1", "-I", "10.2.0.1", "10.1.0.1")
        assert "3 received" in said
        shown = swan.namespace.run(swanctl, "--list-sas", *uri)
        spis = {way: int(spi, 16) for way, spi in re.findall(r"^ +(in|out) +([0-9a-f]{8}),", shown, re.MULTILINE)}
        counted = dict(re.findall(r"^ +(in|out) .* (\d+) packets", shown, re.MULTILINE))
        walked = lab.namespace.run("snmpbulkwalk", "-v2c", "-c", "public", "-OQvU", "127.0.0.1:1161", "cipSecSpiValue")
        assert [int(value) for value in walked.split()] == [spis["out"], spis["in"]]
        assert counted == {"in": "3", "out": "3"}
        assert lab.process.poll() is None
