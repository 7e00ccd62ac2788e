"""README as a newcomer reads it: each command of its tour is run and prints what the page says, and its recording is made anew."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from tests.e2e.conftest import AGENT, ROOT, Lab, free_port, wait_for
from tests.e2e.traps import sent_to

README = (ROOT / "README.md").read_text()
PROMPT = re.compile(r"ipsecf-3745b(?:\(config\))?#(.*)")
VARIES = re.compile(r"(?<=min/avg/max = )\d+/\d+/\d+|(?<=ActiveTime\.1 = )\d+")  # numbers that are others in each run
SET_UP = ("cd ", "export ")


def tour() -> list[tuple[str, list[str]]]:
    """The commands behind `$` of "A tour", each with the lines under it."""
    found: list[tuple[str, list[str]]] = []
    text = README.partition("## A tour\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE):
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return [(command, lines) for command, lines in found if not command.startswith(SET_UP)]


TOUR = tour()


def pattern(line: str) -> str:
    """What a line of the page stands for: `…` is anything, and so is a number that varies."""
    return ".*".join(re.escape(part.strip()) for part in VARIES.sub("…", line).split("…")) + r"\s*"


def received(line: str, output: Path) -> bool:
    return re.search(pattern(line), output.read_text()) is not None


@contextmanager
def trap_receiver(command: str, environment: dict[str, str], output: Path) -> Iterator[None]:
    """A command of the page that goes on behind the others, with its output in a file."""
    process = subprocess.Popen(["bash", "-c", f"exec {command} > {output}"], env=environment)
    wait_for(lambda: output.exists() and "NET-SNMP version" in output.read_text(), "snmptrapd to listen")
    yield
    process.terminate()
    process.wait(10)


def test_each_command_of_the_tour_prints_what_the_page_says(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    port, traps = free_port(), tmp_path / "traps"
    lab = start_lab(sent_to(abc1=port))
    environment = {
        **os.environ,
        "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin",
        "MIBDIRS": str(ROOT / "mibs"),
        "MIBS": "ALL",
        "SNMPCONFPATH": "/nonexistent",
        "SNMP_PERSISTENT_DIR": str(tmp_path / "snmp"),
    }
    real = {
        "ipsec-agent cli": shlex.join([*AGENT, "cli", "--state-dir", str(lab.folder / "state")]),
        "127.0.0.1:1161": lab.hub,
        "127.0.0.1:2001": f"127.0.0.1:{port}",
    }
    with ExitStack() as stack:
        for shown, lines in TOUR:
            command = re.sub("|".join(real), lambda found: real[found[0]], shown)
            if command.endswith(" &"):
                stack.enter_context(trap_receiver(command.removesuffix(" &"), environment, traps))
                continue
            typed = "".join(f"{found[1]}\n" for line in lines if (found := PROMPT.fullmatch(line)))
            done = subprocess.run(
                ["bash", "-c", command], input=typed, capture_output=True, text=True, timeout=60, env=environment
            )  # fmt: skip
            assert done.returncode == 0, (shown, done.stdout, done.stderr)
            expected = [pattern(line) for line in lines if not line.startswith("…")]
            printed = [line for line in done.stdout.splitlines() if line and not (typed and line == "ipsecf-3745b#")]
            assert len(printed) == len(expected), (shown, printed)
            for line, there in zip(expected, printed, strict=True):
                assert re.fullmatch(line, there), shown
            for line in lines:
                if line.startswith("…"):
                    wait_for(partial(received, line, traps), line)


def test_the_recording_shows_what_its_commands_print() -> None:
    done = subprocess.run([sys.executable, "scripts/record.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    drawn = ElementTree.parse(ROOT / "docs" / "recording.svg").getroot()
    said = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert ".!!!!" in said
    assert "cipSecGlobalOutOctets.0 = 704 Octets" in said
    assert "docs/recording.svg" in README


def test_the_two_lines_about_ssh_open_it_for_the_hub_of_the_tour(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    found = re.search(r"\n    (ssh = .*)\n    (username .*)\n\n    \$ ssh -p (\d+) (\S+)\n", README)
    assert found is not None
    opened, user, port, login = found.groups()
    heading = "[router.ipsecf-3745b]\n"
    lab = start_lab(
        {
            "two-vrf-hub.toml": lambda text: text.replace(heading, f"{heading}{opened.replace(port, '0')}\n"),
            "ipsecf-3745b.cfg": lambda text: re.sub(r"\nend\s*$", f"\n{user}\nend\n", text),
        }
    )
    listening = re.search(r"ipsecf-3745b: SSH at 127\.0\.0\.1:(\d+)", "".join(lab.output))
    assert listening is not None
    password = tmp_path / "password"
    password.write_text(f"#!/bin/sh\necho {user.split()[-1]}\n")
    password.chmod(0o700)
    options = ["-F", "none", "-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "-o", "StrictHostKeyChecking=accept-new"]
    done = subprocess.run(
        ["ssh", *options, "-o", "PubkeyAuthentication=no", "-p", listening[1], login, "show privilege"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, start_new_session=True,
        env={**os.environ, "SSH_ASKPASS": str(password), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"},
    )  # fmt: skip
    assert done.stdout == "Current privilege level is 15\n", done.stderr
