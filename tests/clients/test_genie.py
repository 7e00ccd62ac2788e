"""Cisco's Genie parsers read the CLI, and give the values that the MIB gives.

Known traits of the parsers are in docs/clients.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from genie.conf.base import Device

from tests.living import FAR, HUB, PEERS, LivingLab


def device(system: str) -> Any:
    """A device that parses what it is given: it connects to nothing."""
    made = Device(name="router", os=system)
    made.custom.setdefault("abstraction", {})["order"] = ["os"]
    return made


XE, IOS = device("iosxe"), device("ios")


def parsed(lab: LivingLab, command: str, by: Any = XE, router: str = HUB) -> Any:
    return by.parse(command, output=lab.show(command, router))


# --- flow MIB ---


def test_ipsec_tunnels(xe: LivingLab) -> None:
    found = parsed(xe, "show crypto mib ipsec flowmib tunnel")["ipsec_flowmib_tunnel"]
    assert found["total_vrf"] == 3
    assert found["Global"] == {}
    objects = {
        "encap_mode": "EncapMode",
        "lifetime_kb": "LifeSize",
        "lifetime_sec": "LifeTime",
        "lifetime_threshold_kb": "SaLifeSizeThreshold",
        "lifetime_threshold_sec": "SaLifeTimeThreshold",
        "no_of_refresh": "TotalRefreshes",
        "expired_sa": "ExpiredSaInstances",
        "current_sa": "CurrentSaInstances",
        "in_octets": "HcInOctets",
        "decompressed_octets": "HcInDecompOctets",
        "in_packets": "InPkts",
        "in_drops": "InDropPkts",
        "in_replay_drops": "InReplayDropPkts",
        "in_authentications": "InAuths",
        "in_auth_failures": "InAuthFails",
        "in_decrypts": "InDecrypts",
        "in_decrypt_failures": "InDecryptFails",
        "out_octets": "HcOutOctets",
        "out_uncompressed_octets": "HcOutUncompOctets",
        "out_packets": "OutPkts",
        "out_drops": "OutDropPkts",
        "out_authentications": "OutAuths",
        "out_auth_failures": "OutAuthFails",
        "out_encryptions": "OutEncrypts",
        "out_encryption_failures": "OutEncryptFails",
        "out_uncompressed_octets_1": "HcOutUncompOctets",
    }
    for vrf, peer in PEERS.items():
        (tunnel,) = found[vrf].values()
        assert tunnel["remote_address"] == peer
        wanted = xe.numbers(vrf, *(f"cipSecTun{name}.{tunnel['index']}" for name in objects.values()))
        assert [tunnel[key] for key in objects] == wanted
        assert tunnel["in_octets"] == 400
        names = ("in_sa_dh_group", "in_sa_encrypt_algorithm", "in_sa_ah_auth_algorithm", "in_sa_esp_auth_algorithm")
        assert [tunnel[key] for key in names] == ["1", "des", "ESP_HMAC_SHA", "ESP_HMAC_SHA"]


def test_ipsec_sums(xe: LivingLab) -> None:
    found = parsed(xe, "show crypto mib ipsec flowmib global")["ipsec_flowmib_global"]
    objects = {
        "active_tunnels": "ActiveTunnels",
        "previous_tunnels": "PreviousTunnels",
        "in_octets": "HcInOctets",
        "out_octets": "HcOutOctets",
        "in_packets": "InPkts",
        "out_packets": "OutPkts",
        "uncompressed_encrypted_bytes": "HcOutUncompOctets",
        "in_packet_drops": "InDrops",
        "out_packet_drops": "OutDrops",
        "in_replay_drops": "InReplayDrops",
        "in_authentications": "InAuths",
        "out_authentications": "OutAuths",
        "in_decrypts": "InDecrypts",
        "out_encrypts": "OutEncrypts",
        "in_decrypt_failures": "InDecryptFails",
        "out_encrypt_failures": "OutEncryptFails",
        "no_sa_failures": "NoSaFails",
        "protocol_use_failures": "ProtocolUseFails",
        "system_capacity_failures": "SysCapFails",
        "in_auth_failures": "InAuthFails",
        "out_auth_failures": "OutAuthFails",
    }
    for vrf in PEERS:
        wanted = xe.numbers(vrf, *(f"cipSecGlobal{name}.0" for name in objects.values()))
        assert [found[vrf][key] for key in objects] == wanted


def test_ipsec_ends(xe: LivingLab) -> None:
    found = parsed(xe, "show crypto mib ipsec flowmib endpoint")["ipsec_flowmib_endpoints"]
    for number, vrf in enumerate(PEERS, 1):
        (end,) = found[vrf].values()
        assert (end["local_type"], end["protocol"], end["local_port"]) == ("Single IP address", 0, 0)
        assert (end["local_address"], end["remote_address"]) == (f"10.22.{number}.1", f"10.20.{number}.1")


def test_ike_tunnels(xe: LivingLab) -> None:
    found = parsed(xe, "show crypto mib ike flowmib tunnel")["ike_flowmib_tunnel"]
    for vrf, peer in PEERS.items():
        (tunnel,) = found[vrf].values()
        assert tunnel["remote_address"] == peer
        assert (tunnel["negotiation_mode"], tunnel["diffie_hellman_grp"], tunnel["auth_method"]) == ("Main Mode", 1, "psk")
        counted = [*tunnel["incoming"].values(), *tunnel["outgoing"].values()]
        names = [
            f"cikeTun{direction}{name}.{tunnel['index']}"
            for direction in ("In", "Out")
            for name in (
                "Octets",
                "Pkts",
                "DropPkts",
                "Notifys",
                "P2Exchgs",
                "P2ExchgInvalids",
                "P2ExchgRejects",
                "P2SaDelRequests",
            )
        ]
        assert counted == xe.numbers(vrf, *names)


# --- VRFs, SNMP, the router ---


@pytest.mark.parametrize("by", [XE, IOS], ids=["iosxe", "ios"])
def test_vrfs(xe: LivingLab, by: Any) -> None:
    expected = {"vrf1": ["Serial1/0.1", "Serial1/2.1"], "vrf2": ["Serial1/0.2", "Serial1/2.2"]}
    table = parsed(xe, "show vrf", by)["vrf"]
    detail = parsed(xe, "show vrf detail", by)
    assert {name: vrf["interfaces"] for name, vrf in table.items()} == expected
    assert {name: detail[name]["interfaces"] for name in expected} == expected
    assert {name: detail[name]["route_distinguisher"] for name in expected} == {"vrf1": "1:101", "vrf2": "2:101"}
    assert parsed(xe, "show vrf vrf2", by)["vrf"].keys() == {"vrf2"}


def test_ip_vrfs(xe: LivingLab) -> None:
    assert parsed(xe, "show ip vrf")["vrf"]["vrf1"]["interfaces"] == ["Serial1/0.1", "Serial1/2.1"]
    assert parsed(xe, "show ip vrf detail")["vrf2"]["vrf_id"] == 2


def test_snmp(xe: LivingLab) -> None:
    xe.mib("vrf1", "sysUpTime.0")
    counted = parsed(xe, "show snmp")
    assert counted["snmp_input"]["get_request_pdus"] > 0
    assert counted["snmp_output"]["response_pdus"] > 0
    assert counted["snmp_logging"]["status"] == "enabled"
    assert parsed(xe, "show snmp community")["community"].keys() == {"abc1", "abc2", "global1", "global2"}
    users = parsed(xe, "show snmp user")["user_name"]
    assert users["nms1"]["auth_protocol"] == "SHA"
    kept = json.loads((xe.folder / "state" / f"two-vrf-hub.{HUB}.engine.json").read_text())
    assert parsed(xe, "show snmp engineid")["local_engineid"].lower() in kept.values()


def test_snmp_groups_of_a_router_without_contexts(xe: LivingLab) -> None:
    """Genie's parser fails at the name of a context."""
    groups = parsed(xe, "show snmp group", router=FAR)
    assert {(group["groupname"], group["readview"]) for group in groups.values()} == {("public", "v1default")}


def test_the_log(xe: LivingLab) -> None:
    found = parsed(xe, "show logging")
    assert found["syslog_logging"]["enabled"]["counters"]["messages_dropped"] == 0
    log = found["logging"]
    assert (log["console"]["status"], log["buffer"]["level"], log["trap"]["level"]) == ("disabled", "debugging", "informational")
    assert found["log_buffer_bytes"] == 4096
    assert any(line.endswith("%SYS-5-RESTART: System restarted --") for line in found["logs"])
