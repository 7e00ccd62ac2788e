"""Aaa room: RADIUS attributes on the wire, in their order (RFC 2865 §5, RFC 2868 §3, RFC 3162 §2).

pyrad reads our dictionary, has the codecs of the rarer types, and hides and reveals salted values. The framing is our own, because
pyrad's packets keep an attribute's values together: an attribute that comes again after another one would lose its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

from agent.aaa.radius.values import Attribute
from agent.base.text import octets_of, text_of

VENDOR_SPECIFIC = 26
MESSAGE_AUTHENTICATOR = 80
_MOST = 253  # octets of a value (RFC 2865 §5)
_MOST_OF_VENDOR = 247  # the same within a Vendor-Specific: after the vendor's number, a type and a length
_LAST_TAG = 0x1F  # RFC 2868 §3.1; a greater first octet is the value's
_UNWRITABLE = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, OSError)  # what encoding a value may raise
_SALTED = 2  # the dictionary's number for the encryption of RFC 2868 §3.5

Value = str | int | bytes


class MalformedError(Exception):
    """Octets are not attributes, or a value has not the length of its type."""


class UnwritableError(Exception):
    """No packet can have a value: its attribute is not known, it is not of its type, or something is too long."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What hides a salted value: the shared secret, and the authenticator of the request (RFC 2868 §3.5)."""

    key: bytes = field(repr=False)
    authenticator: bytes


@dataclass(frozen=True, slots=True)
class Codec:
    """One attribute of the dictionary. `vendor` is 0 for those of the RFCs. `text`: its value may be cut.

    `heads` are what stands before values on the wire, by the length of the value, as far as they have been used.
    """

    name: str
    number: int
    vendor: int
    encode: Callable[[Any], bytes]
    decode: Callable[[bytes], Value]
    text: bool
    tagged: bool
    salted: bool
    heads: dict[int, bytes] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """How many octets a value may have."""
        return _MOST_OF_VENDOR if self.vendor else _MOST

    def head(self, length: int) -> bytes:
        """What stands before a value."""
        own = bytes((self.number, length + 2))
        if self.vendor:
            own = bytes((VENDOR_SPECIFIC, length + 8)) + self.vendor.to_bytes(4, "big") + own
        self.heads[length] = own
        return own


class Codecs:
    """The attributes of the dictionary, by name and by number. `known_attributes` has the only one that is needed."""

    def __init__(self) -> None:
        from pyrad.dictionary import Dictionary

        self._by_name: dict[str, Codec] = {}
        self._by_number: dict[tuple[int, int], Codec] = {}
        dictionary = Dictionary(str(Path(__file__).with_name("dictionary")))
        for name, known in dictionary.attributes.items():
            vendor = int(dictionary.vendors.GetForward(known.vendor))
            encode, decode = _functions(known.type)
            codec = Codec(
                name=name,
                number=known.code,
                vendor=vendor,
                encode=encode,
                decode=decode,
                text=known.type == "string",
                tagged=known.has_tag,
                salted=known.encrypt == _SALTED,
            )
            self._by_name[name] = self._by_number[vendor, known.code] = codec

    def encode(self, attributes: Iterable[Attribute], sealing: Sealing, cut: bool = False) -> list[bytes]:
        """Each attribute as it goes on the wire. One with an empty text is left out: there is none such (RFC 2865 §5).

        Of what no packet can have, UnwritableError is raised. With `cut` nothing is: a text that is too long loses its end, and
        what else cannot be written is left out.
        """
        encoded = []
        by_name = self._by_name
        for name, value in attributes:
            try:
                codec = by_name[name]
                octets = codec.encode(value)
                if codec.tagged:
                    octets = _tagged(codec, octets, sealing)
            except _UNWRITABLE as error:
                if cut:
                    continue
                raise UnwritableError(name) from error
            head = codec.heads.get(len(octets))
            if head is None:
                if not octets:
                    continue
                if len(octets) > codec.most:
                    if not cut:
                        raise UnwritableError(name)
                    if not codec.text or codec.salted:
                        continue
                    octets = _cut(octets, codec.most)
                head = codec.head(len(octets))
            encoded.append(head + octets)
        return encoded

    def decode(self, octets: bytes, sealing: Sealing) -> tuple[Attribute, ...]:
        """The attributes of a packet. One that the dictionary does not have is named by its number, as "Attr-77"."""
        return tuple(self._decoded(octets, sealing))

    def _decoded(self, octets: bytes, sealing: Sealing) -> Iterator[Attribute]:
        for number, value in split(octets):
            if number == VENDOR_SPECIFIC:
                yield from self._of_vendor(value, sealing)
            else:
                yield self._attribute((0, number), value, sealing, f"Attr-{number}")

    def _of_vendor(self, value: bytes, sealing: Sealing) -> Iterator[Attribute]:
        """A vendor whose attributes are unknown, or formed in a way of its own (RFC 2865 §5.26), is given as octets."""
        vendor = int.from_bytes(value[:4], "big")
        try:
            inner = list(split(value[4:]))
        except MalformedError:
            inner = []
        if not any((vendor, number) in self._by_number for number, _ in inner):
            yield Attribute("Vendor-Specific", value)
            return
        for number, part in inner:
            yield self._attribute((vendor, number), part, sealing, f"Attr-{VENDOR_SPECIFIC}.{vendor}.{number}")

    def _attribute(self, key: tuple[int, int], value: bytes, sealing: Sealing, unknown: str) -> Attribute:
        codec = self._by_number.get(key)
        if codec is None:
            return Attribute(unknown, value)
        if codec.tagged:
            value = _untagged(codec, value, sealing)
        try:
            return Attribute(codec.name, codec.decode(value))
        except ValueError as error:
            raise MalformedError(codec.name) from error


