"""Shell room: `show crypto ipsec transform-set`.

The form is that of the Cisco IOS Security Command Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.crypto_model import TransformSet
from agent.engine.transforms import transforms_of
from agent.shell.releases import Release

_INDENT = {Release.CLASSIC: 4, Release.XE: 3}


def set_lines(sets: Iterable[TransformSet], release: Release) -> Iterator[str]:
    """`show crypto ipsec transform-set` of configured sets."""
    for each in sets:
        yield from _lines(each.name, each, release)


def default_set_lines(sets: Iterable[TransformSet], release: Release) -> Iterator[str]:
    """`show crypto ipsec default transform-set`: the built-in sets, numbered."""
    for number, each in enumerate(sets, 1):
        yield from _lines(f"#{number}:{each.name}", each, release)


def _lines(name: str, transform_set: TransformSet, release: Release) -> Iterator[str]:
    head = f"Transform set {name}:"
    for transforms in transforms_of(transform_set):
        yield f"{head} {{ {' '.join(transforms)}  }}"
        yield f"{' ' * _INDENT[release]}will negotiate = {{ {transform_set.mode.capitalize()},  }},"
        head = "  "
    yield ""
