"""strongSwan's charon, and lab routers on a real underlay, in two network namespaces on one veth pair.

Everything here is made by the test that asks for it, and taken away by the names and process ids that were then given. It wants
root. Router number n of the lab is 10.99.n.1, and talks with charon, 10.99.n.2, over a /30. Behind it is 10.1.n.1, behind charon
10.2.n.1.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import vici

from tests.e2e.tools import AGENT, ROOT, run_tool, until_ready, wait_for

CHARON = "/usr/lib/ipsec/charon"
SECRET = "a pre-shared key"
ROUTERS = 40  # how many addresses the veth has

# kernel-libipsec comes before kernel-netlink: ESP in user space, whatever the kernel can do.
PLUGINS = (
    "random nonce openssl aes sha1 sha2 md5 hmac kdf gmp gcm xcbc drbg pem pkcs1 pkcs8 x509 pubkey constraints revocation "
    "kernel-libipsec kernel-netlink socket-default updown vici counters error-notify eap-identity eap-md5 xauth-generic"
)

STRONGSWAN_CONF = """
charon {
  load_modular = no
  load = @PLUGINS@
  i_dont_care_about_security_and_use_aggressive_mode_psk = yes
  retransmit_timeout = 1
  retransmit_base = 1
  retransmit_tries = 4
  delete_rekeyed_delay = 1
  filelog {
    log {
      path = @FOLDER@/charon.log
      default = 1
      ike = 2
      cfg = 2
      flush_line = yes
    }
  }
  plugins {
    vici {
      socket = unix://@FOLDER@/charon.vici
    }
  }
}
"""

ROUTER = """hostname {name}
no ip domain lookup
crypto isakmp policy 10
 encryption {encryption}
 hash {hash}
 authentication {authentication}
 group {group}
 lifetime {ike_lifetime}
crypto isakmp key {key} address {charon}
crypto ipsec transform-set ours {transforms}
crypto map outside 10 ipsec-isakmp
 set peer {charon}
 set transform-set ours
 set security-association lifetime seconds {seconds}
 match address 101
{map_lines}
interface FastEthernet0/0
 ip address {address} 255.255.255.252
 crypto map outside
interface FastEthernet0/1
 ip address 10.1.{number}.254 255.255.255.0
ip route 10.2.{number}.0 255.255.255.0 {charon}
access-list 101 permit ip 10.1.{number}.0 0.0.0.255 10.2.{number}.0 0.0.0.255
snmp-server community public RO
{lines}
end
"""

Routers = dict[int, dict[str, str]]

DEFAULTS = {
    "encryption": "aes 128",
    "hash": "sha",
    "authentication": "pre-share",
    "group": "14",
    "ike_lifetime": "86400",
    "key": SECRET.replace(" ", "-"),
    "transforms": "esp-aes esp-sha-hmac",
    "seconds": "3600",
    "map_lines": "",
    "lines": "",
}


def command(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


@dataclass(frozen=True)
class Namespace:
    """A network namespace."""

    name: str

    def words(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str, check: bool = True) -> str:
        return run_tool(*self.words(*words), check=check)


@contextmanager
def two_namespaces() -> Iterator[tuple[Namespace, Namespace]]:
    """One for the lab, one for charon, joined by a veth pair that has all the addresses."""
    assert os.geteuid() == 0, "tests with strongSwan make network namespaces, which wants root: run them as root"
    assert Path("/dev/net/tun").exists(), "strongSwan carries ESP over /dev/net/tun, which is not there: let the container have it"
    names = [f"lab{os.getpid()}", f"swan{os.getpid()}"]
    made = []
    try:
        for name in names:
            command("ip", "netns", "add", name)
            made.append(name)
            command("ip", "-n", name, "link", "set", "lo", "up")
        command("ip", "link", "add", "veth0", "netns", names[0], "type", "veth", "peer", "name", "veth0", "netns", names[1])
        for side, name in enumerate(names, 1):
            commands = [f"address add 10.99.{number}.{side}/30 dev veth0" for number in range(ROUTERS + 1)]
            commands += [f"address add 10.2.{number}.1/32 dev lo" for number in range(ROUTERS + 1)] if side == 2 else []
            commands.append("link set veth0 up")
            done = subprocess.run(["ip", "-n", name, "-batch", "-"], input="\n".join(commands), capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        yield Namespace(names[0]), Namespace(names[1])
    finally:
        for name in made:
            command("ip", "netns", "delete", name)


def stop(process: subprocess.Popen[Any]) -> int:
    """End a process that we started."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    return process.wait(20)


