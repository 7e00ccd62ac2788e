"""A router's flow monitor with its accounting, on clocks that the test moves, and what the keeper of the records was given."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from agent.aaa.accounting.grants import Grants
from agent.aaa.accounting.record import AccountingRecord, AcctStatus
from agent.aaa.accounting.sessions import SessionAccounting, Surroundings
from agent.base.clock import SECOND, VirtualClock
from agent.base.ike_counters import IkeCounter
from agent.base.scheduler import Scheduler
from agent.config.aaa_model import AccountingList, AccountingUpdate
from agent.config.crypto_model import CryptoMap, IsakmpProfile
from agent.config.model import RouterConfig
from agent.flow.counters import IpsecCounter, PacketCounters
from agent.flow.model import EndReason, IkeTunnel, IpsecTunnel
from agent.flow.monitor import FlowMonitor
from tests.flow.builders import SPOKE, bundle, ike_facts, ipsec_facts

EPOCH = 1_700_000_000  # seconds since 1970, at which the router's clock was 0
MINUTE = 60 * SECOND
START_STOP = AccountingList("start-stop", ("radius",))


class Keeper:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self.records: list[AccountingRecord] = []
        self.wills: dict[str, AccountingRecord] = {}
        self.willed = 0  # how often a will was kept
        self._sessions = 0

    def next_session_id(self) -> str:
        self._sessions += 1
        return f"{self._sessions:08X}"

    def append(self, record: AccountingRecord, will: AccountingRecord | None) -> None:
        self.records.append(record)
        if will is not None:
            self.will(record.session, will)
        elif record.status is AcctStatus.STOP:
            self.wills.pop(record.session, None)

    def will(self, session: str, record: AccountingRecord) -> None:
        self.wills[session] = record
        self.willed += 1


class AccountedRouter:
    """Its tunnels are the guide's. Its map `vrf1-map` has the list `acc`, which is start-stop; profile `p` has none of its own."""

    def __init__(
        self,
        plan: AccountingList | None = START_STOP,
        periodic: int | None = None,
        newinfo: bool = False,
        jitter: int | None = None,
    ) -> None:
        self.config = config = RouterConfig()
        config.aaa.new_model = True
        if plan is not None:
            config.aaa.network_accounting["acc"] = plan
        if periodic or newinfo:
            config.aaa.update = AccountingUpdate(newinfo, periodic, jitter)
        config.radius.vsa_accounting = True
        config.crypto.maps["vrf1-map"] = CryptoMap("vrf1-map", accounting_list="acc")
        config.crypto.profiles["p"] = IsakmpProfile("p")
        self.timers, self.real_timers = Scheduler(VirtualClock()), Scheduler(VirtualClock())
        self.monitor = FlowMonitor(self.timers.clock)
        self.keeper, self.grants = Keeper(), Grants()
        around = Surroundings(
            config=config,
            monitor=self.monitor,
            timers=self.timers,
            real_timers=self.real_timers,
            event=lambda moment: EPOCH + moment // SECOND,
            now=lambda: EPOCH + self.real_timers.clock.now() / SECOND,
            grants=self.grants,
        )
        self.accounting = SessionAccounting(self.keeper, around)
        self.monitor.subscribe(self.accounting)

    # --- time ---

    def run(self, duration: int) -> None:
        """Let the router's time pass."""
        _run(self.timers, duration)

    def run_really(self, duration: int) -> None:
        """Let real time pass."""
        _run(self.real_timers, duration)

    # --- tunnels ---

    def ike(self, vrf: str | None = "vrf1", spoke: IPv4Address = SPOKE, **facts: Any) -> IkeTunnel:
        return self.monitor.ike_up(vrf, ike_facts(spoke, **facts), PacketCounters(IkeCounter))

    def ipsec(self, ike: IkeTunnel, first_spi: int = 256, **facts: Any) -> IpsecTunnel:
        return self.monitor.ipsec_up(ike, ipsec_facts(**facts), bundle(first_spi), PacketCounters(IpsecCounter))

    def session(self, **ike: Any) -> IpsecTunnel:
        """A session of one IPsec tunnel."""
        return self.ipsec(self.ike(**ike))

    def stop(self) -> None:
        """The router ends in order."""
        for _ in self.accounting.stop():
            pass

    def end(self, tunnel: IpsecTunnel, reason: EndReason = EndReason.OPERATOR) -> None:
        self.monitor.ipsec_ended(tunnel, reason)

    # --- what was kept ---

    @property
    def records(self) -> list[AccountingRecord]:
        return self.keeper.records

    @property
    def story(self) -> list[tuple[AcctStatus, str]]:
        """The kinds of the records, with their sessions."""
        return [(record.status, record.session) for record in self.keeper.records]


def value(record: AccountingRecord, name: str) -> str | int | bytes | None:
    """The value of an attribute that a record has at most once."""
    found = [attribute.value for attribute in record.attributes if attribute.name == name]
    assert len(found) <= 1, name
    return found[0] if found else None


def pairs(record: AccountingRecord) -> dict[str, str]:
    """Cisco's pairs of a record, by name."""
    found = [str(attribute.value) for attribute in record.attributes if attribute.name == "Cisco-AVPair"]
    return dict(pair.split("=", 1) for pair in found)


def _run(timers: Scheduler, duration: int) -> None:
    clock = timers.clock
    assert isinstance(clock, VirtualClock)
    end = clock.now() + duration
    while (due := timers.next_time()) is not None and due <= end:
        clock.advance(due)
        timers.run_due(due)
    clock.advance(end)
