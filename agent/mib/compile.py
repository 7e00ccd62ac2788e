"""Mib room: compiles ASN.1 modules with pysmi to JSON documents, and caches them.

The key of the cache is a hash of the contents of all sources, of pysmi's version and of the cache's format. A changed source is
compiled again. Otherwise the cache is read in milliseconds, without an import of pysmi. Reading JSON executes nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from agent.base.files import read_regular_file, replace_file
from agent.mib.schema import SchemaError, build_schema
from agent.mib.sources import (
    ENGINE_MODULES,
    BrokenModuleError,
    MibError,
    MissingModuleError,
    ModuleText,
    SourceFile,
    builtin_source,
    check_imports,
    index_directory,
    merge,
    read_directory,
)

CACHE_FORMAT = 1
_TEMPORARY = ".mibs-"
_LARGEST_CACHE = 1 << 28  # octets

Documents = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ModuleSource:
    """Which file a module was compiled from; `builtin` if it is one of ours."""

    module: str
    path: Path
    builtin: bool


@dataclass(frozen=True, slots=True)
class CompiledMibs:
    """The compiled modules: pysmi's JSON document of each, its source, and whether they were compiled just now.

    `unused` are sources that gave no module.
    """

    documents: Documents
    sources: tuple[ModuleSource, ...]
    cache_file: Path
    recompiled: bool
    unused: tuple[Path, ...]


def compile_mibs(cache_dir: Path, mib_sources: Sequence[Path] = (), builtin: Path | None = None) -> CompiledMibs:
    """Every module of `builtin` (default: ours) and its imports, from the cache if that is current.

    Modules of the directories `mib_sources` replace ours; the first directory wins. Raises MibError for what a user can correct: an
    unreadable directory, a missing import, a module that does not compile, an unwritable cache.
    """
    ours = [builtin] if builtin is not None else [builtin_source(), builtin_source() / ENGINE_MODULES]
    directories = [*mib_sources, *ours]
    files = [read_directory(directory) for directory in directories]
    cache_file = cache_dir / f"mibs-{_key(files)}.json"
    kept = _read_cache(cache_file)
    if kept is not None:
        sources = tuple(
            ModuleSource(module, directories[rank] / name, rank >= len(mib_sources)) for module, rank, name in kept["sources"]
        )
        return CompiledMibs(kept["documents"], sources, cache_file, False, _unused(mib_sources, sources))

    indexes = [index_directory(of_directory) for of_directory in files]
    index = merge(indexes)
    documents = _compile(index, sorted(merge(indexes[len(mib_sources) :])))
    _check(documents, index)
    origin = {module: next(rank for rank, known in enumerate(indexes) if module in known) for module in sorted(documents)}
    _write_cache(
        cache_file,
        {"sources": [(module, rank, index[module].path.name) for module, rank in origin.items()], "documents": documents},
    )
    sources = tuple(ModuleSource(module, index[module].path, rank >= len(mib_sources)) for module, rank in origin.items())
    return CompiledMibs(documents, sources, cache_file, True, _unused(mib_sources, sources))


def _unused(mib_sources: Iterable[Path], sources: Iterable[ModuleSource]) -> tuple[Path, ...]:
    used = {source.path.parent for source in sources}
    return tuple(directory for directory in mib_sources if directory not in used)


def _compile(index: Mapping[str, ModuleText], roots: Iterable[str]) -> dict[str, dict[str, Any]]:
    # Imported here: the import of pysmi takes longer than a whole warm start.
    from pysmi.codegen.jsondoc import JsonCodeGen
    from pysmi.compiler import MibCompiler
    from pysmi.error import PySmiReaderFileNotFoundError
    from pysmi.mibinfo import MibInfo
    from pysmi.parser.dialect import smi_v1_relaxed
    from pysmi.parser.smi import parserFactory
    from pysmi.writer import CallbackWriter

    class IndexReader:
        """Gives pysmi the text of a module from our index, whatever the name of its file."""

        def get_data(self, name: str, **_options: Any) -> tuple[Any, str]:
            module = index.get(name)
            if module is None:
                raise PySmiReaderFileNotFoundError(f"no source has {name}", reader=self)
            return MibInfo(path=str(module.path), file=module.path.name, name=name, mtime=0), module.text

    class Compiler(MibCompiler):  # type: ignore[misc]  # pysmi ships no types
        def _get_system_info(self) -> tuple[tuple[str, str, str], tuple[str]]:
            # pysmi would write the names of user and host into its comments, and it fails if the user has none.
            return ("", "", ""), ("",)

    roots = list(roots)
    check_imports(index, roots, known=JsonCodeGen.convertImportv2)
    written: dict[str, str] = {}
    writer = CallbackWriter(lambda name, document, _context: written.__setitem__(name, document))
    compiler = Compiler(parserFactory(**smi_v1_relaxed)(), JsonCodeGen(), writer)
    compiler.add_sources(IndexReader())
    # compile() does not raise; the statuses have the errors.
    statuses = compiler.compile(*roots, genTexts=False)
    _raise_first_failure(statuses, index)
    documents = {name: json.loads(document) for name, document in written.items()}
    for document in documents.values():
        document.pop("meta", None)
    return documents


def _raise_first_failure(statuses: Mapping[str, Any], index: Mapping[str, ModuleText]) -> None:
    for name, status in statuses.items():
        if status == "missing":
            raise MissingModuleError(
                f"no MIB source has {name}", f"put the file that defines {name} into a --mib-source directory", module=name
            )
        if status == "failed":
            error = status.error
            module = index[name]
            line = getattr(error, "lineno", None)
            problem = "is not ASN.1 that can be read" if line is not None else str(error).removesuffix(f" at MIB {name}")
            raise BrokenModuleError(
                f"{name}: {problem}",
                "correct the file, or remove it from the --mib-source directory to use ours",
                module=name,
                file=module.path,
                line=line + module.line - 1 if isinstance(line, int) else None,
            )
    unfinished = sorted(name for name, status in statuses.items() if status != "compiled")
    if unfinished:
        module = index[unfinished[0]]
        raise BrokenModuleError(f"{module.name} did not compile", "correct the file", module=module.name, file=module.path)


def _check(documents: Documents, index: Mapping[str, ModuleText]) -> None:
    """Raise for what pysmi accepts and the schema cannot use, such as an undefined type."""
    try:
        build_schema(documents)
    except SchemaError as error:
        file = index[error.module].path if error.module in index else None
        raise BrokenModuleError(
            f"{error.module}: {error}", "define it, or import it from the module that does", module=error.module, file=file
        ) from error


def _key(files: Iterable[Iterable[SourceFile]]) -> str:
    digest = blake2b(f"{CACHE_FORMAT} {_pysmi_version()}".encode(), digest_size=16)
    for directory in files:
        digest.update(b"\0directory\0")
        for file in directory:
            digest.update(b"%s\0%d\0" % (os.fsencode(file.path.name), len(file.content)))
            digest.update(file.content)
    return digest.hexdigest()


def _pysmi_version() -> str:
    """pysmi's version, read from its source. Importing pysmi or importlib.metadata takes longer than the rest of a warm start."""
    spec = find_spec("pysmi")
    if spec is None or spec.origin is None:
        return ""
    found = re.search(r'^__version__ = "([^"]*)"', Path(spec.origin).read_text(encoding="utf-8"), re.M)
    return found[1] if found else ""


def _read_cache(path: Path) -> dict[str, Any] | None:
    """The content of a cache file; None if there is none, or if it is not one that was written here."""
    try:
        digest, _, body = read_regular_file(path, _LARGEST_CACHE).partition(b"\n")
    except OSError:
        return None
    if digest != _digest(body):
        return None
    kept: dict[str, Any] = json.loads(body)
    return kept


def _write_cache(path: Path, kept: Mapping[str, Any]) -> None:
    """Write a cache file. Another process sees all of it or nothing."""
    body = json.dumps(kept, separators=(",", ":")).encode()
    try:
        path.parent.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the mode applies to the last directory alone
        path.parent.mkdir(mode=0o700, exist_ok=True)
        replace_file(path, _digest(body) + b"\n" + body, _TEMPORARY)
    except OSError as error:
        problem = f"cannot write the MIB cache: {error.strerror}"
        raise MibError(problem, "make the state directory writable or name another", file=path.parent) from error


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).hexdigest().encode()


__all__ = ["CompiledMibs", "MibError", "ModuleSource", "builtin_source", "compile_mibs"]
