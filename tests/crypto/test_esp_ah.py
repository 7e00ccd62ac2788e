"""ESP and AH: published packets, sizes, windows, and that nothing changed on the way passes."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.crypto import ip
from agent.crypto.ah import AhSa
from agent.crypto.ciphers import HASHES
from agent.crypto.doi import Protocol
from agent.crypto.esp import EspSa
from agent.crypto.ike_events import Phase2Result, SaKeys
from agent.crypto.proposals import Phase2Choice, Suite
from agent.crypto.replay import LAST_SEQUENCE, Fault, PacketRefusedError, ReplayWindow
from agent.crypto.sad import Bundle
from agent.lab.randomness import SeededRandom

LOCAL, REMOTE = 0x0A010102, 0x0A010101


class Octets:
    """A source that gives what it was given."""

    seeded = True

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def take(self, count: int) -> bytes:
        return self.octets[:count]


def seed(key: bytes, vector: bytes, last: bytes) -> bytes:
    """The random block of which an SA's chain makes that vector, behind the last block that it made."""
    return Cipher(AES(key), modes.CBC(last)).decryptor().update(vector)


def test_vectors_are_new_though_the_random_octets_are_not() -> None:
    """The chain goes on from the packet before."""
    sa = EspSa(256, "aes", bytes(16), None, b"")
    first, second = (sa.seal(ip.ICMP, b"the same", Octets(bytes(16))) for _ in range(2))
    assert first[8:24] != second[8:24]


# RFC 3602 §4: SPI, key, vector, sequence number, next header, payload, packet.
RFC_3602 = {
    5: (
        0x4321,
        "90d382b410eeba7ad938c46cec1a82bf",
        1,
        ip.ICMP,
        "08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637",
        "0000432100000001e96e8c08ab465763fd098d45dd3ff893f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856"
        "a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6",
    ),
    7: (
        0x8765,
        "0123456789abcdef0123456789abcdef",
        2,
        ip.IP_IN_IP,
        "45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
        "202122232425262728292a2b2c2d2e2f3031323334353637",
        "0000876500000002f4e765244f6407adf13dc1380f673f37773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8e4ecaec7"
        "8ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d",
    ),
}


@pytest.mark.parametrize("case", RFC_3602)
def test_esp_makes_and_opens_the_packets_of_rfc_3602(case: int) -> None:
    spi, key, sequence, next_header, payload, packet = RFC_3602[case]
    sealed = bytes.fromhex(packet)
    sender = EspSa(spi, "aes", bytes.fromhex(key), None, b"")
    made = bytes(16)
    for _ in range(sequence):
        made = sender.seal(next_header, bytes.fromhex(payload), Octets(seed(bytes.fromhex(key), sealed[8:24], made[-16:])))
    assert made == sealed
    assert EspSa(spi, "aes", bytes.fromhex(key), None, b"").open(sealed) == (next_header, bytes.fromhex(payload))


def bundle_pair(suite: Suite, transport: bool = False, window: int = 64) -> tuple[Bundle, Bundle]:
    """The two ends of one quick mode."""

    def keys(protocol: Protocol) -> SaKeys:
        cipher = bytes(range(1, 33))[: {"des": 8, "3des": 24, "aes": 16}.get(suite.esp_cipher or "", 0)]
        auth = suite.ah if protocol == Protocol.AH else suite.esp_auth
        size = HASHES[auth].size if auth else 0
        return SaKeys(protocol, 0x1000 + protocol, 0x2000 + protocol, cipher, b"i" * size, cipher, b"o" * size)

    def mirrored(sa: SaKeys) -> SaKeys:
        return SaKeys(
            sa.protocol,
            sa.outbound_spi,
            sa.inbound_spi,
            sa.outbound_cipher_key,
            sa.outbound_auth_key,
            sa.inbound_cipher_key,
            sa.inbound_auth_key,
        )

    choice = Phase2Choice(suite, 3600, 4608000, transport, None, {})
    sas = tuple(keys(protocol) for protocol in suite.protocols)
    ours = Phase2Result(None, 1, True, choice, None, None, sas)
    theirs = Phase2Result(None, 1, False, choice, None, None, tuple(mirrored(sa) for sa in sas))
    return Bundle(ours, window), Bundle(theirs, window)


def inner_packet(octets: int, source: int = 0x0A160101, destination: int = 0x0A140101) -> ip.Packet:
    return ip.Packet(source, destination, ip.ICMP, bytes(at & 255 for at in range(octets - 20)))


GUIDE = Suite("sha", "des", 56, "sha")


@pytest.mark.parametrize(
    ("suite", "octets"),
    [
        (GUIDE, 176),  # 20 outer IP + 24 AH + 8 ESP + 8 IV + 104 padded payload + 12 ICV
        (Suite(None, "des", 56, "md5"), 152),
        (Suite(None, "aes", 128, "sha"), 168),  # 20 + 8 + 16 + 112 + 12
        (Suite("sha256"), 148),  # 20 + 12 + 16 + 100
        (Suite(None, "null", 0, "sha"), 144),  # 20 + 8 + 104 + 12
    ],
)
def test_a_packet_of_100_octets_becomes(suite: Suite, octets: int) -> None:
    ours, theirs = bundle_pair(suite)
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    assert outer.length == len(outer.encode()) == octets
    assert theirs.open(ip.decode(outer.encode())) == inner_packet(100)


