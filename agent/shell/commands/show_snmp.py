"""Shell room: `show snmp …`: the receivers of notifications, and their counts."""

from __future__ import annotations

from collections.abc import Iterator

from agent.shell.command import Context, ExecCommand, ExecMatch
from agent.shell.router import NotificationHost

HELP = {
    "show snmp": "snmp statistics",
    "show snmp host": "show snmp hosts",
}

_MODELS = {"1": "v1", "2c": "v2c", "3": "v3"}


async def _hosts(context: Context, match: ExecMatch) -> None:
    await context.out.lines(line for host in context.router.notification_hosts() for line in _lines(host))


def _lines(account: NotificationHost) -> Iterator[str]:
    host = account.host
    kind = "inform" if host.informs else "trap"
    level = host.level if host.version == "3" else ""
    yield f"Notification host: {account.address} udp-port: {host.port}   type: {kind}"
    yield f"user: {host.community}\tsecurity model: {_MODELS[host.version]} {level}".rstrip()
    # IOS shows no counts here; these are in the words of its `show snmp`: "Logging to 10.1.1.1.162, 0/10, 13 sent, 0 dropped."
    unanswered = f", {account.unanswered} unanswered" if host.informs else ""
    yield f"queue: {account.waiting}/{account.limit}{unanswered}, {account.delivered} sent, {account.dropped} dropped"
    yield ""


COMMANDS = (ExecCommand("show snmp host", _hosts),)
