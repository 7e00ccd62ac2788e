"""What a router of a lab shows of a failure, read as a manager reads it: cells of its trees, and the notifications made."""

from __future__ import annotations

import re
from typing import Any

from agent.config.edits import Editor
from agent.config.endpoint import RouterEndpoint
from agent.flow.settings import TrapKind
from agent.mib.context import Sources
from agent.mib.contexts import Contexts
from agent.mib.schema import Schema
from agent.mib.values import order_key
from agent.snmp.notifications import Scene, notification_forms, of_record
from agent.syslog.records import RecordLog
from agent.syslog.syslog import Syslog
from tests.lab.causes import LINES, Shown
from tests.mib.world import value_of

COUNTERS = (
    "cikeGlobalInitTunnelFails",
    "cikeGlobalRespTunnelFails",
    "cikeGlobalSysCapFails",
    "cikeGlobalAuthFails",
    "cikeGlobalDecryptFails",
    "cikeGlobalHashValidFails",
    "cikeGlobalNoSaFails",
    "cikeGlobalInP2ExchgInvalids",
    "cikeGlobalInP2ExchgRejects",
    "cikeGlobalOutP2ExchgInvalids",
    "cikeGlobalOutP2ExchgRejects",
    "cipSecGlobalInDrops",
    "cipSecGlobalInReplayDrops",
    "cipSecGlobalInAuthFails",
    "cipSecGlobalInDecryptFails",
    "cipSecGlobalOutDrops",
    "cipSecGlobalOutAuthFails",
    "cipSecGlobalOutEncryptFails",
    "cipSecGlobalProtocolUseFails",
    "cipSecGlobalNoSaFails",
    "cipSecGlobalSysCapFails",
)
FAILURES = ("cikeFailReason", "cipSecFailReason", "cikeTunHistTermReason", "cipSecTunHistTermReason")


class Watched:
    """One router's global context. `shown` is what has come since the last `mark`; `told`: what it has told its peer."""

    def __init__(self, schema: Schema, router: Any) -> None:
        self._schema = schema
        self._monitor = router.monitor
        config = router.document.config
        self._contexts = Contexts(
            Sources(
                schema, config, router.monitor, router.device, router.engine, Editor(config, lambda events: None), lambda name: 0
            )
        )
        self._scene = Scene(notification_forms(schema), RouterEndpoint(config), router.monitor, self._contexts.tree)
        for kind in TrapKind:
            router.monitor.vrf(None).set_trap(kind, True)
        router.monitor.subscribe(lambda event: self._sent.extend(each.name for each in of_record(event, self._scene)))
        config.crypto.logging_session = True
        syslog = Syslog(router.monitor.clock)
        syslog.subscribe(lambda logged: self.lines.append(str(logged.message)))
        router.monitor.subscribe(RecordLog(config, router.monitor, syslog))
        self.lines: list[str] = []  # of syslog
        self.told: list[str] = []
        self._sent: list[str] = []
        self.mark()

    def mark(self) -> None:
        self.told.clear()
        self.lines.clear()
        self._sent.clear()
        self._before = {name: self._cells(name) for name in (*COUNTERS, *FAILURES)}

    def shown(self, here: str, peer: str) -> Shown:
        """Reasons of new rows must be alike: a cause has one reason in each table. The addresses are those in messages."""
        risen = [name for name in COUNTERS if self._cells(name) != self._before[name]]
        return Shown(
            tuple(sorted(risen)),
            *(self._new_reason(name) for name in FAILURES),
            notifications=tuple(sorted(self._sent)),
            told=tuple(sorted(set(self.told))),
            logged=tuple(named(line, here, peer) for line in self.lines),
        )

    def _new_reason(self, column: str) -> str | None:
        new = {row: value for row, value in self._cells(column).items() if row not in self._before[column]}
        labels = {self._label(column, value) for value in new.values()}
        assert len(labels) < 2, (column, labels)
        return labels.pop() if labels else None

    def _label(self, column: str, value: Any) -> str:
        syntax = self._schema.object(column).syntax
        assert syntax is not None
        return syntax.label(value) or ""

    def _cells(self, name: str) -> dict[bytes, Any]:
        """Every instance of an object."""
        oid = self._schema.oid_of(name)
        tree = self._contexts.tree("")
        assert tree is not None
        found = {}
        for column, entry, encoded in tree.successors(order_key(oid), self._monitor.clock.now()):
            if column.object.name != name:
                break
            found[entry.key] = value_of(encoded)
        return found


def named(line: str, here: str, peer: str) -> str:
    """The name of a message, or the message itself if it is none of those in the page."""
    address = r"\d+\.\d+\.\d+\.\d+"
    values = {"here": re.escape(here), "peer": re.escape(peer), "inner": address, "net": f"{address}/{address}/\\d+/\\d+"}
    values |= {"dec": r"\d+", "hex": r"[0-9A-F]{8}"}
    found = [name for name, text in LINES.items() if re.fullmatch(_pattern(text, values), line)]
    return found[0] if len(found) == 1 else line


def _pattern(text: str, values: dict[str, str]) -> str:
    """A regular expression for a line of `LINES`."""
    parts = re.split(r"\{(\w+)\}", text)
    return "".join(values[part] if at % 2 else re.escape(part) for at, part in enumerate(parts))


def normal(shown: Shown) -> Shown:
    """With what has no order in order."""
    return Shown(
        tuple(sorted(shown.counters)),
        shown.ike_failure,
        shown.ipsec_failure,
        shown.ike_end,
        shown.ipsec_end,
        tuple(sorted(shown.notifications)),
        tuple(sorted(shown.told)),
        shown.logged,
    )
