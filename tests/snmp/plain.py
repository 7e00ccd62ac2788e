"""The same router on plain pysnmp, set up as its documentation says: what our engine would be without the mending."""

from __future__ import annotations

import asyncio
from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.api import v2c
from pysnmp.smi import error, exval, instrum

from agent.base.origin import manager
from agent.mib.setting import Assignment
from agent.mib.tree import Tree
from agent.mib.values import order_key
from agent.snmp.wire import assignment, pysnmp_value


class Controller(instrum.AbstractMibInstrumController):  # type: ignore[misc]  # pysnmp ships no types
    """A controller over a tree, which checks access as pysnmp means it to be checked."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def read_variables(self, *bindings: Any, **context: Any) -> list[Any]:
        return [self._read(at, name, context) for at, (name, _) in enumerate(bindings)]

    def _read(self, at: int, name: Any, context: Any) -> Any:
        if context["acFun"]("read", (name, None), idx=at, **context):
            return name, exval.noSuchInstance
        column, value = self._tree.get(order_key(tuple(name)), 0)
        if column is None:
            return name, exval.noSuchObject
        return name, exval.noSuchInstance if value is None else pysnmp_value(value)

    def read_next_variables(self, *bindings: Any, **context: Any) -> list[Any]:
        return [self._next(at, name, context) for at, (name, _) in enumerate(bindings)]

    def _next(self, at: int, name: Any, context: Any) -> Any:
        for column, entry, value in self._tree.successors(order_key(tuple(name)), 0):
            found = v2c.ObjectIdentifier(
                column.object.oid + tuple(int.from_bytes(entry.key[i : i + 4], "big") for i in range(0, len(entry.key), 4))
            )
            encoded = pysnmp_value(value)
            try:
                if context["acFun"]("read", (found, encoded), idx=at, **context):
                    continue
            except error.NoAccessError:
                continue
            return found, encoded
        return name, exval.endOfMibView

    def write_variables(self, *bindings: Any, **context: Any) -> Any:
        commits = []
        for at, (name, value) in enumerate(bindings):
            if context["acFun"]("write", (name, value), idx=at, **context):
                raise error.NoAccessError(name=name, idx=at)
            wanted: Assignment = assignment(name, value)
            found = self._tree.entry(order_key(wanted.name))
            if found is None or found[0].write is None:
                raise error.NotWritableError(name=name, idx=at)
            commits.append(found[0].write(found[1].row, wanted.value))
        for commit in commits:
            commit.do(manager("127.0.0.1"))
        return bindings


class PlainRouter:
    """One engine with the communities `public` (its write view is not defined) and `red`, and the v3 user `joe` without passwords
    whose group asks for authPriv; `ann` (without passwords) and `ken` (with both) are of a group that asks for none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, tree: Tree, engine_id: bytes, host: str, target: tuple[str, int]) -> None:
        self.engine = SnmpEngine()
        builder = self.engine.get_mib_builder()
        for name, value in (("snmpEngineID", engine_id), ("snmpEngineBoots", 3)):
            (symbol,) = builder.import_symbols("__SNMP-FRAMEWORK-MIB", name)
            symbol.syntax = symbol.syntax.clone(value)
        (symbol,) = builder.import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID")
        self.engine.snmpEngineID = symbol.syntax
        self.transport = udp.UdpTransport(loop=loop).open_server_mode((host, 0))
        config.add_transport(self.engine, udp.DOMAIN_NAME, self.transport)
        served = context.SnmpContext(self.engine)
        served.unregister_context_name(b"")
        controller = Controller(tree)
        for name in ("", "red-context"):
            served.register_context_name(name, controller)
            config.add_context(self.engine, name)
        config.add_v1_system(self.engine, "public", "public", contextName=b"")
        config.add_v1_system(self.engine, "red", "red", contextName="red-context")
        for model in (1, 2):
            config.add_vacm_group(self.engine, "readers", model, "public")
            config.add_vacm_group(self.engine, "reds", model, "red")
            config.add_vacm_access(self.engine, "readers", "", model, "noAuthNoPriv", "exact", "all", "none", "all")
            config.add_vacm_access(self.engine, "reds", "red-context", model, "noAuthNoPriv", "exact", "all", "all", "all")
        config.add_v3_user(self.engine, "joe")
        config.add_vacm_group(self.engine, "joes", 3, "joe")
        config.add_vacm_access(self.engine, "joes", "", 3, "authPriv", "exact", "all", "all", "all")
        config.add_v3_user(self.engine, "ann")
        config.add_vacm_group(self.engine, "anns", 3, "ann")
        passwords = (config.USM_AUTH_HMAC96_SHA, "authpass1", config.USM_PRIV_CFB128_AES, "privpass1")
        config.add_v3_user(self.engine, "ken", *passwords)
        config.add_vacm_group(self.engine, "anns", 3, "ken")
        config.add_vacm_access(self.engine, "anns", "", 3, "noAuthNoPriv", "prefix", "all", "all", "all")
        config.add_vacm_access(self.engine, "anns", "red", 3, "noAuthNoPriv", "prefix", "little", "all", "all")
        config.add_vacm_view(self.engine, "all", 1, (1,), b"")
        config.add_vacm_view(self.engine, "little", 1, (1, 3, 6, 1, 2), b"")
        config.add_target_parameters(self.engine, "trap", "red", "noAuthNoPriv", 1)
        config.add_target_address(self.engine, "trap", udp.DOMAIN_NAME, target, "trap", tagList="trap")
        for responder in (
            cmdrsp.GetCommandResponder,
            cmdrsp.NextCommandResponder,
            cmdrsp.BulkCommandResponder,
            cmdrsp.SetCommandResponder,
        ):
            responder(self.engine, served)

    def close(self) -> None:
        self.engine.close_dispatcher()
