"""Mib room: columns. A column is one accessible object; it encodes its cells as variable bindings (RFC 3416 §3).

A column is part of a plan (`plan`), which all contexts share: it has no rows. A context's tree (`tree`) has the rows.

An encoded binding has three parts:
- the head: tag and length of the binding, tag and length of the name, and the column's part of the name;
- the suffix: the row's part of the name, its index;
- the value: tag, length and content.

The head depends only on the column and on the sizes of suffix and value. So heads are made once and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any, NamedTuple

from agent.base.origin import Origin
from agent.mib.index import Row, TableIndex, WithContext
from agent.mib.schema import Object
from agent.mib.values import MASKS, counter_cell, length, name_content, number, order_key, tag_of

LARGEST_KEPT_VALUE = 24  # octets; heads for larger values are not kept. A number takes at most 11


Undo = Callable[[], None]
# Orders of commits. What can be taken back whole comes first (0), then what ends tunnels that follow from it, then what ends rows.
ENDS_TUNNELS = 5
DESTROY_LAST = 10


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit phase of a SET of one cell, which has been tested. `do` gets who asks for it.

    `do` gives what takes it back, or None where nothing can. One that raises has changed nothing. Commits of lower `order` come
    first.
    """

    do: Callable[[Origin], Undo | None]
    order: int = 0


def nothing_to_undo() -> None:
    """What takes back a commit that has changed nothing."""


class SetRefusedError(Exception):
    """A SET is refused. `status` is an error-status of RFC 3416 ("wrongValue", "genErr", …)."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Column:
    """One accessible object: it names, encodes and sets its cells. `table` is the number of its table in the plan.

    `encode(subject, now)` returns a cell's tag, length and content, or None if the row does not instantiate it. The subject is
    the row; with `in_context` it is the row and the context. `write(context, row, value)` tests a value of the right syntax, and
    returns the commit or raises SetRefusedError.
    """

    __slots__ = ("encode", "heads", "in_context", "key", "object", "prefix", "table", "write")

    def __init__(
        self,
        obj: Object,
        table: int,
        encode: Callable[[Any, int], bytes | None],
        write: Callable[[Any, Row, Any], Commit] | None = None,
        in_context: bool = False,
    ) -> None:
        self.object = obj
        self.table = table
        self.encode = encode
        self.write = write
        self.in_context = in_context
        self.key = order_key(obj.oid)
        self.prefix = name_content(obj.oid)
        self.heads: dict[int, list[bytes]] = {}

    def subjects(self, index: TableIndex, context: Any) -> Sequence[Any]:
        """What the cells of a context are encoded from: an item for each row of its table."""
        return WithContext(index.rows, context) if self.in_context else index.rows

    def heads_of(self, suffix_size: int) -> list[bytes]:
        """The heads for suffixes of that size, by the size of the value. They are kept in `heads`."""
        self.heads[suffix_size] = made = [self._head(suffix_size, size) for size in range(LARGEST_KEPT_VALUE)]
        return made

    def head(self, suffix_size: int, value_size: int) -> bytes:
        """The head for a suffix and a value of these sizes."""
        if value_size >= LARGEST_KEPT_VALUE:
            return self._head(suffix_size, value_size)
        return (self.heads.get(suffix_size) or self.heads_of(suffix_size))[value_size]

    def _head(self, suffix_size: int, value_size: int) -> bytes:
        name = b"\x06" + length(len(self.prefix) + suffix_size) + self.prefix
        return b"\x30" + length(len(name) + suffix_size + value_size) + name

    def bindings(
        self, index: TableIndex, subjects: Sequence[Any], first: int, count: int, now: int, most: int
    ) -> tuple[list[bytes], int]:
        """Those of the first `count` cells there are in the rows from `first` on; and how many rows without a cell were passed.

        The search ends when more than `most` of these have been passed.
        """
        last = len(subjects)
        found: list[bytes] = []
        ahead = count
        passed = 0
        while first < last and len(found) < count and passed <= most:
            same, rests = index.stretch(first, min(first + ahead, last))
            stop = first + len(rests)
            some = self.run(same, rests, subjects[first:stop], now)
            found = found + some if found else some
            first = stop
            passed += len(rests) - len(some)
            # If a whole stretch has no cell, the next stretch is twice as long.
            ahead = count - len(found) if some else 2 * ahead
        return (found[:count] if len(found) > count else found), passed

    def run(self, same: bytes, rests: list[bytes], subjects: Sequence[Any], now: int) -> list[bytes]:
        """The bindings of a stretch of rows. The suffix of a row is `same` followed by its item of `rests`; all have one size."""
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
    """The layout of a binding for a range of counter values.

    While low <= value < high, the encoded value has one size, and pack(head, rest, lead, value + offset) is the whole binding. The
    last argument is packed as the value's lower octets. `lead` has the octets before them: tag, length and upper octets. `offset`
    adds those octets of tag and length that share the packed number with the value.
    """

    low: int
    high: int
    pack: Callable[..., bytes]
    head: bytes
    lead: bytes
    offset: int


_LARGEST_FORMED = 0xFFFFFFFF


class CounterColumn(Column):
    """A column that shows one counter of each row's counter source. Polls spend most of their time here.

    `run` packs each binding in one call. It uses the form of the row before as long as the value is in that form's range.
    """

    __slots__ = ("_base", "_counter", "_forms", "_mask")

    def __init__(self, obj: Object, table: int, base: str, counter: int) -> None:
        super().__init__(obj, table, counter_cell(base, counter))
        self._base = base
        self._counter = counter
        self._mask = MASKS[base]
        self._forms: dict[tuple[int, int], list[_Form]] = {}  # by the sizes of `same` and `rest`

    def subjects(self, index: TableIndex, context: Any) -> Sequence[Any]:
        return index.sources

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
        """The forms by the value's number of bits, if `same` and `rest` have these sizes."""
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
        low = 0 if size == 1 else 1 << 8 * size - 9  # a sign bit is encoded as well
        high = min(1 << 8 * size - 1, _LARGEST_FORMED + 1)
        pack = Struct(f">{len(head) + same_size}s{rest_size}s{len(lead)}s{'H' if size == 1 else 'I'}").pack
        return _Form(low, high, pack, head, lead, offset)
