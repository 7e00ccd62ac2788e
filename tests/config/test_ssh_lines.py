"""`ip ssh …` and the public keys of users, by the IOS security command reference. Digests are those of `ssh-keygen -E md5 -lf`."""

from __future__ import annotations

import pytest

from agent.config.document import load
from agent.config.errors import ConfigErrors
from agent.config.events import RsaKeyGenerated, RsaKeyZeroized
from agent.config.public_keys import KeyHash, key_of_text
from agent.config.session import Outcome, Session

# The Ed25519 key of RFC 8032 §7.1, test 1, in the encoding of RFC 8709 §4.
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
DIGEST = "CF07BE9D68AE65546DA093C36FBD0D82"


def after(config: str, *lines: str) -> tuple[str, list[Outcome]]:
    """`show running-config` once lines are typed, and what each did."""
    document = load(config)
    session = Session(document)
    outcomes = [session.feed(line, typed=True) for line in ("", *lines)]
    return document.render(), outcomes


@pytest.mark.parametrize("indent", ["   ", ""])
@pytest.mark.parametrize("cut", [20, 69, 100])
def test_a_key_string_is_rendered_as_its_hash(indent: str, cut: int) -> None:
    key = "\n".join(f"{indent}{KEY[at : at + cut]}" for at in range(0, len(KEY), cut))
    document = load(f"ip ssh pubkey-chain\n  username alice\n   key-string\n{key}\n   exit\n  exit\nhostname r1\n")
    assert not document.unknown
    assert f"ip ssh pubkey-chain\n  username alice\n   key-hash ssh-ed25519 {DIGEST}\n" in document.render()
    assert document.config.hostname == "r1"


def test_the_rendered_hash_is_the_same_key() -> None:
    document = load(f"ip ssh pubkey-chain\n username alice\n key-string\n{KEY}\nexit\n")
    again = load(document.render())
    assert again.render() == document.render()
    assert again.config.public_keys == document.config.public_keys == {"alice": (KeyHash("ssh-ed25519", DIGEST),)}


def test_a_line_of_openssh_is_a_key_with_its_comment() -> None:
    assert key_of_text(f"ssh-ed25519 {KEY} alice on example") == KeyHash("ssh-ed25519", DIGEST, "alice on example")


@pytest.mark.parametrize("text", ["", "exit", "AAAA", KEY[:-4], f"x{KEY}", "AAAAB3NzaC1kc3MAAAABAA=="])
def test_other_text_is_no_key(text: str) -> None:
    assert key_of_text(text) is None


def test_the_prompt_follows_the_key_chain() -> None:
    session = Session(load(""))
    prompts = []
    for line in ("ip ssh pubkey-chain", "username alice", "key-string", KEY[:30], KEY[30:], "exit", "exit", "exit"):
        session.feed(line, typed=True)
        prompts.append(session.prompt_suffix)
    data = "(conf-ssh-pubkey-data)#"
    user = "(conf-ssh-pubkey-user)#"
    assert prompts == ["(conf-ssh-pubkey)#", user, data, data, data, user, "(conf-ssh-pubkey)#", "(config)#"]


def test_text_that_is_no_key_is_refused_and_no_line_of_it_is_a_command() -> None:
    text, outcomes = after("", "ip ssh pubkey-chain", "username alice", "key-string", "hostname other", "exit")
    assert outcomes[-1].output == ("%SSH: Failed to decode the Key Value",)
    assert "hostname other" not in text
    assert "key-hash" not in text
    with pytest.raises(ConfigErrors, match=r"needs .*public key"):
        load("ip ssh pubkey-chain\n username alice\n key-string\nhostname other\nexit\n")


@pytest.mark.parametrize("digest", ["12", "G" * 32, "0" * 33])
def test_a_hash_is_32_hexadecimal_digits(digest: str) -> None:
    _, outcomes = after("", "ip ssh pubkey-chain", "username alice", f"key-hash ssh-rsa {digest}")
    problem = outcomes[-1].problem
    assert problem is not None
    assert (problem.kind, problem.column) == ("invalid", len("key-hash ssh-rsa "))


