"""Config room: `crypto ipsec …`, crypto maps, and the IPsec MIB's windows (RFC 4301 policy, RFC 4302, RFC 4303)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from agent.base.defaults import HISTORY_SIZE
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves, inert
from agent.config.commands.isakmp import crypto_line, sets
from agent.config.crypto_model import (
    DEFAULT_LIFETIME_KILOBYTES,
    DEFAULT_LIFETIME_SECONDS,
    CryptoConfig,
    IpsecProfile,
    TransformSet,
)
from agent.config.events import HistorySizeSet
from agent.config.model import RouterConfig

MODES = {
    "transform-set": Mode("(cfg-crypto-trans)#", "transform-set"),
    "ipsec-profile": Mode("(ipsec-profile)#", "ipsec-profile"),
}

HELP = {
    "crypto ipsec": "Configure IPSEC policy",
    "crypto ipsec nat-transparency": "IPsec NAT transparency model",
    "crypto ipsec nat-transparency udp-encapsulation": "UDP encapsulation of IPsec packets past a NAT",
    "crypto ipsec security-association": "Security association parameters",
    "security-association lifetime": "Security association lifetime",
    "lifetime seconds": "Time-based key duration",
    "lifetime kilobytes": "Volume-based key duration",
    "crypto ipsec transform-set": "Define transform and settings",
    "crypto ipsec profile": "Configure an ipsec policy profile",
    "crypto ipsec default": "Default IPsec transform sets",
    "replay": "Set replay checking",
    "window-size": "Set replay window size",
    "mode": "encapsulation mode (transport/tunnel)",
    "crypto logging": "Configure Crypto logging",
    "crypto logging session": "Log up/down session",
    "crypto call": "Configure Crypto Call Admission Control",
    "admission": "Configure Crypto Call Admission Control",
    "admission limit": "Configure Crypto Call admission Limit",
    "limit ike": "Configure IKE Call Admission Control",
    "limit ike sa": "Configure the maximum number of IKE SAs",
    "limit ike in-negotiation-sa": "Configure the maximum number of IKE SAs that are being negotiated",
    "limit ipsec": "Configure IPsec Call Admission Control",
    "limit ipsec sa": "Configure the maximum number of IPsec SAs",
    "<limit>": "Number of SAs",
    "crypto mib": "Configure Crypto-related MIB Parameters",
    "crypto mib ipsec": "Configure IPsec related MIB",
    "flowmib": "IPsec flow MIB",
    "history": "Configure history size",
    "history tunnel": "Tunnel history",
    "history failure": "Failure history",
    "size": "Set the size of the history table",
    "<size>": "Number of entries",
}

TRANSFORMS = (
    "ah-md5-hmac",
    "ah-sha-hmac",
    "ah-sha256-hmac",
    "ah-sha384-hmac",
    "ah-sha512-hmac",
    "esp-des",
    "esp-3des",
    "esp-null",
    "esp-seal",
    "esp-md5-hmac",
    "esp-sha-hmac",
    "esp-sha256-hmac",
    "esp-sha384-hmac",
    "esp-sha512-hmac",
    "comp-lzs",
)
_SIZED_TRANSFORMS = ("esp-aes", "esp-gcm", "esp-gmac")  # may be followed by a number of bits
_OLD_SPELLINGS = {"esp-192-aes": ("aes", 192), "esp-256-aes": ("aes", 256)}  # of `esp-aes 192` and `esp-aes 256`
_CIPHER_BITS = {"des": 56, "3des": 168, "null": 0, "seal": 160, "aes": 128, "gcm": 128, "gmac": 128}
_NOT_IMPLEMENTED = {"comp-lzs": "LZS", "esp-seal": "SEAL", "esp-gcm": "GCM", "esp-gmac": "GMAC"}

SECONDS = "<seconds:int(120-2592000)>"  # IOS XE 17's (Cisco-IOS-XE-crypto of 2021-03-01); earlier releases end at 86400
KILOBYTES = "<kilobytes:int(2560-4294967295)>"


# --- transform sets ------------------------------------------------------------------------------------------------------


def _transform_fields(match: ConfigMatch) -> dict[str, Any]:
    """The fields of a TransformSet that one line names; Refused where two transforms are of one kind."""
    found: dict[str, Any] = {}
    for word in (str(each) for each in match.all("transform")):
        if word.isdigit():  # the key length of the cipher before it
            found["esp_key_bits"] = int(word)
            continue
        field, value, bits = _transform(word)
        if field in found:
            raise Refused("at most one AH, one cipher, one ESP authentication and one compression transform", argument="transform")
        found[field] = value
        if field == "esp_cipher":
            found["esp_key_bits"] = bits or _CIPHER_BITS[value]
    return found


def _transform(word: str) -> tuple[str, str, int]:
    """The field of a TransformSet, its value, and the bits of the key where the word says them."""
    if word in _OLD_SPELLINGS:
        return "esp_cipher", *_OLD_SPELLINGS[word]
    kind, _, rest = word.partition("-")
    if kind == "comp":
        return "compression", rest, 0
    algorithm = rest.removesuffix("-hmac")
    if kind == "ah":
        return "ah", algorithm, 0
    return ("esp_auth", algorithm, 0) if rest.endswith("-hmac") else ("esp_cipher", algorithm, 0)


def _enter_transform_set(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    known = edit.config.crypto.transform_sets.get(name)
    transform_set = TransformSet(name)
    if known:
        transform_set = replace(transform_set, mode=known.mode, transport_required=known.transport_required)
    edit.config.crypto.transform_sets[name] = replace(transform_set, **_transform_fields(match))
    for word in match.all("transform"):
        if word in _NOT_IMPLEMENTED:
            warning = f"{word} is kept but not offered to peers: nothing here implements {_NOT_IMPLEMENTED[word]}"
            edit.warnings.append(warning)
            edit.output.append(f"% Warning: {warning}")
    return Place("transform-set", (name,))


def _remove_transform_set(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.transform_sets.pop(match.word("name"), None)
    edit.state.forget(Place("transform-set", (match.word("name"),)))


def transforms_of(transform_set: TransformSet) -> tuple[str, ...]:
    """The transforms of a set as IOS writes them ("ah-sha-hmac", "esp-aes 256", "esp-sha-hmac")."""
    bits = f" {transform_set.esp_key_bits}" if transform_set.esp_key_bits in (192, 256) else ""
    words = (
        f"ah-{transform_set.ah}-hmac" if transform_set.ah else "",
        f"esp-{transform_set.esp_cipher}{bits}" if transform_set.esp_cipher else "",
        f"esp-{transform_set.esp_auth}-hmac" if transform_set.esp_auth else "",
        f"comp-{transform_set.compression}" if transform_set.compression else "",
    )
    return tuple(word for word in words if word)


def _render_transform_sets(state: State, place: Place) -> Iterable[Rendered]:
    for each in state.config.crypto.transform_sets.values():
        yield Section(
            f"crypto ipsec transform-set {each.name} {' '.join(transforms_of(each))}", Place("transform-set", (each.name,))
        )


def _get_transform_set(config: RouterConfig, place: Place) -> TransformSet:
    return config.crypto.transform_sets[str(place.key[0])]


def _put_transform_set(config: RouterConfig, place: Place, transform_set: TransformSet) -> None:
    config.crypto.transform_sets[transform_set.name] = transform_set


# --- profiles ------------------------------------------------------------------------------------------------------------


def _enter_profile(edit: Edit, match: ConfigMatch) -> Place:
    name = match.word("name")
    edit.config.crypto.ipsec_profiles.setdefault(name, IpsecProfile(name))
    return Place("ipsec-profile", (name,))


def _remove_profile(edit: Edit, match: ConfigMatch) -> None:
    edit.config.crypto.ipsec_profiles.pop(match.word("name"), None)
    edit.state.forget(Place("ipsec-profile", (match.word("name"),)))


def _render_profiles(state: State, place: Place) -> Iterable[Rendered]:
    return [Section(f"crypto ipsec profile {name}", Place("ipsec-profile", (name,))) for name in state.config.crypto.ipsec_profiles]


# --- the whole router ----------------------------------------------------------------------------------------------------


def _set_replay(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.replay_window = match.maybe_number("window") or 0


def _written_replay(crypto: CryptoConfig) -> str | None:
    if crypto.replay_window == 64:
        return None
    setting = f"window-size {crypto.replay_window}" if crypto.replay_window else "disable"
    return f"crypto ipsec security-association replay {setting}"


def _set_seconds(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.lifetime_seconds = match.number("seconds")


def _set_kilobytes(crypto: CryptoConfig, match: ConfigMatch) -> None:
    crypto.lifetime_kilobytes = match.number("kilobytes")


def _admission_limit(of: str, values: str, field: str, rank: int) -> ConfigCommand:
    """`crypto call admission limit OF N`."""
    line = f"crypto call admission limit {of}"

    def put(crypto: CryptoConfig, match: ConfigMatch) -> None:
        setattr(crypto, field, match.number("limit"))

    def written(crypto: CryptoConfig) -> str | None:
        limit = getattr(crypto, field)
        return None if limit is None else f"{line} {limit}"

    return crypto_line(f"{line} ~ <limit:int({values})>", rank, put, sets(field, None), written)


def _history(kind: str) -> ConfigCommand:
    """`crypto mib ipsec flowmib history {tunnel|failure} size N`.

    The event goes out even when N is what it was: a manager may have set a context's size (cipSecHistTableSize) meanwhile.
    """
    name = f"history_{kind}_size"

    def put(edit: Edit, size: int) -> None:
        setattr(edit.config.crypto, name, size)
        edit.events.append(HistorySizeSet(kind == "failure", size))

    def apply(edit: Edit, match: ConfigMatch) -> None:
        put(edit, match.number("size"))

    def negate(edit: Edit, match: ConfigMatch) -> None:
        put(edit, HISTORY_SIZE)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        size = getattr(state.config.crypto, name)
        return () if size == HISTORY_SIZE else (f"crypto mib ipsec flowmib history {kind} size {size}",)

    pattern = f"crypto mib ipsec flowmib history {kind} size ~ <size:int(1-65535)>"
    return ConfigCommand("config", pattern, 1600 + (kind == "failure"), apply, negate, render)


def _single_lines() -> list[ConfigCommand]:
    return [
        crypto_line(
            "crypto logging session",
            1180,
            sets("logging_session", True),
            sets("logging_session", False),
            lambda c: "crypto logging session" if c.logging_session else None,
        ),
        _admission_limit("ike in-negotiation-sa", "10-99999", "ike_negotiation_limit", 1188),
        _admission_limit("ike sa", "0-99999", "ike_sa_limit", 1189),
        _admission_limit("ipsec sa", "0-2147483647", "ipsec_sa_limit", 1190),
        crypto_line(
            f"crypto ipsec security-association lifetime kilobytes ~ ... {KILOBYTES}",
            1400,
            _set_kilobytes,
            sets("lifetime_kilobytes", DEFAULT_LIFETIME_KILOBYTES),
            lambda c: (
                f"crypto ipsec security-association lifetime kilobytes {c.lifetime_kilobytes}"
                if c.lifetime_kilobytes != DEFAULT_LIFETIME_KILOBYTES
                else None
            ),
        ),
        crypto_line(
            f"crypto ipsec security-association lifetime seconds ~ {SECONDS}",
            1401,
            _set_seconds,
            sets("lifetime_seconds", DEFAULT_LIFETIME_SECONDS),
            lambda c: (
                f"crypto ipsec security-association lifetime seconds {c.lifetime_seconds}"
                if c.lifetime_seconds != DEFAULT_LIFETIME_SECONDS
                else None
            ),
        ),
        crypto_line(
            "crypto ipsec security-association replay ~ {disable|window-size ~ window={64|128|256|512|1024}}",
            1402,
            _set_replay,
            sets("replay_window", 64),
            _written_replay,
        ),
        inert("config", "crypto ipsec security-association idle-time ~ <seconds:int(60-86400)>", 1402, later=True),
        inert("config", "crypto ipsec df-bit {clear|copy|set}", 1404, later=True),
        inert("config", "crypto ipsec fragmentation {after-encryption|before-encryption}", 1404, later=True),
        crypto_line(
            "crypto ipsec default transform-set",
            1403,
            sets("default_transform_set", True),
            sets("default_transform_set", False),
            lambda c: None if c.default_transform_set else "no crypto ipsec default transform-set",
            on_by_default=True,
        ),
        crypto_line(
            "crypto ipsec nat-transparency udp-encapsulation",
            1404,
            sets("nat_traversal", True),
            sets("nat_traversal", False),
            lambda c: None if c.nat_traversal else "no crypto ipsec nat-transparency udp-encapsulation",
            on_by_default=True,
        ),
        _history("tunnel"),
        _history("failure"),
    ]


def _mode_change(match: ConfigMatch, transform_set: TransformSet) -> Mapping[str, object]:
    return {"mode": match.word("mode"), "transport_required": "required" in match}


def _render_mode(transform_set: TransformSet) -> str | None:
    if transform_set.mode == "tunnel":
        return None
    return "mode transport require" if transform_set.transport_required else "mode transport"


def commands() -> list[ConfigCommand]:
    sized = f"transform={{{'|'.join(_SIZED_TRANSFORMS)}}} [transform={{128|192|256}}]"
    transforms = f"{{{sized}|transform={{{'|'.join((*TRANSFORMS, *_OLD_SPELLINGS))}}}}}*"
    return [
        *_single_lines(),
        ConfigCommand(
            "config",
            f"crypto ipsec transform-set <name:word> ~ {transforms}",
            1410,
            _enter_transform_set,
            _remove_transform_set,
            _render_transform_sets,
        ),
        Leaves("transform-set", _get_transform_set, _put_transform_set).command(
            "mode ~ {mode={tunnel}|mode={transport} [required={require}]}",
            10,
            _mode_change,
            {"mode": "tunnel", "transport_required": False},
            _render_mode,
        ),
        ConfigCommand("config", "crypto ipsec profile <name:word>", 1420, _enter_profile, _remove_profile, _render_profiles),
    ]
