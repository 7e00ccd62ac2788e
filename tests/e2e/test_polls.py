"""The main job: the guide's router polled per community, before and after the ping (acceptance a, b)."""

from __future__ import annotations

import re

from tests.e2e.conftest import Lab, run_tool
from tests.e2e.polls import golden, walk, without_varying

V3_VRF1 = ("-v3", "-l", "authPriv", "-u", "nms1", "-a", "SHA", "-A", "nms1-auth-pass", "-x", "AES", "-X", "nms1-priv-pass")


def test_a_cleared_hub_shows_the_guides_73_objects_in_each_vrf(lab: Lab) -> None:
    for community, poll in (("abc1", "1-cleared-abc1.txt"), ("abc2", "2-cleared-abc2.txt")):
        expected = golden(poll)
        assert len(expected) == 73
        assert walk("snmpbulkwalk", "-v2c", "-c", community, lab.hub) == expected


def test_the_ping_prints_as_ios_does_and_loses_the_packet_that_brings_the_tunnel_up(lab: Lab) -> None:
    lines = lab.ping().splitlines()
    assert lines[0] == "Type escape sequence to abort."
    assert lines[1] == "Sending 5, 100-byte ICMP Echos to 10.22.1.1, timeout is 2 seconds:"
    assert lines[2].rstrip() == "Packet sent with a source address of 10.20.1.1"
    assert lines[3] == ".!!!!"
    assert re.fullmatch(r"Success rate is 80 percent \(4/5\), round-trip min/avg/max = \d+/\d+/\d+ ms", lines[4])


def test_after_the_ping_the_hub_shows_the_guides_third_poll_to_every_manager(lab: Lab) -> None:
    lab.ping()
    expected = without_varying(golden("3-after-ping-abc1.txt"))
    by_bulk = walk("snmpbulkwalk", "-v2c", "-c", "abc1", lab.hub)
    assert without_varying(by_bulk) == expected
    assert without_varying(walk("snmpwalk", "-v2c", "-c", "abc1", lab.hub)) == expected
    assert without_varying(walk("snmpbulkwalk", *V3_VRF1, "-n", "vrf-vrf1-context", lab.hub)) == expected
    assert without_varying(walk("snmpwalk", "-v1", "-c", "abc1", lab.hub)) == [
        (name, value) for name, value in expected if not re.match(r"cipSec(Global|Tun)Hc", name)
    ]
    times = [value for name, value in by_bulk if re.match("cike(Peer|Tun)ActiveTime|cipSecTunActiveTime", name)]
    assert len(times) == 3
    assert all(isinstance(time, int) and 0 < time < 6000 for time in times)
    spis = [value for name, value in by_bulk if name.startswith("cipSecSpiValue")]
    assert len(set(spis)) == 4
    assert all(isinstance(spi, int) and 256 <= spi < 2**32 for spi in spis)

    assert walk("snmpbulkwalk", "-v2c", "-c", "abc2", lab.hub) == golden("4-after-ping-abc2.txt")


def test_net_snmp_given_our_modules_names_every_oid_that_is_served(lab: Lab) -> None:
    lab.ping()
    for community in ("global1", "abc1"):
        numeric = run_tool("snmpbulkwalk", "-v2c", "-c", community, "-On", lab.hub, "1.3").splitlines()
        assert len(numeric) > 300
        named = run_tool("snmpbulkwalk", "-v2c", "-c", community, "-Os", lab.hub, "1.3").splitlines()
        unnamed = [line for line in named if re.match(r"[\d.]+ |\.1|enterprises|iso|mib-2|transmission|cisco\w*\.\d", line)]
        assert unnamed == []
