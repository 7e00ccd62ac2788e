"""Syslog room: the messages that a record of the flow monitor causes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from agent.config.model import RouterConfig
from agent.flow.model import EndReason
from agent.flow.monitor import FlowMonitor
from agent.flow.records import (
    DefaultsUsed,
    FlowRecord,
    IkeMessageRefused,
    IkeTunnelEnded,
    PacketRefused,
    SessionDown,
    SessionUp,
)
from agent.syslog.failures import of_defaults, of_deleted, of_message, of_packet
from agent.syslog.message import Message
from agent.syslog.sessions import of_session
from agent.syslog.syslog import Syslog


class RecordLog:
    """A subscriber of one router's flow monitor, which writes the messages of its records to the router's log."""

    def __init__(self, config: RouterConfig, monitor: FlowMonitor, syslog: Syslog) -> None:
        self._config = config
        self._monitor = monitor
        self._syslog = syslog

    def __call__(self, record: FlowRecord) -> None:
        messages = _MESSAGES.get(type(record))
        if messages is not None:
            for message in messages(record, self._monitor, self._config):
                self._syslog.log(message)


def _session(record: SessionUp | SessionDown, monitor: FlowMonitor, config: RouterConfig) -> Iterable[Message]:
    return (of_session(record),) if config.crypto.logging_session else ()


def _ike_ended(record: IkeTunnelEnded, monitor: FlowMonitor, config: RouterConfig) -> Iterable[Message]:
    return of_deleted(record, monitor) if record.reason is EndReason.OPERATOR else ()


_MESSAGES: Mapping[type[FlowRecord], Callable[[Any, FlowMonitor, RouterConfig], Iterable[Message]]] = MappingProxyType(
    {
        SessionUp: _session,
        SessionDown: _session,
        IkeTunnelEnded: _ike_ended,
        IkeMessageRefused: lambda record, monitor, config: of_message(record, monitor),
        PacketRefused: lambda record, monitor, config: of_packet(record, monitor),
        DefaultsUsed: lambda record, monitor, config: of_defaults(record, monitor),
    }
)
