"""Lab room: the sections of a lab file and the values of their keys. An error says what would be right."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from ipaddress import IPv4Address
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from agent.base.clock import SECOND
from agent.base.endpoints import parse_endpoint
from agent.crypto.doi import ISAKMP_PORT, NAT_PORT

_UNITS = {"us": 1, "ms": 1000, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(us|ms|s|m|h|d)")
_LONGEST = 36500 * 86400 * SECOND
_YEARS = range(1970, 2500)
_DOTTED = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10})+")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def parse_duration(value: object) -> int:
    """ "2ms", "1.5s", "3m" → microseconds."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('a time with its unit, such as "2ms", "5s", "10m" or "1h"')
    moment = float(found[1]) * _UNITS[found[2]]
    if moment > _LONGEST:
        raise ValueError("a time of at most 36500d")
    return round(moment)


def _address(value: object) -> IPv4Address:
    try:
        return IPv4Address(value) if isinstance(value, str) else IPv4Address(None)
    except ValueError:
        raise ValueError('an IPv4 address, such as "10.1.1.1"') from None


def _end(value: object) -> tuple[str, str]:
    """ "router:interface"."""
    router, colon, interface = value.partition(":") if isinstance(value, str) else ("", "", "")
    if not (router and colon and interface):
        raise ValueError('a router and its interface, such as "hub:Serial1/0.1"')
    return router, interface


def _place(value: object) -> IPv4Address | tuple[str, str]:
    """ "10.1.1.1" or "router:interface"."""
    try:
        return _end(value) if isinstance(value, str) and ":" in value else _address(value)
    except ValueError:
        raise ValueError('an IPv4 address, or a router and its interface, such as "10.1.1.1" or "hub:Loopback0"') from None


def _lines(value: object) -> tuple[str, ...]:
    """One line of text, or a list of them."""
    lines = value if isinstance(value, list) else [value]
    if not lines or not all(isinstance(line, str) and "\n" not in line for line in lines):
        raise ValueError('a line of the CLI in quotes, or a list of them, such as ["configure terminal", "hostname r1"]')
    return tuple(lines)


def _endpoint(value: object) -> tuple[str, int]:
    return parse_endpoint(value if isinstance(value, str) else "")


def _real_endpoint(value: object) -> tuple[str, int]:
    """An endpoint outside the lab: an IPv4 address, because the lab speaks IPv4 alone."""
    try:
        host, port = _endpoint(value)
        return str(IPv4Address(host)), port
    except ValueError:
        raise ValueError('an IPv4 address and port, such as "127.0.0.1:5500"') from None


def _object_id(value: object) -> str:
    numbers = [int(each) for each in value.split(".")] if isinstance(value, str) and _DOTTED.fullmatch(value) else []
    # X.690 §8.19.4: the first two share an octet; RFC 2578 §3.5: each below 2^32, at most 128.
    bounded = 2 <= len(numbers) <= 128 and max(numbers) < 1 << 32
    if not bounded or numbers[0] > 2 or (numbers[0] < 2 and numbers[1] > 39):
        raise ValueError('an object identifier, such as "1.3.6.1.4.1.9.1.436"')
    return str(value)


def _router_name(value: object) -> str:
    """A router's name. The names of its files in the state directory begin with it."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError("a name of letters, digits, '-', '_' and '.' that begins with a letter or digit")
    return value


def router_name_for(hostname: str) -> str:
    """The name nearest to a hostname, which may have any characters."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", hostname).lstrip("_.-") or "router"


