"""Configuration files: wrong lines, warnings, inert families, abbreviations."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest

import agent.crypto.dh
from agent.base.lines import LONGEST_IN_A_FILE
from agent.base.text import octets_of
from agent.config.command import CommandSet
from agent.config.commands.isakmp import GROUPS
from agent.config.document import Document, check, load, read_file, read_utf8_file
from agent.config.errors import ConfigErrors

Read = Callable[[str], Document]


# --- files that are none ---


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as raised:
        read_file(tmp_path / "no.cfg")
    assert str(raised.value) == f"{tmp_path / 'no.cfg'}: there is no such file"


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "marked.cfg"
    path.write_bytes(b"\xef\xbb\xbfhostname a\n")
    assert read_file(path) == "hostname a\n"


def test_octets_that_are_no_utf_8_are_kept_and_rendered(tmp_path: Path, commands: CommandSet) -> None:
    """IOS keeps the octets of a text as they came: a terminal in Latin-1 wrote these."""
    path = tmp_path / "latin.cfg"
    octets = b"snmp-server location P\xe9cs\nsnmp-server contact Ren\xc3\xa9\nfrob\xfc\n"
    path.write_bytes(octets)
    rendered = octets_of(load(read_file(path), str(path), commands).render())
    assert set(octets.split(b"\n")) <= set(rendered.split(b"\n"))


def test_a_no_break_space_is_a_letter_like_any_other(document: Read) -> None:
    assert "\nsnmp-server community a\u00a0b RO\n" in document("snmp-server community a\u00a0b RO\n").render()


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_lab_files_octet_that_is_no_utf_8_is_named_with_its_line(tmp_path: Path, mark: bytes) -> None:
    """TOML is UTF-8 (TOML 1.0.0, Spec)."""
    path = tmp_path / "latin.toml"
    path.write_bytes(mark + b"[router.a]\nconfig = 'Ren\xe9'\n")
    with pytest.raises(ConfigErrors) as raised:
        read_utf8_file(path)
    assert str(raised.value) == f"{path}:2: needs text in UTF-8: octet 0xe9 is none"


# --- long lines ---


def test_a_line_that_is_too_long_is_named_with_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "long.cfg"
    path.write_text(f"hostname a\ninterface Loopback0\n description {'a ' * 50_000}\nsnmp-server contact {'b' * 8192}\n")
    with pytest.raises(ConfigErrors) as raised:
        read_file(path)
    assert str(raised.value).split("\n") == [
        f"{path}:3: description a a a a a a a a a a a a a a…: needs at most {LONGEST_IN_A_FILE} octets on a line: it has 100013",
        f"{path}:4: snmp-server contact bbbbbbbbbbbbbbbbbbbb…: needs at most {LONGEST_IN_A_FILE} octets on a line: it has 8212",
    ]


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ("snmp-server contact", "a"),
        ("frobnicate", "a"),
        ("snmp-server enable traps", "ipsec"),
        ("crypto dynamic-map d 1\n set transform-set", "a"),
        ("ip name-server", "10.1.1.1"),
        ("banner motd ^", "a"),
    ],
)
def test_a_line_costs_memory_by_its_length(commands: CommandSet, before: str, word: str) -> None:
    """Ten times the words are ten times the memory, not a hundred times."""

    def peak(words: int) -> int:
        line = f"{before} {f'{word} ' * words}"
        tracemalloc.start()
        check(line, commands=commands)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(10_000) < 20 * peak(1_000)


# --- wrong lines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ("crypto isakmp policy 20000", "a number from 1 to 10000"),
        ("crypto isakmp policy first", "a number from 1 to 10000"),
        ("crypto mib ipsec flowmib history tunnel size", "a number from 1 to 65535"),
        ("crypto mib ipsec flowmib history tunnel size 70000", "a number from 1 to 65535"),
        ("snmp-server packetsize 17893", "a number from 484 to 17892"),
        ("snmp-server queue-length 5001", "a number from 1 to 5000"),
        ("snmp-server inform retries 101", "a number from 0 to 100"),
        ("snmp-server host 10.1.1.300 public", "an IPv4 address or a host name"),
        ("ip route 10.0.0.0 255.0.255.0 10.1.1.1", "a network mask such as 255.255.255.0"),
        ("crypto ipsec transform-set t esp-blowfish", None),
        ("crypto ipsec transform-set t esp-des esp-3des", None),
        ("access-list 101 permit ip host 10.0.0.300 any", "an IPv4 address"),
        ("access-list 5000 permit any", None),
        ("ip local pool p 10.0.0.9 10.0.0.1", None),
    ],
)
def test_a_wrong_value_stops_the_file_and_says_what_would_be_right(document: Read, line: str, right: str | None) -> None:
    with pytest.raises(ConfigErrors) as caught:
        document(f"hostname a\n{line}\n")
    [error] = caught.value.errors
    assert (error.filename, error.line_number, error.text) == ("test.cfg", 2, line)
    assert str(error).startswith(f"test.cfg:2: {line}: needs ")
    assert "\n" not in str(error)
    if right:
        assert error.what_would_be_right == right


def test_a_wrong_value_of_a_sub_mode_is_found_there(document: Read) -> None:
    with pytest.raises(ConfigErrors) as caught:
        document("crypto isakmp policy 1\n encryption blowfish\n lifetime 10\n hash sha\n")
    assert [error.line_number for error in caught.value.errors] == [2, 3]
    assert caught.value.errors[0].what_would_be_right == "des, 3des or aes"
    assert str(caught.value).count("\n") == 1


def test_check_lists_unknown_and_wrong_lines_in_order(commands: CommandSet) -> None:
    findings = check("hostname a\ncrypto-isakmp profile x\n vrf y\ncrypto isakmp policy 0\nbanner motd #\nopen\n", "f", commands)
    assert [(finding.line_number, finding.wrong) for finding in findings] == [
        (2, False),
        (3, False),
        (4, True),
        (5, True),
    ]
    assert findings[0].message == "not understood"
    assert findings[1].message == "not understood, as what it stands under: crypto-isakmp profile x"
    assert findings[2].message == "needs a number from 1 to 10000"


@pytest.mark.parametrize(
    "line",
    ["crypto iakmp policy 1", "crypto-isakmp profile p", "ip route 10.0.0.0 255.0.0.0 dhcp", "ntp server pool.ntp.org",
     "voice rtp send-recv", "mgcp call-agent 10.1.1.1", "frame-relay switching", "webvpn gateway g", "exception memory fragment 10",
     "clock save interval 8", "snmp-server frobnicate", "crypto isakmp policy 1 extra", "snmp-server enable traps bgp"],
)  # fmt: skip
def test_what_is_only_like_a_command_is_kept_and_reported(document: Read, commands: CommandSet, line: str) -> None:
    """No family of inert lines is a catch-all."""
    read = document(line)
    assert [finding.text for finding in read.unknown] == [line]
    assert f"\n{line}\n" in read.render()
    assert [finding.wrong for finding in check(line, "f", commands)] == [False]


# --- warnings ------------------------------------------------------------------------------------------------------------


def test_a_line_without_effect_yet_warns_once(document: Read) -> None:
    read = document(
        "crypto ipsec df-bit clear\ncrypto ipsec df-bit set\ncrypto ipsec security-association idle-time 600\n"
        "no logging console\nlogging buffered 64000\nlogging host 10.0.0.3\nlogging 10.0.0.4\n"
    )
    assert [(warning.line_number, warning.message) for warning in read.warnings] == [(line, "has no effect yet") for line in (1, 3)]


def test_compression_is_kept_and_said_not_to_be_offered(document: Read) -> None:
    read = document("crypto ipsec transform-set t esp-aes 192 esp-sha-hmac comp-lzs\n")
    assert [warning.message for warning in read.warnings] == [
        "comp-lzs is kept but not offered to peers: nothing here implements LZS"
    ]
    assert read.config.crypto.transform_sets["t"].compression == "lzs"
    assert "crypto ipsec transform-set t esp-aes 192 esp-sha-hmac comp-lzs\n" in read.render()


@pytest.mark.parametrize("transforms", ["esp-gcm", "esp-gcm 256", "esp-gmac 192", "esp-seal esp-sha-hmac"])
def test_a_cipher_that_nothing_implements_is_kept_with_a_warning(document: Read, transforms: str) -> None:
    read = document(f"crypto ipsec transform-set t {transforms}\n")
    (warning,) = read.warnings
    assert f"{transforms.split()[0]} is kept but not offered to peers" in str(warning)
    assert f"crypto ipsec transform-set t {transforms}\n" in read.render()


@pytest.mark.parametrize("number", sorted(int(number) for number in GROUPS.split("|")))
def test_a_group_that_nobody_does_is_kept_and_warned_of(document: Read, number: int) -> None:
    read = document(f"crypto isakmp policy 1\n group {number}\ncrypto map m 1 ipsec-isakmp\n set pfs group{number}\n")
    warning = f"group {number} is kept but not negotiated: nothing here implements it"
    lines = [] if number in agent.crypto.dh.GROUPS else [2, 4]
    assert [(each.line_number, each.message) for each in read.warnings] == [(line, warning) for line in lines]
    assert read.config.crypto.policies[1].group == number


def test_references_may_come_before_what_they_name(document: Read) -> None:
    read = document(
        "interface Fa0/0\n ip vrf forwarding red\n ip address 10.0.0.1 255.0.0.0\n crypto map m\n"
        "crypto map m 10 ipsec-isakmp\n set transform-set t\ncrypto ipsec transform-set t esp-des\nip vrf red\n"
        "snmp-server host nms version 2c c\nip host nms 10.0.0.9\n"
    )
    assert read.warnings == ()
    assert list(read.config.snmp.hosts) == [("10.0.0.9", None, "c", 162)]
    assert read.config.interfaces["FastEthernet0/0"].address is not None


def test_references_to_nothing_are_warned_of(document: Read) -> None:
    read = document("interface Fa0/0\n ip vrf forwarding red\n crypto map m\nsnmp-server host nms version 2c c\n")
    assert [(warning.line_number, warning.text) for warning in sorted(read.warnings, key=lambda each: each.line_number)] == [
        (2, "ip vrf forwarding red"),
        (3, "crypto map m"),
        (4, "snmp-server host nms version 2c c"),
    ]
    assert "snmp-server host nms version 2c c\n" in read.render()


def test_an_address_lost_by_joining_a_vrf_is_warned_of(document: Read) -> None:
    read = document("ip vrf red\ninterface Fa0/0\n ip address 10.0.0.1 255.0.0.0\n ip vrf forwarding red\n")
    assert [warning.line_number for warning in read.warnings] == [4]


# --- inert lines ---------------------------------------------------------------------------------------------------------

INERT = """\
no service password-encryption
boot-start-marker
boot-end-marker
resource policy
memory-size iomem 5
clock summer-time PDT recurring
ip subnet-zero
ip cef
ip domain name cisco.com
voice call carrier capacity active
interface Serial1/0
 no ip address
 encapsulation frame-relay
 no ip route-cache cef
 no ip route-cache
 no ip mroute-cache
 load-interval 30
 no fair-queue
 duplex auto
 speed auto
 no keepalive
 serial restart-delay 0
 clock rate 128000
 no frame-relay inverse-arp
 frame-relay interface-dlci 21
