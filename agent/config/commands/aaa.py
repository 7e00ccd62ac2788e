"""Config room: the AAA and RADIUS lines of IPsec accounting: declared, kept and rendered; each warns that it has no effect yet."""

from __future__ import annotations

from agent.config.command import ConfigCommand, Mode
from agent.config.commands.building import inert

MODES = {"server-group": Mode("(config-sg-radius)#", "server-group")}

HELP = {
    "aaa": "Authentication, Authorization and Accounting.",
    "aaa new-model": "Enable NEW access control commands and functions.",
    "aaa accounting": "Accounting configurations parameters.",
    "aaa authentication": "Authentication configurations parameters.",
    "aaa authorization": "Authorization configurations parameters.",
    "aaa session-id": "AAA Session ID",
    "start-stop": "Record start and stop without waiting",
    "stop-only": "Record stop when service terminates.",
    "broadcast": "Use Broadcast for Accounting",
    "radius-server": "Modify RADIUS query parameters",
    "radius-server host": "Specify a RADIUS server",
    "radius-server key": "encryption key shared with the radius servers",
    "radius-server retransmit": "Specify the number of retries to active server",
    "radius-server timeout": "Time to wait for a RADIUS server to reply",
    "radius-server vsa": "Vendor specific attribute configuration",
}

_METHODS = "{local|local-case|none|if-authenticated|group <server-group:word>}*"
_GROUPS = "{group <server-group:word>}*"


def commands() -> list[ConfigCommand]:
    mode = "config"
    return [
        inert(mode, "aaa new-model", 600, shows="both"),
        inert(mode, "aaa group server radius <name:word>", 605, enters="server-group", later=True),
        inert(
            "server-group",
            "server <address:address> [auth-port <auth-port:int(0-65535)>] [acct-port <acct-port:int(0-65535)>]",
            10,
            many=True,
        ),
        _listed("aaa authentication login <list:word>", _METHODS, 610),
        _listed("aaa authorization network <list:word>", _METHODS, 620),
        _listed("aaa accounting network <list:word>", f"{{none|{{start-stop|stop-only}} [broadcast] {_GROUPS}}}", 630),
        inert(mode, "aaa accounting update [newinfo] ~ periodic <minutes:int(1-2147483647)>", 640, later=True),
        inert(mode, "aaa session-id {common|unique}", 650),
        inert(
            mode,
            "radius-server host <address:address> ~ [auth-port <auth-port:int(0-65535)>] [acct-port <acct-port:int(0-65535)>]"
            " [timeout <timeout:int(1-1000)>] [retransmit <retries:int(0-100)>] [key [{0|7}] <key:line>]",
            2500,
            key_argument="address",
            later=True,
        ),
        inert(mode, "radius-server retransmit ~ <retries:int(0-100)>", 2501, later=True),
        inert(mode, "radius-server timeout ~ <seconds:int(1-1000)>", 2502, later=True),
        inert(mode, "radius-server key ~ [{0|7}] <key:line>", 2503, later=True),
        inert(mode, "radius-server authorization permit missing Service-Type", 2504),
        inert(mode, "radius-server vsa send [{accounting|authentication}]", 2505, many=True),
    ]


def _listed(head: str, rest: str, rank: int) -> ConfigCommand:
    """A line of which there is one for each list name."""
    return inert("config", f"{head} ~ {rest}", rank, key_argument="list", later=True)
