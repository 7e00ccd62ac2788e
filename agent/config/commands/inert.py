"""Config room: inert lines: accepted, kept and rendered without effect. They are those of the guide's routers and of log-ins."""

from __future__ import annotations

from agent.config.command import ConfigCommand, Mode
from agent.config.commands.building import inert

MODES = {
    "control-plane": Mode("(config-cp)#", "control-plane"),
    "resource-policy": Mode("(config-res-policy)#", "resource-policy"),
    "mgcp-profile": Mode("(config-mgcp-profile)#", "mgcp-profile"),
    "dial-peer-cor": Mode("(config-dp-cor)#", "dial-peer-cor"),
    "gatekeeper": Mode("(config-gk)#", "gatekeeper"),
    "webvpn-context": Mode("(config-webvpn-context)#", "webvpn-context"),
}

HELP = {
    "clock summer-time": "Configure summer (daylight savings) time",
    "ntp": "Configure NTP",
    "voice": "Global voice configuration",
    "mgcp": "Enable Media Gateway Control Protocol",
    "webvpn": "webvpn commands",
    "control-plane": "Configure control plane services",
    "exception": "Exception handling",
    "frame-relay": "Set frame relay parameters",
    "ip cef": "Cisco Express Forwarding",
    "ip classless": "Follow classless routing forwarding rules",
    "ip default-gateway": "Specify default gateway (if not routing IP)",
    "ip http": "HTTP server configuration",
    "ip subnet-zero": "Allow 'subnet zero' subnets",
}


def _global_lines() -> list[ConfigCommand]:
    mode = "config"
    return [
        inert(mode, "service password-encryption", 210, shows="both"),
        inert(mode, "boot-start-marker", 400),
        inert(mode, "boot-end-marker", 401),
        inert(mode, "resource policy", 700, enters="resource-policy"),
        inert(mode, "memory-size iomem <percent:int(5-50)>", 800),
        inert(mode, "clock summer-time <zone:word> recurring", 811),
        inert(mode, "ip subnet-zero", 820, shows="both"),
        inert(mode, "ip cef", 830, shows="both"),
        inert(mode, "voice call carrier capacity active", 1900),
        inert(mode, "ip default-gateway <address:address>", 2110),
        inert(mode, "ip classless", 2120, shows="both"),
        inert(mode, "ip http server", 2140, shows="both"),
        inert(mode, "ip http secure-server", 2141, shows="both"),
        inert(mode, "ip pim bidir-enable", 2145, shows="both"),
        inert(mode, "control-plane", 2600, enters="control-plane"),
        inert(mode, "call rsvp-sync", 2650, shows="both"),
        inert(mode, "mgcp profile default", 2660, enters="mgcp-profile"),
        inert(mode, "dial-peer cor custom", 2670, enters="dial-peer-cor"),
        inert(mode, "gatekeeper", 2680, enters="gatekeeper"),
        inert("gatekeeper", "shutdown", 10, shows="both"),
        inert(mode, "exception core-file <name:word>", 2900),
        inert(mode, "exception dump <address:address>", 2901),
        inert(mode, "ntp clock-period <period:int(0-4294967295)>", 2910),
        inert(mode, "ntp server <address:address>", 2911, many=True),
        inert(mode, "webvpn context <name:word>", 3000, enters="webvpn-context"),
        inert("webvpn-context", "ssl authenticate verify {all|none}", 10),
        inert("webvpn-context", "inservice", 20, shows="both"),
    ]


def _interface_lines() -> list[ConfigCommand]:
    mode = "config-if"
    return [
        inert(mode, "encapsulation frame-relay", 30),
        inert(mode, "ip route-cache cef", 40, shows="both"),
        inert(mode, "ip route-cache", 41, shows="both"),
        inert(mode, "ip mroute-cache", 42, shows="both"),
        inert(mode, "load-interval <seconds:int(30-600)>", 47),
        inert(mode, "fair-queue", 55, shows="both"),
        inert(mode, "duplex {auto|full|half}", 60),
        inert(mode, "speed {10|100|1000|auto}", 61),
        inert(mode, "keepalive [<seconds:int(0-32767)>]", 62, shows="both"),
        inert(mode, "serial restart-delay <seconds:int(0-900)>", 63),
        inert(mode, "clock rate ... <hertz:int(300-2147483647)>", 64),
        inert(mode, "frame-relay inverse-arp", 65, shows="both"),
        inert(mode, "frame-relay interface-dlci <dlci:int(16-1007)>", 66),
    ]


def commands() -> list[ConfigCommand]:
    return [*_global_lines(), *_interface_lines()]
