"""Snmp room: MIB views: the names that a request may access (RFC 3415 §4 vacmViewTreeFamilyTable, §5 the decision).

A view is made of `snmp-server view` lines, compiled to families of subtrees. Of the families that a name belongs to, the one with
the most sub-identifiers decides, and of several such the lexicographically greatest. A name in no family is not in the view.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from agent.config.snmp_model import ViewSubtree
from agent.mib.index import LARGEST_SUB_IDENTIFIER
from agent.mib.schema import Oid
from agent.mib.sources import undefined

# The modules by which the SNMP engine itself is managed. They hold names of users, communities and targets, so they are in no view
# that does not name them (RFC 3415 §7.3 warns of them; IOS's v1default leaves them out too).
ENGINE_MODULES = (
    "snmpFrameworkMIB",
    "snmpMPDMIB",
    "snmpTargetMIB",
    "snmpNotificationMIB",
    "snmpUsmMIB",
    "snmpVacmMIB",
    "snmpCommunityMIB",
)

LONGEST_SEARCH = 16  # numbers that are looked at in one step
MOST_KEPT = 10_000  # standings of a view: lines with many wildcards could have any number of them


class UnknownSubtreeError(ValueError):
    """A subtree's name is not in the compiled modules."""


@dataclass(frozen=True, slots=True)
class Family:
    """One subtree of a view. `wild` are the positions of sub-identifiers that may have any value (zero bits of the RFC's mask)."""

    subtree: Oid
    included: bool
    wild: tuple[int, ...] = ()

    def holds(self, name: Oid) -> bool:
        """Whether a name lies in the subtree."""
        if len(name) < len(self.subtree):
            return False
        return all(at in self.wild or name[at] == number for at, number in enumerate(self.subtree))


class _Node:
    """A node in the tree of a view's families: the families whose subtrees begin with the same sub-identifiers.

    `rank` is the place of the family whose subtree ends here in the order in which families are asked, -1 where none does, and
    `included` what it says. `below` are the answers of families whose subtrees are longer.
    """

    __slots__ = ("any", "below", "included", "named", "numbers", "rank")

    def __init__(self) -> None:
        self.rank = -1
        self.included = False
        self.below: set[bool] = set()
        self.named: dict[int, _Node] = {}
        self.numbers: list[int] = []  # those of `named`, in order
        self.any: _Node | None = None  # where any number may stand

    def child(self, number: int | None) -> _Node:
        """The node below one number, or below any."""
        if number is None:
            self.any = self.any or _Node()
            return self.any
        if number not in self.named:
            self.named[number] = _Node()
            insort(self.numbers, number)
        return self.named[number]


class Standing:
    """The rule of a view for names with a prefix: whether they are in it, except where longer subtrees differ.

    `covers` is whether all of them are in it (True), none is (False), or the view may cut between them (None). Standings are made
    when they are first asked for. Those that a view has are kept in `kept`, up to a number.
    """

    __slots__ = ("_kept", "_named", "_nodes", "_unnamed", "covers", "included")

    def __init__(self, nodes: tuple[_Node, ...], included: bool, kept: dict[tuple[tuple[_Node, ...], bool], Standing]) -> None:
        self.included = included
        self.covers = None if any((not included) in node.below for node in nodes) else included
        self._nodes = nodes  # that agree with the prefix
        self._kept = kept
        self._named: dict[int, Standing] = {}
        self._unnamed: Standing | None = None

    def below(self, numbers: Iterable[int]) -> Standing:
        """The same of a longer prefix."""
        standing = self
        for number in numbers:
            if not standing._nodes:
                break
            standing = standing._named.get(number) or standing._below(number)
        return standing

    def _below(self, number: int) -> Standing:
        if self._names(number):
            standing = self._made(number)
            if len(self._kept) < MOST_KEPT:
                self._named[number] = standing
            return standing
        # All numbers that no family names are alike.
        if self._unnamed is None:
            self._unnamed = self._made(number)
        return self._unnamed

    def _names(self, number: int) -> bool:
        return any(number in node.named for node in self._nodes)

    def _made(self, number: int) -> Standing:
        found = [child for node in self._nodes for child in (node.named.get(number), node.any) if child is not None]
        # A subtree that ends here is longer than the one that decided so far.
        ends = min((node for node in found if node.rank >= 0), key=lambda node: node.rank, default=None)
        key = tuple(found), self.included if ends is None else ends.included
        standing = self._kept.get(key) or Standing(*key, self._kept)
        if len(self._kept) < MOST_KEPT:
            self._kept[key] = standing
        return standing

    def behind(self, hidden: Oid) -> Oid | None:
        """The least name after a hidden one, at or below which names may be in the view; None if there is none.

        Names are given without the prefix. So a walk skips a hidden range in one step, however many rows are in it.
        """
        standings = [self]
        for number in hidden:
            standings.append(standings[-1].below((number,)))
            if standings[-1].covers is False:
                break
        else:
            return (*hidden, 0)
        for at in reversed(range(len(standings) - 1)):
            onward = standings[at]._number_behind(hidden[at])
            if onward is not None:
                return (*hidden[:at], onward)
        return None

    def _number_behind(self, number: int) -> int | None:
        """The least number behind another at or below which names may be in the view.

        After a long search it is the least that is not known to be hidden.
        """
        number += 1
        for _ in range(LONGEST_SEARCH):
            if number > LARGEST_SUB_IDENTIFIER:
                break
            if self.below((number,)).covers is not False:
                return number
            if self._names(number):
                number += 1
                continue
            # What is hidden of one number that no family names is hidden of all of them.
            named = [node.numbers[at] for node in self._nodes if (at := bisect_left(node.numbers, number)) < len(node.numbers)]
            if not named:
                return None
            number = min(named)
        return number if number <= LARGEST_SUB_IDENTIFIER else None


