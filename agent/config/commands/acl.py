"""Config room: access lists, numbered and named, standard and extended."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from agent.config.arguments import ARGUMENT_TYPES, ArgumentType, TypeFactory, Word
from agent.config.command import ConfigCommand, ConfigMatch, Edit, Mode, Place, Refused, Rendered, Section, State
from agent.config.model import AccessList, AclAddress, AclEntry, PortRange

MODES = {
    "config-ext-nacl": Mode("(config-ext-nacl)#", "config-ext-nacl"),
    "config-std-nacl": Mode("(config-std-nacl)#", "config-std-nacl"),
}

HELP = {
    "access-list": "Add an access list entry",
    "ip access-list": "Named access-list",
    "ip access-list extended": "Extended Access List",
    "ip access-list standard": "Standard Access List",
    "ip access-list resequence": "Resequence Access List",
    "<start>": "Starting Sequence Number",
    "<step>": "Step to increment the sequence number",
    "config-ext-nacl <sequence>": "Sequence Number",
    "config-std-nacl <sequence>": "Sequence Number",
    "permit": "Specify packets to forward",
    "deny": "Specify packets to reject",
    "remark": "Access list entry comment",
    "any": "Any host",
    "host": "A single host",
    "permit ip host": "A single host",
    "access-list <list>": "IP access list",
    "access-list extended <list>": "Extended IP access-list number",
    "access-list standard <list>": "Standard IP access-list number",
    "<source-wildcard>": "Source wildcard bits",
    "<destination-wildcard>": "Destination wildcard bits",
    "eq": "Match only packets on a given port number",
    "gt": "Match only packets with a greater port number",
    "lt": "Match only packets with a lower port number",
    "neq": "Match only packets not on a given port number",
    "range": "Match only packets in the range of port numbers",
    "log": "Log matches against this entry",
}

# Names that IOS writes for IP protocol and port numbers.
PROTOCOLS = {
    "ip": 0,
    "icmp": 1,
    "igmp": 2,
    "ipinip": 4,
    "tcp": 6,
    "udp": 17,
    "gre": 47,
    "esp": 50,
    "ahp": 51,
    "eigrp": 88,
    "ospf": 89,
    "nos": 94,
    "pim": 103,
    "pcp": 108,
    "sctp": 132,
}
TCP_PORTS = {
    "echo": 7,
    "discard": 9,
    "daytime": 13,
    "chargen": 19,
    "ftp-data": 20,
    "ftp": 21,
    "telnet": 23,
    "smtp": 25,
    "time": 37,
    "whois": 43,
    "tacacs": 49,
    "domain": 53,
    "gopher": 70,
    "finger": 79,
    "www": 80,
    "hostname": 101,
    "pop2": 109,
    "pop3": 110,
    "sunrpc": 111,
    "ident": 113,
    "nntp": 119,
    "bgp": 179,
    "irc": 194,
    "pim-auto-rp": 496,
    "exec": 512,
    "login": 513,
    "cmd": 514,
    "lpd": 515,
    "talk": 517,
    "uucp": 540,
    "klogin": 543,
    "kshell": 544,
    "drip": 3949,
}
UDP_PORTS = {
    "echo": 7,
    "discard": 9,
    "time": 37,
    "nameserver": 42,
    "tacacs": 49,
    "domain": 53,
    "bootps": 67,
    "bootpc": 68,
    "tftp": 69,
    "sunrpc": 111,
    "ntp": 123,
    "netbios-ns": 137,
    "netbios-dgm": 138,
    "netbios-ss": 139,
    "snmp": 161,
    "snmptrap": 162,
    "xdmcp": 177,
    "dnsix": 195,
    "mobile-ip": 434,
    "pim-auto-rp": 496,
    "isakmp": 500,
    "biff": 512,
    "who": 513,
    "syslog": 514,
    "talk": 517,
    "rip": 520,
    "non500-isakmp": 4500,
}
_PORTS: dict[int, dict[str, int]] = {6: TCP_PORTS, 17: UDP_PORTS, 132: {}}

_STEP, _LARGEST_NUMBER = 10, 2147483647  # of sequence numbers

ANY = AclAddress(IPv4Address(0), IPv4Address(0xFFFFFFFF))


def _port(_: str) -> ArgumentType:
    names = {**TCP_PORTS, **UDP_PORTS}

    def read(words: Sequence[Word], i: int) -> tuple[object, int] | None:
        text = words[i].text
        if text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535:
            return int(text), 1
        return (names[text.lower()], 1) if text.lower() in names else None

    return ArgumentType(read, "<0-65535>", "a port number from 0 to 65535 or a port name", str.isdigit)


def _list_number(parameters: str) -> ArgumentType:
    """A number of an IP list; those of other protocols' lists (200 to 1299) are none, but not wrong."""
    integer = ARGUMENT_TYPES["int"](parameters)
    other = ARGUMENT_TYPES["int"]("200-1299")
    return replace(integer, resembles=lambda text: integer.resembles(text) and other.read([Word(text, 0, text)], 0) is None)


