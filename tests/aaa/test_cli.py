"""Who may log in to the CLI. The methods and their order follow the IOS security command reference."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence

import pytest

from agent.aaa.cli import CliLogins, CliOutcome, CliUser, TerminalLine
from agent.aaa.hash_worker import HashWorker
from agent.aaa.methods import Methods
from agent.aaa.users import Matches, Users
from agent.config.document import load
from agent.config.passwords import password_matches
from agent.engine.access import LoginAttempt, LoginRefused
from tests.aaa.at_once import FakeServers, logins_with

SECRETS = """\
username alice privilege 15 secret 0 wonderland
username bob secret 5 $1$abcd$viHgTShdahZyS2dZoxspO.
username carol password 7 094F471A1A0A
username dave
enable secret 0 lab
"""


class Counting:
    """Compares passwords, and remembers the encodings that it was asked for."""

    def __init__(self) -> None:
        self.encodings: list[int] = []

    async def matches(self, typed: str, stored: str, encoding: int) -> bool:
        self.encodings.append(encoding)
        return password_matches(typed, stored, encoding)


VTY_0 = TerminalLine("vty", 0, 2, "192.0.2.7")


def logins(config: str, matches: Matches) -> CliLogins:
    loaded = load(config).config
    users, requests = Users(loaded, matches), FakeServers().requests()
    return CliLogins(loaded, users, Methods(loaded, users, matches, requests), requests)


def outcome(config: str, name: str, password: str, fake: FakeServers | None = None, line: TerminalLine = VTY_0) -> CliOutcome:
    return asyncio.run(logins_with(load(config).config, fake).log_in(LoginAttempt(name, password), line))


def log_in(config: str, name: str, password: str) -> CliUser | None:
    found = outcome(config, name, password)
    return found if isinstance(found, CliUser) else None


def name_of(user: CliUser | None) -> str | None:
    return user.name if user else None


@pytest.mark.parametrize(
    ("name", "password", "let_in"),
    [
        ("alice", "wonderland", "alice"),
        ("ALICE", "wonderland", "alice"),
        ("alice", "Wonderland", None),
        ("alice", "", None),
        ("bob", "hello", "bob"),
        ("bob", "hellO", None),
        ("carol", "cisco", "carol"),
        ("dave", "", None),
        ("dave", "wonderland", None),
        ("eve", "wonderland", None),
        ("", "", None),
    ],
)
def test_the_username_lines_let_in(name: str, password: str, let_in: str | None) -> None:
    assert name_of(log_in(SECRETS, name, password)) == let_in


def test_the_user_has_the_privilege_level_of_the_line() -> None:
    alice, carol = log_in(SECRETS, "alice", "wonderland"), log_in(SECRETS, "carol", "cisco")
    assert alice is not None
    assert carol is not None
    assert (alice.level, carol.level) == (15, 1)


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "dave", "nobody"])
def test_each_name_costs_the_same_hashes(name: str) -> None:
    counting = Counting()
    asyncio.run(logins(SECRETS, counting.matches).log_in(LoginAttempt(name, "guess"), VTY_0))
    assert sorted(counting.encodings) == [0, 5, 7]


METHODS = {
    ("local",): {"ALICE": "alice", "eve": None},
    ("local-case",): {"ALICE": None, "alice": "alice", "eve": None},
    ("none",): {"ALICE": "alice", "eve": "eve"},
    ("local", "none"): {"eve": "eve"},
    ("group radius", "local"): {"alice": "alice", "eve": None},
    ("group radius",): {"alice": None},
}


@pytest.mark.parametrize(
    ("methods", "name", "let_in"), [(methods, name, found) for methods, names in METHODS.items() for name, found in names.items()]
)
def test_with_new_model_the_default_list_decides(methods: Sequence[str], name: str, let_in: str | None) -> None:
    config = f"{SECRETS}aaa new-model\naaa authentication login default {' '.join(methods)}\n"
    assert name_of(log_in(config, name, "wonderland")) == let_in


def test_a_wrong_password_is_an_answer() -> None:
    """IOS asks the next method only where one has no answer."""
    assert log_in(f"{SECRETS}aaa new-model\naaa authentication login default local none\n", "alice", "wrong") is None


def test_with_new_model_and_no_list_the_local_users_log_in() -> None:
    assert name_of(log_in(f"{SECRETS}aaa new-model\naaa authentication login other none\n", "eve", "x")) is None
    assert name_of(log_in(f"{SECRETS}aaa new-model\n", "alice", "wonderland")) == "alice"


def test_without_new_model_a_list_does_not_count() -> None:
    assert log_in(f"{SECRETS}aaa authentication login default none\n", "eve", "x") is None


@pytest.mark.parametrize(("password", "let_in"), [("lab", "eve"), ("wonderland", None)])
def test_the_method_enable_takes_the_enable_secret(password: str, let_in: str | None) -> None:
    assert name_of(log_in(f"{SECRETS}aaa new-model\naaa authentication login default enable\n", "eve", password)) == let_in


def test_the_method_enable_has_no_answer_without_a_secret() -> None:
    assert name_of(log_in("aaa new-model\naaa authentication login default enable none\n", "eve", "x")) == "eve"


# The Ed25519 key of RFC 8032 §7.1, test 1, in the encoding of RFC 8709 §4, and its fingerprint by `ssh-keygen -E md5 -lf`.
BLOB = base64.b64decode("AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")
DIGEST = "CF07BE9D68AE65546DA093C36FBD0D82"
CHAIN = f"""\
username alice privilege 15
ip ssh pubkey-chain
  username alice
   key-hash ssh-ed25519 {DIGEST} alice@example
  username zoe
   key-hash ssh-ed25519 {DIGEST}
"""


@pytest.mark.parametrize(("name", "privilege"), [("alice", 15), ("Alice", 15), ("zoe", 1)])
def test_a_key_of_the_chain_lets_its_user_in(name: str, privilege: int) -> None:
    assert asyncio.run(logins_with(load(CHAIN).config).by_key(name, BLOB, VTY_0)) == CliUser(name.lower(), privilege)


@pytest.mark.parametrize(("name", "blob"), [("bob", BLOB), ("alice", BLOB[:-1] + b"x"), ("alice", b"")])
def test_another_key_or_user_is_not_let_in(name: str, blob: bytes) -> None:
    assert asyncio.run(logins_with(load(CHAIN).config).by_key(name, blob, VTY_0)) == LoginRefused()


def test_the_loop_runs_while_the_worker_compares() -> None:
    """One thread compares, and not the one of the loop: what the loop was asked to do before is done first."""

    async def compare() -> tuple[list[bool], int]:
        worker, turns = HashWorker(), 0

        async def count() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.ensure_future(count())
        try:
            return [await worker.matches(typed, "094F471A1A0A", 7) for typed in ("cisco", "other")], turns
        finally:
            counting.cancel()
            worker.close()

    outcomes, turns = asyncio.run(compare())
    assert outcomes == [True, False]
    assert turns > 0
