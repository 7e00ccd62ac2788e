"""Diffie-Hellman groups against the formulas and vectors of their RFCs."""

from __future__ import annotations

import pytest

from agent.crypto.dh import GROUPS, PRIMES, BadPublicValueError, generate
from agent.lab.randomness import SeededRandom, SystemRandom


class Given:
    """A source that has one value to give."""

    seeded = True

    def __init__(self, value: int) -> None:
        self.value = value

    def take(self, count: int) -> bytes:
        return self.value.to_bytes(count, "big")


def pi_times_two_to(bits: int) -> int:
    """⌊2^bits · π⌋ by Machin's formula."""
    guard = 64

    def arctan_inverse(x: int) -> int:
        power = total = (1 << bits + guard) // x
        divisor, sign = 1, 1
        while power:
            power //= x * x
            divisor, sign = divisor + 2, -sign
            total += sign * (power // divisor)
        return total

    return 4 * (4 * arctan_inverse(5) - arctan_inverse(239)) >> guard


@pytest.mark.parametrize(("group", "bits", "addend"), [(1, 768, 149686), (2, 1024, 129093), (5, 1536, 741804), (14, 2048, 124476)])
def test_primes_are_those_of_the_formula(group: int, bits: int, addend: int) -> None:
    """RFC 2409 §6.1–6.2, RFC 3526 §2–3: 2^n - 2^(n-64) - 1 + 2^64 · (⌊2^(n-130) π⌋ + addend)."""
    assert PRIMES[group] == 2**bits - 2 ** (bits - 64) - 1 + 2**64 * (pi_times_two_to(bits - 130) + addend)


@pytest.mark.parametrize("group", sorted(GROUPS))
@pytest.mark.parametrize("random", [SystemRandom(), SeededRandom(7)], ids=["system", "seeded"])
def test_both_sides_agree(group: int, random: SystemRandom | SeededRandom) -> None:
    ours, theirs = generate(group, random), generate(group, random)
    shared = ours.agree(theirs.public)
    assert shared == theirs.agree(ours.public)
    assert len(shared) == (len(ours.public) if group in PRIMES else len(ours.public) // 2)


@pytest.mark.parametrize("group", [1, 2, 5, 14])
def test_a_seeded_and_a_free_side_agree(group: int) -> None:
    ours, theirs = generate(group, SystemRandom()), generate(group, SeededRandom(1))
    assert ours.agree(theirs.public) == theirs.agree(ours.public)


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_values_outside_the_group_are_refused(group: int) -> None:
    secret = generate(group, SeededRandom(3))
    octets = len(secret.public)
    values = [0, 1]
    if group in PRIMES:
        values += [PRIMES[group] - 1, PRIMES[group]]
    for value in values:
        with pytest.raises(BadPublicValueError):
            secret.agree(value.to_bytes(octets, "big"))
    with pytest.raises(BadPublicValueError):
        secret.agree(secret.public[:-1])


def test_the_vector_of_group_19() -> None:
    """RFC 5903 §8.1."""
    initiator = 0xC88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433
    responder = 0xC6EF9C5D78AE012A011164ACB397CE2088685D8F06BF9BE0B283AB46476BEE53
    ours, theirs = generate(19, Given(initiator - 1)), generate(19, Given(responder - 1))
    assert ours.public.hex() == (
        "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
        "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3"
    )
    assert ours.agree(theirs.public).hex() == "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"


def test_the_vector_of_group_20() -> None:
    """RFC 5903 §8.2."""
    initiator = 0x099F3C7034D4A2C699884D73A375A67F7624EF7C6B3C0F160647B67414DCE655E35B538041E649EE3FAEF896783AB194
    responder = 0x41CB0779B4BDB85D47846725FBEC3C9430FAB46CC8DC5060855CC9BDA0AA2942E0308312916B8ED2960E4BD55A7448FC
    ours, theirs = generate(20, Given(initiator - 1)), generate(20, Given(responder - 1))
    assert ours.public.hex() == (
        "667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55ee6de3ac808acb4bdb4c88732aee95f41aa"
        "9482ed1fc0eeb9cafc4984625ccfc23f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c"
    )
    assert ours.agree(theirs.public).hex() == (
        "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4d603135569b9e9d09cf5d4a270f59746"
    )
