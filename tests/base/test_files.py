"""Files that are none: pipes, directories, devices, and what is too large. Each is refused at once, as POSIX names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.base.files import read_regular_file


def refused(path: Path, largest: int = 100) -> int | None:
    with pytest.raises(OSError) as caught:  # noqa: PT011 - its number is looked at
        read_regular_file(path, largest)
    assert Path(caught.value.filename) == path
    return caught.value.errno


def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == errno.EINVAL
    assert refused(tmp_path) == errno.EISDIR
    assert refused(Path("/dev/zero")) == errno.EINVAL
    assert refused(tmp_path / "missing") == errno.ENOENT


def test_a_file_may_be_as_large_as_allowed_and_no_larger(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_regular_file(path, 100) == b"x" * 100
    assert refused(path, 99) == errno.EFBIG
    path.write_bytes(b"")
    assert read_regular_file(path, 100) == b""
