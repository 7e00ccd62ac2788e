"""The state machines print as tables, and the room's page shows them as they are."""

from __future__ import annotations

from pathlib import Path

from agent.crypto.states import QUICK_TRANSITIONS, TRANSITIONS
from agent.crypto.tables import state_machines
from agent.crypto.transaction import TRANSACTION

PAGE = Path(__file__).parents[2] / "docs" / "crypto.md"
BEGIN, END = "<!-- state machines: begin -->\n", "<!-- state machines: end -->\n"


def test_each_message_has_a_row() -> None:
    rows = [line for line in state_machines().splitlines() if line.startswith(("| initiator", "| responder"))]
    names = [row.split(" | ")[2] for row in rows if "HDR" in row]
    assert [name for name in names if name[:2] in ("MM", "AM", "QM")] == [
        *("MM2", "MM4", "MM6", "MM1", "MM3", "MM5"),
        *("AM2", "AM1", "AM3"),
        *("QM2", "QM2 with the commit bit", "QM4"),
        *("QM1", "QM3", "QM3, where a message of the initiator had the commit bit", "QM4"),
    ]
    assert [name for name in names if name.islower()] == [step.name for step in TRANSACTION.values()]
    assert "| responder | MM_KEY_EXCH | MM5 | HDR*, Identification, Hash or Signature | MM_KEY_AUTH |" in rows
    assert "| responder | AG_INIT_EXCH | AM3 | HDR[*], Hash or Signature | AG_AUTH |" in rows


def test_whatever_changes_a_state_has_a_row() -> None:
    printed = state_machines()
    for (_, before, cause), following in (*TRANSITIONS.items(), *QUICK_TRANSITIONS.items()):
        rows = [[cell.strip() for cell in line.split("|")] for line in printed.splitlines() if f"| {cause.value} |" in line]
        assert any(before.value in row[2].split(", ") and row[-2] == following.value for row in rows)


def test_the_page_shows_the_tables_that_drive_the_code() -> None:
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    shown, end, _ = rest.partition(END)
    assert end
    assert shown.strip() == state_machines().strip()