SUITES = [
    GUIDE,
    Suite("md5"),
    Suite("sha512"),
    Suite(None, "3des", 168, None),
    Suite(None, "aes", 128, "sha256"),
    Suite("md5", "null", 0, None),
    Suite(None, "null", 0, "sha384"),
]


@settings(max_examples=60)
@given(st.sampled_from(SUITES), st.booleans(), st.integers(20, 1500))
def test_what_one_end_seals_the_other_opens(suite: Suite, transport: bool, octets: int) -> None:
    ours, theirs = bundle_pair(suite, transport)
    inner = inner_packet(octets, LOCAL, REMOTE) if transport else inner_packet(octets)
    outer = ours.seal(inner, LOCAL, REMOTE, SeededRandom(1))
    assert (outer.source, outer.destination) == (LOCAL, REMOTE)
    assert theirs.open(ip.decode(outer.encode())) == inner
    assert (ours.octets_out, theirs.octets_in) == (octets, octets)


@settings(max_examples=80)
@given(st.sampled_from([GUIDE, Suite("sha"), Suite(None, "aes", 128, "sha")]), st.data())
def test_a_packet_changed_on_the_way_does_not_pass(suite: Suite, data: st.DataObject) -> None:
    ours, theirs = bundle_pair(suite)
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    at = data.draw(st.integers(0, len(outer.payload) - 1))
    changed = bytearray(outer.payload)
    changed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(PacketRefusedError):
        theirs.open(outer._replace(payload=bytes(changed)))


def test_ah_lets_routers_change_what_they_may_and_nothing_else() -> None:
    ours, theirs = bundle_pair(Suite("sha"))
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    assert theirs.open(outer._replace(ttl=3, tos=0x20)) == inner_packet(100)
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    with pytest.raises(PacketRefusedError) as refused:
        theirs.open(outer._replace(source=LOCAL + 1))
    assert refused.value.fault is Fault.INTEGRITY


def test_a_bundle_wants_all_its_protocols() -> None:
    ours, theirs = bundle_pair(GUIDE)
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    bare = outer._replace(protocol=ip.ESP, payload=outer.payload[24:])
    with pytest.raises(PacketRefusedError) as refused:
        theirs.open(bare)
    assert refused.value.fault is Fault.POLICY


def test_a_packet_passes_once() -> None:
    ours, theirs = bundle_pair(GUIDE)
    outer = ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1))
    theirs.open(outer)
    with pytest.raises(PacketRefusedError) as refused:
        theirs.open(outer)
    assert refused.value.fault is Fault.REPLAY


def test_a_forged_number_does_not_move_the_window() -> None:
    ours, theirs = bundle_pair(Suite(None, "des", 56, "sha"))
    first, second = (ours.seal(inner_packet(100), LOCAL, REMOTE, SeededRandom(1)) for _ in range(2))
    forged = second._replace(payload=second.payload[:4] + b"\xff\xff\xff\xff" + second.payload[8:])
    with pytest.raises(PacketRefusedError):
        theirs.open(forged)
    assert theirs.open(first) == inner_packet(100)


def test_sequence_numbers_do_not_begin_again() -> None:
    sa = AhSa(1, "sha", b"k" * 20)
    sa._sequence.last = LAST_SEQUENCE
    with pytest.raises(PacketRefusedError) as refused:
        sa.seal(ip.ICMP, b"", inner_packet(20))
    assert refused.value.fault is Fault.ROLLOVER


@given(st.integers(1, 70), st.lists(st.integers(0, 300), max_size=200))
def test_a_window_takes_each_number_once_and_none_that_is_left_of_it(size: int, numbers: list[int]) -> None:
    window, seen, highest = ReplayWindow(size), set[int](), 0
    for number in numbers:
        fresh = number > 0 and number not in seen and number > highest - size
        try:
            window.check(number)
        except PacketRefusedError:
            assert not fresh
            continue
        assert fresh
        window.accept(number)
        seen.add(number)
        highest = max(highest, number)


def test_a_window_of_no_size_refuses_nothing() -> None:
    window = ReplayWindow(0)
    for number in (5, 5, 1):
        window.check(number)
        window.accept(number)


@settings(max_examples=200)
@given(st.sampled_from(SUITES), st.sampled_from([ip.ESP, ip.AH]), st.binary(max_size=120))
def test_any_octets_are_opened_or_refused(suite: Suite, protocol: int, octets: bytes) -> None:
    _, theirs = bundle_pair(suite)
    spi = theirs.inbound[0].spi.to_bytes(4, "big")
    payload = spi + octets if protocol == ip.ESP else bytes((4, 4, 0, 0)) + spi + octets
    try:
        theirs.open(ip.Packet(REMOTE, LOCAL, protocol, payload))
    except PacketRefusedError:
        pass
