"""Crypto room: the keys of IKE (RFC 2409 §5, §5.5, appendix B). Pure functions; `hash_name` names the negotiated hash, whose HMAC
is the prf."""

from __future__ import annotations

from dataclasses import dataclass

from agent.crypto.ciphers import CIPHERS, digest, key_octets, keyed_digest


@dataclass(frozen=True, slots=True)
class Phase1Keys:
    """SKEYID and what is derived from it; `cipher_key` is SKEYID_e cut or stretched to the cipher's key."""

    skeyid: bytes
    derive: bytes  # SKEYID_d
    authenticate: bytes  # SKEYID_a
    cipher_key: bytes
    first_vector: bytes


def skeyid_pre_shared(hash_name: str, key: bytes, initiator_nonce: bytes, responder_nonce: bytes) -> bytes:
    """SKEYID = prf(pre-shared-key, Ni_b | Nr_b)."""
    return keyed_digest(hash_name, key, initiator_nonce, responder_nonce)


def skeyid_signature(hash_name: str, shared: bytes, initiator_nonce: bytes, responder_nonce: bytes) -> bytes:
    """SKEYID = prf(Ni_b | Nr_b, g^xy)."""
    return keyed_digest(hash_name, initiator_nonce + responder_nonce, shared)


def phase1_keys(
    hash_name: str,
    cipher: str,
    key_bits: int,
    skeyid: bytes,
    shared: bytes,
    cookies: bytes,
    public_values: bytes,
) -> Phase1Keys:
    """SKEYID_d, _a and _e, the cipher's key and the first vector; `cookies` is CKY-I | CKY-R, `public_values` g^xi | g^xr."""
    derive = keyed_digest(hash_name, skeyid, shared, cookies, b"\0")
    authenticate = keyed_digest(hash_name, skeyid, derive, shared, cookies, b"\1")
    encrypt = keyed_digest(hash_name, skeyid, authenticate, shared, cookies, b"\2")
    return Phase1Keys(
        skeyid,
        derive,
        authenticate,
        expand_cipher_key(hash_name, encrypt, key_octets(cipher, key_bits)),
        digest(hash_name, public_values)[: CIPHERS[cipher].block],
    )


def expand_cipher_key(hash_name: str, skeyid_e: bytes, octets: int) -> bytes:
    """Appendix B: SKEYID_e itself where it is long enough, else K1 | K2 | … with K1 = prf(SKEYID_e, 0)."""
    if octets <= len(skeyid_e):
        return skeyid_e[:octets]
    key = block = keyed_digest(hash_name, skeyid_e, b"\0")
    while len(key) < octets:
        block = keyed_digest(hash_name, skeyid_e, block)
        key += block
    return key[:octets]


def exchange_vector(hash_name: str, cipher: str, last_block: bytes, message_id: int) -> bytes:
    """Appendix B: the first vector of a phase-2 exchange, from phase 1's last cipher block and the message id."""
    return digest(hash_name, last_block, message_id.to_bytes(4, "big"))[: CIPHERS[cipher].block]


def hash_initiator(
    hash_name: str, skeyid: bytes, initiator_public: bytes, responder_public: bytes, cookies: bytes, sa_body: bytes, id_body: bytes
) -> bytes:
    """HASH_I of §5; HASH_R is the same with the two sides' public values and cookies swapped."""
    return keyed_digest(hash_name, skeyid, initiator_public, responder_public, cookies, sa_body, id_body)


def keymat(hash_name: str, derive: bytes, protocol: int, spi: bytes, nonces: bytes, octets: int, shared: bytes = b"") -> bytes:
    """§5.5: the key material of one SA; `nonces` is Ni_b | Nr_b, `shared` g(qm)^xy of a quick mode with PFS."""
    seed = shared + bytes((protocol,)) + spi + nonces
    material = block = keyed_digest(hash_name, derive, seed)
    while len(material) < octets:
        block = keyed_digest(hash_name, derive, block, seed)
        material += block
    return material[:octets]
