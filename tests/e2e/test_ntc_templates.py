"""The templates of ntc-templates read the CLI of a living lab. A line that a template does not know is an error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ntc_templates.parse import parse_output

from tests.living import XE, LivingLab, two_vrf_hub


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, mibs: Path) -> Iterator[LivingLab]:
    with two_vrf_hub(sys.executable, tmp_path_factory.mktemp("lab"), XE, mibs) as started:
        yield started


def parsed(lab: LivingLab, command: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parse_output(platform="cisco_ios", command=command, data=lab.show(command))
    return rows


def column(rows: list[dict[str, Any]], name: str) -> list[object]:
    return [row[name] for row in rows]


def test_snmp(lab: LivingLab) -> None:
    communities, groups, users = (parsed(lab, f"show snmp {what}") for what in ("community", "group", "user"))
    assert column(communities, "name") == ["abc1", "global1", "abc2", "global2"]
    of_a_user = next(row for row in groups if row["groupname"] == "v3vrf1")
    assert (of_a_user["security_model"], of_a_user["contextname"]) == ("v3 priv", "vrf-vrf1-context")
    assert column(users, "user_name") == ["nms1", "nms2"]
    assert column(users, "privacy_protocol") == ["AES128", "AES128"]


def test_vrfs(lab: LivingLab) -> None:
    table, detail, interfaces = (parsed(lab, command) for command in ("show vrf", "show vrf detail", "show ip vrf interfaces"))
    assert column(table, "interfaces") == [["Se1/0.1", "Se1/2.1"], ["Se1/0.2", "Se1/2.2"]]
    assert column(table, "default_rd") == column(detail, "rd") == ["1:101", "2:101"]
    assert column(detail, "rt_import") == [["1:101"], ["2:101"]]
    assert column(interfaces, "ip_address") == ["10.3.1.1", "10.1.1.2", "10.3.2.1", "10.1.2.2"]


def test_sessions(lab: LivingLab) -> None:
    rows = parsed(lab, "show crypto session detail")
    up = [row for row in rows if row["session_status"] == "UP-ACTIVE"]
    assert column(up, "peer") == ["10.1.1.1", "10.1.2.1"]
    assert column(up, "ivrf") == ["vrf1", "vrf2"]
    assert column(up, "active_sa") == ["4", "4"]
    assert {row["session_status"] for row in rows if row not in up} == {"DOWN"}


def test_ipsec_sas(lab: LivingLab) -> None:
    """Each row is one SA. Values are those of the MIB."""
    rows = [row for row in parsed(lab, "show crypto ipsec sa detail") if row["protected_vrf"] == "vrf1"]
    assert [(row["sa_orientation"], row["sa_type"]) for row in rows] == [
        (way, kind) for way in ("inbound", "outbound") for kind in ("esp", "ah")
    ]
    inbound_ah, outbound_ah, inbound_esp, outbound_esp = lab.mib("abc1", *(f"cipSecSpiValue.1.{index}" for index in (1, 2, 3, 4)))
    assert column(rows, "sa_spi_dec") == [str(spi) for spi in (inbound_esp, inbound_ah, outbound_esp, outbound_ah)]
    encaps, decaps = lab.mib("abc1", "cipSecTunOutPkts.1", "cipSecTunInPkts.1")
    assert {(row["pkts_encaps"], row["pkts_decaps"]) for row in rows} == {(str(encaps), str(decaps))}
    assert {(row["current_peer"], row["sa_status"], row["sa_replay_window_size"]) for row in rows} == {
        ("10.1.1.1", "ACTIVE(ACTIVE)", "64")
    }


def test_the_router(lab: LivingLab) -> None:
    (version,) = parsed(lab, "show version")
    assert (version["version"], version["hostname"]) == ("16.9.4", "ipsecf-3745b")
    (chassis,) = parsed(lab, "show inventory")
    assert chassis["name"] == "Chassis"
    interfaces, addresses, brief = (parsed(lab, f"show {what}") for what in ("interfaces", "ip interface", "ip interface brief"))
    assert "Serial1/2.1" in column(interfaces, "interface")
    assert {"interface": "Serial1/2.1", "ip_address": "10.1.1.2", "status": "up", "proto": "up"} in brief
    assert ["10.1.1.2"] in column(addresses, "ip_address")
    assert parsed(lab, "show interfaces description")
    assert column(parsed(lab, "show clock"), "timezone") == ["PST"]
    (user,) = parsed(lab, "show users")
    assert "0 con 0" in str(user["line"])


def test_processes(lab: LivingLab) -> None:
    assert "Crypto IKMP" in column(parsed(lab, "show processes cpu"), "process_name")
    (memory,) = parsed(lab, "show processes memory sorted")
    holding = [int(octets) for octets in memory["process_holding"]]
    assert holding == sorted(holding, reverse=True)


def test_routes_and_access_lists(lab: LivingLab) -> None:
    routes = parsed(lab, "show ip route vrf vrf1")
    assert {"vrf1"} == set(column(routes, "vrf"))
    assert ("S", "10.22.1.1") in {(row["protocol"], row["network"]) for row in routes}
    assert "101" in column(parsed(lab, "show access-list"), "name")
    assert "101" in column(parsed(lab, "show ip access-lists"), "acl_name")


def test_the_log(lab: LivingLab) -> None:
    messages = parsed(lab, "show logging")
    assert column(messages, "mnemonic")[:2] == ["CONFIG_I", "RESTART"]
    assert ["Configured from memory by console"] in column(messages, "message")
