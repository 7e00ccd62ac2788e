"""Snmp room: the modules that show the SNMP engine itself: SNMP-FRAMEWORK, -MPD, -TARGET, -NOTIFICATION, -USER-BASED-SM,
-VIEW-BASED-ACM and -COMMUNITY-MIB (RFC 3411–3415, RFC 3584 §5.2).

They follow the configuration, are read-only, and have no keys. A view includes them only if it names them (`view.py`). The tables
of access control are made from the same groups and views as the access policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp

from agent.config.events import HostsChanged, SnmpChanged, VrfChanged
from agent.config.snmp_model import SnmpConfig, SnmpGroup, SnmpHost
from agent.mib.context import Context
from agent.mib.declare import InContext, ScalarView, TableView, Value, computed
from agent.mib.schema import Oid
from agent.snmp.access import LEVELS, community_group, compiled_views, user_groups
from agent.snmp.endpoint import Endpoint, address_of
from agent.snmp.identity import LocalEngine
from agent.snmp.informs import Patience
from agent.snmp.usm_message import LARGEST_UDP_PAYLOAD
from agent.snmp.view import Family

_LONGEST_NAME = 32  # octets of an index that is a name

_MODELS = {"v1": 1, "v2c": 2, "v3": 3}  # SnmpSecurityModel
_HOST_MODELS = {"1": (0, 1), "2c": (1, 2), "3": (3, 3)}  # SnmpMessageProcessingModel and SnmpSecurityModel
_LEVEL_LABELS = {"noauth": "noAuthNoPriv", "auth": "authNoPriv", "priv": "authPriv"}
_AUTHENTICATION = {
    None: "usmNoAuthProtocol",
    "md5": "usmHMACMD5AuthProtocol",
    "sha": "usmHMACSHAAuthProtocol",
    "sha224": "usmHMAC128SHA224AuthProtocol",
    "sha256": "usmHMAC192SHA256AuthProtocol",
    "sha384": "usmHMAC256SHA384AuthProtocol",
    "sha512": "usmHMAC384SHA512AuthProtocol",
}
# Triple DES and AES with longer keys have no name in a module of the IETF's.
_PRIVACY = {None: "usmNoPrivProtocol", "des": "usmDESPrivProtocol", "aes128": "usmAesCfb128Protocol"}
_NO_ROW: Oid = (0, 0)
_COUNTERS = (
    "snmpUnknownSecurityModels",
    "snmpInvalidMsgs",
    "snmpUnknownPDUHandlers",
    "snmpUnavailableContexts",
    "snmpUnknownContexts",
    "usmStatsUnsupportedSecLevels",
    "usmStatsNotInTimeWindows",
    "usmStatsUnknownUserNames",
    "usmStatsUnknownEngineIDs",
    "usmStatsWrongDigests",
    "usmStatsDecryptionErrors",
)


@dataclass(frozen=True, slots=True)
class Administration:
    """What the views read. `resolve` gives the OID of a name."""

    endpoint: Endpoint
    engine: LocalEngine
    resolve: Callable[[str], Oid]

    @property
    def engine_id(self) -> bytes:
        return self.engine.identity.engine_id


def administration_views(resolve: Callable[[str], Oid]) -> Iterator[ScalarView | TableView]:
    """The views, of contexts whose `router.administration` is an Administration.

    `resolve` gives the OID of a name, and raises KeyError where the modules have none.
    """
    yield _scalars()
    yield from _target_tables()
    yield _user_table(resolve)
    yield from _access_tables()
    yield _community_table()


def _scalars() -> ScalarView:
    def counter(name: str) -> Value:
        return lambda row, now: row.counters.value(name)

    return ScalarView(
        lambda context: context.router.administration.engine,
        {
            "snmpEngineID": lambda row, now: row.identity.engine_id,
            "snmpEngineBoots": lambda row, now: row.identity.boots,
            "snmpEngineTime": lambda row, now: row.time(),
            "snmpEngineMaxMessageSize": _constant(LARGEST_UDP_PAYLOAD),
            **{name: counter(name) for name in _COUNTERS},
            **dict.fromkeys(("snmpTargetSpinLock", "usmUserSpinLock", "vacmViewSpinLock"), _constant(0)),
        },
        shared=True,
    )


# --- targets: a row of each table for each `snmp-server host` ---

_LONGEST_TIME_INTERVAL = 2147483647  # hundredths of a second (RFC 2579)


def _targets(endpoint: Endpoint) -> Iterator[tuple[str, tuple[SnmpHost, IPv4Address]]]:
    for number, host in enumerate(endpoint.snmp.hosts.values(), 1):
        address = address_of(host, endpoint)
        if address is not None:
            yield f"host{number}", (host, address)


def _target_tables() -> Iterator[TableView]:
    default = Patience()

    def timeout(row: Any, now: int, context: Context) -> int:
        return min(int(default.configured(_snmp(context)).timeout * 100), _LONGEST_TIME_INTERVAL)

    def retries(row: Any, now: int, context: Context) -> int:
        return default.configured(_snmp(context)).retries if row[1].informs else 0

    def targets(shown: Administration) -> Iterable[tuple[Any, Any]]:
        # The name is in the row as well, for tags and parameters are named after it.
        return [(name, (name, *target)) for name, target in _targets(shown.endpoint)]

    yield _table(
        "snmpTargetAddrTable",
        targets,
        {
            "snmpTargetAddrTDomain": _constant(tuple(udp.DOMAIN_NAME)),
            "snmpTargetAddrTAddress": lambda row, now: row[2].packed + row[1].port.to_bytes(2, "big"),
            "snmpTargetAddrTimeout": InContext(timeout),
            "snmpTargetAddrRetryCount": InContext(retries),
            "snmpTargetAddrTagList": lambda row, now: row[0],
            "snmpTargetAddrParams": lambda row, now: row[0],
            **_kept("snmpTargetAddrStorageType", "snmpTargetAddrRowStatus"),
        },
    )
    yield _table(
        "snmpTargetParamsTable",
        targets,
        {
            "snmpTargetParamsMPModel": lambda row, now: _HOST_MODELS[row[1].version][0],
            "snmpTargetParamsSecurityModel": lambda row, now: _HOST_MODELS[row[1].version][1],
            "snmpTargetParamsSecurityName": lambda row, now: row[1].community,
            "snmpTargetParamsSecurityLevel": lambda row, now: _LEVEL_LABELS[row[1].level],
            **_kept("snmpTargetParamsStorageType", "snmpTargetParamsRowStatus"),
        },
    )
    yield _table("snmpTargetAddrExtTable", targets, {"snmpTargetAddrTMask": _constant(b""), "snmpTargetAddrMMS": _constant(0)})
    yield _table(
        "snmpNotifyTable",
        targets,
        {
            "snmpNotifyTag": lambda row, now: row[0],
            "snmpNotifyType": lambda row, now: "inform" if row[1].informs and row[1].version != "1" else "trap",
            **_kept("snmpNotifyStorageType", "snmpNotifyRowStatus"),
        },
    )
    # What a host's list of types holds back is not told by subtrees: the filter tables exist, and have no rows.
    yield _table(
        "snmpNotifyFilterProfileTable",
        _nothing,
        {
            "snmpNotifyFilterProfileName": _constant(None),
            **_kept("snmpNotifyFilterProfileStorType", "snmpNotifyFilterProfileRowStatus"),
        },
    )
    yield _table(
        "snmpNotifyFilterTable",
        _nothing,
        {
            "snmpNotifyFilterMask": _constant(None),
            "snmpNotifyFilterType": _constant(None),
            **_kept("snmpNotifyFilterStorageType", "snmpNotifyFilterRowStatus"),
        },
    )


# --- users and communities ---


def _user_table(resolve: Callable[[str], Oid]) -> TableView:
    def users(shown: Administration) -> Iterable[tuple[Any, Any]]:
        return [((shown.engine_id, user.name), user) for user in shown.endpoint.snmp.users.values() if user.model == "v3"]

    def protocol(names: Mapping[str | None, str], kind: str) -> Value:
        oids = {said: resolve(name) for said, name in names.items()}
        return lambda row, now: oids.get(getattr(row, kind))

    changes = ("usmUserAuthKeyChange", "usmUserOwnAuthKeyChange", "usmUserPrivKeyChange", "usmUserOwnPrivKeyChange")
    return _table(
        "usmUserTable",
        users,
        {
            "usmUserSecurityName": lambda row, now: row.name,
            "usmUserCloneFrom": _constant(_NO_ROW),
            "usmUserAuthProtocol": protocol(_AUTHENTICATION, "auth"),
            "usmUserPrivProtocol": protocol(_PRIVACY, "priv"),
            **dict.fromkeys((*changes, "usmUserPublic"), _constant(b"")),
            **_kept("usmUserStorageType", "usmUserStatus"),
        },
    )


def _communities(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """The communities that are answered, and the context of each."""
    contexts = endpoint.contexts
    for name in endpoint.snmp.communities:
        context = endpoint.snmp.community_contexts.get(name, "")
        if context in contexts:
            yield name, context


def _community_table() -> TableView:
    return _table(
        "snmpCommunityTable",
        lambda shown: [(name[:_LONGEST_NAME], (name, context)) for name, context in _communities(shown.endpoint)],
        {
            "snmpCommunityName": lambda row, now: row[0],
            "snmpCommunitySecurityName": lambda row, now: row[0],
            "snmpCommunityContextEngineID": InContext(lambda row, now, context: context.router.administration.engine_id),
            "snmpCommunityContextName": lambda row, now: row[1],
            "snmpCommunityTransportTag": _constant(b""),
            **_kept("snmpCommunityStorageType", "snmpCommunityStatus"),
        },
    )


# --- access control ---


def _members(endpoint: Endpoint) -> Iterator[tuple[tuple[int, str], str]]:
    """Who is in which group: a community stands for a group of its own name."""
    for name, _ in _communities(endpoint):
        for model in ("v1", "v2c"):
            yield (_MODELS[model], name), name
    for user in endpoint.snmp.users.values():
        yield (_MODELS[user.model], user.name), user.group


def groups_in_force(endpoint: Endpoint) -> Iterator[SnmpGroup]:
    """The groups of the configuration, and those that communities make."""
    yield from user_groups(endpoint.snmp)
    for name, context in _communities(endpoint):
        community = endpoint.snmp.communities[name]
        yield from (community_group(endpoint.snmp, community, context, model)[0] for model in ("v1", "v2c"))


def _rights(endpoint: Endpoint) -> Iterator[tuple[tuple[str, str, int, int], SnmpGroup]]:
    for group in groups_in_force(endpoint):
        yield (group.name, group.context or "", _MODELS[group.model], LEVELS[group.level]), group


def _access_tables() -> Iterator[TableView]:
    def families(shown: Administration) -> Iterable[tuple[Any, Any]]:
        views = compiled_views(shown.endpoint.snmp, shown.resolve)
        return [((name, family.subtree), family) for name, view in views.items() for family in view.families]

    yield _table(
        "vacmContextTable",
        lambda shown: [(context, context) for context in shown.endpoint.contexts],
        {"vacmContextName": lambda row, now: row},
    )
    yield _table(
        "vacmSecurityToGroupTable",
        lambda shown: _members(shown.endpoint),
        {
            "vacmGroupName": lambda row, now: row,
            **_kept("vacmSecurityToGroupStorageType", "vacmSecurityToGroupStatus"),
        },
    )
    yield _table(
        "vacmAccessTable",
        lambda shown: _rights(shown.endpoint),
        {
            "vacmAccessContextMatch": lambda row, now: row.match,
            "vacmAccessReadViewName": lambda row, now: row.read or "",
            "vacmAccessWriteViewName": lambda row, now: row.write or "",
            "vacmAccessNotifyViewName": lambda row, now: row.notify or "",
            **_kept("vacmAccessStorageType", "vacmAccessStatus"),
        },
    )
    yield _table(
        "vacmViewTreeFamilyTable",
        families,
        {
            "vacmViewTreeFamilyMask": lambda row, now: _mask(row),
            "vacmViewTreeFamilyType": lambda row, now: "included" if row.included else "excluded",
            **_kept("vacmViewTreeFamilyStorageType", "vacmViewTreeFamilyStatus"),
        },
    )


def _mask(family: Family) -> bytes:
    """A family's mask, its bits in the order of the sub-identifiers; empty where all of them count (RFC 3415 §4)."""
    if not family.wild:
        return b""
    size = (len(family.subtree) + 7) // 8
    bits = sum(1 << (8 * size - 1 - at) for at in range(8 * size) if at not in family.wild)
    return bits.to_bytes(size, "big")


# --- tables that follow the configuration ---


def _table(table: str, compute: Callable[[Administration], Iterable[tuple[Any, Any]]], columns: Mapping[str, Value]) -> TableView:
    """A table whose rows' keys are the values of its index."""
    rows = computed(lambda context: compute(context.router.administration), SnmpChanged, VrfChanged, HostsChanged)
    return TableView(table, rows, lambda key, row: key if isinstance(key, tuple) else (key,), columns, shared=True)


def _nothing(shown: Administration) -> Iterable[tuple[Any, Any]]:
    return ()


def _snmp(context: Context) -> SnmpConfig:
    shown: Administration = context.router.administration
    return shown.endpoint.snmp


def _constant(value: Any) -> Value:
    return lambda row, now: value


def _kept(storage: str, status: str) -> dict[str, Value]:
    """The two columns by which managers make rows, where they may not."""
    return {storage: _constant("readOnly"), status: _constant("active")}
