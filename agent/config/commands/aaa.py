"""Config room: `aaa …`: the lists of methods and of accounting (Cisco IOS Security Command Reference, `aaa …`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from agent.config.aaa_model import DEFAULT_LIST, AaaConfig, AccountingList, AccountingUpdate, MethodLists
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Negate, Place, Rendered, Section, State
from agent.config.commands.building import inert

LIST_MODE = "accounting-list"
MODES = {LIST_MODE: Mode("(cfg-acct-mlist)#", LIST_MODE)}

_METHODS = {
    "cache": "Use Cached-group",
    "enable": "Use enable password for authentication.",
    "group": "Use Server-group",
    "line": "Use line password for authentication.",
}
_BEFORE_METHODS = ("<list>", "default", "local", "none")  # what paths have before a method: of alternatives the first

_ACCOUNTED = ("auth-proxy", "commands <level>", "connection", "dot1x", "exec", "identity", "network", "resource")
_LISTS = (  # what has lists by names
    *("authentication login", "authorization network", "authorization exec", "authorization commands <level>"),
    *(f"accounting {service}" for service in _ACCOUNTED),
)

HELP = {
    **{f"{before} {method}": text for before in _BEFORE_METHODS for method, text in _METHODS.items()},
    "aaa": "Authentication, Authorization and Accounting.",
    **{f"{lists} default": "The default list." for lists in _LISTS},
    **{f"{lists} <list>": "Named list (max 31 characters, longer will be rejected)." for lists in _LISTS},
    **{f"accounting {service} default none": "No accounting." for service in _ACCOUNTED},
    "<server-group> group": "Use Server-group",
    "aaa new-model": "Enable NEW access control commands and functions.(Disables OLD commands.)",
    "aaa accounting": "Accounting configurations parameters.",
    "aaa authentication": "Authentication configurations parameters.",
    "aaa authentication attempts": "Set the maximum number of login attempts",
    "attempts login": "Set the maximum number of login attempts",
    "<attempts>": "Maximum number of attempts",
    "aaa authentication enable": "Set authentication list for enable.",
    "aaa authentication login": "Set authentication lists for logins.",
    "password-prompt": "Text to use when prompting for a password",
    "username-prompt": "Text to use when prompting for a username",
    "aaa authorization": "Authorization configurations parameters.",
    "aaa authorization commands": "For exec (shell) commands.",
    "aaa authorization config-commands": "For configuration mode commands.",
    "aaa authorization console": "For enabling console authorization",
    "aaa authorization exec": "For starting an exec (shell).",
    "aaa authorization network": "For network services. (PPP, SLIP, ARAP)",
    "aaa local": "AAA Local method options",
    "local authentication": "Local authentication parameters",
    "local authentication attempts": "Local login attempts",
    "max-fail": "Number of failed attempts before a user is locked out",
    "<failures>": "Number of failed attempts",
    "aaa nas": "NAS specific configuration",
    "nas port": "NAS port format",
    "port extended": "Use the extended format of NAS ports",
    "aaa session-id": "AAA Session ID",
    "start-stop": "Record start and stop without waiting",
    "stop-only": "Record stop when service terminates.",
    "wait-start": "Same as start-stop but wait for start-record commit.",
    "broadcast": "Use Broadcast for Accounting",
    "aaa accounting auth-proxy": "For Authentication Proxy Services",
    "aaa accounting commands": "For exec (shell) commands.",
    "aaa accounting connection": "For outbound connections. (telnet, rlogin)",
    "aaa accounting dot1x": "For dot1x sessions.",
    "aaa accounting exec": "For starting an exec (shell).",
    "aaa accounting identity": "For identity sessions.",
    "aaa accounting network": "For network services. (PPP, SLIP, ARAP)",
    "aaa accounting resource": "For resource usage.",
    "aaa accounting system": "For system events.",
    "accounting system default": "The default accounting list.",
    "guarantee-first": "Guarantee system accounting as first record.",
    "start-stop radius": "Use list of all Radius hosts.",
    "tacacs+": "Use list of all Tacacs+ hosts.",
    "newinfo periodic <minutes>": "Periodic intervals to send accounting update records (in minutes)",
    "interval <minutes>": "Periodic intervals to send accounting update records (in minutes)",
    "enable default": "The default authentication list.",
    "newinfo periodic": "Periodic intervals to send accounting update records(in minutes)",
    "aaa accounting delay-start": "Delay PPP Network start record until peer IP address is known.",
    "delay-start all": "Delay start records for all vrf and non-vrf users",
    "delay-start vrf": "Delay start records for the users of a vrf",
    "extended-time": "Wait longer for the address",
    "<extended>": "Extended delay in seconds",
    "aaa accounting gigawords": "64 bit interface counters to support Radius attributes 52 & 53.",
    "aaa accounting nested": "When starting PPP from EXEC, generate NETWORK records before EXEC-STOP record.",
    "aaa accounting send": "Send records to accounting server.",
    "stop-record": "Generate STOP records for a specified event.",
    "stop-record always": "Generate STOP records always, even if the START record is not sent",
    "stop-record authentication": "Generate STOP records for authentications",
    "authentication failure": "Generate STOP records for authentication failures",
    "authentication success": "Generate STOP records for authenticated users",
    "remote-server": "Users who were authenticated by a remote AAA server",
    "aaa accounting suppress": "Do not generate accounting records for a specific type of user.",
    "null-username": "Do not generate accounting records for users with a null-username",
    "aaa accounting session-duration": "Set the preference for calculating session durations",
    "ntp-adjusted": "Use NTP clock time to calculate session durations",
    "jitter": "Set jitter parameters for periodic interval",
    "jitter maximum": "Set the maximum jitter value",
    "<jitter>": "Maximum jitter value in seconds (0 disables jitter)",
    f"{LIST_MODE} action-type": "Type of action to be performed on accounting records",
    "action-type none": "No accounting.",
    "accounting system default none": "No accounting.",
    "action-type start-stop periodic": "Periodic interval of the list's own",
    "periodic disable": "No periodic records",
    "periodic interval": "Interval of periodic records",
    f"{LIST_MODE} group": "Use Server-group",
}

_LONGEST_NAME = 31  # IOS rejects longer names of lists
_LIST = f"{{list={{{DEFAULT_LIST}}}|<list:word({_LONGEST_NAME})>}}"
_GROUP = "group <server-group:word>"
_LOGIN = f"{{local|local-case|none|enable|line|cache <server-group:word>|{_GROUP}}}"
_ENABLE = f"{{none|enable|line|cache <server-group:word>|{_GROUP}}}"
_AUTHORIZATION = f"{{local|none|if-authenticated|cache <server-group:word>|{_GROUP}}}"
_WITH_NAME = ("group", "cache")


def commands() -> list[ConfigCommand]:
    mode = "config"
    return [
        _either("aaa new-model", 600, "new_model"),
        inert(mode, "aaa local authentication attempts max-fail ~ <failures:int(1-65535)>", 606),
        inert(mode, "aaa authentication attempts login ~ <attempts:int(1-25)>", 607),
        inert(mode, "aaa authentication {password-prompt|username-prompt} ~ <text:line>", 608, many=True),
        _methods(f"aaa authentication login {_LIST}", _LOGIN, 610, lambda aaa: aaa.login),
        _methods(f"aaa authentication enable list={{{DEFAULT_LIST}}}", _ENABLE, 611, lambda aaa: aaa.enable),
        inert(mode, "aaa authorization {console|config-commands}", 615, many=True),
        _methods(f"aaa authorization exec {_LIST}", _AUTHORIZATION, 617, lambda aaa: aaa.exec),
        inert(
            mode,
            f"aaa authorization commands <level:int(0-15)> {_LIST} ~ {_up_to_four(_AUTHORIZATION)}",
            618,
            many=True,
        ),
        _methods(f"aaa authorization network {_LIST}", _AUTHORIZATION, 620, lambda aaa: aaa.network),
        _switch("aaa accounting suppress null-username", 624, "suppress_null_username"),
        inert(
            mode,
            "aaa accounting send stop-record {always|authentication {failure|success remote-server} [vrf <vrf:word>]}",
            625,
            many=True,
        ),
        inert(mode, "aaa accounting {nested|session-duration ntp-adjusted}", 626, many=True),
        _either("aaa accounting gigawords", 626, "gigawords"),
        _switch("aaa accounting delay-start", 627, "delay_start"),
        _switch("aaa accounting delay-start all", 627, "delay_start_all"),
        inert(
            mode,
            "aaa accounting delay-start {vrf <vrf:word> [extended-time <extended:int(1-2)>]|extended-time <extended:int(1-2)>}",
            627,
            many=True,
        ),
        *_accounting_lists(),
        inert(mode, "aaa accounting system guarantee-first", 635, shows="both"),
        ConfigCommand(
            mode,
            f"aaa accounting update ~ {{newinfo [{_PERIODIC}]|{_PERIODIC}}}",
            640,
            _set_update,
            _no_update,
            _render_update,
        ),
        inert(mode, "aaa nas port extended", 641),
        ConfigCommand(mode, "aaa session-id kind={common|unique}", 650, _set_session_id, _no_session_id, _render_session_id),
    ]


def _either(words: str, rank: int, field: str) -> ConfigCommand:
    """A line that is written as it was said, with or without `no`. Nothing is written if no line says."""

    def to(value: bool | None) -> Negate:
        def change(edit: Edit, match: ConfigMatch) -> None:
            setattr(edit.config.aaa, field, value)

        return change

    def render(state: State, place: Place) -> Iterable[Rendered]:
        stated = getattr(state.config.aaa, field)
        return () if stated is None else (words if stated else f"no {words}",)

    return ConfigCommand("config", words, rank, to(True), to(False), render, to(None))


def _switch(words: str, rank: int, field: str) -> ConfigCommand:
    """A line that is there or not."""

    def to(value: bool) -> Negate:
        def change(edit: Edit, match: ConfigMatch) -> None:
            setattr(edit.config.aaa, field, value)

        return change

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return (words,) if getattr(state.config.aaa, field) else ()

    return ConfigCommand("config", words, rank, to(True), to(False), render)


def _set_session_id(edit: Edit, match: ConfigMatch) -> None:
    edit.config.aaa.unique_session_ids = match.word("kind") == "unique"


def _no_session_id(edit: Edit, match: ConfigMatch) -> None:
    edit.config.aaa.unique_session_ids = None


def _render_session_id(state: State, place: Place) -> Iterable[Rendered]:
    unique = state.config.aaa.unique_session_ids
    return () if unique is None else (f"aaa session-id {'unique' if unique else 'common'}",)


# --- lists of methods --------------------------------------------------------------------------------------------------------


def _up_to_four(item: str) -> str:
    """IOS takes at most four methods or groups of a list."""
    return f"{item} [{item} [{item} [{item}]]]"


def methods_of(words: Sequence[str]) -> tuple[str, ...]:
    """The methods that words name in turn: `group` and `cache` take the next word with them."""
    rest = iter(words)
    return tuple(f"{word} {next(rest)}" if word in _WITH_NAME else word for word in rest)


def _methods(words: str, method: str, rank: int, lists: Callable[[AaaConfig], MethodLists]) -> ConfigCommand:
    """Lists of methods by their names, each method as it is written: "local", "group radius"."""
    count = len(words.split(" "))
    fixed = " ".join(words.split(" ")[: count - 1])

    def apply(edit: Edit, match: ConfigMatch) -> None:
        lists(edit.config.aaa)[match.word("list")] = methods_of(match.words[count:])

    def negate(edit: Edit, match: ConfigMatch) -> None:
        lists(edit.config.aaa).pop(match.word("list"), None)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return [f"{fixed} {name} {' '.join(named)}" for name, named in lists(state.config.aaa).items()]

    return ConfigCommand("config", f"{words} ~ {_up_to_four(method)}", rank, apply, negate, render)


# --- lists of accounting -----------------------------------------------------------------------------------------------------

_MINUTES = "<minutes:int(1-2147483647)>"
_PERIODIC = f"periodic {_MINUTES} [jitter maximum <jitter:int(0-2147483)>]"
NETWORK, SYSTEM = "network", "system"
_SERVICES = ("auth-proxy", "commands", "connection", "dot1x", "exec", "identity", NETWORK, "resource", SYSTEM)  # in IOS's order
_NO_ACCOUNTING = "none"
_GROUPS = _up_to_four(f"{{{_GROUP}}}")
_ACTIONS = (
    f"action={{{_NO_ACCOUNTING}}}|action={{start-stop|stop-only|wait-start}} [cast={{broadcast}}]"
    f" {{server-group={{radius|tacacs+}}|{_GROUPS}}}"
)


def accounting_place(service: str, name: str) -> Place:
    return Place(LIST_MODE, (service, name))


def accounting_lists(aaa: AaaConfig) -> Iterator[tuple[str, str, AccountingList]]:
    """Every list with its service ("network", "commands 15") and its name."""
    for (service, name), known in aaa.other_accounting.items():
        yield service, name, known
    for name, known in aaa.network_accounting.items():
        yield NETWORK, name, known
    if aaa.system_accounting is not None:
        yield SYSTEM, DEFAULT_LIST, aaa.system_accounting


def _get(aaa: AaaConfig, service: str, name: str) -> AccountingList | None:
    if service == SYSTEM:
        return aaa.system_accounting
    return aaa.network_accounting.get(name) if service == NETWORK else aaa.other_accounting.get((service, name))


def _put(aaa: AaaConfig, service: str, name: str, known: AccountingList) -> None:
    if service == SYSTEM:
        aaa.system_accounting = known
    elif service == NETWORK:
        aaa.network_accounting[name] = known
    else:
        aaa.other_accounting[service, name] = known


def _remove(aaa: AaaConfig, service: str, name: str) -> None:
    if service == SYSTEM:
        aaa.system_accounting = None
    elif service == NETWORK:
        aaa.network_accounting.pop(name, None)
    else:
        aaa.other_accounting.pop((service, name), None)


def _named(match: ConfigMatch) -> tuple[str, str]:
    """Service and name of the list of a line."""
    service = match.words[2]
    if "level" in match.values:
        service = f"{service} {match.number('level')}"
    return service, match.word("list")


def _apply_list(edit: Edit, match: ConfigMatch) -> Place | None:
    """The whole list in a line; without an action the line enters the list's mode."""
    service, name = _named(match)
    action = match.maybe_word("action")
    if action is None:
        if _get(edit.config.aaa, service, name) is None:
            _put(edit.config.aaa, service, name, AccountingList(_NO_ACCOUNTING))
        return accounting_place(service, name)
    if action == "wait-start":
        action = "start-stop"  # as IOS does, since it has no wait-start any more
        edit.warnings.append("wait-start is taken as start-stop")
    groups = tuple(dict.fromkeys(str(group) for group in match.all("server-group")))
    _put(edit.config.aaa, service, name, AccountingList(action, groups, "cast" in match.values))
    return None


