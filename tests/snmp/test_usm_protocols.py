"""USM's protocols as the fast path applies them say what pysnmp's say, message after message with one key."""

from __future__ import annotations

import random

import pytest
from pysnmp.entity import config
from pysnmp.proto.rfc1902 import OctetString

from agent.snmp.usm_protocols import authentication, privacy
from tests.snmp.v3 import AUTHENTICATION, PRIVACY


class Counter:
    """A salt counter about to wrap."""

    local_int = 2**32 - 2


@pytest.mark.parametrize("name", PRIVACY)
def test_what_either_encrypts_the_other_decrypts(name: str) -> None:
    key = random.Random(name).randbytes(32)
    key = key[: config.PRIV_SERVICES[PRIVACY[name]].KEY_SIZE]
    ours, service = privacy(name, key, Counter()), config.PRIV_SERVICES[PRIVACY[name]]
    for size in (0, 1, 7, 8, 9, 15, 16, 17, 100, 1400):
        plain = random.Random(size).randbytes(size)
        sealed, salt = ours.encrypt(3, size + 1, plain)
        opened = service.decrypt_data(OctetString(key), (3, size + 1, OctetString(salt)), OctetString(sealed))
        assert bytes(opened)[:size] == plain
        sealed_there, salt_there = service.encrypt_data(OctetString(key), (3, 5, None), plain)
        assert ours.decrypt(3, 5, bytes(salt_there), bytes(sealed_there))[:size] == plain
        assert len(sealed_there) == len(sealed)


@pytest.mark.parametrize("name", ["des", "3des"])
def test_what_is_no_whole_number_of_blocks_is_not_decrypted(name: str) -> None:
    assert privacy(name, bytes(range(32)), Counter()).decrypt(3, 5, bytes(8), bytes(15)) == b""


def test_salts_count_on_and_start_again() -> None:
    des = privacy("des", bytes(range(16)), Counter())
    salts = [des.encrypt(3, 5, b"")[1].hex() for _ in range(3)]
    assert salts == ["00000003fffffffe", "00000003ffffffff", "0000000300000000"]


@pytest.mark.parametrize("name", AUTHENTICATION)
def test_digests_are_those_of_pysnmp(name: str) -> None:
    service = config.AUTH_SERVICES[AUTHENTICATION[name]]
    key = service.localize_key(service.hash_passphrase(OctetString("authpass1")), OctetString(b"engine"))
    ours = authentication(name, bytes(key))
    message = b"before" + bytes(ours.size) + b"after"
    assert ours.size == service.digest_length
    assert b"before" + ours.digest(message) + b"after" == bytes(service.authenticate_outgoing_message(key, message))
