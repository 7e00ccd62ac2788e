"""Shell room: spans of time as IOS prints them."""

from __future__ import annotations

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
