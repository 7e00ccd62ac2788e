"""Engine room: transforms in the words of IOS, as commands and messages show them (Cisco IOS Security Command Reference)."""

from __future__ import annotations

from agent.config.crypto_model import TransformSet
from agent.flow.model import NOT_USED, SaAlgorithms

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
