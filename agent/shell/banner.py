"""Shell room: the banners of `banner login|motd|exec`, with their tokens (Cisco IOS configuration fundamentals, `banner motd`)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.config.line_model import LineSettings
from agent.config.model import RouterConfig
from agent.shell.lines import LineState

_TOKEN = re.compile(r"\$\((hostname|domain|line|line-desc)\)")


def banner(config: RouterConfig, kind: str, line: LineState) -> str:
    """A banner as it is shown: on lines of its own; empty where none is configured."""
    text = config.banners.get(kind)
    if text is None:
        return ""
    values = {"hostname": config.hostname, "domain": config.domain_name or "", "line": str(line.absolute), "line-desc": ""}
    return "\n" + _TOKEN.sub(lambda found: values[found[1]], text) + "\n"


def greeting(config: RouterConfig, line: LineState, settings: LineSettings) -> Iterator[str]:
    """What a session begins with: the message of the day, and the banner of exec."""
    if settings.motd_banner is not False:
        yield banner(config, "motd", line)
    if settings.exec_banner is not False:
        yield banner(config, "exec", line)
