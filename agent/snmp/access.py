"""Snmp room: the access rules of one endpoint, compiled (RFC 3415 §3.2 for SNMPv3, IOS's rules for communities).

Both paths use them, and no others. A policy never changes: a changed configuration is compiled to a new one.

- A community that `snmp mib community-map` maps to a context reads that context, any other the global one, "". Its own RO or RW
  and view hold for v1 and v2c; an `snmp-server group` of its name for that model and context adds to that, replacing only the views
  that it names.
- A v3 user gets what its group says, for the level and context of the request, and nothing else. As in IOS a group without a read
  view reads `v1default`, and one without a write view writes nothing.
- Access lists must permit the source; one that is not defined, or has no entries, permits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address

from agent.base.text import octets_of
from agent.config.model import AccessList
from agent.config.snmp_model import Community, SnmpConfig, SnmpGroup, SnmpView
from agent.mib.schema import Oid
from agent.snmp.endpoint import Endpoint
from agent.snmp.view import NOTHING, Family, UnknownSubtreeError, View, ViewMaker

Source = IPv4Address | IPv6Address

LEVELS = {"noauth": 1, "auth": 2, "priv": 3}  # SnmpSecurityLevel
DEFAULT_VIEW = "v1default"
OWN_NOTIFY_VIEW = "*tv."  # the names of notify views that IOS makes itself begin so
EVERY_NOTIFICATION = f"{OWN_NOTIFY_VIEW}FFFFFFFF.FFFFFFFF.FFFFFFFF.F"  # such a name


@dataclass(frozen=True, slots=True)
class Grant:
    """What a requester may do in a context. Without a write or notify view, it may do nothing of that kind."""

    context: str
    read: View
    write: View | None = None
    notify: View | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A community for one model: its grant, and the access lists that must all permit."""

    grant: Grant
    lists: tuple[AccessList, ...]


@dataclass(frozen=True, slots=True)
class _GroupAccess:
    """A row of vacmAccessTable."""

    level: int
    context: str
    prefix: bool
    read: View
    write: View | None
    notify: View | None
    lists: tuple[AccessList, ...]

    def covers(self, context: str) -> bool:
        return context.startswith(self.context) if self.prefix else context == self.context


@dataclass(frozen=True, slots=True)
class _KnownUser:
    access: tuple[_GroupAccess, ...]
    lists: tuple[AccessList, ...]


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """The compiled rules. `problems` are lines that could not be compiled, for the log; they grant nothing."""

    contexts: frozenset[str] = frozenset({""})
    problems: tuple[str, ...] = ()
    _communities: Mapping[tuple[bytes, str], _Known] = field(default_factory=dict)
    _users: Mapping[bytes, _KnownUser] = field(default_factory=dict)

    def community(self, name: bytes, model: str, source: Source | None) -> Grant | None:
        """What a community may do by model "v1" or "v2c"; None if it is unknown, or if an access list refuses the source.

        A `source` of None has been admitted already.
        """
        known = self._communities.get((name, model))
        if known is None or not _permitted(known.lists, source):
            return None
        return known.grant

    def refusal(self, name: bytes, model: str, source: Source) -> str:
        """Why a community is refused, in words for a log."""
        known = self._communities.get((name, model))
        if known is None:
            return "no such community"
        return _refused_by(known.lists, source) or "refused"

    def community_names(self) -> Iterable[tuple[bytes, str]]:
        """Every community with each of its models."""
        return self._communities.keys()

    def user(self, name: bytes, level: str, context: str, source: Source | None = None) -> Grant | None:
        """What a v3 user may do with a request of that security level in a context; None if no group grants access.

        Of several rows that apply, the exact context wins over a prefix, the longer prefix over the shorter, and the higher level
        over the lower (RFC 3415 §4, vacmAccessTable).
        """
        known = self._users.get(name)
        if known is None or context not in self.contexts or not _permitted(known.lists, source):
            return None
        asked = LEVELS[level]
        rows = [row for row in known.access if row.level <= asked and row.covers(context) and _permitted(row.lists, source)]
        if not rows:
            return None
        row = max(rows, key=lambda row: (not row.prefix, len(row.context), row.level))
        return Grant(context, row.read, row.write, row.notify)

    def user_refusal(self, name: bytes, level: str, context: str, source: Source) -> str | None:
        """The access list, of a v3 user or its groups, that refuses a request, in words for the log; None if none does."""
        known = self._users.get(name)
        if known is None:
            return None
        rows = [row for row in known.access if row.level <= LEVELS[level] and row.covers(context)]
        return _refused_by(known.lists, source) or _refused_by([each for row in rows for each in row.lists], source)

    def admits(self, user: bytes, source: Source) -> bool:
        """Whether a v3 user's own access list permits a source."""
        known = self._users.get(user)
        return known is None or _permitted(known.lists, source)


class _Views:
    """Views by name, compiled once each."""

    def __init__(self, views: Iterable[SnmpView], resolve: Callable[[str], Oid]) -> None:
        self.problems: list[str] = []
        maker = ViewMaker(resolve)
        self._everything = maker.everything
        self._views = {DEFAULT_VIEW: maker.internet}
        for view in views:
            families: list[Family] = []
            for line in view.subtrees:
                try:
                    families.append(maker.family(line))
                except UnknownSubtreeError:
                    self.problems.append(f"snmp-server view {view.name}: no MIB module names {line.subtree}")
                    if not line.included:
                        # The subtree to hide is not known: hide everything.
                        families = []
                        break
            self._views[view.name] = maker.view(families) if families else NOTHING

    def named(self, name: str) -> View:
        """A view by name. An undefined view includes nothing (RFC 3415 §3.2 noSuchView)."""
        return self._views.get(name, NOTHING)

    def all(self) -> dict[str, View]:
        """Every view, those that IOS makes itself among them."""
        return {**self._views, EVERY_NOTIFICATION: self._everything}

    def optional(self, name: str | None) -> View | None:
        return None if name is None else self.named(name)

    def notify(self, name: str | None) -> View | None:
        return self._everything if name is not None and name.startswith(OWN_NOTIFY_VIEW) else self.optional(name)


