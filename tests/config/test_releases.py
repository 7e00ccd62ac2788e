"""Keywords that releases of IOS spell differently, and lines that only some of them have.

The words and bounds of IOS XE 17 are those of Cisco's native configuration model (Cisco-IOS-XE-crypto, -snmp, -acl of 17.6.1);
those of IOS 12.4 are the command references'.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agent.config.command import CommandSet
from agent.config.commands.traps import named_leaves
from agent.config.document import Document, check, load
from agent.config.errors import ConfigErrors
from agent.config.session import Session

Read = Callable[[str], Document]


def lines_of(document: Document, start: str) -> list[str]:
    return [line for line in document.render().splitlines() if line.strip().startswith(start)]


@pytest.mark.parametrize(("old", "bits"), [("esp-192-aes", 192), ("esp-256-aes", 256)])
def test_the_older_spelling_of_a_longer_aes_key(document: Read, old: str, bits: int) -> None:
    read = document(f"crypto ipsec transform-set STRONG {old} esp-sha-hmac\n mode tunnel\n")
    transforms = read.config.crypto.transform_sets["STRONG"]
    assert (transforms.esp_cipher, transforms.esp_key_bits, transforms.esp_auth) == ("aes", bits, "sha")
    assert f"\ncrypto ipsec transform-set STRONG esp-aes {bits} esp-sha-hmac\n" in read.render()
    with pytest.raises(ConfigErrors):
        document(f"crypto ipsec transform-set STRONG {old} esp-aes\n")


def test_des56_is_des(document: Read) -> None:
    read = document("snmp-server user nms ops v3 auth md5 authpass12 priv des56 privpass12\n")
    assert read.config.snmp.users["nms"].priv == "des"
    assert read.config.snmp.users["nms"].priv_password == "privpass12"


def test_ike_is_isakmp_and_is_rendered_as_it_was_written(document: Read) -> None:
    text = (
        "snmp-server enable traps ike policy add\nsnmp-server enable traps isakmp policy delete\n"
        "no snmp-server enable traps ike tunnel stop\nsnmp-server host 127.0.0.1 version 2c public ike ipsec\n"
        "snmp-server host 127.0.0.2 public isakmp ike\n"
    )
    read = document(text)
    assert not read.unknown
    assert read.config.snmp.traps == {"isakmp policy add", "isakmp policy delete"}
    assert read.config.snmp.traps_disabled == {"isakmp tunnel stop"}
    rendered = [line for line in read.render().splitlines() if "snmp-server" in line]
    assert rendered == [*text.splitlines()[:4], "snmp-server host 127.0.0.2 public isakmp"]
    assert all(host.takes("isakmp") for host in read.config.snmp.hosts.values())
    again = document(read.render())
    assert again.config == read.config


def test_all_of_ike_is_all_of_isakmp(document: Read) -> None:
    assert document("snmp-server enable traps ike\n").config.snmp.traps == named_leaves(["isakmp"])
    read = document("snmp-server enable traps ike policy add\nsnmp-server enable traps isakmp policy add\n")
    assert lines_of(read, "snmp-server enable") == ["snmp-server enable traps isakmp policy add"]


@pytest.mark.parametrize("line", ["no snmp-server enable traps ike", "default snmp-server enable traps ike policy"])
def test_a_type_that_is_no_longer_written_keeps_no_spelling(document: Read, line: str) -> None:
    read = document(f"snmp-server enable traps ike policy\n{line}\n")
    assert document(read.render()).config == read.config


@pytest.mark.parametrize("words", ["informs vrf red", "vrf red informs"])
def test_informs_and_vrf_stand_in_either_order(document: Read, words: str) -> None:
    read = document(f"ip vrf red\nsnmp-server host 10.1.1.1 {words} version 2c public ipsec\n")
    [host] = read.config.snmp.hosts.values()
    assert (host.vrf, host.informs, host.version, host.community) == ("red", True, "2c", "public")
    assert lines_of(read, "snmp-server host") == ["snmp-server host 10.1.1.1 vrf red informs version 2c public ipsec"]


def test_a_profile_of_a_tunnel_may_be_shared(document: Read) -> None:
    text = "interface Tunnel0\n no ip address\n tunnel protection ipsec profile P shared\n"
    read = document(f"crypto ipsec profile P\n{text}")
    assert not read.unknown
    assert read.config.interfaces["Tunnel0"].tunnel_profile == "P"
    assert text in read.render()
    session = Session(read)
    session.feed("interface Tunnel0")
    session.feed("tunnel protection ipsec profile P")
    assert lines_of(read, "tunnel protection") == [" tunnel protection ipsec profile P"]


def test_clients_may_be_given_addresses_both_ways(document: Read) -> None:
    text = (
        "crypto isakmp profile p\n client configuration address initiate\n client configuration address respond\n!\n"
        "crypto map m client configuration address initiate\ncrypto map m client configuration address respond\n"
    )
    read = document(text)
    assert text in read.render().replace("!\n!\n", "!\n")
    assert read.config.crypto.profiles["p"].address_ways == read.config.crypto.maps["m"].address_ways == ("initiate", "respond")
    session = Session(read)
    for line in (
        "no crypto map m client configuration address initiate",
        "crypto isakmp profile p",
        "no client configuration address",
    ):
        session.feed(line)
    assert read.config.crypto.profiles["p"].address_ways == ()
    assert read.config.crypto.maps["m"].address_ways == ("respond",)


@pytest.mark.parametrize(
    ("opener", "line"),
    [
        ("", "crypto ipsec security-association lifetime seconds 2592000"),
        ("crypto ipsec profile p\n ", "set security-association lifetime seconds 2592000"),
        ("crypto dynamic-map d 10\n ", "set security-association lifetime seconds 2592000"),
        ("", "snmp-server packetsize 17892"),
    ],
)
def test_bounds_of_later_releases(document: Read, opener: str, line: str) -> None:
    read = document(f"{opener}{line}\n")
    assert not read.unknown
    assert lines_of(read, line)
    with pytest.raises(ConfigErrors):
        document(f"{opener}{line[:-1]}99\n")


# --- texts that are not there ---


@pytest.mark.parametrize(
    ("opener", "line"),
    [
        ("interface GigabitEthernet0/1\n ", "description"),
        ("ip vrf red\n ", "description"),
        ("crypto isakmp peer address 10.1.1.1\n ", "description"),
        ("crypto map m 10 ipsec-isakmp\n ", "description"),
        ("", "snmp-server contact"),
        ("", "snmp-server location"),
        ("crypto pki trustpoint t\n ", "subject-name"),
    ],
)
def test_a_text_that_is_missing_is_asked_for(commands: CommandSet, opener: str, line: str) -> None:
    """IOS says `% Incomplete command.`"""
    [finding] = check(f"{opener}{line}\n", commands=commands)
    assert finding.wrong
    assert finding.message.startswith("needs a text")


# --- sequence numbers of access lists ---

NUMBERED = """\
ip access-list standard managers
 10 remark the office
 10 permit 10.1.1.1
