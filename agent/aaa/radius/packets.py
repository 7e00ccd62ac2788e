"""Aaa room: RADIUS packets: writing them, and telling whether they are genuine.

Of requests: RFC 2865 §3 and §5.2, RFC 2866 §3, RFC 2869 §5.14. Of answers: RFC 2865 §3. Of requests to us, and our answers: RFC
5176 §2.3 and §3.3. pyrad hides passwords.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from hashlib import md5
from importlib import import_module
from struct import Struct

from agent.aaa.radius.attributes import MESSAGE_AUTHENTICATOR, MalformedError, Sealing, UnwritableError, known_attributes, split
from agent.aaa.radius.events import Discarded
from agent.aaa.radius.values import Attribute, Code, Request
from agent.base.text import octets_of
from agent.engine.access import ChapResponse

HEADER = 20  # octets
LONGEST = 4096  # octets of a packet
_HEAD = Struct("!BBH")
_ZEROS = bytes(16)
_EMPTY_MAC = bytes((MESSAGE_AUTHENTICATOR, 18)) + _ZEROS
_PROXY_STATE = 33
_LONGEST_PASSWORD = 128  # octets (RFC 2865 §5.2)

# The codes that answer a request.
ANSWERS: dict[Code, frozenset[Code]] = {
    Code.ACCESS_REQUEST: frozenset({Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_CHALLENGE}),
    Code.ACCOUNTING_REQUEST: frozenset({Code.ACCOUNTING_RESPONSE}),
    Code.DISCONNECT_REQUEST: frozenset({Code.DISCONNECT_ACK, Code.DISCONNECT_NAK}),
    Code.COA_REQUEST: frozenset({Code.COA_ACK, Code.COA_NAK}),
}
# The codes whose packets have a Message-Authenticator that is computed with zeros as the authenticator (RFC 5176 §3.3). What an
# Accounting-Response has no RFC says; servers do this.
_WITH_ZEROS = (Code.ACCOUNTING_REQUEST, Code.ACCOUNTING_RESPONSE, Code.DISCONNECT_REQUEST, Code.COA_REQUEST)


def load() -> None:
    """Load what packets need: the dictionary and pyrad. Otherwise the first packet does, which then takes a tenth of a second."""
    known_attributes()
    import_module("pyrad.packet")


def identifier_of(packet: bytes) -> int:
    return packet[1]


def whole(datagram: bytes) -> bytes | None:
    """The packet in a datagram, without the padding after it; None if it has not the length that it says (RFC 2865 §3)."""
    if len(datagram) < HEADER:
        return None
    length = int.from_bytes(datagram[2:4], "big")
    if not HEADER <= length <= min(LONGEST, len(datagram)):
        return None
    return datagram if length == len(datagram) else datagram[:length]


class Packets:
    """Writes and reads packets, with the attributes of the dictionary."""

    def request(self, request: Request, identifier: int, key: bytes) -> bytes:
        """A request to a server that shares `key` with us. Raises UnwritableError.

        Texts of an Accounting-Request that are too long lose their end, and attributes that have no place, or cannot be written,
        are left out: such a record says less, but it is not lost. In an Access-Request this would ask something else.
        """
        if request.code is Code.ACCESS_REQUEST:
            return self._access_request(request, identifier, key)
        encoded = known_attributes().encode(request.attributes, Sealing(key, _ZEROS), cut=True)
        body = b"".join(encoded)
        while len(body) > LONGEST - HEADER:
            encoded.pop()
            body = b"".join(encoded)
        head = _HEAD.pack(request.code, identifier, HEADER + len(body))
        return head + md5(head + _ZEROS + body + key).digest() + body

    def response(self, code: Code, attributes: Sequence[Attribute], request: bytes, key: bytes, signed: bool = False) -> bytes:
        """The answer to a request. `signed`: with a Message-Authenticator, which comes first. Raises UnwritableError."""
        authenticator = request[4:20]
        body = b"".join(known_attributes().encode(attributes, Sealing(key, authenticator)))
        if signed:
            body = _EMPTY_MAC + body
        head = _head(code, identifier_of(request), body)
        if signed:
            body = _signed(head, _ZEROS if code in _WITH_ZEROS else authenticator, body, key)
        return head + md5(head + authenticator + body + key).digest() + body

    def attributes(self, packet: bytes, key: bytes, authenticator: bytes) -> tuple[Attribute, ...]:
        """The attributes of a packet. `authenticator` is that of the request. Raises MalformedError."""
        return known_attributes().decode(packet[HEADER:], Sealing(key, authenticator))

    def _access_request(self, request: Request, identifier: int, key: bytes) -> bytes:
        """The authenticator is random: answers are bound to it, and the password is hidden by it (RFC 2865 §3)."""
        sealing = Sealing(key, secrets.token_bytes(16))
        attributes = list(request.attributes)
        place = next((at + 1 for at, attribute in enumerate(attributes) if attribute.name == "User-Name"), 0)
        attributes[place:place] = _proof(request.proof, sealing)
        body = b"".join([_EMPTY_MAC, *known_attributes().encode(attributes, sealing)])
        head = _head(request.code, identifier, body)
        return head + sealing.authenticator + _signed(head, sealing.authenticator, body, key)


def _proof(proof: str | ChapResponse | None, sealing: Sealing) -> list[Attribute]:
    if proof is None:
        return []
    if isinstance(proof, ChapResponse):
        response = bytes((proof.identifier,)) + proof.response
        return [Attribute("CHAP-Password", response), Attribute("CHAP-Challenge", proof.challenge)]
    password = octets_of(proof)
    if len(password) > _LONGEST_PASSWORD:
        raise UnwritableError("User-Password")
    from pyrad.packet import AuthPacket

    return [Attribute("User-Password", AuthPacket(id=0, secret=sealing.key, authenticator=sealing.authenticator).PwCrypt(password))]


def _head(code: Code, identifier: int, body: bytes) -> bytes:
    if HEADER + len(body) > LONGEST:
        raise UnwritableError(code.name)
    return _HEAD.pack(code, identifier, HEADER + len(body))


def _signed(head: bytes, authenticator: bytes, body: bytes, key: bytes) -> bytes:
    """The attributes with their first one, an empty Message-Authenticator, computed (RFC 2869 §5.14)."""
    return body[:2] + hmac.digest(key, head + authenticator + body, "md5") + body[18:]


def check_response(response: bytes, request: bytes, key: bytes, demand: bool = True) -> Discarded | None:
    """Why a packet is no genuine answer to a request; None if it is one. Its identifier and source are right already.

    With `demand`, an answer to an Access-Request must have a Message-Authenticator: without one, whoever sees the request can make
    a wrong answer with a right authenticator, because MD5 collides (CVE-2024-3596). For this the server has to repeat a
    Proxy-State, which we never send: an answer that has one must have a Message-Authenticator in any case.
    """
    asked = Code(request[0])
    if response[0] not in ANSWERS[asked]:
        return Discarded.CODE
    authenticator = request[4:20]
    body = response[HEADER:]
    expected = md5(response[:4] + authenticator + body + key).digest()
    if not hmac.compare_digest(expected, response[4:20]):
        return Discarded.AUTHENTICATOR
    return _check_signature(response, authenticator, key, demand and asked is Code.ACCESS_REQUEST)


def check_request(request: bytes, key: bytes) -> Discarded | None:
    """Why a request to us is not genuine (RFC 2866 §3, RFC 5176 §2.3); None if it is. Of an Access-Request none can tell."""
    if request[0] not in _WITH_ZEROS:
        return Discarded.CODE
    body = request[HEADER:]
    if not hmac.compare_digest(md5(request[:4] + _ZEROS + body + key).digest(), request[4:20]):
        return Discarded.AUTHENTICATOR
    return _check_signature(request, _ZEROS, key, demand=False)


def _check_signature(packet: bytes, authenticator: bytes, key: bytes, demand: bool) -> Discarded | None:
    body = packet[HEADER:]
    at = -1
    proxied = False
    try:
        place = 0
        for number, value in split(body):
            if number == MESSAGE_AUTHENTICATOR:
                if at >= 0 or len(value) != 16:
                    return Discarded.MESSAGE_AUTHENTICATOR
                at = place
            proxied |= number == _PROXY_STATE
            place += len(value) + 2
    except MalformedError:
        return Discarded.MALFORMED
    if at < 0:
        if demand:
            return Discarded.NO_MESSAGE_AUTHENTICATOR
        return Discarded.PROXY_STATE if proxied and packet[0] in ANSWERS[Code.ACCESS_REQUEST] else None
    if packet[0] in _WITH_ZEROS:
        authenticator = _ZEROS
    unsigned = body[: at + 2] + _ZEROS + body[at + 18 :]
    if not hmac.compare_digest(hmac.digest(key, packet[:4] + authenticator + unsigned, "md5"), body[at + 2 : at + 18]):
        return Discarded.MESSAGE_AUTHENTICATOR
    return None
