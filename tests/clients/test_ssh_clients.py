"""scrapli, NAPALM and Ansible drive the CLI by SSH. What they ask for and the CLI does not have is refused: `% Invalid input`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from napalm import get_network_driver
from scrapli.driver.core import IOSXEDriver

from tests.clients.conftest import python
from tests.ssh_lab import ENABLE, FAR, HUB, OPERATOR, SshLab, ssh_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshLab]:
    with ssh_lab(python(), tmp_path_factory.mktemp("ssh"), release="16.9") as started:
        yield started


# --- scrapli ---


@pytest.fixture
def scrapli(lab: SshLab) -> Iterator[Any]:
    name, password = OPERATOR
    connection = IOSXEDriver(
        host="127.0.0.1",
        port=lab.ssh[HUB],
        auth_username=name,
        auth_password=password,
        auth_secondary=ENABLE,
        auth_strict_key=False,
        ssh_config_file=False,
        transport="paramiko",
    )
    with connection:
        yield connection


def test_scrapli_reads(scrapli: Any) -> None:
    assert scrapli.get_prompt() == f"{HUB}#"
    version = scrapli.send_command("show version")
    assert not version.failed
    assert version.textfsm_parse_output()[0]["hostname"] == HUB
    assert scrapli.send_command("show crypto nothing").failed


def test_scrapli_configures_and_saves(scrapli: Any) -> None:
    assert not scrapli.send_configs(["interface Loopback70", "description by scrapli"]).failed
    # The text of a banner has no prompt, so scrapli must not wait for one.
    assert not scrapli.send_configs(["banner login ^", "hello", "^"], eager=True).failed
    running = scrapli.send_command("show running-config").result
    assert "description by scrapli" in running
    assert "banner login ^C\nhello\n^C" in running
    asked = [("copy running-config startup-config", "Destination filename [startup-config]?", False), ("", "[OK]", False)]
    assert "[OK]" in scrapli.send_interactive(asked).result


# --- NAPALM ---


def napalm(lab: SshLab, router: str) -> Any:
    name, password = OPERATOR
    options = {"port": lab.ssh[router], "secret": ENABLE}
    return get_network_driver("ios")("127.0.0.1", name, password, optional_args=options)


def test_napalm_reads_what_there_is(lab: SshLab) -> None:
    with napalm(lab, HUB) as device:
        facts = device.get_facts()
        assert (facts["vendor"], facts["hostname"]) == ("Cisco", HUB)
        assert "Serial1/2.1" in facts["interface_list"]
        assert device.get_interfaces()["Serial1/2.1"]["is_up"]
        assert device.get_interfaces_ip()["Serial1/2.1"] == {"ipv4": {"10.1.1.2": {"prefix_length": 24}}}
        assert "Serial1/2.1" in device.get_interfaces_counters()
        assert device.get_users()[OPERATOR[0]]["level"] == 1
        assert "abc1" in device.get_snmp_information()["community"]
        assert {"vrf1", "vrf2"} <= set(device.get_network_instances())
        assert f"hostname {HUB}" in device.get_config()["running"]


def test_napalm_pings(lab: SshLab) -> None:
    with napalm(lab, FAR) as device:
        sent = device.ping("10.1.1.2", count=3)["success"]
        assert (sent["probes_sent"], sent["packet_loss"]) == (3, 0)


def test_napalm_is_told_what_there_is_not(lab: SshLab) -> None:
    with napalm(lab, HUB) as device, pytest.raises(ValueError, match="Invalid"):
        device.get_arp_table()


# --- Ansible ---

PLAYBOOK = """\
- hosts: routers
  gather_facts: no
  tasks:
    - cisco.ios.ios_facts:
        gather_subset: [default, config, interfaces, hardware]
        gather_network_resources: [interfaces, l3_interfaces, static_routes, hostname, snmp_server, acls]
    - cisco.ios.ios_config:
        lines: [description by ansible]
        parents: interface Loopback71
        save_when: modified
    - cisco.ios.ios_command:
        commands: [show crypto isakmp policy]
"""


def test_ansible_gathers_facts_and_configures(lab: SshLab, tmp_path: Path) -> None:
    name, password = OPERATOR
    settings = {
        "ansible_host": "127.0.0.1",
        "ansible_port": lab.ssh[HUB],
        "ansible_user": name,
        "ansible_password": password,
        "ansible_connection": "ansible.netcommon.network_cli",
        "ansible_network_os": "cisco.ios.ios",
        "ansible_network_cli_ssh_type": "paramiko",
        "ansible_become": "yes",
        "ansible_become_method": "enable",
        "ansible_become_password": ENABLE,
        "ansible_python_interpreter": sys.executable,
    }
    (tmp_path / "hosts.ini").write_text("[routers]\nhub " + " ".join(f"{key}={value}" for key, value in settings.items()) + "\n")
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.ini", "play.yml"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    facts, configured, policies = (task["hosts"]["hub"] for task in json.loads(done.stdout)["plays"][0]["tasks"])
    assert facts["ansible_facts"]["ansible_net_hostname"] == HUB
    assert "Serial1/2.1" in facts["ansible_facts"]["ansible_net_interfaces"]
    assert configured["changed"]
    assert "Global IKE policy" in policies["stdout"][0]
