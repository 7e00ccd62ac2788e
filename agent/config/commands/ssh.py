"""Config room: the SSH server: `ip ssh …`, the public keys of users, and `crypto key generate|zeroize rsa`.

The keys of `ip ssh pubkey-chain` are kept and written as IOS does it: `key-string` text becomes a `key-hash`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves, inert
from agent.config.events import RsaKeyGenerated, RsaKeyZeroized
from agent.config.model import RouterConfig
from agent.config.public_keys import KINDS, KeyHash, key_of_text
from agent.config.ssh_model import DEFAULT_RETRIES, DEFAULT_STARTUPS, DEFAULT_TIMEOUT, SshConfig

CHAIN, USER = "ssh-pubkey", "ssh-pubkey-user"
MODES = {
    CHAIN: Mode("(conf-ssh-pubkey)#", CHAIN),
    USER: Mode("(conf-ssh-pubkey-user)#", USER),
}

HELP = {
    "ip ssh": "Configure ssh options",
    "ip ssh authentication-retries": "Specify number of authentication retries",
    "<retries>": "Number of authentication retries",
    "ip ssh dh": "Diffie-Hellman",
    "ip ssh dh min": "Minimum",
    "ip ssh dh min size": "Minimum size of the modulus",
    "ip ssh logging": "Configure logging for SSH",
    "ip ssh logging events": "Log SSH events",
    "ip ssh maxstartups": "Maximum concurrent sessions allowed",
    "<startups>": "Number of concurrent sessions",
    "ip ssh pubkey-chain": "pubkey-chain",
    "ip ssh source-interface": "Specify interface for source address in SSH connections",
    "ip ssh time-out": "Specify SSH time-out interval",
    "<timeout>": "SSH time-out interval (secs)",
    "ip ssh version": "Specify protocol version to be supported",
    "<ssh-version>": "Protocol version",
    "ssh-pubkey username": "SSH user",
    "ssh-pubkey username <name>": "SSH username",
    "ssh-pubkey-user key-hash": "SSH key hash",
    "key-hash ssh-rsa": "RSA keys",
    "key-hash ssh-ed25519": "Ed25519 keys",
    "key-hash ecdsa-sha2-nistp256": "ECDSA keys of the curve P-256",
    "key-hash ecdsa-sha2-nistp384": "ECDSA keys of the curve P-384",
    "key-hash ecdsa-sha2-nistp521": "ECDSA keys of the curve P-521",
    "<digest>": "SSH key hash",
    "<comment>": "SSH key comment",
    "ssh-pubkey-user key-string": "SSH key string",
    "crypto key": "Long term key operations",
    "crypto key generate": "Generate new keys",
    "crypto key generate rsa": "Generate RSA keys",
    "crypto key zeroize": "Remove keys",
    "crypto key zeroize rsa": "Remove RSA keys",
    "general-keys": "Generate a general purpose RSA key pair for signing and encryption",
    "usage-keys": "Generate separate RSA key pairs for signing and encryption",
    "modulus": "Provide number of modulus bits on the command line",
    "<modulus>": "size of the key modulus",
    "exportable": "Allow the key to be exported",
    "rsa label": "Provide a label",
    "<label>": "RSA keypair label",
}

_DEFAULT_MODULUS = 2048
_DIGEST = re.compile(r"[0-9A-Fa-f]{32}")


def _get(config: RouterConfig, place: Place) -> SshConfig:
    return config.ssh


def _put(config: RouterConfig, place: Place, leaf: SshConfig) -> None:
    config.ssh = leaf


def _server_lines() -> list[ConfigCommand]:
    leaf = Leaves("config", _get, _put)
    return [
        leaf.command(
            "ip ssh maxstartups ~ <startups:int(2-128)>",
            2150,
            lambda match, ssh: {"startups": match.number("startups")},
            {"startups": DEFAULT_STARTUPS},
            lambda ssh: f"ip ssh maxstartups {ssh.startups}" if ssh.startups != DEFAULT_STARTUPS else None,
        ),
        leaf.command(
            "ip ssh time-out ~ <timeout:int(1-120)>",
            2151,
            lambda match, ssh: {"timeout": match.number("timeout")},
            {"timeout": DEFAULT_TIMEOUT},
            lambda ssh: f"ip ssh time-out {ssh.timeout}" if ssh.timeout != DEFAULT_TIMEOUT else None,
        ),
        leaf.command(
            "ip ssh authentication-retries ~ <retries:int(0-5)>",
            2152,
            lambda match, ssh: {"retries": match.number("retries")},
            {"retries": DEFAULT_RETRIES},
            lambda ssh: f"ip ssh authentication-retries {ssh.retries}" if ssh.retries != DEFAULT_RETRIES else None,
        ),
        inert("config", "ip ssh source-interface ~ <interface:interface>", 2153),
        leaf.command(
            "ip ssh logging events",
            2154,
            lambda match, ssh: {"logs_events": True},
            {"logs_events": False},
            lambda ssh: "ip ssh logging events" if ssh.logs_events else None,
        ),
        leaf.command(
            "ip ssh version ~ <ssh-version:int(1-2)>",
            2155,
            lambda match, ssh: {"version": match.number("ssh-version")},
            {"version": None},
            lambda ssh: f"ip ssh version {ssh.version}" if ssh.version is not None else None,
            doubt=lambda match: (
                "is kept, and version 2 is spoken: nothing here has version 1" if match.number("ssh-version") == 1 else None
            ),
        ),
        inert("config", "ip ssh dh min size ~ {1024|2048|4096}", 2156),
    ]


# --- the public keys of users ---


def _chain(edit: Edit, match: ConfigMatch) -> Place:
    return Place(CHAIN)


def _no_chain(edit: Edit, match: ConfigMatch) -> None:
    for name in edit.config.public_keys:
        edit.state.forget(Place(USER, (name,)))
    edit.config.public_keys.clear()
    edit.state.forget(Place(CHAIN))


def _written_chain(state: State, place: Place) -> Iterable[Rendered]:
    if state.config.public_keys:
        yield Section("ip ssh pubkey-chain", Place(CHAIN))


def _user(edit: Edit, match: ConfigMatch) -> Place:
    edit.config.public_keys.setdefault(match.word("name"), ())
    return Place(USER, (match.word("name"),))


def _no_user(edit: Edit, match: ConfigMatch) -> None:
    edit.config.public_keys.pop(match.word("name"), None)
    edit.state.forget(Place(USER, (match.word("name"),)))


def _written_users(state: State, place: Place) -> Iterable[Rendered]:
    for name in state.config.public_keys:
        yield Section(f" username {name}", Place(USER, (name,)))  # IOS indents each level by one blank more


def _keys(edit: Edit) -> tuple[KeyHash, ...]:
    return edit.config.public_keys[str(edit.place.key[0])]


def _put_keys(edit: Edit, keys: Iterable[KeyHash]) -> None:
    edit.config.public_keys[str(edit.place.key[0])] = tuple(keys)


def _add(edit: Edit, key: KeyHash) -> None:
    others = (each for each in _keys(edit) if (each.kind, each.digest) != (key.kind, key.digest))
    _put_keys(edit, (*others, key))


def _key_hash(edit: Edit, match: ConfigMatch) -> None:
    digest = match.word("digest")
    if not _DIGEST.fullmatch(digest):
        raise Refused("the MD5 digest of a key: 32 hexadecimal digits", argument="digest")
    _add(edit, KeyHash(match.word("kind"), digest.upper(), match.maybe_word("comment") or ""))


def _no_key_hash(edit: Edit, match: ConfigMatch) -> None:
    gone = (match.word("kind"), match.word("digest").upper())
    _put_keys(edit, (each for each in _keys(edit) if (each.kind, each.digest) != gone))


def _key_string(edit: Edit, match: ConfigMatch) -> None:
    text, _, _ = match.word("text").rpartition("\n")  # its last line is the `exit` that ends it
    key = key_of_text(text)
    if key is None:
        raise Refused("lines with a public key in Base64, and then exit", "%SSH: Failed to decode the Key Value")
    _add(edit, key)


def _no_key_string(edit: Edit, match: ConfigMatch) -> None:
    _put_keys(edit, ())


def _written_keys(state: State, place: Place) -> Iterable[Rendered]:
    return [f" {key.text}" for key in state.config.public_keys.get(str(place.key[0]), ())]


def _key_lines() -> list[ConfigCommand]:
    return [
        ConfigCommand("config", "ip ssh pubkey-chain", 2157, _chain, _no_chain, _written_chain),
        ConfigCommand(CHAIN, "username <name:word>", 10, _user, _no_user, _written_users),
        ConfigCommand(
            USER,
            f"key-hash kind={{{'|'.join(KINDS)}}} <digest:word> ~ [<comment:line>]",
            10,
            _key_hash,
            _no_key_hash,
            _written_keys,
        ),
        ConfigCommand(USER, "key-string <text:line>", 11, _key_string, _no_key_string, no_pattern="key-string"),
    ]


# --- the router's own key, which is no configuration ---


def _generate(edit: Edit, match: ConfigMatch) -> None:
    if not edit.typed:
        return
    config, label = edit.config, match.maybe_word("label")
    if label is None and config.hostname == RouterConfig().hostname:
        raise Refused("a hostname", f"% Please define a hostname other than {config.hostname}.")
    if label is None and config.domain_name is None:
        raise Refused("a domain name", "% Please define a domain-name first.")
    modulus = match.maybe_number("modulus") or _DEFAULT_MODULUS
    exportable = "exportable" if "exportable" in match.words else "non-exportable"
    edit.output += [
        f"The name for the keys will be: {label or config.full_name}",
        "",
        f"% The key modulus size is {modulus} bits",
        f"% Generating {modulus} bit RSA keys, keys will be {exportable}...",
        "[OK]",
        "",
    ]
    edit.events.append(RsaKeyGenerated(modulus))


def _zeroize(edit: Edit, match: ConfigMatch) -> None:
    if edit.typed:
        edit.output += ["% All RSA keys will be removed.", "% All router certs issued using these keys will also be removed."]
        edit.events.append(RsaKeyZeroized())


def commands() -> list[ConfigCommand]:
    return [
        *_server_lines(),
        *_key_lines(),
        ConfigCommand(
            "config",
            "crypto key generate rsa {general-keys|usage-keys|label <label:word>|exportable|modulus <modulus:int(360-4096)>}*",
            0,
            _generate,
        ),
        ConfigCommand("config", "crypto key generate rsa", 0, _generate),
        ConfigCommand("config", "crypto key zeroize rsa [<label:word>]", 0, _zeroize),
    ]
