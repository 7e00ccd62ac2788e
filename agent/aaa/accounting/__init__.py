"""Aaa room: accounting: the records of sessions, the spool that keeps them, and their delivery (RFC 2866)."""
