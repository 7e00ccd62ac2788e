"""Config room: the terminal lines of a router, as `line con|aux|vty` configures them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace

from agent.config.aaa_model import Secret

CONSOLE, AUX, VTY = "con", "aux", "vty"
IDLE_MINUTES = 10  # `exec-timeout` where no line says another

LineRange = tuple[str, int, int]  # kind, first and last number: ("vty", 0, 4)


@dataclass(frozen=True, slots=True)
class LineSettings:
    """What stands under a `line`; None where no line says it."""

    exec_timeout: tuple[int, int] | None = None  # minutes and seconds; both 0: never
    privilege: int | None = None
    history_size: int | None = None
    length: int | None = None
    width: int | None = None
    synchronous: bool | None = None  # `logging synchronous`
    motd_banner: bool | None = None
    exec_banner: bool | None = None
    login: str | None = None  # "login" (by the line's password), "login local", "no login"
    login_list: str | None = None  # `login authentication`
    exec_list: str | None = None  # `authorization exec`
    password: Secret | None = None

    @property
    def idle_seconds(self) -> int | None:
        """How long an operator may type nothing; None without a limit."""
        minutes, seconds = (IDLE_MINUTES, 0) if self.exec_timeout is None else self.exec_timeout
        return minutes * 60 + seconds or None


def settings_of(lines: Mapping[LineRange, LineSettings], kind: str, number: int) -> LineSettings:
    """What holds for one line: of ranges that both have it, the later one counts."""
    return _merged(settings for (of, first, last), settings in lines.items() if of == kind and first <= number <= last)


def _merged(found: Iterable[LineSettings]) -> LineSettings:
    merged = LineSettings()
    for settings in found:
        said = {field.name: getattr(settings, field.name) for field in fields(settings)}
        merged = replace(merged, **{name: value for name, value in said.items() if value is not None})
    return merged
