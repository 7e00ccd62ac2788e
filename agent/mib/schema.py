"""Mib room: the compiled modules as small immutable values: objects, tables and notifications (RFC 2578).

Textual conventions (RFC 2579) are resolved to their base types. `encode_index` encodes index values (RFC 2578 §7.7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from agent.base.text import octets_of

Oid = tuple[int, ...]
Ranges = tuple[tuple[int, int], ...]
IndexValue = int | str | bytes | Oid | IPv4Address | IPv6Address

# The base types by their names in SMIv2 and in SMIv1, which older files use.
_BASES = {
    "INTEGER": "Integer32",
    "Integer32": "Integer32",
    "Unsigned32": "Unsigned32",
    "Gauge32": "Gauge32",
    "Gauge": "Gauge32",
    "Counter32": "Counter32",
    "Counter": "Counter32",
    "Counter64": "Counter64",
    "TimeTicks": "TimeTicks",
    "OCTET STRING": "OctetString",
    "OBJECT IDENTIFIER": "ObjectIdentifier",
    "IpAddress": "IpAddress",
    "NetworkAddress": "IpAddress",
    "BITS": "Bits",
    "Bits": "Bits",
    "Opaque": "Opaque",
}


class SchemaError(Exception):
    """The documents do not fit together. `module` is the one with the error."""

    def __init__(self, module: str, problem: str) -> None:
        super().__init__(problem)
        self.module = module


@dataclass(frozen=True, slots=True)
class Syntax:
    """A resolved type.

    `base` is one of Integer32, Unsigned32, Gauge32, Counter32, Counter64, TimeTicks, OctetString,
    ObjectIdentifier, IpAddress, Bits, Opaque; `name` the type as the object names it; `enum` the labels of an INTEGER, or the
    bit positions of a BITS; `ranges` and `sizes` (in octets) inclusive, empty where the base's own limits hold."""

    base: str
    name: str
    enum: Mapping[str, int] | None = field(default=None, hash=False)
    ranges: Ranges = ()
    sizes: Ranges = ()
    display_hint: str | None = None

    def number(self, label: str) -> int:
        """The number of an enumeration's label; KeyError where it has none: that value cannot be represented."""
        return (self.enum or {})[label]

    def label(self, number: int) -> str | None:
        """The label of a number, or None."""
        return next((label for label, value in (self.enum or {}).items() if value == number), None)


@dataclass(frozen=True, slots=True)
class Object:
    """An OBJECT-TYPE. `kind` is scalar, column, table or row; tables and rows have no syntax. `access` is MAX-ACCESS."""

    module: str
    name: str
    oid: Oid
    kind: str
    access: str
    syntax: Syntax | None
    units: str | None = None
    default: int | bytes | Oid | None = None
    status: str = "current"

    @property
    def accessible(self) -> bool:
        """Whether a manager can read it (RFC 2578 §7.3)."""
        return self.access not in ("not-accessible", "accessible-for-notify")

    @property
    def writable(self) -> bool:
        return self.access in ("read-write", "read-create")


@dataclass(frozen=True, slots=True)
class Table:
    """A conceptual table: `entry` is its row's OID; an augmenting table has the index of the table that it augments."""

    module: str
    name: str
    oid: Oid
    entry: Oid
    index: tuple[Object, ...]
    implied_last: bool
    columns: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """A NOTIFICATION-TYPE: the names of its objects in the order in which they are sent."""

    module: str
    name: str
    oid: Oid
    objects: tuple[str, ...]