def _date(value: object) -> datetime:
    """A date of TOML, with or without a time. Without a time zone it is UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise ValueError("a date and time without quotes, such as 2026-07-01T12:00:00Z")
    if value.year not in _YEARS:
        raise ValueError(f"a date from {_YEARS.start} to {_YEARS.stop - 1}")
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _path(value: str) -> str:
    if "\0" in value:
        raise ValueError("a path, which has no NUL in it")
    return value


FilePath = Annotated[str, AfterValidator(_path)]
Duration = Annotated[int, BeforeValidator(parse_duration)]
Address = Annotated[IPv4Address, BeforeValidator(_address)]
RouterName = Annotated[str, BeforeValidator(_router_name)]
Date = Annotated[datetime, BeforeValidator(_date)]
Probability = Annotated[float, Field(ge=0, le=1)]
End = Annotated[tuple[str, str], BeforeValidator(_end)]
Endpoint = Annotated[tuple[str, int], BeforeValidator(_endpoint)]
RealEndpoint = Annotated[tuple[str, int], BeforeValidator(_real_endpoint)]


Place = Annotated[IPv4Address | tuple[str, str], BeforeValidator(_place)]
Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]
RouterFault = Literal["router off", "router on", "crypto engine down", "crypto engine up"]
LinkFault = Literal["link down", "link up"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TrustpointSection(Section):
    """[router.NAME.trustpoint.N]: PEM files. Without key and certificate the router can only check others' certificates."""

    ca: FilePath
    key: FilePath | None = None
    certificate: FilePath | None = None
    crl: FilePath | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> TrustpointSection:
        if (self.key is None) is not (self.certificate is None):
            raise ValueError("both of key and certificate, or neither")
        return self


class RouterSection(Section):
    """[router.NAME]. On a real underlay `ike` and `nat` are its ports 500 and 4500; without `nat` it is 4500 of `ike`'s address.

    `accounting_spool` is how many accounting records may wait for a server before interim records are dropped.
    `radius_message_authenticator`: answers of RADIUS servers to Access-Requests must have a Message-Authenticator.
    """

    config: FilePath
    snmp: list[Endpoint] = []
    ssh: list[Endpoint] = []
    dynamic_author: list[Endpoint] = []
    ike: RealEndpoint | None = None
    nat: RealEndpoint | None = None
    sysdescr: Annotated[str, Field(max_length=255)] | None = None  # as long as a DisplayString may be
    sysobjectid: Annotated[str, BeforeValidator(_object_id)] = "0.0"
    accounting_spool: Annotated[int, Field(ge=1, le=1_000_000_000)] = 100_000
    radius_message_authenticator: bool = True
    trustpoint: dict[str, TrustpointSection] = {}


class LinkSection(Section):
    """[[link]]: two interfaces, or more on a shared medium; times in microseconds, the rest probabilities."""

    ends: Annotated[list[End], Field(min_length=2)]
    delay: Duration = 0
    jitter: Duration = 0
    loss: Probability = 0.0
    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    corrupt: Probability = 0.0


QUALITY = ("delay", "jitter", "loss", "duplicate", "reorder", "corrupt")


class HostSection(Section):
    """[[host]]"""

    address: Address
    behind: End


class PeerSection(Section):
    """[[peer]]: `address` in the lab; `ike` and `nat` are where its ports 500 and 4500 really are."""

    address: Address
    behind: End
    ike: RealEndpoint | None = None
    nat: RealEndpoint | None = None

    @property
    def real_ike(self) -> tuple[str, int]:
        return self.ike or (str(self.address), ISAKMP_PORT)

    @property
    def real_nat(self) -> tuple[str, int]:
        return self.nat or (self.real_ike[0], NAT_PORT)


