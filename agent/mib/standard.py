"""Mib room: SNMPv2-MIB (system and snmp groups), IF-MIB (ifNumber, ifTable, ifXTable) and CISCO-CONTEXT-MAPPING-MIB.

They are the same in every context. A SET of one of these objects changes the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agent.base.clock import CENTISECOND
from agent.base.origin import Origin
from agent.config.edits import DescribeInterface, Editor, SetHostname, SetSnmpText, ShutInterface, SwitchTrapType
from agent.config.interface_names import has_medium
from agent.config.model import RouterConfig
from agent.flow.device import Device, InterfaceCounter
from agent.mib.column import ENDS_TUNNELS, Commit, SetRefusedError, Undo
from agent.mib.declare import ComputedRows, ScalarView, TableView, Value
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


def system_scalars(config: RouterConfig, device: Device, editor: Editor) -> ScalarView:
    return ScalarView(
        config,
        {
            "sysDescr": lambda row, now: device.description,
            "sysObjectID": lambda row, now: tuple(int(number) for number in device.object_id.split(".")),
            "sysUpTime": lambda row, now: now // CENTISECOND,
            "sysContact": lambda row, now: row.snmp.contact,
            "sysName": lambda row, now: row.hostname,
            "sysLocation": lambda row, now: row.snmp.location,
            "sysServices": lambda row, now: device.services,
            "sysORLastChange": lambda row, now: 0,
        },
        {
            "sysContact": lambda row, value: edit_commit(editor, SetSnmpText("contact", _text(value))),
            "sysName": lambda row, value: edit_commit(editor, SetHostname(_text(value))),
            "sysLocation": lambda row, value: edit_commit(editor, SetSnmpText("location", _text(value))),
        },
    )


def sysor_table(schema: Schema) -> TableView:
    rows = ComputedRows(lambda: [(at, row) for at, row in enumerate(SERVED_MODULES, 1)])
    return TableView(
        "sysORTable",
        rows,
        lambda key, row: (key,),
        {
            "sysORID": lambda row, now: schema.oid_of(row[0]),
            "sysORDescr": lambda row, now: row[1],
            "sysORUpTime": lambda row, now: 0,
        },
    )


class SerialNumber:
    """snmpSetSerialNo: a TestAndIncr that coordinates SETs of several managers. All contexts share it."""

    def __init__(self) -> None:
        self.value = 0

    def write(self, row: Any, value: int) -> Commit:
        if value != self.value:
            raise SetRefusedError("inconsistentValue")

        def undo() -> None:
            self.value = value

        def do(origin: Origin) -> Undo:
            self.value = (value + 1) % 2147483648
            return undo

        return Commit(do)


def snmp_scalars(
    config: RouterConfig,
    counters: Iterable[str],
    count: Callable[[str], int],
    editor: Editor,
    serial: SerialNumber,
) -> ScalarView:
    """The snmp group. `count` reads a counter of the engine by its object's name."""

    def counter(name: str) -> Value:
        return lambda row, now: count(name)

    def enable(row: RouterConfig, value: str) -> Commit:
        return edit_commit(editor, SwitchTrapType(_AUTHENTICATION_TRAP, value == "enabled"))

    return ScalarView(
        config,
        {
            **{name: counter(name) for name in counters},
            "snmpEnableAuthenTraps": lambda row, now: "enabled" if _AUTHENTICATION_TRAP in row.snmp.traps else "disabled",
            "snmpSetSerialNo": lambda row, now: serial.value,
        },
        {"snmpEnableAuthenTraps": enable, "snmpSetSerialNo": serial.write},
    )


def _counter(counter: InterfaceCounter) -> Value:
    return lambda row, now: row.count(counter, now)


def _nothing(row: Any, now: int) -> int:
    """0: the lab's wires have no multicast and broadcast packets."""
    return 0


def interface_views(config: RouterConfig, device: Device, editor: Editor) -> Iterator[ScalarView | TableView]:
    def admin(row: Any, value: str) -> Commit:
        if value not in ("up", "down"):
            raise SetRefusedError("inconsistentValue")
        return edit_commit(editor, ShutInterface(row.name, value == "down"), ENDS_TUNNELS)

    def alias(row: Any, value: bytes) -> Commit:
        return edit_commit(editor, DescribeInterface(row.name, _text(value)))

    yield ScalarView(device, {"ifNumber": lambda row, now: len(row.interfaces)})
    yield TableView(
        "ifTable",
        device.interfaces,
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
        {"ifAdminStatus": admin},
    )
    yield TableView(
        "ifXTable",
        device.interfaces,
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
            "ifLinkUpDownTrapEnable": lambda row, now: "enabled" if config.snmp.traps.issuperset(_LINK_TRAPS) else "disabled",
            "ifHighSpeed": lambda row, now: (row.speed + _MILLION // 2) // _MILLION,
            "ifPromiscuousMode": lambda row, now: "false",
            "ifConnectorPresent": lambda row, now: truth("." not in row.name and has_medium(row.name)),
            "ifAlias": lambda row, now: row.description,
            "ifCounterDiscontinuityTime": lambda row, now: 0,
        },
        {"ifAlias": alias},
    )


def context_table(config: RouterConfig) -> tuple[TableView, ComputedRows]:
    """cContextMappingTable: every SNMP context and its VRF, so that a manager can find the contexts. It is read-only.

    If two VRFs name one context, the context shows the first, and so does this table.
    """
    rows = ComputedRows(lambda: [(vrf.context, vrf) for vrf in reversed(config.vrfs.values()) if vrf.context])
    return TableView(
        "cContextMappingTable",
        rows,
        lambda key, row: (key,),
        {
            "cContextMappingVrfName": lambda row, now: row.name,
            "cContextMappingTopologyName": lambda row, now: "",
            "cContextMappingProtoInstName": lambda row, now: "",
            "cContextMappingStorageType": lambda row, now: "readOnly",
            "cContextMappingRowStatus": lambda row, now: "active",
        },
    ), rows


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
