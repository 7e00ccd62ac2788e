"""Base room: what is needed of an event loop to be called back. A test gives something else, whose time it moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class LoopTimer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None: ...


class CallLater(Protocol):
    """An event loop's `call_later`: calls back after so many seconds."""

    def __call__(self, delay: float, callback: Callable[..., object], *values: Any) -> LoopTimer: ...
