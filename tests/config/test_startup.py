"""The startup configuration: what a router starts with after a save, an erasure, and an edit of the lab's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.base.text import octets_of, text_of
from agent.config.document import load
from agent.config.session import Session
from agent.config.startup import Startup, StartupError

TEXT = "hostname r\nsnmp-server group g v3 priv\nend\n"
FILE = "r.cfg"


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "state" / "lab.r.startup-config"


def saved(kept: Path | None, *lines: str, given: str = TEXT) -> Startup:
    startup = Startup("r", (given, FILE), kept)
    document = load(given)
    session = Session(document)
    for line in lines:
        assert session.feed(line).problem is None
    startup.save(document)
    return startup


def test_until_something_is_saved_the_labs_file_is_the_startup_configuration(kept: Path) -> None:
    startup = Startup("r", (TEXT, FILE), kept)
    assert startup.boot() == (TEXT, FILE)
    assert not startup.is_saved
    document = load(TEXT)
    startup.booted(document)
    assert startup.shown == document.render()
    assert not startup.differs(document)


@pytest.mark.parametrize("in_memory", [False, True], ids=["in a file", "in memory"])
def test_what_is_saved_is_started_with(kept: Path, in_memory: bool) -> None:
    place = None if in_memory else kept
    startup = saved(place, "interface Loopback5", " ip address 10.5.5.5 255.255.255.255")
    later = startup if in_memory else Startup("r", (TEXT, FILE), kept)
    text, filename = later.boot()
    assert later.is_saved
    assert load(text).render() == startup.shown
    assert "interface Loopback5" in text
    assert filename == (FILE if in_memory else str(kept))
    if not in_memory:
        assert later.notices == (f"r starts with the configuration that its CLI has saved, not with {FILE}",)


def test_users_are_saved_and_not_shown(kept: Path) -> None:
    """IOS keeps SNMP users out of the configuration that it shows (`show running-config`), and does not lose them."""
    startup = saved(kept, "snmp-server user u g v3 auth sha auth-password priv aes 128 priv-password")
    assert "auth-password" not in (startup.shown or "")
    again = load(Startup("r", (TEXT, FILE), kept).boot()[0])
    assert again.config.snmp.users["u"].auth_password == "auth-password"
    assert again.config.snmp.users["u"].priv_password == "priv-password"
    assert again.render() == startup.shown


def test_a_user_who_is_not_saved_is_a_difference() -> None:
    document = load(TEXT)
    startup = Startup("r", (TEXT, FILE))
    startup.booted(document)
    Session(document).feed("snmp-server user u g v3 auth sha auth-password")
    assert startup.differs(document)


def test_octets_of_any_encoding_and_lines_that_are_not_understood_are_saved(kept: Path) -> None:
    text = text_of(b"hostname r\nfrobnicate the widget\ninterface Loopback1\n description B\xfcro\nend\n")
    startup = saved(kept, given=text)
    assert b" description B\xfcro\n" in kept.read_bytes()
    again = load(Startup("r", (text, FILE), kept).boot()[0])
    assert again.render() == startup.shown == load(text).render()


def test_the_labs_file_wins_once_it_has_been_edited(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text(TEXT)
    startup = Startup("r", (TEXT, str(file)), kept, readable=True)
    startup.save(load(TEXT))
    file.write_text("hostname other\nend\n")
    assert startup.boot() == ("hostname other\nend\n", str(file))
    saved_before = f"{file} has been edited since the startup configuration of r was saved"
    assert startup.notices == (f"{saved_before}: the file is used, not what was saved",)
    assert not startup.is_saved
    startup.save(load(startup.boot()[0]))  # a save after the edit is newer
    assert "hostname other" in startup.boot()[0]
    assert startup.is_saved


def test_a_file_that_has_gone_is_started_with_as_it_was(tmp_path: Path) -> None:
    startup = Startup("r", (TEXT, str(tmp_path / FILE)), None, readable=True)
    assert startup.boot()[0] == TEXT
    assert startup.notices == (f"r starts with {tmp_path / FILE} as it was: {tmp_path / FILE}: there is no such file",)


def test_an_erased_one_leaves_nothing_until_the_lab_is_run_again(kept: Path) -> None:
    startup = saved(kept)
    startup.erase()
    assert startup.shown is None
    assert startup.boot() == ("", FILE)
    assert not kept.exists()
    assert Startup("r", (TEXT, FILE), kept).boot() == (TEXT, FILE)
    startup.save(load(TEXT))
    assert startup.boot()[1] == str(kept)


def test_a_save_that_fails_leaves_what_was_saved(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    startup = saved(kept)
    before, shown = kept.read_bytes(), startup.shown

    def full(path: Path, content: bytes, prefix: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("agent.config.startup.replace_file", full)
    with pytest.raises(StartupError, match="cannot be written: No space left on device"):
        startup.save(load("hostname other\n"))
    assert (kept.read_bytes(), startup.shown) == (before, shown)


def test_only_the_owner_may_read_what_is_saved(kept: Path) -> None:
    saved(kept)
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_no_saved_configuration_is_named(kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_bytes(octets_of("hostname r\n"))
    with pytest.raises(StartupError, match=r"is not a saved startup configuration: remove the file to start with r[.]cfg"):
        Startup("r", (TEXT, FILE), kept).boot()
