"""`show snmp …`: the forms of IOS's own outputs, as parsers' samples have them."""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.config.snmp_model import SnmpHost
from tests.shell.fakes import ENGINE_ID, Console, HostAccount

CONFIG = """\
version 12.4
hostname hub
ip vrf red
 rd 1:1
 context red-context
snmp-server community public RO 10
snmp-server community secret view all RW
snmp-server view all iso included
snmp-server view all snmpUsmMIB excluded
snmp-server context red-context
snmp-server group ops v3 priv context red-context read all
snmp-server user ann ops v3 auth sha ann-auth-pass priv aes 128 ann-priv-pass access 20
snmp-server user bob ops v3
snmp-server contact somebody
snmp-server location here
snmp-server chassis-id FCE2310A48M
snmp-server enable traps ipsec tunnel start
access-list 10 permit any
access-list 20 permit any
"""


def shown(what: str, config: str = CONFIG) -> list[str]:
    return Console(config).type(f"show snmp {what}".strip()).splitlines()


def test_statistics_are_the_counters_of_the_snmp_group() -> None:
    """RFC 3418's objects under the labels of Cisco's command reference. The fake counts each as the length of its name."""
    console = Console(CONFIG)
    address = IPv4Address("10.2.28.1")
    console.hosts += [HostAccount(SnmpHost(address, "public", version="2c"), address, 3, 10, 0, 13, 2)]
    assert console.type("show snmp").splitlines() == [
        "Chassis: FCE2310A48M",
        "Contact: somebody",
        "Location: here",
        f"{len('snmpInPkts')} SNMP packets input",
        f"    {len('snmpInBadVersions')} Bad SNMP version errors",
        f"    {len('snmpInBadCommunityNames')} Unknown community name",
        f"    {len('snmpInBadCommunityUses')} Illegal operation for community name supplied",
        f"    {len('snmpInASNParseErrs')} Encoding errors",
        f"    {len('snmpInTotalReqVars')} Number of requested variables",
        f"    {len('snmpInTotalSetVars')} Number of altered variables",
        f"    {len('snmpInGetRequests')} Get-request PDUs",
        f"    {len('snmpInGetNexts')} Get-next PDUs",
        f"    {len('snmpInSetRequests')} Set-request PDUs",
        "    0 Input queue packet drops (Maximum queue size 1000)",
        f"{len('snmpOutPkts')} SNMP packets output",
        f"    {len('snmpOutTooBigs')} Too big errors (Maximum packet size 1500)",
        f"    {len('snmpOutNoSuchNames')} No such name errors",
        f"    {len('snmpOutBadValues')} Bad values errors",
        f"    {len('snmpOutGenErrs')} General errors",
        f"    {len('snmpOutGetResponses')} Response PDUs",
        f"    {len('snmpOutTraps')} Trap PDUs",
        "Packets currently in SNMP process input queue: 0",
        "SNMP global trap: enabled",
        "",
        "SNMP logging: enabled",
        "    Logging to 10.2.28.1.162, 3/10, 13 sent, 2 dropped.",
    ]


def test_without_any_line_the_agent_is_not_enabled() -> None:
    for what in ("", "community", "group", "user", "host", "context", "view", "engineID"):
        assert shown(what, "hostname hub\n") == ["%SNMP agent not enabled"]


def test_communities() -> None:
    assert shown("community") == [
        "",
        "Community name: public",
        "Community Index: public",
        "Community SecurityName: public",
        "storage-type: nonvolatile\t active\taccess-list: 10",
        "",
        "",
        "Community name: secret",
        "Community Index: secret",
        "Community SecurityName: secret",
        "storage-type: nonvolatile\t active",
        "",
    ]


def test_groups() -> None:
    assert shown("group") == [
        "groupname: ops                              security model:v3 priv",
        "contextname: red-context                    storage-type: nonvolatile",
        "readview : all                              writeview: <no writeview specified>",
        "notifyview: <no notifyview specified>",
        "row status: active",
        "",
    ]


def test_users_without_their_secrets() -> None:
    everybody = shown("user")
    assert everybody == [
        "User name: ann",
        f"Engine ID: {ENGINE_ID.hex().upper()}",
        "storage-type: nonvolatile\t active\taccess-list: 20",
        "Authentication Protocol: SHA",
        "Privacy Protocol: AES128",
        "Group-name: ops",
        "",
        "User name: bob",
        f"Engine ID: {ENGINE_ID.hex().upper()}",
        "storage-type: nonvolatile\t active",
        "Authentication Protocol: None",
        "Privacy Protocol: None",
        "Group-name: ops",
        "",
    ]
    assert shown("user bob") == everybody[7:]


def test_views_contexts_and_single_lines() -> None:
    assert shown("view")[:3] == [
        "all iso - included nonvolatile active",
        "all snmpUsmMIB - excluded nonvolatile active",
        "v1default iso - included permanent active",
    ]
    assert shown("context") == ["red-context"]
    assert shown("contact") == ["somebody"]
    assert shown("location") == ["here"]
    assert shown("chassis") == ["FCE2310A48M"]
    assert shown("engineID")[0] == "Local SNMP engineID: 80004FB805C0FFEE"
