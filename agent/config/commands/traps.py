"""Config room: notification types: what `snmp-server enable traps` and `snmp-server host … TYPE` can name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from agent.base.defaults import ENABLED_TRAPS
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Place, Rendered, State
from agent.config.events import ConfigEvent, TrapTypesSet
from agent.config.snmp_model import IKE, SnmpConfig, canonical_type

HELP = {
    "snmp-server enable": "Enable SNMP Traps",
    "snmp-server enable traps": "Enable SNMP Traps",
    "traps snmp": "Enable SNMP traps",
    "traps tty": "Enable TCP connection traps",
    "traps config": "Enable SNMP config traps",
    "traps ipsec": "Enable IPsec traps",
    "traps isakmp": "Enable ISAKMP traps",
    "traps ike": "Enable IKE traps",
}

# Type → subtypes → leaves, in the order in which IOS writes them; a type without subtypes is its own leaf.
TYPES: dict[str, dict[str, tuple[str, ...]]] = {
    "snmp": {"authentication": (), "linkdown": (), "linkup": (), "coldstart": (), "warmstart": ()},
    "tty": {},
    "config": {},
    "isakmp": {"policy": ("add", "delete"), "tunnel": ("start", "stop")},
    "ipsec": {"cryptomap": ("add", "delete", "attach", "detach"), "tunnel": ("start", "stop"), "too-many-sas": ()},
}

# What else IOS lets a host be sent, as a pattern: nothing here sends any, and a host that names none of ours is sent nothing.
OTHER_TYPES = (
    "aaa_server|alarms|atm|bfd|bgp|bridge|bstun|bulkstat|call-home|casa|cnpd|ccme|cef|config-copy|config-ctid|cpu|dhcp|diameter|director|dlsw|ds1|dspu"
    "|ds0-busyout|dsp|eigrp|entity|entity-diag|entity-qfp|entity-state|envmon|errdisable|ethernet|ethernet-cfm|evc|event-manager|firewall|flash|flowmon|frame-relay|fru-ctrl"
    "|gdoi|gatekeeper|hsrp|icsudsu|iplocalpool|ipmobile|ipmulticast|ipsla|isdn|isg-mib|isis|l2tun-pseudowire-status|l2tun-session"
    "|license|llc2|local-auth|lisp|mac-notification|memory|mpls-fast-reroute|mpls-ldp|mpls-traffic-eng|mpls-vpn|msdp"
    "|mvpn|nhrp|ntp|ospf|ospfv3|pfr|pim|pki|port-security|power-ethernet|pppoe|pw|pw-vc|rep|resource-policy|rf|rsrb|rsvp|rtr|sdlc|sdllc|sonet|srp"
    "|srst|stackwise|stpx|stun|syslog|transceiver|trustsec|trustsec-sxp|vlan-membership|vlancreate|vlandelete|voice|vrfmib|vrrp"
    "|vswitch|vtp|x25|xgcp"
)

HELP.update({f"<community> {kind}": f"Allow SNMP {kind} traps" for kind in (*TYPES, "ike", *OTHER_TYPES.split("|"))})


def all_leaves() -> list[str]:
    """Every notification type as its full path of words, in IOS's order."""
    return [" ".join(path) for path in _paths()]


def _paths() -> Iterator[tuple[str, ...]]:
    for kind, subtypes in TYPES.items():
        if not subtypes:
            yield (kind,)
        for subtype, leaves in subtypes.items():
            yield from ((kind, subtype, leaf) for leaf in leaves)
            if not leaves:
                yield (kind, subtype)


def named_leaves(words: Iterable[str]) -> frozenset[str]:
    """The leaves that a list of types names: `ipsec cryptomap add isakmp` is one leaf of ipsec and all of isakmp; no word, all."""
    leaves = all_leaves()
    groups: list[str] = []
    current: list[str] = []
    for word in map(canonical_type, words):
        while current and not _known((*current, word), leaves):
            current.pop()
        narrowed = groups and groups[-1] == " ".join(current)
        current.append(word)
        if narrowed:
            groups[-1] = " ".join(current)
        else:
            groups.append(" ".join(current))
    return frozenset(leaf for leaf in leaves if not groups or any(leaf == each or leaf.startswith(f"{each} ") for each in groups))


def _known(path: tuple[str, ...], leaves: list[str]) -> bool:
    text = " ".join(path)
    return any(leaf == text or leaf.startswith(f"{text} ") for leaf in leaves)


def _pattern() -> str:
    kinds = []
    for kind, subtypes in (*TYPES.items(), (IKE, TYPES[canonical_type(IKE)])):
        parts = [f"{subtype} [{{{'|'.join(leaves)}}}]*" if leaves else subtype for subtype, leaves in subtypes.items()]
        kinds.append(f"{kind} [{'|'.join(parts)}]*" if parts else kind)
    return f"snmp-server enable traps [{'|'.join(kinds)}]*"


def _leaves(edit: Edit, match: ConfigMatch) -> frozenset[str]:
    """The leaves that a line names; those of ISAKMP are rendered with its word for them from now on."""
    leaves = named_leaves(match.words[3:])
    if IKE in match.words:
        edit.config.snmp.traps_as_ike |= {leaf for leaf in leaves if leaf.startswith("isakmp ")}
    else:
        edit.config.snmp.traps_as_ike -= leaves
    return leaves


def switch_types(snmp: SnmpConfig, leaves: frozenset[str], enabled: bool | None) -> list[ConfigEvent]:
    """Turn leaves on or off, or (None) back to what they are without a line; what that did."""
    on = leaves & frozenset(ENABLED_TRAPS)
    snmp.traps = snmp.traps | leaves if enabled else snmp.traps - leaves
    snmp.traps_disabled = snmp.traps_disabled - leaves if enabled is not False else snmp.traps_disabled | on
    snmp.traps_as_ike &= snmp.traps | snmp.traps_disabled  # of what is not rendered, no spelling is kept
    if enabled is not None:
        return [TrapTypesSet(leaves, enabled)]
    return [TrapTypesSet(changed, each) for changed, each in ((on, True), (leaves - on, False)) if changed]


def _switch(enabled: bool | None) -> Callable[[Edit, ConfigMatch], None]:
    def change(edit: Edit, match: ConfigMatch) -> None:
        edit.events += switch_types(edit.config.snmp, _leaves(edit, match), enabled)

    return change


def _render(state: State, place: Place) -> Iterable[Rendered]:
    enabled = state.config.snmp.traps
    snmp = [leaf.removeprefix("snmp ") for leaf in all_leaves() if leaf in enabled and leaf.startswith("snmp ")]
    if snmp:
        yield "snmp-server enable traps snmp " + " ".join(snmp)
    as_ike = state.config.snmp.traps_as_ike
    for leaf in all_leaves():
        written = leaf.replace("isakmp", IKE, 1) if leaf in as_ike else leaf
        if leaf in enabled and not leaf.startswith("snmp "):
            yield f"snmp-server enable traps {written}"
        elif leaf in state.config.snmp.traps_disabled:
            yield f"no snmp-server enable traps {written}"


def commands() -> list[ConfigCommand]:
    return [ConfigCommand("config", _pattern(), 2450, _switch(True), _switch(False), _render, default=_switch(None))]