# --- the wire ---


@dataclass(frozen=True)
class Seen:
    """A packet on the wire, as the lab's end of the veth pair saw it; `length` is of the IP packet."""

    sent: bool
    ends: tuple[str, str]
    ports: tuple[int, int]
    length: int
    begins: str

    @property
    def is_esp(self) -> bool:
        """ESP in UDP: neither IKE nor a keepalive (RFC 3948 §2)."""
        return self.ports == (4500, 4500) and self.begins not in ("00000000", "ff")

    @property
    def is_ike(self) -> bool:
        return self.ports == (500, 500) or (self.ports == (4500, 4500) and self.begins == "00000000")


@contextmanager
def capture(namespace: Namespace) -> Iterator[list[Seen]]:
    """What crosses a namespace's veth meanwhile; the list is filled when the block ends."""
    seen: list[Seen] = []
    words = namespace.words(sys.executable, "-m", "tests.e2e.capture", "veth0")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield seen
    finally:
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=20)
    for line in said.splitlines():
        direction, source, destination, _, source_port, destination_port, length, begins = line.split()
        ports = int(source_port), int(destination_port)
        seen.append(Seen(direction == "out", (source, destination), ports, int(length), begins))


# --- charon ---


def _text(value: object) -> Any:
    """What VICI says, as text all through."""
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case dict():
            return {key: _text(inner) for key, inner in value.items()}
        case list():
            return [_text(inner) for inner in value]
    return value


@dataclass
class Charon:
    """A running charon."""

    namespace: Namespace
    folder: Path
    process: subprocess.Popen[bytes]

    @contextmanager
    def session(self) -> Iterator[vici.Session]:
        with closing(socket.socket(socket.AF_UNIX)) as connected:
            connected.settimeout(30)
            connected.connect(str(self.folder / "charon.vici"))
            yield vici.Session(connected)

    def listens(self) -> bool:
        try:
            with self.session() as session:
                return bool(session.version())
        except (FileNotFoundError, ConnectionRefusedError):  # not there yet, or bound and not yet listened to
            return False

    @property
    def log(self) -> str:
        return (self.folder / "charon.log").read_text(errors="replace")

    def log_of(self, number: int) -> str:
        """What the log says of a router: lines of a thread that has last named it."""
        thinks_of: dict[str, int] = {}
        said = []
        for line in self.log.splitlines():
            thread = line[:2]
            if found := re.search(r"\b10\.99\.(\d+)\.", line):
                thinks_of[thread] = int(found[1])
            if thinks_of.get(thread) == number:
                said.append(line)
        return "\n".join(said)

    def connect(
        self, number: int, child: dict[str, Any] | None = None, secret: str | None = DEFAULTS["key"], **settings: Any
    ) -> None:
        """Load connection `c<number>` with child `net<number>` towards router `number`, and their secret.

        `settings` and `child` change or add settings of swanctl.conf's connection and child, a nested section being a dictionary.
        """
        ours, theirs = f"10.99.{number}.2", f"10.99.{number}.1"
        connection = {
            "version": "1",
            "local_addrs": [ours],
            "remote_addrs": [theirs],
            "proposals": ["aes128-sha1-modp2048"],
            "rekey_time": "79200",  # charon proposes a lifetime of both times
            "over_time": "7200",
            "local": {"auth": "psk", "id": ours},
            "remote": {"auth": "psk", "id": theirs},
            "children": {
                f"net{number}": {
                    "local_ts": [f"10.2.{number}.0/24"],
                    "remote_ts": [f"10.1.{number}.0/24"],
                    "esp_proposals": ["aes128-sha1"],
                    "rekey_time": "3300",
                    "life_time": "3600",
                    "mode": "tunnel",
                    **(child or {}),
                }
            },
            **settings,
        }
        with self.session() as session:
            if secret is not None:
                session.load_shared({"id": f"s{number}", "type": "IKE", "data": secret, "owners": [theirs, ours]})
            session.load_conn({f"c{number}": connection})

    def initiate(self, number: int) -> str | None:
        """Bring the child up; None where it came, else why not."""
        with self.session() as session:
            try:
                list(session.initiate({"child": f"net{number}", "ike": f"c{number}", "timeout": "20000"}) or ())
            except vici.exception.CommandException as error:
                return str(error)
        return None

    def sas(self, number: int) -> list[dict[str, Any]]:
        """The IKE SAs with a router, as list-sas gives them; their children under `child-sas`."""
        with self.session() as session:
            return [_text(sa) for found in session.list_sas({"ike": f"c{number}"}) for sa in found.values()]

    def children(self, number: int) -> list[dict[str, Any]]:
        """The CHILD_SAs in use with a router; one that was replaced stays listed for a while."""
        found = [child for sa in self.sas(number) for child in sa["child-sas"].values()]
        return [child for child in found if child["state"] == "INSTALLED"]

    def rekey(self, **what: str) -> None:
        """`child="net1"` or `ike="c1"`."""
        with self.session() as session:
            session.rekey(what)

    def terminate(self, **what: str) -> None:
        """`child="net1"` or `ike="c1"`."""
        with self.session() as session:
            list(session.terminate({**what, "timeout": "20000"}) or ())

    def ping(self, number: int, count: int = 5, size: int = 100, flood: bool = False) -> int:
        """How many pings from behind charon are answered from behind the router; in a flood, each follows the last one's answer."""
        words = ["ping", "-n", *(["-q", "-f"] if flood else ["-i", "0.05"]), "-W", "2", "-c", str(count), "-s", str(size)]
        said = self.namespace.run(*words, "-I", f"10.2.{number}.1", f"10.1.{number}.1", check=False)
        found = re.search(r"(\d+) received", said)
        assert found, said
        return int(found[1])


