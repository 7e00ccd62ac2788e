"""Mib room: a SET of one cell as a typed edit, which the configuration tests, does and undoes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agent.base.origin import Origin
from agent.config.edits import ConfigEdit, EditFault, Editor
from agent.mib.column import Commit, SetRefusedError, Undo

# What RFC 3416 §4.2.5 calls a refusal: (9) a value that the object can never have, (10) one that it cannot have at present.
_STATUS: Mapping[EditFault, str] = MappingProxyType({EditFault.VALUE: "wrongValue", EditFault.STATE: "inconsistentValue"})


def edit_commit(editor: Editor, edit: ConfigEdit, order: int = 0) -> Commit:
    """Test an edit, and return its commit. Raises SetRefusedError if the configuration refuses it."""
    refusal = editor.test(edit)
    if refusal is not None:
        raise SetRefusedError(_STATUS[refusal.fault])

    def do(origin: Origin) -> Undo:
        back = editor.do(edit, origin)

        def undo() -> None:
            editor.do(back, origin)

        return undo

    return Commit(do, order)