CHAIN = f"ip ssh pubkey-chain\n username alice\n key-hash ssh-rsa {'A' * 32}\n key-hash ssh-rsa {'B' * 32} second\n username bob\n"


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (["username alice", f"no key-hash ssh-rsa {'a' * 32}"], {"alice": ["B" * 32], "bob": []}),
        (["username alice", "no key-string"], {"alice": [], "bob": []}),
        (["username alice", f"key-hash ssh-rsa {'a' * 32} again"], {"alice": ["B" * 32, "A" * 32], "bob": []}),
        (["no username alice"], {"bob": []}),
        (["exit", "no ip ssh pubkey-chain"], {}),
    ],
)
def test_keys_and_users_are_taken_away(lines: list[str], left: dict[str, list[str]]) -> None:
    document = load(CHAIN)
    session = Session(document)
    for line in ("ip ssh pubkey-chain", *lines):
        assert not session.feed(line, typed=True).refused
    assert {name: [key.digest for key in keys] for name, keys in document.config.public_keys.items()} == left


def test_a_user_of_the_router_ends_the_chain() -> None:
    document = load("ip ssh pubkey-chain\n username alice\nusername bob password 0 x\nhostname r1\n")
    assert list(document.config.public_keys) == ["alice"]
    assert list(document.config.users) == ["bob"]


@pytest.mark.parametrize(
    ("line", "rendered"),
    [
        ("ip ssh version 2", True),
        ("ip ssh time-out 60", True),
        ("ip ssh time-out 120", False),
        ("ip ssh authentication-retries 5", True),
        ("ip ssh authentication-retries 3", False),
        ("ip ssh maxstartups 10", True),
        ("ip ssh logging events", True),
        ("ip ssh source-interface Loopback0", True),
        ("ip ssh dh min size 2048", True),
    ],
)
def test_lines_of_the_server_are_rendered_where_they_differ_from_the_default(line: str, rendered: bool) -> None:
    text, _ = after("", line)
    assert (f"{line}\n" in text) is rendered
    assert "ip ssh" not in after(text, f"no {line}")[0]
    assert "ip ssh" not in after(text, f"default {line}")[0]


@pytest.mark.parametrize(
    "line", ["ip ssh time-out 0", "ip ssh time-out 121", "ip ssh authentication-retries 6", "ip ssh version 3"]
)
def test_values_out_of_range_are_refused(line: str) -> None:
    problem = after("", line)[1][-1].problem
    assert problem is not None
    assert problem.column == line.rindex(" ") + 1


def test_version_1_is_kept_with_a_warning() -> None:
    document = load("ip ssh version 1\n")
    assert [warning.line_number for warning in document.warnings] == [1]
    assert "ip ssh version 1\n" in document.render()


NAMED = "hostname r1\nip domain name example.com\n"


def test_a_key_is_generated_under_the_routers_name() -> None:
    text, outcomes = after(NAMED, "crypto key generate rsa general-keys modulus 1024")
    assert outcomes[-1].output[0] == "The name for the keys will be: r1.example.com"
    assert "% The key modulus size is 1024 bits" in outcomes[-1].output
    assert outcomes[-1].events == (RsaKeyGenerated(1024),)
    assert "crypto key" not in text


@pytest.mark.parametrize(
    ("config", "answer"),
    [
        ("ip domain name example.com\n", "% Please define a hostname other than Router."),
        ("hostname r1\n", "% Please define a domain-name first."),
    ],
)
def test_a_key_needs_a_name(config: str, answer: str) -> None:
    _, outcomes = after(config, "crypto key generate rsa modulus 1024", "crypto key generate rsa label mine")
    assert outcomes[-2].output == (answer,)
    assert not outcomes[-2].events
    assert outcomes[-1].output[0] == "The name for the keys will be: mine"


def test_keys_are_zeroized() -> None:
    assert after(NAMED, "crypto key zeroize rsa")[1][-1].events == (RsaKeyZeroized(),)
