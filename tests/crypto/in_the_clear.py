"""Messages in the clear, as a peer of no SA of ours makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.crypto.isakmp import HEADER_LENGTH, Header, encode_payloads
from agent.crypto.payloads import Payload


def encode_message(header: Header, payloads: Sequence[Payload]) -> bytes:
    """The header's first payload and length are set from the payloads."""
    first, chain = encode_payloads(payloads)
    return replace(header, next_payload=first, length=HEADER_LENGTH + len(chain)).encode() + chain
