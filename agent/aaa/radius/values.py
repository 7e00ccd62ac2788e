"""Aaa room: what is asked of a RADIUS server, and what it answers: attributes, a request, a reply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from agent.config.aaa_model import ServerAddress
from agent.engine.access import ChapResponse


class Code(IntEnum):
    """A packet's code (RFC 2865 §4, RFC 2866 §4, RFC 5176 §2.3)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    ACCESS_CHALLENGE = 11
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42
    COA_REQUEST = 43
    COA_ACK = 44
    COA_NAK = 45


class Attribute(NamedTuple):
    """An attribute: its name in our dictionary ("Acct-Session-Id", "Cisco-AVPair") and its value, as text, a number or octets."""

    name: str
    value: str | int | bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is: its address, and the port for this kind of request."""

    address: ServerAddress
    port: int

    def __hash__(self) -> int:
        return int(self.address) ^ self.port  # the hash of an address itself takes microseconds

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class ServerName:
    """A server as IOS's messages name it, by its address and both ports. `name` is that of `radius server NAME`, else empty.

    `private` is the group of a `server-private`, which is another server than one of the same address elsewhere; else empty.
    """

    address: ServerAddress
    auth_port: int
    acct_port: int
    name: str = ""
    private: str = ""

    def __hash__(self) -> int:
        return int(self.address) ^ self.acct_port  # as of `Place`

    def __str__(self) -> str:
        return f"{self.address}:{self.auth_port},{self.acct_port}"


@dataclass(frozen=True, slots=True)
class Request:
    """What a group of servers is asked. The attributes go on the wire in this order, those that are repeated included.

    The client puts in what depends on the server and the attempt: an Access-Request's Message-Authenticator (first) and `proof`
    (after User-Name), and the values of `NAS_IP_ADDRESS` and Acct-Delay-Time, where these attributes stand in the list.

    `proof` is a user's password or CHAP response, which an Access-Request hides with the key of the server that it goes to.
    `about` is the number in parentheses of the lines of `debug radius`, which one session or log-in has to itself.
    `moment` is when the event of an Accounting-Request happened (seconds since 1970): Acct-Delay-Time counts from it.
    `first` is the server that is asked first, whatever the order of the group: the one that the request's State comes from.
    """

    code: Code
    attributes: tuple[Attribute, ...]
    about: int
    proof: str | ChapResponse | None = field(default=None, repr=False)
    moment: float | None = None
    first: Place | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's valid answer."""

    code: Code
    attributes: tuple[Attribute, ...]
    server: Place

    def values(self, name: str) -> Iterator[str | int | bytes]:
        """The values of an attribute, in the order of the packet."""
        return (attribute.value for attribute in self.attributes if attribute.name == name)


# The address that the router sends to the group of servers from; the client puts it in.
NAS_IP_ADDRESS = Attribute("NAS-IP-Address", "0.0.0.0")