class Schema:
    """All objects, tables and notifications of the compiled modules, by name. Unknown names raise KeyError."""

    def __init__(
        self,
        objects: Mapping[str, Object],
        tables: Mapping[str, Table],
        notifications: Mapping[str, Notification],
        names: Mapping[str, Oid],
    ) -> None:
        self._objects = objects
        self._tables = tables
        self._notifications = notifications
        self._names = names
        self._accessible = tuple(
            sorted((obj for obj in objects.values() if obj.syntax is not None and obj.accessible), key=lambda obj: obj.oid)
        )

    def object(self, name: str) -> Object:
        return self._objects[name]

    def table(self, name: str) -> Table:
        return self._tables[name]

    def tables(self) -> Iterator[Table]:
        return iter(self._tables.values())

    def notification(self, name: str) -> Notification:
        return self._notifications[name]

    def notifications(self) -> Iterator[Notification]:
        return iter(self._notifications.values())

    def accessible(self) -> Iterator[Object]:
        """Every scalar and column that a manager can read, in OID order."""
        return iter(self._accessible)

    def oid_of(self, name: str) -> Oid:
        """The OID of anything that has one: `iso`, `mib-2` and `cipSecMIBObjects` as well as objects (an IOS view names such)."""
        return self._names[name]

    def encode_index(self, table: Table, values: Sequence[IndexValue]) -> Oid:
        """See `encode_index`."""
        return encode_index(table, values)


def encode_index(table: Table, values: Sequence[IndexValue]) -> Oid:
    """The sub-identifiers of a row's index (RFC 2578 §7.7), one value for each object of the table's INDEX.

    Numbers stand for themselves (an enumeration's label for its number); strings and OIDs are preceded by their length unless the
    size is fixed or the last is IMPLIED. Strings may be given as text, addresses as such. ValueError where a value does not fit.
    """
    if len(values) != len(table.index):
        raise ValueError(f"{table.name} is indexed by {len(table.index)} values, not {len(values)}")
    parts: list[int] = []
    last = len(values) - 1
    for place, (obj, value) in enumerate(zip(table.index, values, strict=True)):
        syntax = obj.syntax
        if syntax is None:
            raise ValueError(f"{obj.name} has no syntax and cannot index {table.name}")
        if isinstance(value, int):
            parts.append(value)
        elif isinstance(value, str) and syntax.enum:
            parts.append(syntax.enum[value])
        else:
            content = _content(value)
            if not (table.implied_last and place == last) and not _fixed_size(syntax):
                parts.append(len(content))
            parts.extend(content)
    return tuple(parts)


def _content(value: str | bytes | Oid | IPv4Address | IPv6Address) -> bytes | Oid:
    if isinstance(value, str):
        return octets_of(value)
    if isinstance(value, IPv4Address | IPv6Address):
        return value.packed
    return value


def _fixed_size(syntax: Syntax) -> bool:
    if syntax.base == "IpAddress":
        return True
    return len(syntax.sizes) == 1 and syntax.sizes[0][0] == syntax.sizes[0][1]


def build_schema(documents: Mapping[str, Mapping[str, Any]]) -> Schema:
    """The schema of compiled modules: pysmi's JSON documents by module name. Raises SchemaError where they do not fit together."""
    types = _Types(documents)
    objects: dict[str, Object] = {}
    rows: dict[Oid, tuple[str, Mapping[str, Any]]] = {}
    columns: dict[Oid, list[Object]] = {}
    notifications: dict[str, Notification] = {}
    names: dict[str, Oid] = {"iso": (1,)}

    for module, document in documents.items():
        for entry in document.values():
            written = entry.get("oid")
            if written is None:
                continue
            name = entry["name"]
            oid = tuple(map(int, written.split(".")))
            names[name] = oid
            if entry["class"] == "objecttype":
                obj = objects[name] = _object(types, module, name, oid, entry)
                if obj.kind == "column":
                    columns.setdefault(oid[:-1], []).append(obj)
                elif obj.kind == "row":
                    rows[oid] = (module, entry)
            elif entry["class"] == "notificationtype":
                carried = tuple(carried["object"] for carried in entry.get("objects", ()))
                notifications[name] = Notification(module, name, oid, carried)

    tables = {
        table.name: table
        for oid, (module, entry) in rows.items()
        if (table := _table(objects, names, columns, rows, module, oid, entry)) is not None
    }
    return Schema(objects, tables, notifications, names)


def _object(types: _Types, module: str, name: str, oid: Oid, entry: Mapping[str, Any]) -> Object:
    kind = entry["nodetype"]
    syntax = types.resolve(module, entry["syntax"]) if kind in ("scalar", "column") else None
    return Object(
        module=module,
        name=name,
        oid=oid,
        kind=kind,
        access=entry["maxaccess"],
        syntax=syntax,
        units=entry.get("units"),
        default=_default(entry["default"]["default"]) if "default" in entry else None,
        status=entry.get("status", "current"),
    )


