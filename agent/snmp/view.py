"""Snmp room: MIB views: the names that a request may access (RFC 3415 §4 vacmViewTreeFamilyTable, §5 the decision).

A view is made of `snmp-server view` lines, compiled to families of subtrees. Of the families that a name belongs to, the one with
the most sub-identifiers decides, and of several such the lexicographically greatest. A name in no family is not in the view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count

from agent.config.snmp_model import ViewSubtree
from agent.mib.index import LARGEST_SUB_IDENTIFIER
from agent.mib.schema import Oid

SNMP_MODULES: Oid = (1, 3, 6, 1, 6, 3)
# Roots of the modules by which the SNMP engine itself is managed. They hold names of users, communities and targets, so they are in
# no view that does not name them (RFC 3415 §7.3 warns of them; IOS's v1default leaves them out too).
FRAMEWORK_MODULES: dict[str, Oid] = {
    "snmpFrameworkMIB": (*SNMP_MODULES, 10),
    "snmpMPDMIB": (*SNMP_MODULES, 11),
    "snmpTargetMIB": (*SNMP_MODULES, 12),
    "snmpNotificationMIB": (*SNMP_MODULES, 13),
    "snmpUsmMIB": (*SNMP_MODULES, 15),
    "snmpVacmMIB": (*SNMP_MODULES, 16),
    "snmpCommunityMIB": (*SNMP_MODULES, 18),
}


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
        return len(name) >= len(self.subtree) and self._agrees(name, len(self.subtree))

    def may_hold_below(self, prefix: Oid) -> bool:
        """Whether names that begin with a prefix (no longer than the subtree) may lie in the subtree."""
        return self._agrees(prefix, len(prefix))

    def _agrees(self, name: Oid, size: int) -> bool:
        if not self.wild:
            return name[:size] == self.subtree[:size]
        return all(at in self.wild or name[at] == self.subtree[at] for at in range(size))


@dataclass(frozen=True, slots=True)
class View:
    """Families in the order in which they are asked: the first that holds a name decides."""

    families: tuple[Family, ...] = ()

    def contains(self, name: Oid) -> bool:
        """Whether an object instance's name is in the view."""
        for family in self.families:
            if family.holds(name):
                return family.included
        return False

    def covers(self, prefix: Oid) -> bool | None:
        """Whether all names below a prefix are in the view (True), none is (False), or some may be (None)."""
        inner: set[bool] = set()
        whole = False
        for family in self.families:
            if len(family.subtree) > len(prefix):
                if family.may_hold_below(prefix):
                    inner.add(family.included)
            elif family.holds(prefix):
                whole = family.included
                break
        return None if (not whole) in inner else whole

    def behind(self, hidden: Oid, fixed: int) -> Oid | None:
        """The least name after a hidden one, at or below which names may be in the view; None if there is none.

        Only names are considered whose first `fixed` sub-identifiers are those of `hidden`. So a walk skips a hidden range in one
        step, however many rows are in it.
        """
        size = next((size for size in range(fixed + 1, len(hidden) + 1) if self.covers(hidden[:size]) is False), None)
        if size is None:
            return (*hidden, 0)
        for at in reversed(range(fixed, size)):
            number = self._number_behind(hidden[:at], hidden[at])
            if number is not None:
                return (*hidden[:at], number)
        return None

    def _number_behind(self, prefix: Oid, number: int) -> int | None:
        """The least sub-identifier behind `number` which names may have after a prefix that are in the view."""
        at = len(prefix)
        named = {
            family.subtree[at]
            for family in self.families
            if len(family.subtree) > at and at not in family.wild and family.may_hold_below(prefix)
        }
        # Numbers that no family names are alike, so the first of them is enough.
        unnamed = next(each for each in count(number + 1) if each not in named)
        candidates = sorted({unnamed, *(each for each in named if each > number)})
        possible = (each for each in candidates if each <= LARGEST_SUB_IDENTIFIER)
        return next((each for each in possible if self.covers((*prefix, each)) is not False), None)


def view_of(families: Iterable[Family]) -> View:
    """A view of families in any order, without the engine's own modules unless a family names them."""
    given = list(families)
    named = {family.subtree for family in given if not family.wild}
    given += [Family(root, False) for root in FRAMEWORK_MODULES.values() if root not in named]
    return View(tuple(sorted(given, key=lambda family: (len(family.subtree), family.subtree), reverse=True)))


NOTHING = View()
EVERYTHING = View((Family((1,), True),))  # the notify view that IOS makes itself, `*tv.FFFFFFFF…`
INTERNET = view_of([Family((1, 3, 6, 1), True)])  # v1default, what a community or group reads that names no view


def subtree_family(line: ViewSubtree, resolve: Callable[[str], Oid]) -> Family:
    """The family of one `snmp-server view` line: `system`, `1.3.6.1.2.1`, `ifEntry.*.2`, `iso.3.6`.

    `resolve` gives the OID of a name, and raises KeyError where the modules have none. Raises UnknownSubtreeError.
    """
    first, *rest = line.subtree.removeprefix(".").split(".")
    try:
        head = (int(first),) if first.isdigit() else FRAMEWORK_MODULES.get(first) or resolve(first)
        tail = [0 if part == "*" else int(part) for part in rest]
    except (KeyError, ValueError):
        raise UnknownSubtreeError(line.subtree) from None
    wild = tuple(len(head) + at for at, part in enumerate(rest) if part == "*")
    return Family((*head, *tail), line.included, wild)