TYPES: dict[str, TypeFactory] = {"port": _port, "list": _list_number}

_ACTION = "action={permit|deny}"
_STANDARD = f"{_ACTION} {{any|host <source:address>|<source:address> [<source-wildcard:wildcard>]}} [log]"
_ENDS = "{{any|host <{0}:address>|<{0}:address> <{0}-wildcard:wildcard>}}"
_PORT_TEST = "[{0}-test={{eq|gt|lt|neq}} <{0}-port:port>|{0}-test={{range}} <{0}-port:port> <{0}-port:port>]"
_SOURCE, _DESTINATION = _ENDS.format("source"), _ENDS.format("destination")
_NAMES = "|".join(PROTOCOLS)
_EXTENDED = (
    f"{_ACTION} {{... protocol={{{_NAMES}}}|<number:int(0-255)>}} {_SOURCE} {_PORT_TEST.format('source')}"
    f" {_DESTINATION} {_PORT_TEST.format('destination')} [established] [log|log-input]"
)


# --- entries -------------------------------------------------------------------------------------------------------------


def _end(match: ConfigMatch, name: str) -> AclAddress:
    address = match.maybe_address(name)
    if address is None:
        return ANY
    wildcard = match.maybe_address(f"{name}-wildcard") or IPv4Address(0)
    # IOS keeps the bits that are compared, and writes any for none.
    return AclAddress(IPv4Address(int(address) & ~int(wildcard) & 0xFFFFFFFF), wildcard)


def _ports(match: ConfigMatch, name: str, protocol: int) -> PortRange | None:
    test = match.maybe_word(f"{name}-test")
    if test is None:
        return None
    ports = [int(str(port)) for port in match.all(f"{name}-port")]
    if protocol not in _PORTS:
        raise Refused("ports only with tcp, udp or sctp", argument=f"{name}-test")
    if test == "range" and ports[0] > ports[1]:
        ports.reverse()
    if (test, ports[0]) in (("gt", 65535), ("lt", 0)):
        raise Refused("a port that leaves other ports", argument=f"{name}-port")
    low, high = {"gt": (ports[0] + 1, 65535), "lt": (0, ports[0] - 1)}.get(test, (ports[0], ports[-1]))
    return PortRange(low, high, negated=test == "neq")


def _written_end(end: AclAddress, extended: bool) -> str:
    if int(end.wildcard) == 0xFFFFFFFF:
        return "any"
    if int(end.wildcard) == 0:
        return f"host {end.address}" if extended else str(end.address)
    return f"{end.address} {end.wildcard}"


def _written_ports(match: ConfigMatch, name: str, protocol: int) -> str:
    if match.maybe_word(f"{name}-test") is None:
        return ""
    names = {number: word for word, number in _PORTS[protocol].items()}
    ports = sorted(int(str(port)) for port in match.all(f"{name}-port"))
    return " ".join([match.word(f"{name}-test"), *(names.get(port, str(port)) for port in ports)])


def _standard_entry(match: ConfigMatch, sequence: int) -> AclEntry:
    source = _end(match, "source")
    words = [match.word("action"), _written_end(source, extended=False), "log" if "log" in match.words else ""]
    return AclEntry(match.word("action") == "permit", 0, source, ANY, text=" ".join(w for w in words if w), sequence=sequence)


def _extended_entry(match: ConfigMatch, sequence: int) -> AclEntry:
    named = match.maybe_word("protocol")
    protocol = PROTOCOLS[named] if named is not None else match.number("number")
    source, destination = _end(match, "source"), _end(match, "destination")
    source_ports, destination_ports = _ports(match, "source", protocol), _ports(match, "destination", protocol)
    if "established" in match.words and protocol != 6:
        raise Refused("`established` only with tcp")
    words = [
        match.word("action"),
        next((word for word, number in PROTOCOLS.items() if number == protocol), str(protocol)),
        _written_end(source, extended=True),
        _written_ports(match, "source", protocol),
        _written_end(destination, extended=True),
        _written_ports(match, "destination", protocol),
        *(word for word in ("established", "log", "log-input") if word in match.words),
    ]
    return AclEntry(
        permit=match.word("action") == "permit",
        protocol=protocol,
        source=source,
        destination=destination,
        source_ports=source_ports,
        destination_ports=destination_ports,
        text=" ".join(word for word in words if word),
        sequence=sequence,
    )


def _entry(extended: bool, match: ConfigMatch, sequence: int) -> AclEntry:
    return _extended_entry(match, sequence) if extended else _standard_entry(match, sequence)


