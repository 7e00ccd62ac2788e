"""The engine's ID stays, its boots rise, and its file is never half written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from agent.snmp.identity import MOST_BOOTS, IdentityError, start_engine


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
    "content", ["", "{", "[]", '{"engine_id": "zz", "boots": 1}', '{"engine_id": "80", "boots": 1}', '{"boots": 1}']
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
