"""Shell room: `debug`, `undebug` and `show debugging`. The lines go to the router's log."""

from __future__ import annotations

from collections.abc import Iterator

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.syslog.debug import RADIUS, RADIUS_PACKETS, Debug, Debugging, Subsystem, radius_states, state_line

HELP = {
    "debug": "Debugging functions (see also 'undebug')",
    "no": "Disable debugging functions",
    "no debug": "Disable debugging functions (see also 'undebug')",
    "undebug": "Disable debugging functions (see also 'debug')",
    "all": "Enable all debugging",
    "debug aaa": "AAA Authentication, Authorization and Accounting",
    "undebug aaa": "AAA Authentication, Authorization and Accounting",
    "aaa accounting": "Accounting",
    "aaa coa": "AAA CoA processing",
    "aaa pod": "AAA POD processing",
    "crypto": "Cryptographic subsystem",
    "crypto isakmp": "ISAKMP Key Management",
    "crypto isakmp aaa": "ISAKMP AAA Events",
    "crypto ipsec": "IPSEC processing",
    "crypto mib": "IPSEC Management Transactions",
    "crypto mib detail": "Detailed output of IPSEC Management Transactions",
    "crypto mib error": "Error output of IPSEC Management Transactions",
    "debug radius": "RADIUS protocol",
    "undebug radius": "RADIUS protocol",
    "radius accounting": "RADIUS accounting packets only",
    "radius authentication": "RADIUS authentication packets only",
    "radius brief": "Only I/O transactions are recorded",
    "radius failover": "Packets sent upon fail-over",
    "radius retransmit": "Retransmission of packets",
    "show debugging": "State of each debugging option",
}

# The kinds that words switch on, and those that they switch off with `no` or `undebug`.
_KINDS: dict[str, tuple[frozenset[Debug], frozenset[Debug]]] = {
    "radius": (RADIUS_PACKETS, RADIUS),
    "radius brief": (RADIUS_PACKETS | {Debug.RADIUS_BRIEF}, frozenset({Debug.RADIUS_BRIEF})),
    **{
        words: (frozenset({kind}), frozenset({kind}))
        for words, kind in {
            "aaa accounting": Debug.AAA_ACCOUNTING,
            "aaa coa": Debug.AAA_COA,
            "aaa pod": Debug.AAA_POD,
            "crypto ipsec": Debug.IPSEC,
            "crypto isakmp": Debug.ISAKMP,
            "crypto isakmp aaa": Debug.ISAKMP_AAA,
            "crypto mib": Debug.MIB,
            "crypto mib detail": Debug.MIB_DETAIL,
            "crypto mib error": Debug.MIB_ERROR,
            "radius accounting": Debug.RADIUS_ACCOUNTING,
            "radius authentication": Debug.RADIUS_AUTHENTICATION,
            "radius failover": Debug.RADIUS_FAILOVER,
            "radius retransmit": Debug.RADIUS_RETRANSMIT,
        }.items()
    },
}
_OFF = ("no debug", "undebug")


def _answer(debugging: Debugging, kinds: frozenset[Debug], on: bool) -> Iterator[str]:
    """What IOS answers to kinds that have been switched. Of RADIUS it lists everything, whatever was switched."""
    if any(kind.value.subsystem is Subsystem.RADIUS for kind in kinds):
        yield from (state_line(name, state) for name, state in radius_states(debugging.on))
    else:
        yield from (state_line(kind.value.name, on) for kind in kinds)


def _switching(prefix: str, words: str, on: bool) -> ExecCommand:
    """The command that switches the kinds of some words on or off."""
    kinds = _KINDS[words][0 if on else 1]

    async def run(context: Context, match: ExecMatch) -> None:
        debugging = context.router.debugging
        debugging.switch(*kinds, on=on)
        await context.out.lines(_answer(debugging, kinds, on))

    return ExecCommand(f"{prefix} {words}", run)


async def _all_off(context: Context, match: ExecMatch) -> None:
    context.router.debugging.switch_off()
    context.out.line("All possible debugging has been turned off")


async def _show(context: Context, match: ExecMatch) -> None:
    await context.out.lines(context.router.debugging.shown())


COMMANDS = (
    *(_switching("debug", words, on=True) for words in _KINDS),
    *(_switching(prefix, words, on=False) for prefix in _OFF for words in _KINDS),
    *(ExecCommand(f"{prefix} all", _all_off) for prefix in _OFF),
    ExecCommand("show debugging", _show, user=True),
)