class View:
    """A view: its families in order; the first that holds a name decides.

    They are compiled to a tree, so that asking costs the name's length, however many families there are. `whole` is what the view
    says of all names.
    """

    __slots__ = ("_hash", "families", "whole")

    def __init__(self, families: tuple[Family, ...] = ()) -> None:
        self.families = families
        self._hash = hash(families)
        root = _Node()
        for rank, family in enumerate(families):
            _plant(root, rank, family)
        self.whole = Standing((root,), False, {})

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, View) and self.families == other.families)

    def __hash__(self) -> int:
        return self._hash

    def contains(self, name: Oid) -> bool:
        """Whether an object instance's name is in the view."""
        return self.whole.below(name).included

    def covers(self, prefix: Oid) -> bool | None:
        """As `Standing.covers`, of names that begin with a prefix."""
        return self.whole.below(prefix).covers


def _plant(root: _Node, rank: int, family: Family) -> None:
    """Add a family to a view's tree, unless one that is asked earlier has the same names."""
    node = root
    path: list[_Node] = []
    for at, number in enumerate(family.subtree):
        path.append(node)
        node = node.child(None if at in family.wild else number)
    if node.rank < 0:
        node.rank, node.included = rank, family.included
        for each in path:
            each.below.add(family.included)


NOTHING = View()


class ViewMaker:
    """Makes views of what is configured. `resolve` gives the OID of a name, and raises KeyError where the modules have none.

    `internet` is v1default, what a community or group reads that names no view; `everything` is the notify view that IOS makes
    itself, `*tv.FFFFFFFF…`. Raises MibError where the modules lack a name that these are made of.
    """

    def __init__(self, resolve: Callable[[str], Oid]) -> None:
        self._resolve = resolve
        self._engine = tuple(map(self._defined, ENGINE_MODULES))
        self.everything = View((Family(self._defined("iso"), True),))
        self.internet = self.view([Family(self._defined("internet"), True)])

    def view(self, families: Iterable[Family]) -> View:
        """A view of families in any order, without the engine's own modules unless a family names them."""
        given = list(families)
        named = {family.subtree for family in given if not family.wild}
        given += [Family(root, False) for root in self._engine if root not in named]
        return View(tuple(sorted(given, key=lambda family: (len(family.subtree), family.subtree), reverse=True)))

    def family(self, line: ViewSubtree) -> Family:
        """The family of one `snmp-server view` line: `system`, `1.3.6.1.2.1`, `ifEntry.*.2`, `iso.3.6`.

        Raises UnknownSubtreeError.
        """
        first, *rest = line.subtree.removeprefix(".").split(".")
        try:
            head = (int(first),) if first.isdigit() else self._resolve(first)
            tail = [0 if part == "*" else int(part) for part in rest]
        except (KeyError, ValueError):
            raise UnknownSubtreeError(line.subtree) from None
        wild = tuple(len(head) + at for at, part in enumerate(rest) if part == "*")
        return Family((*head, *tail), line.included, wild)

    def _defined(self, name: str) -> Oid:
        try:
            return self._resolve(name)
        except KeyError:
            raise undefined(name) from None