def _next_number(known: AccessList) -> int:
    """The number of a line that is typed without one: ten after the last entry's, or that of the last remark, if that is behind."""
    last = known.entries[-1].sequence if known.entries else 0
    number = max(last + _STEP, known.remarks[-1][0] if known.remarks else 0)
    if number > _LARGEST_NUMBER:
        raise Refused(f"a sequence number: {_LARGEST_NUMBER} is in use", "% Exceeded maximum sequence number")
    return number


def _insert(edit: Edit, name: str, extended: bool, match: ConfigMatch, sequence: int | None) -> None:
    """Adds an entry; an entry that is already there is not added again (as IOS does)."""
    known = edit.config.access_lists.get(name) or AccessList(name, extended)
    entry = _entry(extended, match, sequence or _next_number(known))
    if known.has(entry.text):
        if edit.typed:
            _drop_repeated_remarks(edit, known, next(i for i, each in enumerate(known.entries) if each.text == entry.text))
        return
    at = bisect(known.entries, entry.sequence, key=lambda each: each.sequence)
    if at and known.entries[at - 1].sequence == entry.sequence:
        raise Refused("a sequence number that is free", "% Duplicate sequence number")
    edit.config.access_lists[name] = known.insert(at, entry, sequence is not None)


def _drop_repeated_remarks(edit: Edit, known: AccessList, there: int) -> None:
    """A list is pasted again: remarks that came before an entry which was there, and stand before it already, are not doubled."""
    last, before = known.entries[-1].sequence, known.entries[there - 1].sequence if there else 0
    texts = {text for number, text in known.remarks if before < number <= known.entries[there].sequence}
    remarks = tuple((number, text) for number, text in known.remarks if number <= last or text not in texts)
    edit.config.access_lists[known.name] = replace(known, remarks=remarks)


def _add_remark(edit: Edit, name: str, extended: bool, text: str, sequence: int | None = None) -> None:
    known = edit.config.access_lists.get(name) or AccessList(name, extended)
    remark = (sequence or _next_number(known), text)
    if remark in known.remarks and (sequence is not None or edit.typed):
        return
    at = bisect(known.remarks, remark[0], key=lambda each: each[0])
    remarks = (*known.remarks[:at], remark, *known.remarks[at:])
    edit.config.access_lists[name] = replace(known, remarks=remarks, numbers=known.numbers or sequence is not None)


def _written_list(known: AccessList) -> list[str]:
    """The texts of entries and of the remarks before each."""
    lines = [(number, 0, f"remark {text}".rstrip()) for number, text in known.remarks]
    lines += [(entry.sequence, 1, entry.text) for entry in known.entries]
    lines.sort(key=lambda line: line[:2])
    return [f"{number} {text}" if known.numbers else text for number, _, text in lines]


# --- access-list N ... ---------------------------------------------------------------------------------------------------


def _numbered(extended: bool, ranges: str, rest: str, rank: int) -> ConfigCommand:
    def apply(edit: Edit, match: ConfigMatch) -> None:
        name = match.word("list")
        if match.words[2] == "remark":
            _add_remark(edit, name, extended, match.maybe_word("remark") or "")
        else:
            _insert(edit, name, extended, match, None)

    def negate(edit: Edit, match: ConfigMatch) -> None:
        """Whatever follows the number, IOS removes the whole list."""
        edit.config.access_lists.pop(match.word("list"), None)

    def render(state: State, place: Place) -> Iterable[Rendered]:
        lists = [each for each in state.config.access_lists.values() if each.extended is extended and not _has_section(each)]
        for known in sorted(lists, key=lambda each: int(each.name)):
            yield from (f"access-list {known.name} {line}" for line in _written_list(known))

    pattern = f"access-list ... <list:list({ranges})> ~ {{remark [<remark:line(100)>]|{rest}}}"
    return ConfigCommand("config", pattern, rank, apply, negate, render)


# --- ip access-list ... NAME ---------------------------------------------------------------------------------------------


def _has_section(known: AccessList) -> bool:
    """Whether a list is written as `ip access-list …`: those with a name, and those that `access-list N …` could not say."""
    return not known.name.isdigit() or known.numbers or not (known.entries or known.remarks)


def _list_place(name: str, extended: bool) -> Place:
    return Place("config-ext-nacl" if extended else "config-std-nacl", (name,))


