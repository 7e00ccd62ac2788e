"""The examples of labs that no other test runs: they load, and do what they are there for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from agent.base.clock import VirtualClock
from agent.base.runner import VirtualRunner
from agent.engine.port import Node
from agent.flow.counters import IpsecCounter
from agent.lab.lab import open_lab
from agent.syslog.records import RecordLog
from agent.syslog.syslog import Syslog
from tests.shell.on_lab import typed
from tests.shell.transcripts import told, transcript

EXAMPLES = Path(__file__).parents[2] / "examples"
GUIDE = Path(__file__).parents[1] / "config" / "golden"
SECOND = 1_000_000


@pytest.mark.parametrize("lab_file", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_managers_take_every_router_for_one_of_cisco_s(lab_file: Path) -> None:
    """They look for "Cisco IOS Software" in sysDescr, or for a product of Cisco's (CISCO-PRODUCTS-MIB) in sysObjectID."""
    for router in tomllib.loads(lab_file.read_text())["router"].values():
        assert "Cisco IOS Software" in router["sysdescr"]
        assert router["sysobjectid"].startswith("1.3.6.1.4.1.9.1.")


# What docs/aaa.md lists: (the guide's line, the lines in its place).
ACCOUNTING_EDITS = {
    "accounting-with-profile.cfg": (
        "accounting-clients.cfg",
        [
            (
                "aaa accounting network ipsecaaa start-stop group radius",
                "aaa authentication login cisco-client group radius\naaa authorization network cisco-client local\n"
                "aaa accounting network ipsecaaa start-stop group radius",
            ),
            ("crypto isakmp policy 1", "ip vrf cisco\n!\ncrypto isakmp policy 1"),
            ("crypto iakmp client configuration group cclient", "crypto isakmp client configuration group cclient"),
            ("crypto-isakmp profile groupA", "crypto isakmp profile groupA"),
            ("accounting acc", "accounting ipsecaaa"),
            ("reverse-route", "set isakmp-profile groupA\nreverse-route"),
        ],
    ),
    "accounting-without-profile.cfg": ("accounting-site.cfg", []),
}
IN_BOTH = [
    (
        "ip route 10.0.0.2 255.255.255.255 10.2.80.73",
        "ip route 10.0.0.2 255.255.255.255 10.2.80.73\nip route 172.31.100.2 255.255.255.255 172.28.100.2",
    ),
    (
        "radius-server host 172.27.162.206 auth-port 1645 acct-port 1646 key cisco123",
        "radius-server host 127.0.0.1 auth-port 1645 acct-port 1646 key cisco123",
    ),
]


@pytest.mark.parametrize("original", ACCOUNTING_EDITS)
def test_accounting_has_the_guide_s_configurations_with_the_listed_edits_alone(original: str) -> None:
    name, edits = ACCOUNTING_EDITS[original]
    lines = (GUIDE / original).read_text().split("\n")
    for line, replacement in [*edits, *IN_BOTH]:
        at = lines.index(line)
        assert line not in lines[at + 1 :]
        lines[at : at + 1] = replacement.split("\n")
    remark, *rest = (EXAMPLES / name).read_text().split("\n")
    assert remark.startswith("! ")
    assert rest == lines


def test_the_hub_of_many_spokes_with_fewer_of_them(tmp_path: Path) -> None:
    for name in ("hub-100k.cfg", "hub-100k-spoke.cfg"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text())
    text = (EXAMPLES / "hub-100k.toml").read_text()
    assert "count = 100_000" in text
    (tmp_path / "lab.toml").write_text(text.replace("count = 100_000", "count = 300"))
    clock = VirtualClock()
    lab = open_lab(tmp_path / "lab.toml", clock)
    lab.start(lambda router, lines, key: None)
    runner, flow = VirtualRunner(lab.scheduler, clock), lab.first.monitor.vrf(None)
    runner.advance(32 * SECOND)
    assert (len(flow.ike_tunnels), len(flow.ipsec_tunnels)) == (300, 300)
    first, last = flow.ipsec_tunnels[1].facts, flow.ipsec_tunnels[300].facts
    assert (str(first.remote_address), str(first.remote[0].first)) == ("10.64.0.1", "10.128.0.0")
    assert (str(last.remote_address), str(last.remote[0].first)) == ("10.64.1.44", "10.128.4.172")
    runner.advance(3700 * SECOND)  # after a rekey of each
    assert {(tunnel.refreshes, tunnel.expired_sas, len(tunnel.spis)) for tunnel in flow.ipsec_tunnels.values()} == {(1, 2, 2)}
    assert not flow.ipsec_history


def test_default_policies_and_default_transform_sets_as_the_guide_shows_them() -> None:
    """Chapter 6 of the guide: both routers negotiate by the defaults, and `show crypto map` on either is the guide's."""
    clock = VirtualClock()
    lab = open_lab(EXAMPLES / "default-policies.toml", clock)
    logs = {name: messages_of(node) for name, node in lab.routers.items()}
    lab.start(lambda router, lines, key: None)
    VirtualRunner(lab.scheduler, clock).advance(32 * SECOND)
    for name, expected in (("RouterA", "crypto-map"), ("RouterB", "crypto-map-dynamic")):
        node = lab.routers[name]
        (ike,), (ipsec,) = (rows.values() for rows in (node.monitor.ike_tunnels, node.monitor.ipsec_tunnels))
        assert (ike.facts.policy, ipsec.facts.transform_set) == (65508, "#!default_transform_set_1")
        assert ipsec.counters.value(IpsecCounter.OUT_PACKETS, clock.now()) == 3
        assert told(typed(node, "show crypto map")) == transcript(expected)
        assert logs[name] == [
            "%CRYPTO-6-IKMP_POLICY_DEFAULT: Using ISAKMP Default policies",
            "%CRYPTO-5-IPSEC_DEFAULT_TRANSFORM: Using Default IPsec transform-set",
        ]


def messages_of(node: Node) -> list[str]:
    """What a router logs about its tunnels from now on."""
    syslog, lines = Syslog(node.monitor.clock), list[str]()
    syslog.subscribe(lambda logged: lines.append(str(logged.message)))
    node.monitor.subscribe(RecordLog(node.document.config, node.monitor, syslog))
    return lines