@cache
def known_attributes() -> Codecs:
    """The attributes of our dictionary, which all routers share."""
    return Codecs()


def split(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """The number and value of each attribute. Raises MalformedError."""
    at, end = 0, len(octets)
    while at < end:
        if at + 2 > end or octets[at + 1] < 2 or at + octets[at + 1] > end:
            raise MalformedError(f"attribute at octet {at}")
        yield octets[at], octets[at + 2 : at + octets[at + 1]]
        at += octets[at + 1]


def _functions(kind: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Value]]:
    """How a type of the dictionary is encoded and decoded."""
    from pyrad import tools

    own: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Value]]] = {
        "string": (_octets, text_of),
        "octets": (_octets, bytes),
        "integer": (_of_number, _number),
        "date": (_of_number, _number),
        "ipaddr": (partial(inet_pton, AF_INET), partial(_address, IPv4Address, 4)),
        "ipv6addr": (partial(inet_pton, AF_INET6), partial(_address, IPv6Address, 16)),
    }
    return own.get(kind) or (
        lambda value: bytes(tools.EncodeAttr(kind, value)),
        lambda octets: str(tools.DecodeAttr(kind, octets)),
    )


def _octets(value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return value
    return value.encode() if value.isascii() else octets_of(value)


def _of_number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def _number(octets: bytes) -> int:
    if len(octets) != 4:
        raise ValueError(len(octets))
    return int.from_bytes(octets, "big")


def _address(kind: type[IPv4Address | IPv6Address], length: int, octets: bytes) -> str:
    if len(octets) != length:
        raise ValueError(len(octets))
    return str(kind(octets))


def _tagged(codec: Codec, octets: bytes, sealing: Sealing) -> bytes:
    """A value with the tag 0, which is no tag. In a number it takes the place of the first octet."""
    if codec.salted:
        return b"\0" + bytes(_packet(sealing).SaltCrypt(octets))
    return b"\0" + octets if codec.text else b"\0" + octets[1:]


def _untagged(codec: Codec, octets: bytes, sealing: Sealing) -> bytes:
    """A value without its tag. Only Tunnel-Password always has one; a text has none if its first octet cannot be one."""
    if codec.salted:
        salted = octets[1:]
        if len(salted) < 18 or len(salted) % 16 != 2:
            raise MalformedError(codec.name)
        return bytes(_packet(sealing).SaltDecrypt(salted))
    if not codec.text:
        return b"\0" + octets[1:] if octets else octets
    return octets[1:] if octets[:1] and octets[0] <= _LAST_TAG else octets


def _packet(sealing: Sealing) -> Any:
    """A packet of pyrad's, for its functions."""
    from pyrad.packet import Packet

    packet = Packet(id=0, secret=sealing.key, authenticator=sealing.authenticator)
    packet.request_authenticator = sealing.authenticator
    return packet


def _cut(octets: bytes, most: int) -> bytes:
    """The beginning of a text. A character of UTF-8 (at most four octets) that does not fit whole is left out."""
    end = most
    while end > most - 3 and octets[end] & 0xC0 == 0x80:  # an octet that continues a character
        end -= 1
    return octets[:end]
