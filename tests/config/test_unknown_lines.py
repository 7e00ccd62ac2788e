"""Lines that no command understands: kept, in their place, with what stands under them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config.commands import build
from agent.config.document import Document, check, load
from agent.config.errors import ConfigErrors
from agent.config.session import Session

Read = Callable[[str], Document]
COMMANDS = build()


def found(text: str) -> list[tuple[int, str]]:
    return [(finding.line_number, finding.text) for finding in check(text, "x", COMMANDS)]


def test_an_unknown_line_follows_the_line_that_it_followed(document: Read) -> None:
    text = document("hostname a\nservice pad\nip host b 10.0.0.1\nip nhrp thing\n").render()
    assert "hostname a\nservice pad\n" in text
    assert "ip host b 10.0.0.1\nip nhrp thing\n" in text


def test_indented_lines_under_an_unknown_line_are_its_own(document: Read) -> None:
    text = (
        "interface Fa0/0\n ip address 10.0.0.1 255.0.0.0\nrouter rip\n version 2\n network 10.0.0.0\n hostname x\n!\nhostname a\n"
    )
    read = document(text)
    assert read.config.version == "16.9"
    assert read.config.hostname == "a"
    assert "\nrouter rip\n version 2\n network 10.0.0.0\n hostname x\n" in read.render()
    assert found(text) == [(3, "router rip"), (4, "version 2"), (5, "network 10.0.0.0"), (6, "hostname x")]


def test_lines_without_indentation_stay_with_the_unknown_line_until_a_command_or_a_mark(document: Read) -> None:
    text = document("router bgp 1\nneighbor 10.0.0.1 remote-as 2\nhostname a\nrouter eigrp 1\n!\nsomething else\n").render()
    assert "router bgp 1\nneighbor 10.0.0.1 remote-as 2\n" in text
    assert "hostname a\n" in text


def test_an_unknown_line_of_a_sub_mode_stays_in_it(document: Read) -> None:
    read = document("interface Fa0/0\nip address 10.0.0.1 255.0.0.0\nip nat inside\ncrypto map m\n")
    assert " ip address 10.0.0.1 255.0.0.0\n ip nat inside\n crypto map m\n" in read.render()
    assert read.config.interfaces["FastEthernet0/0"].crypto_map == "m"


def test_deeper_lines_of_a_sub_mode_keep_their_depth(document: Read) -> None:
    text = "interface Fa0/0\n no ip address\n service-policy output q\n  class x\n   bandwidth 7\n crypto map m\n"
    assert " service-policy output q\n  class x\n   bandwidth 7\n crypto map m\n" in document(text).render()


def test_a_global_line_in_an_indented_file_is_not_the_sub_modes(document: Read) -> None:
    read = document("interface Fa0/0\n no ip address\nrouter rip\n network 10.0.0.0\n")
    assert "interface FastEthernet0/0\n no ip address\n!\nrouter rip\n network 10.0.0.0\n" in read.render()


def test_an_empty_section_takes_no_line_of_an_indented_file(document: Read) -> None:
    text = "interface Fa0/0\n shutdown\nip vrf red\nip multicast-routing\nline vty 0 4\nscheduler allocate 20000 1000\n"
    rendered = document(text).render()
    assert "ip vrf red\n!\nip multicast-routing\n" in rendered
    assert "line vty 0 4\n!\nscheduler allocate 20000 1000\n" in rendered


@pytest.mark.parametrize("line", ["ip address dhcp", "ip address negotiated", "ip unnumbered Loopback0"])
def test_an_address_that_comes_from_elsewhere_is_not_taken_away_again(document: Read, line: str) -> None:
    text = f"interface Dialer1\n {line}\n shutdown\n"
    assert text in document(text).render()


def test_it_keeps_its_rank_when_the_line_before_it_goes(document: Read) -> None:
    read = document("ip host b 10.0.0.1\nip nhrp thing\nusername u password p\n")
    Session(read).feed("no ip host b")
    lines = read.render().splitlines()
    assert lines.index("ip nhrp thing") < lines.index("username u password 0 p")


def test_a_section_that_goes_takes_its_unknown_lines_along(document: Read) -> None:
    read = document("interface Tunnel0\n ip nhrp thing\n keepalive 7\n")
    session = Session(read)
    session.feed("no interface Tunnel0")
    session.feed("interface Tunnel0")
    assert "interface Tunnel0\n no ip address\n!" in read.render()


def test_the_text_of_a_banner_is_never_taken_for_commands(document: Read) -> None:
    text = "banner motd ^C\nhostname evil\n  shutdown\n^C\nhostname a\nbanner login #one line#\nip host b 10.0.0.1\n"
    read = document(text)
    assert read.config.hostname == "a"
    assert "banner motd ^C\nhostname evil\n  shutdown\n^C\n" in read.render()
    assert document(read.render()).render() == read.render()


def test_a_client_groups_banner_may_have_several_lines(document: Read) -> None:
    group = " key k\n pool p\n banner ^C\nWelcome to\ninterface Fa0/0\n shutdown\n^C\n"
    text = f"crypto isakmp client configuration group g\n{group}banner motd w\nto all\nw\n"
    read = document(text)
    assert read.config.crypto.client_groups["g"].banner == "^C\nWelcome to\ninterface Fa0/0\n shutdown\n^C"
    assert read.config.interfaces == {}
    assert group in read.render()
    assert "\nbanner motd ^C\nto all\n^C\n" in read.render()
    assert document(read.render()).render() == read.render()
    typed, pasted = document(""), text.splitlines()[:8]
    session = Session(typed)
    assert [session.feed(line).problem for line in pasted] == [None] * len(pasted)
    assert group in typed.render()


def test_the_headings_of_a_pasted_running_configuration_are_no_lines(document: Read) -> None:
    assert document("Building configuration...\n\nCurrent configuration : 6567 bytes\n!\nhostname a\n").unknown == ()
    assert document("Using 1234 out of 129016 bytes, uncompressed size = 6567 bytes\n!\nhostname a\n").unknown == ()
    assert document("Current configuration:\n!\nhostname a\n").unknown == ()


WORDS = """
no default interface Fa0/0 crypto map ipsec isakmp policy 1 10 ip vrf route address 10.1.1.1 255.255.255.0 key x access-list 101
permit any host snmp-server community view enable traps banner motd ^C exit end do ! match set peer description line con 0
"""
VOCABULARY = st.sampled_from(WORDS.split())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", " ", "  "]), st.lists(VOCABULARY | st.text(max_size=4), max_size=6)), max_size=12))
def test_any_text_is_read_or_refused_and_what_is_read_is_written_back(lines: list[tuple[str, list[str]]]) -> None:
    text = "\n".join(indent + " ".join(words) for indent, words in lines)
    try:
        first = load(text, "fuzz", COMMANDS)
    except ConfigErrors:
        return
    rendered = first.render()
    assert load(rendered, "fuzz", COMMANDS).render() == rendered


@pytest.mark.parametrize("text", ["", "!\n!\n", "\ufeffhostname a\n", "hostname a\r\nversion 12.4\r\n", "\thostname\ta\n"])
def test_odd_files_are_files(document: Read, text: str) -> None:
    assert document(text).unknown == ()
