"""Base room: the errors that a user can cause."""

from __future__ import annotations


class UserError(Exception):
    """Something that a user got wrong and can mend. `str()` is what the user reads: where, and what would be right.

    Each room has its own kinds. The command prints any of them without a traceback.
    """
