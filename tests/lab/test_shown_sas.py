"""`show crypto ipsec sa`, `show crypto map` and defaults of routers that negotiate and seal packets for real."""

from __future__ import annotations

import pytest

from agent.flow.model import IpsecFailureReason
from tests.lab.conftest import LINK, MakePair, only, ping
from tests.lab.test_nat_traversal import behind_a_nat
from tests.shell.on_lab import typed


def lines_with(shown: str, word: str) -> list[str]:
    return [line.strip() for line in shown.splitlines() if word in line]


def test_counters_are_the_packets_that_went_both_ways(make_pair: MakePair) -> None:
    """The first of five pings brings the tunnel up and is lost: IOS counts it as a send error."""
    lab = make_pair(transforms="ah-sha-hmac esp-des esp-sha-hmac")
    assert ping(lab, repeat=5) == 4
    shown = typed(lab.east, "show crypto ipsec sa")
    assert lines_with(shown, "#pkts encaps") == ["#pkts encaps: 4, #pkts encrypt: 4, #pkts digest: 4"]
    assert lines_with(shown, "#pkts decaps") == ["#pkts decaps: 4, #pkts decrypt: 4, #pkts verify: 4"]
    assert lines_with(shown, "errors") == ["#send errors 1, #recv errors 0"]
    assert lines_with(shown, "transform:") == ["transform: esp-des esp-sha-hmac ,", "transform: ah-sha-hmac ,"] * 2
    assert lines_with(shown, "IV size") == ["IV size: 8 bytes"] * 2
    assert lines_with(typed(lab.west, "show crypto ipsec sa"), "errors") == ["#send errors 0, #recv errors 0"]
    esp_out = next(spi.value for spi in only(lab.flow("east").ipsec_tunnels).spis if spi.protocol == "esp" and not spi.inbound)
    assert lines_with(shown, "current outbound spi") == [f"current outbound spi: 0x{esp_out:X}({esp_out})"]


def test_replayed_packets_are_receive_errors(make_pair: MakePair) -> None:
    lab = make_pair(link=f"{LINK}duplicate = 1.0\n")
    assert ping(lab, repeat=3) >= 2
    replayed = lab.ipsec("west", "IN_REPLAY_DROPS")
    assert replayed
    shown = typed(lab.west, "show crypto ipsec sa", "show crypto ipsec sa detail")
    assert lines_with(shown, "#recv errors") == [f"#send errors 0, #recv errors {replayed}"]
    assert lines_with(shown, "replay failed") == [f"##pkts replay failed (rcv): {replayed}"]


def test_a_rekey_shows_both_pairs_of_sas_until_the_old_one_is_gone(make_pair: MakePair) -> None:
    lab = make_pair(lines="crypto ipsec security-association lifetime seconds 120")
    ping(lab)
    lab.wait(112)
    count = typed(lab.east, "show crypto ipsec sa count")
    assert count == "IPsec SA total: 4, active: 2, rekeying: 2, unused: 0, invalid: 0\n"
    assert len(lines_with(typed(lab.east, "show crypto ipsec sa"), " spi: 0x")) == 5  # the current one is named as well
    lab.wait(60)
    assert "total: 2, active: 2, rekeying: 0" in typed(lab.east, "show crypto ipsec sa count")


def test_past_a_nat_esp_goes_in_udp() -> None:
    lab, _ = behind_a_nat()
    assert ping(lab) == 1
    for node in lab.lab.routers.values():
        shown = typed(node, "show crypto ipsec sa")
        assert lines_with(shown, "in use settings") == ["in use settings ={Tunnel UDP-Encaps, }"] * 2
        assert lines_with(shown, "current_peer")[0].endswith(f"port {node.monitor.ipsec_tunnels[1].peer.ends.remote_port}")


def test_a_default_transform_set_that_is_turned_off_is_used_no_more(make_pair: MakePair) -> None:
    """It takes effect at once: the flow cannot be negotiated from then on, and no set is shown."""
    lab = make_pair(lines="crypto map outside 10\n no set transform-set ours")
    assert ping(lab) == 1
    for name in ("east", "west"):
        lab.configure(name, "no crypto ipsec default transform-set")
        assert typed(getattr(lab, name), "show crypto ipsec default transform-set") == ""
        assert lines_with(typed(getattr(lab, name), "show crypto map"), "{ esp") == []
    lab.configure("east", "interface FastEthernet0/0", "no crypto map", "crypto map outside")
    assert ping(lab, repeat=3) == 0
    lab.configure("east", "crypto ipsec default transform-set")
    lab.configure("west", "default crypto ipsec default transform-set")
    assert ping(lab, repeat=3) == 2


def test_a_peer_without_default_transform_sets_refuses_them(make_pair: MakePair) -> None:
    lab = make_pair(east={"lines": "crypto map outside 10\n no set transform-set ours"})
    assert ping(lab) == 0
    assert IpsecFailureReason.PROPOSAL in {row.reason for row in lab.flow("west").ipsec_failures.values()}


@pytest.mark.parametrize("line", ["no crypto isakmp default policy", "crypto isakmp policy 7"])
def test_default_policies_that_are_not_in_force_are_used_no_more(make_pair: MakePair, line: str) -> None:
    """Without a policy in common (7 is DES with a certificate) there is no phase 1."""
    lab = make_pair(lines="no crypto isakmp policy 10")
    assert ping(lab) == 1
    lab.configure("west", line)
    assert "priority 65507" not in typed(lab.west, "show crypto isakmp default policy", "show crypto isakmp policy")
    lab.configure("east", "interface FastEthernet0/0", "shutdown", "no shutdown")
    lab.router("east").ike.lose_everything()
    assert ping(lab) == 0


def test_an_ipsec_profile_without_a_set_uses_the_default_ones(make_pair: MakePair) -> None:
    """GRE is a flow between the two peers, and the default sets have transport mode."""
    tunnel = (
        "crypto ipsec profile plain\ninterface Tunnel0\n ip address 10.5.0.{me} 255.255.255.0\n tunnel source FastEthernet0/0\n"
        " tunnel destination 192.0.2.{peer}\n tunnel protection ipsec profile plain"
    )
    lab = make_pair(lines=tunnel)
    assert lab.ping("east", "10.5.0.2", repeat=3) == 2
    facts = only(lab.flow("west").ipsec_tunnels).facts
    assert (facts.transform_set, facts.transport, facts.map_name) == ("#!default_transform_set_1", True, "Tunnel0-head-0")
    shown = typed(lab.west, "show crypto ipsec sa interface Tunnel0", "show crypto ipsec profile")
    assert lines_with(shown, "in use settings") == ["in use settings ={Transport, }"] * 2
    assert lines_with(shown, "idb") == ["plaintext mtu 1458, path mtu 1500, ip mtu 1500, ip mtu idb FastEthernet0/0"]
    assert len(lines_with(shown, "#!default_transform_set")) == 2
