"""Mib room: the rows of one table in the order of their indexes.

Most tables have one number as their index, and may have a hundred thousand rows. They keep the numbers, and compute the octets of a
name when asked, so that a read of a row touches little memory. All other tables keep the octets (`name_index`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from agent.mib.values import order_key, sub_identifiers

Row = Any  # each table's rows have a type of their own, which only the table's declaration knows

_BLOCK_BITS = 7  # the bits that each octet of a sub-identifier carries (X.690 §8.19)
_BLOCK = 1 << _BLOCK_BITS
_LAST_OCTETS = [bytes((number,)) for number in range(_BLOCK)]
LARGEST_SUB_IDENTIFIER = 0xFFFFFFFF


class Entry(NamedTuple):
    """One row of a table: its index as an order key and as octets of a name, and the row itself."""

    key: bytes
    suffix: bytes
    row: Row


class WithContext(Sequence[Any]):
    """The rows of a table, each with the context in which it is shown. They follow the rows."""

    __slots__ = ("_context", "_rows")

    def __init__(self, rows: Sequence[Row], context: Any) -> None:
        self._rows = rows
        self._context = context

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        found = self._rows[at]
        return [(row, self._context) for row in found] if isinstance(at, slice) else (found, self._context)


class TableIndex(ABC):
    """Rows by position. A `counted` table keeps each row's counter source beside it; a row never changes its source."""

    __slots__ = ("rows", "sources")

    def __init__(self, rows: Sequence[Row], sources: Sequence[Any]) -> None:
        self.rows = rows
        self.sources = sources

    @abstractmethod
    def add(self, index: tuple[int, ...], row: Row) -> None: ...

    @abstractmethod
    def remove(self, index: tuple[int, ...]) -> None:
        """Raises KeyError if there is no such row."""

    @abstractmethod
    def find(self, suffix: bytes) -> int:
        """The position of the row whose index is `suffix` (octets of a name); -1 where there is none."""

    @abstractmethod
    def place(self, key: bytes) -> int:
        """The position of the row whose index has this order key; -1 where there is none."""

    @abstractmethod
    def after(self, key: bytes) -> int:
        """The position of the first row behind an order key."""

    @abstractmethod
    def key(self, at: int) -> bytes:
        """The order key of a row's index."""

    @abstractmethod
    def suffix(self, at: int) -> bytes:
        """A row's index as octets of a name."""

    @abstractmethod
    def stretch(self, first: int, stop: int) -> tuple[bytes, list[bytes]]:
        """The suffixes of one or more rows from `first` on, before `stop`: their common beginning, and the rest of each.

        All suffixes of a stretch have one size.
        """

    def entry(self, at: int) -> Entry:
        return Entry(self.key(at), self.suffix(at), self.rows[at])

    def __len__(self) -> int:
        return len(self.rows)


class NumberIndex(TableIndex):
    """Rows indexed by one number.

    Numbers whose names differ in the last octet alone are a block. The octets before the last are kept once for each block.
    Numbers usually rise by one. So the position of a row is its number less an offset. `place` tries the last offset first, and
    keeps a new one after each search in which it fails.
    """

    __slots__ = ("_beginnings", "_counted", "_first_numbers", "_lead", "_numbers", "_rows", "_sources")

    def __init__(self, counted: bool = False) -> None:
        self._rows: list[Row] = []
        self._sources: list[Any] = []
        super().__init__(self._rows, self._sources)
        self._counted = counted
        self._numbers = array("I")
        self._beginnings: dict[int, bytes] = {}  # of a block, by the number of the block
        self._first_numbers: dict[bytes, int] = {}  # of a block, by its beginning
        self._lead = 0

    def add(self, index: tuple[int, ...], row: Row) -> None:
        (number,) = index
        numbers = self._numbers
        # Rising indexes, the usual case, go to the end.
        at = len(numbers) if not numbers or number > numbers[-1] else bisect_left(numbers, number)
        numbers.insert(at, number)
        self._rows.insert(at, row)
        if self._counted:
            self._sources.insert(at, row.counters)
        block = number >> _BLOCK_BITS
        if block not in self._beginnings:
            beginning = sub_identifiers((number,))[:-1]
            self._beginnings[block] = beginning
            self._first_numbers[beginning] = block << _BLOCK_BITS

    def remove(self, index: tuple[int, ...]) -> None:
        (number,) = index
        at = self._position(number)
        if at < 0:
            raise KeyError(index)
        numbers = self._numbers
        del numbers[at]
        del self._rows[at]
        if self._counted:
            del self._sources[at]
        block = number >> _BLOCK_BITS
        if block not in (other >> _BLOCK_BITS for other in numbers[max(at - 1, 0) : at + 1]):
            del self._first_numbers[self._beginnings.pop(block)]

    def find(self, suffix: bytes) -> int:
        first_number = self._first_numbers.get(suffix[:-1])
        if first_number is None or not suffix or suffix[-1] >= _BLOCK:
            return -1
        number = first_number + suffix[-1]
        numbers = self._numbers
        at = number - self._lead
        if 0 <= at < len(numbers) and numbers[at] == number:
            return at
        at = self._position(number)
        if at >= 0:
            self._lead = number - at
        return at

    def place(self, key: bytes) -> int:
        return self._position(int.from_bytes(key)) if len(key) == 4 else -1

    def after(self, key: bytes) -> int:
        # A name of the same length or longer comes after the row of its first number.
        return bisect_right(self._numbers, int.from_bytes(key[:4])) if key else 0

    def key(self, at: int) -> bytes:
        return order_key((self._numbers[at],))

    def suffix(self, at: int) -> bytes:
        number = self._numbers[at]
        return self._beginnings[number >> _BLOCK_BITS] + _LAST_OCTETS[number & _BLOCK - 1]

    def stretch(self, first: int, stop: int) -> tuple[bytes, list[bytes]]:
        numbers = self._numbers
        number = numbers[first]
        block, low = number >> _BLOCK_BITS, number & _BLOCK - 1
        stop = min(stop, first + _BLOCK - low)
        if numbers[stop - 1] - number == stop - 1 - first:  # no gap
            return self._beginnings[block], _LAST_OCTETS[low : low + stop - first]
        stop = bisect_left(numbers, block + 1 << _BLOCK_BITS, first, stop)
        return self._beginnings[block], [_LAST_OCTETS[each & _BLOCK - 1] for each in numbers[first:stop]]

    def _position(self, number: int) -> int:
        at = bisect_left(self._numbers, number)
        return at if at < len(self._numbers) and self._numbers[at] == number else -1
