"""Syslog room: a message as a line: its sequence number, its time stamp and its text.

`service sequence-numbers` and `service timestamps` (Cisco IOS Configuration Fundamentals Command Reference) say what comes before
the text. A date begins with an asterisk: the router's clock is set by no authoritative source.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agent.base.clock import SECOND
from agent.base.printable import printable
from agent.base.spans import elapsed
from agent.config.model import RouterConfig
from agent.syslog.syslog import Logged

DEFAULT_FORM = "datetime msec"  # of a configuration that has no `service timestamps` line
_MILLISECOND = SECOND // 1000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Stamps:
    """Writes the messages of one router. `epoch` is the moment at which its clock was 0."""

    def __init__(self, config: RouterConfig, epoch: datetime) -> None:
        self._config = config
        self._epoch = epoch
        self._last: tuple[object, str] | None = None  # what the last date was made of, and the date

    def lines(self, logged: Logged) -> tuple[str, ...]:
        """A message, one line or more. Foreign text in it can end no line."""
        message = logged.message
        first, *more = (printable(text) for text in (str(message), *message.more))
        sequence = f"{logged.number:06}: " if self._config.logging.sequence_numbers else ""
        stamp = self._stamp("log" if message.facility else "debug", logged.at)
        return (f"{sequence}{stamp}{first}", *more)

    def _stamp(self, kind: str, at: int) -> str:
        form = self._config.logging.timestamps.get(kind, DEFAULT_FORM)
        if not form:
            return ""
        if form == "uptime":
            return f"{elapsed(at // SECOND)}: "
        made_of = at // _MILLISECOND, form, self._config.timezone
        if self._last is None or self._last[0] != made_of:  # the lines of a packet in `debug` have one date
            self._last = made_of, f"*{self._date(at, form.split())}: "
        return self._last[1]

    def _date(self, at: int, options: list[str]) -> str:
        moment = self._epoch + timedelta(microseconds=at)
        moment = moment.astimezone(self._config.zone if "localtime" in options else UTC)
        year = f" {moment.year}" if "year" in options else ""
        milliseconds = f".{moment.microsecond // 1000:03}" if "msec" in options else ""
        zone = f" {moment.tzname()}" if "show-timezone" in options else ""
        time = f"{moment.hour:02}:{moment.minute:02}:{moment.second:02}"
        return f"{_MONTHS[moment.month - 1]} {moment.day:2}{year} {time}{milliseconds}{zone}"
