"""Config room: one router's configuration as a lossless document: loaded from a file, edited, rendered back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.base.files import read_regular_file, why_unreadable
from agent.base.lines import LONGEST_IN_A_FILE, Line, lines_of
from agent.base.text import shown, text_of
from agent.config.command import CommandSet, State
from agent.config.commands import build
from agent.config.commands.interfaces import interface_place
from agent.config.commands.snmp import written_users
from agent.config.errors import ConfigError, ConfigErrors, Finding, UnreadableFileError
from agent.config.model import RouterConfig
from agent.config.reading import Reader
from agent.config.references import Lines, dangling, line_of
from agent.config.rendering import render


class Document:
    """A router's configuration: `config` is the model (one object for the document's life), `render` its text.

    `unknown` lists the lines of the file that no command understood. They are rendered back in their place. `warnings` are for the
    operator at start: lines without effect yet, and undefined names. `wrong` lists the wrong lines. A document that has some serves
    to report them, and for nothing else.
    """

    def __init__(self, commands: CommandSet | None = None, filename: str = "running-config") -> None:
        self.commands = commands or build()
        self.filename = filename
        self.state = State()
        self.wrong: tuple[Finding, ...] = ()
        self.unknown: tuple[Finding, ...] = ()
        self.warnings: tuple[Finding, ...] = ()
        self.understood = False  # whether any line of the file is

    @property
    def config(self) -> RouterConfig:
        return self.state.config

    def render(self) -> str:
        """The body of `show running-config`, from its first `!` to `end`."""
        return render(self.state, self.commands)

    def render_private(self) -> str:
        """The lines that IOS saves but does not show: SNMP users with their passwords. To be loaded after `render`'s text."""
        return "".join(f"{line}\n" for line in written_users(self.config.snmp))


def read_file(path: Path) -> str:
    """The text of a configuration file. Octets that are not UTF-8 are kept (`agent.base.text`).

    Raises ConfigErrors where the file cannot be read, or lines of it are too long.
    """
    try:
        lines = list(lines_of(read_regular_file(path)))
    except OSError as error:
        raise UnreadableFileError(str(path), why_unreadable(error)) from None
    right = f"at most {LONGEST_IN_A_FILE} octets on a line"
    wrong = tuple(
        ConfigError(str(path), line.number, _beginning(line), f"{right}: it has {line.length}") for line in lines if line.too_long
    )
    if wrong:
        raise ConfigErrors(wrong)
    # An editor's byte order mark is no part of the first line.
    return text_of(b"".join(b"%s\n" % line.octets for line in lines)).removeprefix("\ufeff")


def _beginning(line: Line) -> str:
    """The beginning of a line that is too long, by which to find it."""
    return f"{shown(text_of(line.octets[:40]))}…"


def read_utf8_file(path: Path) -> str:
    """The same for a file that must be UTF-8, such as TOML. Raises ConfigErrors also if it is not."""
    text = read_file(path)
    for line_number, line in enumerate(text.split("\n"), 1):
        stray = next((letter for letter in line if "\udc80" <= letter <= "\udcff"), None)
        if stray is not None:
            right = f"text in UTF-8: octet 0x{ord(stray) - 0xDC00:02x} is none"
            raise ConfigErrors((ConfigError(str(path), line_number, "", right),))
    return text


def load(text: str, filename: str = "running-config", commands: CommandSet | None = None) -> Document:
    """Reads a configuration file; raises ConfigErrors with all of its wrong lines. Lines not understood are kept."""
    document = examine(text, filename, commands)
    if document.wrong:
        raise ConfigErrors(
            tuple(
                ConfigError(filename, each.line_number, each.text, each.message.removeprefix("needs ")) for each in document.wrong
            )
        )
    return document


def load_file(text: str, filename: str, commands: CommandSet | None = None, other: str = "") -> Document:
    """The same for a router's file. It is refused if no line is understood.

    `other` is a hint about how to give other files.
    """
    document = load(text, filename, commands)
    refuse_foreign(document, other)
    return document


def refuse_foreign(document: Document, other: str = "") -> None:
    """Raises ConfigErrors if a file has lines, but none that a command understands."""
    if document.unknown and not document.understood:
        number = len(document.unknown)
        lines = "its line is not" if number == 1 else f"none of its {number} lines is"
        right = f"an IOS configuration: {lines} understood{'; ' if other else ''}{other}"
        raise ConfigErrors((ConfigError(document.filename, 0, "", right),))


def check(text: str, filename: str = "running-config", commands: CommandSet | None = None) -> list[Finding]:
    """Every line that is not understood, and every wrong one, in line order."""
    document = examine(text, filename, commands)
    return sorted((*document.wrong, *document.unknown), key=lambda each: each.line_number)


def examine(text: str, filename: str = "running-config", commands: CommandSet | None = None) -> Document:
    """Reads a configuration file with all its findings."""
    document = Document(commands, filename)
    reader = Reader(document.state, document.commands)
    reader.read(text)
    document.wrong = tuple(replace(each, message=f"needs {each.message}") for each in reader.findings if each.wrong)
    document.unknown = tuple(each for each in reader.findings if not each.wrong)
    warnings = (*reader.warnings, *dangling(document.state, reader.lines), *_unserved(document, reader.lines))
    document.warnings = tuple(sorted(warnings, key=lambda each: each.line_number))
    document.understood = reader.understood or bool(document.wrong)
    return document


def _unserved(document: Document, lines: Lines) -> list[Finding]:
    """Warnings about lines that are understood and have no effect yet because of a value."""
    found = []
    for name, interface in document.config.interfaces.items():
        if interface.tunnel_mode is not None:
            at = line_of(lines, interface_place(name), ("tunnel mode",), f"interface {name}", interface.tunnel_mode.split(" ")[0])
            found.append(Finding(at[0], at[1], "has no effect yet"))
    return found
