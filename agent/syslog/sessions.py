"""Syslog room: the messages of sessions that come up or go (`crypto logging session`)."""

from __future__ import annotations

from agent.flow.records import SessionDown, SessionUp
from agent.syslog.message import Message, Severity


def of_session(record: SessionUp | SessionDown) -> Message:
    """The message of a session: where its peer is, its VRFs unless they are the global table, its description, its identity.

    The identity is the peer's of phase 1: an address, a name, or the group of a remote-access client.
    """
    ends = record.ends
    words = [f"Crypto session is {_STATES[type(record)]}. Peer {ends.remote_address}:{ends.remote_port}"]
    if ends.front_vrf is not None:
        words.append(f"fvrf={ends.front_vrf}")
    if record.vrf is not None:
        words.append(f"ivrf={record.vrf}")
    if record.facts.description:
        words.append(f"Description: {record.facts.description}")
    words.append(f"Id: {record.peer.remote.value}")
    return Message("CRYPTO", Severity.NOTIFICATIONS, "SESSION_STATUS", " ".join(words))


_STATES = {SessionUp: "UP", SessionDown: "DOWN"}
