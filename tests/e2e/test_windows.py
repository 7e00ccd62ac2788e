"""The history window, sized from the CLI and by SNMP (acceptance d)."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.conftest import Lab, run_tool
from tests.e2e.polls import walk


def sizes(lab: Lab) -> dict[str, int]:
    return {
        community: int(run_tool("snmpget", "-v2c", "-c", community, "-OQv", lab.hub, "cipSecHistTableSize.0"))
        for community in ("abc1", "abc2", "global1")
    }


def test_the_cli_sizes_every_context_and_a_set_its_own(lab: Lab) -> None:
    assert sizes(lab) == {"abc1": 200, "abc2": 200, "global1": 200}
    done = lab.cli(stdin="configure terminal\ncrypto mib ipsec flowmib history tunnel size 130\nend\n")
    assert done.returncode == 0
    assert sizes(lab) == {"abc1": 130, "abc2": 130, "global1": 130}
    shown = lab.cli("show", "crypto", "mib", "ipsec", "flowmib", "history", "tunnel", "size")
    assert shown.stdout == "IPSec History Window Size: 130\n"
    assert "crypto mib ipsec flowmib history tunnel size 130" in lab.cli("show", "running-config").stdout

    run_tool("snmpset", "-v2c", "-c", "abc1", lab.hub, "cipSecHistTableSize.0", "i", "131")
    assert sizes(lab) == {"abc1": 131, "abc2": 130, "global1": 130}
    shown = lab.cli("show", "crypto", "mib", "ipsec", "flowmib", "history", "tunnel", "size")
    assert shown.stdout == "IPSec History Window Size: 130\n"
    assert "131" not in lab.cli("show", "running-config").stdout


def test_of_140_tunnels_that_ended_the_last_130_are_left(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab(options=["--speed", "50"])  # each ping waits two seconds of the lab's time for its lost packet
    lines = ["configure terminal", "crypto mib ipsec flowmib history tunnel size 130", "end"]
    assert lab.cli(stdin="\n".join([*lines, ""])).returncode == 0
    turns = ["ping 10.22.1.1 source 10.20.1.1 repeat 1", "clear crypto session"] * 140
    done = lab.cli(router="ipsecf-3745a", stdin="\n".join([*turns, ""]))
    assert done.returncode == 0
    history = walk("snmpbulkwalk", "-v2c", "-c", "abc1", lab.hub, root="cipSecTunnelHistTable")
    for column in ("cipSecTunHistActiveIndex", "cipSecTunHistTermReason"):
        rows = [(name, value) for name, value in history if name.startswith(column + ".")]
        assert [name for name, _ in rows] == [f"{column}.{index}" for index in range(11, 141)]
    assert [value for name, value in history if name.startswith("cipSecTunHistActiveIndex.")] == list(range(11, 141))
