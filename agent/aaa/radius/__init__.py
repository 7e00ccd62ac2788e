"""Aaa room: RADIUS: packets, servers, requests, and the client (RFC 2865, RFC 2866, RFC 2869, RFC 5080, RFC 5176)."""
