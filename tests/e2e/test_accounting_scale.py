"""Ten thousand sessions of a hub, for an hour of its clock: each has one Start and one Stop at FreeRADIUS, rekeys have none."""

from __future__ import annotations

import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

from tests.e2e.freeradius import FreeRadius
from tests.e2e.tools import AGENT, ROOT, run_tool, until_ready

SPOKES = 10_000
HUB, SPOKE = (ROOT / "examples" / f"hub-100k{end}.cfg" for end in ("", "-spoke"))
ACCOUNTING = """\
aaa new-model
aaa accounting network billing start-stop group radius
aaa accounting update periodic 45
radius-server timeout 60
{server}
crypto map outside client accounting list billing
crypto ipsec security-association lifetime seconds 1500
"""
LAB = f"""\
[router.hub]
config = "hub.cfg"
snmp = ["127.0.0.1:0"]
[[host]]
address = "10.0.0.10"
behind = "hub:GigabitEthernet0/1"
[[spokes]]
hub = "hub:GigabitEthernet0/0"
config = "spoke.cfg"
count = {SPOKES}
address = {{ first = "10.64.0.1" }}
inside = {{ first = "10.128.0.1", step = 4 }}
start = "1s"
over = "30s"
traffic = {{ destination = "10.0.0.10", period = "10s", size = 200 }}
[[at]]
time = "60m"
router = "hub"
run = "clear crypto session"
"""


COUNTED = {
    "cipSecGlobalInPkts": "Acct-Input-Packets",
    "cipSecGlobalOutPkts": "Acct-Output-Packets",
    "cipSecGlobalHcOutOctets": "Acct-Output-Octets",  # whole packets on the wire in both; Hc has no wraps
}


def an_hour(folder: Path, server: FreeRadius) -> tuple[list[int], list[int]]:
    """Run the hub to the end of its hour. Returns how often tunnels were rekeyed, and what all sessions have carried (COUNTED)."""
    (folder / "hub.cfg").write_text(HUB.read_text().replace("!\nend\n", f"{ACCOUNTING.format(server=server.ios())}!\nend\n"))
    (folder / "spoke.cfg").write_text(SPOKE.read_text())
    (folder / "lab.toml").write_text(LAB)
    command = [
        *AGENT,
        "run",
        str(folder / "lab.toml"),
        "--state-dir",
        str(folder / "state"),
        "--clock",
        "virtual",
        "--until",
        "60m",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        ports: dict[str, int] = {}
        until_ready(process, ports, [])
        told = run_tool("snmpbulkwalk", "-OQv", "-v2c", "-c", "public", f"127.0.0.1:{ports['hub']}", "cipSecTunHistTotalRefreshes")
        names = [f"{name}.0" for name in COUNTED]
        sums = run_tool("snmpget", "-OQv", "-v2c", "-c", "public", f"127.0.0.1:{ports['hub']}", *names)
        process.terminate()
        assert process.wait(60) == 0
    return [int(number) for number in re.findall(r"^(\d+)", told, re.MULTILINE)], [
        int(line.split()[0]) for line in sums.splitlines()
    ]


def test_each_of_ten_thousand_sessions_has_one_start_and_one_stop_in_order(tmp_path: Path) -> None:
    server = FreeRadius(tmp_path / "radius")
    server.start()
    try:
        rekeys, sums = an_hour(tmp_path, server)
        records = server.records()
    finally:
        server.kill()
    order: dict[str, list[str]] = defaultdict(list)
    for record in records:
        order[record["Acct-Session-Id"]].append(record["Acct-Status-Type"])
    assert Counter(map(tuple, order.values())) == {("Start", "Interim-Update", "Stop"): SPOKES}
    assert set(order) == {f"{number:08X}" for number in range(1, SPOKES + 1)}
    stops = [record for record in records if record["Acct-Status-Type"] == "Stop"]
    assert [sum(int(stop[name]) for stop in stops) for name in COUNTED.values()] == sums
    assert all(sums)
    assert {stop["Acct-Output-Gigawords"] for stop in stops} == {"0"}
    assert rekeys
    assert min(rekeys) >= 2
