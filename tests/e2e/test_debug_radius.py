"""`debug radius` in a router's log, beside what FreeRADIUS has got: the three transcripts of Cisco's guide, but for their values.

The session is one between two sites, so its Start has no user, group and assigned address, which the guide's has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.aaa.test_debug_radius import told, transcript
from tests.e2e.conftest import Lab
from tests.e2e.freeradius import FreeRadius, Packet
from tests.e2e.tools import wait_for

HUB = "ipsecf-3745b"
LINES = """\
logging buffered 200000 debugging
aaa new-model
aaa accounting network acc start-stop group radius
aaa accounting update periodic 1
radius-server vsa send accounting
crypto isakmp profile vrf1-1
 accounting acc
"""
DEBUG = ("debug radius accounting", "debug aaa accounting")


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreeRadius]:
    made = FreeRadius(tmp_path_factory.mktemp("freeradius"))
    made.start()
    yield made
    made.stop()


def shapes(lines: Sequence[str]) -> list[str]:
    """Lines without values: names of attributes, their numbers and order, names of pairs, and words stay."""
    shaped = []
    for line in told(lines):
        line = re.sub(r"authenticator( [0-9A-F]{2}){8} -( [0-9A-F]{2}){8}$", "authenticator", line)
        line = re.sub(r"^RADIUS\([0-9A-F]{8}\)", "RADIUS(n)", line)
        line = re.sub(r" id [\d/]+", " id n", line)
        line = re.sub(r", len \d+", ", len n", line)
        line = re.sub(r"\d+\.\d+\.\d+\.\d+(:\d+)?", "A", line)
        line = re.sub(r"\] \d+ ", "] n ", re.sub(r"\] \d+$", "] n", line))
        line = re.sub(r'"([a-z0-9-]+=)?[^"]*"$', r'"\1"', line)
        shaped.append(re.sub(r"(?<=\] n )\d+$", "n", line))
    return shaped


def of_guide(name: str) -> list[str]:
    return shapes(transcript(name))


def without(lines: Sequence[str], *what: str) -> list[str]:
    """Lines without those of some attributes; one of Cisco's takes the line of its vendor along."""
    kept: list[str] = []
    for line in lines:
        if not any(each in line for each in what):
            kept.append(line)
        elif "Cisco AVpair" in line:
            del kept[-1]
    return kept


def packets(log: str) -> list[list[str]]:
    """The lines of `debug radius` in a log, request by request with its response, without their stamps."""
    lines = [line.split(": ", 1)[1] for line in log.splitlines() if re.match(r"\*.*?: RADIUS[:(]", line)]
    begins = [at for at, line in enumerate(lines) if line.endswith(("Using existing nas_port 0", " sending"))]
    starts = [at for at in begins if not (at > 1 and lines[at - 1].startswith("RADIUS(") and "Config NAS IP" in lines[at - 1])]
    return [lines[at:end] for at, end in zip(starts, [*starts[1:], len(lines)], strict=True)]


def value(lines: Sequence[str], name: str) -> str:
    """The value of an attribute in the lines of a packet."""
    (line,) = (line for line in lines if line.startswith(f"RADIUS:  {name[:20]}"))
    return re.split(r"\] +\d+ +", line)[1].strip('"')


def shown(lab: Lab) -> str:
    return lab.cli("show", "logging", router=HUB).stdout


def agree(lines: Sequence[str], record: Packet) -> None:
    """What the router says that it has sent is what the server has got."""
    assert value(lines, "Acct-Session-Id") == record["Acct-Session-Id"]
    assert value(lines, "NAS-IP-Address") == record["NAS-IP-Address"]
    for name in ("Acct-Session-Time", "Acct-Input-Octets", "Acct-Output-Octets", "Acct-Input-Packets", "Acct-Output-Packets"):
        if name in record:
            assert value(lines, name) == record[name]


def test_the_three_transcripts(start_lab: Callable[..., Lab], server: FreeRadius) -> None:
    def edit(text: str) -> str:
        return text.replace("\nend", f"\n{LINES}exit\n{server.ios()}\nend")

    lab = start_lab({f"{HUB}.cfg": edit}, ["--speed", "15"])
    for line in DEBUG:
        assert "is on" in lab.cli(*line.split(), router=HUB).stdout
    lab.ping()
    server.await_records(1, "Interim-Update")
    assert lab.cli("clear", "crypto", "session", router=HUB).returncode == 0
    server.await_records(1, "Stop")
    records: dict[str, Packet] = {}
    for record in server.records():
        records.setdefault(record["Acct-Status-Type"], record)
    log = str(wait_for(lambda: "STOP protocol reply PASS" in (text := shown(lab)) and text, "the response to the Stop"))
    found = packets(log)
    start, update, stop = found[0], found[1], found[-1]
    agree(start, records["Start"])
    agree(update, records["Interim-Update"])
    agree(stop, records["Stop"])
    assert without(shapes(start), "isakmp-phase1-id") == without(
        of_guide("start"), "isakmp-group-id", "Framed-IP-Address", "User-Name"
    )
    assert without(shapes(update), "isakmp-phase1-id") == of_guide("update")
    true = {"RADIUS: Acct-Terminate-Cause [49] n none [0]": "RADIUS: Acct-Terminate-Cause [49] n admin-reset [6]"}
    assert without(shapes(stop), "isakmp-phase1-id") == [true.get(line, line) for line in of_guide("stop")]
