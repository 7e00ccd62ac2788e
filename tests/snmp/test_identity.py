"""The engine's ID stays, its boots rise, and its file is never half written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from agent.snmp.identity import MOST_BOOTS, EngineIdentity, IdentityError, start_engine

WRONG_BOOTS = ("1e999", "-1", "1.5", "true", '"1"', "NaN", "[1]")


def test_the_id_stays_and_every_start_counts(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "hub.json"
    first = start_engine(path)
    second = start_engine(path)
    assert first.engine_id == second.engine_id
    assert (first.boots, second.boots) == (1, 2)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["hub.json"]


def test_an_id_is_as_the_rfc_has_it_and_two_routers_differ(tmp_path: Path) -> None:
    ids = {start_engine(tmp_path / f"{number}").engine_id for number in range(20)}
    assert len(ids) == 20
    for engine_id in ids:
        assert 5 <= len(engine_id) <= 32
        assert engine_id[0] & 0x80
        assert 0 not in engine_id[5:]


def test_boots_stay_at_their_largest_value(tmp_path: Path) -> None:
    path = tmp_path / "hub"
    path.write_text(json.dumps({"engine_id": "80004fb805010203", "boots": MOST_BOOTS}))
    assert start_engine(path).boots == MOST_BOOTS


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "5",
        '{"engine_id": "zz", "boots": 1}',
        '{"engine_id": "80", "boots": 1}',
        '{"boots": 1}',
        *(
            f'{{"engine_id": "80004fb805010203", "boots": {boots}}}'
            for boots in ("1e999", "-1", "1.5", "true", '"1"', "NaN", "[1]")
        ),
        f'{{"engine_id": "80004fb805010203", "boots": {"9" * 5000}}}',
        '{"engine_id": 5, "boots": 1}',
        '{"engine_id": "80004fb805010203", "boots": ',
        "[" * 50_000,
        "\0" * 100,
        "\xff",
    ],
)
def test_a_file_that_is_no_identity_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hub"
    path.write_text(content)
    with pytest.raises(IdentityError, match=r"hub: is not an SNMP engine's identity: remove the file to have a new one made$"):
        start_engine(path)
    assert path.read_text() == content


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IdentityError, match="the SNMP engine's identity"):
        start_engine(tmp_path / "file" / "hub")


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    def refused(path: Path) -> str:
        with pytest.raises(IdentityError) as caught:
            start_engine(path)
        return str(caught.value).removeprefix(f"{path}: cannot read the SNMP engine's identity: ")

    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "huge").write_bytes(bytes(1 << 17))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refused(tmp_path / "folder") == "Is a directory"
    assert refused(tmp_path / "pipe") == "Not a regular file"
    assert refused(tmp_path / "device") == "Not a regular file"
    assert refused(tmp_path / "huge") == "Larger than 65536 octets"
    assert refused(tmp_path / "loop") == "Too many levels of symbolic links"


@pytest.mark.parametrize("full", ["fsync", "replace"])
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    path = tmp_path / "hub"
    before = start_engine(path)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, full, fail)
        with pytest.raises(IdentityError, match=r"cannot write the SNMP engine's identity: No space left on device$"):
            start_engine(path)
    assert [each.name for each in tmp_path.iterdir()] == ["hub"]
    assert start_engine(path) == EngineIdentity(before.engine_id, before.boots + 1)


def test_what_a_killed_start_left_is_removed_and_what_another_is_writing_is_not(tmp_path: Path) -> None:
    (tmp_path / ".engine-old").write_text("")
    os.utime(tmp_path / ".engine-old", (0, 0))
    (tmp_path / ".engine-new").write_text("")
    start_engine(tmp_path / "hub")
    assert sorted(each.name for each in tmp_path.iterdir()) == [".engine-new", "hub"]
