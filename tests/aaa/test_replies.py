"""What an Access-Accept says: the attributes of RFC 2865, and Cisco's pairs ("Easy VPN Server" in the IOS configuration guide)."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.aaa.radius.values import Code, Reply
from agent.aaa.replies import client_group, message_of, pairs_of, privilege_of, user_policy
from agent.config.crypto_model import ClientGroup
from tests.aaa.at_once import reply


def accept(*pairs: str | bytes, **attributes: str | int | bytes) -> Reply:
    named = [(name.replace("_", "-"), value) for name, value in attributes.items()]
    return reply(Code.ACCESS_ACCEPT, *named, *(("Cisco-AVPair", pair) for pair in pairs))


@pytest.mark.parametrize(
    ("pair", "parts"),
    [
        ("ipsec:addr-pool=vpn", [("ipsec", "addr-pool", "vpn")]),
        ("ipsec:addr-pool*vpn", [("ipsec", "addr-pool", "vpn")]),
        (b"IPSEC: Addr-Pool = vpn ", [("ipsec", "addr-pool", "vpn")]),
        ("ipsec:tunnel-password=a=b*c:d", [("ipsec", "tunnel-password", "a=b*c:d")]),
        ('ipsec:banner="Hello, world"', [("ipsec", "banner", "Hello, world")]),
        ("ipsec:pfs=", [("ipsec", "pfs", "")]),
        ("ipsec:pfs", []),
        ("ipsec:=1", []),
        ("pfs=1", []),
        ("", []),
    ],
)
def test_a_pair_has_a_protocol_a_name_and_a_value(pair: str | bytes, parts: list[tuple[str, str, str]]) -> None:
    assert list(pairs_of(accept(pair))) == parts


@pytest.mark.parametrize(
    ("said", "level"),
    [
        (accept(), None),
        (accept("shell:priv-lvl=15"), 15),
        (accept("shell:priv-lvl=0"), 0),
        (accept("shell:priv-lvl=16", "shell:priv-lvl=3"), 3),
        (accept("shell:priv-lvl=x"), None),
        (accept("ipsec:priv-lvl=15"), None),
        (accept(Service_Type=6), 15),  # Administrative
        (accept(Service_Type=7), None),  # NAS Prompt
        (accept("shell:priv-lvl=1", Service_Type=6), 1),
    ],
)
def test_the_privilege_level_is_that_of_the_pair_else_of_the_service(said: Reply, level: int | None) -> None:
    assert privilege_of(said) == level


@pytest.mark.parametrize(
    ("said", "pool"),
    [
        (accept("ipsec:addr-pool=a"), "a"),
        (accept("ip:addr-pool=b"), "b"),
        (accept(Framed_Pool="c"), "c"),  # RFC 2869 §5.18
        (accept("ipsec:addr-pool=a", Framed_Pool="c"), "a"),
        (accept(), None),
    ],
)
def test_a_user_has_a_pool(said: Reply, pool: str | None) -> None:
    assert user_policy(said).pool == pool


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (("Code: ",), "Code: "),
        (("Look at your token\r\n", "Code: "), "Look at your token\nCode: "),
        ((b"caf\xc3\xa9",), "café"),
        (("\x1b[2Jgone\x07",), "\\x1b[2Jgone\\x07"),
        ((), ""),
    ],
)
def test_a_message_has_nothing_that_a_terminal_acts_on(messages: tuple[str | bytes, ...], text: str) -> None:
    """RFC 2865 §5.18: it is text for the user."""
    assert message_of(reply(Code.ACCESS_REJECT, *(("Reply-Message", message) for message in messages))) == text


GROUP = (
    "ipsec:key-exchange=ike",
    "ipsec:key-exchange=preshared-key",
    "ipsec:tunnel-password=groupkey",
    "ipsec:addr-pool=vpn",
    "ipsec:default-domain=example.com",
    "ipsec:dns-servers=10.1.1.1 10.1.1.2",
    "ipsec:wins-servers=10.1.1.3,nonsense",
    "ipsec:inacl=101",
    "ipsec:netmask=255.255.255.0",
    "ipsec:split-dns=a.example",
    "ipsec:split-dns=b.example,c.example",
    "ipsec:save-password=1",
    "ipsec:include-local-lan=1",
    "ipsec:pfs=1",
    "ipsec:max-users=10",
    "ipsec:max-logins=2",
    'ipsec:banner="Welcome"',
)


def test_pairs_describe_a_group() -> None:
    assert client_group("staff", accept(*GROUP)) == ClientGroup(
        "staff",
        key="groupkey",
        pool="vpn",
        dns=(IPv4Address("10.1.1.1"), IPv4Address("10.1.1.2")),
        wins=(IPv4Address("10.1.1.3"),),
        domain="example.com",
        split_dns=("a.example", "b.example", "c.example"),
        acl="101",
        netmask=IPv4Address("255.255.255.0"),
        save_password=True,
        include_local_lan=True,
        pfs=True,
        max_users=10,
        max_logins=2,
        banner="^CWelcome^C",
    )


def test_attributes_describe_a_group() -> None:
    said = accept(Tunnel_Password=b"groupkey", Framed_Pool="vpn", Framed_IP_Netmask="255.255.255.0", Service_Type=5)
    assert client_group("staff", said) == ClientGroup("staff", "groupkey", pool="vpn", netmask=IPv4Address("255.255.255.0"))


@pytest.mark.parametrize(
    "pair",
    ["ipsec:pfs=0", "ipsec:max-users=-1", "ipsec:netmask=x", "ipsec:dns-servers=", "ipsec:other=1", "ip:inacl=101", "ipsec:inacl="],
)
def test_what_says_nothing_of_a_group_is_ignored(pair: str) -> None:
    assert client_group("staff", accept(pair)) == ClientGroup("staff")


@given(
    st.lists(st.text() | st.binary()),
    st.sampled_from(["Framed-IP-Address", "Framed-IP-Netmask", "Tunnel-Password", "Service-Type"]),
)
def test_no_reply_is_a_failure(values: list[str | bytes], name: str) -> None:
    said = reply(Code.ACCESS_ACCEPT, *((name, value) for value in values), *(("Cisco-AVPair", value) for value in values))
    assert client_group("staff", said).name == "staff"
    assert user_policy(said) is not None
