"""Snmp room: a router's SNMP engine ID and how often it has started (RFC 3411 §5 SnmpEngineID, RFC 3414 §2.2.2 snmpEngineBoots).

They are kept in a file in the state directory, so that a manager knows the engine after a restart, and nobody can replay old
messages. The file is replaced in one step, before the first message is received.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.base.errors import UserError
from agent.base.files import read_regular_file, replace_file
from agent.snmp.counters import SnmpCounters

_LARGEST = 1 << 16  # octets of the file
_TEMPORARY = ".engine-"
MOST_BOOTS = 2147483647  # the last value: the engine authenticates nothing more until it gets a new ID (RFC 3414 §2.3)
# Enterprise 20408 (pysnmp's, as the engine is) with the high bit set, then format 5: octets (RFC 3411 §5).
_PREFIX = bytes.fromhex("80004fb805")
_RANDOM_OCTETS = 12


class IdentityError(UserError):
    """The file cannot be used; `str()` is the line that the user reads."""


@dataclass(frozen=True, slots=True)
class EngineIdentity:
    engine_id: bytes
    boots: int


class LocalEngine:
    """An SNMP engine of ours while it runs: its identity, its snmpEngineTime, and its counters."""

    def __init__(self, identity: EngineIdentity, real_time: Callable[[], float]) -> None:
        self.identity = identity
        self.counters = SnmpCounters()
        self._real_time = real_time  # seconds, of a clock that nobody sets (RFC 3414 §2.2.2)
        self._started = real_time()

    def time(self) -> int:
        """Seconds since it started."""
        return int(self._real_time() - self._started)


def new_engine_id() -> bytes:
    """A random ID without zero octets: some managers cannot take runs of them."""
    return _PREFIX + bytes(1 + secrets.randbelow(255) for _ in range(_RANDOM_OCTETS))


def start_engine(path: Path) -> EngineIdentity:
    """The identity for this start. Its boots are counted and written to `path`, which is made if missing. Raises IdentityError."""
    before = _read(path)
    identity = EngineIdentity(before.engine_id, min(before.boots + 1, MOST_BOOTS))
    _write(path, identity)
    return identity


def _read(path: Path) -> EngineIdentity:
    try:
        kept = json.loads(read_regular_file(path, _LARGEST))
    except FileNotFoundError:
        return EngineIdentity(new_engine_id(), 0)
    except OSError as error:
        raise IdentityError(f"{path}: cannot read the SNMP engine's identity: {error.strerror}") from error
    except (ValueError, RecursionError):
        kept = None
    identity = _identity(kept)
    if identity is None:
        raise IdentityError(f"{path}: is not an SNMP engine's identity: remove the file to have a new one made")
    return identity


def _identity(kept: object) -> EngineIdentity | None:
    """The content of a file, None if it is no identity."""
    engine_id, boots = (kept.get("engine_id"), kept.get("boots")) if isinstance(kept, dict) else (None, None)
    if not isinstance(engine_id, str) or type(boots) is not int or not 0 <= boots <= MOST_BOOTS:
        return None
    try:
        octets = bytes.fromhex(engine_id)
    except ValueError:
        return None
    return EngineIdentity(octets, boots) if 5 <= len(octets) <= 32 else None


def _write(path: Path, identity: EngineIdentity) -> None:
    kept = {"engine_id": identity.engine_id.hex(), "boots": identity.boots}
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, json.dumps(kept).encode("ascii"), _TEMPORARY)
    except OSError as error:
        raise IdentityError(f"{path}: cannot write the SNMP engine's identity: {error.strerror}") from error
