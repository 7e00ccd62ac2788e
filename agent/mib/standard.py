"""Mib room: SNMPv2-MIB (system and snmp groups), IF-MIB (ifNumber, ifTable, ifXTable) and CISCO-CONTEXT-MAPPING-MIB.

They are the same in every context. A SET of one of these objects changes the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agent.base.clock import CENTISECOND
from agent.config.edits import ConfigEdit, DescribeInterface, SetHostname, SetSnmpText, ShutInterface, SwitchTrapType
from agent.config.events import VrfChanged
from agent.config.interface_names import has_medium
from agent.config.model import Vrf
from agent.flow.device import InterfaceCounter
from agent.mib.column import ENDS_TUNNELS, SetRefusedError
from agent.mib.context import Context
from agent.mib.declare import InContext, ScalarView, TableView, Value, Write, computed
from agent.mib.edits import edit_commit
from agent.mib.schema import Schema
from agent.mib.terms import centiseconds, truth

_FASTEST_IN_32_BITS = 4294967295
_MILLION = 1_000_000
_AUTHENTICATION_TRAP = "snmp authentication"
_LINK_TRAPS = ("snmp linkup", "snmp linkdown")
# The rows of sysORTable.
SERVED_MODULES = (
    ("snmpMIB", "SNMP entities (RFC 3418)"),
    ("ifMIB", "Network interfaces (RFC 2863)"),
    ("ciscoIPsecMIB", "IPsec and IKE configuration"),
    ("ciscoIpSecFlowMonitorMIB", "IPsec and IKE tunnels, per VRF"),
    ("ciscoIpSecPolMapMIB", "Policies behind IPsec and IKE tunnels"),
    ("ciscoContextMappingMIB", "SNMP contexts and the VRFs that they show"),
)
# The objects of the snmp group that are counters of the engine.
SNMP_COUNTERS_EXCEPT = frozenset({"snmpEnableAuthenTraps"})


def system_scalars() -> ScalarView:
    return ScalarView(
        lambda context: context.router,
        {
            "sysDescr": lambda row, now: row.device.description,
            "sysObjectID": lambda row, now: tuple(int(number) for number in row.device.object_id.split(".")),
            "sysUpTime": lambda row, now: now // CENTISECOND,
            "sysContact": lambda row, now: row.config.snmp.contact,
            "sysName": lambda row, now: row.config.hostname,
            "sysLocation": lambda row, now: row.config.snmp.location,
            "sysServices": lambda row, now: row.device.services,
            "sysORLastChange": lambda row, now: 0,
        },
        {
            "sysContact": _edit(lambda row, value: SetSnmpText("contact", _text(value))),
            "sysName": _edit(lambda row, value: SetHostname(_text(value))),
            "sysLocation": _edit(lambda row, value: SetSnmpText("location", _text(value))),
        },
        shared=True,
    )


def _edit(make: Callable[[Any, Any], ConfigEdit], order: int = 0) -> Write:
    """A SET that is an edit of the configuration. `make` tests the value, and gives the edit of a row."""
    return lambda context, row, value: edit_commit(context.router.editor, make(row, value), order)


def sysor_table(schema: Schema) -> TableView:
    return TableView(
        "sysORTable",
        computed(lambda context: [(at, row) for at, row in enumerate(SERVED_MODULES, 1)]),
        lambda key, row: (key,),
        {
            "sysORID": lambda row, now: schema.oid_of(row[0]),
            "sysORDescr": lambda row, now: row[1],
            "sysORUpTime": lambda row, now: 0,
        },
        shared=True,
    )


def snmp_scalars(counters: Iterable[str]) -> ScalarView:
    """The snmp group. The row is the router."""

    def counter(name: str) -> Value:
        return lambda row, now: row.snmp_count(name)

    return ScalarView(
        lambda context: context.router,
        {
            **{name: counter(name) for name in counters},
            "snmpEnableAuthenTraps": lambda row, now: "enabled" if _AUTHENTICATION_TRAP in row.config.snmp.traps else "disabled",
            "snmpSetSerialNo": lambda row, now: row.serial.value,
        },
        {
            "snmpEnableAuthenTraps": _edit(lambda row, value: SwitchTrapType(_AUTHENTICATION_TRAP, value == "enabled")),
            "snmpSetSerialNo": lambda context, row, value: row.serial.write(value),
        },
        shared=True,
    )


def _counter(counter: InterfaceCounter) -> Value:
    return lambda row, now: row.count(counter, now)


def _nothing(row: Any, now: int) -> int:
    """0: the lab's wires have no multicast and broadcast packets."""
    return 0


def _shut(row: Any, value: str) -> ConfigEdit:
    if value not in ("up", "down"):
        raise SetRefusedError("inconsistentValue")
    return ShutInterface(row.name, value == "down")


def _link_traps(row: Any, now: int, context: Context) -> str:
    return "enabled" if context.router.config.snmp.traps.issuperset(_LINK_TRAPS) else "disabled"


