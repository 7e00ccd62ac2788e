"""Engine room: the transforms of an SA in the words of IOS, as commands and messages show them."""

from __future__ import annotations

from agent.flow.model import NOT_USED, SaAlgorithms

_LONG_KEYS = (192, 256)


def transforms_of_sa(algorithms: SaAlgorithms, protocol: str) -> list[str]:
    """The transforms of one SA, "ah" or "esp". A cipher with a long key has IOS's older spelling, "esp-256-aes"."""
    if protocol == "ah":
        return [f"ah-{algorithms.ah}-hmac"] if algorithms.ah else []
    words = []
    if algorithms.cipher not in (None, NOT_USED):
        name = algorithms.cipher.removeprefix("aes-")
        words.append(f"esp-{algorithms.key_bits}-{name}" if algorithms.key_bits in _LONG_KEYS else f"esp-{name}")
    if algorithms.esp_auth not in (None, NOT_USED):
        words.append(f"esp-{algorithms.esp_auth}-hmac")
    return words
