"""Configurations of Cisco's IPsec Management Configuration Guide go round: typed or loaded, shown, and typed into an empty router.

What the shown text has otherwise than the guide is what IOS itself would have otherwise, and docs/config.md lists it.
"""

from __future__ import annotations

from difflib import unified_diff

import pytest

from agent.config.command import CommandSet
from agent.config.document import Document, load
from agent.config.session import Session
from tests.config.conftest import GOLDEN
from tests.config.test_golden import GUIDE, SLIPS, lines_of

NORMALISED = {
    "two-vrf-hub": [],
    "accounting-with-profile": ["+no fair-queue", "-no fair-queue"],  # the settings of a queue stand before those of the medium
    "accounting-without-profile": ["+no fair-queue", "-no fair-queue"],
}

# What the guide types, and what a router shows of it. Only lines that are not shown as typed are given twice.
TYPED = {
    "chapter 2, descriptions of peers": (
        "crypto isakmp peer address 10.2.2.9\n description connection from site A\n",
        None,
    ),
    "chapter 4, notifications and sizes of histories": (
        "snmp-server enable traps ipsec cryptomap add\nsnmp-server enable traps isakmp policy add\n"
        "snmp-server host 172.16.0.1 public ipsec isakmp\n"
        "crypto mib ipsec flowmib history failure size 140\ncrypto mib ipsec flowmib history tunnel size 130\n",
        "crypto mib ipsec flowmib history tunnel size 130\ncrypto mib ipsec flowmib history failure size 140\n"
        "snmp-server enable traps isakmp policy add\nsnmp-server enable traps ipsec cryptomap add\n"
        "snmp-server host 172.16.0.1 public ipsec isakmp\n",
    ),
    "chapter 5, accounting": (
        "aaa new-model\naaa authentication login cisco-client group radius\naaa authorization network cisco-client group radius\n"
        "aaa accounting network acc start-stop broadcast group radius\naaa session-id common\n"
        "crypto isakmp profile cisco\n vrf cisco\n match identity group cisco\n client authentication list cisco\n"
        " isakmp authorization list cisco-client\n client configuration address respond\n accounting acc\n exit\n"
        "crypto dynamic-map mymap 10\n set transform-set aswan\n set isakmp-profile cisco\n reverse-route\n exit\n"
        "crypto map mymap 10 ipsec-isakmp dynamic dmap\n"
        "radius-server host 172.16.1.4\nradius-server key nsite\nradius-server vsa send accounting\n"
        "interface FastEthernet 1/0\n crypto map mymap\n",
        "aaa new-model\naaa authentication login cisco-client group radius\naaa authorization network cisco-client group radius\n"
        "aaa accounting network acc start-stop broadcast group radius\naaa session-id common\n"
        "crypto isakmp profile cisco\nvrf cisco\nmatch identity group cisco\nclient authentication list cisco\n"
        "isakmp authorization list cisco-client\nclient configuration address respond\naccounting acc\n"
        "crypto dynamic-map mymap 10\nset transform-set aswan\nset isakmp-profile cisco\nreverse-route\n"
        "crypto map mymap 10 ipsec-isakmp dynamic dmap\n"
        "interface FastEthernet1/0\nno ip address\ncrypto map mymap\n"
        "radius-server host 172.16.1.4 auth-port 1645 acct-port 1646\nradius-server key nsite\nradius-server vsa send accounting\n",
    ),
    "chapter 6, no default policies and transform sets": (
        "no crypto isakmp default policy\nno crypto ipsec default transform-set\n",
        None,
    ),
    "chapter 6, default policies, RouterA": (
        (GOLDEN / "default-policies-RouterA.cfg").read_text(),
        "crypto isakmp key identity address 209.165.200.226\n"
        "crypto ipsec transform-set test_transf esp-aes esp-sha-hmac\n"
        "crypto map testmap 10 ipsec-isakmp\nset peer 209.165.200.226\nset transform-set test_transf\nmatch address 101\n"
        "interface FastEthernet1/2\nno ip address\ncrypto map testmap\n"
        "ip route 209.165.200.225 255.255.255.224 209.165.200.226\n"
        "access-list 101 permit ip host 209.165.200.227 host 209.165.200.225\n",
    ),
    "chapter 6, default policies, RouterB": (
        (GOLDEN / "default-policies-RouterB.cfg").read_text(),
        "crypto isakmp key identity address 209.165.200.228\n"
        "crypto ipsec transform-set test_transf esp-aes esp-sha-hmac\n"
        "crypto dynamic-map dyn_testmap 10\nset transform-set test_transf\n"
        "crypto map testmap 10 ipsec-isakmp dynamic dyn_testmap\n"
        "interface GigabitEthernet0/1\nno ip address\ncrypto map testmap\n"
        "ip route 209.165.200.227 255.255.255.224 209.165.200.228\n",
    ),
    "chapter 6, default transform sets, RouterA": (
        (GOLDEN / "default-transforms-RouterA.cfg").read_text(),
        "crypto isakmp policy 10\nencr aes\nauthentication pre-share\ngroup 5\n"
        "crypto isakmp key identify address 209.165.200.225\n"
        "crypto map testmap 10 ipsec-isakmp\nset peer 209.165.200.225\nmatch address 101\n"
        "interface FastEthernet1/2\nno ip address\ncrypto map testmap\n"
        "ip route 209.165.200.226 255.255.255.255 209.165.200.225\n"
        "access-list 101 permit ip host 209.165.200.227 host 209.165.200.226\n",
    ),
    "chapter 6, default transform sets, RouterB": (
        (GOLDEN / "default-transforms-RouterB.cfg").read_text(),
        "crypto isakmp policy 10\nencr aes\nauthentication pre-share\ngroup 5\n"
        "crypto isakmp key identity address 209.165.200.229\n"
        "crypto dynamic-map dyn_testmap 10\ncrypto map testmap 10 ipsec-isakmp dynamic dyn_testmap\n"
        "interface GigabitEthernet0/1\nno ip address\ncrypto map testmap\n"
        "ip route 209.165.200.227 255.255.255.255 209.165.200.229\n",
    ),
}

