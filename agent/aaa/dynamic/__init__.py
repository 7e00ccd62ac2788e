"""Aaa room: dynamic authorisation: servers that have a router end its sessions (RFC 5176)."""
