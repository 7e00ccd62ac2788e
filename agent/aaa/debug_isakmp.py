"""Aaa room: `debug crypto isakmp aaa`: what IKE has to do with AAA.

The lines about records are those of the Cisco IOS Debug Command Reference (debug crypto isakmp), but for that of the end of
accounting. Of the lines about clients, IOS has the one of a group that is asked for. The others are our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.base.bus import Subscription
from agent.base.printable import printable
from agent.config.crypto_model import ClientGroup
from agent.engine.access import AccessControl, LoginAccepted, LoginAnswer, LoginAttempt, LoginChallenge
from agent.flow.monitor import FlowMonitor
from agent.flow.records import FlowRecord, SessionUp
from agent.syslog.debug import Debug
from agent.syslog.message import Message, debug_line

Records = Callable[[Callable[[AccountingRecord], None]], Subscription]
_OF_SESSIONS = (AcctStatus.START, AcctStatus.INTERIM, AcctStatus.STOP)


class IsakmpAaaDebug:
    """The debug of one router. It listens only while it is on.

    `is_accounted` says whether a session that has come up is accounted for. `records` subscribes to the records that are made.
    """

    def __init__(
        self,
        monitor: FlowMonitor,
        is_accounted: Callable[[SessionUp], bool],
        records: Records,
        log: Callable[[Message], None],
    ) -> None:
        self._monitor = monitor
        self._is_accounted = is_accounted
        self._records = records
        self._log = log
        self._subscriptions: list[Subscription] = []

    @property
    def on(self) -> bool:
        return bool(self._subscriptions)

    def say(self, line: str) -> None:
        """Print a line, which is about a client, if this kind of debug is on."""
        if self.on:
            self._log(debug_line(line))

    def follow(self, on: frozenset[Debug]) -> None:
        if Debug.ISAKMP_AAA not in on:
            self.close()
        elif not self._subscriptions:
            self._subscriptions = [self._monitor.subscribe(self._take), self._records(self._made)]

    def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.close()
        self._subscriptions.clear()

    def _take(self, record: FlowRecord) -> None:
        if isinstance(record, SessionUp) and not self._is_accounted(record):
            self._log(debug_line("ISAKMP AAA: Accounting is not enabled"))

    def _made(self, record: AccountingRecord) -> None:
        if record.status in _OF_SESSIONS:
            for line in _record_lines(record):
                self._log(debug_line(line))


class DebuggedAccess:
    """The access control that an engine is given: another one, whose questions and answers are debugged."""

    def __init__(self, access: AccessControl, debug: IsakmpAaaDebug) -> None:
        self._access = access
        self._debug = debug

    def log_in(self, list_name: str, attempt: LoginAttempt, answer: Callable[[LoginAnswer], None]) -> None:
        user = printable(attempt.user)

        def answered(given: LoginAnswer) -> None:
            self._debug.say(f"ISAKMP AAA: Authentication of user {user}: {_outcome(given)}")
            answer(given)

        self._debug.say(f"ISAKMP AAA: Authentication request for user {user} sent to AAA")
        self._access.log_in(list_name, attempt, answered)

    def group(self, list_name: str, name: str, answer: Callable[[ClientGroup | None], None]) -> None:
        shown = printable(name)

        def answered(found: ClientGroup | None) -> None:
            self._debug.say(f"ISAKMP AAA: Authorization of group {shown}: {'FAIL' if found is None else 'PASS'}")
            answer(found)

        self._debug.say(f"ISAKMP/author: Author request for group {shown} successfully sent to AAA")
        self._access.group(list_name, name, answered)


def _outcome(answer: LoginAnswer) -> str:
    if isinstance(answer, LoginAccepted):
        return "PASS"
    if isinstance(answer, LoginChallenge):
        return "CHALLENGE"
    return "no answer" if answer.unanswered else "FAIL"


def _record_lines(record: AccountingRecord) -> Iterator[str]:
    values = {attribute.name: attribute.value for attribute in record.attributes}
    if record.status is not AcctStatus.START:
        received, sent = (values.get(f"Acct-{way}-Packets", 0) for way in ("Input", "Output"))
        yield "ISAKMP AAA: Updating Stats"
        yield f" Traffic on sa (PKTS) IN: {received!s} OUT: {sent!s}"
    yield "ISAKMP AAA: Sent Accounting Message"
    yield "ISAKMP AAA: Accounting message successful"
    yield "ISAKMP AAA: Rx Accounting Message"
    if "User-Name" in values:
        yield "ISAKMP AAA: Adding Client Attributes to Accounting Record"
    if record.status is AcctStatus.START:
        yield "ISAKMP AAA: Accounting Started"
    elif record.status is AcctStatus.STOP:
        yield "ISAKMP AAA: Accounting Stopped"
