"""Config room: `crypto isakmp …` policies, keys, keepalives and peers (RFC 2408, 2409; DPD of RFC 3706)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network

from agent.base.implemented import AUTHENTICATION_METHODS, DH_GROUPS
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import LOCAL_ADDRESS, Leaves, as_lines, encoded, inert, peer_network, written_network
from agent.config.crypto_model import CryptoConfig, IsakmpPeer, IsakmpPolicy, Keepalive, Keyring, PreSharedKey
from agent.config.model import RouterConfig

MODES = {
    "isakmp-policy": Mode("(config-isakmp)#", "isakmp-policy"),
    "keyring": Mode("(conf-keyring)#", "keyring"),
    "isakmp-peer": Mode("(config-isakmp-peer)#", "isakmp-peer"),
}

HELP = {
    "crypto": "Encryption module",
    "crypto isakmp": "Configure ISAKMP policy",
    "crypto isakmp policy": "Set policy for an ISAKMP protection suite",
    "<priority>": "Priority of protection suite",
    "crypto isakmp default": "ISAKMP default policy",
    "crypto isakmp default policy": "Default ISAKMP policies",
    "crypto isakmp enable": "Enable ISAKMP",
    "crypto isakmp aggressive-mode": "Disable ISAKMP aggressive mode",
    "crypto isakmp identity": "Set the identity which ISAKMP will use",
    "crypto isakmp invalid-spi-recovery": "Initiate IKE and send Invalid SPI Notify",
    "crypto isakmp keepalive": "Set a keepalive interval for use with IOS peers",
    "crypto isakmp key": "Set pre-shared key for remote peer",
    "crypto isakmp nat": "Configure NAT traversal",
    "crypto isakmp nat keepalive": "Set the keepalive interval of a router behind a NAT",
    "crypto isakmp peer": "Set Peer Policy",
    "crypto isakmp peer address": "Peer by address",
    "crypto keyring": "Key ring commands",
    "pre-shared-key": "Define pre-shared keys",
    "pre-shared-key address": "Define peer's address",
    "pre-shared-key hostname": "Define peer's hostname",
    "encryption": "Set encryption algorithm for protection suite",
    "hash": "Set hash algorithm for protection suite",
    "authentication": "Set authentication method for protection suite",
    "group": "Set the Diffie-Hellman group",
    "lifetime": "Set lifetime for ISAKMP security association",
    "pre-share": "Pre-Shared Key",
    "rsa-sig": "Rivest-Shamir-Adleman Signature",
    "rsa-encr": "Rivest-Shamir-Adleman Encryption",
    "ecdsa-sig": "Elliptic Curve Digital Signature",
    "des": "DES - Data Encryption Standard (56 bit keys).",
    "3des": "Three key triple DES",
    "aes": "AES - Advanced Encryption Standard.",
    "md5": "Message Digest 5",
    "sha": "Secure Hash Standard",
    "description": "Description of this section",
    "set aggressive-mode": "Initiate aggressive mode to this peer",
    "set aggressive-mode password": "Pre-shared key for this peer",
    "set aggressive-mode client-endpoint": "Identity to use in aggressive mode",
    "no-xauth": "Bypasses XAuth for this peer",
}

GROUPS = "1|2|5|14|15|16|19|20|21|24"
KEEPALIVE = "<interval:int(10-3600)> [<retry:int(2-60)>] [mode={on-demand|periodic}]"

_DEFAULT_POLICY = IsakmpPolicy(0)
_DEFAULT_NAT_KEEPALIVE = CryptoConfig().nat_keepalive
_KEY_BITS = {"des": 56, "3des": 168, "aes": 128}


# --- policies ------------------------------------------------------------------------------------------------------------


def _get_policy(config: RouterConfig, place: Place) -> IsakmpPolicy:
    return config.crypto.policies[int(str(place.key[0]))]


def _put_policy(config: RouterConfig, place: Place, policy: IsakmpPolicy) -> None:
    config.crypto.policies[policy.priority] = policy


def _enter_policy(edit: Edit, match: ConfigMatch) -> Place:
    priority = match.number("priority")
    edit.config.crypto.policies.setdefault(priority, IsakmpPolicy(priority))
    return Place("isakmp-policy", (priority,))


def _remove_policy(edit: Edit, match: ConfigMatch) -> None:
    priority = match.number("priority")
    edit.config.crypto.policies.pop(priority, None)
    edit.state.forget(Place("isakmp-policy", (priority,)))


def _render_policies(state: State, place: Place) -> Iterable[Rendered]:
    for priority in sorted(state.config.crypto.policies):
        yield Section(f"crypto isakmp policy {priority}", Place("isakmp-policy", (priority,)))


def _encryption(match: ConfigMatch, policy: IsakmpPolicy) -> dict[str, object]:
    cipher = match.word("cipher")
    return {"encryption": cipher, "key_bits": int(match.maybe_word("bits") or _KEY_BITS[cipher])}


def _written_encryption(policy: IsakmpPolicy) -> str | None:
    if policy.encryption == _DEFAULT_POLICY.encryption:
        return None
    bits = f" {policy.key_bits}" if policy.key_bits in (192, 256) else ""
    return f"encr {policy.encryption}{bits}"


def doubt_of_group(match: ConfigMatch) -> str | None:
    number = int((match.maybe_word("group") or "1").removeprefix("group"))
    return f"group {number} is kept but not negotiated: nothing here implements it" if number not in DH_GROUPS else None


def _doubt_of_method(match: ConfigMatch) -> str | None:
    method = match.word("method")
    return f"{method} is kept but not negotiated: nothing here implements it" if method not in AUTHENTICATION_METHODS else None


def _policy_lines() -> list[ConfigCommand]:
    line = Leaves("isakmp-policy", _get_policy, _put_policy).command
    return [
        line(
            "encryption ~ {cipher={des|3des}|cipher={aes} [bits={128|192|256}]}",
            10,
            _encryption,
            {"encryption": "des", "key_bits": 56},
            _written_encryption,
        ),
        line(
            "hash ~ hash={md5|sha|sha256|sha384|sha512}",
            20,
            lambda m, p: {"hash": m.word("hash")},
            {"hash": "sha"},
            lambda p: f"hash {p.hash}" if p.hash != "sha" else None,
        ),
        line(
            "authentication ~ method={pre-share|rsa-sig|rsa-encr|ecdsa-sig}",
            30,
            lambda m, p: {"authentication": m.word("method")},
            {"authentication": "rsa-sig"},
            lambda p: f"authentication {p.authentication}" if p.authentication != "rsa-sig" else None,
            doubt=_doubt_of_method,
        ),
        line(
            f"group ~ group={{{GROUPS}}}",
            40,
            lambda m, p: {"group": m.number("group")},
            {"group": 1},
            lambda p: f"group {p.group}" if p.group != 1 else None,
            doubt=doubt_of_group,
        ),
        line(
            "lifetime ~ <seconds:int(60-86400)>",
            50,
            lambda m, p: {"lifetime": m.number("seconds")},
            {"lifetime": 86400},
            lambda p: f"lifetime {p.lifetime}" if p.lifetime != 86400 else None,
        ),
    ]


# --- keys ----------------------------------------------------------------------------------------------------------------


def _key(match: ConfigMatch) -> PreSharedKey:
    network: IPv4Network | None = None
    typed = None
    if match.maybe_address("address") is not None:
        network, typed = peer_network(match.address("address"), match.maybe_address("mask"))
    return PreSharedKey(
        match.maybe_word("key") or "",
        network,
        match.maybe_word("hostname"),
        "no-xauth" in match.words,
        match.maybe_number("encoding") or 0,
        typed,
    )


def _written_peer(key: PreSharedKey) -> str:
    if key.network is None:
        return f"hostname {key.hostname}"
    if key.network.prefixlen == 32:
        return f"address {key.network.network_address}"
    return f"address {written_network(key.network, key.address)}"


def _add_key(edit: Edit, match: ConfigMatch) -> None:
    key = _key(match)
    edit.config.crypto.keys = edit.config.crypto.keys.put(key.peer, key)


def _remove_key(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.keys = edit.config.crypto.keys.drop(_key(match).peer)


def _render_keys(state: State, place: Place) -> Iterable[Rendered]:
    for key in state.config.crypto.keys:
        tail = " no-xauth" if key.no_xauth else ""
        yield f"crypto isakmp key {encoded(key.encoding, key.key)} {_written_peer(key)}{tail}"


def _get_keyring(config: RouterConfig, place: Place) -> Keyring:
    return config.crypto.keyrings[str(place.key[0])]


def _put_keyring(config: RouterConfig, place: Place, keyring: Keyring) -> None:
    config.crypto.keyrings[keyring.name] = keyring


def _enter_keyring(edit: Edit, match: ConfigMatch) -> Place:
    name, vrf = match.word("name"), match.maybe_word("vrf")
    known = edit.config.crypto.keyrings.setdefault(name, Keyring(name, vrf))
    if vrf is not None and known.vrf != vrf:
        raise Refused(f"the VRF that the keyring has, {known.vrf}", f"% Keyring {name} is already in use with another VRF")
    return Place("keyring", (name,))


def _remove_keyring(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.keyrings.pop(match.word("name"), None)
    edit.state.forget(Place("keyring", (match.word("name"),)))


def _render_keyrings(state: State, place: Place) -> Iterable[Rendered]:
    for keyring in state.config.crypto.keyrings.values():
        vrf = f" vrf {keyring.vrf}" if keyring.vrf else ""
        yield Section(f"crypto keyring {keyring.name}{vrf}", Place("keyring", (keyring.name,)))


def _keyring_lines() -> list[ConfigCommand]:
    leaves = Leaves("keyring", _get_keyring, _put_keyring)
    return [
        leaves.text("description", "<text:line(80)>", 5, "description"),
        inert("keyring", LOCAL_ADDRESS, 7, later=True),
        leaves.command(
            "pre-shared-key {address <address:address> [<mask:mask>]|hostname <hostname:word>} ~ key [encoding={0|6}] <key:word>",
            10,
            lambda m, k: {"keys": k.keys.put(_key(m).peer, _key(m))},
            lambda m, k: {"keys": k.keys.drop(_key(m).peer)},
            lambda k: [f"pre-shared-key {_written_peer(key)} key {encoded(key.encoding, key.key)}" for key in k.keys],
        ),
    ]


# --- peers ---------------------------------------------------------------------------------------------------------------


def _peer_key(match: ConfigMatch) -> tuple[IPv4Address, str | None]:
    return match.address("address"), match.maybe_word("vrf")


def _get_peer(config: RouterConfig, place: Place) -> IsakmpPeer:
    address, vrf = place.key
    return config.crypto.peers[IPv4Address(str(address)), None if vrf is None else str(vrf)]


def _put_peer(config: RouterConfig, place: Place, peer: IsakmpPeer) -> None:
    config.crypto.peers[peer.address, peer.vrf] = peer


def _enter_peer(edit: Edit, match: ConfigMatch) -> Place:
    edit.config.crypto.peers.setdefault(_peer_key(match), IsakmpPeer(*_peer_key(match)))
    return Place("isakmp-peer", _peer_key(match))


def _remove_peer(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.peers.pop(_peer_key(match), None)
    edit.state.forget(Place("isakmp-peer", _peer_key(match)))


def _render_peers(state: State, place: Place) -> Iterable[Rendered]:
    for peer in state.config.crypto.peers.values():
        vrf = f" vrf {peer.vrf}" if peer.vrf else ""
        yield Section(f"crypto isakmp peer address {peer.address}{vrf}", Place("isakmp-peer", (peer.address, peer.vrf)))


def _client_endpoint(match: ConfigMatch) -> tuple[str, str]:
    address = match.maybe_address("address")
    return ("ipv4-address", str(address)) if address is not None else (match.word("kind"), match.word("name"))


def _peer_lines() -> list[ConfigCommand]:
    leaves = Leaves("isakmp-peer", _get_peer, _put_peer)
    return [
        leaves.text("description", "<text:line(80)>", 10, "description"),
        leaves.command(
            "set aggressive-mode password ~ [encoding={0|6}] <key:word>",
            20,
            lambda m, p: {"password": m.word("key"), "password_encoding": m.maybe_number("encoding") or 0},
            {"password": None, "password_encoding": 0},
            lambda p: f"set aggressive-mode password {encoded(p.password_encoding, p.password)}" if p.password else None,
        ),
        leaves.command(
            "set aggressive-mode client-endpoint ~ {ipv4-address <address:address>|kind={fqdn|user-fqdn} <name:word>}",
            21,
            lambda m, p: {"client_endpoint": _client_endpoint(m)},
            {"client_endpoint": None},
            lambda p: f"set aggressive-mode client-endpoint {' '.join(p.client_endpoint)}" if p.client_endpoint else None,
        ),
    ]


# --- single lines --------------------------------------------------------------------------------------------------------


def crypto_line(
    pattern: str,
    rank: int,
    apply: Callable[[CryptoConfig, ConfigMatch], None],
    negate: Callable[[CryptoConfig, ConfigMatch], None],
    write: Callable[[CryptoConfig], Iterable[str] | str | None],
    *,
    on_by_default: bool = False,
    later: bool = False,
) -> ConfigCommand:
    """A global line that sets something of the crypto configuration as a whole."""

    def do(edit: Edit, match: ConfigMatch) -> None:
        apply(edit.config.crypto, match)

    def undo(edit: Edit, match: ConfigMatch) -> None:
        negate(edit.config.crypto, match)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return as_lines(write(state.config.crypto))

    return ConfigCommand("config", pattern, rank, do, undo, render, default=do if on_by_default else None, later=later)


def sets(name: str, value: object) -> Callable[[CryptoConfig, ConfigMatch], None]:
    def change(crypto: CryptoConfig, match: ConfigMatch) -> None:
        setattr(crypto, name, value)

    return change


def keepalive_of(match: ConfigMatch) -> Keepalive:
    return Keepalive(match.number("interval"), match.maybe_number("retry") or 2, match.maybe_word("mode") == "periodic")


def written_keepalive(keepalive: Keepalive) -> str:
    retry = f" {keepalive.retry}" if keepalive.retry != 2 else ""
    return f"{keepalive.interval}{retry}{' periodic' if keepalive.periodic else ''}"


def _set_keepalive(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.keepalive = keepalive_of(match)


def _set_nat_keepalive(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.nat_keepalive = match.number("seconds")


def _set_identity(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.identity = match.word("identity")


def _single_lines() -> list[ConfigCommand]:
    return [
        crypto_line(
            "crypto isakmp default policy",
            1290,
            sets("default_policies", True),
            sets("default_policies", False),
            lambda c: None if c.default_policies else "no crypto isakmp default policy",
            on_by_default=True,
        ),
        crypto_line(
            "crypto isakmp enable",
            1291,
            sets("enabled", True),
            sets("enabled", False),
            lambda c: None if c.enabled else "no crypto isakmp enable",
            on_by_default=True,
        ),
        crypto_line(
            "crypto isakmp aggressive-mode disable",
            1311,
            sets("aggressive_mode", False),
            sets("aggressive_mode", True),
            lambda c: None if c.aggressive_mode else "crypto isakmp aggressive-mode disable",
        ),
        crypto_line(
            "crypto isakmp identity ~ identity={address|hostname|dn}",
            1312,
            _set_identity,
            sets("identity", "address"),
            lambda c: f"crypto isakmp identity {c.identity}" if c.identity != "address" else None,
        ),
        crypto_line(
            "crypto isakmp invalid-spi-recovery",
            1314,
            sets("invalid_spi_recovery", True),
            sets("invalid_spi_recovery", False),
            lambda c: "crypto isakmp invalid-spi-recovery" if c.invalid_spi_recovery else None,
        ),
        crypto_line(
            f"crypto isakmp keepalive ~ {KEEPALIVE}",
            1316,
            _set_keepalive,
            sets("keepalive", None),
            lambda c: f"crypto isakmp keepalive {written_keepalive(c.keepalive)}" if c.keepalive else None,
        ),
        crypto_line(
            "crypto isakmp nat keepalive ~ <seconds:int(5-3600)>",
            1318,
            _set_nat_keepalive,
            sets("nat_keepalive", _DEFAULT_NAT_KEEPALIVE),
            lambda c: f"crypto isakmp nat keepalive {c.nat_keepalive}" if c.nat_keepalive != _DEFAULT_NAT_KEEPALIVE else None,
        ),
    ]


def commands() -> list[ConfigCommand]:
    return [
        ConfigCommand(
            "config", "crypto keyring <name:word> [vrf <vrf:word>]", 1200, _enter_keyring, _remove_keyring, _render_keyrings
        ),
        *_keyring_lines(),
        ConfigCommand(
            "config", "crypto isakmp policy <priority:int(1-10000)>", 1300, _enter_policy, _remove_policy, _render_policies
        ),
        *_policy_lines(),
        ConfigCommand(
            "config",
            "crypto isakmp key [encoding={0|6}] <key:word>"
            " {address <address:address> [<mask:mask>]|hostname <hostname:word>} [no-xauth]",
            1310,
            _add_key,
            _remove_key,
            _render_keys,
        ),
        *_single_lines(),
        ConfigCommand(
            "config",
            "crypto isakmp peer address <address:address> [vrf <vrf:word>]",
            1330,
            _enter_peer,
            _remove_peer,
            _render_peers,
        ),
        *_peer_lines(),
    ]
