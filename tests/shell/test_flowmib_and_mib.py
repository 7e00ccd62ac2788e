"""`show crypto mib … flowmib …` prints the values that SNMP gives: every number of every listing, by the object that it is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from agent.base.ike_counters import IkeCounter
from agent.flow.counters import IpsecCounter
from agent.flow.model import EndReason, IkeFailureReason, IpsecFailureReason
from agent.mib.schema import Schema
from agent.shell.releases import Release
from agent.shell.render.flowmib import IKE_LISTINGS, IPSEC_LISTINGS, Asked, lines
from tests.flow.builders import HUB, SPOKE, ike_facts
from tests.mib.world import VRF1, World

IKE = {
    "In octets": "InOctets",
    "In packets": "InPkts",
    "In drops": "InDropPkts",
    "In notifys": "InNotifys",
    "In P2 exchanges": "InP2Exchgs",
    "In P2 exchg invalids": "InP2ExchgInvalids",
    "In P2 exchg rejected": "InP2ExchgRejects",
    "In P2 SA delete reqs": "InP2SaDelRequests",
    "Out octets": "OutOctets",
    "Out packets": "OutPkts",
    "Out drops": "OutDropPkts",
    "Out notifys": "OutNotifys",
    "Out P2 exchgs": "OutP2Exchgs",
    "Out P2 exchg invalids": "OutP2ExchgInvalids",
    "Out P2 exchg rejects": "OutP2ExchgRejects",
    "Out P2 Sa delete requests": "OutP2SaDelRequests",
    "Lifetime": "LifeTime",
}
IKE_GLOBAL = {
    "Active Tunnels": "ActiveTunnels",
    "Previous Tunnels": "PreviousTunnels",
    "In octets": "InOctets",
    "Out octets": "OutOctets",
    "In packets": "InPkts",
    "Out packets": "OutPkts",
    "In packets drop": "InDropPkts",
    "Out packets drop": "OutDropPkts",
    "In notifys": "InNotifys",
    "Out notifys": "OutNotifys",
    "In P2 exchg": "InP2Exchgs",
    "Out P2 exchg": "OutP2Exchgs",
    "In P2 exchg invalids": "InP2ExchgInvalids",
    "Out P2 exchg invalids": "OutP2ExchgInvalids",
    "In P2 exchg rejects": "InP2ExchgRejects",
    "Out P2 exchg rejects": "OutP2ExchgRejects",
    "In IPSEC delete": "InP2SaDelRequests",
    "Out IPSEC delete": "OutP2SaDelRequests",
    "SAs locally initiated": "InitTunnels",
    "SAs locally initiated failed": "InitTunnelFails",
    "SAs remotely initiated failed": "RespTunnelFails",
    "System capacity failures": "SysCapFails",
    "Authentication failures": "AuthFails",
    "Decrypt failures": "DecryptFails",
    "Hash failures": "HashValidFails",
    "Invalid SPI": "NoSaFails",
}
IPSEC = {
    "Encapsulation mode": "EncapMode",
    "Lifetime (KB)": "LifeSize",
    "Lifetime (Sec)": "LifeTime",
    "Total number of refreshes": "TotalRefreshes",
    "In octets": "HcInOctets",
    "In packets": "InPkts",
    "In drops": "InDropPkts",
    "In replay drops": "InReplayDropPkts",
    "In authentications": "InAuths",
    "In authentication failures": "InAuthFails",
    "In decrypts": "InDecrypts",
    "In decrypt failures": "InDecryptFails",
    "Out octets": "HcOutOctets",
    "Out uncompressed octets": "HcOutUncompOctets",
    "Out packets": "OutPkts",
    "Out drops": "OutDropPkts",
    "Out authentications": "OutAuths",
    "Out authentication failures": "OutAuthFails",
    "Out encryptions": "OutEncrypts",
    "Out encryption failures": "OutEncryptFails",
}
IPSEC_LIVE = IPSEC | {
    "Lifetime threshold (KB)": "SaLifeSizeThreshold",
    "Lifetime threshold (Sec)": "SaLifeTimeThreshold",
    "Expired SA instances": "ExpiredSaInstances",
    "Current SA instances": "CurrentSaInstances",
}
IPSEC_GLOBAL = {
    "Active Tunnels": "ActiveTunnels",
    "Previous Tunnels": "PreviousTunnels",
    "In octets": "HcInOctets",
    "Out octets": "HcOutOctets",
    "In packets": "InPkts",
    "Out packets": "OutPkts",
    "Uncompressed encrypted bytes": "HcOutUncompOctets",
    "In packets drops": "InDrops",
    "Out packets drops": "OutDrops",
    "In replay drops": "InReplayDrops",
    "In authentications": "InAuths",
    "Out authentications": "OutAuths",
    "In decrypts": "InDecrypts",
    "Out encrypts": "OutEncrypts",
    "In decrypt failures": "InDecryptFails",
    "Out encrypt failures": "OutEncryptFails",
    "No SA failures": "NoSaFails",
    "Protocol use failures": "ProtocolUseFails",
    "System capacity failures": "SysCapFails",
    "In authentication failures": "InAuthFails",
    "Out authentication failures": "OutAuthFails",
}


@pytest.fixture
def world(schema: Schema) -> World:
    """Two tunnels of each phase, one of which has ended, with another number for each counter; and a failure of each kind."""
    world = World(schema)
    past = 1 << 32
    for first in (1000, 5000):
        ike_numbers = {counter: past + first + counter for counter in IkeCounter}
        ipsec_numbers = {counter: past + first + 100 + counter for counter in IpsecCounter}
        ike = world.ike("vrf1", ike_numbers, initiator=True)
        ipsec = world.ipsec(ike, ipsec_numbers)
    world.clock.time = 90_000_000
    world.monitor.ipsec_ended(ipsec, EndReason.OPERATOR)
    world.monitor.ike_ended(ike, EndReason.PEER_LOST)
    facts = ike_facts()
    for reason in IkeFailureReason:
        world.monitor.ike_failed("vrf1", reason, HUB, SPOKE, facts.local, facts.remote, initiator=reason is IkeFailureReason.CRL)
    for failure in IpsecFailureReason:
        world.monitor.ipsec_failed("vrf1", failure, HUB, SPOKE)
    return world


@pytest.mark.parametrize(
    ("family", "word", "prefix", "index", "objects"),
    [
        ("ike", "tunnel", "cikeTun", "1", IKE),
        ("ike", "history", "cikeTunHist", "1", IKE),
        ("ike", "global", "cikeGlobal", "0", IKE_GLOBAL),
        ("ipsec", "tunnel", "cipSecTun", "1", IPSEC_LIVE),
        ("ipsec", "history", "cipSecTunHist", "1", IPSEC),
        ("ipsec", "global", "cipSecGlobal", "0", IPSEC_GLOBAL),
    ],
)
def test_numbers(world: World, family: str, word: str, prefix: str, index: str, objects: Mapping[str, str]) -> None:
    listing = (IKE_LISTINGS if family == "ike" else IPSEC_LISTINGS)[word]
    asked = Asked(world.clock.time, Release.CLASSIC)
    printed: dict[str, str] = {}
    for line in list(lines(listing, [world.monitor.vrf("vrf1")], asked))[1:]:
        label, _, value = line.strip().partition(":")
        printed.setdefault(label, value.strip())
    wanted = {label: world.get(f"{prefix}{name}.{index}", VRF1) for label, name in objects.items()}
    if "Encapsulation mode" in wanted:
        assert wanted.pop("Encapsulation mode") == b"tunnel"
        assert printed["Encapsulation mode"] == "1"
    assert {label: int(printed[label]) for label in wanted} == wanted


@pytest.mark.parametrize(("family", "table"), [("ike", "cikeFail"), ("ipsec", "cipSecFail")])
def test_reasons_have_the_words_of_their_labels(world: World, family: str, table: str) -> None:
    """Each failure row's text and the label in its MIB begin alike: they are of one reason."""
    listing = (IKE_LISTINGS if family == "ike" else IPSEC_LISTINGS)["failure"]
    shown = [line.strip() for line in lines(listing, [world.monitor.vrf("vrf1")], Asked(0, Release.CLASSIC))]
    indexes = [line.partition(":")[2].strip() for line in shown if line.startswith("Index")]
    texts = [line.partition(":")[2].strip() for line in shown if line.startswith("Reason")]
    labels = [world.labels(f"{table}Reason.{index}", VRF1) or "" for index in indexes]
    assert len(labels) > 15
    assert [text[:2].lower() for text in texts] == [label[:2].lower() for label in labels]
