"""Crypto room: Diffie-Hellman groups 1, 2 (RFC 2409 §6), 5, 14 (RFC 3526), 19 and 20 (RFC 5903).

OpenSSL knows the safe primes of groups 5 and 14, and is quick. Those of groups 1 and 2 it tests for primality with every key of a
peer (15–40 ms), while `pow` takes under a millisecond. With a seeded random source the private value must be ours, so modular
groups use `pow` as well.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import dh, ec
from cryptography.utils import CryptographyDeprecationWarning

from agent.crypto.ciphers import RandomSource

_GENERATOR = 2
_EXPONENT_OCTETS = 32  # 256 bits: beyond the strength of every group here (RFC 3526 §8)

_HEAD = (
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63"
)
_TAIL_1 = "A3620FFFFFFFFFFFFFFFF"
_MIDDLE = "7ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE"
_TAIL_2 = "65381FFFFFFFFFFFFFFFF"
_MIDDLE_5 = (
    "45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED52907709"
    "6966D670C354E4ABC9804F1746C08CA"
)
_TAIL_5 = "237327FFFFFFFFFFFFFFFF"
_TAIL_14 = (
    "18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015"
    "728E5A8AACAA68FFFFFFFFFFFFFFFF"
)

PRIMES = MappingProxyType(
    {
        1: int(_HEAD + _TAIL_1, 16),
        2: int(_HEAD + _MIDDLE + _TAIL_2, 16),
        5: int(_HEAD + _MIDDLE + _MIDDLE_5 + _TAIL_5, 16),
        14: int(_HEAD + _MIDDLE + _MIDDLE_5 + _TAIL_14, 16),
    }
)


# Of the base points of RFC 5903 §3.
_ORDERS = MappingProxyType(
    {
        "secp256r1": int("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551", 16),
        "secp384r1": int("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973", 16),
    }
)


class BadPublicValueError(Exception):
    """The peer's public value is not one of the group."""


class DhSecret(Protocol):
    """One side's private value. `public` is the content of the KE payload."""

    @property
    def public(self) -> bytes: ...

    def agree(self, peer: bytes) -> bytes:
        """The shared secret. Raises BadPublicValueError if the peer's value is not of the group."""
        ...


def _peer_value(prime: int, octets: bytes) -> int:
    """A value of the group that is not 0, 1 or p-1 (RFC 2631 §2.1.5), in as many octets as the prime (RFC 2409 §5)."""
    value = int.from_bytes(octets, "big")
    if len(octets) != _octets(prime) or not 1 < value < prime - 1:
        raise BadPublicValueError
    return value


def _octets(prime: int) -> int:
    return (prime.bit_length() + 7) // 8


@dataclass(frozen=True, slots=True)
class _PowerSecret:
    prime: int
    exponent: int
    public: bytes

    def agree(self, peer: bytes) -> bytes:
        shared = pow(_peer_value(self.prime, peer), self.exponent, self.prime)
        return shared.to_bytes(_octets(self.prime), "big")


def _by_power(prime: int, random: RandomSource) -> DhSecret:
    exponent = int.from_bytes(random.take(_EXPONENT_OCTETS), "big") | 1 << (8 * _EXPONENT_OCTETS - 1)
    return _PowerSecret(prime, exponent, pow(_GENERATOR, exponent, prime).to_bytes(_octets(prime), "big"))


@cache
def _parameters(prime: int) -> dh.DHParameters:
    return dh.DHParameterNumbers(prime, _GENERATOR).parameters()


@dataclass(frozen=True, slots=True)
class _LibrarySecret:
    prime: int
    private: dh.DHPrivateKey
    public: bytes

    def agree(self, peer: bytes) -> bytes:
        value = _peer_value(self.prime, peer)
        with _quietly():
            numbers = dh.DHPublicNumbers(value, dh.DHParameterNumbers(self.prime, _GENERATOR))
            shared = self.private.exchange(numbers.public_key())
        return shared.rjust(_octets(self.prime), b"\0")


def _by_library(prime: int, random: RandomSource) -> DhSecret:
    if random.seeded:
        return _by_power(prime, random)
    with _quietly():
        private = _parameters(prime).generate_private_key()
    return _LibrarySecret(prime, private, private.public_key().public_numbers().y.to_bytes(_octets(prime), "big"))


def _quietly() -> warnings.catch_warnings[None]:
    """The library advises against finite-field groups; IKEv1 has little else, and the version is pinned."""
    return warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning)


@dataclass(frozen=True, slots=True)
class _CurveSecret:
    curve: ec.EllipticCurve
    private: ec.EllipticCurvePrivateKey
    public: bytes

    def agree(self, peer: bytes) -> bytes:
        """RFC 5903 §7: points travel as x | y, the shared secret is x alone."""
        try:
            point = ec.EllipticCurvePublicKey.from_encoded_point(self.curve, b"\x04" + peer)
        except ValueError as error:
            raise BadPublicValueError from error
        return self.private.exchange(ec.ECDH(), point)


def _by_curve(curve: ec.EllipticCurve, random: RandomSource) -> DhSecret:
    octets = (curve.key_size + 7) // 8
    value = int.from_bytes(random.take(octets), "big") % (_ORDERS[curve.name] - 1) + 1
    private = ec.derive_private_key(value, curve)
    numbers = private.public_key().public_numbers()
    return _CurveSecret(curve, private, numbers.x.to_bytes(octets, "big") + numbers.y.to_bytes(octets, "big"))


GROUPS: MappingProxyType[int, Callable[[RandomSource], DhSecret]] = MappingProxyType(
    {
        1: lambda random: _by_power(PRIMES[1], random),
        2: lambda random: _by_power(PRIMES[2], random),
        5: lambda random: _by_library(PRIMES[5], random),
        14: lambda random: _by_library(PRIMES[14], random),
        19: lambda random: _by_curve(ec.SECP256R1(), random),
        20: lambda random: _by_curve(ec.SECP384R1(), random),
    }
)


def generate(group: int, random: RandomSource) -> DhSecret:
    """A fresh private value of a group by its IANA number; KeyError for a group that is not in `GROUPS`."""
    return GROUPS[group](random)
