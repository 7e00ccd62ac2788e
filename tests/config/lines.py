"""Strategies that write configuration lines from the patterns that declare them."""

from __future__ import annotations

from ipaddress import IPv4Address

from hypothesis import strategies as st

from agent.config.command import ConfigCommand
from agent.config.commands import AREAS, logging, ssh
from agent.config.commands.acl import TCP_PORTS, UDP_PORTS
from agent.config.pattern import Argument, Cut, Group, Item, Keyword, Open, parse_pattern

# A line that enters each sub-mode.
ENTRANCES = {
    "config": [],
    "config-if": ["interface Tunnel7"],
    "config-vrf": ["ip vrf red"],
    "config-vrf-definition": ["vrf definition blue"],
    "config-vrf-af": ["vrf definition blue", "address-family ipv4"],
    "config-ext-nacl": ["ip access-list extended flows"],
    "config-std-nacl": ["ip access-list standard managers"],
    "isakmp-policy": ["crypto isakmp policy 20"],
    "keyring": ["crypto keyring ring vrf red"],
    "isakmp-peer": ["crypto isakmp peer address 10.2.2.9"],
    "isakmp-profile": ["crypto isakmp profile hub"],
    "isakmp-group": ["crypto isakmp client configuration group road"],
    "trustpoint": ["crypto pki trustpoint ours"],
    "transform-set": ["crypto ipsec transform-set strong esp-aes 256 esp-sha-hmac"],
    "ipsec-profile": ["crypto ipsec profile vti"],
    "crypto-map": ["crypto map world 10 ipsec-isakmp"],
    "accounting-list": ["aaa accounting network red"],
    "server-group": ["aaa group server radius big"],
    "radius-server": ["radius server red"],
    "dynamic-author": ["aaa server radius dynamic-author"],
    "config-line": ["line vty 0 4"],
    "control-plane": ["control-plane"],
    "resource-policy": ["resource policy"],
    "mgcp-profile": ["mgcp profile default"],
    "dial-peer-cor": ["dial-peer cor custom"],
    "gatekeeper": ["gatekeeper"],
    "webvpn-context": ["webvpn context Default_context"],
}

# Few values, so that generated lines meet: the same map, the same list, the same address twice.
_NAMES = st.sampled_from(["red", "blue", "vrf1-1", "world", "flows", "abc1", "Key_9", "a.b"])
_ADDRESSES = st.sampled_from(["10.1.1.1", "10.1.1.2", "10.1.2.0", "0.0.0.0", "172.16.0.1", "255.255.255.255"]) | st.integers(
    0, 2**32 - 1
).map(lambda value: str(IPv4Address(value)))
_MASKS = st.integers(0, 32).map(lambda bits: str(IPv4Address(0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF)))
_INTERFACES = st.sampled_from(
    ["Serial1/2.1", "FastEthernet0/0", "Tunnel0", "fa0/1", "tunnel 3", "Loopback10", "Gi0/0/1.100", "s1/3"]
)
_TEXTS = st.text(st.sampled_from("abcXYZ 019-_!?./"), min_size=1, max_size=30).map(str.strip).filter(bool)


def _argument(item: Argument) -> st.SearchStrategy[str]:
    if item.type_name in ("int", "list"):
        ranges = [part.partition("-") for part in item.parameters.split(",")]
        return st.one_of(*(st.integers(int(low), int(high or low)) for low, _, high in ranges)).map(str)
    if item.type_name == "signed":
        low, high = item.parameters.split("..")
        return st.integers(int(low), int(high)).map(str)
    if item.type_name == "port":
        return st.integers(0, 65535).map(str) | st.sampled_from([*TCP_PORTS, *UDP_PORTS])
    return {
        "address": _ADDRESSES,
        "wildcard": _ADDRESSES,
        "ipv6": st.sampled_from(["2001:db8::1", "::1", "FE80::1", "::ffff:10.1.1.1"]),
        "mask": _MASKS,
        "word": _NAMES,
        "name": _NAMES,
        "target": st.sampled_from(["65000:1", "10.1.1.1:7", "1:1"]),
        "line": _TEXTS,
        "text": st.sampled_from(["^Chello^C", "#\n  two lines of ^C\n#", "x word x"]),
        "subtree": st.sampled_from(["1.3.6.1.2.1", "iso", "ifEntry.*.2", "2.100.4294967295"]),
        "host": _ADDRESSES | st.just("nms1.example.com"),
        "interface": _INTERFACES,
    }[item.type_name]


def _words(items: tuple[Item, ...]) -> st.SearchStrategy[str]:
    return st.tuples(*(_item(item) for item in items)).map(lambda words: " ".join(word for word in words if word))


def _item(item: Item) -> st.SearchStrategy[str]:
    if isinstance(item, Keyword):
        return st.just(item.text)
    if isinstance(item, Argument):
        return _argument(item)
    if isinstance(item, Cut | Open):
        return st.just("")
    assert isinstance(item, Group)
    choice = st.one_of(*(_words(option) for option in item.options))
    most = 3 if item.repeated else 1
    return st.lists(choice, min_size=item.least, max_size=most).map(" ".join)


def all_commands() -> list[ConfigCommand]:
    return [command for area in AREAS if area not in (logging, ssh) for command in area.commands()]


def line_of(command: ConfigCommand) -> st.SearchStrategy[list[str]]:
    """The command's line, with those that enter its mode before it."""
    entrance = ENTRANCES[command.mode]
    return _words(parse_pattern(command.pattern)).map(lambda text: [*entrance, text])


def negated(command: ConfigCommand) -> st.SearchStrategy[list[str]]:
    entrance = ENTRANCES[command.mode]
    pattern = parse_pattern(command.no_pattern or command.pattern)
    return st.tuples(st.sampled_from(["no", "default"]), _words(pattern)).map(lambda pair: [*entrance, " ".join(pair)])
