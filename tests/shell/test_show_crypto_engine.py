"""`show crypto engine …`, `show crypto eli` and `show crypto ruleset`, with the numbers of a router's monitor."""

from __future__ import annotations

from agent.engine.values import CryptoEngine
from agent.flow.model import EndReason
from tests.shell.fakes import Console
from tests.shell.test_show_ipsec import DYNAMIC, STATIC, dynamic_tunnel


def test_the_crypto_engine_is_one_in_software() -> None:
    console = Console()
    assert console.type("show crypto engine brief") == (
        "      crypto engine name:  Software Crypto Engine\n"
        "      crypto engine type:  software\n"
        "     crypto engine state:  installed\n"
        "   crypto engine in slot:  N/A\n"
    )
    assert console.type("show crypto engine configuration").splitlines()[4:] == [
        "                platform:  ipsec-agent 9.9",
        "      crypto lib version:  9.9",
    ]
    console.engine.crypto = CryptoEngine(working=False)
    assert "     crypto engine state:  failed\n" in console.type("show crypto engine brief")


def test_eli_counts_what_there_is_and_what_came_up() -> None:
    console = Console(f"{DYNAMIC}crypto call admission limit ike sa 500\ncrypto call admission limit ipsec sa 1000\n")
    dynamic_tunnel(console)
    dynamic_tunnel(console, 230)
    assert console.type("show crypto eli") == (
        "Hardware Encryption : INACTIVE\n"
        " Number of hardware crypto engines = 0\n"
        "\n"
        " CryptoEngine Software Crypto Engine details: state = Active\n"
        " Capability    : DES, 3DES, AES\n"
        "\n"
        " IKE-Session   :     2 active,   500 max, 0 failed\n"
        " IPSec-Session :     2 active,   500 max, 0 failed\n"
        "\n"
    )
    xe = Console(DYNAMIC.replace("12.4", "16.9"))
    tunnel = dynamic_tunnel(xe)
    xe.router.monitor.ipsec_ended(tunnel, EndReason.NORMAL)
    assert " IPSec-Session :     0 active, 2147483647 max, 0 failed, 1 created\n" in xe.type("show crypto eli")


def test_accelerator_statistics_are_the_sums_of_every_vrf() -> None:
    console = Console(DYNAMIC)
    dynamic_tunnel(console)
    dynamic_tunnel(console, 230)
    console.clock.time = 90_000_000
    assert console.type("show crypto engine accelerator statistic") == (
        "Device:   Software Crypto Engine\n"
        "Location: Onboard: 0\n"
        "        :Statistics for encryption device since the last clear\n"
        "         of counters 90 seconds ago\n"
        "                    6 packets in                       8 packets out\n"
        "                    0 bytes in                         0 bytes out\n"
        "                    6 packets decrypted                8 packets encrypted\n"
        "                    0 bytes before decrypt           800 bytes encrypted\n"
        "                    0 bytes decrypted                  0 bytes after encrypt\n"
        "        Errors:\n"
        "           auth failures :         2   sign failures           :         0\n"
        "        decrypt failures :         0   encrypt failures        :         0\n"
        "            replay drops :        10   output drops            :         2\n"
    )


def test_a_ruleset_is_the_lines_of_access_lists_and_of_sas() -> None:
    config = STATIC.replace(
        "access-list 101 permit ip host",
        "access-list 101 deny ospf any any\naccess-list 101 deny udp any eq 848 any eq 848\naccess-list 101 permit ip host",
    )
    console = Console(config.replace("testmap 10", "testmap 1"))
    assert console.type("show crypto ruleset") == (
        "FastEthernet1/2:\n 59 ANY ANY DENY\n 11 ANY/848 ANY/848 DENY\n IP 209.165.200.227 209.165.200.226 IPSec Cryptomap\n"
    )
    assert console.type("show crypto ruleset detail") == (
        "FastEthernet1/2:\n"
        " 20000001000019 59 ANY ANY DENY -> 20000001999999\n"
        " 20000001000029 11 ANY/848 ANY/848 DENY -> 20000001999999\n"
        " 20000001000039 IP 209.165.200.227 209.165.200.226 IPSec Cryptomap\n"
    )
    dynamic = Console(DYNAMIC)
    dynamic_tunnel(dynamic)
    assert dynamic.type("show crypto ruleset detail") == (
        "GigabitEthernet0/1:\n"
        " 20000010000015 IP 209.165.200.226 209.165.200.227 IPSec SA\n"
        " 20000010000029 IP ANY ANY IPSec Cryptomap\n"
    )


def test_rules_of_two_templates_have_numbers_of_their_own_and_a_mask_with_gaps_is_written_out() -> None:
    config = DYNAMIC + (
        "access-list 150 permit ip 10.0.0.0 0.0.255.0 10.9.0.0 0.0.0.255\ncrypto dynamic-map dyn_testmap 5\n match address 150\n"
    )
    assert Console(config).type("show crypto ruleset detail") == (
        "GigabitEthernet0/1:\n"
        " 20000010000019 IP 10.0.0.0/255.255.0.255 10.9.0.0/24 IPSec Cryptomap\n"
        " 20000010000029 IP ANY ANY IPSec Cryptomap\n"
    )
