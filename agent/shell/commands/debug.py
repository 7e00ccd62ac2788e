"""Shell room: `debug`, `undebug` and `show debugging`. The lines go to the router's log."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.syslog.debug import Debug

HELP = {
    "debug": "Debugging functions (see also 'undebug')",
    "no": "Disable debugging functions",
    "no debug": "Disable debugging functions (see also 'undebug')",
    "undebug": "Disable debugging functions (see also 'debug')",
    "all": "Enable all debugging",
    "crypto": "Cryptographic subsystem",
    "crypto isakmp": "ISAKMP Key Management",
    "crypto isakmp aaa": "ISAKMP AAA Events",
    "crypto ipsec": "IPSEC processing",
    "crypto mib": "IPSEC Management Transactions",
    "crypto mib detail": "Detailed output of IPSEC Management Transactions",
    "crypto mib error": "Error output of IPSEC Management Transactions",
    "show debugging": "State of each debugging option",
}

_KINDS = {
    "crypto ipsec": Debug.IPSEC,
    "crypto isakmp": Debug.ISAKMP,
    "crypto isakmp aaa": Debug.ISAKMP_AAA,
    "crypto mib": Debug.MIB,
    "crypto mib detail": Debug.MIB_DETAIL,
    "crypto mib error": Debug.MIB_ERROR,
}
_OFF = ("no debug", "undebug")


def _switching(prefix: str, words: str, on: bool) -> ExecCommand:
    """The command that switches one kind on or off."""
    kind = _KINDS[words]

    async def run(context: Context, match: ExecMatch) -> None:
        context.router.debugging.switch(kind, on)
        context.out.line(kind.state(on))

    return ExecCommand(f"{prefix} {words}", run)


async def _all_off(context: Context, match: ExecMatch) -> None:
    context.router.debugging.switch_off()
    context.out.line("All possible debugging has been turned off")


async def _show(context: Context, match: ExecMatch) -> None:
    states = list(context.router.debugging.shown())
    if states:
        context.out.line("Cryptographic Subsystem:")
    for state in states:
        context.out.line(f"  {state}")


COMMANDS = (
    *(_switching("debug", words, on=True) for words in _KINDS),
    *(_switching(prefix, words, on=False) for prefix in _OFF for words in _KINDS),
    *(ExecCommand(f"{prefix} all", _all_off) for prefix in _OFF),
    ExecCommand("show debugging", _show, user=True),
)
