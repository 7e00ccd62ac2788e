"""Mib room: the trees of a router's SNMP contexts, made of two plans.

`""` is the global context; it alone has the configuration and the policy map. Every other context shows one VRF. A context costs
nothing until it is asked for. Then its tree follows its rows. Rows computed from the configuration are refreshed when it has
changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from agent.config.events import ConfigEvent, VrfChanged
from agent.mib.context import Context, Sources
from agent.mib.declare import View, plan_of
from agent.mib.flow_live import GATEWAY_TABLES, gateway_tables, live_scalars, live_tables
from agent.mib.flow_past import past_tables, settings_scalars
from agent.mib.ipsec_config import config_scalars, config_tables
from agent.mib.plan import Bound
from agent.mib.policy_map import policy_map_tables
from agent.mib.schema import Schema
from agent.mib.sources import undefined
from agent.mib.standard import SNMP_COUNTERS_EXCEPT, context_table, interface_views, snmp_scalars, sysor_table, system_scalars
from agent.mib.tree import Tree


class Plans:
    """The plan of the global context, and the plan of every other one. All routers of a lab share them.

    `more` are views of other rooms. Raises MibError if the modules lack an object that a view declares.
    """

    def __init__(self, schema: Schema, more: Iterable[View] = ()) -> None:
        self.schema = schema
        more = tuple(more)
        try:
            self.of_vrf = plan_of(schema, [*_views(schema), *more])
            self.of_global = plan_of(schema, [*_views(schema), *more, *_global_views()])
        except KeyError as missing:
            raise undefined(missing.args[0]) from None


def _views(schema: Schema) -> Iterator[View]:
    yield live_scalars()
    yield from live_tables()
    yield from gateway_tables({table: _accessible(schema, table) for table in GATEWAY_TABLES})
    yield from past_tables()
    yield settings_scalars()
    yield system_scalars()
    yield sysor_table(schema)
    yield snmp_scalars(_snmp_counters(schema))
    yield from interface_views()
    yield context_table()


def _global_views() -> Iterator[View]:
    yield from config_scalars()
    yield from config_tables()
    yield from policy_map_tables()


def _snmp_counters(schema: Schema) -> list[str]:
    """The counters of the snmp group that the module has."""
    group = schema.oid_of("snmp")
    return [obj.name for obj in schema.accessible() if obj.oid[: len(group)] == group and obj.name not in SNMP_COUNTERS_EXCEPT]


def _accessible(schema: Schema, table: str) -> tuple[str, ...]:
    return tuple(column.name for column in schema.table(table).columns if column.accessible)


class Contexts:
    """The trees of one router by context name."""

    def __init__(self, sources: Sources, plans: Plans | None = None) -> None:
        self._sources = sources
        self._plans = plans or Plans(sources.schema)
        self._trees: dict[str | None, Tree] = {}  # by VRF, because a context may move to another VRF
        self._shared: dict[str, Bound] = {}

    def tree(self, context: str) -> Tree | None:
        """One context's tree; None if no VRF names the context."""
        try:
            vrf = self._sources.config.vrf_of_context(context)
        except KeyError:
            return None
        found = self._trees.get(vrf)
        if found is None:
            plan = self._plans.of_global if vrf is None else self._plans.of_vrf
            found = self._trees[vrf] = Tree(plan, Context(self._sources, self._sources.monitor.vrf(vrf)), self._shared)
        return found

    def config_changed(self, events: Iterable[ConfigEvent] = ()) -> None:
        """Refresh the tables that show what has changed; without events, all. The tree of a removed VRF is removed."""
        followed = tuple(events)
        if not followed or any(isinstance(event, VrfChanged) for event in followed):
            for vrf in [vrf for vrf in self._trees if vrf is not None and vrf not in self._sources.config.vrfs]:
                self._trees.pop(vrf).close()
        for bound in self._shared.values():
            if bound.refresh is not None:
                bound.refresh(followed)
