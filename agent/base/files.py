"""Base room: reading a whole file that a user names, or that we have kept: a regular file, of a bounded size.

A pipe would have us wait for ever, a device may have no end, and a file that is much too large is not what it is taken for.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

LARGEST_FILE = 64 << 20  # octets, unless the reader says less


def read_regular_file(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a file. Raises OSError, also where it is a directory, a pipe, a socket or a device, or is too large."""
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
    """What an operator is told of a file that they named and that cannot be read."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return f"cannot be read: {error.strerror or error}"