def interface_views() -> Iterator[ScalarView | TableView]:
    yield ScalarView(lambda context: context.router.device, {"ifNumber": lambda row, now: len(row.interfaces)}, shared=True)
    yield TableView(
        "ifTable",
        lambda context: context.router.device.interfaces,
        lambda key, row: (key,),
        {
            "ifIndex": lambda row, now: row.index,
            "ifDescr": lambda row, now: row.name,
            "ifType": lambda row, now: row.kind,
            "ifMtu": lambda row, now: row.mtu,
            "ifSpeed": lambda row, now: min(row.speed, _FASTEST_IN_32_BITS),
            "ifPhysAddress": lambda row, now: row.physical_address,
            "ifAdminStatus": lambda row, now: "up" if row.admin_up else "down",
            "ifOperStatus": lambda row, now: "up" if row.oper_up else "down",
            "ifLastChange": lambda row, now: centiseconds(row.last_change),
            "ifInOctets": _counter(InterfaceCounter.IN_OCTETS),
            "ifInUcastPkts": _counter(InterfaceCounter.IN_UNICAST),
            "ifInNUcastPkts": _nothing,
            "ifInDiscards": _counter(InterfaceCounter.IN_DISCARDS),
            "ifInErrors": _counter(InterfaceCounter.IN_ERRORS),
            "ifInUnknownProtos": _nothing,
            "ifOutOctets": _counter(InterfaceCounter.OUT_OCTETS),
            "ifOutUcastPkts": _counter(InterfaceCounter.OUT_UNICAST),
            "ifOutNUcastPkts": _nothing,
            "ifOutDiscards": _counter(InterfaceCounter.OUT_DISCARDS),
            "ifOutErrors": _counter(InterfaceCounter.OUT_ERRORS),
            "ifOutQLen": _nothing,
            "ifSpecific": lambda row, now: (0, 0),
        },
        {"ifAdminStatus": _edit(_shut, ENDS_TUNNELS)},
        shared=True,
    )
    yield TableView(
        "ifXTable",
        lambda context: context.router.device.interfaces,
        lambda key, row: (key,),
        {
            "ifName": lambda row, now: short_name(row.name),
            "ifInMulticastPkts": _nothing,
            "ifInBroadcastPkts": _nothing,
            "ifOutMulticastPkts": _nothing,
            "ifOutBroadcastPkts": _nothing,
            "ifHCInOctets": _counter(InterfaceCounter.IN_OCTETS),
            "ifHCInUcastPkts": _counter(InterfaceCounter.IN_UNICAST),
            "ifHCInMulticastPkts": _nothing,
            "ifHCInBroadcastPkts": _nothing,
            "ifHCOutOctets": _counter(InterfaceCounter.OUT_OCTETS),
            "ifHCOutUcastPkts": _counter(InterfaceCounter.OUT_UNICAST),
            "ifHCOutMulticastPkts": _nothing,
            "ifHCOutBroadcastPkts": _nothing,
            "ifLinkUpDownTrapEnable": InContext(_link_traps),
            "ifHighSpeed": lambda row, now: (row.speed + _MILLION // 2) // _MILLION,
            "ifPromiscuousMode": lambda row, now: "false",
            "ifConnectorPresent": lambda row, now: truth("." not in row.name and has_medium(row.name)),
            "ifAlias": lambda row, now: row.description,
            "ifCounterDiscontinuityTime": lambda row, now: 0,
        },
        {"ifAlias": _edit(lambda row, value: DescribeInterface(row.name, _text(value)))},
        shared=True,
    )


def context_table() -> TableView:
    """cContextMappingTable: every SNMP context and its VRF, so that a manager can find the contexts. It is read-only.

    If two VRFs name one context, the context shows the first, and so does this table.
    """

    def rows(context: Context) -> Iterable[tuple[str, Vrf]]:
        return [(vrf.context, vrf) for vrf in reversed(context.router.config.vrfs.values()) if vrf.context]

    return TableView(
        "cContextMappingTable",
        computed(rows, VrfChanged),
        lambda key, row: (key,),
        {
            "cContextMappingVrfName": lambda row, now: row.name,
            "cContextMappingTopologyName": lambda row, now: "",
            "cContextMappingProtoInstName": lambda row, now: "",
            "cContextMappingStorageType": lambda row, now: "readOnly",
            "cContextMappingRowStatus": lambda row, now: "active",
        },
        shared=True,
    )


_SHORT_NAMES = {"FastEthernet": "Fa", "GigabitEthernet": "Gi", "TenGigabitEthernet": "Te", "Ethernet": "Et", "Serial": "Se"}
_SHORT_NAMES.update({"Tunnel": "Tu", "Loopback": "Lo"})


def short_name(name: str) -> str:
    """ifName as IOS abbreviates it: Se1/2.1, Fa0/0."""
    for long, short in _SHORT_NAMES.items():
        if name.startswith(long):
            return short + name[len(long) :]
    return name


def _text(value: bytes) -> str:
    """A DisplayString, which is ASCII (RFC 2579 §2). The configuration tests what else a text must be."""
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise SetRefusedError("wrongValue") from None
