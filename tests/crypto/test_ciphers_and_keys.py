"""Ciphers, hashes and IKE's key derivations against published vectors, or against the RFC's formulas written out."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from agent.crypto.ciphers import CIPHERS, HASHES, BlockCipher, KeyedHash, key_octets, keyed_digest
from agent.crypto.keys import exchange_vector, expand_cipher_key, keymat, phase1_keys, skeyid_pre_shared


def test_single_des_is_the_vector_of_fips_81() -> None:
    cipher = BlockCipher("des", bytes.fromhex("0123456789abcdef"))
    sealed = cipher.encrypt(bytes.fromhex("1234567890abcdef"), b"Now is the time for all ")
    assert sealed.hex() == "e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6"
    assert cipher.decrypt(bytes.fromhex("1234567890abcdef"), sealed) == b"Now is the time for all "


def test_aes_is_the_vector_of_rfc_3602() -> None:
    """§4, case 1."""
    cipher = BlockCipher("aes", bytes.fromhex("06a9214036b8a15b512e03d534120006"))
    vector = bytes.fromhex("3dafba429d9eb430b422da802c9fac41")
    assert cipher.encrypt(vector, b"Single block msg").hex() == "e353779c1079aeb82708942dbe77181a"


def test_triple_des_is_the_vector_of_sp_800_67() -> None:
    """Appendix B; a block under a vector of zeros is one without a vector."""
    cipher = BlockCipher("3des", bytes.fromhex("0123456789abcdef23456789abcdef01456789abcdef0123"))
    blocks = [cipher.encrypt(bytes(8), block).hex() for block in (b"The qufc", b"k brown ", b"fox jump")]
    assert blocks == ["a826fd8ce53b855f", "cce21c8112256fe6", "68d5c05dd9b6b900"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b", "4f021db243bc633d7178183a9fa071e8"),
        ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4", "f58c4c04d6e5f1ba779eabfb5f7bfbd6"),
    ],
    ids=["192", "256"],
)
def test_aes_with_longer_keys_is_the_vector_of_sp_800_38a(key: str, expected: str) -> None:
    """Appendices F.2.3 and F.2.5."""
    cipher = BlockCipher("aes", bytes.fromhex(key))
    assert cipher.encrypt(bytes(range(16)), bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")).hex() == expected


@pytest.mark.parametrize(
    ("name", "key", "data", "expected"),
    [
        ("md5", b"Jefe", b"what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
        ("sha", b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("md5", b"\x0b" * 16, b"Hi There", "9294727a3638bb1c13f48ef8158bfc9d"),
        ("sha", b"\x0b" * 20, b"Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (
            "sha256",
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "sha384",
            b"Jefe",
            b"what do ya want for nothing?",
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            "sha512",
            b"Jefe",
            b"what do ya want for nothing?",
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
            "caeab1a34d4a6b4b636e070a38bce737",
        ),
    ],
)
def test_keyed_hashes_are_the_vectors_of_rfc_2202_and_4231(name: str, key: bytes, data: bytes, expected: str) -> None:
    assert keyed_digest(name, key, data).hex() == expected
    assert KeyedHash(name, key).check_value(data).hex() == expected[: 2 * HASHES[name].icv]


@pytest.mark.parametrize("name", sorted(CIPHERS))
def test_every_cipher_opens_what_it_seals(name: str) -> None:
    for length in CIPHERS[name].key_lengths:
        cipher = BlockCipher(name, bytes(range(1, length + 1)))
        vector = bytes(cipher.block)
        assert cipher.decrypt(vector, cipher.encrypt(vector, bytes(range(64)))) == bytes(range(64))


def test_key_lengths_follow_the_negotiated_bits() -> None:
    asked = (("des", 56), ("3des", 168), ("aes", 128), ("aes", 192), ("aes", 256))
    assert [key_octets(*each) for each in asked] == [8, 24, 16, 24, 32]


# Written out from RFC 2409 with the standard library, so that a slip in one is not a slip in both.
HASHLIB = {"md5": "md5", "sha": "sha1", "sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}


def prf(name: str, key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, HASHLIB[name]).digest()


@pytest.mark.parametrize("name", sorted(HASHES))
def test_phase_1_keys_are_those_of_section_5(name: str) -> None:
    nonces, shared, cookies = (b"i" * 24, b"r" * 24), b"s" * 96, b"c" * 16
    skeyid = skeyid_pre_shared(name, b"key", *nonces)
    assert skeyid == prf(name, b"key", b"".join(nonces))
    keys = phase1_keys(name, "des", 56, skeyid, shared, cookies, b"public")
    skeyid_d = prf(name, skeyid, shared + cookies + b"\0")
    skeyid_a = prf(name, skeyid, skeyid_d + shared + cookies + b"\1")
    skeyid_e = prf(name, skeyid, skeyid_a + shared + cookies + b"\2")
    assert (keys.derive, keys.authenticate, keys.cipher_key) == (skeyid_d, skeyid_a, skeyid_e[:8])
    assert keys.first_vector == hashlib.new(HASHLIB[name], b"public").digest()[:8]


def test_a_short_key_is_stretched_as_appendix_b_says() -> None:
    k1 = prf("md5", b"e" * 16, b"\0")
    k2 = prf("md5", b"e" * 16, k1)
    assert expand_cipher_key("md5", b"e" * 16, 32) == k1 + k2
    assert expand_cipher_key("md5", b"e" * 16, 24) == (k1 + k2)[:24]
    assert expand_cipher_key("sha", b"e" * 20, 16) == b"e" * 16


def test_a_phase_2_vector_comes_from_the_last_block_and_the_message_id() -> None:
    assert exchange_vector("sha", "3des", b"l" * 8, 7) == hashlib.sha1(b"l" * 8 + b"\0\0\0\7").digest()[:8]


def test_key_material_is_that_of_section_5_5() -> None:
    seed = b"\3" + b"spi!" + b"nonces"
    k1 = prf("sha", b"d", seed)
    k2 = prf("sha", b"d", k1 + seed)
    assert keymat("sha", b"d", 3, b"spi!", b"nonces", 28) == (k1 + k2)[:28]
    assert keymat("sha", b"d", 3, b"spi!", b"nonces", 20, b"shared") == prf("sha", b"d", b"shared" + seed)
