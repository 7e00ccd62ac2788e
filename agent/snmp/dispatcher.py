"""Snmp room: pysnmp's two dispatchers, corrected: for messages (RFC 3412 §4.2) and for transports.

Malformed datagrams make pysnmp's decoders raise exceptions of many kinds, and leave state behind. Here a message that cannot be
decoded is counted, and its state is removed. That is safe, because every request is answered before `receive_message` returns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
from pysnmp.proto.rfc3412 import MsgAndPduDispatcher
from pysnmp.proto.secmod.cache import Cache

from agent.snmp.counters import SnmpCounters


class MessageDispatcher(MsgAndPduDispatcher):
    """RFC 3412's dispatcher; no datagram makes it raise."""

    def __init__(self, counters: SnmpCounters) -> None:
        super().__init__()
        self._counters = counters

    def receive_message(self, engine: Any, transport_domain: Any, transport_address: Any, message: bytes) -> None:
        """One datagram. Requests are answered before this returns."""
        try:
            super().receive_message(engine, transport_domain, transport_address, message)
        except Exception:
            # The responder lets nothing escape, so this came of decoding (pyasn1 raises TypeErrors and more, not its own alone).
            self._counters.count("snmpInASNParseErrs")
        finally:
            for model in engine.security_models.values():
                if not model._cache.is_empty():
                    model._cache = Cache()  # of messages that got no response: it would stay for ever
            for model in engine.message_processing_subsystems.values():
                model.forget_unanswered()
            self._MsgAndPduDispatcher__transportInfo.clear()


class TransportDispatcher(AsyncioDispatcher):
    """pysnmp's transports on an event loop, its timers on the loop's clock (pysnmp takes the wall clock, which may be set back)."""

    def __init__(self, loop: asyncio.AbstractEventLoop, failed: Callable[[Exception], None]) -> None:
        super().__init__(loop=loop)
        self._failed = failed

    async def handle_timeout(self) -> None:
        """Call pysnmp's timer for ever: it sends informs again, and expires caches."""
        while True:
            await asyncio.sleep(self.get_timer_resolution())
            try:
                self.handle_timer_tick(self.loop.time())
            except Exception as fault:  # one bad inform must not stop the timer of all others
                self._failed(fault)
