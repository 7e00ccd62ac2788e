"""Shell room: `show crypto …`, in the form of the router's release."""

from __future__ import annotations

from collections.abc import Iterator

from agent.engine.values import Admission
from agent.shell.command import Context, ExecCommand, ExecMatch

HELP = {
    "show crypto": "Encryption subsystem",
    "show crypto call": "Show crypto call admission info",
    "show crypto call admission": "Show crypto call admission info",
    "show crypto call admission statistics": "Show Crypto Call Admission Control statistics",
}


async def _admission(context: Context, match: ExecMatch) -> None:
    admitted = context.router.engine.admission()
    for line in _admission_lines(admitted):
        context.out.line(line)


def _admission_lines(admitted: Admission) -> Iterator[str]:
    """IOS's form; the last line is ours, for a limit that IOS has not."""
    rejected = admitted.incoming[1] + admitted.outgoing[1]
    yield "-" * 69
    yield f"{'':11}Crypto Call Admission Control Statistics"
    yield "-" * 69
    yield _three("System Resource Limit:", 0, "Max IKE SAs:", admitted.most_sas, "Max in nego:", admitted.most_negotiating)
    total = admitted.active + admitted.negotiating
    yield _three("Total IKE SA Count:", total, "active:", admitted.active, "negotiating:", admitted.negotiating)
    for name, (accepted, refused) in (("Incoming", admitted.incoming), ("Outgoing", admitted.outgoing)):
        yield _three(f"{name} IKE Requests:", accepted + refused, "accepted:", accepted, "rejected:", refused)
    yield _three("Rejected IKE Requests:", rejected, "rsrc low:", 0, "Active SA limit:", admitted.rejected_at_sas)
    for name, number in (
        ("In-neg SA limit:", admitted.rejected_at_negotiating),
        ("Address SA limit:", admitted.rejected_at_address),
    ):
        yield f"{'':52}{name} {number:>5}"


def _three(first: str, one: int, second: str, two: int, third: str, three: int) -> str:
    return f"{first:<23}{one:>9} {second:<12}{two:>6} {third:<12}{three:>6}"


COMMANDS = (ExecCommand("show crypto call admission statistics", _admission, user=True),)