def _remove_list(edit: Edit, match: ConfigMatch) -> None:
    _remove(edit.config.aaa, *_named(match))
    edit.state.forget(accounting_place(*_named(match)))


def _one_line(state: State, service: str, name: str, known: AccountingList) -> str | None:
    """The list as one line; None where it takes several: it is not complete, or has what only its mode can say."""
    whole = bool(known.groups) if known.action != _NO_ACCOUNTING else not known.groups and not known.broadcast
    place = accounting_place(service, name)
    if not whole or known.periodic is not None or state.kept.get(place):
        return None
    broadcast = ["broadcast"] if known.broadcast else []
    groups = (f"group {group}" for group in known.groups)
    return " ".join((f"aaa accounting {service} {name} {known.action}", *broadcast, *groups))


def _render_lists(state: State, place: Place) -> Iterable[Rendered]:
    lists = sorted(accounting_lists(state.config.aaa), key=lambda each: _SERVICES.index(each[0].split(" ")[0]))
    for service, name, known in lists:
        line = _one_line(state, service, name, known)
        yield line or Section(f"aaa accounting {service} {name}", accounting_place(service, name))


def _accounting_lists() -> list[ConfigCommand]:
    services = "|".join(each for each in _SERVICES if each not in ("commands", SYSTEM))
    return [
        ConfigCommand(
            "config",
            f"aaa accounting {{commands <level:int(0-15)>|{services}}} {_LIST} ~ [{_ACTIONS}]",
            630,
            _apply_list,
            _remove_list,
            _render_lists,
        ),
        ConfigCommand("config", f"aaa accounting {SYSTEM} list={{{DEFAULT_LIST}}} ~ [{_ACTIONS}]", 630, _apply_list, _remove_list),
        _list_line(
            "action-type ~ {action={none|stop-only}|action={start-stop} [periodic {period={disable}|interval " + _MINUTES + "}]}",
            10,
            lambda match, known: replace(known, action=match.word("action"), periodic=_period(match)),
            lambda match, known: replace(known, action=_NO_ACCOUNTING, periodic=None),
            _written_action,
        ),
        _list_line(
            "broadcast",
            11,
            lambda match, known: replace(known, broadcast=True),
            lambda match, known: replace(known, broadcast=False),
            lambda known: ("broadcast",) if known.broadcast else (),
        ),
        _list_line(
            _GROUP,
            12,
            lambda match, known: replace(known, groups=tuple(dict.fromkeys((*known.groups, match.word("server-group"))))),
            lambda match, known: replace(
                known, groups=tuple(group for group in known.groups if group != match.word("server-group"))
            ),
            lambda known: (f"group {group}" for group in known.groups),
        ),
    ]


