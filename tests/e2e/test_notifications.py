"""Notifications as snmptrapd receives them (acceptance c)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Lab, run_tool, wait_for
from tests.e2e.polls import walk
from tests.e2e.traps import TrapReceiver, sent_to, start_receiver

PAIR = "1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.50.1.15.48.49.48.46.48.48.49.46.48.48.49.46.48.48.49.1"


@pytest.fixture
def receivers(tmp_path: Path) -> Iterator[dict[str, TrapReceiver]]:
    started = {community: start_receiver(tmp_path) for community in ("abc1", "abc2", "global1")}
    yield started
    for receiver in started.values():
        receiver.stop()


@pytest.fixture
def lab(start_lab: Callable[..., Lab], receivers: dict[str, TrapReceiver]) -> Lab:
    return start_lab(sent_to(**{community: receiver.port for community, receiver in receivers.items()}))


def test_the_tunnels_starts_and_stops_go_to_their_vrfs_host_alone(lab: Lab, receivers: dict[str, TrapReceiver]) -> None:
    lab.ping()
    receivers["abc1"].await_names("cikeTunnelStart", "cipSecTunnelStart")
    ike, ipsec = receivers["abc1"].traps
    assert ike.how == "TRAP2, SNMP v2c, community abc1"
    assert list(ike.objects)[2:] == [f"cikePeerLocalAddr.{PAIR}", f"cikePeerRemoteAddr.{PAIR}", "cikeTunLifeTime.1"]
    assert ike.objects["cikeTunLifeTime.1"] == "86400"
    assert list(ipsec.objects)[2:] == ["cipSecTunLifeTime.1", "cipSecTunLifeSize.1"]
    assert (ipsec.objects["cipSecTunLifeTime.1"], ipsec.objects["cipSecTunLifeSize.1"]) == ("5000", "99000")

    before = dict(walk("snmpbulkwalk", "-v2c", "-c", "abc1", lab.hub))
    cleared = lab.cli("clear", "crypto", "session", router="ipsecf-3745b")
    assert (cleared.returncode, cleared.stdout, cleared.stderr) == (0, "", "")
    wait_for(lambda: len(receivers["abc1"].traps) >= 4, "the stops")
    assert sorted(receivers["abc1"].names()[2:]) == ["cikeTunnelStop", "cipSecTunnelStop"]
    assert receivers["abc2"].traps == []
    assert receivers["global1"].traps == []

    after = dict(walk("snmpbulkwalk", "-v2c", "-c", "abc1", lab.hub))
    for table in ("cikeTunHist", "cipSecTunHist"):
        assert after[f"{table}TermReason.1"] == 3  # operRequest
        assert after[f"{table}ActiveIndex.1"] == 1
    assert after["cikeFailReason.1"] == 17  # operRequest
    assert after["cipSecFailReason.1"] == 16  # operRequest
    assert after["cipSecTunHistInOctets.1"] == 400
    assert after["cipSecTunHistOutOctets.1"] == 704
    for name, value in before.items():
        if "Global" in name and "ActiveTunnels" not in name:
            assert isinstance(value, int)
            assert after[name] >= value, name  # type: ignore[operator]  # a counter: shown to be a number just above
    for phase in ("cike", "cipSec"):
        assert after[f"{phase}GlobalActiveTunnels.0"] == 0
        assert after[f"{phase}GlobalPreviousTunnels.0"] == 1
    assert not any(name.startswith(("cikeTunStatus", "cipSecTunStatus", "cikePeerLocalAddr")) for name in after)

    far = dict(walk("snmpbulkwalk", "-v2c", "-c", "public", f"127.0.0.1:{lab.ports['ipsecf-3745a']}"))
    assert far["cikeTunHistTermReason.1"] == 4  # peerDelRequest
    assert far["cipSecTunHistTermReason.1"] == 4


def test_configuration_changes_are_notified_once_enabled(lab: Lab, receivers: dict[str, TrapReceiver]) -> None:
    def configure(*lines: str) -> None:
        done = lab.cli(router="ipsecf-3745b", stdin="\n".join(["configure terminal", *lines, "end", ""]))
        assert done.returncode == 0, done.stderr
        assert "% Invalid" not in done.stdout, done.stdout

    def count(name: str) -> int:
        return int(run_tool("snmpget", "-v2c", "-c", "global1", "-OQv", lab.hub, name))

    hosts = receivers["global1"]
    policies = count("cipsNumIsakmpPolicies.0")
    configure("crypto isakmp policy 7", "no crypto isakmp policy 7")
    configure("snmp-server enable traps ipsec cryptomap", "snmp-server enable traps isakmp policy")
    configure("crypto map vrf1-1 20 ipsec-isakmp", "set peer 10.1.1.9", "set transform-set tset", "match address 101")
    configure("crypto isakmp policy 9", "hash md5")
    configure("interface Serial1/2.151", "no crypto map")
    hosts.await_names("cipsCryptomapAdded", "cipsIsakmpPolicyAdded", "cipsCryptomapSetDetached")
    added = hosts.traps[0].objects
    assert added["cipsStaticCryptomapType.6.118.114.102.49.45.49.20"] == "cryptomapTypeISAKMP"
    assert added["cipsStaticCryptomapSetSize.6.118.114.102.49.45.49"] == "2"
    assert hosts.traps[1].objects["cipsNumIsakmpPolicies.0"] == str(policies + 1)

    assert count("cipsNumIsakmpPolicies.0") == policies + 1
    assert count("cipsStaticCryptomapSetSize.6.118.114.102.49.45.49") == 2
    attached = run_tool("snmpwalk", "-v2c", "-c", "global1", "-OQs", lab.hub, "cipsCryptomapSetIfStatus")
    assert attached.count("attached") == 3
    configure("interface Serial1/2.151", "crypto map global1-1", "no crypto map vrf1-1 20", "no crypto isakmp policy 9")
    wait_for(lambda: len(hosts.traps) == 6, "three more")
    assert hosts.names()[3:] == ["cipsCryptomapSetAttached", "cipsCryptomapDeleted", "cipsIsakmpPolicyDeleted"]
    assert receivers["abc1"].traps == []


def test_the_generic_notifications_come_once_they_are_enabled(lab: Lab, receivers: dict[str, TrapReceiver]) -> None:
    interface = "interface Serial1/2.151"
    lines = [
        "configure terminal",
        interface,
        "shutdown",
        "snmp-server enable traps snmp",
        interface,
        "no shutdown",
        "shutdown",
        "end",
    ]
    assert lab.cli(stdin="\n".join([*lines, ""])).returncode == 0
    hosts = receivers["global1"]
    hosts.await_names("linkUp", "linkDown")
    assert [value for name, value in hosts.traps[1].objects.items() if name.startswith("ifOperStatus")] == ["down"]
    run_tool("snmpget", "-v2c", "-c", "nobody", "-r0", "-t1", lab.hub, "sysName.0", check=False)
    wait_for(lambda: len(hosts.traps) == 3, "authenticationFailure")
    assert hosts.names()[2] == "authenticationFailure"
    assert receivers["abc1"].traps == []


def test_a_v3_host_is_sent_sealed_traps_and_informs_it_alone_can_read(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    """Of a trap the router is the authority, of an inform the receiver: its engine is asked for first (RFC 3414 §4)."""
    lab = start_lab()
    keys = "nms1 SHA nms1-auth-pass AES nms1-priv-pass"
    identity = json.loads((lab.folder / "state" / "two-vrf-hub.ipsecf-3745b.engine.json").read_text())
    traps, informs = start_receiver(tmp_path, f"-e 0x{identity['engine_id']} {keys}"), start_receiver(tmp_path, keys)
    try:
        hosts = [
            f"snmp-server host 127.0.0.1 version 3 priv nms1 udp-port {traps.port}",
            f"snmp-server host 127.0.0.1 informs version 3 priv nms1 udp-port {informs.port}",
        ]
        assert lab.cli(stdin="\n".join(["configure terminal", *hosts, "end", ""])).returncode == 0
        lab.ping()
        lab.ping("10.22.2.1", "10.20.2.1")  # of the other context, where nms1 has nothing
        lab.cli("clear", "crypto", "session")
        for receiver, how in ((traps, "TRAP2"), (informs, "INFORM")):
            receiver.await_names("cikeTunnelStart", "cipSecTunnelStart", "cipSecTunnelStop", "cikeTunnelStop")
            assert {trap.how.split(",")[0] for trap in receiver.traps} == {how}
    finally:
        traps.stop()
        informs.stop()
