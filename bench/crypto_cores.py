"""Bench: what the protocol cores do in a second on one core, beside the bare calls that they cannot do without (the limit).

`python -m bench.crypto_cores`. The calls of a packet are one of a cipher's and one of a keyed hash's. Those of a negotiation are
counted while one runs, and then made alone. Rounds of a core and of its calls alternate; the medians are compared.
"""

from __future__ import annotations

import secrets
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from statistics import median
from types import FrameType
from typing import Any

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import dh, ec
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from agent.app import settle_memory
from agent.base.ike_counters import IkeCounter
from agent.crypto import ikev1, ip
from agent.crypto.ah import AhSa
from agent.crypto.ciphers import CIPHERS, HASHES
from agent.crypto.dh import PRIMES
from agent.crypto.esp import EspSa
from agent.crypto.ike_events import QuickStart
from agent.crypto.ike_sa import IkeSa
from agent.crypto.nat_traversal import Ends
from agent.crypto.proposals import Phase1Policy
from agent.lab.randomness import SystemRandom
from bench.report import table
from tests.crypto.ike_pair import GUIDE, Side

PAYLOAD = secrets.token_bytes(1400)
PACKETS = 200  # sealed or opened in a round
NEGOTIATIONS = 10  # in a round
WINDOW = 64
LIMIT_SHARE = 0.5
CIPHER_NAMES = {"des": ("des", 8), "3des": ("3des", 24), "aes-128": ("aes", 16), "aes-192": ("aes", 24), "aes-256": ("aes", 32)}
HASH_NAMES = {"md5": "md5", "sha1": "sha", "sha256": "sha256"}
GROUPS = (2, 14, 19)
LOCAL, REMOTE = IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2")
MESSAGE = bytes(96)  # about what a hash or a cipher of a negotiation takes
Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Rival:
    """A core and the bare calls that it needs; each does `count` things at a call. `prepare` goes before the core, untimed."""

    title: str
    core: Work
    bare: Work
    count: int
    wanted: float | None = None
    prepare: Work = lambda: None


@dataclass(frozen=True, slots=True)
class Rates:
    """Things a second."""

    core: float
    bare: float


def compare(rival: Rival, rounds: int) -> Rates:
    """Medians of alternated rounds; time is this thread's own on the processor."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        rival.prepare()
        for work, found in zip((rival.core, rival.bare), seconds, strict=True):
            started = time.thread_time()
            work()
            found.append(time.thread_time() - started)
    core, bare = (rival.count / median(found[1:]) for found in seconds)
    return Rates(core, bare)


# --- packets ---


def packets() -> Iterator[Rival]:
    """Sealing and opening under every cipher and hash of ESP, and every hash of AH."""
    for cipher, (kind, octets) in CIPHER_NAMES.items():
        for title, name in HASH_NAMES.items():
            yield from esp(f"ESP {cipher} {title}", kind, secrets.token_bytes(octets), name)
    for title, name in HASH_NAMES.items():
        yield from ah(f"AH {title}", name)


def esp(title: str, cipher: str, cipher_key: bytes, auth: str) -> Iterator[Rival]:
    auth_key = secrets.token_bytes(HASHES[auth].size)
    out = EspSa(256, cipher, cipher_key, auth, auth_key)
    back = EspSa(256, cipher, cipher_key, auth, auth_key, WINDOW)
    random = SystemRandom()
    icv, behind = HASHES[auth].icv, 8 + CIPHERS[cipher].block
    sealed: list[bytes] = []
    parts: list[tuple[bytes, bytes]] = []  # of a packet: what is ciphered, what the hash covers

    def seal() -> None:
        for _ in range(PACKETS):
            out.seal(ip.IP_IN_IP, PAYLOAD, random)

    def seal_some() -> None:
        sealed[:] = [out.seal(ip.IP_IN_IP, PAYLOAD, random) for _ in range(PACKETS)]
        parts[:] = [(packet[behind:-icv], packet[:-icv]) for packet in sealed]

    def open_them() -> None:
        for packet in sealed:
            back.open(packet)

    both = Cipher(CIPHERS[cipher].algorithm(cipher_key), modes.CBC(bytes(CIPHERS[cipher].block)))
    keyed = hmac.HMAC(auth_key, HASHES[auth].algorithm())

    def bare(update: Callable[[bytes], bytes]) -> Work:
        def calls() -> None:
            for ciphered, covered in parts:
                update(ciphered)
                context = keyed.copy()
                context.update(covered)
                context.finalize()

        return calls

    yield Rival(f"{title}, seal", seal, bare(both.encryptor().update), PACKETS, LIMIT_SHARE, seal_some)
    yield Rival(f"{title}, open", open_them, bare(both.decryptor().update), PACKETS, LIMIT_SHARE, seal_some)


def ah(title: str, auth: str) -> Iterator[Rival]:
    key = secrets.token_bytes(HASHES[auth].size)
    out, back = AhSa(256, auth, key), AhSa(256, auth, key, WINDOW)
    outer = ip.Packet(0x0A010101, 0x0A010102, 0, b"")
    sealed: list[ip.Packet] = []

    def seal() -> None:
        for _ in range(PACKETS):
            out.seal(ip.IP_IN_IP, PAYLOAD, outer)

    header = bytes(ip.HEADER_OCTETS)

    def seal_some() -> None:
        sealed[:] = [outer._replace(protocol=ip.AH, payload=out.seal(ip.IP_IN_IP, PAYLOAD, outer)) for _ in range(PACKETS)]

    def open_them() -> None:
        for packet in sealed:
            back.open(packet)

    keyed = hmac.HMAC(key, HASHES[auth].algorithm())

    def calls() -> None:
        for packet in sealed:
            context = keyed.copy()
            context.update(header)
            context.update(packet.payload)
            context.finalize()

    yield Rival(f"{title}, seal", seal, calls, PACKETS, prepare=seal_some)
    yield Rival(f"{title}, open", open_them, calls, PACKETS, prepare=seal_some)


# --- negotiations ---


class Tally:
    """Counts as a tunnel's counters do."""

    def __init__(self) -> None:
        self.counts = [0] * len(IkeCounter)

    def add(self, counter: IkeCounter, amount: int = 1) -> None:
        self.counts[counter] += amount