@contextmanager
def charon(namespace: Namespace, folder: Path, conf: str = STRONGSWAN_CONF) -> Iterator[Charon]:
    """A charon in a namespace. It writes its pid below /run, so it has a /run of its own.

    It is a copy of the distribution's: AppArmor, where it is at work, would keep that one, by its path, from our folder.
    """
    program = shutil.copy(CHARON, folder / "charon")
    path = folder / "strongswan.conf"
    path.write_text(conf.replace("@FOLDER@", str(folder)).replace("@PLUGINS@", PLUGINS))
    process = subprocess.Popen(
        namespace.words("sh", "-c", f"mount -t tmpfs tmpfs /run && exec {program}"),
        env={**os.environ, "STRONGSWAN_CONF": str(path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        found = Charon(namespace, folder, process)
        wait_for(lambda: found.listens() or process.poll() is not None, "charon to listen")
        assert process.poll() is None, "charon has ended"
        yield found
    finally:
        stop(process)


# --- the lab ---


@dataclass
class RealLab:
    """A running `ipsec-agent run` whose routers are on a real underlay."""

    namespace: Namespace
    folder: Path
    process: subprocess.Popen[str]
    ports: dict[str, int] = field(default_factory=dict)
    output: list[str] = field(default_factory=list)

    def cli(self, number: int, *words: str) -> str:
        state = ["--state-dir", str(self.folder / "state"), "--router", f"r{number}"]
        return run_tool(*AGENT, "cli", *state, *words)

    def configure(self, number: int, *lines: str) -> None:
        """Lines as typed after `configure terminal`."""
        state = ["--state-dir", str(self.folder / "state"), "--router", f"r{number}"]
        typed = "\n".join(["configure terminal", *lines, "end", ""])
        done = subprocess.run([*AGENT, "cli", *state], input=typed, capture_output=True, text=True, timeout=60, cwd=ROOT)
        assert (done.returncode, "%" in done.stdout) == (0, False), (done.stdout, done.stderr)

    def begin(self, number: int) -> None:
        """Bring a tunnel up by pings: the first is always dropped, and those behind it until the tunnel is up."""
        wait_for(lambda: self.ping(number), f"a tunnel from router {number}")

    def ping(self, number: int, count: int = 5) -> int:
        """How many pings from behind the router are answered from behind charon."""
        said = self.cli(number, "ping", f"10.2.{number}.1", "source", f"10.1.{number}.254", "repeat", str(count), "timeout", "1")
        found = re.search(r"\((\d+)/\d+\)", said)
        assert found, said
        return int(found[1])

    def walk(self, number: int, name: str) -> dict[str, str]:
        """A table's column or group of router `number` as the MIB has it: name and index → value."""
        said = self._snmp("snmpbulkwalk", number, name)
        lines = (line.partition(" = ") for line in said.splitlines() if " = " in line)
        return {oid: value.strip('"') for oid, _, value in lines if not value.startswith("No Such")}

    def get(self, number: int, name: str) -> str:
        return self._snmp("snmpget", number, name).partition(" = ")[2].strip().strip('"')

    def column(self, number: int, name: str) -> list[str]:
        """The values of a column, in the order of its rows."""
        return list(self.walk(number, name).values())

    def one(self, number: int, name: str) -> str:
        """The value of a column in the one row that there is."""
        (value,) = self.column(number, name)
        return value

    def count(self, number: int, name: str) -> int:
        """A scalar counter."""
        return int(self.get(number, f"{name}.0").split()[0])

    def spis(self, number: int) -> dict[str, set[int]]:
        """The SPIs of the IPsec tunnels, by direction."""
        found: dict[str, set[int]] = {"in": set(), "out": set()}
        directions, values = self.column(number, "cipSecSpiDirection"), self.column(number, "cipSecSpiValue")
        for direction, value in zip(directions, values, strict=True):
            found[direction].add(int(value))
        return found

    def _snmp(self, tool: str, number: int, name: str) -> str:
        return self.namespace.run(tool, "-v2c", "-c", "public", "-OQsU", f"127.0.0.1:{self.ports[f'r{number}']}", name)


def router_text(number: int, **settings: str) -> str:
    """The configuration of router `number`, mirrored by `Charon.connect`; `text` replaces it whole."""
    values = {
        **DEFAULTS,
        "name": f"r{number}",
        "number": str(number),
        "address": f"10.99.{number}.1",
        "charon": f"10.99.{number}.2",
        **settings,
    }
    return values["text"].format(**values) if "text" in values else ROUTER.format(**values)


def lab_text(number: int, trustpoint: str | None = None, ports: str = "500 4500") -> str:
    """`trustpoint`: a folder with the files of the router's trustpoint `ours`; `ports`: where its ports 500 and 4500 really are."""
    ike, nat = ports.split()
    files = {"key": "router.key", "certificate": "router.pem", "ca": "ca.pem"} if trustpoint else {}
    section = f"[router.r{number}.trustpoint.ours]\n" if trustpoint else ""
    section += "".join(f'{key} = "{trustpoint}/{name}"\n' for key, name in files.items())
    return f"""
[router.r{number}]
config = "r{number}.cfg"
snmp = ["127.0.0.1:0"]
ike = "10.99.{number}.1:{ike}"
nat = "10.99.{number}.1:{nat}"
{section}
[[peer]]
address = "10.99.{number}.2"
behind = "r{number}:FastEthernet0/0"
[[host]]
address = "10.1.{number}.1"
behind = "r{number}:FastEthernet0/1"
"""


@contextmanager
def running(namespace: Namespace, lab_file: Path, mibs: Path, *options: str) -> Iterator[RealLab]:
    """A lab in a namespace, with the state directory beside its file; it must end cleanly, and without a traceback.

    `mibs` keeps the compiled MIB modules from one lab to the next.
    """
    state = lab_file.parent / "state"
    state.mkdir()
    (state / "mibs").symlink_to(mibs)
    process = subprocess.Popen(
        namespace.words(*AGENT, "run", str(lab_file), "--state-dir", str(state), *options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    lab = RealLab(namespace, lab_file.parent, process)
    try:
        until_ready(process, lab.ports, lab.output)
        yield lab
    finally:
        ended = stop(process)
    assert ended == 0, "".join(lab.output)
    assert "Traceback" not in "".join(lab.output), "".join(lab.output)


@contextmanager
def real_lab(namespace: Namespace, folder: Path, mibs: Path, routers: Routers, *options: str) -> Iterator[RealLab]:
    """A lab of routers by number, each with its settings."""
    for number, settings in routers.items():
        (folder / f"r{number}.cfg").write_text(router_text(number, **settings))
    lab_file = folder / "real.toml"
    sections = (
        lab_text(number, settings.get("trustpoint"), settings.get("ports", "500 4500")) for number, settings in routers.items()
    )
    lab_file.write_text("".join(sections))
    with running(namespace, lab_file, mibs, *options) as lab:
        yield lab


class StartRealLab(Protocol):
    def __call__(self, routers: Routers, *options: str) -> RealLab: ...
