"""Snmp room: how many octets of bindings a response can hold, from what goes around them (X.690, RFC 3416 §3, RFC 3412 §6)."""

from __future__ import annotations

from agent.mib.values import content_at, length

V3_HEADER = 48  # octets at most of an SNMPv3 message outside securityParameters and scopedPDU, padding of a cipher included
_V3_SECURITY = 75  # octets at most of securityParameters besides engine ID and user name
_V3_SCOPED = 31  # octets at most of a scopedPDU besides engine ID, context name and bindings
_LONGEST_REQUEST_ID = 5


def room_in_community_message(largest: int, request: bytes) -> int:
    """The most octets of bindings with which the v1 or v2c response to a request stays within `largest` octets: exactly."""
    community, request_id = _sizes_kept(request)
    fixed = 3 + 1 + len(length(community)) + community  # version and community
    room = largest - fixed
    while room > 0:  # what the lengths take depends on what they say: a few turns
        body = 2 + request_id + 6 + 1 + len(length(room)) + room
        whole = fixed + 1 + len(length(body)) + body
        excess = 1 + len(length(whole)) + whole - largest
        if excess <= 0:
            break
        room -= excess
    return room


def room_in_v3(largest: int, largest_scoped_pdu: int, engine_id: int, user: int, context: int) -> int:
    """The same for SNMPv3, where it cannot be exact before the message is sealed: at most some tens of octets too little.

    `largest_scoped_pdu` is what the manager can take (maxSizeResponseScopedPDU); the rest are sizes in octets.
    """
    ours = largest - V3_HEADER - _V3_SECURITY - engine_id - user
    return min(largest_scoped_pdu, ours) - _V3_SCOPED - engine_id - context


def _sizes_kept(message: bytes) -> tuple[int, int]:
    """The lengths of a community and of a request-id as the response will encode them."""
    try:
        at = content_at(message, 0)[0]  # the message
        at = content_at(message, at)[1]  # version
        begin, at = content_at(message, at)
        community = at - begin
        begin, at = content_at(message, content_at(message, at)[0])  # into the PDU
        request_id = int.from_bytes(message[begin:at], "big", signed=True)
    except IndexError:
        return len(message), _LONGEST_REQUEST_ID  # an encoding that pysnmp takes and we do not care to: assume the worst
    return community, (request_id if request_id >= 0 else ~request_id).bit_length() // 8 + 1
