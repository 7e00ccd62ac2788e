"""The state machines print as tables."""

from __future__ import annotations

from agent.crypto.tables import state_machines


def test_each_message_has_a_row() -> None:
    rows = [line for line in state_machines().splitlines() if line.startswith(("| initiator", "| responder"))]
    assert [row.split(" | ")[2] for row in rows] == ["MM2", "MM4", "MM6", "MM1", "MM3", "MM5", "QM2", "QM1", "QM3"]
    assert "| responder | MM_KEY_EXCH | MM5 | HDR*, Identification, Hash | QM_IDLE |" in rows