_Change = Callable[[ConfigMatch, AccountingList], AccountingList]


def _list_line(
    pattern: str, rank: int, change: _Change, undo: _Change, write: Callable[[AccountingList], Iterable[str]]
) -> ConfigCommand:
    """A line of a list's mode; written there where the list is no single line."""

    def changing(change: _Change) -> Negate:
        def apply(edit: Edit, match: ConfigMatch) -> None:
            service, name = map(str, edit.place.key)
            known = _get(edit.config.aaa, service, name) or AccountingList(_NO_ACCOUNTING)
            _put(edit.config.aaa, service, name, change(match, known))

        return apply

    def render(state: State, place: Place) -> Iterable[Rendered]:
        service, name = map(str, place.key)
        known = _get(state.config.aaa, service, name)
        return () if known is None else write(known)

    return ConfigCommand(LIST_MODE, pattern, rank, changing(change), changing(undo), render)


def _period(match: ConfigMatch) -> int | None:
    return 0 if "period" in match.values else match.maybe_number("minutes")


def _written_action(known: AccountingList) -> Iterable[str]:
    period = {None: "", 0: " periodic disable"}.get(known.periodic, f" periodic interval {known.periodic}")
    return (f"action-type {known.action}{period}",)


def _set_update(edit: Edit, match: ConfigMatch) -> None:
    periodic, jitter = match.maybe_number("minutes"), match.maybe_number("jitter")
    edit.config.aaa.update = AccountingUpdate("newinfo" in match.words, periodic, jitter)


def _no_update(edit: Edit, match: ConfigMatch) -> None:
    edit.config.aaa.update = None


def _render_update(state: State, place: Place) -> Iterable[Rendered]:
    update = state.config.aaa.update
    if update is not None:
        words = [
            "aaa accounting update",
            "newinfo" if update.newinfo else "",
            "" if update.periodic is None else f"periodic {update.periodic}",
            "" if update.jitter is None else f"jitter maximum {update.jitter}",
        ]
        yield " ".join(word for word in words if word)
