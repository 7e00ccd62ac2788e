"""No accessible object of a served module is without a view, unless a reason is stated; none is there twice or by mistake."""

from __future__ import annotations

import pytest

from agent.mib.flow_live import GATEWAY_TABLES
from agent.mib.schema import Object, Schema
from agent.mib.unserved import READ_ONLY, SERVED_MODULES, UNSERVED
from tests.mib.world import VRF1, World

GLOBAL_ONLY = ("CISCO-IPSEC-MIB", "CISCO-IPSEC-POLICY-MAP-MIB")


@pytest.fixture(scope="module")
def world(schema: Schema) -> World:
    return World(schema)


@pytest.fixture(scope="module")
def table_of(schema: Schema) -> dict[str, str]:
    """The table that each column stands in."""
    return {column.name: table.name for table in schema.tables() for column in table.columns}


def served(schema: Schema) -> list[Object]:
    return [obj for obj in schema.accessible() if obj.module in SERVED_MODULES]


@pytest.mark.parametrize("module", SERVED_MODULES)
def test_every_accessible_object_has_a_view_or_a_stated_reason(world: World, table_of: dict[str, str], module: str) -> None:
    objects = [obj for obj in served(world.schema) if obj.module == module]
    assert objects
    here = world.columns("")
    missing = [obj.name for obj in objects if obj.name not in here]
    assert [name for name in missing if name not in UNSERVED and table_of.get(name) not in UNSERVED] == []


def test_a_vrf_context_lacks_the_global_modules_alone(world: World) -> None:
    here, there = world.columns(""), world.columns(VRF1)
    assert set(there) <= set(here)
    assert {world.schema.object(name).module for name in set(here) - set(there)} == set(GLOBAL_ONLY)
    assert not [name for name in there if world.schema.object(name).module in GLOBAL_ONLY]


def test_a_stated_reason_is_for_something_that_is_not_there(world: World, table_of: dict[str, str]) -> None:
    here = set(world.columns(""))
    for name in UNSERVED:
        objects = [obj.name for obj in served(world.schema) if name in (obj.name, table_of.get(obj.name))]
        assert objects, f"{name} is no accessible object or table of a served module"
        assert not here.intersection(objects)


@pytest.mark.parametrize("context", ["", VRF1])
def test_only_accessible_objects_of_served_modules_are_there_each_once(world: World, context: str) -> None:
    columns = [column.object for column in world.tree(context).columns]
    assert all(obj.accessible and obj.module in SERVED_MODULES for obj in columns)
    assert len({obj.oid for obj in columns}) == len(columns)
    assert [obj.oid for obj in columns] == sorted(obj.oid for obj in columns)


def test_every_writable_object_can_be_set_or_has_a_stated_reason(world: World, table_of: dict[str, str]) -> None:
    excused = set()
    for column in world.tree("").columns:
        name, table = column.object.name, table_of.get(column.object.name)
        reason = next((given for given in (name, table) if given in READ_ONLY or given in GATEWAY_TABLES), None)
        if reason is not None:
            excused.add(reason)
            assert column.write is None, f"{name} is said to be read-only"
        else:
            assert (column.write is not None) == column.object.writable, name
    assert set(READ_ONLY) <= excused