ip access-list extended VPN
 10 remark branch office
 10 remark opened in 2019
 10 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255
 15 deny ip any any
 2147483647 remark the end
"""


def test_numbers_of_entries_and_remarks_are_kept(document: Read) -> None:
    """Several remarks may share the number of the entry that they precede."""
    read = document(NUMBERED)
    assert not read.unknown
    assert NUMBERED in read.render()
    assert document(read.render()).config == read.config
    assert [(entry.sequence, entry.permit) for entry in read.config.access_lists["VPN"].entries] == [(10, True), (15, False)]


def test_lines_without_numbers_are_numbered_by_ten_and_written_without(document: Read) -> None:
    text = "ip access-list extended e\n remark first\n permit ip any any\n permit tcp any any\n remark\n"
    read = document(text)
    assert text in read.render()
    assert [entry.sequence for entry in read.config.access_lists["e"].entries] == [10, 20]
    assert read.config.access_lists["e"].remarks == ((10, "first"), (30, ""))


def test_a_line_without_a_number_comes_ten_after_the_last(document: Read) -> None:
    read = document("ip access-list extended e\n 15 permit ip any any\n permit tcp any any\n remark r\n permit udp any any\n")
    assert [line for line in lines_of(read, "") if line.startswith(" ")] == [
        " 15 permit ip any any",
        " 25 permit tcp any any",
        " 35 remark r",
        " 35 permit udp any any",
    ]


@pytest.fixture
def vpn(document: Read) -> Document:
    return document(NUMBERED)


def typed(document: Document, *lines: str) -> list[str]:
    """What the list VPN is after lines that are typed into it; the last output is behind, where there is one."""
    session = Session(document)
    outcome = [session.feed(line) for line in ("ip access-list extended VPN", *lines)][-1]
    text = document.render()
    return [*text[text.index("VPN\n") + 4 :].partition("!\n")[0].splitlines(), *outcome.output]


def test_entries_and_remarks_are_removed_by_number(vpn: Document) -> None:
    assert typed(vpn, "no 15", "no 10 remark") == [
        " 10 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255",
        " 2147483647 remark the end",
    ]
    assert typed(vpn, "no remark the end", "no 10") == []
    assert typed(vpn, "no 10") == ["%Entry not found"]


def test_one_of_several_remarks_is_removed_by_its_text(vpn: Document) -> None:
    assert typed(vpn, "no 10 remark branch office")[:2] == [
        " 10 remark opened in 2019",
        " 10 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255",
    ]


def test_a_number_that_is_taken_is_refused(vpn: Document) -> None:
    assert typed(vpn, "15 permit tcp any any")[-1] == "% Duplicate sequence number"
    assert typed(vpn, "2147483647 permit udp any any", "permit tcp any any")[-1] == "% Exceeded maximum sequence number"


def test_a_list_is_numbered_anew(vpn: Document) -> None:
    """Cisco's reference: `ip access-list resequence access-list-name starting-sequence-number increment`."""
    assert typed(vpn, "exit", "ip access-list resequence VPN 100 20") == [
        " 100 remark branch office",
        " 100 remark opened in 2019",
        " 100 permit ip 10.1.0.0 0.0.255.255 10.2.0.0 0.0.255.255",
        " 120 deny ip any any",
        " 140 remark the end",
    ]
    refused = Session(vpn).feed("ip access-list resequence nothing 1 1")
    assert refused.refused


