"""Cisco's Genie parsers read the CLI, and give the values that the MIB gives.

Known traits of the parsers are in docs/clients.md.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from genie.conf.base import Device

from tests.living import FAR, HUB, LEFT, RIGHT, LivingLab

PEERS = {"vrf1": "10.1.1.1", "vrf2": "10.1.2.1"}
COMMUNITIES = {"vrf1": "abc1", "vrf2": "abc2"}


def device(system: str) -> Any:
    """A device that parses what it is given: it connects to nothing."""
    made = Device(name="router", os=system)
    made.custom.setdefault("abstraction", {})["order"] = ["os"]
    return made


XE, IOS = device("iosxe"), device("ios")


def parsed(lab: LivingLab, command: str, by: Any = XE, router: str | None = None) -> Any:
    return by.parse(command, output=lab.show(command, router))


# --- flow MIB ---


def test_ipsec_tunnels(hub: LivingLab) -> None:
    found = parsed(hub, "show crypto mib ipsec flowmib tunnel")["ipsec_flowmib_tunnel"]
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
        wanted = hub.mib(COMMUNITIES[vrf], *(f"cipSecTun{name}.{tunnel['index']}" for name in objects.values()))
        assert [tunnel[key] for key in objects] == wanted
        assert tunnel["in_octets"] == 400
        names = ("in_sa_dh_group", "in_sa_encrypt_algorithm", "in_sa_ah_auth_algorithm", "in_sa_esp_auth_algorithm")
        assert [tunnel[key] for key in names] == ["1", "des", "ESP_HMAC_SHA", "ESP_HMAC_SHA"]


def test_ipsec_sums(hub: LivingLab) -> None:
    found = parsed(hub, "show crypto mib ipsec flowmib global")["ipsec_flowmib_global"]
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
        wanted = hub.mib(COMMUNITIES[vrf], *(f"cipSecGlobal{name}.0" for name in objects.values()))
        assert [found[vrf][key] for key in objects] == wanted


def test_ipsec_ends(hub: LivingLab) -> None:
    found = parsed(hub, "show crypto mib ipsec flowmib endpoint")["ipsec_flowmib_endpoints"]
    for number, vrf in enumerate(PEERS, 1):
        (end,) = found[vrf].values()
        assert (end["local_type"], end["protocol"], end["local_port"]) == ("Single IP address", 0, 0)
        assert (end["local_address"], end["remote_address"]) == (f"10.22.{number}.1", f"10.20.{number}.1")


def test_ike_tunnels(hub: LivingLab) -> None:
    found = parsed(hub, "show crypto mib ike flowmib tunnel")["ike_flowmib_tunnel"]
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
        assert counted == hub.mib(COMMUNITIES[vrf], *names)


# --- sessions and IKE SAs ---


@pytest.mark.parametrize("by", [XE, IOS], ids=["iosxe", "ios"])
@pytest.mark.parametrize("detail", ["", " detail"])
def test_sessions(sites: LivingLab, by: Any, detail: str) -> None:
    session = parsed(sites, f"show crypto session{detail}", by)["interface"]["FastEthernet0/0"]
    assert session["session_status"] == "UP-ACTIVE"
    peer = session["peer"][RIGHT]["port"]["500"]
    assert peer["desc"].startswith("Branch")  # the parser for IOS reads letters alone
    (ike,) = (peer.get("ike_sa") or peer["ikev1_sa"]).values()
    assert (ike["local"], ike["remote"], ike["remote_port"], ike["sa_status"]) == (LEFT, RIGHT, "500", "Active")
    (flow,) = peer["ipsec_flow"].values()
    assert [flow["active_sas"]] == sites.mib("public", "cipSecTunCurrentSaInstances.1")
    if detail:
        assert (peer["phase1_id"], ike["conn_id"], ike["capabilities"]) == (RIGHT, "1", "D")
        counted = ("inbound_pkts_decrypted", "inbound_pkts_drop", "outbound_pkts_encrypted", "outbound_pkts_drop")
        names = ("InDecrypts", "InDropPkts", "OutEncrypts", "OutDropPkts")
        assert [flow[key] for key in counted] == sites.mib("public", *(f"cipSecTun{name}.1" for name in names))


@pytest.mark.parametrize("filters", [f"local {LEFT}", f"local {LEFT} detail", "interface FastEthernet0/0 detail"])
def test_sessions_of_one_end(sites: LivingLab, filters: str) -> None:
    found = parsed(sites, f"show crypto session {filters}")["interface"]["FastEthernet0/0"]
    assert found["session_status"] == "UP-ACTIVE"
    assert list(found["peer"]) == [RIGHT]


@pytest.mark.parametrize("detail", ["", " detail"])
@pytest.mark.parametrize("vrf", PEERS)
def test_sessions_of_one_peer(hub: LivingLab, vrf: str, detail: str) -> None:
    number = list(PEERS).index(vrf) + 1
    (session,) = parsed(hub, f"show crypto session remote {PEERS[vrf]}{detail}")["interfaces"].values()
    assert (session["session_status"], session["peer_ip"], session["peer_port"]) == ("UP-ACTIVE", PEERS[vrf], 500)
    (flow,) = session["ipsec_flow"].values()
    assert [flow["active_sa"]] == hub.mib(COMMUNITIES[vrf], f"cipSecTunCurrentSaInstances.{number}")
    if detail:
        assert session["ivrf"] == vrf
        counted = (flow["inbound"]["decrypted"], flow["outbound"]["encrypted"])
        assert list(counted) == hub.mib(COMMUNITIES[vrf], f"cipSecTunInDecrypts.{number}", f"cipSecTunOutEncrypts.{number}")


def test_number_of_sessions(hub: LivingLab) -> None:
    counted = parsed(hub, "show crypto session | count UP-ACTIVE")["total_number_of_active_sessions"]
    assert counted["active_crypto_session_count"] == len(PEERS)


def test_ike_sas(sites: LivingLab) -> None:
    (plain,) = parsed(sites, "show crypto isakmp sa")["isakmp_stats"]["IPv4"].values()
    (active,) = parsed(sites, "show crypto isakmp sa active")["isakmp_stats"]["ipv4"].values()
    (detailed,) = parsed(sites, "show crypto isakmp sa detail")["isakmp_stats"]["IPv4"].values()
    assert (plain["source"], plain["destination"], plain["session_state"], plain["status"]) == (LEFT, RIGHT, "QM_IDLE", "ACTIVE")
    assert (active["src"], active["state"]) == (LEFT, "QM_IDLE")
    assert plain["conn_id"] == active["conn_id"] == detailed["c_id"] == 1
    terms = ("local_ip", "remote_ip", "encr_algo", "hash_algo", "auth_type", "dh_group", "capabilities")
    assert [detailed[key] for key in terms] == [LEFT, RIGHT, "aes", "sha", "psk", 5, "D"]


def test_numbers_of_ike_sas(sites: LivingLab, hub: LivingLab) -> None:
    counted = parsed(sites, "show crypto isakmp sa count")
    assert [counted["active_isakmp_sas"]] == sites.mib("public", "cikeGlobalActiveTunnels.0")
    active = parsed(hub, "show crypto isakmp sa | count ACTIVE")["total_number_of_active_sessions"]
    assert active["active_crypto_isakmpsa_count"] == len(PEERS)


def test_ike_peers(sites: LivingLab) -> None:
    (peer,) = parsed(sites, f"show crypto isakmp peer {RIGHT}")["peer_entries"].values()
    assert peer == {"peer_ip": RIGHT, "port": 500, "local_ip": LEFT, "phase_id": RIGHT}
    terms = parsed(sites, "show crypto isakmp peers config")["peers"][RIGHT]
    assert [terms["lifetime"]] == sites.mib("public", "cikeTunLifeTime.1")
    assert (terms["local_id"], terms["remote_id"], terms["dh_group"]) == (LEFT, RIGHT, "Group 5")


# --- IPsec SAs, maps and policies ---


@pytest.mark.parametrize("command", ["", " detail", f" peer {RIGHT}", f" peer {RIGHT} detail", " interface FastEthernet0/0"])
def test_ipsec_sas(sites: LivingLab, command: str) -> None:
    found = parsed(sites, f"show crypto ipsec sa{command}")["interface"]["FastEthernet0/0"]
    (flow,) = found["ident"].values()
    assert (found["crypto_map_tag"], found["local_addr"], flow["peer_ip"], flow["action"]) == ("VPN", LEFT, RIGHT, "PERMIT")
    assert (flow["local_ident"]["addr"], flow["remote_ident"]["mask"]) == ("10.1.0.0", "255.255.255.0")
    counted = ("pkts_encaps", "pkts_encrypt", "pkts_digest", "pkts_decaps", "pkts_decrypt", "pkts_verify")
    names = ("OutPkts", "OutEncrypts", "OutAuths", "InPkts", "InDecrypts", "InAuths")
    assert [flow[key] for key in counted] == sites.mib("public", *(f"cipSecTun{name}.1" for name in names))
    spis = [int(spi.split("(")[0], 16) for way in ("inbound", "outbound") for spi in flow[f"{way}_esp_sas"]["spi"]]
    # An Unsigned32 whose value is above 2147483647 is shown as it is.
    assert spis == sites.mib("public", "cipSecSpiValue.1.1", "cipSecSpiValue.1.2")
    (inbound,) = flow["inbound_esp_sas"]["spi"].values()
    assert (inbound["status"], inbound["iv_size"]) == ("ACTIVE(ACTIVE)", "16 bytes")
    assert "detail" in command or inbound["replay_detection_support"] == "Y"
    kilobytes, seconds = map(int, inbound["remaining_key_lifetime"].strip("()").rpartition(" ")[2].strip("(").split("/"))
    life_size, life_time = sites.mib("public", "cipSecTunLifeSize.1", "cipSecTunLifeTime.1")
    assert life_size - 10 < kilobytes <= life_size
    assert 0 < seconds <= life_time


def test_number_of_ipsec_sas(sites: LivingLab) -> None:
    counted = parsed(sites, "show crypto ipsec sa count")
    assert [counted["ipsec_sa_total"]] == sites.mib("public", "cipSecTunCurrentSaInstances.1")


def test_maps(sites: LivingLab) -> None:
    (found,) = parsed(sites, "show crypto map")["ipv4"]["crypto_map_tag"].values()
    assert (found["peer"], found["sequence_number"]) == ([RIGHT], 10)
    assert found["interfaces_crypto_map"]["interfaces"] == ["FastEthernet0/0"]
    assert found["transform_sets"]["#!default_transform_set_1"] == ["esp-aes", "esp-sha-hmac"]
    life_size, life_time = sites.mib("public", "cipSecTunLifeSize.1", "cipSecTunLifeTime.1")
    assert found["security_association_lifetime"] == {"kilobytes": life_size, "seconds": life_time}


def test_default_policies(sites: LivingLab) -> None:
    """Table 7 of the guide: eight of them."""
    found = parsed(sites, "show crypto isakmp default policy")["policies"]
    assert list(found) == list(range(65507, 65515))
    assert found[65507]["authentication_method"] == "Rivest-Shamir-Adleman Signature"


def test_profiles_and_engine(sites: LivingLab) -> None:
    assert parsed(sites, "show crypto ipsec profile")["ipsec_profile_name"].keys() == {"PROTECTION"}
    engine = parsed(sites, "show crypto eli")["crypto_engines"]["Software(1)"]
    assert [engine["ipsec_session"]["active"]] == sites.mib("public", "cipSecGlobalActiveTunnels.0")


# --- VRFs, SNMP, the router ---


@pytest.mark.parametrize("by", [XE, IOS], ids=["iosxe", "ios"])
def test_vrfs(hub: LivingLab, by: Any) -> None:
    expected = {"vrf1": ["Serial1/0.1", "Serial1/2.1"], "vrf2": ["Serial1/0.2", "Serial1/2.2"]}
    table = parsed(hub, "show vrf", by)["vrf"]
    detail = parsed(hub, "show vrf detail", by)
    assert {name: vrf["interfaces"] for name, vrf in table.items()} == expected
    assert {name: detail[name]["interfaces"] for name in expected} == expected
    assert {name: detail[name]["route_distinguisher"] for name in expected} == {"vrf1": "1:101", "vrf2": "2:101"}
    assert parsed(hub, "show vrf vrf2", by)["vrf"].keys() == {"vrf2"}


def test_ip_vrfs(hub: LivingLab) -> None:
    assert parsed(hub, "show ip vrf")["vrf"]["vrf1"]["interfaces"] == ["Serial1/0.1", "Serial1/2.1"]
    assert parsed(hub, "show ip vrf detail")["vrf2"]["vrf_id"] == 2


def test_snmp(hub: LivingLab) -> None:
    hub.mib("abc1", "sysUpTime.0")
    counted = parsed(hub, "show snmp")
    assert counted["snmp_input"]["get_request_pdus"] > 0
    assert counted["snmp_output"]["response_pdus"] > 0
    assert counted["snmp_logging"]["status"] == "enabled"
    assert parsed(hub, "show snmp community")["community"].keys() == {"abc1", "abc2", "global1", "global2"}
    users = parsed(hub, "show snmp user")["user_name"]
    assert users["nms1"]["auth_protocol"] == "SHA"
    kept = json.loads((hub.state / f"lab.{HUB}.engine.json").read_text())
    assert parsed(hub, "show snmp engineid")["local_engineid"].lower() in kept.values()


def test_snmp_groups_of_a_router_without_contexts(hub: LivingLab) -> None:
    """Genie's parser fails at the name of a context."""
    groups = parsed(hub, "show snmp group", router=FAR)
    assert {(group["groupname"], group["readview"]) for group in groups.values()} == {("public", "v1default")}