def compile_policy(endpoint: Endpoint, resolve: Callable[[str], Oid]) -> AccessPolicy:
    """The access rules of an endpoint. `resolve` gives the OID of a name in a view, raising KeyError for an unknown one."""
    snmp, lists = endpoint.snmp, endpoint.access_lists
    views = _Views(snmp.views.values(), resolve)
    contexts = frozenset(endpoint.contexts)
    communities = {}
    for community in snmp.communities.values():
        context = snmp.community_contexts.get(community.name, "")
        if context not in contexts:
            views.problems.append(f"snmp mib community-map {community.name}: no VRF has the context {context}")
            continue
        for model in ("v1", "v2c"):
            rights, acls = community_group(snmp, community, context, model)
            grant = Grant(context, views.named(rights.read or ""), views.optional(rights.write), views.notify(rights.notify))
            communities[octets_of(community.name), model] = _Known(grant, _lists(lists, acls))
    return AccessPolicy(contexts, tuple(views.problems), communities, _users(snmp, lists, views))


def compiled_views(snmp: SnmpConfig, resolve: Callable[[str], Oid]) -> dict[str, View]:
    """The views by name, those that IOS makes itself among them."""
    return _Views(snmp.views.values(), resolve).all()


def community_group(snmp: SnmpConfig, community: Community, context: str, model: str) -> tuple[SnmpGroup, list[str | None]]:
    """What a community may do by a model, as a group of its name, with the names of the access lists that must all permit.

    A group of its name that is configured for that model and context replaces only the views that it names.
    """
    own = community.view or DEFAULT_VIEW
    rights = SnmpGroup(community.name, model, "noauth", context, own, own if community.access == "RW" else None, EVERY_NOTIFICATION)
    lists = [community.acl]
    for group in _groups(snmp, community.name, model):
        if _covers(group, context):
            rights = replace(
                rights,
                read=group.read or rights.read,
                write=group.write or rights.write,
                notify=group.notify or rights.notify,
            )
            lists.append(group.acl)
    return rights, lists


def user_groups(snmp: SnmpConfig) -> list[SnmpGroup]:
    """The groups of SNMPv3 users, with the views that IOS gives those that name none."""
    notified = {host.community for host in snmp.hosts.values() if host.version == "3"}
    # `snmp-server host … version 3 … U` has IOS give U's group a notify view of its own, where the group names none.
    served = {user.group for user in snmp.users.values() if user.model == "v3" and user.name in notified}
    return [
        replace(
            group,
            read=group.read or DEFAULT_VIEW,
            notify=group.notify or (EVERY_NOTIFICATION if group.name in served else None),
        )
        for group in snmp.groups.values()
        if group.model == "v3"
    ]


def _users(snmp: SnmpConfig, lists: Mapping[str, AccessList], views: _Views) -> dict[bytes, _KnownUser]:
    groups = user_groups(snmp)
    users = {}
    for user in snmp.users.values():
        if user.model == "v3":
            rows = tuple(_group_access(group, views, lists) for group in groups if group.name == user.group)
            users[octets_of(user.name)] = _KnownUser(rows, _lists(lists, [user.acl]))
    return users


def _groups(snmp: SnmpConfig, name: str, model: str) -> list[SnmpGroup]:
    return [group for group in snmp.groups.values() if group.name == name and group.model == model]


def _covers(group: SnmpGroup, context: str) -> bool:
    named = group.context or ""
    return context.startswith(named) if group.match == "prefix" else context == named


def _group_access(group: SnmpGroup, views: _Views, lists: Mapping[str, AccessList]) -> _GroupAccess:
    return _GroupAccess(
        LEVELS[group.level],
        group.context or "",
        group.match == "prefix",
        views.named(group.read or ""),
        views.optional(group.write),
        views.notify(group.notify),
        _lists(lists, [group.acl]),
    )


def _lists(known: Mapping[str, AccessList], names: Iterable[str | None]) -> tuple[AccessList, ...]:
    """The access lists with entries. A list without entries permits, like an undefined one."""
    found = (known.get(name) for name in names if name is not None)
    return tuple(each for each in found if each is not None and each.entries)


def _refused_by(lists: Sequence[AccessList], source: Source) -> str | None:
    """The first list that refuses a source, in words; None if none does."""
    name = next((each.name for each in lists if not _permitted((each,), source)), None)
    return None if name is None else f"refused by access-list {name}"


def _permitted(lists: tuple[AccessList, ...], source: Source | None) -> bool:
    if not lists or source is None:
        return True
    if isinstance(source, IPv6Address):
        mapped = source.ipv4_mapped
        if mapped is None:
            return False  # no entry of an IPv4 list matches, so the list denies
        source = mapped
    return all(known.permits(source) for known in lists)


__all__ = ["LEVELS", "AccessPolicy", "Grant", "Source", "View", "compile_policy"]
