"""Shell room: the two forms of a router's output: classic IOS and IOS XE. Nothing else knows a release.

The `version` line of the configuration decides. Code that prints a line looks its form up by `Release`.
"""

from __future__ import annotations

import re
from enum import Enum

_FIRST_XE = (15, 2)


class Release(Enum):
    CLASSIC = "classic"
    XE = "xe"


# The size of the memory for the startup configuration: of a 3745, and of what runs IOS XE.
NVRAM_OCTETS = {Release.CLASSIC: 155640, Release.XE: 33554432}


def release_of(version: str) -> Release:
    """The form of a `version` line's release ("12.4", "15.2", "16.9"); one that cannot be read is new."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return Release.CLASSIC if found and (int(found[1]), int(found[2])) < _FIRST_XE else Release.XE
