"""Config room: the startup configuration of one router. Until one is saved, it is the file that the lab names.

A saved one is a file in the state directory. It has the SHA-256 of the lab's file with which the router had started: once the
lab's file has been edited, before or after the save, the saved one is not used any more.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from agent.base.errors import UserError
from agent.base.files import replace_file
from agent.base.text import octets_of
from agent.config.document import Document, read_file
from agent.config.errors import ConfigErrors

_TEMPORARY = ".startup-"
_HEADING = "! Startup configuration of {}, saved by its CLI. The SHA-256 of the lab's file was {}."
_HEADED = re.compile(r"! Startup configuration of .*\. The SHA-256 of the lab's file was ([0-9a-f]{64})\.")
_HIDDEN = "! Lines that are saved and not shown:"
Text = tuple[str, str]  # a configuration, and the name of the file that it is from


class StartupError(UserError):
    """The saved configuration cannot be read or written. `str()` is one line."""


class Startup:
    """The startup configuration of a router.

    `given` is the configuration of the lab, and the name of its file; with `readable` the file is read again when the router
    restarts. `kept` is where the configuration is saved; without it, it is saved in memory.
    """

    def __init__(self, router: str, given: Text, kept: Path | None = None, readable: bool = False) -> None:
        self._router = router
        self._given, self._filename = given
        self._kept = kept
        self._readable = readable
        self._memory: str | None = None  # what was saved where there is no file
        self._erased = False
        self._stored: tuple[str, str] | None = None  # the configuration as shown, and the lines that are not
        self.is_saved = False  # whether the router started with a saved configuration
        self.notices: tuple[str, ...] = ()  # what an operator should know of the last start

    @property
    def shown(self) -> str | None:
        """The text of `show startup-config`; None if there is none."""
        return None if self._stored is None else self._stored[0]

    @property
    def whole(self) -> str | None:
        """The same with the lines that are saved and not shown."""
        return None if self._stored is None else "".join(self._stored)

    def boot(self) -> Text:
        """The configuration with which the router starts now. Raises StartupError."""
        self.notices = ()
        self._read_given()
        saved = self._read_saved()
        self.is_saved = saved is not None or self._erased
        if saved is not None:
            return saved, str(self._kept or self._filename)
        return ("" if self._erased else self._given), self._filename

    def booted(self, document: Document) -> None:
        """The router has started with this configuration."""
        if not self._erased:
            self._stored = _texts(document)

    def save(self, document: Document) -> None:
        """Save a configuration in one step. Raises StartupError."""
        stored = _texts(document)
        hidden = f"{_HIDDEN}\n{stored[1]}" if stored[1] else ""
        text = f"{_HEADING.format(self._router, _digest(self._given))}\n{stored[0]}{hidden}"
        if self._kept is None:
            self._memory = text
        else:
            try:
                self._kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                replace_file(self._kept, octets_of(text), _TEMPORARY)
            except OSError as error:
                raise StartupError(f"{self._kept}: cannot be written: {error.strerror}") from error
        self._stored, self._erased = stored, False

    def erase(self) -> None:
        """Remove the startup configuration. The router restarts without one; a new run of the lab takes the lab's file."""
        try:
            if self._kept is not None:
                self._kept.unlink(missing_ok=True)
        except OSError as error:
            raise StartupError(f"{self._kept}: cannot be removed: {error.strerror}") from error
        self._memory, self._stored, self._erased = None, None, True

    def differs(self, document: Document) -> bool:
        """Whether a configuration is not the saved one."""
        return _texts(document) != self._stored

    def _read_given(self) -> None:
        if not self._readable:
            return
        try:
            self._given = read_file(Path(self._filename))
        except ConfigErrors as wrong:
            self._notice(f"{self._router} starts with {self._filename} as it was: {wrong}")

    def _read_saved(self) -> str | None:
        """The saved configuration, if there is one, and the lab's file is still the one of then."""
        text = self._memory
        if self._kept is not None and self._kept.exists():
            try:
                text = read_file(self._kept)
            except ConfigErrors as wrong:
                raise StartupError(str(wrong)) from None
        if text is None:
            return None
        heading = _HEADED.match(text)
        if heading is None:
            raise StartupError(
                f"{self._kept}: is not a saved startup configuration: remove the file to start with {self._filename}"
            )
        if heading[1] != _digest(self._given):
            saved = f"the startup configuration of {self._router} was saved"
            self._notice(f"{self._filename} has been edited since {saved}: the file is used, not what was saved")
            return None
        if self._stored is None:
            self._notice(f"{self._router} starts with the configuration that its CLI has saved, not with {self._filename}")
        return text

    def _notice(self, text: str) -> None:
        self.notices = (*self.notices, text)


def _texts(document: Document) -> tuple[str, str]:
    return document.render(), document.render_private()


def _digest(text: str) -> str:
    return hashlib.sha256(octets_of(text)).hexdigest()