def _table(
    objects: Mapping[str, Object],
    names: Mapping[str, Oid],
    columns: Mapping[Oid, list[Object]],
    rows: Mapping[Oid, tuple[str, Mapping[str, Any]]],
    module: str,
    entry_oid: Oid,
    entry: Mapping[str, Any],
) -> Table | None:
    table = next((obj for obj in objects.values() if obj.kind == "table" and obj.oid == entry_oid[:-1]), None)
    if table is None:
        return None
    source = entry
    while "augmention" in source:
        augmented = source["augmention"]["object"]
        if augmented not in names or names[augmented] not in rows:
            raise SchemaError(module, f"{entry['name']} augments {augmented}, which is no row")
        source = rows[names[augmented]][1]
    indices = source.get("indices", ())
    unknown = next((index["object"] for index in indices if index["object"] not in objects), None)
    if unknown is not None:
        raise SchemaError(module, f"{entry['name']} is indexed by {unknown}, which is no object")
    return Table(
        module=module,
        name=table.name,
        oid=table.oid,
        entry=entry_oid,
        index=tuple(objects[index["object"]] for index in indices),
        implied_last=bool(indices and indices[-1]["implied"]),
        columns=tuple(sorted(columns.get(entry_oid, ()), key=lambda obj: obj.oid)),
    )


def _default(default: Mapping[str, Any]) -> int | bytes | Oid | None:
    reader = _DEFAULTS.get(default["format"])
    return None if reader is None else reader(default["value"])


def _bit_string(value: Mapping[str, Any]) -> bytes:
    """A BITS default: bit 0 is the highest bit of the first octet (RFC 3417 §8)."""
    octets = bytearray(max(value["bits"].values(), default=-1) // 8 + 1)
    for bit in value["bits"].values():
        octets[bit // 8] |= 0x80 >> bit % 8
    return bytes(octets)


# By the format that pysmi gives a DEFVAL in; an OID comes as text, with points or commas.
_DEFAULTS: Mapping[str, Callable[[Any], int | bytes | Oid]] = {
    "decimal": int,
    "hex": bytes.fromhex,
    "string": str.encode,
    "bits": _bit_string,
    "oid": lambda value: tuple(map(int, re.findall(r"\d+", value))),
}


class _Types:
    """Types by module and name: textual conventions of one name in two modules are two types, told apart by the imports."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._documents = documents
        self._resolved: dict[tuple[str, str], Syntax] = {}

    def resolve(self, module: str, written: Mapping[str, Any]) -> Syntax:
        """The type that an object or a convention is written with: what it names, narrowed by what it adds."""
        parent = self._named(module, written["type"])
        constraints = written.get("constraints")
        bits = written.get("bits")
        if not constraints and not bits:
            return parent
        constraints = constraints or {}
        return Syntax(
            base=parent.base,
            name=parent.name,
            enum=constraints.get("enumeration") or bits or parent.enum,
            ranges=_limits(constraints.get("range")) or parent.ranges,
            sizes=_limits(constraints.get("size")) or parent.sizes,
            display_hint=parent.display_hint,
        )

    def _named(self, module: str, name: str) -> Syntax:
        known = self._resolved.get((module, name))
        if known is None:
            known = self._resolved[module, name] = self._define(module, name)
        return known

    def _define(self, module: str, name: str) -> Syntax:
        if name in _BASES:
            return Syntax(_BASES[name], name)
        document = self._documents[module]
        definition = document.get(name.replace("-", "_"))
        if definition is None or "type" not in definition:
            source = next((source for source, symbols in document.get("imports", {}).items() if name in symbols), "")
            if source not in self._documents or source == module:
                raise SchemaError(module, f"the type {name} is neither defined nor imported")
            return self._named(source, name)
        base = self.resolve(module, definition["type"])
        return Syntax(
            base=base.base,
            name=name,
            enum=base.enum,
            ranges=base.ranges,
            sizes=base.sizes,
            display_hint=definition.get("displayhint") or base.display_hint,
        )


def _limits(constraint: Sequence[Mapping[str, int]] | None) -> Ranges:
    return tuple((limits["min"], limits["max"]) for limits in constraint or ())
