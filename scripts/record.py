"""Makes docs/recording.svg: a terminal with the lab of `make run`, a ping, the traps that it causes, and its numbers by SNMP.

    python scripts/record.py            # runs the commands, and writes the file
    python scripts/record.py --check    # runs the commands, and fails unless the file shows what they print

The lab, the managers and the trap receiver are real. They run in a temporary directory, on ports that the kernel has free; the
recording shows the ports of the example in their place. Each line appears a fixed time after the one before it, so the file depends
on nothing but the output.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs" / "recording.svg"
LAB = ("two-vrf-hub.toml", "ipsecf-3745a.cfg", "ipsecf-3745b.cfg")
PATIENCE = 120.0  # seconds: the first start compiles the MIB modules

RUN = "make run"
RECEIVE = r"snmptrapd -f -Lo -C -c /dev/null --disableAuthorization=yes -OQs -F '%V, %v\n' udp:127.0.0.1:2001 &"
PING = "ipsec-agent cli --router ipsecf-3745a ping 10.22.1.1 source 10.20.1.1 repeat 5"
POLLS = (
    "snmpget -OQs -v2c -c abc1 127.0.0.1:1161 cipSecGlobalInOctets.0 cipSecGlobalOutOctets.0",
    "snmpget -OQs -v2c -c abc2 127.0.0.1:1161 cipSecGlobalInOctets.0 cipSecGlobalOutOctets.0",
)
SHOWN_PORTS = (1161, 1162, 2001)
TRAPS = 2  # an IKE tunnel and an IPsec tunnel start
DIFFERS = re.compile(r"(?<=min/avg/max = )[0-9/]+|(?<=sysUpTime\.0 = )[0-9:.]+")  # numbers that are others in each run

COLUMNS = 116
CHARACTER, LINE, MARGIN = 8.1, 19, 16  # sizes in the drawing
AFTER_COMMAND, AFTER_LINE = 1.2, 0.12  # seconds until the next line appears
STYLE = """
  rect { fill: #14191f; }
  text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre; }
  .command { fill: #7ee787; font-weight: bold; }
  .remark { fill: #8b949e; }
  .trap { fill: #ffa657; }
  text { animation: appear 0.01s linear backwards; }
  @keyframes appear { from { opacity: 0; } to { opacity: 1; } }
  @media (prefers-reduced-motion: reduce) { text { animation: none; } }
"""

Line = tuple[str, str]  # "command", "remark", "trap" or "" (what a command prints), and the text


def record() -> list[Line]:
    """Run the commands, and give the lines that a terminal shows."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = _Recorder(Path(folder))
        with recorder.lab(), recorder.receiver() as next_trap:
            recorder.show("command", f"$ {PING}")
            recorder.show("", recorder.run(PING))
            for _ in range(TRAPS):
                recorder.show("trap", next_trap())
            for command in POLLS:
                recorder.show("command", f"$ {command}")
                recorder.show("", recorder.run(command))
        return recorder.lines


class _Recorder:
    def __init__(self, folder: Path) -> None:
        self.lines: list[Line] = []
        self._folder = folder
        self._ports = {str(shown): str(_free_port()) for shown in SHOWN_PORTS}
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin"]),
            "XDG_STATE_HOME": str(folder / "state"),
            "MIBDIRS": str(ROOT / "mibs"),
            "MIBS": "ALL",
            "SNMPCONFPATH": "/nonexistent",
            "SNMP_PERSISTENT_DIR": str(folder / "snmp"),
        }

    def show(self, kind: str, text: str) -> None:
        """Put a text on the terminal, with the ports of the example."""
        for shown, real in self._ports.items():
            text = re.sub(rf"\b{real}\b", shown, text)
        for line in text.rstrip("\n").split("\n"):
            rows = textwrap.wrap(line, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)
            self.lines += [(kind, row) for row in rows or [""]]

    def run(self, command: str) -> str:
        """Run a command to its end."""
        done = subprocess.run(
            ["bash", "-c", self._real(command)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, env=self._environment,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{command}: {done.stderr or done.stdout}")
        return done.stdout

    @contextmanager
    def lab(self) -> Iterator[None]:
        """The lab of `make run`, from its start on."""
        for name in LAB:
            (self._folder / name).write_text(self._real((ROOT / "examples" / name).read_text()))
        with self._started(["ipsec-agent", "run", LAB[0]]) as next_line:
            self.show("command", f"$ {RUN}")
            line = ""
            while line != "ready":
                line = next_line()
                self.show("", line)
            self.show("remark", "# in a second terminal")
            yield

    @contextmanager
    def receiver(self) -> Iterator[Callable[[], str]]:
        """snmptrapd, which listens; gives the function that waits for its next trap."""
        command = ["bash", "-c", "exec " + self._real(RECEIVE.removesuffix("&"))]
        with self._started(command) as next_line:
            self.show("command", f"$ {RECEIVE}")
            _wait_for_port(int(self._ports["2001"]))
            while not next_line().startswith("NET-SNMP version"):
                pass
            yield next_line

    @contextmanager
    def _started(self, command: list[str]) -> Iterator[Callable[[], str]]:
        """A program, until it is no longer needed; gives the function that waits for the next line of its output."""
        program = shutil.which(command[0], path=self._environment["PATH"])
        if program is None:
            raise SystemExit(f"{command[0]} is not there")
        process = subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self._folder, env=self._environment,
        )  # fmt: skip
        assert process.stdout is not None
        output = process.stdout

        def next_line() -> str:
            timer = threading.Timer(PATIENCE, process.kill)
            timer.start()
            line: str = output.readline()
            timer.cancel()
            if not line:
                raise SystemExit(f"{shutil.which(command[0])}: ended, or said nothing for {PATIENCE:.0f} s")
            return line.rstrip("\n")

        try:
            yield next_line
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def _real(self, text: str) -> str:
        """A text of the example with the ports that are used here."""
        return re.sub(r"\b(?:1161|1162|2001)\b", lambda port: self._ports[port[0]], text)


def _free_port() -> int:
    """A UDP port that the kernel has free."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int) -> None:
    """Wait until some program listens on a UDP port."""
    deadline = time.monotonic() + PATIENCE
    while not any(line.split()[1].endswith(f":{port:04X}") for line in Path("/proc/net/udp").read_text().splitlines()[1:]):
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing listens on UDP port {port}")
        time.sleep(0.02)


def draw(lines: list[Line]) -> str:
    """The lines as an SVG image. A viewer that does not animate shows all of them."""
    width, height = round(COLUMNS * CHARACTER) + 2 * MARGIN, len(lines) * LINE + 2 * MARGIN
    size = f'width="{width}" height="{height}"'
    drawn, moment = [], 0.5
    for number, (kind, text) in enumerate(lines):
        chosen = f' class="{kind}"' if kind else ""
        place = f'x="{MARGIN}" y="{MARGIN + LINE * number + 14}" style="animation-delay: {moment:.2f}s"'
        drawn.append(f"<text{chosen} {place}>{escape(text)}</text>")
        last_of_command = kind == "command" and (number + 1 == len(lines) or lines[number + 1][0] != "command")
        moment += AFTER_COMMAND if last_of_command or kind == "remark" else AFTER_LINE
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {size} role="img">',
        "<!-- made by scripts/record.py: change that, and run it -->",
        "<title>make run, a ping through a tunnel, the traps that it causes, and the tunnel's numbers by snmpget</title>",
        f"<style>{STYLE}</style>",
        f'<rect {size} rx="8"/>',
        *drawn,
        "</svg>\n",
    ])  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Record the lab of make run, polled and pinged, as an SVG image.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail unless the file shows what the commands print")
    options = parser.parse_args()
    drawn = draw(record())
    if not options.check:
        FILE.write_text(drawn)
    elif DIFFERS.sub("", drawn) != DIFFERS.sub("", FILE.read_text()):
        print(f"{FILE} is not what the commands print: make recording", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