# What every router shows, whatever was typed.
_ALWAYS = set(lines_of(Document().render()))


def typed(commands: CommandSet, text: str) -> Document:
    """An empty router into which lines have been typed, none of which was refused."""
    document = Document(commands)
    session = Session(document)
    for line in text.splitlines():
        outcome = session.feed(line, typed=True)
        assert outcome.problem is None, line
        assert not outcome.refused, line
    return document


@pytest.mark.parametrize("name", GUIDE)
def test_only_what_ios_would_change_differs_from_the_guide(commands: CommandSet, name: str) -> None:
    text = (GOLDEN / f"{name}.cfg").read_text()
    difference = unified_diff(lines_of(text), lines_of(load(text, name, commands).render()), lineterm="", n=0)
    assert [line for line in difference if not line.startswith(("---", "+++", "@@"))] == NORMALISED[name]


@pytest.mark.parametrize("name", GUIDE)
def test_a_shown_configuration_that_is_typed_into_an_empty_router_is_shown_again(commands: CommandSet, name: str) -> None:
    shown = load((GOLDEN / f"{name}.cfg").read_text(), name, commands).render()
    understood = "\n".join(line for line in shown.splitlines() if line.strip() not in SLIPS)
    assert lines_of(typed(commands, understood).render()) == lines_of(understood)


@pytest.mark.parametrize("name", TYPED)
def test_what_the_guide_types_is_shown_as_ios_does_and_goes_round(commands: CommandSet, name: str) -> None:
    text, shown = TYPED[name]
    document = typed(commands, text)
    ours = [line for line in lines_of(document.render()) if line not in _ALWAYS]
    assert ours == lines_of(shown or text)
    assert typed(commands, document.render()).render() == document.render()
    assert load(document.render(), name, commands).render() == document.render()
