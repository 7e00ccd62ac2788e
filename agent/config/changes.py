"""Config room: finds the typed events between two states of a configuration. The first ones cause CISCO-IPSEC-MIB's notifications.

The states are compared, so that every way to change the configuration (typed, pasted, by SNMP) gives the same events.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TypeVar

from agent.config.aaa_model import AaaConfig, RadiusConfig
from agent.config.crypto_model import CryptoConfig, CryptoMapEntry
from agent.config.events import (
    AaaChanged,
    ConfigEvent,
    CryptoChanged,
    CryptoMapAdded,
    CryptoMapAttached,
    CryptoMapDeleted,
    CryptoMapDetached,
    HostnameSet,
    HostsChanged,
    InterfaceChanged,
    IsakmpPolicyAdded,
    IsakmpPolicyDeleted,
    LoggingChanged,
    RoutingChanged,
    SnmpChanged,
    SnmpTextSet,
    VrfChanged,
)
from agent.config.model import RouterConfig
from agent.config.snmp_model import SnmpConfig

C = TypeVar("C", RouterConfig, CryptoConfig, SnmpConfig, AaaConfig, RadiusConfig)

_MUTABLE = ("crypto", "snmp", "aaa", "radius")  # the parts of a configuration that are not frozen

# These have events of their own, which the commands emit even if nothing changes.
_WITH_EVENTS_OF_THEIR_OWN = frozenset({"history_tunnel_size", "history_failure_size", "traps", "traps_disabled"})

_SNMP_TEXTS = frozenset({"contact", "location", "chassis_id"})


def snapshot(config: RouterConfig) -> RouterConfig:
    """A copy that later edits of `config` leave alone (the leaves are frozen, so that the containers are enough)."""
    taken = _shallow(config)
    taken.crypto = _shallow(config.crypto)
    taken.snmp = _shallow(config.snmp)
    taken.aaa = _shallow(config.aaa)
    taken.radius = _shallow(config.radius)
    return taken


def restore(config: RouterConfig, taken: RouterConfig) -> None:
    """Puts a snapshot's values back into `config`, whose identity others rely on."""
    for item in fields(RouterConfig):
        if item.name not in _MUTABLE:
            setattr(config, item.name, getattr(taken, item.name))
    for inner in _MUTABLE:
        for item in fields(getattr(config, inner)):
            setattr(getattr(config, inner), item.name, getattr(getattr(taken, inner), item.name))


def changes(before: RouterConfig, after: RouterConfig) -> list[ConfigEvent]:
    """The changes as events: first what was removed, then what was added, then the rest."""
    return [
        *_attachments(before, after),
        *_policies(before.crypto, after.crypto),
        *_crypto(before.crypto, after.crypto),
        *_interfaces(before, after),
        *_others(before, after),
    ]


def _shallow(config: C) -> C:
    taken = copy.copy(config)
    for item in fields(config):
        value = getattr(config, item.name)
        if isinstance(value, dict | list | set):
            setattr(taken, item.name, value.copy())
    return taken


def _entries(crypto: CryptoConfig) -> dict[tuple[str, int], CryptoMapEntry]:
    return {(entry.name, entry.sequence): entry for each in crypto.maps.values() for entry in each.entries}


def _attachments(before: RouterConfig, after: RouterConfig) -> Iterator[ConfigEvent]:
    if before.interfaces == after.interfaces:
        return
    old = {name: interface.crypto_map for name, interface in before.interfaces.items()}
    new = {name: interface.crypto_map for name, interface in after.interfaces.items()}
    for name, attached in old.items():
        if attached is not None and new.get(name) != attached:
            yield CryptoMapDetached(attached, name)
    for name, attached in new.items():
        if attached is not None and old.get(name) != attached:
            yield CryptoMapAttached(attached, name)


def _policies(before: CryptoConfig, after: CryptoConfig) -> Iterator[ConfigEvent]:
    for priority, policy in before.policies.items():
        if priority not in after.policies:
            yield IsakmpPolicyDeleted(policy)
    for priority, policy in after.policies.items():
        if priority not in before.policies:
            yield IsakmpPolicyAdded(policy)


def _crypto(before: CryptoConfig, after: CryptoConfig) -> Iterator[ConfigEvent]:
    old, new = ({}, {}) if before.maps == after.maps else (_entries(before), _entries(after))
    for key, entry in old.items():
        if key not in new:
            yield CryptoMapDeleted(entry)
    for key, entry in new.items():
        if key not in old:
            yield CryptoMapAdded(entry)
    edited = any(old.get(key, entry) != entry for key, entry in new.items())
    policies = before.policies
    edited = edited or any(policies.get(priority, policy) != policy for priority, policy in after.policies.items())
    if edited or _map_settings(before) != _map_settings(after) or _rest(before) != _rest(after):
        yield CryptoChanged()


def _map_settings(crypto: CryptoConfig) -> list[object]:
    """The settings of whole maps. A map without such settings does not count."""
    bare = [replace(each, entries=()) for each in crypto.maps.values()]
    return [each for each in bare if each != type(each)(each.name)]


def _rest(crypto: CryptoConfig) -> list[object]:
    left_out = _WITH_EVENTS_OF_THEIR_OWN | {"policies", "maps"}
    return [getattr(crypto, item.name) for item in fields(crypto) if item.name not in left_out]


def _interfaces(before: RouterConfig, after: RouterConfig) -> Iterator[ConfigEvent]:
    old, new = before.interfaces, after.interfaces
    for name in dict.fromkeys((*old, *new)) if old != new else ():
        was, now = old.get(name), new.get(name)
        if was is now:
            continue
        if was is None or now is None or replace(was, crypto_map=None) != replace(now, crypto_map=None):
            yield InterfaceChanged(name)


def _others(before: RouterConfig, after: RouterConfig) -> Iterator[ConfigEvent]:
    for name in dict.fromkeys((*before.vrfs, *after.vrfs)):
        if before.vrfs.get(name) != after.vrfs.get(name):
            yield VrfChanged(name)
    if before.routes != after.routes or before.access_lists != after.access_lists:
        yield RoutingChanged()
    if before.hosts != after.hosts:
        yield HostsChanged()
    edited = {f.name for f in fields(SnmpConfig) if getattr(before.snmp, f.name) != getattr(after.snmp, f.name)}
    if edited - _WITH_EVENTS_OF_THEIR_OWN - _SNMP_TEXTS:
        yield SnmpChanged()
    if edited & _SNMP_TEXTS:
        yield SnmpTextSet()
    if before.hostname != after.hostname:
        yield HostnameSet(after.hostname)
    if before.logging != after.logging:
        yield LoggingChanged(before.logging)
    if (before.aaa, before.radius, _logins(before)) != (after.aaa, after.radius, _logins(after)):
        yield AaaChanged()


def _logins(config: RouterConfig) -> list[tuple[object, ...]]:
    """What the terminal lines say about log-ins."""
    said = ((key, line.login, line.login_list, line.exec_list, line.password) for key, line in config.lines.items())
    return [each for each in said if any(value is not None for value in each[1:])]
