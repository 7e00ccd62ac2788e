"""Config room: IOS's default ISAKMP policies and default transform sets, and the policies that come with Easy VPN.

RFC 2409 leaves policy to its user; these are the tables that IOS prints for `show crypto isakmp default policy` and `show crypto
ipsec default transform-set`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import product

from agent.config.crypto_model import IsakmpPolicy, TransformSet
from agent.config.model import RouterConfig

_FIRST_PRIORITY = 65507
_FIRST_EASY_VPN_PRIORITY = 65515

DEFAULT_POLICIES = tuple(
    IsakmpPolicy(_FIRST_PRIORITY + at, encryption, key_bits, hash_name, authentication, group)
    for at, ((encryption, key_bits, group), hash_name, authentication) in enumerate(
        product((("aes", 128, 5), ("3des", 168, 2)), ("sha", "md5"), ("rsa-sig", "pre-share"))
    )
)

DEFAULT_TRANSFORM_SETS = (
    TransformSet("default_transform_set_1", None, "aes", 128, "sha", mode="transport", built_in=True),
    TransformSet("default_transform_set_0", None, "3des", 168, "sha", mode="transport", built_in=True),
)
DEFAULT_PRIORITIES = frozenset(policy.priority for policy in DEFAULT_POLICIES)
DEFAULT_TRANSFORM_SET_NAMES = frozenset(each.shown_name for each in DEFAULT_TRANSFORM_SETS)


def default_transform_sets(config: RouterConfig, ciphers: Container[str]) -> tuple[TransformSet, ...]:
    """The default transform sets that stand: none if they are turned off, and only those whose cipher the crypto engine has."""
    sets = DEFAULT_TRANSFORM_SETS if config.crypto.default_transform_set else ()
    return tuple(each for each in sets if each.esp_cipher in ciphers)


# In force if there is a client group. Easy VPN clients offer these.
EASY_VPN_POLICIES = tuple(
    IsakmpPolicy(_FIRST_EASY_VPN_PRIORITY + at, encryption, key_bits, hash_name, "pre-share", 2, easy_vpn=True)
    for at, ((encryption, key_bits), hash_name) in enumerate(
        product((("aes", 128), ("aes", 192), ("aes", 256), ("3des", 168)), ("sha", "md5"))
    )
)


def policies_in_force(config: RouterConfig) -> Iterable[IsakmpPolicy]:
    """The configured ISAKMP policies, else the default ones unless they are turned off; then those of Easy VPN."""
    crypto = config.crypto
    configured = crypto.policies.values() or (DEFAULT_POLICIES if crypto.default_policies else ())
    return (*configured, *(EASY_VPN_POLICIES if crypto.client_groups else ()))
