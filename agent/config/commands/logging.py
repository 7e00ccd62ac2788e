"""Config room: `logging …`, and the stamps of messages (Cisco IOS Network Management Command Reference, `logging …`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address

from agent.config.command import ConfigCommand, ConfigMatch, Place
from agent.config.commands.building import Leaves
from agent.config.logging_model import (
    BUFFER_SIZE,
    DEFAULT_FACILITY,
    FACILITIES,
    PORTS,
    SEVERITIES,
    Level,
    LoggingConfig,
    LoggingHost,
    RateLimit,
)
from agent.config.model import RouterConfig

HELP = {
    "service": "Modify use of network based services",
    "service sequence-numbers": "Stamp logger messages with a sequence number",
    "service timestamps": "Timestamp debug/log messages",
    "service timestamps debug": "Timestamp debug messages",
    "service timestamps log": "Timestamp log messages",
    "uptime": "Timestamp with system uptime",
    "datetime": "Timestamp with date and time",
    "localtime": "Use local time zone for timestamps",
    "msec": "Include milliseconds in timestamp",
    "show-timezone": "Add time zone information to timestamp",
    "year": "Include year in timestamp",
    "logging": "Modify message logging facilities",
    "logging <address>": "IP address of the syslog server",
    "logging buffered": "Set buffered logging parameters",
    "buffered <size>": "Logging buffer size",
    "<severity>": "Logging severity level",
    "emergencies": "System is unusable (severity=0)",
    "alerts": "Immediate action needed (severity=1)",
    "critical": "Critical conditions (severity=2)",
    "errors": "Error conditions (severity=3)",
    "warnings": "Warning conditions (severity=4)",
    "notifications": "Normal but significant conditions (severity=5)",
    "informational": "Informational messages (severity=6)",
    "debugging": "Debugging messages (severity=7)",
    "logging console": "Set console logging parameters",
    "logging facility": "Facility parameter for syslog messages",
    "logging facility auth": "Authorization system",
    "cron": "Cron/at facility",
    "daemon": "System daemons",
    "kern": "Kernel",
    **{f"local{number}": "Local use" for number in range(8)},
    "lpr": "Line printer system",
    "mail": "Mail system",
    "news": "USENET news",
    **{f"sys{number}": "System use" for number in range(9, 15)},
    "logging facility syslog": "Syslog itself",
    "logging facility user": "User process",
    "uucp": "Unix-to-Unix copy system",
    "logging host": "Set syslog server IP address and parameters",
    "logging host <address>": "IP address or name of the syslog server",
    "discriminator": "Specify a message discriminator identifier for this logging session",
    "<discriminator>": "Name of the message discriminator",
    "filtered": "Enable filtered logging",
    "sequence-num-session": "Include session sequence number tag in syslog message",
    "session-id": "Specify syslog message session ID tagging",
    "session-id hostname": "Include hostname in session ID tag",
    "session-id ipv4": "Include logging source IP address in session ID tag",
    "session-id ipv6": "Include logging source IPv6 address in session ID tag",
    "session-id string": "Include custom string in session ID tag",
    "<session>": "Custom string for the session ID tag",
    "xml": "Enable logging in XML",
    "transport": "Specify the transport protocol (default=UDP)",
    "transport tcp": "Transport Control Protocol",
    "transport udp": "User Datagram Protocol",
    "tcp port": "Specify the TCP port number (default=601)",
    "udp port": "Specify the UDP port number (default=514)",
    "port <port>": "Port number",
    "logging host vrf": "Set VRF option",
    "vrf <vrf>": "VRF name",
    "logging message-counter": "Configure log message to include certain counter value",
    "logging message-counter syslog": "Enable to insert message counter",
    "logging monitor": "Set terminal line (monitor) logging parameters",
    "logging on": "Enable logging to all enabled destinations",
    "logging origin-id": "Add origin ID to syslog messages",
    "logging origin-id hostname": "Use origin hostname as ID",
    "logging origin-id ip": "Use origin IP address as ID",
    "logging origin-id string": "Define a unique text string as ID",
    "<origin>": "Text string identifier of the router",
    "logging queue-limit": "Set logger message queue size",
    "logging queue-limit trap": "Queue of messages to syslog servers",
    "trap <limit>": "Number of messages",
    "logging rate-limit": "Set messages per second limit",
    "logging rate-limit all": "(Optional) All messages, debug messages included",
    "logging rate-limit console": "Rate limit only console messages",
    "console all": "(Optional) All messages, debug messages included",
    "<each-second>": "Messages per second",
    "except": "Messages of this severity or higher",
    "logging source-interface": "Specify interface for source address in logging transactions",
    "logging source-interface vrf": "Specify the VRF of the syslog servers",
    "source-interface <interface>": "Interface name",
    "logging trap": "Set syslog server logging level",
}

_LEVEL = f"[level={{{'|'.join(SEVERITIES)}}}|<severity:int(0-7)>]"
_STAMP = "[uptime | datetime [{localtime|msec|show-timezone|year}]*]"
_FORM = ("uptime", "datetime", "msec", "localtime", "show-timezone", "year")  # in the order in which IOS writes them
_HOST = (
    "[vrf <vrf:word>|transport transport={tcp|udp} [port <port:int(1-65535)>]"
    "|discriminator <discriminator:word>|session-id {kind={hostname|ipv4|ipv6}|kind={string} <session:word>}"
    "|option={filtered|sequence-num-session|xml}]*"
)
Change = Mapping[str, object]


def _put(config: RouterConfig, place: Place, logging: LoggingConfig) -> None:
    config.logging = logging


_LINES: Leaves[LoggingConfig] = Leaves("config", lambda config, place: config.logging, _put)


def _severity(match: ConfigMatch) -> str | None:
    number = match.maybe_number("severity")
    return match.maybe_word("level") if number is None else SEVERITIES[number]


# --- service ---


def _timestamps(match: ConfigMatch, logging: LoggingConfig) -> Change:
    """Without any word the line means `service timestamps debug uptime`, as the command reference says."""
    kind = match.maybe_word("kind") or "debug"
    form = " ".join(word for word in _FORM if word in match.words[3:]) or "uptime"
    return {"timestamps": {**logging.timestamps, kind: form}}


def _no_timestamps(match: ConfigMatch, logging: LoggingConfig) -> Change:
    return {"timestamps": {**logging.timestamps, **dict.fromkeys(_kinds(match), "")}}


def _default_timestamps(match: ConfigMatch, logging: LoggingConfig) -> Change:
    return {"timestamps": {kind: form for kind, form in logging.timestamps.items() if kind not in _kinds(match)}}


def _kinds(match: ConfigMatch) -> tuple[str, ...]:
    return tuple(map(str, match.all("kind"))) or ("debug", "log")


def _written_timestamps(logging: LoggingConfig) -> Iterator[str]:
    for kind in ("debug", "log"):
        form = logging.timestamps.get(kind)
        if form is not None:
            yield f"service timestamps {kind} {form}" if form else f"no service timestamps {kind}"


# --- destinations ---


def _destination(name: str, rank: int) -> ConfigCommand:
    """`logging console`, `logging monitor` and `logging trap`, each with its severity."""

    def write(logging: LoggingConfig) -> str | None:
        level: Level = getattr(logging, name)
        if not level.on:
            return f"no logging {name}"
        return f"logging {name} {level.severity}" if level.severity else None

    return _LINES.command(
        f"logging {name} ~ ... {_LEVEL}",
        rank,
        lambda match, logging: {name: Level(True, _severity(match))},
        {name: Level(False)},
        write,
        default={name: Level()},
    )


def _buffered(match: ConfigMatch, logging: LoggingConfig) -> Change:
    return {"buffered": Level(True, _severity(match)), "buffer_size": match.maybe_number("size") or logging.buffer_size}


def _written_buffered(logging: LoggingConfig) -> str | None:
    if not logging.buffered.on:
        return "no logging buffered"
    if (logging.buffer_size, logging.buffered) == (BUFFER_SIZE, Level()):
        return None
    return f"logging buffered {logging.buffer_size} {logging.buffered.severity or ''}".rstrip()


# --- hosts ---


def _host(match: ConfigMatch) -> LoggingHost:
    address, transport = match.maybe("address"), match.maybe_word("transport") or "udp"
    discriminator, session = match.maybe_word("discriminator"), match.maybe_word("kind")
    return LoggingHost(
        address if isinstance(address, IPv4Address) else str(address),
        match.maybe_word("vrf"),
        transport,
        match.maybe_number("port") or PORTS[transport],
        (
            *(f"discriminator {each}" for each in [discriminator] if each),
            *(f"session-id {each} {match.maybe_word('session') or ''}".rstrip() for each in [session] if each),
            *map(str, match.all("option")),
        ),
    )


def _add_host(match: ConfigMatch, logging: LoggingConfig) -> Change:
    """A host is configured again in its place, with other options."""
    hosts = {host.key: host for host in logging.hosts}
    new = _host(match)
    return {"hosts": tuple((hosts | {new.key: new}).values())}


def _remove_host(match: ConfigMatch, logging: LoggingConfig) -> Change:
    """Without a transport, every one of that host in that VRF is removed."""
    gone = _host(match)

    def is_meant(host: LoggingHost) -> bool:
        return host.key == gone.key or ("transport" not in match.values and host.key[:2] == gone.key[:2])

    return {"hosts": tuple(host for host in logging.hosts if not is_meant(host))}


def _options_doubt(match: ConfigMatch) -> str | None:
    options = _host(match).options
    return f"`{options[0]}` of a syslog server has no effect here" if options else None


def _written_host(host: LoggingHost) -> str:
    port = f" port {host.port}" if host.port != PORTS[host.transport] else ""
    words = [
        f"logging host {host.address}",
        f"vrf {host.vrf}" if host.vrf else "",
        f"transport {host.transport}{port}" if port or host.transport != "udp" else "",
        *host.options,
    ]
    return " ".join(word for word in words if word)


def _source(match: ConfigMatch, logging: LoggingConfig) -> Change:
    return {"source_interfaces": {**logging.source_interfaces, match.maybe_word("vrf"): match.word("interface")}}


def _no_source(match: ConfigMatch, logging: LoggingConfig) -> Change:
    """Without an interface and a VRF, that of the global table is removed."""
    vrf = match.maybe_word("vrf")
    return {"source_interfaces": {each: name for each, name in logging.source_interfaces.items() if each != vrf}}


def _written_source(logging: LoggingConfig) -> Iterator[str]:
    for vrf, interface in logging.source_interfaces.items():
        yield f"logging source-interface {interface}{f' vrf {vrf}' if vrf else ''}"


def _origin(match: ConfigMatch, logging: LoggingConfig) -> Change:
    return {"origin": (match.word("kind"), match.maybe_word("origin") or "")}


def _rate(match: ConfigMatch, logging: LoggingConfig) -> Change:
    limit = RateLimit(match.number("each-second"), "console" in match.words, "all" in match.words, _severity(match))
    return {"rate_limit": limit}


def _written_rate(logging: LoggingConfig) -> str | None:
    limit = logging.rate_limit
    if limit is None:
        return None
    kinds = f"{'console ' if limit.console else ''}{'all ' if limit.everything else ''}"
    return f"logging rate-limit {kinds}{limit.each_second}{f' except {limit.exempt}' if limit.exempt else ''}"


def commands() -> list[ConfigCommand]:
    return [
        _LINES.command(
            f"service timestamps ~ [kind={{debug|log}} {_STAMP}]",
            200,
            _timestamps,
            _no_timestamps,
            _written_timestamps,
            default=_default_timestamps,
        ),
        _LINES.command(
            "service sequence-numbers",
            211,
            lambda match, logging: {"sequence_numbers": True},
            {"sequence_numbers": False},
            lambda logging: "service sequence-numbers" if logging.sequence_numbers else None,
        ),
        _LINES.command(
            "logging on",
            490,
            lambda match, logging: {"on": True},
            {"on": False},
            lambda logging: None if logging.on else "no logging on",
            default={"on": True},
        ),
        _LINES.command(
            "logging message-counter ... syslog",
            495,
            lambda match, logging: {"counted": True},
            {"counted": False},
            lambda logging: None if logging.counted else "no logging message-counter syslog",
            default={"counted": True},
        ),
        _LINES.command(
            "logging queue-limit ... trap ~ <limit:int(1-2147483647)>",
            496,
            lambda match, logging: {"queue_limit": match.number("limit")},
            {"queue_limit": None},
            lambda logging: f"logging queue-limit trap {logging.queue_limit}" if logging.queue_limit else None,
        ),
        _LINES.command(
            f"logging buffered ~ ... [<size:int(4096-2147483647)>] {_LEVEL}",
            500,
            _buffered,
            {"buffered": Level(False), "buffer_size": BUFFER_SIZE},
            _written_buffered,
            default={"buffered": Level(), "buffer_size": BUFFER_SIZE},
        ),
        _LINES.command(
            "logging rate-limit ~ [console] [all] <each-second:int(1-10000)>"
            f" [except {{level={{{'|'.join(SEVERITIES)}}}|<severity:int(0-7)>}}]",
            505,
            _rate,
            {"rate_limit": None},
            _written_rate,
        ),
        _destination("console", 510),
        _destination("monitor", 511),
        _destination("trap", 2240),
        _LINES.command(
            "logging origin-id ~ {kind={hostname|ip}|kind={string} <origin:line>}",
            2241,
            _origin,
            {"origin": None},
            lambda logging: "logging origin-id " + " ".join(filter(None, logging.origin)) if logging.origin else None,
        ),
        _LINES.command(
            f"logging facility ~ facility={{{'|'.join(FACILITIES)}}}",
            2242,
            lambda match, logging: {"facility": match.word("facility")},
            {"facility": DEFAULT_FACILITY},
            lambda logging: f"logging facility {logging.facility}" if logging.facility != DEFAULT_FACILITY else None,
        ),
        _LINES.command(
            "logging source-interface ~ <interface:interface> [vrf <vrf:word>]",
            2243,
            _source,
            _no_source,
            _written_source,
        ),
        _LINES.command(
            f"logging {{host <address:host>|<address:address>}} ~ ... {_HOST}",
            2250,
            _add_host,
            _remove_host,
            lambda logging: map(_written_host, logging.hosts),
            doubt=_options_doubt,
        ),
    ]
