"""Shell room: the sockets of running labs in the state directory: `LAB.cli`. Only their owner may open them."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.base.errors import UserError

SUFFIX = ".cli"
_LONGEST_PATH = 107  # octets of sun_path on Linux, without its end
_PATIENCE = 2.0  # seconds: a process that lives but is stopped does not answer


class SocketError(UserError):
    """No socket, or not exactly one, can be opened. `str()` is one line that says what would help."""


def default_state_dir(environment: Mapping[str, str], home: Path) -> Path:
    """The user's state directory for this program (XDG Base Directory Specification)."""
    base = environment.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    return (Path(base) if os.path.isabs(base) else home / ".local" / "state") / "ipsec-agent"


def bind_socket(state_dir: Path, lab: str) -> tuple[socket.socket, Path]:
    """A bound socket named after a lab, mode 0600; the directory is made (0700) where there is none. Raises SocketError."""
    path = state_dir / (lab + SUFFIX)
    _check_length(path)
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_stale(state_dir)
    except OSError as error:
        raise SocketError(
            f"the state directory {state_dir} cannot be used: {error.strerror}; name another with --state-dir"
        ) from error
    if path.is_socket():
        raise SocketError(f"a lab named {lab} is already running ({path}): stop it, or use another --state-dir")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # so that there is no moment at which others could open it
    try:
        listener.bind(str(path))
    except OSError as error:
        listener.close()
        raise SocketError(f"{path}: {error.strerror}") from error
    finally:
        os.umask(before)
    listener.setblocking(False)
    return listener, path


def remove_stale(state_dir: Path) -> None:
    """Removes the sockets of processes that are gone."""
    for path in state_dir.glob("*" + SUFFIX):
        if path.is_socket() and not is_live(path):
            path.unlink(missing_ok=True)


def is_live(path: Path) -> bool:
    """Whether a process listens there; one that cannot be asked is taken to."""
    try:
        connect(path).close()
    except (ConnectionRefusedError, FileNotFoundError):
        return False
    except OSError:
        return True
    return True


def connect(path: Path) -> socket.socket:
    """A connection to a socket; raises OSError."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(_PATIENCE)
    try:
        found.connect(str(path))
    except OSError:
        found.close()
        raise
    found.settimeout(None)
    return found


def live_sockets(state_dir: Path, lab: str | None = None) -> list[Path]:
    """The sockets of the labs that are running, or that of the lab named; raises SocketError where there is none."""
    live = sorted(path for path in state_dir.glob("*" + SUFFIX) if path.is_socket() and is_live(path))
    if not live:
        raise SocketError(f"no lab is running (there is no live socket in {state_dir}): start one with ipsec-agent run")
    chosen = live if lab is None else [path for path in live if path.stem == lab]
    if not chosen:
        raise SocketError(f"no lab named {lab} is running in {state_dir}: there {_are(live)}")
    return chosen


def several(live: Sequence[Path]) -> SocketError:
    """The error where more than one lab could be meant."""
    return SocketError(f"several labs are running: there {_are(live)}; name one with --lab ({live[0].parent} has their sockets)")


def _are(live: Sequence[Path]) -> str:
    return f"{'is' if len(live) == 1 else 'are'} {', '.join(path.stem for path in live)}"


def _check_length(path: Path) -> None:
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise SocketError(f"{path} is too long for a socket (at most {_LONGEST_PATH} octets): name a shorter --state-dir")
