"""Mib room: one accessible object of a context, and its cells as the variable bindings of an answer (RFC 3416 §3).

A binding is a head (its tag and length, the name's tag and length, the column's own name), the suffix (the octets of the name that
are the row's index) and the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

from agent.mib.index import Row, TableIndex
from agent.mib.schema import Object
from agent.mib.values import MASKS, counter_cell, length, name_content, number, order_key, tag_of

LARGEST_KEPT_VALUE = 24  # octets of an encoded value whose binding's head is kept; a number takes at most 11


@dataclass(frozen=True, slots=True)
class Commit:
    """The second half of a SET of one cell; commits of lower `order` come first, those that destroy rows last."""

    act: Callable[[], object]
    order: int = 0


class SetRefusedError(Exception):
    """A value that may not be set; `status` is an error-status name of RFC 3416 ("wrongValue", "genErr", …)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Column:
    """One accessible object of a context: how its cells are named, valued and, where it is writable, set.

    `encode(subject, now)` gives a cell's tag, length and value, or None where that row does not instantiate it; `subjects` is the
    table's rows. `write(row, value)` tests a value of the right syntax, and gives the commit or raises SetRefusedError.
    """

    __slots__ = ("encode", "heads", "key", "object", "prefix", "subjects", "table", "write")

    def __init__(
        self,
        obj: Object,
        table: TableIndex,
        encode: Callable[[Any, int], bytes | None],
        write: Callable[[Row, Any], Commit] | None = None,
    ) -> None:
        self.object = obj
        self.table = table
        self.subjects: Sequence[Any] = table.rows
        self.encode = encode
        self.write = write
        self.key = order_key(obj.oid)
        self.prefix = name_content(obj.oid)
        self.heads: dict[int, list[bytes]] = {}

    def heads_of(self, suffix_size: int) -> list[bytes]:
        """What stands before a suffix of that size, by the size of the value; kept in `heads`."""
        self.heads[suffix_size] = made = [self._head(suffix_size, size) for size in range(LARGEST_KEPT_VALUE)]
        return made

    def head(self, suffix_size: int, value_size: int) -> bytes:
        """What stands before a suffix and a value of these sizes."""
        if value_size >= LARGEST_KEPT_VALUE:
            return self._head(suffix_size, value_size)
        return (self.heads.get(suffix_size) or self.heads_of(suffix_size))[value_size]

    def _head(self, suffix_size: int, value_size: int) -> bytes:
        name = b"\x06" + length(len(self.prefix) + suffix_size) + self.prefix
        return b"\x30" + length(len(name) + suffix_size + value_size) + name

    def bindings(self, first: int, count: int, now: int) -> list[bytes]:
        """Those of the first `count` cells there are in the rows from `first` on."""
        table, last = self.table, len(self.subjects)
        found: list[bytes] = []
        ahead = count
        while first < last and len(found) < count:
            same, rests = table.stretch(first, min(first + ahead, last))
            stop = first + len(rests)
            some = self.run(same, rests, self.subjects[first:stop], now)
            found += some
            first = stop
            # Where cells are missing, further ones are looked at in growing numbers.
            ahead = 2 * ahead if not some else count - len(found)
        return found[:count] if len(found) > count else found

    def run(self, same: bytes, rests: list[bytes], subjects: Sequence[Any], now: int) -> list[bytes]:
        """The bindings of a stretch of rows, whose suffixes all begin with `same` and are of one size."""
        found: list[bytes] = []
        encode = self.encode
        size = len(same) + len(rests[0])
        value_size = -1
        head = b""
        for rest, subject in zip(rests, subjects, strict=True):
            value = encode(subject, now)
            if value is None:
                continue
            if len(value) != value_size:
                value_size = len(value)
                head = self.head(size, value_size) + same
            found.append(head + rest + value)
        return found


class _Form(NamedTuple):
    """How bindings of one column are put together while the counter is in [low, high): pack(head, rest, lead, value + offset).

    What is packed last are the value's lower octets; its tag, length and upper octets stand in `lead`, and what is left of them
    comes by way of `offset`.
    """

    low: int
    high: int
    pack: Callable[..., bytes]
    head: bytes
    lead: bytes
    offset: int


_LARGEST_FORMED = 0xFFFFFFFF


class CounterColumn(Column):
    """A column that shows one counter of each row's counter source. Polls spend their time here.

    A run makes each binding in one step, by the form that its neighbour had as long as that holds.
    """

    __slots__ = ("_base", "_counter", "_forms", "_mask")

    def __init__(self, obj: Object, table: TableIndex, base: str, counter: int) -> None:
        super().__init__(obj, table, counter_cell(base, counter))
        self.subjects = table.sources
        self._base = base
        self._counter = counter
        self._mask = MASKS[base]
        self._forms: dict[tuple[int, int], list[_Form]] = {}  # by the sizes of `same` and `rest`

    def run(self, same: bytes, rests: list[bytes], subjects: Sequence[Any], now: int) -> list[bytes]:
        counter = self._counter
        sizes = (len(same), len(rests[0]))
        forms = self._forms.get(sizes) or self._forms_of(*sizes)
        found: list[bytes] = []
        add = found.append
        low = high = 0
        for rest, source in zip(rests, subjects, strict=True):
            value = source.value(counter, now)
            if value is None:
                continue
            if not low <= value < high:
                shown = value & self._mask
                if shown > _LARGEST_FORMED:
                    encoded = number(self._base, shown)
                    add(self.head(sum(sizes), len(encoded)) + same + rest + encoded)
                    continue
                low, high, pack, head, lead, offset = forms[shown.bit_length()]
                head += same
                wraps = value - shown
                low, high, offset = low + wraps, high + wraps, offset - wraps
            add(pack(head, rest, lead, value + offset))
        return found

    def _forms_of(self, same_size: int, rest_size: int) -> list[_Form]:
        """The forms by the value's number of bits, for suffixes of two parts of these sizes."""
        by_size = [self._form(same_size, rest_size, size) for size in range(1, 6)]
        forms = [by_size[bits >> 3] for bits in range(_LARGEST_FORMED.bit_length() + 1)]
        self._forms[same_size, rest_size] = forms
        return forms

    def _form(self, same_size: int, rest_size: int, size: int) -> _Form:
        """The form for values of `size` octets."""
        zero = bytes((tag_of(self._base), size)) + bytes(size)
        packed = 2 if size == 1 else 4
        lead, offset = zero[:-packed], int.from_bytes(zero[-packed:])
        head = self.head(same_size + rest_size, len(zero))
        low = 0 if size == 1 else 1 << 8 * size - 9  # a number takes one bit more than it has, for its sign
        high = min(1 << 8 * size - 1, _LARGEST_FORMED + 1)
        pack = Struct(f">{len(head) + same_size}s{rest_size}s{len(lead)}s{'H' if size == 1 else 'I'}").pack
        return _Form(low, high, pack, head, lead, offset)
