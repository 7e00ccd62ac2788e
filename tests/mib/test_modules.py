"""The modules in mibs/ say what the modules that routers serve say, and every tool that reads MIBs accepts them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.mib.compile import CompiledMibs, builtin_source
from agent.mib.sources import ENGINE_MODULES

FACTS = {path.stem: json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "facts").glob("*.json"))}
# Of these we ship only what other modules import.
PARTIAL = {"CISCO-SMI", "CISCO-TC"}
OURS = (builtin_source(), builtin_source() / ENGINE_MODULES)
# The language itself and its base types, which facts do not list.
BASE = {"SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF"}


def file_of(module: str) -> Path:
    """The file of one of our modules, in whichever of our directories it is."""
    (path,) = builtin_source().rglob(f"{module}.mib")
    return path


def syntax_of(written: dict[str, Any]) -> dict[str, Any]:
    """A type as pysmi's JSON has it, in the shape of the facts."""
    syntax: dict[str, Any] = {"type": written["type"]}
    constraints = written.get("constraints", {})
    for ours, theirs in (("range", "range"), ("size", "size")):
        if theirs in constraints:
            syntax[ours] = [[limits["min"], limits["max"]] for limits in constraints[theirs]]
    if "enumeration" in constraints:
        syntax["enum"] = constraints["enumeration"]
    if "bits" in written:
        syntax["bits"] = written["bits"]
    return syntax


def fact_of(module: str, entry: dict[str, Any]) -> dict[str, Any]:
    """A definition as pysmi's JSON has it, in the shape of the facts."""
    fact: dict[str, Any] = {"name": entry["name"], "class": entry.get("nodetype", entry["class"])}
    written = entry.get("syntax") or entry.get("type")
    if written:
        fact["syntax"] = syntax_of(written)
    for ours, theirs in (
        ("oid", "oid"),
        ("access", "maxaccess"),
        ("status", "status"),
        ("units", "units"),
        ("display_hint", "displayhint"),
    ):
        if theirs in entry:
            fact[ours] = entry[theirs]
    if "indices" in entry:
        fact["index"] = [index["object"] for index in entry["indices"]]
    if "augmention" in entry:
        fact["augments"] = entry["augmention"]["object"]
    if "default" in entry:
        fact["default"] = entry["default"]["default"]
    if entry.get("objects"):
        fact["objects"] = [carried["object"] for carried in entry["objects"]]
    if entry["class"] == "moduleidentity":
        text = file_of(module).read_text()
        fact["last_updated"] = re.search(r'LAST-UPDATED\s+"(\w+)"', text)[1]  # type: ignore[index]  # each has one
    return fact


def definitions(compiled: CompiledMibs, module: str) -> dict[str, dict[str, Any]]:
    document = compiled.documents[module]
    return {entry["name"]: fact_of(module, entry) for symbol, entry in document.items() if symbol != "imports"}


def test_facts_are_there_for_every_module_but_the_base_modules() -> None:
    shipped = {path.stem for path in builtin_source().rglob("*.mib")}
    assert shipped == set(FACTS) | BASE


@pytest.mark.parametrize("module", sorted(FACTS))
def test_a_module_says_what_the_facts_say(compiled: CompiledMibs, module: str) -> None:
    ours = definitions(compiled, module)
    for fact in FACTS[module]:
        if fact["name"] in ours or module not in PARTIAL:
            assert ours[fact["name"]] == fact


@pytest.mark.parametrize("module", sorted(FACTS))
def test_a_module_defines_nothing_that_the_facts_do_not_have(compiled: CompiledMibs, module: str) -> None:
    ours = {name for name, fact in definitions(compiled, module).items() if fact["class"] != "modulecompliance"}
    assert ours <= {fact["name"] for fact in FACTS[module]}


@pytest.mark.parametrize("module", sorted(FACTS))
def test_every_definition_is_described(module: str) -> None:
    text = file_of(module).read_text()
    descriptions = re.findall(r'DESCRIPTION\s+"([^"]*)"', text)
    assert len(descriptions) >= len(re.findall(r"^    STATUS ", text, re.M))
    assert all(len(description) >= 10 for description in descriptions)


def smilint(tmp_path: Path, directory: Path) -> list[str]:
    """What smilint finds in the modules of a directory, down to minor errors."""
    empty = tmp_path / "smi.conf"
    empty.touch()
    run = subprocess.run(
        ["smilint", "-c", str(empty), "-r", "-l", "3", *map(str, sorted(directory.glob("*.mib")))],
        env={**os.environ, "SMIPATH": ":".join(map(str, OURS))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (0, "")
    return [line.partition(": ")[2] for line in run.stderr.splitlines()]


def test_smilint_finds_no_error(tmp_path: Path) -> None:
    assert smilint(tmp_path, builtin_source()) == []


def test_of_the_engine_s_modules_smilint_minds_only_that_oids_are_indexes(tmp_path: Path) -> None:
    """RFC 3413 and RFC 3415 have it so: an OBJECT IDENTIFIER has no SIZE that could be stated."""
    assert smilint(tmp_path, builtin_source() / ENGINE_MODULES) == [
        f"index element `{subtree}' of row `{row}' should but cannot have a size restriction"
        for subtree, row in (
            ("snmpNotifyFilterSubtree", "snmpNotifyFilterEntry"),
            ("vacmViewTreeFamilySubtree", "vacmViewTreeFamilyEntry"),
        )
    ]


def snmptranslate(tmp_path: Path, *arguments: str) -> list[str]:
    """net-snmp's translator with our modules alone; it may complain of nothing. Its answers are apart by empty lines."""
    run = subprocess.run(
        ["snmptranslate", "-M", ":".join(map(str, OURS)), "-m", "ALL", *arguments],
        env={**os.environ, "SNMPCONFPATH": str(tmp_path), "SNMP_PERSISTENT_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in run.stderr.splitlines() if not line.startswith("Created directory: ")]
    assert (run.returncode, complaints) == (0, [])
    return run.stdout.split()


def test_net_snmp_translates_every_name_and_every_oid(compiled: CompiledMibs, tmp_path: Path) -> None:
    named = [
        (f"{module}::{fact['name']}", f".{fact['oid']}")
        for module, facts in FACTS.items()
        for fact in facts
        if "oid" in fact and fact["name"] in definitions(compiled, module)
    ]
    names, oids = zip(*named, strict=True)
    assert snmptranslate(tmp_path, "-On", *names) == list(oids)
    assert snmptranslate(tmp_path, "-OS", *oids) == list(names)
    assert [full.rpartition(".")[2] for full in snmptranslate(tmp_path, "-Of", *oids)] == [
        name.partition("::")[2] for name in names
    ]


def test_net_snmp_reads_a_peer_row_s_index(tmp_path: Path) -> None:
    address = "15.48.49.48.46.48.48.49.46.48.48.49.46.48.48"
    oid = f".1.3.6.1.4.1.9.9.171.1.2.2.1.6.1.{address}.50.1.{address}.49.1"
    assert snmptranslate(tmp_path, "-OS", oid) == [
        'CISCO-IPSEC-FLOW-MONITOR-MIB::cikePeerLocalAddr.ipAddrPeer."010.001.001.002".ipAddrPeer."010.001.001.001".1'
    ]
