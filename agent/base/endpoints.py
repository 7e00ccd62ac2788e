"""Base room: HOST:PORT, as the command line and the lab file write it."""

from __future__ import annotations

HIGHEST_PORT = 65535
_MOST_DIGITS = 5
Endpoint = tuple[str, int]


def parse_endpoint(text: str) -> Endpoint:
    """ "HOST:PORT", or "[HOST]:PORT" for an IPv6 address. Raises ValueError, whose text says what would be right."""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    digits = port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS
    if not host or (":" in host) is not bracketed or not digits or int(port) > HIGHEST_PORT:
        raise ValueError('an address and port, such as "127.0.0.1:1161" or "[::1]:1161"')
    return host, int(port)


def endpoint_text(endpoint: Endpoint) -> str:
    """An address and port in the form that `parse_endpoint` reads."""
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
