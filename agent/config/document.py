"""Config room: one router's configuration as a lossless document: loaded from a file, edited, rendered back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.config.command import CommandSet, State
from agent.config.commands import build
from agent.config.commands.snmp import written_users
from agent.config.errors import ConfigError, ConfigErrors, Finding
from agent.config.model import RouterConfig
from agent.config.reading import Reader
from agent.config.rendering import render


class Document:
    """A router's configuration: `config` is the model (one object for the document's life), `render` its text.

    `unknown` lists the lines of the file that no command understood; they are rendered back in their place. `warnings` are what to
    tell the operator at start: lines that have no effect yet, and references to nothing.
    """

    def __init__(self, commands: CommandSet | None = None) -> None:
        self.commands = commands or build()
        self.state = State()
        self.unknown: tuple[Finding, ...] = ()
        self.warnings: tuple[Finding, ...] = ()

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
    """The text of a configuration or lab file; raises ConfigErrors where it cannot be read or is not UTF-8."""
    try:
        octets = path.read_bytes()
    except OSError as error:
        raise ConfigErrors((ConfigError(str(path), 0, "", f"a file that can be read: {error.strerror}"),)) from None
    try:
        return octets.decode("utf-8-sig")  # an editor's byte order mark is no part of the first line
    except UnicodeDecodeError as error:
        line_number = error.object.count(b"\n", 0, error.start) + 1
        right = f"text in UTF-8: octet 0x{error.object[error.start]:02x} is none"
        raise ConfigErrors((ConfigError(str(path), line_number, "", right),)) from None


def load(text: str, filename: str = "running-config", commands: CommandSet | None = None) -> Document:
    """Reads a configuration file; raises ConfigErrors with all of its wrong lines. Lines not understood are kept."""
    document, findings = _read(text, commands)
    wrong = tuple(ConfigError(filename, each.line_number, each.text, each.message) for each in findings if each.wrong)
    if wrong:
        raise ConfigErrors(wrong)
    return document


def check(text: str, filename: str = "running-config", commands: CommandSet | None = None) -> list[Finding]:
    """Every line that is not understood, and every wrong one, in line order."""
    del filename  # a finding names its line; who prints it knows the file
    _, findings = _read(text, commands)
    return [replace(each, message=f"needs {each.message}") if each.wrong else each for each in findings]


def _read(text: str, commands: CommandSet | None) -> tuple[Document, list[Finding]]:
    document = Document(commands)
    reader = Reader(document.state, document.commands)
    reader.read(text)
    document.unknown = tuple(each for each in reader.findings if not each.wrong)
    document.warnings = (*reader.warnings, *_dangling(document.config))
    return document, sorted(reader.findings, key=lambda each: each.line_number)


def _dangling(config: RouterConfig) -> list[Finding]:
    """References to VRFs, maps and profiles that no line defines: IOS lets them stand, an operator wants to know."""
    vrfs = [(f"interface {each.name}", each.vrf) for each in config.interfaces.values()]
    vrfs += [(f"interface {each.name}", each.tunnel_vrf) for each in config.interfaces.values()]
    vrfs += [(f"crypto keyring {each.name}", each.vrf) for each in config.crypto.keyrings.values()]
    vrfs += [(f"crypto isakmp profile {each.name}", each.vrf) for each in config.crypto.profiles.values()]
    found = [Finding(0, text, f"names VRF {vrf}, which is not configured") for text, vrf in vrfs if vrf and vrf not in config.vrfs]
    for interface in config.interfaces.values():
        if interface.crypto_map and interface.crypto_map not in config.crypto.maps:
            text = f"interface {interface.name}"
            found.append(Finding(0, text, f"names crypto map {interface.crypto_map}, which is not configured"))
        if interface.tunnel_mode is not None:
            found.append(Finding(0, f"interface {interface.name}", f"tunnel mode {interface.tunnel_mode} has no effect yet"))
        profile = interface.tunnel_profile
        if profile and profile not in config.crypto.ipsec_profiles:
            found.append(Finding(0, f"interface {interface.name}", f"names IPsec profile {profile}, which is not configured"))
    return found
