"""Config room: the router itself: name, version, users, names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address

from agent.config.command import ConfigCommand, ConfigMatch, Edit, Place, Rendered, State
from agent.config.commands.building import as_lines, encoded
from agent.config.model import LONGEST_HOSTNAME, RouterConfig, User

HELP = {
    "hostname": "Set system's network name",
    "hostname <name>": "This system's network name",
    "version": "System software version",
    "enable": "Modify enable password parameters",
    "enable password": "Assign the privileged level password",
    "enable secret": "Assign the privileged level secret",
    "username": "Establish User Name Authentication",
    "username <name>": "User name",
    "privilege": "Set user privilege level",
    "clock": "Configure time-of-day clock",
    "clock timezone": "Configure time zone",
    "<zone>": "name of time zone",
    "<hours>": "Hours offset from UTC",
    "<minutes>": "Minutes offset from UTC",
    "ip": "Global IP configuration subcommands",
    "ip host": "Add an entry to the ip hostname table",
    "ip name-server": "Specify address of name server to use",
    "ip domain": "IP DNS Resolver",
    "ip domain lookup": "Enable IP Domain Name System hostname translation",
    "ip domain name": "Define the default domain name",
    "ip domain-name": "Define the default domain name",
    "ip domain-lookup": "Enable IP Domain Name System hostname translation",
    "no": "Negate a command or set its defaults",
    "default": "Set a command to its defaults",
    "exit": "Exit from this mode",
    "end": "Exit from configure mode",
    "help": "Description of the interactive help system",
    "do": "To run exec commands in config mode",
}


def _line(
    pattern: str,
    rank: int,
    apply: Callable[[RouterConfig, ConfigMatch], None],
    negate: Callable[[RouterConfig, ConfigMatch], None],
    write: Callable[[RouterConfig], Iterable[str] | str | None],
    *,
    on_by_default: bool = False,
    later: bool = False,
) -> ConfigCommand:
    def do(edit: Edit, match: ConfigMatch) -> None:
        apply(edit.config, match)

    def undo(edit: Edit, match: ConfigMatch) -> None:
        negate(edit.config, match)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return as_lines(write(state.config))

    return ConfigCommand("config", pattern, rank, do, undo, render, default=do if on_by_default else None, later=later)


def _username(config: RouterConfig, match: ConfigMatch) -> None:
    old = config.users.get(match.word("name"))
    config.users[match.word("name")] = User(
        match.word("name"),
        match.word("password") if "password" in match.values else old.password if old else "",
        match.word("kind") == "secret" if "kind" in match else bool(old and old.secret),
        match.maybe_number("encoding") or 0,
        match.number("privilege") if "privilege" in match.values else old.privilege if old else 1,
    )


def _written_user(user: User) -> str:
    privilege = f" privilege {user.privilege}" if user.privilege != 1 else ""
    if not user.password:
        return f"username {user.name}{privilege}"
    return f"username {user.name}{privilege} {'secret' if user.secret else 'password'} {user.encoding} {user.password}"


def _enable(kind: str) -> Callable[[RouterConfig, ConfigMatch], None]:
    def apply(config: RouterConfig, match: ConfigMatch) -> None:
        setattr(config, f"enable_{kind}", match.word("text"))
        setattr(config, f"enable_{kind}_encoding", match.maybe_number("encoding") or 0)

    return apply


def _no_enable(kind: str) -> Callable[[RouterConfig, ConfigMatch], None]:
    def negate(config: RouterConfig, match: ConfigMatch) -> None:
        setattr(config, f"enable_{kind}", None)

    return negate


def _timezone(config: RouterConfig, match: ConfigMatch) -> None:
    hours, minutes = match.number("hours"), match.maybe_number("minutes") or 0
    config.timezone = (match.word("zone"), hours * 60 + (minutes if hours >= 0 else -minutes))


def _no_timezone(config: RouterConfig, match: ConfigMatch) -> None:
    config.timezone = ("UTC", 0)


def _written_timezone(config: RouterConfig) -> str | None:
    zone, east = config.timezone
    if config.timezone == ("UTC", 0):
        return None
    hours, minutes = divmod(abs(east), 60)
    return f"clock timezone {zone} {-hours if east < 0 else hours} {minutes or ''}".rstrip()


def _add_name_servers(config: RouterConfig, match: ConfigMatch) -> None:
    named = [server for server in match.all("server") if isinstance(server, IPv4Address)]
    config.name_servers[:] = dict.fromkeys([*config.name_servers, *named])


def _remove_name_servers(config: RouterConfig, match: ConfigMatch) -> None:
    gone = set(match.all("server") or config.name_servers)
    config.name_servers[:] = [server for server in config.name_servers if server not in gone]


def _set(name: str, value: object) -> Callable[[RouterConfig, ConfigMatch], None]:
    def change(config: RouterConfig, match: ConfigMatch) -> None:
        setattr(config, name, value)

    return change


def _hostname(config: RouterConfig, match: ConfigMatch) -> None:
    config.hostname = match.word("name")


def _version(config: RouterConfig, match: ConfigMatch) -> None:
    config.version = match.word("version")


def _add_ip_host(config: RouterConfig, match: ConfigMatch) -> None:
    config.hosts[match.word("name")] = match.address("address")


def _remove_ip_host(config: RouterConfig, match: ConfigMatch) -> None:
    config.hosts.pop(match.word("name"), None)


def _remove_user(config: RouterConfig, match: ConfigMatch) -> None:
    config.users.pop(match.word("name"), None)


def _written_enable(kind: str) -> Callable[[RouterConfig], str | None]:
    def write(config: RouterConfig) -> str | None:
        text = getattr(config, f"enable_{kind}")
        return None if text is None else f"enable {kind} {encoded(getattr(config, f'enable_{kind}_encoding'), text)}"

    return write


def commands() -> list[ConfigCommand]:
    return [
        _line("version ~ <version:word>", 100, _version, _set("version", RouterConfig().version), lambda c: f"version {c.version}"),
        _line(
            f"hostname ~ <name:word({LONGEST_HOSTNAME})>",
            300,
            _hostname,
            _set("hostname", "Router"),
            lambda c: f"hostname {c.hostname}",
        ),
        _line(
            "enable {secret ~ [encoding={0|5|8|9}] <text:word>|algorithm-type {md5|scrypt|sha256} secret <text:word>}",
            520,
            _enable("secret"),
            _no_enable("secret"),
            _written_enable("secret"),
        ),
        _line(
            "enable password ~ [encoding={0|7}] <text:word>",
            521,
            _enable("password"),
            _no_enable("password"),
            _written_enable("password"),
        ),
        _line(
            "clock timezone ~ <zone:word> <hours:signed(-23..23)> [<minutes:int(0-59)>]",
            810,
            _timezone,
            _no_timezone,
            _written_timezone,
        ),
        _line(
            "ip domain lookup",
            1000,
            _set("domain_lookup", True),
            _set("domain_lookup", False),
            lambda c: None if c.domain_lookup else "no ip domain lookup",
            on_by_default=True,
        ),
        _line(
            "ip domain-lookup",
            1000,
            _set("domain_lookup", True),
            _set("domain_lookup", False),
            lambda c: None,
            on_by_default=True,
        ),
        _line(
            "ip {domain name|domain-name} ~ <domain:word>",
            1010,
            lambda config, match: setattr(config, "domain_name", match.word("domain")),
            _set("domain_name", None),
            lambda c: f"ip domain name {c.domain_name}" if c.domain_name else None,
        ),
        _line(
            "ip host <name:word> ~ <address:address>",
            1020,
            _add_ip_host,
            _remove_ip_host,
            lambda c: [f"ip host {name} {address}" for name, address in c.hosts.items()],
        ),
        _line(
            "ip name-server ~ {<server:address>}*",
            1030,
            _add_name_servers,
            _remove_name_servers,
            lambda c: [f"ip name-server {server}" for server in c.name_servers],
        ),
        _line(
            "username <name:word> ~ [privilege <privilege:int(0-15)> ...]"
            " [algorithm-type {md5|scrypt|sha256} kind={secret} <password:word>"
            "|kind={password|secret} [encoding={0|5|7|8|9}] <password:word>]",
            1100,
            _username,
            _remove_user,
            lambda c: [_written_user(user) for user in c.users.values()],
        ),
    ]