def test_the_log(hub: LivingLab) -> None:
    found = parsed(hub, "show logging")
    assert found["syslog_logging"]["enabled"]["counters"]["messages_dropped"] == 0
    log = found["logging"]
    assert (log["console"]["status"], log["buffer"]["level"], log["trap"]["level"]) == ("disabled", "debugging", "informational")
    assert found["log_buffer_bytes"] == 4096
    assert any(line.endswith("%SYS-5-RESTART: System restarted --") for line in found["logs"])


@pytest.mark.parametrize("by", [XE, IOS], ids=["iosxe", "ios"])
def test_the_router(hub: LivingLab, by: Any) -> None:
    version = parsed(hub, "show version", by)["version"]
    assert (version["hostname"], version["version"]) == (HUB, "16.9.4")
    assert "Chassis" in str(parsed(hub, "show inventory", by))
    brief = parsed(hub, "show ip interface brief", by)["interface"]["Serial1/2.1"]
    assert (brief["ip_address"], brief["status"]) == ("10.1.1.2", "up")
    assert parsed(hub, "show interfaces", by)["Serial1/2.1"]["enabled"] is True
    assert parsed(hub, "show ip interface", by)["Serial1/2.1"]["oper_status"] == "up"
    assert parsed(hub, "show interfaces description", by)["interfaces"]["Serial1/2.1"]["status"] == "up"
    routes = parsed(hub, "show ip route vrf vrf1", by)["vrf"]["vrf1"]["address_family"]["ipv4"]["routes"]
    assert routes["10.22.1.1/32"]["source_protocol"] == "static"
    assert parsed(hub, "show clock", by)["timezone"] == "PST"
    assert "0 con 0" in parsed(hub, "show users", by)["line"]
    for command in ("show processes cpu", "show processes memory"):
        assert "Crypto IKMP" in str(parsed(hub, command, by))
    assert parsed(hub, "show access-lists", by)["101"]["acl_type"] == "extended"


def test_radius_servers(sites: LivingLab) -> None:
    (server,) = parsed(sites, "show aaa servers")["radius_server"].values()
    assert (server["host"], server["auth_port"], server["acct_port"]) == (LEFT, 1645, 1646)
    assert server["platform_state_type"]["state"]["current"] == "UP"
    assert (server["aaatype"]["authen"]["request"], server["account"]["request"]) == (0, 0)
    statistics = parsed(sites, "show radius statistics")
    assert statistics["total_responses_seen"] == {"auth": "0", "acct": "0", "both": "0"}
    assert statistics["last_used_source_port"] == ["0/0", "0/0"]
