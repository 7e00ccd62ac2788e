"""Mib room: finds ASN.1 modules in files (RFC 2578 §3: a module goes from its name to END; §3.2: IMPORTS).

The name before DEFINITIONS identifies a module, not the name of its file: official files have the extension .my, .mib, .txt or
none, and one file may hold several modules. If two directories have a module, the earlier directory wins; within a directory, the
file with the module's name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.base.errors import UserError
from agent.base.files import read_regular_file

_MODULE_EXTENSIONS = ("", ".mib", ".my", ".txt", ".smi", ".asn1")
_HEADER = re.compile(
    r"^[ \t]*([A-Z][A-Za-z0-9-]*)\s*(?:\{[^}]*\}\s*)?DEFINITIONS\s*(?:(?:IMPLICIT|EXPLICIT|AUTOMATIC)\s+TAGS\s*)?::=\s*BEGIN\b",
    re.M,
)
_IMPORTS = re.compile(r"\bIMPORTS\b([^;]*);")
_FROM = re.compile(r"\bFROM\s+([A-Z][A-Za-z0-9-]*)")
# For compilers a comment ends with its line. In ASN.1 it would end at the next two hyphens, but lines of hyphens are common.
_COMMENT_OR_STRING = re.compile(r'--[^\r\n]*|"[^"]*"')
_NOT_NEWLINE = re.compile(r"[^\n]")


class MibError(UserError):
    """A mistake in a MIB source that a user can correct. Its text is one line: where, what is wrong, and what would be right."""

    def __init__(self, problem: str, remedy: str, *, module: str = "", file: Path | None = None, line: int | None = None) -> None:
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(f"{where}{problem}; {remedy}")
        self.module = module
        self.file = file
        self.line = line
        self.remedy = remedy


def undefined(name: str) -> MibError:
    """The error for a name that a module should define and does not. Most likely the module is an older revision."""
    return MibError(f"the MIB modules do not define {name}", "take the latest revision of the module that should, or ours")


class MissingModuleError(MibError):
    """A module imports another that no source has."""


class BrokenModuleError(MibError):
    """A module does not compile: it is not ASN.1 of RFC 2578, or it contradicts its imports."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file with at least one module: its content as read."""

    path: Path
    content: bytes


@dataclass(frozen=True, slots=True)
class ModuleText:
    """One module of one file. `text` begins at `line` of the file; imports are (module, line of the file)."""

    name: str
    path: Path
    line: int
    text: str
    imports: tuple[tuple[str, int], ...]


# The directory, within ours, of the modules that show an SNMP engine itself.
ENGINE_MODULES = "engine"


def builtin_source() -> Path:
    """The directory of our own modules: `agent/_mibs` in an installation, `mibs/` beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_mibs"
    return installed if installed.is_dir() else package.parent / "mibs"


def read_directory(directory: Path) -> tuple[SourceFile, ...]:
    """The module files of one directory, by name. Other files and sub-directories are skipped."""
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith(".") and path.is_file())
        files = [SourceFile(path, read_regular_file(path)) for path in paths]
    except OSError as error:
        problem = f"cannot read MIB sources: {error.strerror}"
        raise MibError(problem, "name a readable directory of MIB files", file=Path(error.filename or directory)) from error
    return tuple(file for file in files if b"DEFINITIONS" in file.content)


def modules_of(file: SourceFile) -> tuple[ModuleText, ...]:
    """The modules in a file, with their imports."""
    text = _decode(file.content).replace("\r\n", "\n")
    bare = _COMMENT_OR_STRING.sub(lambda match: _NOT_NEWLINE.sub(" ", match[0]), text)
    headers = list(_HEADER.finditer(bare))
    ends = [*(header.start() for header in headers), len(bare)][1:]
    return tuple(
        ModuleText(
            name=header[1],
            path=file.path,
            line=bare.count("\n", 0, header.start()) + 1,
            text=text[header.start() : end],
            imports=tuple(_imports(bare, header.end(), end)),
        )
        for header, end in zip(headers, ends, strict=True)
    )


def index_directory(files: Iterable[SourceFile]) -> dict[str, ModuleText]:
    """The modules of a directory by name."""
    found: dict[str, ModuleText] = {}
    for file in sorted(files, key=lambda file: file.path.name):
        for module in modules_of(file):
            known = found.get(module.name)
            if known is None or (not _named_after(known) and _named_after(module)):
                found[module.name] = module
    return found


def merge(directories: Sequence[Mapping[str, ModuleText]]) -> dict[str, ModuleText]:
    """One index of several directories. The first directory that has a module wins."""
    merged: dict[str, ModuleText] = {}
    for directory in directories:
        merged = {**directory, **merged}
    return merged


def check_imports(index: Mapping[str, ModuleText], roots: Iterable[str], known: Collection[str]) -> None:
    """Follow the imports of the roots. Raises MissingModuleError for a module that neither the index nor the compiler has."""
    waiting = list(roots)
    seen = set(waiting)
    while waiting:
        module = index[waiting.pop()]
        for name, line in module.imports:
            if name in seen or (name in known and name not in index):
                continue
            if name not in index:
                raise MissingModuleError(
                    f"{module.name} imports {name}, which no MIB source has",
                    f"put the file that defines {name} into one of the directories given as --mib-source",
                    module=module.name,
                    file=module.path,
                    line=line,
                )
            seen.add(name)
            waiting.append(name)


def _imports(bare: str, start: int, end: int) -> Iterable[tuple[str, int]]:
    clause = _IMPORTS.search(bare, start, end)
    if clause is None:
        return
    for match in _FROM.finditer(bare, clause.start(1), clause.end(1)):
        yield match[1], bare.count("\n", 0, match.start(1)) + 1


def _named_after(module: ModuleText) -> bool:
    return module.path.name.removesuffix(module.path.suffix) == module.name and module.path.suffix.lower() in _MODULE_EXTENSIONS


def _decode(content: bytes) -> str:
    # Some published files have Latin-1 in comments and descriptions.
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
