"""Base room: reads whole files that a user names or that we have written, and replaces our own.

Only a regular file of a bounded size is read: a pipe could block for ever, a device may have no end, and a file far too large is a
mistake. A file is replaced in one step, so that nobody sees a part of it, even if the writer is killed.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

LARGEST_FILE = 64 << 20  # octets, unless the reader sets a smaller limit
_STALE = 600.0  # seconds after which a temporary file has lost its writer


def read_regular_file(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file. Raises OSError, also for a directory, a pipe, a socket, a device, or a file that is too large."""
    # Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        with open(handle, "rb", closefd=False) as file:
            content = file.read(largest + 1)
    finally:
        os.close(handle)
    if len(content) > largest:
        raise OSError(errno.EFBIG, f"Larger than {largest} octets", str(path))
    return content


def why_unreadable(error: OSError) -> str:
    """The error message for a file that an operator named and that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return f"cannot be read: {error.strerror or error}"


def replace_file(path: Path, content: bytes, prefix: str) -> None:
    """Replace a file of mode 0600 in one step. Raises OSError, and then leaves the file unchanged.

    The content is first written beside it, in a file whose name begins with `prefix`. Such files of killed writers are removed.
    """
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=prefix)
    try:
        _remove_stale(path.parent, prefix, os.fstat(handle).st_mtime)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _remove_stale(directory: Path, prefix: str, now: float) -> None:
    for path in directory.glob(f"{prefix}*"):
        try:
            if now - path.lstat().st_mtime > _STALE:
                path.unlink()
        except FileNotFoundError:
            continue  # another writer has removed it