def test_a_list_with_a_number_for_a_name_has_its_lines_numbers_too(document: Read) -> None:
    text = "ip access-list extended 101\n 10 remark r\n 10 permit ip any any\n"
    read = document(text)
    assert text in read.render()
    assert load(read.render()).config == read.config


# --- object identifiers of views ---


@pytest.mark.parametrize(
    "subtree", ["1.3.4294967296", "1.40", "3.1", "1.3.-1", "1.3..1", "1.3.²", ".".join(["1"] * 129), "1.3.6.x", "iso.4294967296"]
)
def test_what_is_no_object_identifier_is_refused_with_a_caret(document: Read, subtree: str) -> None:
    """RFC 2578 §7.1.3: at most 128 sub-identifiers of 32 bits; the first two are encoded as one (X.690 §8.19.4)."""
    line = f"snmp-server view v {subtree} included"
    with pytest.raises(ConfigErrors) as caught:
        document(f"hostname a\n{line}\n")
    assert [error.line_number for error in caught.value.errors] == [2]
    outcome = Session(document("hostname a\n")).feed(line)
    assert outcome.refused or (outcome.problem is not None and outcome.problem.column == line.index(subtree))


@pytest.mark.parametrize(
    "subtree", ["1.3.4294967295", "2.100.3", "iso", "mib-2", "internet.6.3.15", "ifEntry.*.1", ".1.3.6", "1", ".".join(["1"] * 128)]
)
def test_what_is_one_is_taken(document: Read, subtree: str) -> None:
    assert lines_of(document(f"snmp-server view v {subtree} included\n"), "snmp-server view") == [
        f"snmp-server view v {subtree} included"
    ]


@pytest.mark.parametrize(
    ("line", "rendered"),
    [
        (
            "ip route 10.0.0.0 255.0.0.0 10.1.1.1 250 name far track 100",
            "ip route 10.0.0.0 255.0.0.0 10.1.1.1 250 name far track 100",
        ),
        ("username u privilege 0 secret x", "username u privilege 0 secret 0 x"),
        ("username u privilege 15 algorithm-type scrypt secret x", "username u privilege 15 secret 0 x"),
        ("enable algorithm-type sha256 secret x", "enable secret x"),
        ("logging 10.1.1.1 vrf red transport udp port 1514", "logging host 10.1.1.1 vrf red transport udp port 1514"),
        ("crypto ipsec df-bit clear", "crypto ipsec df-bit clear"),
        ("crypto keyring k\n local-address 192.0.2.1", "crypto keyring k\n local-address 192.0.2.1"),
        ("crypto isakmp profile p\n local-address Loopback0 red", "crypto isakmp profile p\n local-address Loopback0 red"),
    ],
)
def test_words_of_the_command_references(document: Read, line: str, rendered: str) -> None:
    """Cisco IOS Security and IP Routing command references, 15M&T."""
    read = document(f"{line}\n")
    assert not read.unknown
    assert f"\n{rendered}\n" in read.render()
