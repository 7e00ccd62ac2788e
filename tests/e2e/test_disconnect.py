"""radclient of FreeRADIUS has a router end its sessions (RFC 5176)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

from tests.e2e.conftest import Lab, run_tool, wait_for

HUB = "ipsecf-3745b"
KEY = "disconnect-me"
LINES = f"""
aaa new-model
aaa server radius dynamic-author
 client 127.0.0.1 server-key {KEY}
end"""


SILENCE = "No reply from server"


def radclient(port: int, kind: str, *attributes: str, key: str = KEY, patience: int = 10) -> str:
    """What radclient prints about one request ("disconnect" or "coa"), which it sends once."""
    done = subprocess.run(
        ["radclient", "-x", "-r", "1", "-t", str(patience), f"127.0.0.1:{port}", kind, key],
        input=", ".join(attributes),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def remotes(lab: Lab) -> list[str]:
    """The peers of the IPsec tunnels of both VRFs."""
    found = []
    for community in ("abc1", "abc2"):
        walked = run_tool("snmpwalk", "-OQv", "-v2c", "-c", community, lab.hub, "1.3.6.1.4.1.9.9.171.1.2.3.1.7", check=False)
        found += re.findall(r"010\.001\.00\d\.00\d", walked)
    return found


def configure(lab: Lab, *lines: str) -> None:
    done = lab.cli(router=HUB, stdin="\n".join(["configure terminal", *lines, "end", ""]))
    assert done.returncode == 0, done.stdout + done.stderr


def test_radclient_ends_sessions_and_is_told_what_it_cannot_have(start_lab: Callable[..., Lab]) -> None:
    """The guide's hub, with a session in each VRF."""
    edits = {
        f"{HUB}.cfg": lambda text: text.replace("\nend", LINES),
        "two-vrf-hub.toml": lambda text: text.replace(f"[router.{HUB}]", f'[router.{HUB}]\ndynamic_author = ["127.0.0.1:0"]'),
    }
    lab = start_lab(edits)
    (line,) = [line for line in lab.output if line.startswith(f"{HUB}: dynamic authorisation at 127.0.0.1:")]
    port = int(line.rpartition(":")[2])
    lab.ping()
    lab.ping("10.22.2.1", "10.20.2.1")
    assert remotes(lab) == ["010.001.001.001", "010.001.002.001"]
    some_requests_are_refused(lab, port)
    one_session_ends(lab, port)
    the_lines_come_and_go(lab, port)
    the_router_restarts(lab, port)


def some_requests_are_refused(lab: Lab, port: int) -> None:
    one = "Calling-Station-Id = 10.1.1.1"
    assert "Error-Cause = Session-Context-Not-Found" in radclient(port, "disconnect", "Calling-Station-Id = 10.1.9.1")
    assert "Error-Cause = Unsupported-Extension" in radclient(port, "coa", one)
    assert "Error-Cause = NAS-Identification-Mismatch" in radclient(port, "disconnect", one, "NAS-IP-Address = 192.0.2.1")
    assert SILENCE in radclient(port, "disconnect", one, key="guess", patience=1)
    assert len(remotes(lab)) == 2


def one_session_ends(lab: Lab, port: int) -> None:
    who = ("Calling-Station-Id = 10.1.1.1", "NAS-Identifier = ipsecf-3745b", "Message-Authenticator = 0x00")
    said = radclient(port, "disconnect", *who)
    assert "Received Disconnect-ACK" in said
    assert "Acct-Terminate-Cause = Admin-Reset" in said
    assert remotes(lab) == ["010.001.002.001"]
    lab.ping()  # the far router has got the deletes
    assert len(remotes(lab)) == 2


def the_lines_come_and_go(lab: Lab, port: int) -> None:
    vrf1 = 'Cisco-AVPair = "vrf-id=vrf1"'
    configure(lab, "no aaa server radius dynamic-author")
    assert SILENCE in radclient(port, "disconnect", vrf1, patience=1)
    configure(lab, "aaa server radius dynamic-author", "client 127.0.0.1", "server-key other")
    assert "Received Disconnect-ACK" in radclient(port, "disconnect", vrf1, key="other")
    assert remotes(lab) == ["010.001.002.001"]


def the_router_restarts(lab: Lab, port: int) -> None:
    """It listens where it did, with the key of its startup configuration."""
    assert lab.cli(router=HUB, stdin="reload\nno\n\n").returncode == 0
    wait_for(lambda: "Missing-Attribute" in radclient(port, "disconnect", "NAS-Identifier = ipsecf-3745b", patience=1), "a reply")