def _named(extended: bool, ranges: str, rank: int) -> ConfigCommand:
    words = "ip access-list extended" if extended else "ip access-list standard"

    def apply(edit: Edit, match: ConfigMatch) -> Place:
        name = match.word("list")
        known = edit.config.access_lists.setdefault(name, AccessList(name, extended))
        if known.extended is not extended:
            raise Refused(
                "another name: a list of the other kind has this one", "% A named IP access list with this name already exists"
            )
        return _list_place(name, extended)

    def negate(edit: Edit, match: ConfigMatch) -> None:
        edit.config.access_lists.pop(match.word("list"), None)
        edit.state.forget(_list_place(match.word("list"), extended))

    def render(state: State, place: Place) -> Iterable[Rendered]:
        for known in state.config.access_lists.values():
            if known.extended is extended and _has_section(known):
                yield Section(f"{words} {known.name}", _list_place(known.name, extended))

    return ConfigCommand("config", f"{words} {{<list:int({ranges})>|<list:name>}}", rank, apply, negate, render)


def _entry_lines(mode: str, extended: bool, rest: str) -> list[ConfigCommand]:
    def apply(edit: Edit, match: ConfigMatch) -> None:
        _insert(edit, str(edit.place.key[0]), extended, match, match.maybe_number("sequence"))

    def negate(edit: Edit, match: ConfigMatch) -> None:
        """By the entry's text, or by its sequence number, which may be that of remarks alone."""
        known = edit.config.access_lists[str(edit.place.key[0])]
        sequence = match.maybe_number("sequence")
        text = _entry(extended, match, 0).text if "action" in match.values else None
        entries = tuple(each for each in known.entries if sequence not in (None, each.sequence) or text not in (None, each.text))
        if len(entries) < len(known.entries):
            _put(edit, replace(known, entries=entries))
        elif text is None and any(number == sequence for number, _ in known.remarks):
            _drop_remarks(edit, known, sequence, None)
        else:
            raise Refused("an existing entry", "%Entry not found")

    def remark(edit: Edit, match: ConfigMatch) -> None:
        name, text = str(edit.place.key[0]), match.maybe_word("text") or ""
        _add_remark(edit, name, extended, text, match.maybe_number("sequence"))

    def no_remark(edit: Edit, match: ConfigMatch) -> None:
        """Those of a number, or those with a text."""
        sequence, text = match.maybe_number("sequence"), match.maybe_word("text")
        _drop_remarks(edit, edit.config.access_lists[str(edit.place.key[0])], sequence, text if sequence else text or "")

    def render(state: State, place: Place) -> Iterable[Rendered]:
        return _written_list(state.config.access_lists[str(place.key[0])])

    number = f"<sequence:int(1-{_LARGEST_NUMBER})>"
    remarks = "remark [<text:line(100)>]"
    return [
        ConfigCommand(mode, f"[{number}] {rest}", 10, apply, negate, render, no_pattern=f"{{{number} [{rest}]|{rest}}}"),
        ConfigCommand(mode, f"[{number}] {remarks}", 10, remark, no_remark),
    ]


def _drop_remarks(edit: Edit, known: AccessList, sequence: int | None, text: str | None) -> None:
    remarks = tuple(each for each in known.remarks if sequence not in (None, each[0]) or text not in (None, each[1]))
    _put(edit, replace(known, remarks=remarks))


def _put(edit: Edit, known: AccessList) -> None:
    """What is left of a list; one without lines has none with a number."""
    edit.config.access_lists[known.name] = replace(known, numbers=known.numbers and bool(known.entries or known.remarks))


def _resequence(edit: Edit, match: ConfigMatch) -> None:
    """`ip access-list resequence LIST START STEP`: number every entry again, with its remarks."""
    known = edit.config.access_lists.get(match.word("list"))
    if known is None:
        raise Refused("an existing access list", "% Access-list does not exist", argument="list")
    start, step = match.number("start"), match.number("step")
    if start + step * len(known.entries) > _LARGEST_NUMBER:
        raise Refused("numbers that leave room for all entries", "% Exceeded maximum sequence number", argument="step")
    numbers = [entry.sequence for entry in known.entries]
    entries = tuple(replace(entry, sequence=start + step * at) for at, entry in enumerate(known.entries))
    remarks = tuple((start + step * bisect_left(numbers, number), text) for number, text in known.remarks)
    edit.config.access_lists[known.name] = replace(known, entries=entries, remarks=remarks)


def commands() -> list[ConfigCommand]:
    return [
        _named(False, "1-99,1300-1999", 2200),
        _named(True, "100-199,2000-2699", 2201),
        *_entry_lines("config-std-nacl", False, _STANDARD),
        *_entry_lines("config-ext-nacl", True, _EXTENDED),
        ConfigCommand(
            "config",
            f"ip access-list resequence <list:word> <start:int(1-{_LARGEST_NUMBER})> <step:int(1-{_LARGEST_NUMBER})>",
            2202,
            _resequence,
        ),
        _numbered(False, "1-99,1300-1999", _STANDARD, 2300),
        _numbered(True, "100-199,2000-2699", _EXTENDED, 2301),
    ]
