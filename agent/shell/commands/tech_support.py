"""Shell room: `show tech-support ipsec`: the commands of the IPsec Management Configuration Guide's chapter 6, in its order."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch

HELP = {
    "show tech-support": "Show system information for Tech-Support",
    "show tech-support ipsec": "Show IPSEC related information",
    "show tech-support ipsec peer": "Information about one peer",
    "show tech-support ipsec peer <peer>": "Peer address",
    "show tech-support ipsec vrf": "Information about one VRF",
    "show tech-support ipsec vrf <vrf>": "VRF name",
}

_RULE = "-" * 18
_ROUTER = ("show version", "show running-config")
_ENGINE = (
    "show crypto ruleset detail",
    "show processes memory | include Crypto IKMP",
    "show processes cpu | include Crypto IKMP",
    "show crypto eli",
    "show crypto engine accelerator statistic",
)
_ALL = (
    "show crypto isakmp sa count",
    "show crypto ipsec sa count",
    "show crypto session summary",
    "show crypto session detail",
    "show crypto isakmp sa detail",
    "show crypto ipsec sa detail",
    "show crypto isakmp peers",
)
_OF_PEER = (
    "show crypto session remote {} detail",
    "show crypto isakmp sa peer {} detail",
    "show crypto ipsec sa peer {} detail",
    "show crypto isakmp peers {}",
)
_OF_VRF = (
    "show crypto isakmp sa count vrf {}",
    "show crypto ipsec sa count vrf {}",
    "show crypto session ivrf {} detail",
    "show crypto session fvrf {} detail",
    "show crypto isakmp sa vrf {} detail",
    "show crypto ipsec sa vrf {} detail",
)


def lines_of(match: ExecMatch) -> list[str]:
    """The exec lines that the command stands for."""
    peer, vrf = match.maybe_address("peer"), match.maybe_word("vrf")
    if peer is not None:
        middle = [line.format(peer) for line in _OF_PEER]
    else:
        middle = [line.format(vrf) for line in _OF_VRF] if "vrf" in match.values else list(_ALL)
    return [*_ROUTER, *middle, *_ENGINE]


async def _ipsec(context: Context, match: ExecMatch) -> None:
    for line in lines_of(match):
        if context.interrupted.is_set():
            return
        await context.out.lines(["", f"{_RULE} {line} {_RULE}", ""])
        await context.carry_out(line)


COMMANDS = (ExecCommand("show tech-support ipsec [peer <peer:address> | vrf <vrf:word>]", _ipsec),)
