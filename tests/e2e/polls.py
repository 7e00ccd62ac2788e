"""The guide's polls as data, and a walk by a net-snmp tool in the same terms."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.conftest import run_tool

GOLDEN = Path(__file__).parents[1] / "golden" / "polls"
IPSEC_FLOW = "1.3.6.1.4.1.9.9.171.1"
# What differs between two runs of the same poll: times, and the SPIs that the peers chose.
VARYING = re.compile(r"cikePeerActiveTime|cikeTunActiveTime|cipSecTunActiveTime|cipSecSpiValue")
# The guide's print has the inner addresses of another test-bed in four places.
NOT_RENUMBERED = {"16 01 01 01": "0a 16 01 01", "14 01 01 01": "0a 14 01 01"}

# Two objects are misspelt in the guide's print.
MISSPELT = {"P2Exchs": "P2Exchgs", "cikePeerConnIpSecTunIndex": "cikePeerCorrIpSecTunIndex"}

Poll = list[tuple[str, bytes | int]]


def golden(name: str) -> Poll:
    """A poll of the guide: (object and instance, value); an enumerated value is its number, an address or string its octets."""
    poll: Poll = []
    for line in (GOLDEN / name).read_text().splitlines():
        instance, _, text = line.partition(" = ")
        instance, text = instance.rstrip(" ="), text.strip()
        for wrong, right in MISSPELT.items():
            instance = instance.replace(wrong, right)
        poll.append((instance, _golden_value(instance, NOT_RENUMBERED.get(text, text))))
    return poll


def _golden_value(instance: str, text: str) -> bytes | int:
    if found := re.fullmatch(r"[A-Za-z0-9]+\((\d+)\)", text):
        return int(found[1])
    if re.fullmatch(r"0x[0-9a-f]+", text):
        return int(text, 16)
    if re.fullmatch(r"[0-9a-f]{2}( [0-9a-f]{2}){3}", text):
        return bytes.fromhex(text)
    if re.search(r"(Name|Value)\.", instance):
        return text.encode() if "SpiValue" not in instance else int(text)
    return int(text)


def walk(tool: str, *arguments: str, root: str = IPSEC_FLOW) -> Poll:
    """A walk by snmpwalk or snmpbulkwalk, in the terms of `golden`."""
    output = run_tool(tool, "-OsbeQtxU", *arguments, root)
    poll: Poll = []
    for line in output.splitlines():
        if not line or "No more variables" in line:
            continue
        instance, _, text = line.partition(" =")
        text = text.strip()
        poll.append((instance, _walked_value(text)))
    return poll


def _walked_value(text: str) -> bytes | int:
    if text.startswith('"'):
        return bytes.fromhex(text.strip('"'))
    return int(text) if re.fullmatch(r"-?\d+", text) else text.encode()


def without_varying(poll: Poll) -> Poll:
    """The poll with 0 for whatever differs from run to run."""
    return [(instance, 0 if VARYING.match(instance) else value) for instance, value in poll]
