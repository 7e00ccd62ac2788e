"""Lab room: the faults of routers and links, by their names in the timeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from agent.lab.router import Router
from agent.lab.wire.wires import Wire

ROUTER_FAULTS: Mapping[str | None, Callable[[Router], None]] = MappingProxyType(
    {
        "router off": Router.power_off,
        "router on": Router.power_on,
        "crypto engine down": Router.fail_crypto,
        "crypto engine up": Router.repair_crypto,
    }
)
LINK_FAULTS: Mapping[str | None, Callable[[Wire], None]] = MappingProxyType(
    {
        "link down": lambda wire: wire.set_up(False),
        "link up": lambda wire: wire.set_up(True),
    }
)


def change_quality(wire: Wire, changes: Mapping[str, int | float]) -> None:
    """Change a link's quality. Values that are not named stay. Packets on their way are not affected."""
    wire.quality = replace(wire.quality, **changes)  # type: ignore[arg-type]  # the lab file's sections have checked each key's kind
