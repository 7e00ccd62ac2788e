"""Trees of the tests' own columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agent.mib.column import Column
from agent.mib.index import TableIndex
from agent.mib.plan import Bound, Plan, TablePlan
from agent.mib.tree import Tree


def table_plan(number: int, index: TableIndex) -> TablePlan:
    return TablePlan(f"table {number}", lambda context: Bound(index))


def tree_of(columns: Iterable[Column], *tables: TableIndex) -> Tree:
    """A tree of these columns, whose tables have these rows."""
    return Tree(Plan([table_plan(number, index) for number, index in enumerate(tables)], columns), None)


def widened(tree: Tree, column: Callable[[int], Column], index: TableIndex) -> Tree:
    """The tree with another column, whose table has these rows. `column` makes it, given the number of its table."""
    number = len(tree.plan.tables)
    return Tree(Plan([*tree.plan.tables, table_plan(number, index)], [*tree.columns, column(number)]), None)
