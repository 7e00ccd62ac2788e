"""Config room: what IOS uses where nothing is configured: default ISAKMP policies and default transform sets.

RFC 2409 leaves policy to its user; these are the tables that IOS prints for `show crypto isakmp default policy` and `show crypto
ipsec default transform-set`.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from agent.config.model import IsakmpPolicy, RouterConfig, TransformSet

_FIRST_PRIORITY = 65507

DEFAULT_POLICIES = tuple(
    IsakmpPolicy(_FIRST_PRIORITY + at, encryption, key_bits, hash_name, authentication, group)
    for at, ((encryption, key_bits, group), hash_name, authentication) in enumerate(
        product((("aes", 128, 5), ("3des", 168, 2)), ("sha", "md5"), ("rsa-sig", "pre-share"))
    )
)

DEFAULT_TRANSFORM_SETS = (
    TransformSet("default_transform_set_1", esp_cipher="aes", esp_key_bits=128, esp_auth="sha"),
    TransformSet("default_transform_set_0", esp_cipher="3des", esp_key_bits=168, esp_auth="sha"),
)


def policies_in_force(config: RouterConfig) -> Iterable[IsakmpPolicy]:
    """The configured ISAKMP policies; the default ones where there is none and they are not turned off."""
    if config.crypto.policies:
        return config.crypto.policies.values()
    return DEFAULT_POLICIES if config.crypto.default_policies else ()
