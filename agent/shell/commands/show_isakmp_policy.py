"""Shell room: `show crypto isakmp policy` and `show crypto isakmp default policy`."""

from __future__ import annotations

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.releases import release_of
from agent.shell.render.isakmp_policies import default_policy_lines, policy_lines

HELP = {
    "show crypto isakmp": "Show ISAKMP information",
    "show crypto isakmp default": "Show ISAKMP default policies",
    "show crypto isakmp default policy": "Show default ISAKMP protection suite policy",
    "show crypto isakmp policy": "Show ISAKMP protection suite policy",
}


async def _policies(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    await context.out.lines(policy_lines(config.crypto, release_of(config.version)))


async def _default_policies(context: Context, match: ExecMatch) -> None:
    config = context.router.document.config
    await context.out.lines(default_policy_lines(config.crypto, release_of(config.version)))


COMMANDS = (
    ExecCommand("show crypto isakmp default policy", _default_policies, user=True),
    ExecCommand("show crypto isakmp policy", _policies, user=True),
)
