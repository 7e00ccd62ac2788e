"""Shell room: `show snmp …`: the counters of the SNMP engine, its receivers, communities, groups, users, views and contexts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.config.snmp_model import SnmpConfig, SnmpGroup
from agent.shell.router import NotificationHost

NOT_ENABLED = "%SNMP agent not enabled"

_MODELS = {"1": "v1", "2c": "v2c", "3": "v3"}
_INPUT = (
    ("snmpInBadVersions", "Bad SNMP version errors"),
    ("snmpInBadCommunityNames", "Unknown community name"),
    ("snmpInBadCommunityUses", "Illegal operation for community name supplied"),
    ("snmpInASNParseErrs", "Encoding errors"),
    ("snmpInTotalReqVars", "Number of requested variables"),
    ("snmpInTotalSetVars", "Number of altered variables"),
    ("snmpInGetRequests", "Get-request PDUs"),
    ("snmpInGetNexts", "Get-next PDUs"),
    ("snmpInSetRequests", "Set-request PDUs"),
)
_OUTPUT = (
    ("snmpOutNoSuchNames", "No such name errors"),
    ("snmpOutBadValues", "Bad values errors"),
    ("snmpOutGenErrs", "General errors"),
    ("snmpOutGetResponses", "Response PDUs"),
    ("snmpOutTraps", "Trap PDUs"),
)
# The view that IOS has from the start: all but the modules that hold names of users and communities.
_DEFAULT_VIEW = (
    ("v1default", "iso", True),
    ("v1default", "snmpUsmMIB", False),
    ("v1default", "snmpVacmMIB", False),
    ("v1default", "snmpCommunityMIB", False),
)


def statistics_lines(
    snmp: SnmpConfig, serial: str, count: Callable[[str], int], hosts: Sequence[NotificationHost]
) -> Iterator[str]:
    """`show snmp`. The chassis is the one of `snmp-server chassis-id`, else `serial`."""
    yield f"Chassis: {snmp.chassis_id or serial}"
    if snmp.contact:
        yield f"Contact: {snmp.contact}"
    if snmp.location:
        yield f"Location: {snmp.location}"
    yield f"{count('snmpInPkts')} SNMP packets input"
    yield from (f"    {count(name)} {text}" for name, text in _INPUT)
    yield "    0 Input queue packet drops (Maximum queue size 1000)"  # IOS's queue: no request waits in one here
    yield f"{count('snmpOutPkts')} SNMP packets output"
    yield f"    {count('snmpOutTooBigs')} Too big errors (Maximum packet size {snmp.packet_size})"
    yield from (f"    {count(name)} {text}" for name, text in _OUTPUT)
    yield "Packets currently in SNMP process input queue: 0"
    yield f"SNMP global trap: {_enabled(bool(snmp.traps))}"
    yield ""
    yield f"SNMP logging: {_enabled(bool(hosts))}"
    for each in hosts:
        counts = f"{each.waiting}/{each.limit}, {each.delivered} sent, {each.dropped} dropped."
        yield f"    Logging to {each.address}.{each.host.port}, {counts}"


def _enabled(yes: bool) -> str:
    return "enabled" if yes else "disabled"


def host_lines(hosts: Iterable[NotificationHost]) -> Iterator[str]:
    """`show snmp host`."""
    for account in hosts:
        host = account.host
        kind = "inform" if host.informs else "trap"
        level = host.level if host.version == "3" else ""
        yield f"Notification host: {account.address} udp-port: {host.port}   type: {kind}"
        yield f"user: {host.community}\tsecurity model: {_MODELS[host.version]} {level}".rstrip()
        # IOS shows no counts here; these are in the words of its `show snmp`.
        unanswered = f", {account.unanswered} unanswered" if host.informs else ""
        yield f"queue: {account.waiting}/{account.limit}{unanswered}, {account.delivered} sent, {account.dropped} dropped"
        yield ""


def community_lines(snmp: SnmpConfig) -> Iterator[str]:
    """`show snmp community`. The index of a community is its name, as in snmpCommunityTable."""
    for community in snmp.communities.values():
        yield ""
        yield f"Community name: {community.name}"
        yield f"Community Index: {community.name}"
        yield f"Community SecurityName: {community.name}"
        yield f"storage-type: nonvolatile\t active{_access_list(community.acl)}"
        yield ""


def group_lines(snmp: SnmpConfig, in_force: Iterable[SnmpGroup]) -> Iterator[str]:
    """`show snmp group`. A community makes a volatile group of its name."""
    configured = {(group.name, group.model) for group in snmp.groups.values()}
    unused = [group for group in snmp.groups.values() if group.model != "v3" and group.name not in snmp.communities]
    for group in (*in_force, *unused):
        storage = "nonvolatile" if (group.name, group.model) in configured else "volatile"
        community = snmp.communities.get(group.name) if group.model != "v3" else None
        lists = group.acl or (community.acl if community else None)
        model = f"v3 {group.level}" if group.model == "v3" else group.model
        yield f"groupname: {group.name:<32} security model:{model}"
        yield f"contextname: {group.context or '<no context specified>':<30} storage-type: {storage}"
        yield f"readview : {group.read or '<no readview specified>':<32} writeview: {group.write or '<no writeview specified>'}"
        yield f"notifyview: {group.notify or '<no notifyview specified>'}"
        yield f"row status: active{_access_list(lists)}"
        yield ""


def user_lines(snmp: SnmpConfig, engine_id: bytes, only: str | None = None) -> Iterator[str]:
    """`show snmp user`: no secrets."""
    for user in snmp.users.values():
        if only in (None, user.name):
            yield f"User name: {user.name}"
            yield f"Engine ID: {engine_id.hex().upper()}"
            yield f"storage-type: nonvolatile\t active{_access_list(user.acl)}"
            yield f"Authentication Protocol: {user.auth.upper() if user.auth else 'None'}"
            yield f"Privacy Protocol: {user.priv.upper() if user.priv else 'None'}"
            yield f"Group-name: {user.group}"
            yield ""


def view_lines(snmp: SnmpConfig) -> Iterator[str]:
    """`show snmp view`: the views of the configuration, and the one that is always there."""
    for view in snmp.views.values():
        yield from (f"{view.name} {line.subtree} - {_included(line.included)} nonvolatile active" for line in view.subtrees)
    yield from (f"{name} {subtree} - {_included(included)} permanent active" for name, subtree, included in _DEFAULT_VIEW)


def engine_lines(engine_id: bytes) -> Iterator[str]:
    """`show snmp engineID`."""
    yield f"Local SNMP engineID: {engine_id.hex().upper()}"
    yield "Remote Engine ID          IP-addr    Port"


def _included(yes: bool) -> str:
    return "included" if yes else "excluded"


def _access_list(name: str | None) -> str:
    return f"\taccess-list: {name}" if name else ""
