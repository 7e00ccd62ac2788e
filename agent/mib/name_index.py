"""Mib room: the rows of a table whose index is not one number, in blocks.

Such rows come and go in the middle: a rekey inserts rows in the middle of cipSecSpiTable. In one list of 200,000 rows each
insertion would move half of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, overload

from agent.mib.index import LARGEST_SUB_IDENTIFIER, Row, TableIndex
from agent.mib.values import decode_sub_identifiers, order_key, sub_identifiers

LARGEST_BLOCK = 512  # rows


class _Block:
    """A run of rows: lists side by side."""

    __slots__ = ("keys", "rows", "sources", "suffixes")

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.suffixes: list[bytes] = []
        self.rows: list[Row] = []
        self.sources: list[Any] = []  # counter sources; empty if the table is not counted

    def cut(self, at: int) -> _Block:
        """Remove and return the rows from a position on."""
        rest = _Block()
        for name in self.__slots__:
            mine = getattr(self, name)
            setattr(rest, name, mine[at:])
            del mine[at:]
        return rest


class _Column(Sequence[Any]):
    """One list of each block, as if all were one list."""

    __slots__ = ("_index", "_name")

    def __init__(self, index: NameIndex, name: str) -> None:
        self._index = index
        self._name = name

    def __len__(self) -> int:
        return self._index.starts()[-1]

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, int):
            block, offset = self._index.at(at)
            return getattr(block, self._name)[offset]
        first, stop, _ = at.indices(len(self))
        found: list[Any] = []
        while first < stop:
            block, offset = self._index.at(first)
            some = getattr(block, self._name)[offset : offset + stop - first]
            found += some
            first += len(some)
        return found

    def __iter__(self) -> Iterator[Any]:
        for block in self._index.blocks:
            yield from getattr(block, self._name)


class NameIndex(TableIndex):
    """Rows with any index. Their order keys and suffixes are kept."""

    __slots__ = ("_counted", "_firsts", "_largest", "_starts", "blocks")

    def __init__(self, counted: bool = False, largest_block: int = LARGEST_BLOCK) -> None:
        super().__init__(_Column(self, "rows"), _Column(self, "sources") if counted else ())
        self.blocks = [_Block()]  # at least one; only the first may be empty
        self._counted = counted
        self._largest = largest_block
        self._firsts = [b""]  # no key of a block is less than its item here
        self._starts: list[int] | None = None  # the position of each block's first row, and of the end; None: to be computed

    def starts(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate((len(block.keys) for block in self.blocks), initial=0))
        return self._starts

    def at(self, position: int) -> tuple[_Block, int]:
        """The block of a row, and its position there."""
        starts = self.starts()
        number = bisect_right(starts, position) - 1
        return self.blocks[number], position - starts[number]

    def add(self, index: tuple[int, ...], row: Row) -> None:
        key = order_key(index)
        number = bisect_right(self._firsts, key) - 1
        block = self.blocks[number]
        if len(block.keys) >= self._largest:
            # With rising indexes, the usual case, the blocks before the last stay full.
            at_end = number + 1 == len(self.blocks) and key > block.keys[-1]
            number, block = self._split(number, key, len(block.keys) if at_end else len(block.keys) // 2)
        at = bisect_left(block.keys, key)
        block.keys.insert(at, key)
        block.suffixes.insert(at, sub_identifiers(index))
        block.rows.insert(at, row)
        if self._counted:
            block.sources.insert(at, row.counters)
        self._starts = None

    def _split(self, number: int, key: bytes, at: int) -> tuple[int, _Block]:
        """Split a block in two, and return the one that a key belongs to."""
        block = self.blocks[number]
        rest = block.cut(at)
        first = rest.keys[0] if rest.keys else key
        self.blocks.insert(number + 1, rest)
        self._firsts.insert(number + 1, first)
        return (number + 1, rest) if key >= first else (number, block)

    def remove(self, index: tuple[int, ...]) -> None:
        key = order_key(index)
        number = bisect_right(self._firsts, key) - 1
        block = self.blocks[number]
        at = bisect_left(block.keys, key)
        if at == len(block.keys) or block.keys[at] != key:
            raise KeyError(index)
        del block.keys[at], block.suffixes[at], block.rows[at]
        if self._counted:
            del block.sources[at]
        if not block.keys and len(self.blocks) > 1:
            del self.blocks[number], self._firsts[number]
            self._firsts[0] = b""
        self._starts = None

    def find(self, suffix: bytes) -> int:
        index = decode_sub_identifiers(suffix)
        if index is None or max(index) > LARGEST_SUB_IDENTIFIER:
            return -1
        return self.place(order_key(index))

    def place(self, key: bytes) -> int:
        number = bisect_right(self._firsts, key) - 1
        keys = self.blocks[number].keys
        at = bisect_left(keys, key)
        return self.starts()[number] + at if at < len(keys) and keys[at] == key else -1

    def after(self, key: bytes) -> int:
        number = bisect_right(self._firsts, key) - 1
        return self.starts()[number] + bisect_right(self.blocks[number].keys, key)

    def key(self, at: int) -> bytes:
        block, offset = self.at(at)
        return block.keys[offset]

    def suffix(self, at: int) -> bytes:
        block, offset = self.at(at)
        return block.suffixes[offset]

    def stretch(self, first: int, stop: int) -> tuple[bytes, list[bytes]]:
        block, offset = self.at(first)
        suffixes = block.suffixes[offset : offset + stop - first]
        size = len(suffixes[0])
        end = next((at for at, suffix in enumerate(suffixes) if len(suffix) != size), len(suffixes))
        return b"", suffixes[:end]
