"""Mib room: SNMPv2-MIB (system and snmp groups), IF-MIB (ifNumber, ifTable, ifXTable) and CISCO-CONTEXT-MAPPING-MIB.

They are the same in every context. A SET of one of these objects changes the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from agent.base.clock import CENTISECOND
from agent.config.model import LONGEST_HOSTNAME, RouterConfig
from agent.flow.device import Device, InterfaceCounter
from agent.mib.column import Commit, SetRefusedError
from agent.mib.declare import ComputedRows, ScalarView, TableView, Value
from agent.mib.ipsec_config import Configure
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


def system_scalars(config: RouterConfig, device: Device, configure: Configure) -> ScalarView:
    def setter(line: str) -> Callable[[Any, bytes], Commit]:
        return lambda row, value: _configured(line, value, configure)

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
            "sysContact": setter("snmp-server contact"),
            "sysName": setter("hostname"),
            "sysLocation": setter("snmp-server location"),
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
        return Commit(self._increment)

    def _increment(self) -> None:
        self.value = (self.value + 1) % 2147483648


def snmp_scalars(
    config: RouterConfig,
    counters: Iterable[str],
    count: Callable[[str], int],
    configure: Configure,
    serial: SerialNumber,
) -> ScalarView:
    """The snmp group. `count` reads a counter of the engine by its object's name."""

    def counter(name: str) -> Value:
        return lambda row, now: count(name)

    def enable(row: RouterConfig, value: str) -> Commit:
        prefix = "" if value == "enabled" else "no "
        return Commit(lambda: configure([f"{prefix}snmp-server enable traps snmp authentication"]))

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


def interface_views(config: RouterConfig, device: Device, configure: Configure) -> Iterator[ScalarView | TableView]:
    def admin(row: Any, value: str) -> Commit:
        if value not in ("up", "down"):
            raise SetRefusedError("inconsistentValue")
        line = "shutdown" if value == "down" else "no shutdown"
        return Commit(lambda: configure([f"interface {row.name}", line, "end"]), order=5)

    def alias(row: Any, value: bytes) -> Commit:
        text = _text(value)
        line = f"description {text}" if text else "no description"
        return Commit(lambda: configure([f"interface {row.name}", line, "end"]))

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
            "ifConnectorPresent": lambda row, now: truth("." not in row.name and not row.name.startswith(("Tunnel", "Loopback"))),
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
    """A DisplayString that a configuration line can hold. Blanks at its ends would be lost, so they are refused."""
    try:
        text = value.decode("ascii")
    except UnicodeDecodeError:
        raise SetRefusedError("wrongValue") from None
    if text != text.strip() or not text.isprintable():
        raise SetRefusedError("wrongValue")
    return text


def _configured(line: str, value: bytes, configure: Configure) -> Commit:
    text = _text(value)
    if line == "hostname" and (not 0 < len(text) <= LONGEST_HOSTNAME or " " in text):
        raise SetRefusedError("wrongValue")
    return Commit(lambda: configure([f"{line} {text}" if text else f"no {line}"]))
