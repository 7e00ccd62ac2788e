"""Mib room: where ASN.1 modules come from (RFC 2578 §3: a module is what stands between its name and END; §3.2: IMPORTS).

A module is known by the name before DEFINITIONS, never by its file's name: official files are called CISCO-IPSEC-MIB.my, .mib, .txt
or nothing at all, and one file may hold several modules. Of two directories the earlier one gives a module; within a directory, the
file that is named after it.
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
# Compilers take a comment to the end of its line (ASN.1 would end it at the next pair of hyphens): lines of hyphens are common.
_COMMENT_OR_STRING = re.compile(r'--[^\r\n]*|"[^"]*"')
_NOT_NEWLINE = re.compile(r"[^\n]")


class MibError(UserError):
    """Something about a MIB source that a user can mend; its text is one line: where, what is wrong, what would be right."""

    def __init__(self, problem: str, remedy: str, *, module: str = "", file: Path | None = None, line: int | None = None) -> None:
        where = "" if file is None else f"{file}: " if line is None else f"{file}:{line}: "
        super().__init__(f"{where}{problem}; {remedy}")
        self.module = module
        self.file = file
        self.line = line
        self.remedy = remedy


class MissingModuleError(MibError):
    """A module imports another that no source has."""


class BrokenModuleError(MibError):
    """A module that cannot be compiled: not ASN.1 as RFC 2578 has it, or at odds with what it imports."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that holds at least one module: its content as read."""

    path: Path
    content: bytes


@dataclass(frozen=True, slots=True)
class ModuleText:
    """One module of one file. `line` is the line of the file that `text` begins on; imports are (module, line of the file)."""

    name: str
    path: Path
    line: int
    text: str
    imports: tuple[tuple[str, int], ...]


# Within our own directory: the modules by which an SNMP engine itself is seen, which few views hold.
ENGINE_MODULES = "engine"


def builtin_source() -> Path:
    """The directory of our own modules: `agent/_mibs` in an installation, `mibs/` beside the package in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "_mibs"
    return installed if installed.is_dir() else package.parent / "mibs"


def read_directory(directory: Path) -> tuple[SourceFile, ...]:
    """The module files of one directory, by name; other files and sub-directories are passed over."""
    try:
        paths = sorted(path for path in directory.iterdir() if not path.name.startswith(".") and path.is_file())
        files = [SourceFile(path, read_regular_file(path)) for path in paths]
    except OSError as error:
        problem = f"cannot read MIB sources: {error.strerror}"
        raise MibError(problem, "name a readable directory of MIB files", file=Path(error.filename or directory)) from error
    return tuple(file for file in files if b"DEFINITIONS" in file.content)


def modules_of(file: SourceFile) -> tuple[ModuleText, ...]:
    """The modules in a file, with what they import."""
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
    """Which module of a directory comes from which text."""
    found: dict[str, ModuleText] = {}
    for file in sorted(files, key=lambda file: file.path.name):
        for module in modules_of(file):
            known = found.get(module.name)
            if known is None or (not _named_after(known) and _named_after(module)):
                found[module.name] = module
    return found


def merge(directories: Sequence[Mapping[str, ModuleText]]) -> dict[str, ModuleText]:
    """One index of several directories, the first that has a module giving it."""
    merged: dict[str, ModuleText] = {}
    for directory in directories:
        merged = {**directory, **merged}
    return merged


def check_imports(index: Mapping[str, ModuleText], roots: Iterable[str], known: Collection[str]) -> None:
    """Follow the imports of the roots; raises MissingModuleError for a module that neither the index nor the compiler knows."""
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
    # Some published files carry Latin-1 in their comments and descriptions.
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
