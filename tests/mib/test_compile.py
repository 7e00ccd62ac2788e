"""Modules compile once, compile again when a source changes, come from the user's files first, and fail in one clear line."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.mib.compile import CompiledMibs, compile_mibs
from agent.mib.schema import build_schema
from agent.mib.sources import (
    BrokenModuleError,
    MibError,
    MissingModuleError,
    builtin_source,
    index_directory,
    modules_of,
    read_directory,
)

# The smallest set that compiles by itself, so that each test's compilation is short.
SMALL = ("SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF", "CISCO-SMI", "CISCO-TC")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A built-in directory with few modules."""
    directory = tmp_path / "mibs"
    directory.mkdir()
    for module in SMALL:
        (directory / f"{module}.mib").write_bytes((builtin_source() / f"{module}.mib").read_bytes())
    return directory


@pytest.fixture
def dropped(tmp_path: Path) -> Path:
    """An empty --mib-source directory."""
    directory = tmp_path / "dropped"
    directory.mkdir()
    return directory


def source(module: str) -> str:
    return (builtin_source() / f"{module}.mib").read_text()


def one_line(error: MibError) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def test_the_second_start_reads_the_cache(small: Path, tmp_path: Path) -> None:
    first = compile_mibs(tmp_path / "cache", builtin=small)
    second = compile_mibs(tmp_path / "cache", builtin=small)
    assert first.recompiled
    assert not second.recompiled
    assert second.documents == first.documents
    assert second.sources == first.sources
    assert second.cache_file == first.cache_file


