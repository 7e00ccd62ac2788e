"""Ten thousand sessions of a hub, for an hour of its clock: each has one Start and one Stop at the server, rekeys have none."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from pathlib import Path

from tests.aaa.accounting.server import SECRET, AccountingServer
from tests.e2e.tools import AGENT, ROOT, run_tool

SPOKES = 10_000
HUB, SPOKE = (ROOT / "examples" / f"hub-100k{end}.cfg" for end in ("", "-spoke"))
ACCOUNTING = """\
aaa new-model
aaa accounting network billing start-stop group radius
aaa accounting update periodic 45
radius-server host 127.0.0.1 auth-port 0 acct-port {port} key {secret}
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


async def an_hour(folder: Path) -> tuple[AccountingServer, list[int]]:
    """Run the hub to the end of its hour. Returns the server with what it has got, and how often tunnels were rekeyed."""
    server = AccountingServer(asyncio.get_running_loop().time)
    lines = ACCOUNTING.format(port=server.port, secret=SECRET.decode())
    (folder / "hub.cfg").write_text(HUB.read_text().replace("!\nend\n", f"{lines}!\nend\n"))
    (folder / "spoke.cfg").write_text(SPOKE.read_text())
    (folder / "lab.toml").write_text(LAB)
    process = await asyncio.create_subprocess_exec(
        *AGENT, "run", str(folder / "lab.toml"), "--state-dir", str(folder / "state"), "--clock", "virtual", "--until", "60m",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    port = ""
    while (line := (await process.stdout.readline()).decode().strip()) != "ready":
        assert line, "the lab does not start"
        if found := re.search(r"SNMP at 127\.0\.0\.1:(\d+)", line):
            port = found[1]
    told = run_tool("snmpbulkwalk", "-OQv", "-v2c", "-c", "public", f"127.0.0.1:{port}", "cipSecTunHistTotalRefreshes")
    process.terminate()
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    server.close()
    return server, [int(number) for number in re.findall(r"^(\d+)", told, re.MULTILINE)]


def test_each_of_ten_thousand_sessions_has_one_start_and_one_stop_in_order(tmp_path: Path) -> None:
    server, rekeys = asyncio.run(an_hour(tmp_path))
    order: dict[str, list[str]] = defaultdict(list)
    for got in server.first():
        order[got.session].append(got.status)
    assert Counter(map(tuple, order.values())) == {("START", "INTERIM", "STOP"): SPOKES}
    assert set(order) == {f"{number:08X}" for number in range(1, SPOKES + 1)}
    assert rekeys
    assert min(rekeys) >= 2
