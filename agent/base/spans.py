"""Base room: moments and spans of time as IOS prints them."""

from __future__ import annotations

from datetime import datetime

_DAY = 86_400
_WEEK = 7 * _DAY
_YEAR = 365 * _DAY


def hours(seconds: int) -> str:
    """ "22:03:24", whatever the number of hours."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def elapsed(seconds: int) -> str:
    """ "00:24:32"; from a day on the two largest units: "1d02h", "3w4d", "1y2w"."""
    if seconds < _DAY:
        return hours(seconds)
    if seconds < _WEEK:
        return f"{seconds // _DAY}d{seconds % _DAY // 3600:02d}h"
    if seconds < _YEAR:
        return f"{seconds // _WEEK}w{seconds % _WEEK // _DAY}d"
    return f"{seconds // _YEAR}y{seconds % _YEAR // _WEEK}w"


_UNITS = {"year": _YEAR, "week": _WEEK, "day": _DAY, "hour": 3600, "minute": 60, "second": 1}


def units(seconds: int, *names: str) -> list[str]:
    """The units of a span that are not 0, of those named, largest first: ["1 day", "2 hours"]."""
    parts = []
    for name in names:
        count, seconds = divmod(seconds, _UNITS[name])
        if count:
            parts.append(f"{count} {name}{'s' if count > 1 else ''}")
    return parts


def milliseconds(microseconds: int) -> int:
    """A round trip in whole milliseconds, at least one: IOS knows no shorter one."""
    return max(1, (microseconds + 500) // 1000)


def dated(moment: datetime) -> str:
    """ "21:45:48 PST Fri Nov 27 2026"."""
    return moment.strftime("%H:%M:%S %Z %a %b %-d %Y")