class AtSection(Section):
    """[[at]]: lines for a router's CLI, or a fault or change of a router or a link.

    `link` names a link by one of its ends. The keys of [[link]] are the new values.
    """

    time: Duration
    router: str | None = None
    link: End | None = None
    run: Lines | None = None
    fault: Literal[RouterFault, LinkFault] | None = None
    delay: Duration | None = None
    jitter: Duration | None = None
    loss: Probability | None = None
    duplicate: Probability | None = None
    reorder: Probability | None = None
    corrupt: Probability | None = None

    @property
    def quality(self) -> dict[str, int | float]:
        """The new values of a link's quality."""
        return {name: value for name in QUALITY if (value := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _is_one_thing(self) -> AtSection:
        if (self.router is None) is (self.link is None):
            raise ValueError("one of router and link")
        if self.router is not None:
            if self.quality:
                raise ValueError(f"link, not router, for {next(iter(self.quality))}")
            if (self.run is None) is (self.fault is None):
                raise ValueError("one of run and fault with router")
            _one_of(self.fault, RouterFault, "router")
        else:
            if self.run is not None:
                raise ValueError("router, not link, for run")
            if (self.fault is None) is (not self.quality):
                raise ValueError(f"one of fault and a change of {', '.join(QUALITY)} with link")
            _one_of(self.fault, LinkFault, "link")
        return self


def _one_of(fault: str | None, kind: object, key: str) -> None:
    if fault is not None and fault not in get_args(kind):
        raise ValueError(f"a fault of a {key}: {' or '.join(get_args(kind))}")


class TrafficSection(Section):
    """[[traffic]]: packets from a host's address or a router's interface.

    `sizes` are those of whole IP packets, used in turn. Times are in microseconds. With `on` and `off`, bursts and pauses alternate
    from `start`.
    """

    source: Place
    behind: End | None = None
    destination: Place
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    period: Annotated[Duration, Field(gt=0)] | None = None
    sizes: Annotated[list[Annotated[int, Field(ge=28, le=65535)]], Field(min_length=1)] = [100]
    protocol: Literal["udp", "icmp"] = "udp"
    port: Annotated[int, Field(ge=1, le=65535)] = 9
    start: Duration = 0
    stop: Duration | None = None
    on: Annotated[Duration, Field(gt=0)] | None = None
    off: Annotated[Duration, Field(gt=0)] | None = None

    @property
    def interval(self) -> float:
        """Microseconds from packet to packet."""
        return SECOND / self.rate if self.rate is not None else float(self.period or 0)

    @model_validator(mode="after")
    def _is_whole(self) -> TrafficSection:
        if (self.rate is None) is (self.period is None):
            raise ValueError('one of rate (packets per second) and period (such as "10s")')
        if (self.on is None) is not (self.off is None):
            raise ValueError("both of on and off, or neither")
        if self.stop is not None and self.stop <= self.start:
            raise ValueError("a stop that is later than start")
        if self.behind is not None and isinstance(self.source, tuple):
            raise ValueError("behind only with the address of a host")
        return self


class SeriesSection(Section):
    """Addresses by spoke number: the first spoke's, and the step to the next spoke's."""

    first: Address
    step: Annotated[int, Field(ge=1)] = 1


class SteadySection(Section):
    """The traffic of every spoke: packets of `size` octets from its `inside` address."""

    destination: Address
    period: Annotated[Duration, Field(gt=0)]
    size: Annotated[int, Field(ge=28, le=1500)] = 100


class SpokesSection(Section):
    """[[spokes]]: spokes of one kind. Their first packets are sent from `start` on, spread `over` a time."""

    hub: End
    config: FilePath
    count: Annotated[int, Field(ge=1, le=1_000_000)]
    address: SeriesSection
    inside: SeriesSection
    traffic: SteadySection
    start: Duration = 0
    over: Duration = 0
    delay: Duration = 0


class LabFile(Section):
    """A lab file. `seed` has an effect under a virtual clock alone; otherwise random octets are the system's.

    `date` is the date at which the lab begins; the default is the machine's date.
    """

    router: Annotated[dict[RouterName, RouterSection], Field(min_length=1)]
    link: list[LinkSection] = []
    host: list[HostSection] = []
    peer: list[PeerSection] = []
    traffic: list[TrafficSection] = []
    at: list[AtSection] = []
    spokes: list[SpokesSection] = []
    external_traffic: bool = False
    seed: int | None = None
    date: Date | None = None