def negotiation(group: int) -> Work:
    """A main and a quick mode between two ends: AES-128, SHA-1, a pre-shared key; the guide's transform set."""
    policy = Phase1Policy("aes", 128, "sha", "pre-share", group, 86400)
    ends = Ends(LOCAL, REMOTE), Ends(REMOTE, LOCAL)
    random = SystemRandom()

    def run() -> None:
        sides = Side(str(LOCAL), (policy,)), Side(str(REMOTE), (policy,), spi=0x2000)
        initiator = ikev1.initiate(sides[0], Tally(), random, 0, ends[0])
        responder = ikev1.respond(sides[1], Tally(), random, ends[1])
        carry(initiator, responder)
        quick = ikev1.negotiate(initiator, QuickStart(GUIDE, None, None, "asked"), 0)
        carry(initiator, responder)
        assert quick.result is not None

    return run


def carry(first: IkeSa, second: IkeSa) -> None:
    """Messages to and fro until nobody has more to say."""
    while messages := first.take_messages():
        for message in messages:
            ikev1.receive(second, message, 0)
        first, second = second, first


def calls_of(work: Work) -> Counter[str]:
    """How often the interpreter called what while something was done: functions by their qualified names, C's and Python's."""
    found: Counter[str] = Counter()

    def called(frame: FrameType, event: str, function: Any) -> None:
        if event == "c_call":
            found[function.__qualname__] += 1
        elif event == "call":
            found[frame.f_code.co_qualname] += 1

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return found


def aes() -> Cipher[modes.CBC]:
    return Cipher(CIPHERS["aes"].algorithm(bytes(16)), modes.CBC(bytes(16)))


def bare_calls(group: int) -> dict[str, Work]:
    """What each counted method stands for."""
    key = bytes(20)
    kept = hmac.HMAC(key, hashes.SHA1())
    running = aes().encryptor()

    def keyed() -> None:
        context = kept.copy()
        context.update(MESSAGE)
        context.finalize()

    def hashed() -> None:
        context = hashes.Hash(hashes.SHA1())
        context.update(MESSAGE)
        context.finalize()

    found: dict[str, Work] = {
        "HMAC.finalize": keyed,
        "Hash.finalize": hashed,
        "CipherContext.update": lambda: running.update(MESSAGE),
        "_keyed": lambda: hmac.HMAC(key, hashes.SHA1()),
        "Cipher.encryptor": lambda: aes().encryptor(),
        "Cipher.decryptor": lambda: aes().decryptor(),
    }
    if group in PRIMES:
        prime = PRIMES[group]
        exponent = secrets.randbits(256) | 1 << 255
        found["pow"] = lambda: pow(3, exponent, prime)
        numbers = dh.DHParameterNumbers(prime, 2)
        parameters = numbers.parameters()
        private = parameters.generate_private_key()
        own = private.public_key()
        peer_numbers = dh.DHPublicNumbers(parameters.generate_private_key().public_key().public_numbers().y, numbers)
        peer = peer_numbers.public_key()
        found["DHPublicKey.public_numbers"] = own.public_numbers
        found["DHPublicNumbers.public_key"] = peer_numbers.public_key
        found["DHParameters.generate_private_key"] = parameters.generate_private_key
        found["DHPrivateKey.exchange"] = lambda: private.exchange(peer)
    else:
        curve = ec.SECP256R1()
        mine, other = ec.generate_private_key(curve), ec.generate_private_key(curve).public_key()
        found["derive_private_key"] = lambda: ec.derive_private_key(12345 << 200, curve)
        found["ECPrivateKey.exchange"] = lambda: mine.exchange(ec.ECDH(), other)
    return found


def negotiations() -> Iterator[Rival]:
    for group in GROUPS:
        work = negotiation(group)
        work()  # what is made once is made
        counted, bare = calls_of(work), bare_calls(group)
        plan: Sequence[Work] = [call for name, call in bare.items() for _ in range(counted[name])]

        def core(work: Work = work) -> None:
            for _ in range(NEGOTIATIONS):
                work()

        def calls(plan: Sequence[Work] = plan) -> None:
            for _ in range(NEGOTIATIONS):
                for call in plan:
                    call()

        yield Rival(f"main and quick mode, group {group}", core, calls, NEGOTIATIONS, LIMIT_SHARE if group == 14 else None)


def main() -> None:
    """The table."""
    warnings.simplefilter("ignore")  # of the library: its advice against old algorithms
    settle_memory()  # as the command does it
    rounds = 11
    lines = []
    for rival in (*negotiations(), *packets()):
        rates = compare(rival, rounds)
        wanted = f"≥ {rival.wanted}" if rival.wanted else "-"
        lines.append([rival.title, f"{rates.core:,.0f}", f"{rates.bare:,.0f}", f"{rates.core / rates.bare:.2f}", wanted])
    print(f"On one core; packets of {len(PAYLOAD)} octets inside; a negotiation is both ends'; medians of {rounds} rounds")
    print(table(["core", "a second", "its calls alone", "ratio", "wanted"], lines))


if __name__ == "__main__":
    main()
