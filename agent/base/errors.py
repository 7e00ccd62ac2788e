"""Base room: the errors that a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """A mistake that a user can correct. `str()` is the line that the user reads: where it is, and what would be right.

    Each room has its own kinds. The command prints any of them without a traceback.
    """
