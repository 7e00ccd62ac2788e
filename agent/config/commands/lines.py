"""Config room: terminal lines (`line con|aux|vty`), and the banners that are shown on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from agent.config.aaa_model import Secret
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.commands.building import Leaves, encoded, inert
from agent.config.line_model import AUX, CONSOLE, VTY, LineRange, LineSettings
from agent.config.model import RouterConfig
from agent.config.texts import text_between

MODE = "config-line"
MODES = {MODE: Mode("(config-line)#", MODE)}

HELP = {
    "banner": "Define a login banner",
    "banner exec": "Set EXEC process creation banner",
    "banner incoming": "Set incoming terminal line banner",
    "banner login": "Set login banner",
    "banner motd": "Set Message of the Day banner",
    "banner prompt-timeout": "Set Message for login authentication timeout",
    "banner slip-ppp": "Set Message for SLIP/PPP",
    "banner <text>": "c banner-text c, where 'c' is a delimiting character",
    "line": "Configure a terminal line",
    "line console": "Primary terminal line",
    "line aux": "Auxiliary line",
    "line vty": "Virtual terminal",
    "<line>": "First Line number",
    "<last>": "Last Line number",
    "exec-timeout": "Set the EXEC timeout",
    "exec-timeout <minutes>": "Timeout in minutes",
    "exec-timeout <minutes> <seconds>": "Timeout in seconds",
    "config-line exec": "Configure EXEC",
    "exec prompt": "EXEC prompt",
    "exec prompt timestamp": "Print timestamps for show commands",
    "exec-banner": "Enable the display of the EXEC banner",
    "motd-banner": "Enable the display of the MOTD banner",
    "config-line history": "Enable and control the command history function",
    "config-line history size": "Set history buffer size",
    "<entries>": "Size of history buffer",
    "config-line length": "Set number of lines on a screen",
    "<lines>": "Number of lines on screen (0 for no pausing)",
    "config-line width": "Set width of the display terminal",
    "<columns>": "Number of characters on a screen line",
    "config-line logging": "Modify message logging facilities",
    "config-line logging synchronous": "Synchronized message output",
    "config-line login": "Enable password checking",
    "config-line login local": "Local password checking",
    "config-line login authentication": "Authentication parameters",
    "<login-list>": "Use an authentication list with this name",
    "config-line authorization": "Authorization parameters",
    "config-line authorization exec": "For starting an exec (shell)",
    "config-line authorization commands": "For exec (shell) commands",
    "<exec-list>": "Use an authorization list with this name",
    "config-line accounting": "Accounting parameters",
    "config-line accounting commands": "For exec (shell) commands",
    "config-line accounting connection": "For outbound connections",
    "config-line accounting exec": "For starting an exec (shell)",
    "config-line password": "Set a password",
    "config-line password <password>": "The UNENCRYPTED (cleartext) line password",
    "config-line password 0": "Specifies an UNENCRYPTED password will follow",
    "config-line password 7": "Specifies a HIDDEN password will follow",
    "config-line privilege": "Change privilege level for line",
    "config-line privilege level": "Assign default privilege level for line",
    "<level>": "Default privilege level for line",
    "config-line stopbits": "Set async line stop bits",
    "stopbits 1": "One stop bit",
    "stopbits 1.5": "One and one-half stop bits",
    "stopbits 2": "Two stop bits",
    "config-line transport": "Define transport protocols for line",
    "config-line transport input": "Define which protocols to use when connecting to the terminal server",
    "config-line transport output": "Define which protocols to use for outgoing connections",
    "config-line transport preferred": "Specify the preferred protocol to use",
    **{f"{way} none": "No protocols" for way in ("input", "output", "preferred")},
}


# --- banners -----------------------------------------------------------------------------------------------------------------

_BANNERS = ("exec", "incoming", "login", "motd", "prompt-timeout", "slip-ppp")
_MARKS = ("^C", "#", "%", "@", "~", "!")


def _set_banner(edit: Edit, match: ConfigMatch) -> None:
    edit.config.banners[match.word("kind")] = text_between(match.word("text")) or ""


def _no_banner(edit: Edit, match: ConfigMatch) -> None:
    edit.config.banners.pop(match.word("kind"), None)


def _written_banner(kind: str, text: str) -> str:
    mark = next((mark for mark in _MARKS if mark not in text), "^C")
    return f"banner {kind} {mark}{text}{mark}"


def _render_banners(state: State, place: Place) -> Iterable[Rendered]:
    return (_written_banner(kind, state.config.banners[kind]) for kind in _BANNERS if kind in state.config.banners)


# --- lines -------------------------------------------------------------------------------------------------------------------

_WORDS = {"console": CONSOLE, "aux": AUX, "vty": VTY}


def _range(match: ConfigMatch) -> LineRange:
    first = match.number("line")
    last = match.maybe_number("last")
    return _WORDS[match.words[1]], first, first if last is None else last


def _enter(edit: Edit, match: ConfigMatch) -> Place:
    key = _range(match)
    if key[2] < key[1]:
        raise Refused("a last line that is not below the first", argument="last")
    edit.config.lines.setdefault(key, LineSettings())
    return Place(MODE, key)


def _remove(edit: Edit, match: ConfigMatch) -> None:
    key = _range(match)
    if edit.config.lines.pop(key, None) is not None:
        edit.state.forget(Place(MODE, key))


def _render_kind(word: str) -> Callable[[State, Place], Iterable[Rendered]]:
    kind = _WORDS[word]

    def render(state: State, place: Place) -> Iterable[Rendered]:
        for key in state.config.lines:
            if key[0] == kind:
                last = f" {key[2]}" if key[2] != key[1] else ""
                yield Section(f"line {kind} {key[1]}{last}", Place(MODE, key))

    return render


def _line(pattern: str, rank: int, word: str) -> ConfigCommand:
    return ConfigCommand("config", pattern, rank, _enter, _remove, _render_kind(word))


def _key(place: Place) -> LineRange:
    kind, first, last = place.key
    return str(kind), int(str(first)), int(str(last))


def _get(config: RouterConfig, place: Place) -> LineSettings:
    return config.lines[_key(place)]


def _put(config: RouterConfig, place: Place, settings: LineSettings) -> None:
    config.lines[_key(place)] = settings


_LEAVES = Leaves(MODE, _get, _put)


def _timeout(settings: LineSettings) -> str | None:
    """IOS writes the seconds too: `exec-timeout 5` is `exec-timeout 5 0`, and `no exec-timeout` is `exec-timeout 0 0`."""
    return None if settings.exec_timeout is None else "exec-timeout {} {}".format(*settings.exec_timeout)


def _exec_timeout() -> ConfigCommand:
    return _LEAVES.command(
        "exec-timeout ~ <minutes:int(0-35791)> [<seconds:int(0-2147483)>]",
        10,
        lambda match, _: {"exec_timeout": (match.number("minutes"), match.maybe_number("seconds") or 0)},
        {"exec_timeout": (0, 0)},
        _timeout,
        default={"exec_timeout": None},
    )


def _number(words: str, argument: str, rank: int, field: str) -> ConfigCommand:
    """A line of fixed words and a number."""
    name = argument[1:].partition(":")[0]

    def write(settings: LineSettings) -> str | None:
        value = getattr(settings, field)
        return None if value is None else f"{words} {value}"

    return _LEAVES.command(f"{words} ~ {argument}", rank, lambda match, _: {field: match.number(name)}, {field: None}, write)


def _switch(words: str, rank: int, field: str, *, by_default: bool) -> ConfigCommand:
    """A line that is there or not. What differs from the default is written."""
    other = not by_default

    def write(settings: LineSettings) -> str | None:
        return (words if other else f"no {words}") if getattr(settings, field) is other else None

    on, off = (None, False) if by_default else (True, None)
    return _LEAVES.command(words, rank, lambda _, __: {field: on}, {field: off}, write, default={field: None})


def _password() -> ConfigCommand:
    def write(settings: LineSettings) -> str | None:
        secret = settings.password
        return None if secret is None else f"password {encoded(secret.encoding, secret.text)}"

    return _LEAVES.command(
        "password ~ [encoding={0|7}] <password:word>",
        13,
        lambda match, _: {"password": Secret(match.word("password"), match.maybe_number("encoding") or 0)},
        {"password": None},
        write,
    )


def _login() -> list[ConfigCommand]:
    """`login …`: with `aaa new-model` IOS reads the list alone, without it the rest."""
    plain = _LEAVES.command(
        "login [local]",
        15,
        lambda match, _: {"login": match.canonical},
        {"login": "no login"},
        lambda settings: settings.login,
        default={"login": None},
    )
    named = _LEAVES.command(
        "login authentication ~ <login-list:word>",
        15,
        lambda match, _: {"login_list": match.word("login-list")},
        {"login_list": None},
        lambda settings: f"login authentication {settings.login_list}" if settings.login_list else None,
    )
    return [plain, named]


def commands() -> list[ConfigCommand]:
    kinds = "|".join(_BANNERS)
    return [
        ConfigCommand("config", f"banner kind={{{kinds}}} ~ <text:text>", 2710, _set_banner, _no_banner, _render_banners),
        _line("line console <line:int(0-0)>", 2800, "console"),
        _line("line aux <line:int(0-0)>", 2801, "aux"),
        _line("line vty <line:int(0-9999)> [<last:int(0-9999)>]", 2802, "vty"),
        _exec_timeout(),
        inert(MODE, "exec prompt timestamp", 11, shows="both"),
        _number("privilege level", "<level:int(0-15)>", 12, "privilege"),
        _password(),
        _switch("logging synchronous", 14, "synchronous", by_default=False),
        *_login(),
        _LEAVES.text("authorization exec", "<exec-list:word>", 16, "exec_list"),
        inert(MODE, "authorization commands <level:int(0-15)> ~ <list:word>", 16, many=True),
        inert(MODE, "accounting {exec|connection|commands <level:int(0-15)>} ~ <list:word>", 16, many=True),
        _number("history size", "<entries:int(0-256)>", 16, "history_size"),
        _number("length", "<lines:int(0-512)>", 17, "length"),
        _number("width", "<columns:int(0-512)>", 18, "width"),
        _switch("motd-banner", 19, "motd_banner", by_default=True),
        _switch("exec-banner", 20, "exec_banner", by_default=True),
        inert(MODE, "transport preferred {all|none|ssh|telnet}", 21),
        inert(MODE, "transport input {all|none|ssh|telnet}*", 22),
        inert(MODE, "transport output {all|none|ssh|telnet}*", 23),
        inert(MODE, "stopbits {1|1.5|2}", 24),
    ]