def test_a_warm_start_does_not_import_pysmi(compiled: CompiledMibs) -> None:
    program = (
        "import sys, pathlib; from agent.mib.compile import compile_mibs\n"
        f"warm = compile_mibs(pathlib.Path({str(compiled.cache_file.parent)!r}))\n"
        "print(warm.recompiled, 'pysmi' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "False False\n"


def test_the_cache_is_the_owner_s_alone(small: Path, tmp_path: Path) -> None:
    result = compile_mibs(tmp_path / "cache", builtin=small)
    assert stat.S_IMODE(result.cache_file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(result.cache_file.stat().st_mode) == 0o600
    assert list(result.cache_file.parent.iterdir()) == [result.cache_file]


def test_a_changed_source_compiles_anew(small: Path, tmp_path: Path) -> None:
    compile_mibs(tmp_path / "cache", builtin=small)
    (small / "CISCO-TC.mib").write_text(source("CISCO-TC").replace("(1..65535)", "(1..4094)"))
    changed = compile_mibs(tmp_path / "cache", builtin=small)
    assert changed.recompiled
    assert changed.documents["CISCO-TC"]["CiscoBridgeDomain"]["type"]["constraints"]["range"] == [{"min": 1, "max": 4094}]


@pytest.mark.parametrize("damage", [b"", b"{", b"no digest\n{}", b"\xff\xfe\x00"])
def test_a_corrupt_cache_is_compiled_anew(small: Path, tmp_path: Path, damage: bytes) -> None:
    first = compile_mibs(tmp_path / "cache", builtin=small)
    first.cache_file.write_bytes(damage)
    again = compile_mibs(tmp_path / "cache", builtin=small)
    assert again.recompiled
    assert again.documents == first.documents
    assert not compile_mibs(tmp_path / "cache", builtin=small).recompiled


def test_a_cache_that_is_a_pipe_is_compiled_anew(small: Path, tmp_path: Path) -> None:
    path = compile_mibs(tmp_path / "cache", builtin=small).cache_file
    path.unlink()
    os.mkfifo(path)
    assert compile_mibs(tmp_path / "cache", builtin=small).recompiled
    assert not compile_mibs(tmp_path / "cache", builtin=small).recompiled


def test_a_cache_with_one_changed_octet_is_not_believed(small: Path, tmp_path: Path) -> None:
    first = compile_mibs(tmp_path / "cache", builtin=small)
    content = first.cache_file.read_bytes()
    first.cache_file.write_bytes(content.replace(b'"1.3.6.1.4.1.9"', b'"1.3.6.1.4.1.8"'))
    assert compile_mibs(tmp_path / "cache", builtin=small).documents == first.documents


def test_what_pysmi_knows_of_this_machine_is_not_kept(small: Path, tmp_path: Path) -> None:
    result = compile_mibs(tmp_path / "cache", builtin=small)
    assert not any("meta" in document for document in result.documents.values())


@pytest.mark.parametrize("name", ["CISCO-TC.my", "CISCO-TC", "CISCO-TC.txt", "CISCO-TC.mib", "official (1).dat"])
def test_a_dropped_file_is_used_whatever_its_name(small: Path, dropped: Path, tmp_path: Path, name: str) -> None:
    (dropped / name).write_text(source("CISCO-TC").replace("(1..65535)", "(1..4094)"))
    result = compile_mibs(tmp_path / "cache", [dropped], builtin=small)
    assert result.documents["CISCO-TC"]["CiscoBridgeDomain"]["type"]["constraints"]["range"] == [{"min": 1, "max": 4094}]
    origin = {found.module: found for found in result.sources}
    assert origin["CISCO-TC"].path == dropped / name
    assert not origin["CISCO-TC"].builtin
    assert origin["CISCO-SMI"].path == small / "CISCO-SMI.mib"
    assert origin["CISCO-SMI"].builtin
    assert compile_mibs(tmp_path / "cache", [dropped], builtin=small).sources == result.sources


def test_the_first_directory_that_has_a_module_gives_it(small: Path, dropped: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (dropped / "a.my").write_text(source("CISCO-TC"))
    for name in ("CISCO-TC.my", "CISCO-SMI.my"):
        (second / name).write_text(source(name.removesuffix(".my")))
    result = compile_mibs(tmp_path / "cache", [dropped, second], builtin=small)
    origin = {found.module: found.path for found in result.sources}
    assert origin["CISCO-TC"] == dropped / "a.my"
    assert origin["CISCO-SMI"] == second / "CISCO-SMI.my"


def test_of_two_files_with_one_module_the_one_named_after_it_is_used(dropped: Path) -> None:
    for name in ("A-BACKUP.my", "CISCO-TC.bak", "CISCO-TC.my", "zz.my"):
        (dropped / name).write_text(source("CISCO-TC"))
    assert index_directory(read_directory(dropped))["CISCO-TC"].path == dropped / "CISCO-TC.my"


def test_one_file_may_hold_several_modules_and_windows_lines(small: Path, dropped: Path, tmp_path: Path) -> None:
    both = "-- first --\r\n" + (source("CISCO-SMI") + source("CISCO-TC")).replace("\n", "\r\n")
    (dropped / "both.txt").write_bytes(both.encode())
    result = compile_mibs(tmp_path / "cache", [dropped], builtin=small)
    assert {found.module for found in result.sources if not found.builtin} == {"CISCO-SMI", "CISCO-TC"}


def test_files_that_are_no_modules_are_passed_over(small: Path, dropped: Path, tmp_path: Path) -> None:
    (dropped / "README").write_text(
        'DEFINITIONS are made here\n-- CISCO-TC DEFINITIONS ::= BEGIN\n"\nCISCO-TC DEFINITIONS ::= BEGIN"'
    )
    (dropped / "archive.zip").write_bytes(bytes(range(256)))
    (dropped / "sub").mkdir()
    assert all(found.builtin for found in compile_mibs(tmp_path / "cache", [dropped], builtin=small).sources)


def test_latin_1_in_a_description_does_no_harm(small: Path, dropped: Path, tmp_path: Path) -> None:
    (dropped / "CISCO-TC.my").write_bytes(source("CISCO-TC").replace("broadcast", "diffusion \xe9tendue").encode("latin-1"))
    assert compile_mibs(tmp_path / "cache", [dropped], builtin=small).recompiled


def test_a_missing_import_names_module_file_line_and_remedy(small: Path, dropped: Path, tmp_path: Path) -> None:
    file = dropped / "CISCO-TC.my"
    file.write_text("-- a comment\n" + source("CISCO-TC").replace("FROM CISCO-SMI", "FROM CISCO-GONE"))
    with pytest.raises(MissingModuleError) as caught:
        compile_mibs(tmp_path / "cache", [dropped], builtin=small)
    (module,) = modules_of(read_directory(dropped)[0])
    line = dict(module.imports)["CISCO-GONE"]
    assert file.read_text().splitlines()[line - 1].strip() == "FROM CISCO-GONE;"
    assert one_line(caught.value).startswith(f"{file}:{line}: CISCO-TC imports CISCO-GONE, which no MIB source has; ")
    assert "--mib-source" in caught.value.remedy
    assert not (tmp_path / "cache").exists()


def test_a_syntax_error_names_its_line(small: Path, dropped: Path, tmp_path: Path) -> None:
    file = dropped / "CISCO-TC.my"
    file.write_text("-- two lines\n-- before\n" + source("CISCO-TC").replace("CiscoBridgeDomain ::=", "CiscoBridgeDomain =:="))
    with pytest.raises(BrokenModuleError) as caught:
        compile_mibs(tmp_path / "cache", [dropped], builtin=small)
    line = 1 + next(n for n, text in enumerate(file.read_text().splitlines()) if "=:=" in text)
    assert one_line(caught.value).startswith(f"{file}:{line}: CISCO-TC: ")


@pytest.mark.parametrize(
    ("module", "wrong", "right"),
    [
        ("CISCO-TC", "ciscoModules", "ciscoModulez"),
        ("CISCO-CONTEXT-MAPPING-MIB", "SYNTAX      CiscoBridgeDomain", "SYNTAX      CiscoBridgeDomein"),
        ("IF-MIB", "AUGMENTS    { ifEntry }", "AUGMENTS    { ifentry }"),
    ],
)
def test_a_name_that_nobody_defines_is_an_error_of_its_module(
    dropped: Path, tmp_path: Path, module: str, wrong: str, right: str
) -> None:
    text = source(module)
    assert wrong in text
    (dropped / f"{module}.my").write_text(text.replace(wrong, right))
    with pytest.raises(BrokenModuleError) as caught:
        compile_mibs(tmp_path / "cache", [dropped])
    assert caught.value.module == module
    assert one_line(caught.value).startswith(f"{dropped / module}.my: {module}: ")


def test_a_type_that_its_module_no_longer_has_is_an_error(dropped: Path, tmp_path: Path) -> None:
    (dropped / "CISCO-TC.my").write_text(source("CISCO-TC").replace("CiscoBridgeDomain", "CiscoBridge"))
    with pytest.raises(BrokenModuleError, match="CiscoBridgeDomain"):
        compile_mibs(tmp_path / "cache", [dropped])


def test_an_unreadable_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MibError) as caught:
        compile_mibs(tmp_path / "cache", [tmp_path / "nowhere"])
    assert one_line(caught.value).startswith(f"{tmp_path / 'nowhere'}: cannot read MIB sources: ")


def test_an_unwritable_cache_is_one_line(small: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(MibError) as caught:
        compile_mibs(tmp_path / "cache", builtin=small)
    assert one_line(caught.value).startswith(f"{tmp_path / 'cache'}: cannot write the MIB cache: ")


def test_reworded_copies_of_our_modules_give_the_same_schema(compiled: CompiledMibs, dropped: Path, tmp_path: Path) -> None:
    for file in builtin_source().rglob("*.mib"):
        reworded = "-- another edition\n" + file.read_text().replace("This", "Such a").replace("tunnel ", "pipe ")
        (dropped / f"{file.stem}.my").write_text(reworded)
    other = compile_mibs(tmp_path / "cache", [dropped])
    assert not any(found.builtin for found in other.sources)
    assert list(build_schema(other.documents).accessible()) == list(build_schema(compiled.documents).accessible())


def test_a_source_that_gives_nothing_is_told(small: Path, dropped: Path, tmp_path: Path) -> None:
    (dropped / "deep").mkdir()
    (dropped / "deep" / "CISCO-TC.my").write_text(source("CISCO-TC"))
    for _ in ("compiled", "from the cache"):
        assert compile_mibs(tmp_path / "cache", [dropped, dropped / "deep"], builtin=small).unused == (dropped,)
