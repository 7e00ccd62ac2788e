"""Files that are none: pipes, directories, devices, and what is too large. Each is refused at once, as POSIX names it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.base.files import read_regular_file, replace_file


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


def test_a_file_is_replaced_as_a_whole_or_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    replace_file(path, b"before", ".new-")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for call in ("fsync", "replace"):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, full)
            with pytest.raises(OSError, match="No space left on device"):
                replace_file(path, b"after", ".new-")
        assert path.read_bytes() == b"before"
        assert [each.name for each in tmp_path.iterdir()] == ["file"]
    replace_file(path, b"after", ".new-")
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_killed_writers_left_is_removed_and_what_another_is_writing_is_not(tmp_path: Path) -> None:
    (tmp_path / ".new-old").write_text("")
    os.utime(tmp_path / ".new-old", (0, 0))
    (tmp_path / ".new-other").write_text("")
    replace_file(tmp_path / "file", b"", ".new-")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".new-other", "file"]
