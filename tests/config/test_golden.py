"""The guide's configurations, as data: every line read, every line written back, in IOS's order."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

from agent.config.command import CommandSet
from agent.config.document import Document, check, load
from agent.config.session import Session
from tests.config.conftest import EXAMPLES, GOLDEN

GUIDE = ("two-vrf-hub", "accounting-with-profile", "accounting-without-profile")
FILES = [GOLDEN / f"{name}.cfg" for name in GUIDE] + [EXAMPLES / "ipsecf-3745a.cfg", EXAMPLES / "ipsecf-3745b.cfg"]

# The guide's own slips, with what stands under them.
SLIPS = [
    "crypto iakmp client configuration group cclient",
    "key jegjegjhrq",
    "pool addressA",
    "crypto-isakmp profile groupA",
    "vrf cisco",
    "match identity group cclient",
    "client authentication list cisco-client",
    "isakmp authorization list cisco-client",
    "client configuration address respond",
    "accounting acc",
]


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("!")]


def test_the_hub_is_written_back_line_for_line(commands: CommandSet) -> None:
    text = (GOLDEN / "two-vrf-hub.cfg").read_text()
    assert lines_of(load(text, "hub.cfg", commands).render()) == lines_of(text)


@pytest.mark.parametrize("name", GUIDE)
def test_no_line_of_the_guide_is_lost(commands: CommandSet, name: str) -> None:
    text = (GOLDEN / f"{name}.cfg").read_text()
    assert sorted(lines_of(load(text, name, commands).render())) == sorted(lines_of(text))


def test_only_the_guides_slips_are_not_understood(commands: CommandSet) -> None:
    texts = {name: (GOLDEN / f"{name}.cfg").read_text() for name in GUIDE}
    found = {name: [finding.text for finding in check(text, name, commands)] for name, text in texts.items()}
    assert found == {"two-vrf-hub": [], "accounting-with-profile": SLIPS, "accounting-without-profile": []}


def test_the_slips_stay_where_they_were(commands: CommandSet) -> None:
    text = (GOLDEN / "accounting-with-profile.cfg").read_text()
    lines = lines_of(load(text, "x", commands).render())
    at = lines.index(SLIPS[0])
    assert lines[at : at + len(SLIPS)] == SLIPS
    assert lines[at - 1] == "crypto isakmp key cisco address 172.31.100.2"
    assert lines[at + len(SLIPS)] == "crypto ipsec transform-set esp-des-md5 esp-des esp-md5-hmac"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_rendered_text_renders_to_itself(commands: CommandSet, path: Path) -> None:
    rendered = load(path.read_text(), str(path), commands).render()
    assert load(rendered, str(path), commands).render() == rendered


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_paste_says_the_same_as_the_file(commands: CommandSet, path: Path) -> None:
    document = load(path.read_text(), str(path), commands)
    pasted = Document(commands)
    session = Session(pasted)
    for line in document.render().splitlines():
        if line.strip() not in SLIPS:
            outcome = session.feed(line)
            assert outcome.problem is None, line
            assert not outcome.refused, line
    understood = [line for line in lines_of(document.render()) if line not in SLIPS]
    assert lines_of(pasted.render()) == understood


def test_sections_are_set_off_and_indented_as_ios_does(hub: Document) -> None:
    text = hub.render()
    assert text.startswith("!\nversion 12.4\n")
    assert text.endswith("!\nend\n")
    assert "!\nip vrf vrf1\n rd 1:101\n context vrf-vrf1-context\n route-target export 1:101\n" in text
    assert "!\ncrypto map vrf1-1 10 ipsec-isakmp\n set peer 10.1.1.1\n set transform-set tset\n" in text
    assert "!\ninterface Serial1/2.1 point-to-point\n ip vrf forwarding vrf1\n ip address 10.1.1.2 255.255.255.0\n" in text


def test_what_the_hub_says(hub: Document) -> None:
    config = hub.config
    assert config.hostname == "ipsecf-3745b"
    assert list(config.interfaces)[:2] == ["FastEthernet0/0", "Serial0/0"]
    assert config.interfaces["Serial1/2.1"].vrf == "vrf1"
    assert config.context_of("vrf2") == "vrf-vrf2-context"
    assert config.timezone == ("PST", -480)
    assert config.access_lists["vrf-vrf1-context"].permits(IPv4Address("192.0.2.1"))
    assert config.crypto.keyrings["vrf1-1"].keys[0].network == IPv4Network("10.1.1.0/24")
    assert [policy.authentication for policy in config.crypto.policies.values()] == ["pre-share", "pre-share"]
    assert (config.crypto.lifetime_kilobytes, config.crypto.lifetime_seconds) == (99000, 5000)
    tset = config.crypto.transform_sets["tset"]
    assert (tset.ah, tset.esp_cipher, tset.esp_key_bits, tset.esp_auth) == ("sha", "des", 56, "sha")
    assert all(entry.complete for each in config.crypto.maps.values() for entry in each.entries)
    assert config.snmp.traps == {"tty", "config"}
    assert config.snmp.community_contexts == {"abc1": "vrf-vrf1-context", "abc2": "vrf-vrf2-context"}
    assert config.snmp.hosts["127.0.0.1", "vrf1", "abc1", 2001].types == ("ipsec", "isakmp")


def test_the_far_router_mirrors_the_hub(commands: CommandSet, hub: Document) -> None:
    far = load((EXAMPLES / "ipsecf-3745a.cfg").read_text(), "far", commands).config
    near = hub.config
    assert far.crypto.policies[1] == near.crypto.policies[1]
    assert far.crypto.transform_sets == near.crypto.transform_sets
    for name in ("vrf1-1", "vrf2-1"):
        here, there = far.crypto.maps[name].entries[0], near.crypto.maps[name].entries[0]
        ours, theirs = far.access_lists[here.match_address or ""], near.access_lists[there.match_address or ""]
        assert [(e.source, e.destination) for e in ours.entries] == [(e.destination, e.source) for e in theirs.entries]


def test_users_are_kept_out_of_the_running_configuration_and_saved_beside_it(commands: CommandSet, hub: Document) -> None:
    assert "nms1" not in hub.render()
    saved = load(hub.render() + hub.render_private(), "saved", commands)
    assert saved.config.snmp.users == hub.config.snmp.users


def test_the_example_is_the_guides_hub_with_its_edits_and_no_others() -> None:
    guide = lines_of((GOLDEN / "two-vrf-hub.cfg").read_text())
    ours = lines_of((EXAMPLES / "ipsecf-3745b.cfg").read_text())
    gone = [line for line in guide if line not in ours]
    come = [line for line in ours if line not in guide]
    assert len(gone) == 6
    assert all("172.19.216.110" in line or "10.30.1." in line for line in gone)
    moved = [
        line.replace("172.19.216.110", "127.0.0.1").replace("10.30.1.1", "10.3.1.2").replace("10.30.1.2", "10.3.2.2")
        for line in gone
    ]
    assert [line for line in come if "v3vrf" not in line] == [*moved, "snmp-server host 127.0.0.1 version 2c global1 udp-port 2000"]
    assert sum("v3vrf" in line for line in come) == 4
