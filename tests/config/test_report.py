"""What is told of a configuration file: a line a block, IPsec and SNMP first, a sum; and the one line at the start of `run`."""

from __future__ import annotations

import pytest

from agent.config.document import examine, load_file
from agent.config.errors import ConfigErrors
from agent.config.report import checked, not_understood

TEXT = """\
hostname r
router bgp 65000
 neighbor 10.1.1.1 remote-as 65001
 neighbor 10.1.1.1 activate
interface Tunnel0
 tunnel protection ipsec profle P
crypto isakmp policy 10
 encryptoin aes
snmp-server frobnicate
interface FastEthernet0/0
 crypto map gone
"""


def test_a_line_a_block_and_ipsec_and_snmp_first() -> None:
    assert checked(examine(TEXT, "r.cfg")) == [
        "r.cfg:6: tunnel protection ipsec profle P: not understood (about IPsec)",
        "r.cfg:8: encryptoin aes: not understood (about IPsec)",
        "r.cfg:9: snmp-server frobnicate: not understood (about SNMP)",
        "r.cfg:2: router bgp 65000: not understood, with the 2 lines under it",
        "r.cfg:11: crypto map gone: names crypto map gone, which is not configured",
        "r.cfg: 6 lines not understood (2 about IPsec, 1 about SNMP), 1 warning",
    ]


def test_the_start_has_one_line_a_file() -> None:
    told = "6 lines not understood, 2 of them about IPsec (line 6: tunnel protection ipsec profle P)"
    assert not_understood(examine(TEXT, "r.cfg")) == f"r.cfg: {told}, 1 of them about SNMP (line 9: snmp-server frobnicate)"
    assert not_understood(examine("hostname r\n", "r.cfg")) is None
    assert checked(examine("hostname r\n", "r.cfg")) == ["r.cfg: every line is understood"]


@pytest.mark.parametrize("text", ['[router.a]\nconfig = "a.cfg"\n', "{}\n", "\x7fELF\n"])
def test_a_file_in_which_no_line_is_understood_is_no_configuration(text: str) -> None:
    with pytest.raises(ConfigErrors, match=r"^a\.toml: needs an IOS configuration: .* understood$"):
        load_file(text, "a.toml")


@pytest.mark.parametrize("text", ["", "!\n! nothing yet\n", "hostname r\nfrobnicate\n"])
def test_one_without_lines_or_with_one_that_is_understood_is(text: str) -> None:
    assert load_file(text, "a.cfg").filename == "a.cfg"
