"""Shell room: the host keys of one router. They are kept in the state directory, so that clients know the router again.

Each kind has a file of its own, in OpenSSH's format and of mode 0600: `LAB.ROUTER.ssh_host_KIND_key`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh

from agent.base.errors import UserError
from agent.base.files import read_regular_file, replace_file, why_unreadable

RSA, ED25519 = "ssh-rsa", "ssh-ed25519"
KINDS = (ED25519, RSA)
RSA_BITS = 2048
FEWEST_RSA_BITS = 1024  # OpenSSH's clients take no smaller key (RequiredRSASize)
_LARGEST = 1 << 16  # octets of a key's file
Apart = Callable[[Callable[[], asyncssh.SSHKey]], Awaitable[asyncssh.SSHKey]]  # carries out work on another thread


class HostKeyError(UserError):
    """A host key cannot be read or kept. `str()` is one line that says what would be right."""


class HostKeys:
    """The host keys of a router. `keys` is empty once they have been zeroized."""

    def __init__(self, state_dir: Path, lab: str, router: str) -> None:
        """Read the keys, and make those that are missing. Raises HostKeyError."""
        self._paths = {kind: state_dir / f"{lab}.{router}.ssh_host_{kind.removeprefix('ssh-')}_key" for kind in KINDS}
        self._keys: dict[str, asyncssh.SSHKey] = {}
        for kind in KINDS:
            self._keys[kind] = self._read(kind) or self._keep(kind, _generated(kind))

    @property
    def keys(self) -> tuple[asyncssh.SSHKey, ...]:
        return tuple(self._keys[kind] for kind in KINDS if kind in self._keys)

    @property
    def rsa(self) -> asyncssh.SSHKey | None:
        return self._keys.get(RSA)

    async def generate(self, bits: int, apart: Apart) -> None:
        """A new RSA key of so many bits, or of the fewest that clients take, and an Ed25519 key if there is none.

        A large key takes seconds, so it is made `apart` from the loop. Raises HostKeyError.
        """
        self._keys[RSA] = self._keep(RSA, await apart(lambda: _generated(RSA, max(bits, FEWEST_RSA_BITS))))
        if ED25519 not in self._keys:
            self._keys[ED25519] = self._keep(ED25519, _generated(ED25519))

    def zeroize(self) -> None:
        """Remove every key. The next start makes new ones."""
        self._keys.clear()
        for path in self._paths.values():
            path.unlink(missing_ok=True)

    def _read(self, kind: str) -> asyncssh.SSHKey | None:
        path = self._paths[kind]
        try:
            key = asyncssh.import_private_key(read_regular_file(path, _LARGEST))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise HostKeyError(f"{path}: {why_unreadable(error)}") from None
        except asyncssh.KeyImportError:
            raise HostKeyError(f"{path}: is no private key: remove the file, and the next start makes a new key") from None
        if key.get_algorithm() != kind:
            raise HostKeyError(f"{path}: is a key of kind {key.get_algorithm()}, not {kind}: remove the file for a new key")
        return key

    def _keep(self, kind: str, key: asyncssh.SSHKey) -> asyncssh.SSHKey:
        path = self._paths[kind]
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            replace_file(path, key.export_private_key(), f".{path.name}.")
        except OSError as error:
            raise HostKeyError(f"the host key {path} cannot be kept: {error.strerror}") from None
        return key


def _generated(kind: str, bits: int = RSA_BITS) -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind, key_size=bits) if kind == RSA else asyncssh.generate_private_key(kind)
