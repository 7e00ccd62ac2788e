"""Shell room: `show crypto isakmp policy` and `show crypto isakmp default policy`.

The labels and their columns are those of the Cisco IOS Security Command Reference, classic ones those of the IPsec Management
Configuration Guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.config.crypto_model import CryptoConfig, IsakmpPolicy
from agent.config.defaults import DEFAULT_POLICIES, EASY_VPN_POLICIES
from agent.shell.releases import Release

_HASHES = {
    "md5": "Message Digest 5",
    "sha": "Secure Hash Standard",
    "sha256": "Secure Hash Standard 2 (256 bit)",
    "sha384": "Secure Hash Standard 2 (384 bit)",
    "sha512": "Secure Hash Standard 2 (512 bit)",
}
_METHODS = {
    "pre-share": "Pre-Shared Key",
    "rsa-sig": "Rivest-Shamir-Adleman Signature",
    "rsa-encr": "Rivest-Shamir-Adleman Encryption",
    "ecdsa-sig": "Elliptic Curve Digital Signature Algorithm",
}
_GROUP_BITS = {1: 768, 2: 1024, 5: 1536, 14: 2048, 15: 3072, 16: 4096, 19: 256, 20: 384, 21: 521, 24: 2048}
_GROUP_NOTES = {24: ", 256 bit subgroup"}


@dataclass(frozen=True, slots=True)
class _Form:
    """`indent` precedes each line of a policy. `columns` is how wide each label is written, with its blanks."""

    indent: str
    columns: tuple[int, int, int, int, int]
    aes: str


_FORMS = {
    Release.CLASSIC: _Form("  ", (22, 21, 23, 22, 21), "key.)"),
    Release.XE: _Form(" " * 8, (24, 24, 24, 24, 24), "keys)."),
}
_LABELS = ("encryption algorithm:", "hash algorithm:", "authentication method:", "Diffie-Hellman group:", "lifetime:")


def policy_lines(crypto: CryptoConfig, release: Release) -> Iterator[str]:
    """The policies in force: the configured ones, else the default ones, and those of Easy VPN."""
    configured = sorted(crypto.policies.values(), key=lambda policy: policy.priority)
    default = default_policies(crypto)
    easy_vpn = EASY_VPN_POLICIES if crypto.client_groups else ()
    if configured or default or easy_vpn:
        yield "Default IKE policy" if default else "Global IKE policy"
    yield from _suites("Protection suite of priority", (*configured, *default, *easy_vpn), release)


def default_policy_lines(crypto: CryptoConfig, release: Release) -> Iterator[str]:
    """The default policies, and nothing where they are not in force."""
    default = default_policies(crypto)
    if default:
        yield "Default IKE policy"
    yield from _suites("Default protection suite of priority", default, release)


def default_policies(crypto: CryptoConfig) -> tuple[IsakmpPolicy, ...]:
    """The default policies that are in force: all, unless a policy is configured or they are turned off."""
    return DEFAULT_POLICIES if crypto.default_policies and not crypto.policies else ()


def _suites(heading: str, policies: Iterable[IsakmpPolicy], release: Release) -> Iterator[str]:
    form = _FORMS[release]
    for policy in policies:
        yield f"{heading} {policy.priority}"
        values = (
            _encryption(policy, form),
            _HASHES[policy.hash],
            _METHODS[policy.authentication],
            _group(policy.group),
            f"{policy.lifetime} seconds, no volume limit",
        )
        for label, width, value in zip(_LABELS, form.columns, values, strict=True):
            yield f"{form.indent}{label:<{width}}{value}"


def _encryption(policy: IsakmpPolicy, form: _Form) -> str:
    if policy.encryption == "aes":
        return f"AES - Advanced Encryption Standard ({policy.key_bits} bit {form.aes}"
    return "Three key triple DES" if policy.encryption == "3des" else "DES - Data Encryption Standard (56 bit keys)."


def _group(number: int) -> str:
    bits = _GROUP_BITS.get(number)
    return f"#{number} ({bits} bit{_GROUP_NOTES.get(number, '')})" if bits else f"#{number}"
