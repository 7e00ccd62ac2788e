"""Debian's FreeRADIUS as an ordinary process: a server for log-ins, groups and accounting, on loopback ports that the kernel gave.

    server = FreeRadius(folder, users=[RadiusUser("alice", "secret", reply=("Framed-IP-Address = 10.3.0.7",))])
    server.start()
    …                                             # a router with the lines of `server.ios()`
    start, stop = server.await_records(2)         # as its detail file has them
    assert start["Acct-Status-Type"] == "Start"
    server.stop()

It can be stopped, or killed, and started again at its ports, with other settings; what it has received stays. `server.accesses()`
are the Access-Requests that it has got. A test in a network namespace gives that namespace.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.strongswan import Namespace
from tests.e2e.tools import free_port, wait_for

SECRET = "cisco123"
READY = "Ready to process requests"

# The challenge of a user, and the right answer to it, are attributes of our own: FreeRADIUS leaves 3000 to 3999 to its users.
_DICTIONARY = """\
ATTRIBUTE Challenge-Text 3000 string
ATTRIBUTE Challenge-Answer 3001 string
"""

_CONFIGURATION = """\
prefix = /usr
libdir = /usr/lib/freeradius
logdir = {folder}
raddbdir = {folder}
run_dir = {folder}
pidfile = {folder}/freeradius.pid
max_requests = 65536
proxy_requests = no
log {{
    destination = files
    file = {folder}/radius.log
    auth = yes
}}
security {{
    reject_delay = 0
    status_server = no
}}
thread pool {{
    start_servers = 1
    max_servers = 4
    min_spare_servers = 1
    max_spare_servers = 2
}}
client ipv4 {{
    ipv4addr = 0.0.0.0/0
    secret = "{secret}"
    require_message_authenticator = yes
}}
client ipv6 {{
    ipv6addr = ::/0
    secret = "{secret}"
    require_message_authenticator = yes
}}
modules {{
    pap {{
    }}
    chap {{
    }}
    files {{
        filename = {folder}/users
    }}
    detail accounting_detail {{
        filename = {folder}/accounting.detail
        permissions = 0600
    }}
    detail access_detail {{
        filename = {folder}/access.detail
        permissions = 0600
    }}
    always reject {{
        rcode = reject
    }}
    always handled {{
        rcode = handled
    }}
    always ok {{
        rcode = ok
    }}
}}
server all {{
    {listeners}
    authorize {{
        access_detail
        {access_answers}
        files
        chap
        pap
        if (&State) {{
            update control {{
                Auth-Type := Answered
            }}
        }}
        elsif (&control:Challenge-Text) {{
            update control {{
                Auth-Type := Asked
            }}
        }}
    }}
    authenticate {{
        Auth-Type PAP {{
            pap
        }}
        Auth-Type CHAP {{
            chap
        }}
        Auth-Type Asked {{
            if (&CHAP-Password) {{
                chap
            }}
            else {{
                pap
            }}
            update session-state {{
                Challenge-Text := &control:Challenge-Text
            }}
            update reply {{
                Reply-Message := &control:Challenge-Text
                {authenticated}
            }}
            update control {{
                Response-Packet-Type := Access-Challenge
            }}
            handled
        }}
        Auth-Type Answered {{
            if (!&session-state:Challenge-Text) {{
                reject
            }}
            update control {{
                Cleartext-Password := &control:Challenge-Answer
            }}
            pap
        }}
    }}
    post-auth {{
        update reply {{
            {authenticated}
        }}
        Post-Auth-Type REJECT {{
            update {{
                &reply: !* ANY
            }}
            update reply {{
                {authenticated}
            }}
        }}
    }}
    accounting {{
        accounting_detail
        {accounting_answers}
        ok
    }}
}}
"""
_LISTENER = "listen {{ type = {kind} {family} = {address} port = {port} }}"
_AUTHENTICATED = "Message-Authenticator := 0x00"
_NOT_AUTHENTICATED = "Message-Authenticator !* ANY"
_SILENCE = "update control { Response-Packet-Type := Do-Not-Respond }\n        handled"


@dataclass(frozen=True)
class RadiusUser:
    """A user, or a client group (whose password IOS gives as "cisco").

    `reply` are attributes of the Access-Accept as FreeRADIUS writes them: 'Cisco-AVPair += "shell:priv-lvl=15"'. With a
    `challenge` the right password is answered by an Access-Challenge with that text, and `answer` is the right answer to it.
    """

    name: str
    password: str
    reply: Sequence[str] = ()
    challenge: str = ""
    answer: str = ""

    def lines(self) -> str:
        checks = [f'Cleartext-Password := "{self.password}"']
        if self.challenge:
            checks += [f'Challenge-Text := "{self.challenge}"', f'Challenge-Answer := "{self.answer}"']
        return f'"{self.name}" {", ".join(checks)}\n' + ",\n".join(f"\t{attribute}" for attribute in self.reply)


@dataclass(frozen=True)
class Packet:
    """A request as FreeRADIUS wrote it down: names and values in the order of the packet, numbers by their names ("Start")."""

    attributes: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        return [value for given, value in self.attributes if given == name]

    def __getitem__(self, name: str) -> str:
        """The value of an attribute that is there once."""
        (value,) = self.all(name)
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.attributes]

    @property
    def pairs(self) -> dict[str, str]:
        """The pairs of Cisco-AVPair."""
        return dict(pair.split("=", 1) for pair in self.all("Cisco-AVPair"))


@dataclass
class FreeRadius:
    """One FreeRADIUS. Changes of the fields count from the next start.

    `authenticates`: its answers to log-ins have a Message-Authenticator.
    `responds`: it answers; else it only writes down what it gets.
    """

    folder: Path
    users: Sequence[RadiusUser] = ()
    secret: str = SECRET
    addresses: Sequence[str] = ("127.0.0.1",)
    authenticates: bool = True
    responds: bool = True
    namespace: Namespace | None = None
    auth: int = field(default_factory=free_port)
    acct: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def ios(self) -> str:
        """The lines of a router's configuration that name this server."""
        ports = f"auth-port {self.auth} acct-port {self.acct} key {self.secret}"
        return "\n".join(f"radius-server host {_ios_address(address)} {ports}" for address in self.addresses)

    @property
    def log(self) -> str:
        path = self.folder / "radius.log"
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        assert self.process is None, "it runs"
        listeners = [
            _LISTENER.format(kind=kind, family="ipv6addr" if ":" in address else "ipv4addr", address=address, port=port)
            for address in self.addresses
            for kind, port in (("auth", self.auth), ("acct", self.acct))
        ]
        configuration = _CONFIGURATION.format(
            folder=self.folder,
            secret=self.secret,
            listeners=re.sub(r" (?=type|ipv|port|})", "\n", "\n".join(listeners)),
            authenticated=_AUTHENTICATED if self.authenticates else _NOT_AUTHENTICATED,
            access_answers="" if self.responds else _SILENCE,
            accounting_answers="" if self.responds else _SILENCE,
        )
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # it reads no configuration that others can write
        for name, text in (
            ("radiusd.conf", configuration),
            ("dictionary", _DICTIONARY),
            ("users", "\n\n".join(user.lines() for user in self.users) + "\n"),
        ):
            (self.folder / name).write_text(text)
        program = shutil.which("freeradius") or "/usr/sbin/freeradius"
        words = [program, "-f", "-d", str(self.folder)]
        starts = self.log.count(READY)
        self.process = subprocess.Popen(self.namespace.words(*words) if self.namespace else words)
        ended = self.process.poll

        def ready() -> bool:
            assert ended() is None, f"FreeRADIUS ended:\n{self.log}"
            return self.log.count(READY) > starts

        wait_for(ready, f"FreeRADIUS to start; its log is in {self.folder}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def kill(self) -> None:
        """End it without its knowing."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def records(self) -> list[Packet]:
        """The Accounting-Requests that it has got, in order."""
        return list(packets_of(self.folder / "accounting.detail"))

    def accesses(self) -> list[Packet]:
        """The Access-Requests that it has got, in order. Passwords are in clear text if the secrets agree."""
        return list(packets_of(self.folder / "access.detail"))

    def await_records(self, count: int, status: str | None = None) -> list[Packet]:
        """The Accounting-Requests, once there are so many: of a status ("Start", "Stop", "Interim-Update"), or in all."""

        def found() -> list[Packet]:
            return [record for record in self.records() if status in (None, record["Acct-Status-Type"])]

        def enough() -> bool:
            return len(found()) >= count

        wait_for(enough, f"{count} {status or ''} records at FreeRADIUS, which has {self.summary()}")
        return found()

    def summary(self) -> dict[str, int]:
        """How many records it has got, by status."""
        return dict(Counter(record["Acct-Status-Type"] for record in self.records()))


def _ios_address(address: str) -> str:
    return f"ipv6 {address}" if ":" in address else address


def packets_of(path: Path) -> Iterator[Packet]:
    """What a detail file has: a line of the date, a line for each attribute, and an empty line. The last may be incomplete."""
    if not path.exists():
        return
    *packets, _ = path.read_text(errors="surrogateescape").split("\n\n")
    for text in packets:
        lines = [line[1:].partition(" = ") for line in text.splitlines() if line.startswith("\t")]
        yield Packet(tuple((name, _unquoted(value)) for name, _, value in lines if name != "Timestamp"))


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
