"""What FreeRADIUS is told when a router reloads, is killed, or ends in order, and when its accounting is configured at run time."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import AGENT, ROOT, Lab
from tests.e2e.freeradius import FreeRadius, Packet
from tests.e2e.tools import until_ready

HUB, FAR = "ipsecf-3745b", "ipsecf-3745a"
LINES = """
aaa new-model
aaa accounting network vpn start-stop group radius
aaa accounting system default start-stop group radius
crypto map vrf1-1 client accounting list vpn
{server}
end"""


def start_again(lab: Lab) -> None:
    """Run the lab again with its state directory."""
    command = [*AGENT, "run", str(lab.folder / "two-vrf-hub.toml"), "--state-dir", str(lab.folder / "state")]
    lab.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    lab.output.clear()
    until_ready(lab.process, lab.ports, lab.output)


def story(records: list[Packet]) -> list[tuple[str, ...]]:
    """Each record's kind, its session, and, of a Stop, its cause."""
    causes = [(record["Acct-Terminate-Cause"],) if "Acct-Terminate-Cause" in record else () for record in records]
    return [(record["Acct-Status-Type"], record["Acct-Session-Id"], *cause) for record, cause in zip(records, causes, strict=True)]


def test_every_session_has_its_stop_whatever_ends_the_router(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    """RFC 2866 §5.10: Admin-Reboot is the administrator's end of the service, NAS-Reboot a crash."""
    server = FreeRadius(tmp_path / "radius")
    server.start()
    try:
        lab = start_lab({f"{HUB}.cfg": lambda text: text.replace("\nend", LINES.format(server=server.ios()))})
        lab.ping()
        server.await_records(2)
        assert lab.cli(router=HUB, stdin="reload\n\n").returncode == 0
        server.await_records(5)
        lab.cli("clear", "crypto", "session", router=FAR)
        lab.ping()
        server.await_records(6)
        lab.process.kill()
        lab.process.wait()
        start_again(lab)
        server.await_records(8)
        lab.ping()
        server.await_records(9)
        lab.process.send_signal(signal.SIGTERM)
        assert lab.process.wait(30) == 0
        assert story(server.records()) == [
            ("Accounting-On", "00000000"),
            ("Start", "00000001"),
            ("Stop", "00000001", "Admin-Reboot"),
            ("Accounting-Off", "00000000"),
            ("Accounting-On", "00000000"),
            ("Start", "00000002"),
            ("Stop", "00000002", "NAS-Reboot"),
            ("Accounting-On", "00000000"),
            ("Start", "00000003"),
            ("Stop", "00000003", "Admin-Reboot"),
            ("Accounting-Off", "00000000"),
        ]
    finally:
        server.stop()


def test_accounting_is_configured_while_the_router_runs(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    """Sessions that come up afterwards are accounted for. A change of the period holds for those that are up."""
    server = FreeRadius(tmp_path / "radius")
    server.start()
    try:
        lab = start_lab(options=["--speed", "60"])
        lab.ping("10.22.2.1", "10.20.2.1")  # before, and of the other VRF
        lines = LINES.format(server=server.ios()).removesuffix("end").splitlines()
        assert lab.cli(router=HUB, stdin="\n".join(["configure terminal", *lines, "end", ""])).returncode == 0
        lab.ping()
        server.await_records(1, "Start")
        periodic = ["configure terminal", "aaa accounting update periodic 2", "end", ""]
        assert lab.cli(router=HUB, stdin="\n".join(periodic)).returncode == 0
        interims = server.await_records(2, "Interim-Update")
        first, second = (int(record["Acct-Session-Time"]) for record in interims[:2])
        assert second > first >= 120
        assert lab.cli("clear", "crypto", "session", router=HUB).returncode == 0
        (stop,) = server.await_records(1, "Stop")
        assert (stop["Acct-Terminate-Cause"], stop["Acct-Session-Id"]) == ("Admin-Reset", "00000001")
        assert server.summary() == {"Start": 1, "Interim-Update": len(server.await_records(2, "Interim-Update")), "Stop": 1}
    finally:
        server.stop()
