"""Config room: `radius-server …`: what holds for all RADIUS servers, and the servers of `radius-server host`; `ip radius …`.

They follow the Cisco IOS Security Command Reference. What has no effect here is kept as it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from agent.config.aaa_model import RETRANSMIT, TIMEOUT, DeadCriteria, RadiusConfig, RadiusServer
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Negate, Place, Rendered, State
from agent.config.commands.building import as_lines, inert
from agent.config.commands.radius_servers import (
    BACKOFF,
    BALANCE,
    KEY,
    OPTIONS,
    RETRIES,
    SERVER,
    TIMEOUT_ARGUMENT,
    secret_of,
    server_of,
    without_server,
    written_key,
    written_server,
)

HELP = {
    "radius-server": "Modify RADIUS query parameters",
    "radius-server accounting": "Accounting information configuration",
    "radius-server attribute": "Customize selected radius attributes",
    "radius-server backoff": "Retry backoff pattern(Default is retransmits with constant delay)",
    "radius-server challenge-noecho": "Data echoing to screen is disabled during Access-Challenge",
    "radius-server configure-nas": "Attempt to upload static routes and IP pools at startup",
    "radius-server dead-criteria": "Set the criteria used to decide when a radius server is marked dead",
    "radius-server deadtime": "time to stop using a server that doesn't respond",
    "radius-server directed-request": "Allow user to specify radius server to use with `@server'",
    "radius-server host": "Specify a RADIUS server",
    "radius-server key": "encryption key shared with the radius servers",
    "radius-server load-balance": "Radius load-balancing options.",
    "radius-server optional-passwords": "The first RADIUS request can be made without requesting a password",
    "radius-server retransmit": "Specify the number of retries to active server",
    "radius-server retry": "Specify how the next packet is sent after timeout.",
    "radius-server source-ports": "source ports used for sending out RADIUS requests",
    "radius-server throttle": "Throttle requests to radius server",
    "radius-server timeout": "Time to wait for a RADIUS server to reply",
    "radius-server transaction": "Specify per-transaction parameters",
    "radius-server unique-ident": "Higher order bits of Acct-Session-Id",
    "radius-server vsa": "Vendor specific attribute configuration",
    "radius-server accounting system": "System accounting related configuration.",
    "system host-config": "Send accounting on/off with configuration changes of hosts",
    "radius-server domain-stripping": "Strip the domain from the username",
    "right-to-left": "Terminate the string at the first delimiter going from right to left",
    "radius-server extended-portnames": "Display expanded interface names in RADIUS requests",
    "directed-request restricted": "restrict queries to directed request servers only",
    "attribute 4": "NAS IP address attribute",
    "radius-server attribute 6": "Service-Type attribute",
    "6 mandatory": "Reject replies without a Service-Type",
    "on-for-login-auth": "Send attribute 6 in authentication requests of logins",
    "support-multiple": "Support multiple Service-Type values in a reply",
    "radius-server attribute 8": "Framed IP address attribute",
    "8 include-in-access-req": "Send attribute 8 in access-req packet",
    "attribute 11": "Filter-Id attribute configuration",
    "11 default": "Set default configuration",
    "default direction": "Set default direction of filters",
    "direction in": "Filter incoming packets by default",
    "direction out": "Filter outgoing packets by default",
    "attribute 25": "Class attribute",
    "access-request": "Access-Request packet",
    "access-request include": "Include attribute",
    "attribute 31": "Calling Station ID",
    "append-circuit-id": "Append the circuit id",
    "31 mac": "Customize MAC address based Calling Station ID",
    "31 remote-id": "Use the remote id",
    "31 send": "Send attribute",
    "mac format": "Specify format (default format ex: 0000.4096.3e4a)",
    "format default": "format ex: 0000.4096.3e4a",
    "format ietf": "format ex: 00-00-40-96-3E-4A",
    "format unformatted": "format ex: 000040963e4a",
    "lower-case": "Lower case",
    "upper-case": "Upper case",
    "nas-port-detail": "Send NAS port details",
    "mac-only": "Send only MAC address",
    "attribute 32": "NAS-Identifier attribute",
    "include-in-access-req": "Send attribute in access-req packets",
    "include-in-accounting-req": "Send attribute in accounting-req packets",
    "include-in-acct-req": "Send attribute in accounting-req packets",
    "include-in-access-req format": "Format of the attribute",
    "include-in-accounting-req format": "Format of the attribute",
    "<format>": "A string with %i (IP address), %h (hostname) and %d (domain name)",
    "attribute 44": "Acct-Session-Id attribute",
    "include-in-access-req all": "For all VRFs",
    "include-in-access-req default-vrf": "For the global routing table",
    "include-in-access-req vrf": "For one VRF",
    "extend-with-addr": "Extend the session id with the address of the router",
    "sync-with-client": "Use the client's session id",
    "attribute 55": "Event-Timestamp attribute",
    "attribute 61": "NAS-Port-Type attribute configuration",
    "61 extended": "Use extended NAS port types",
    "attribute 69": "Tunnel-Password attribute configuration",
    "69 clear": "Receive attribute 69 unencrypted",
    "attribute 77": "Connect-Info attribute",
    "attribute 188": "Num-In-Multilink attribute configuration",
    "188 format": "Format of attribute 188",
    "format non-standard": "As attribute 188, not as a vendor-specific one",
    "attribute nas-port": "NAS-Port attribute configuration",
    "nas-port extended": "Use extended NAS port format",
    "nas-port format": "Format of NAS-Port",
    "nas-port format <format>": "Name of the format",
    "attribute nas-port-id": "NAS-Port-Id attribute configuration",
    "nas-port-id include": "Additional fields of the attribute",
    "dead-criteria time": "The time during which no properly formed response must be received from the RADIUS server",
    "dead-criteria tries": "The number of times in a row that it must fail to answer",
    "<seconds> tries": "The number of times in a row that it must fail to answer",
    "tries <tries>": "Number of tries",
    "max-tries": "Limit the number of transmissions of a request",
    "max-tries <tries>": "Number of transmissions",
    "retry method": "Method of choosing the next server",
    "method reorder": "Try the server that answered last first",
    "source-ports extended": "Use 200 source-ports between 21645-21844",
    "source-ports <first>": "First port",
    "<first> <last>": "Last port",
    "throttle access": "Throttle access requests",
    "throttle accounting": "Throttle accounting requests",
    "<requests> access": "Throttle access requests",
    "<requests>": "Number of requests that may wait for an answer",
    "<identifier>": "Number of the router",
    "authorization missing": "Missing attributes",
    "authorization default": "Default of a missing attribute",
    "Framed-Protocol": "Framed-Protocol attribute",
    "Framed-Protocol ppp": "PPP",
    "vsa disallow": "Forbid certain VSA behaviour",
    "disallow unknown": "Forbid unknown VSAs",
    "3gpp2": "Send 3GPP2 VSAs",
    "prefix-delimiter": "Characters before which the prefix of a name ends",
    "prefix-delimiter <prefix>": "Characters",
    "domain-stripping delimiter": "Characters after which the domain begins",
    "<prefix> delimiter": "Characters after which the domain begins",
    "right-to-left delimiter": "Characters after which the domain begins",
    "delimiter <delimiters>": "Characters",
    "strip-suffix": "Strip one suffix of the name",
    "strip-suffix <suffix>": "The suffix",
    "domain-stripping vrf": "For the users of a VRF",
    "1645-1646": "The standard source ports",
    "send cisco-nas-port": "Send cisco-nas-port VSA(2)",
    "ip radius": "RADIUS configuration commands",
    "ipv6 radius": "RADIUS configuration commands",
    "config ipv6": "Global IPv6 configuration commands",
    "radius-server timeout <timeout>": "Wait time (default 5 seconds)",
    "source-interface <interface> vrf": "VPN Routing/Forwarding parameters",
    "radius source-interface": "Specify interface for source address in RADIUS packets",
}


def commands() -> list[ConfigCommand]:
    return [*_source_interfaces(), *_global_lines()]


def _source_interfaces() -> list[ConfigCommand]:
    def apply(edit: Edit, match: ConfigMatch) -> None:
        edit.config.radius.source_interfaces[match.maybe_word("vrf")] = match.word("interface")

    def negate(edit: Edit, match: ConfigMatch) -> None:
        edit.config.radius.source_interfaces.pop(match.maybe_word("vrf"), None)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        for vrf, interface in state.config.radius.source_interfaces.items():
            yield f"ip radius source-interface {interface}" + (f" vrf {vrf}" if vrf else "")

    pattern = "ip radius source-interface ~ <interface:interface> [vrf <vrf:word>]"
    return [
        ConfigCommand("config", pattern, 2210, apply, negate, render),
        inert("config", "ipv6 radius source-interface ~ <interface:interface> [vrf <vrf:word>]", 2211),
    ]


_Values = Mapping[str, object]


def _line(
    pattern: str,
    rank: int,
    change: Callable[[ConfigMatch], _Values],
    undo: Callable[[ConfigMatch], _Values] | _Values,
    write: Callable[[RadiusConfig], Iterable[str] | str | None],
) -> ConfigCommand:
    """A global line that sets fields of the RADIUS configuration."""

    def setting(values: Callable[[ConfigMatch], _Values]) -> Negate:
        def apply(edit: Edit, match: ConfigMatch) -> None:
            for field, value in values(match).items():
                setattr(edit.config.radius, field, value)

        return apply

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return as_lines(write(state.config.radius))

    undoing = undo if callable(undo) else lambda match: undo
    return ConfigCommand("config", pattern, rank, setting(change), setting(undoing), render)


def _switch(words: str, rank: int, field: str) -> ConfigCommand:
    def write(radius: RadiusConfig) -> str | None:
        return words if getattr(radius, field) else None

    return _line(words, rank, lambda match: {field: True}, {field: False}, write)


def _stated(word: str, argument: str, rank: int, field: str, default: int) -> ConfigCommand:
    """A number that IOS writes where a line has said it, though it may be the default."""
    name = argument[1:].partition(":")[0]
    words = f"radius-server {word}"

    def apply(edit: Edit, match: ConfigMatch) -> None:
        setattr(edit.config.radius, field, match.number(name))
        edit.config.radius.stated.add(field)

    def negate(edit: Edit, match: ConfigMatch) -> None:
        setattr(edit.config.radius, field, default)
        edit.config.radius.stated.discard(field)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return (f"{words} {getattr(state.config.radius, field)}",) if field in state.config.radius.stated else ()

    return ConfigCommand("config", f"{words} ~ {argument}", rank, apply, negate, render)


def _nas_identifier(word: str, rank: int, field: str) -> ConfigCommand:
    words = f"radius-server attribute 32 {word}"

    def write(radius: RadiusConfig) -> str | None:
        form = getattr(radius, field)
        return None if form is None else f"{words} format {form}" if form else words

    return _line(f"{words} ~ [format <format:line>]", rank, lambda m: {field: m.maybe_word("format") or ""}, {field: None}, write)


def _add_host(edit: Edit, match: ConfigMatch) -> None:
    new = server_of(edit, match, 2)  # `radius-server host`
    edit.config.radius.hosts = edit.config.radius.hosts.put(new.identity, new)


def _remove_host(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.hosts = without_server(edit, match, edit.config.radius.hosts, RadiusServer)


def _render_hosts(state: State, place: Place) -> Iterable[Rendered]:
    return [f"radius-server host {written_server(server)}" for server in state.config.radius.hosts]


def _set_global_key(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.key = secret_of(edit, match)


def _no_global_key(edit: Edit, match: ConfigMatch) -> None:
    edit.config.radius.key = None


def _render_global_key(state: State, place: Place) -> Iterable[Rendered]:
    key = state.config.radius.key
    return () if key is None else (f"radius-server key {written_key(key)}",)


def _written_criteria(radius: RadiusConfig) -> str | None:
    said = [
        f"{word} {value}" for word, value in (("time", radius.dead_criteria.time), ("tries", radius.dead_criteria.tries)) if value
    ]
    return f"radius-server dead-criteria {' '.join(said)}" if said else None


def _vsa(kind: str, rank: int, field: str) -> ConfigCommand:
    return _switch(f"radius-server vsa send {kind}", rank, field)


def _global_lines() -> list[ConfigCommand]:
    both = {"vsa_accounting": True, "vsa_authentication": True}
    return [
        _line(
            "radius-server attribute 4 ~ <address:address>",
            2500,
            lambda match: {"nas_ip_address": match.address("address")},
            {"nas_ip_address": None},
            lambda radius: f"radius-server attribute 4 {radius.nas_ip_address}" if radius.nas_ip_address else None,
        ),
        _switch("radius-server attribute 6 on-for-login-auth", 2500, "service_type_on_login"),
        _switch("radius-server attribute 6 mandatory", 2500, "service_type_mandatory"),
        _switch("radius-server attribute 6 support-multiple", 2500, "service_types_multiple"),
        _nas_identifier("include-in-access-req", 2500, "nas_identifier_in_access"),
        _nas_identifier("include-in-accounting-req", 2500, "nas_identifier_in_accounting"),
        _switch("radius-server attribute 55 include-in-acct-req", 2500, "event_timestamp"),
        *(inert("config", f"radius-server {pattern}", 2501, many=True) for pattern in _ATTRIBUTES),
        _line(
            "radius-server dead-criteria ~ {time <seconds:int(1-120)> [tries <tries:int(1-100)>]|tries <tries:int(1-100)>}",
            2502,
            lambda match: {"dead_criteria": DeadCriteria(match.maybe_number("seconds"), match.maybe_number("tries"))},
            {"dead_criteria": DeadCriteria()},
            _written_criteria,
        ),
        ConfigCommand("config", f"radius-server host {SERVER} ~ {OPTIONS}", 2503, _add_host, _remove_host, _render_hosts),
        _stated("retransmit", RETRIES, 2504, "retransmit", RETRANSMIT),
        _stated("timeout", TIMEOUT_ARGUMENT, 2505, "timeout", TIMEOUT),
        _line(
            "radius-server deadtime ~ <minutes:int(1-1440)>",
            2506,
            lambda match: {"deadtime": match.number("minutes")},
            {"deadtime": 0},
            lambda radius: f"radius-server deadtime {radius.deadtime}" if radius.deadtime else None,
        ),
        *(inert("config", f"radius-server {pattern}", 2507) for pattern in _UNUSED),
        _switch("radius-server challenge-noecho", 2508, "challenge_noecho"),
        ConfigCommand("config", f"radius-server key ~ {KEY}", 2509, _set_global_key, _no_global_key, _render_global_key),
        inert(
            "config",
            "radius-server authorization {permit missing Service-Type|missing Service-Type|default Framed-Protocol ppp}",
            2510,
            many=True,
        ),
        _line("radius-server vsa send", 2511, lambda match: both, dict.fromkeys(both, False), lambda radius: None),
        _vsa("accounting", 2511, "vsa_accounting"),
        _vsa("authentication", 2511, "vsa_authentication"),
        inert(
            "config",
            "radius-server vsa {send {cisco-nas-port|{accounting|authentication} 3gpp2}|disallow unknown}",
            2512,
            many=True,
        ),
    ]


# Lines that change nothing here, as they are written. Those of the first table may stand side by side.
_ATTRIBUTES = (
    "attribute 8 include-in-access-req",
    "attribute 11 default direction {in|out}",
    "attribute 25 access-request include",
    "attribute 31 mac format {default|ietf|unformatted} [lower-case|upper-case]",
    "attribute 31 {remote-id|append-circuit-id|send nas-port-detail [mac-only]}",
    "attribute 44 {include-in-access-req [all|default-vrf|vrf <vrf:word>]|extend-with-addr|sync-with-client}",
    "attribute 55 access-request include",
    "attribute 61 extended",
    "attribute 69 clear",
    "attribute 77 {include-in-access-req|include-in-acct-req}",
    "attribute 188 format non-standard",
    "attribute nas-port {extended|format <format:word> [<text:line>]}",
    "attribute nas-port-id include <text:line>",
)
_UNUSED = (
    "accounting system host-config",
    BACKOFF,
    "configure-nas",
    "directed-request [restricted]",
    "domain-stripping {[right-to-left] [prefix-delimiter <prefix:word>] [delimiter <delimiters:word>]|strip-suffix <suffix:word>}"
    " [vrf <vrf:word>]",
    "extended-portnames",
    BALANCE,
    "optional-passwords",
    "retry method reorder",
    "source-ports ~ {extended|1645-1646|<first:int(1024-65535)> [<last:int(1024-65535)>]}",
    "throttle ~ {accounting <requests:int(0-65536)> [access <requests:int(0-65536)>]|access <requests:int(0-65536)>}",
    "transaction max-tries ~ <tries:int(1-100)>",
    "unique-ident ~ <identifier:int(0-255)>",
)
