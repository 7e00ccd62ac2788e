"""Shell room: `show crypto engine …` and `show crypto eli`: what encrypts, and what it has done.

The lines are those of the Cisco IOS Security Command Reference, for a crypto engine in software. What IOS tells of its hardware (a
serial number, queues, rates) has no line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.engine.values import CryptoEngine
from agent.flow.counters import Counts, IpsecCounter
from agent.flow.rows import INDEX_LIMIT
from agent.shell.releases import Release

# The order in which IOS lists what an engine can do, by the names of a configuration.
_CAPABILITIES = {"des": "DES", "3des": "3DES", "aes": "AES", "aes-gcm": "GCM", "aes-gmac": "GMAC"}
_NAME = {Release.CLASSIC: "Software Crypto Engine", Release.XE: "Software(1)"}
_LABEL = 22  # columns of a label of `show crypto engine brief`


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of one kind there is (SAs of phase 1, or tunnels of phase 2), how much there may be, and what there was.

    `most` 0 is no limit. `failed` counts those that a limit has refused, `created` all that came up.
    """

    active: int
    most: int
    failed: int
    created: int


def brief_lines(engine: CryptoEngine) -> Iterator[str]:
    """`show crypto engine brief`."""
    for label, value in (
        ("crypto engine name:", "Software Crypto Engine"),
        ("crypto engine type:", "software"),
        ("crypto engine state:", "installed" if engine.working else "failed"),
        ("crypto engine in slot:", "N/A"),
    ):
        yield f"   {label:>{_LABEL}}  {value}"


def configuration_lines(engine: CryptoEngine, software: str) -> Iterator[str]:
    """`show crypto engine configuration`."""
    yield from brief_lines(engine)
    yield f"   {'platform:':>{_LABEL}}  {software}"
    yield f"   {'crypto lib version:':>{_LABEL}}  {software.partition(' ')[2]}"


def eli_lines(engine: CryptoEngine, ike: Usage, ipsec: Usage, release: Release) -> Iterator[str]:
    """`show crypto eli`: the layer between IOS and its crypto engines."""
    yield "Hardware Encryption : INACTIVE"
    yield " Number of hardware crypto engines = 0"
    yield ""
    yield f" CryptoEngine {_NAME[release]} details: state = {'Active' if engine.working else 'Inactive'}"
    known = [words for name, words in _CAPABILITIES.items() if name in engine.ciphers]
    yield f" Capability    : {', '.join(known)}"
    yield ""
    for label, usage in (("IKE-Session", ike), ("IPSec-Session", ipsec)):
        created = f", {usage.created} created" if release is Release.XE else ""
        yield f" {label:<14}: {usage.active:>5} active, {usage.most or INDEX_LIMIT:>5} max, {usage.failed} failed{created}"
    yield ""


# --- accelerator statistics ---

# Each line: inbound label and counters, outbound label and counters.
_C = IpsecCounter
_FLOWS: tuple[tuple[str, IpsecCounter, str, IpsecCounter], ...] = (
    ("packets in", _C.IN_PACKETS, "packets out", _C.OUT_PACKETS),
    ("bytes in", _C.IN_OUTER_OCTETS, "bytes out", _C.OUT_OCTETS),
    ("packets decrypted", _C.IN_DECRYPTS, "packets encrypted", _C.OUT_ENCRYPTS),
    ("bytes before decrypt", _C.IN_OUTER_OCTETS, "bytes encrypted", _C.OUT_INNER_OCTETS),
    ("bytes decrypted", _C.IN_OCTETS, "bytes after encrypt", _C.OUT_OCTETS),
)
_ERRORS: tuple[tuple[str, IpsecCounter, str, IpsecCounter], ...] = (
    ("auth failures", _C.IN_AUTH_FAILS, "sign failures", _C.OUT_AUTH_FAILS),
    ("decrypt failures", _C.IN_DECRYPT_FAILS, "encrypt failures", _C.OUT_ENCRYPT_FAILS),
    ("replay drops", _C.IN_REPLAY_DROPS, "output drops", _C.OUT_DROPS),
)


def accelerator_lines(counted: Counts, seconds: int) -> Iterator[str]:
    """`show crypto engine accelerator statistic`: what the engine has done since the router began, `seconds` ago."""
    yield "Device:   Software Crypto Engine"
    yield "Location: Onboard: 0"
    yield "        :Statistics for encryption device since the last clear"
    yield f"         of counters {seconds} seconds ago"
    yield from _pairs(_FLOWS, counted, "{:>21} {:<20}", "{:>14} {}")
    yield "        Errors:"
    yield from _pairs(_ERRORS, counted, "{1:>24} : {0:>9}   ", "{1:<24}: {0:>9}")


def _pairs(table: tuple[tuple[str, IpsecCounter, str, IpsecCounter], ...], counted: Counts, left: str, right: str) -> Iterator[str]:
    """Two columns, the inbound one and the outbound one. What is not known is left out."""
    for inbound, received, outbound, sent in table:
        first, second = counted[received], counted[sent]
        told = left.format(first, inbound) if first is not None else " " * len(left.format(0, inbound))
        line = told + (right.format(second, outbound) if second is not None else "")
        if line.strip():
            yield line.rstrip()