ip default-gateway 10.1.38.1
ip classless
ip http server
no ip http secure-server
ip pim bidir-enable
control-plane
call rsvp-sync
mgcp profile default
dial-peer cor custom
gatekeeper
 shutdown
line con 0
 exec-timeout 0 0
 exec prompt timestamp
line aux 0
line vty 0 4
 password lab
 logging synchronous
 login local
 transport input telnet ssh
exception core-file ioscrypto/core/sheep-core
exception dump 172.25.1.129
ntp clock-period 17208229
ntp server 172.31.150.52
ntp server 172.71.150.52
webvpn context Default_context
 ssl authenticate verify all
 no inservice
"""


def test_every_inert_line_is_accepted_kept_and_written_back(document: Read) -> None:
    read = document(INERT)
    assert read.unknown == ()
    assert read.warnings == ()
    rendered = [line for line in read.render().splitlines() if line != "!"]
    assert rendered == ["version 16.9", INERT.splitlines()[0], "hostname Router", *INERT.splitlines()[1:], "end"]


def test_an_inert_line_replaces_its_like(document: Read) -> None:
    text = document("interface Fa0/0\nduplex auto\nduplex full\nno keepalive\nkeepalive 5\nline vty 0 4\nexec-timeout 3\n").render()
    assert " duplex full\n keepalive 5\n" in text
    assert "auto" not in text
    assert " exec-timeout 3 0\n" in text


# --- the model -----------------------------------------------------------------------------------------------------------


def test_keywords_may_be_abbreviated_in_a_file(document: Read) -> None:
    read = document(
        "hostn a\ncry isa pol 3\nauth pre\nhas md5\nencr aes 192\ngr 5\nlife 600\nint fa0/0\nip add 10.0.0.1 255.0.0.0\nno shut\n"
    )
    assert "crypto isakmp policy 3\n encr aes 192\n hash md5\n authentication pre-share\n group 5\n lifetime 600\n" in read.render()
    assert read.config.hostname == "a"
    assert str(read.config.interfaces["FastEthernet0/0"].address) == "10.0.0.1/8"


def test_a_vrf_definition_with_its_address_family(document: Read) -> None:
    text = (
        "vrf definition red\n rd 1:1\n context red-context\n address-family ipv4\n"
        "  route-target export 1:1\n  route-target import 1:2\n exit-address-family\n"
        "!\ninterface GigabitEthernet0/0\n vrf forwarding red\n ip address 10.0.0.1 255.0.0.0\n"
    )
    read = document(text)
    assert text in read.render()
    assert read.config.vrf_of_context("red-context") == "red"
    assert read.config.interfaces["GigabitEthernet0/0"].vrf == "red"


def test_keys_keep_their_address_as_typed(document: Read) -> None:
    text = "crypto keyring k vrf red\n  pre-shared-key address 10.1.1.1 255.255.255.0 key a\n  pre-shared-key hostname h key b\n"
    keys = document(text).config.crypto.keyrings["k"].keys
    assert [(key.network, key.hostname, key.key) for key in keys] == [(IPv4Network("10.1.1.0/24"), None, "a"), (None, "h", "b")]
    assert " pre-shared-key address 10.1.1.1 255.255.255.0 key a\n pre-shared-key hostname h key b\n" in document(text).render()


def test_the_zero_address_means_every_peer(document: Read) -> None:
    read = document("crypto isakmp key a address 0.0.0.0\ncrypto isakmp profile p\n match identity address 0.0.0.0\n")
    assert read.config.crypto.keys[0].network == IPv4Network("0.0.0.0/0")
    assert read.config.crypto.profiles["p"].matches[0].network == IPv4Network("0.0.0.0/0")


def test_a_key_may_be_called_like_a_keyword(document: Read) -> None:
    assert document("crypto isakmp key identity address 209.165.200.226\n").config.crypto.keys[0].key == "identity"
    assert document("crypto isakmp key address address 209.165.200.226 no-xauth\n").config.crypto.keys[0].no_xauth


def test_profiles_match_every_kind_of_identity(document: Read) -> None:
    lines = [
        " match identity address 10.1.1.1 255.255.255.255 red",
        " match identity address 10.2.0.0 255.255.0.0",
        " match identity host a.example.com",
        " match identity host domain example.com",
        " match identity user u@example.com",
        " match identity user domain example.com",
        " match identity group cclient",
    ]
    read = document("\n".join(["crypto isakmp profile p", " vrf red", *lines]))
    assert "\n".join(lines) in read.render()
    kinds = [identity.kind for identity in read.config.crypto.profiles["p"].matches]
    assert kinds == ["address", "address", "host", "host domain", "user", "user domain", "group"]


def test_communities_groups_and_hosts_in_full(document: Read) -> None:
    lines = [
        "snmp-server group ops v3 auth context c1 match prefix read r write w notify n access 10",
        "snmp-server group plain v3 noauth",
        "snmp-server view r iso included",
        "snmp-server view r cipSecMIBObjects excluded",
        "snmp-server community pub view r RO 10",
        "snmp-server community adm RW managers",
        "snmp-server trap-source Loopback0",
        "snmp-server packetsize 8192",
        "snmp-server queue-length 5000",
        "snmp-server inform pending 40 retries 0 timeout 120",
        "snmp-server location a room  with two blanks",
        "snmp-server contact ops@example.com",
        "snmp-server chassis-id 42",
        "snmp-server enable traps snmp authentication linkdown linkup coldstart warmstart",
        "snmp-server host 10.0.0.1 pub",
        "snmp-server host 10.0.0.1 vrf red informs version 2c pub udp-port 1162 ipsec",
        "snmp-server host 10.0.0.1 version 3 priv admin isakmp snmp",
    ]
    text = "\n".join(lines)
    read = document(text + "\nsnmp-server user admin ops v3 auth sha256 password1 priv aes 256 password2 access 10\n")
    assert text in read.render()
    user = read.config.snmp.users["admin"]
    assert (user.auth, user.priv, user.acl) == ("sha256", "aes256", "10")
    assert read.render_private() == "snmp-server user admin ops v3 auth sha256 password1 priv aes 256 password2 access 10\n"
    assert read.config.snmp.groups["ops", "v3", "auth", "c1"].match == "prefix"


def test_routes_of_every_shape(document: Read) -> None:
    lines = [
        "ip route 0.0.0.0 0.0.0.0 10.1.1.1",
        "ip route 10.20.0.0 255.0.0.0 10.2.80.56",
        "ip route 10.0.0.0 255.0.0.0 Tunnel0",
        "ip route vrf red 10.0.0.0 255.0.0.0 FastEthernet0/0 10.1.1.1 250 tag 7 permanent name backup",
    ]
    read = document("\n".join(lines))
    assert "\n".join(lines) in read.render()
    assert [str(route.prefix) for route in read.config.routes] == ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"]
    assert read.config.routes[3].distance == 250


def test_a_list_decides_by_its_first_matching_entry(document: Read) -> None:
    read = document("access-list 10 deny 10.0.0.1\naccess-list 10 permit 10.0.0.0 0.0.0.255\nip access-list standard empty\n")
    managers = read.config.access_lists["10"]
    assert [managers.permits(IPv4Address(f"10.0.{i}.{i + 1}")) for i in (0, 1)] == [False, False]
    assert managers.permits(IPv4Address("10.0.0.2"))
    assert read.config.access_lists["empty"].permits(IPv4Address("192.0.2.1"))


def test_remote_access_and_certificates_are_understood(document: Read) -> None:
    text = (
        "crypto pki trustpoint ca\n enrollment terminal\n fqdn none\n subject-name CN=hub, O=lab\n revocation-check crl\n"
        " rsakeypair hub 2048\n!\ncrypto isakmp client configuration group road\n key secret\n dns 10.0.0.1 10.0.0.2\n"
        " domain example.com\n pool p\n acl 101\n!\ncrypto isakmp profile p\n ca trust-point ca\n"
        " self-identity fqdn hub.example.com\n match identity group road\n"
        " client authentication list users\n isakmp authorization list groups\n"
        " client configuration address respond\n accounting acc\n keepalive 20 retry 5\n"
    )
    read = document(text)
    assert read.unknown == ()
    assert text in read.render()
    assert [warning.message for warning in read.warnings if "not configured" not in warning.message] == []
