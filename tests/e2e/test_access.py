"""Who may read and write what, the same on both paths: reads go the fast one, SET and cut views the other (acceptance e, f)."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.e2e.conftest import ROOT, Lab, run_tool
from tests.e2e.polls import walk

EXTRA = """\
access-list 10 deny 127.0.0.1
access-list 10 permit any
access-list 11 permit 127.0.0.1
snmp-server view no-ike iso included
snmp-server view no-ike cipSecPhaseOne excluded
snmp-server view cut iso included
snmp-server view cut cikeGlobalInPkts.0 excluded
snmp-server community reader RO
snmp-server community refused RO 10
snmp-server community admitted RO 11
snmp-server community narrow view no-ike RO
snmp-server community slit view cut RO
snmp mib community-map narrow context vrf-vrf1-context
"""


def with_extra(text: str) -> str:
    return text.replace("snmp-server view view_vrf1", EXTRA + "snmp-server view view_vrf1", 1)


def answer(*arguments: str) -> str:
    """What a tool prints on either channel, whatever its exit code."""
    environment = {"MIBDIRS": str(ROOT / "mibs"), "MIBS": "ALL", "PATH": "/usr/bin:/bin", "SNMPCONFPATH": "/nonexistent"}
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=30, env=environment)
    return done.stdout + done.stderr


def test_communities_views_and_access_lists_hold_on_both_paths(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab({"ipsecf-3745b.cfg": with_extra})

    def get(community: str, name: str = "sysName.0", *options: str) -> str:
        return answer("snmpget", "-v2c", "-c", community, "-r0", "-t1", *options, lab.hub, name)

    assert "ipsecf-3745b" in get("reader")
    assert "ipsecf-3745b" in get("admitted")
    for community in ("refused", "nobody"):
        assert "Timeout" in get(community)
        assert "Timeout" in answer("snmpset", "-v2c", "-c", community, "-r0", "-t1", lab.hub, "sysContact.0", "s", "x")
    refused = answer("snmpset", "-v2c", "-c", "reader", "-r0", lab.hub, "cipSecHistTableSize.0", "i", "77")
    assert "noAccess" in refused
    assert ": 200" in get("reader", "cipSecHistTableSize.0")

    assert "No Such Object" in get("narrow", "cikeGlobalInPkts.0")
    narrow = walk("snmpbulkwalk", "-v2c", "-c", "narrow", lab.hub)
    assert not [name for name, _ in narrow if name.startswith("cike")]
    assert len(narrow) == 73 - 26
    by_next = walk("snmpwalk", "-v2c", "-c", "narrow", lab.hub)
    assert by_next == narrow

    # A view that cuts inside a column is the slow path's: the same rules, and no other objects missing.
    assert "No Such Instance" in get("slit", "cikeGlobalInPkts.0") or "No Such Object" in get("slit", "cikeGlobalInPkts.0")
    slit = [name for name, _ in walk("snmpbulkwalk", "-v2c", "-c", "slit", lab.hub)]
    whole = [name for name, _ in walk("snmpbulkwalk", "-v2c", "-c", "reader", lab.hub)]
    assert [name for name in whole if name not in slit] == ["cikeGlobalInPkts.0"]
    bad_names = int(run_tool("snmpget", "-v2c", "-c", "reader", "-OQv", lab.hub, "snmpInBadCommunityNames.0"))
    assert bad_names >= 4


def test_a_v3_user_gets_its_groups_context_and_no_other(start_lab: Callable[..., Lab]) -> None:
    lab = start_lab()
    v3 = ("-v3", "-r0", "-t2", "-u", "nms1", "-a", "SHA", "-A", "nms1-auth-pass", "-x", "AES", "-X", "nms1-priv-pass")
    name = "cipSecHistTableSize.0"
    assert ": 200" in answer("snmpget", *v3, "-l", "authPriv", "-n", "vrf-vrf1-context", lab.hub, name)
    assert "200" not in answer("snmpget", *v3, "-l", "authPriv", "-n", "vrf-vrf2-context", lab.hub, name)
    assert "200" not in answer("snmpget", *v3, "-l", "authPriv", lab.hub, name)
    assert "200" not in answer("snmpget", *v3, "-l", "authNoPriv", "-n", "vrf-vrf1-context", lab.hub, name)
    unknown = answer("snmpget", *v3, "-l", "authPriv", "-n", "nowhere", lab.hub, name)
    assert "200" not in unknown
    assert "Timeout" not in unknown, "an unknown context is reported, not dropped"


# As net-snmp names them and as the configuration does. It has no 3DES; its names of IOS's longer AES keys end in C.
PROTOCOLS = (
    ("MD5", "md5", "DES", "des"),
    ("SHA", "sha", "AES", "aes 128"),
    ("SHA-224", "sha224", "AES-192-C", "aes 192"),
    ("SHA-256", "sha256", "AES-256-C", "aes 256"),
    ("SHA-384", "sha384", "DES", "des"),
    ("SHA-512", "sha512", "AES", "aes 128"),
)


def test_net_snmp_reads_by_v3_at_each_level_with_each_protocol(start_lab: Callable[..., Lab]) -> None:
    lines = ["snmp-server group readers v3 noauth context vrf-vrf1-context read view_vrf1"]
    lines += [
        f"snmp-server user {hash_} readers v3 auth {hash_} authpass1 priv {cipher} privpass1" for _, hash_, _, cipher in PROTOCOLS
    ]
    lab = start_lab({"ipsecf-3745b.cfg": lambda text: text.replace("snmp-server user", "\n".join([*lines, "snmp-server user"]), 1)})
    expected = walk("snmpbulkwalk", "-v2c", "-c", "abc1", lab.hub)
    for authentication, user, privacy, _ in PROTOCOLS:
        v3 = ("-v3", "-n", "vrf-vrf1-context", "-u", user)
        signed = ("-a", authentication, "-A", "authpass1")
        sealed = (*signed, "-x", privacy, "-X", "privpass1")
        for level, secrets in (("noAuthNoPriv", ()), ("authNoPriv", signed), ("authPriv", sealed)):
            assert ": 200" in answer("snmpget", *v3, "-l", level, *secrets, lab.hub, "cipSecHistTableSize.0"), (user, level)
        assert walk("snmpbulkwalk", *v3, "-l", "authPriv", *sealed, lab.hub) == expected


def test_other_files_of_the_same_modules_serve_the_same_walk(start_lab: Callable[..., Lab], tmp_path: Path) -> None:
    reworded = tmp_path / "official"
    reworded.mkdir()
    for module in (ROOT / "mibs").glob("CISCO-*.mib"):
        text = re.sub(r'(DESCRIPTION\s+)"[^"]*"', r'\1"Other words."', module.read_text())
        (reworded / module.with_suffix(".my").name).write_text(text)
    ours, theirs = start_lab(), start_lab(options=["--mib-source", str(reworded)])
    assert walk("snmpbulkwalk", "-v2c", "-c", "abc1", theirs.hub) == walk("snmpbulkwalk", "-v2c", "-c", "abc1", ours.hub)
