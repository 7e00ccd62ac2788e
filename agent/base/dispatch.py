"""Base room: dispatch: calls the function for a value's class, with types checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

SubjectT = TypeVar("SubjectT")
ValueT = TypeVar("ValueT")


class Dispatch(Generic[SubjectT]):
    """The functions take a subject, which is the same for all classes, and the value."""

    __slots__ = ("_by_class",)

    def __init__(self) -> None:
        self._by_class: dict[type, Callable[[SubjectT, Any], None]] = {}

    def on(self, kind: type[ValueT], function: Callable[[SubjectT, ValueT], None]) -> None:
        self._by_class[kind] = function

    @property
    def classes(self) -> set[type]:
        """Those that have a function."""
        return set(self._by_class)

    def __call__(self, subject: SubjectT, value: object) -> None:
        """Call the function of the value's class; a class without one is ignored."""
        function = self._by_class.get(type(value))
        if function is not None:
            function(subject, value)
