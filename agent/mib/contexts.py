"""Mib room: builds the trees of a router's SNMP contexts from the declarations.

`""` is the global context; it alone has the configuration and the policy map. Every other context shows one VRF. A tree is built
when its context appears, and then follows its rows. Rows computed from the configuration are refreshed when it has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from agent.base.bus import Subscription
from agent.config.edits import Editor
from agent.config.model import RouterConfig
from agent.engine.port import Engine
from agent.flow.device import Device
from agent.flow.monitor import FlowMonitor
from agent.mib.declare import ComputedRows, ScalarView, TableView, add_scalars, add_table
from agent.mib.flow_live import GATEWAY_TABLES, gateway_tables, live_scalars, live_tables
from agent.mib.flow_past import past_tables, settings_scalars
from agent.mib.ipsec_config import config_scalars, config_tables
from agent.mib.policy_map import policy_map_tables
from agent.mib.schema import Schema
from agent.mib.sources import undefined
from agent.mib.standard import (
    SNMP_COUNTERS_EXCEPT,
    SerialNumber,
    context_table,
    interface_views,
    snmp_scalars,
    sysor_table,
    system_scalars,
)
from agent.mib.tree import Tree

Followed = tuple[TableView, ComputedRows]  # a table that follows the configuration


def _no_views() -> Iterable[ScalarView | Followed]:
    return ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What the views read, and where requests go. `administration` gives the views of the SNMP engine itself."""

    schema: Schema
    config: RouterConfig
    monitor: FlowMonitor
    device: Device
    engine: Engine
    editor: Editor
    snmp_count: Callable[[str], int]
    administration: Callable[[], Iterable[ScalarView | Followed]] = _no_views


@dataclass(slots=True)
class _Context:
    """One VRF's tree, its rows computed from the configuration, and the subscriptions to close when the VRF goes."""

    tree: Tree = field(default_factory=Tree)
    computed: list[ComputedRows] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)


class Contexts:
    """The trees by context name."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._serial = SerialNumber()
        self._contexts: dict[str | None, _Context] = {}  # by VRF, because a context may move to another VRF

    def tree(self, context: str) -> Tree | None:
        """One context's tree; None if no VRF names the context."""
        try:
            vrf = self._sources.config.vrf_of_context(context)
        except KeyError:
            return None
        found = self._contexts.get(vrf)
        if found is None:
            found = self._contexts[vrf] = self._build(vrf)
        return found.tree

    def build(self) -> None:
        """Build the trees of all contexts, so that no first poll waits for it.

        Raises MibError if the modules lack an object that a view declares.
        """
        for name in self._sources.config.contexts():
            try:
                self.tree(name)
            except KeyError as missing:
                raise undefined(missing.args[0]) from None

    def config_changed(self) -> None:
        """Refresh the tables that show the configuration. The tree of a removed VRF is removed."""
        for vrf in [vrf for vrf in self._contexts if vrf is not None and vrf not in self._sources.config.vrfs]:
            for subscription in self._contexts.pop(vrf).subscriptions:
                subscription.close()
        for context in self._contexts.values():
            for rows in context.computed:
                rows.refresh()

    def _build(self, vrf: str | None) -> _Context:
        context, schema = _Context(), self._sources.schema
        for view in self._views(vrf, context.computed):
            if isinstance(view, ScalarView):
                add_scalars(context.tree, schema, view)
            else:
                context.subscriptions.append(add_table(context.tree, schema, view))
        return context

    def _views(self, vrf: str | None, computed: list[ComputedRows]) -> Iterator[ScalarView | TableView]:
        given = self._sources
        flow = given.monitor.vrf(vrf)
        yield live_scalars(flow)
        yield from live_tables(flow, given.engine)
        yield from gateway_tables({table: _accessible(given.schema, table) for table in GATEWAY_TABLES})
        yield from past_tables(flow)
        yield settings_scalars(flow, given.monitor)
        yield system_scalars(given.config, given.device, given.editor)
        yield sysor_table(given.schema)
        yield snmp_scalars(given.config, self._snmp_counters(), given.snmp_count, given.editor, self._serial)
        yield from interface_views(given.config, given.device, given.editor)
        yield from _follow([context_table(given.config)], computed)
        for view in given.administration():
            yield from [view] if isinstance(view, ScalarView) else _follow([view], computed)
        if vrf is None:
            yield from config_scalars(given.config, given.monitor)
            yield from _follow(config_tables(given.config, given.device, given.monitor, given.editor), computed)
            yield from policy_map_tables(given.monitor)

    def _snmp_counters(self) -> list[str]:
        """The counters of the snmp group that the module has."""
        group = self._sources.schema.oid_of("snmp")
        return [
            obj.name
            for obj in self._sources.schema.accessible()
            if obj.oid[: len(group)] == group and obj.name not in SNMP_COUNTERS_EXCEPT
        ]


def _follow(views: Iterable[Followed], computed: list[ComputedRows]) -> Iterator[TableView]:
    for view, rows in views:
        computed.append(rows)
        yield view


def _accessible(schema: Schema, table: str) -> tuple[str, ...]:
    return tuple(column.name for column in schema.table(table).columns if column.accessible)
