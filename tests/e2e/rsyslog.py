"""Debian's rsyslogd as an ordinary process: a receiver by UDP and TCP on loopback, on ports that the kernel gave."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.tools import free_port, wait_for

_CONFIGURATION = """\
global(workDirectory="{folder}" parser.escapeControlCharactersOnReceive="on")
module(load="imudp")
module(load="imtcp")
template(name="whole" type="string" string="%inputname% %rawmsg%\\n")
input(type="imudp" address="127.0.0.1" port="{udp}")
input(type="imtcp" address="127.0.0.1" port="{tcp}")
action(type="omfile" file="{output}" template="whole" asyncWriting="off" flushOnTXEnd="on")
"""


def free_tcp_port() -> int:
    """A TCP port that the kernel has free."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Rsyslog:
    """One rsyslogd. It can be stopped and started again at its ports; what it has received stays."""

    folder: Path
    udp: int = field(default_factory=free_port)
    tcp: int = field(default_factory=free_tcp_port)
    process: subprocess.Popen[str] | None = None

    @property
    def output(self) -> Path:
        return self.folder / "received.log"

    def start(self) -> None:
        configuration = self.folder / "rsyslog.conf"
        text = _CONFIGURATION.format(folder=self.folder, output=self.output, udp=self.udp, tcp=self.tcp)
        configuration.write_text(text)
        # A copy: Ubuntu's AppArmor keeps the installed program out of other folders than its own.
        program = shutil.copy(shutil.which("rsyslogd") or "/usr/sbin/rsyslogd", self.folder / "rsyslogd")
        self.process = subprocess.Popen(
            [program, "-n", "-f", str(configuration), "-i", str(self.folder / "rsyslog.pid")],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_for(lambda: _bound("udp", self.udp) and _bound("tcp", self.tcp), "rsyslogd to listen")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def lines(self, by: str) -> list[str]:
        """What came by "udp" or "tcp", as it was on the wire."""
        if not self.output.exists():
            return []
        received = self.output.read_text().splitlines()
        return [line.removeprefix(f"im{by} ") for line in received if line.startswith(f"im{by} ")]

    def await_line(self, by: str, text: str) -> str:
        """The first line with a text, once it has come."""
        wait_for(lambda: [line for line in self.lines(by) if text in line], f"{text!r} by {by}; there are {self.lines(by)}")
        return next(line for line in self.lines(by) if text in line)


def _bound(kind: str, port: int) -> bool:
    return any(line.split()[1].endswith(f":{port:04X}") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:])
