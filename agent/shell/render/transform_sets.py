"""Shell room: `show crypto ipsec transform-set`, and how other commands write transforms.

The form is that of the Cisco IOS Security Command Reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.crypto_model import TransformSet
from agent.flow.model import NOT_USED, SaAlgorithms
from agent.shell.releases import Release

_INDENT = {Release.CLASSIC: 4, Release.XE: 3}
_LONG_KEYS = (192, 256)


def _cipher(name: str, bits: int | None) -> str:
    """A cipher with its key as IOS shows it, which is the older spelling: "esp-256-aes"."""
    name = name.removeprefix("aes-")
    return f"esp-{bits}-{name}" if bits in _LONG_KEYS else f"esp-{name}"


def transforms_of(transform_set: TransformSet) -> list[list[str]]:
    """The transforms of a set, by protocol: AH, ESP, compression."""
    ah = [f"ah-{transform_set.ah}-hmac"] if transform_set.ah else []
    cipher = [_cipher(transform_set.esp_cipher, transform_set.esp_key_bits)] if transform_set.esp_cipher else []
    auth = [f"esp-{transform_set.esp_auth}-hmac"] if transform_set.esp_auth else []
    compression = [f"comp-{transform_set.compression}"] if transform_set.compression else []
    return [transforms for transforms in (ah, cipher + auth, compression) if transforms]


def transforms_of_sa(algorithms: SaAlgorithms, protocol: str) -> list[str]:
    """The transforms of one SA, "ah" or "esp". What is not known is left out."""
    if protocol == "ah":
        return [f"ah-{algorithms.ah}-hmac"] if algorithms.ah else []
    cipher = [_cipher(algorithms.cipher, algorithms.key_bits)] if algorithms.cipher not in (None, NOT_USED) else []
    auth = [f"esp-{algorithms.esp_auth}-hmac"] if algorithms.esp_auth not in (None, NOT_USED) else []
    return cipher + auth


def transforms_of_bundle(algorithms: SaAlgorithms) -> list[str]:
    """The transforms of all SAs of one direction."""
    ah = transforms_of_sa(algorithms, "ah") if algorithms.ah not in (None, NOT_USED) else []
    return ah + transforms_of_sa(algorithms, "esp")


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
