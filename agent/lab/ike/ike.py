"""Lab room: a router's IKE: datagrams to and from its ISAKMP SAs, reports of their events to the flow monitor, and timers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from agent.base.dispatch import Dispatch
from agent.base.ike_counters import IkeCounter
from agent.base.scheduler import Timers
from agent.config.crypto_model import ClientGroup, IsakmpPolicy
from agent.config.defaults import DEFAULT_PRIORITIES
from agent.config.model import RouterConfig
from agent.crypto import ikev1
from agent.crypto.ciphers import RandomSource
from agent.crypto.doi import PHASE1_EXCHANGES, Exchange, IdentificationType, NotifyType
from agent.crypto.doi import Protocol as IpsecProtocol
from agent.crypto.engine import CryptoEngine
from agent.crypto.ike_events import (
    BadMessage,
    ConfigurationWanted,
    EngineFailed,
    InitialContact,
    InvalidSpi,
    LoginOffered,
    OverButUsed,
    PeerLost,
    PeerNamed,
    Phase1Deleted,
    Phase1Expired,
    Phase1Failed,
    Phase1Shortened,
    Phase1Up,
    Phase2Deleted,
    Phase2Failed,
    Phase2Keyed,
    Phase2Result,
    Phase2Up,
    Trouble,
)
from agent.crypto.ike_sa import IkeSa
from agent.crypto.informational import about_to_send, delete_phase1, delete_phase2, refusal
from agent.crypto.isakmp import (
    COOKIE_LENGTH,
    NO_COOKIE,
    Header,
    MalformedMessageError,
    RefusedHeaderError,
    decode_header,
)
from agent.crypto.nat_traversal import Ends, NatTraversal
from agent.crypto.payloads import Attribute, Notification
from agent.crypto.states import State
from agent.crypto.transaction import answer_configuration, answer_login, challenge_login
from agent.engine.access import AccessControl
from agent.flow.counters import PacketCounters
from agent.flow.model import EndReason, IkeFailureReason, Peer
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import DefaultsKind, MessageFault
from agent.lab.ike.admission import IkeAdmission
from agent.lab.ike.allowance import SourceAllowance
from agent.lab.ike.faults import IkeFaults
from agent.lab.ike.liveness import Liveness
from agent.lab.ike.peers import Peers
from agent.lab.ike.records import IkeRecord, ends_of, facts_of
from agent.lab.ike.sas import IkeSas
from agent.lab.ike.tracing import trace
from agent.lab.ipsec.ipsec import Ipsec
from agent.lab.ipsec.nat_keepalive import NatKeepalives, Path
from agent.lab.ipsec.sa_keeper import SaKeeper
from agent.lab.ipsec.tunnels import LiveTunnel
from agent.lab.policy.clients import Clients, Judgement
from agent.lab.policy.groups import Groups
from agent.lab.policy.isakmp import PeerDecisions, is_same_system
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.policy.trustpoints import Certificates

SendDatagram = Callable[[str | None, Ends, bytes], None]


class Ike:
    """A router's IKE. `isakmp_policies` gives the policies in force, `traversal` the terms of NAT traversal."""

    def __init__(
        self,
        config: RouterConfig,
        monitor: FlowMonitor,
        scheduler: Timers,
        random: RandomSource,
        ipsec: Ipsec,
        sa_keeper: SaKeeper,
        send: SendDatagram,
        isakmp_policies: Callable[[], Iterable[IsakmpPolicy]],
        traversal: Callable[[], NatTraversal],
        certificates: Certificates,
        engine: CryptoEngine,
    ) -> None:
        self._config = config
        self._monitor = monitor
        self._scheduler = scheduler
        self._random = random
        self._ipsec = ipsec
        self._sa_keeper = sa_keeper
        self._send = send
        self._isakmp_policies = isakmp_policies
        self._traversal = traversal
        self._certificates = certificates
        self.keepalives = NatKeepalives(scheduler, send, lambda: config.crypto.nat_keepalive, self._in_use)
        self._engine = engine
        self.sas = IkeSas()
        self.admission = IkeAdmission(config, self.sas, monitor, scheduler, self._knows, self._make_room)
        self._faults = IkeFaults(monitor)
        self._answers = SourceAllowance(scheduler.clock.now)  # to those whose headers are refused
        self._liveness = Liveness(scheduler, random, self._settle, lambda client: self._peers.record_of(client))
        self.clients = Clients(config, self._liveness.is_there)
        self._groups = Groups(config, scheduler)
        self._peers = Peers(self.sas, sa_keeper, self.clients, self._keep_open, monitor.peer_moved)
        self._handle = self._handlers()

    def _handlers(self) -> Dispatch[IkeRecord]:
        """The handler of each event of an SA. `Configured` is an event of clients, which these routers are not."""
        handlers: Dispatch[IkeRecord] = Dispatch()
        handlers.on(PeerNamed, self._peer_named)
        handlers.on(LoginOffered, self._login_offered)
        handlers.on(ConfigurationWanted, self._configuration_wanted)
        handlers.on(Phase1Up, self._phase1_up)
        handlers.on(Phase1Failed, self._phase1_failed)
        handlers.on(Phase1Shortened, self._phase1_shortened)
        handlers.on(Phase1Expired, lambda record, event: self._ended(record, EndReason.NORMAL))
        handlers.on(Phase1Deleted, lambda record, event: self._ended(record, EndReason.PEER_DELETE))
        handlers.on(OverButUsed, lambda record, event: self._no_sa(record.pair, record.pair, record.sa.cookies))
        handlers.on(PeerLost, self._peer_lost)
        handlers.on(InitialContact, self._initial_contact)
        handlers.on(Phase2Keyed, self._phase2_keyed)
        handlers.on(Phase2Up, self._phase2_up)
        handlers.on(Phase2Failed, self._phase2_failed)
        handlers.on(Phase2Deleted, self._phase2_deleted)
        handlers.on(InvalidSpi, self._invalid_spi)
        handlers.on(EngineFailed, self._engine_failed)
        handlers.on(BadMessage, self._bad_message)
        return handlers

    def use_access(self, access: AccessControl) -> None:
        """Whom to ask about remote-access clients and their groups."""
        self.clients.use_access(access)
        self._groups.use_access(access)

    # --- requests ---

    def negotiate(self, live: LiveTunnel) -> None:
        """Begin a quick mode for a flow, under an established SA, or later under one in negotiation or a new one."""
        if not self._ipsec.admits(live):
            return
        profile = live.plan.target.entry.isakmp_profile
        if self._config.crypto.enabled:
            record = self.sas.usable(live.pair, profile) or self._initiate(live.pair, profile, live.ends)
        else:
            record = None  # `no crypto isakmp enable`
        if record is None:
            self._ipsec.put_off(live)
        elif record.sa.up:
            ikev1.negotiate(record.sa, self._ipsec.start_of(live), self._scheduler.clock.now())
            self._settle(record)
        else:
            record.waiting.append(live)
            self._settle(record)

    def delete_sas(self, pair: PeerPair, keyed_by: bytes, since: int, spis: dict[IpsecProtocol, tuple[int, ...]]) -> None:
        for record in self.sas.holding(pair, keyed_by, since):
            delete_phase2(record.sa, spis)
            self._settle(record)

    def association_at(self, pair: PeerPair) -> Peer | None:
        return self._peers.association_at(pair)

    def unknown_spi(self, pair: PeerPair, protocol: IpsecProtocol, spi: int) -> None:
        """Send a peer INVALID-SPI. With invalid-spi-recovery an ISAKMP SA is made for that, if necessary."""
        notification = Notification(protocol, NotifyType.INVALID_SPI, spi.to_bytes(4, "big"))
        record = self.sas.newest(pair)
        if record is not None:
            record.sa.inform((notification,))
            self._settle(record)
        elif self._config.crypto.invalid_spi_recovery and self._decisions(pair, None, None).policies(None):
            record = next(iter(self.sas.of_peer(pair)), None) or self._initiate(pair, None)
            if record is not None:
                record.notifications.append(notification)
                self._settle(record)

    def heard(self, live: LiveTunnel) -> None:
        """An authentic IPsec packet of a flow has come, so its peer is there."""
        if live.isakmp is not None:
            live.isakmp.heard(self._scheduler.clock.now())

    def about_to_send(self, live: LiveTunnel) -> None:
        """An IPsec packet of a flow is about to be sent. If its peer has been silent for long, it gets an R-U-THERE."""
        sa = live.isakmp
        if sa is not None and sa.dpd:
            about_to_send(sa, self._scheduler.clock.now())
            record = self.sas.of_cookies(sa.cookies) if sa.pending else None
            if record is not None:
                self._settle(record)

    def moved(self, live: LiveTunnel, ends: Ends) -> None:
        """An authentic packet of a flow has come from another address or port of a peer behind a NAT."""
        self._peers.moved(live, ends)

    def end(self, record: IkeRecord, reason: EndReason) -> None:
        """End an SA from our side, also one in negotiation, with a delete."""
        if record.negotiating:
            self._faults.set_up(record, Trouble.GIVEN_UP)
        self._peers.release_flows(record, reason, notify=True)
        delete_phase1(record.sa, self._scheduler.clock.now())
        self._ended(record, reason)
        self._settle(record)

    def lose_everything(self) -> None:
        """The router is switched off: SAs of both phases are lost, without deletes."""
        gone = self.sas.clear()
        self._sa_keeper.lose_everything()
        for record in gone:
            if record.timer:
                record.timer.cancel()
            self._ended(record, EndReason.LOCAL_FAILURE)
            record.sa.end(self._scheduler.clock.now(), Trouble.GIVEN_UP)  # so that no late answer of AAA goes on with it
        self.clients.lose_everything()

    # --- datagrams and time ---

    def receive(self, pair: PeerPair, local_port: int, remote_port: int, octets: bytes) -> None:
        """An ISAKMP datagram from a peer."""
        try:
            header = decode_header(octets)
        except RefusedHeaderError as refused:
            self._refuse_header(pair, ends_of(pair, local_port, remote_port), refused)
            self._malformed(pair, octets)
            return
        except MalformedMessageError:
            self._faults.not_ours(pair, MessageFault.MALFORMED)
            self._malformed(pair, octets)
            return
        record = self.sas.find(pair, header)
        if record is None and self._may_begin(header):
            if not self.admission.admits_incoming(pair, remote_port, header.initiator_cookie):
                return
            record = self._respond(pair, header, local_port, remote_port)
        if record is None:
            self._no_sa(pair, pair.heard_from(remote_port), header.initiator_cookie + header.responder_cookie)
            return
        if self._monitor.reports.traced:
            trace(self._monitor, record, header, octets, sent=False)
        before = record.sa.ends
        ikev1.receive(record.sa, octets, self._scheduler.clock.now(), ends_of(pair, local_port, remote_port))
        if record.tunnel is not None and record.sa.ends != before:
            self._peers.follow(record, record.sa.ends)
        if record.sa.initiator_cookie == NO_COOKIE:
            return  # not a first message, after all
        self.sas.keep(record)
        self._settle(record)

    def _no_sa(self, pair: PeerPair, heard_from: PeerPair, cookies: bytes) -> None:
        """A message to an unknown or ended SA. Past a NAT the port says whose it is."""
        self._faults.no_sa(pair, self.association_at(heard_from), cookies)

    def _refuse_header(self, pair: PeerPair, ends: Ends, refused: RefusedHeaderError) -> None:
        """Refuse a header with another version or unknown flags (RFC 2408 §5.2). It is ignored if it names a live SA."""
        if self.sas.begun_by(pair, refused.header.initiator_cookie) is None:
            self._faults.unreadable(pair, self.association_at(pair.heard_from(ends.remote_port)))
        answer = refusal(refused)
        if answer is not None and self._config.crypto.enabled and self._answers.allows(pair):
            self._send(pair.front_vrf, ends, answer)

    def _malformed(self, pair: PeerPair, octets: bytes) -> None:
        """Count a datagram without a valid header. Only its first octets say which SA it would be for."""
        record = self.sas.begun_by(pair, octets[:COOKIE_LENGTH])
        if record is not None:
            ikev1.receive(record.sa, octets, self._scheduler.clock.now())
            self._settle(record)

    def _keep_open(self, record: IkeRecord) -> None:
        """Send keepalives, because we are behind a NAT."""
        if record.sa.nat and record.sa.nat.local_behind:
            self.keepalives.keep((record.pair.front_vrf, record.sa.ends))

    def _in_use(self, path: Path) -> bool:
        vrf, ends = path
        return any(record.sa.up and record.pair.front_vrf == vrf and record.sa.ends == ends for record in self.sas) or bool(
            self._sa_keeper.matching(lambda live: live.pair.front_vrf == vrf and live.ends == ends and bool(live.bundles))
        )

    def _tick(self, record: IkeRecord) -> None:
        record.timer = None
        ikev1.tick(record.sa, self._scheduler.clock.now())
        self._settle(record)

    def _settle(self, record: IkeRecord) -> None:
        """Send the SA's datagrams, handle its events, and set its next timer."""
        sa = record.sa
        while sa.pending:
            for message in sa.take_messages():
                if self._monitor.reports.traced:
                    trace(self._monitor, record, decode_header(message), message, sent=True)
                self._send(record.pair.front_vrf, sa.ends, message)
                self.keepalives.sent((record.pair.front_vrf, sa.ends))
            for event in sa.take_events():
                self._handle(record, event)
        if sa.state is State.DEAD:
            self._over(record)
        self._liveness.settled(record)
        due = sa.next_timer()
        if record.timer and record.timer.time != due:
            record.timer.cancel()
            record.timer = None
        if record.timer is None and due is not None:
            record.timer = self._scheduler.at(due, lambda: self._tick(record))

    def _over(self, record: IkeRecord) -> None:
        """The SA is over for the core. Its tunnel, its flows and its address end with it, whatever the reason."""
        self._ended(record, EndReason.OTHER)
        self.sas.finish(record)
        if record.decisions.client:
            self.clients.ended(record.decisions.client)

    # --- beginnings ---

    def _decisions(self, pair: PeerPair, profile_name: str | None, clients: Clients | None) -> PeerDecisions:
        return PeerDecisions(
            config=self._config,
            pair=pair,
            profile=self._config.crypto.profiles.get(profile_name or ""),
            isakmp_policies=self._isakmp_policies,
            contact=lambda: not self._knows(pair),
            answer_flow=self._ipsec.answer,
            take_spi=self._ipsec.new_spi,
            certificates=self._certificates,
            clients=clients,
        )

    def _knows(self, pair: PeerPair) -> bool:
        """Whether there is an SA of either phase with a peer."""
        return self.sas.newest(pair) is not None or any(live.bundles for live in self._sa_keeper.of_peer(pair))

    def _initiate(self, pair: PeerPair, profile: str | None, heard: Ends | None = None) -> IkeRecord | None:
        """Begin a phase 1 if it is admitted. A peer behind a NAT is reached only where it was last `heard` from."""
        if not self.admission.admits_outgoing(pair):
            return None
        counters = PacketCounters(IkeCounter)
        decisions = self._decisions(pair, profile, None)
        decisions.aggressive = decisions.wants_aggressive()
        exchange = Exchange.AGGRESSIVE if decisions.aggressive else Exchange.MAIN
        now, ends = self._scheduler.clock.now(), heard if heard and pair.port else ends_of(pair)
        sa = ikev1.initiate(
            decisions=decisions,
            tally=counters,
            random=self._random,
            now=now,
            ends=ends,
            traversal=self._traversal(),
            exchange=exchange,
            engine=self._engine,
        )
        record = IkeRecord(pair, sa, decisions, counters, now)
        self.sas.keep(record)
        return record

    def _may_begin(self, header: Header) -> bool:
        """Whether a message is the first one of a phase 1."""
        return header.exchange in PHASE1_EXCHANGES and header.responder_cookie == NO_COOKIE and self._config.crypto.enabled

    def _respond(self, pair: PeerPair, header: Header, local_port: int, remote_port: int) -> IkeRecord:
        """A record for the first message of a phase 1."""
        counters = PacketCounters(IkeCounter)
        decisions = self._decisions(pair, None, self.clients)
        ends = ends_of(pair, local_port, remote_port)
        exchange = Exchange(header.exchange)
        sa = ikev1.respond(decisions, counters, self._random, ends, self._traversal(), exchange, self._engine)
        return IkeRecord(pair, sa, decisions, counters, self._scheduler.clock.now())

    def _make_room(self, record: IkeRecord) -> None:
        """End an SA whose peer has echoed no cookie, so that another may begin."""
        self._monitor.ike_fault(record.pair.front_vrf, IkeFailureReason.CAPACITY, initiator=False)
        record.sa.end(self._scheduler.clock.now(), Trouble.GIVEN_UP)
        self._settle(record)

    # --- events of an SA ---

    def _peer_named(self, record: IkeRecord, event: PeerNamed) -> None:
        """A peer names a group: phase 1 waits until AAA has said what that group is.

        Many may wait for one answer, and each goes on with a Diffie-Hellman, so they go on one by one.
        """
        key = record.decisions.wanted_group(event.peer)
        assert key is not None

        def go_on() -> None:
            ikev1.resume(record.sa, self._scheduler.clock.now())
            self._settle(record)

        def found(group: ClientGroup | None) -> None:
            record.decisions.groups[key] = group
            self._scheduler.after(0, go_on)

        self._groups.find(key, record.sa.aggressive, found)

    def _login_offered(self, record: IkeRecord, event: LoginOffered) -> None:
        assert record.decisions.client

        def answer(judged: Judgement) -> None:
            now = self._scheduler.clock.now()
            if judged.again:
                challenge_login(record.sa, judged.message, now)
            else:
                answer_login(record.sa, judged.refusal, now, judged.message)
            self._settle(record)

        self._peers.learn_port(record)
        self.clients.log_in(record.decisions.client, event.login, answer)

    def _configuration_wanted(self, record: IkeRecord, event: ConfigurationWanted) -> None:

        def answer(given: Sequence[Attribute] | None) -> None:
            answer_configuration(record.sa, event, given, self._scheduler.clock.now())
            self._settle(record)

        self._peers.learn_port(record)
        client = record.decisions.client
        if client is None:
            answer(())
        else:
            self.clients.configure(client, event.asked, event.seconds, answer)

    def _phase1_up(self, record: IkeRecord, event: Phase1Up) -> None:
        self._sa_keeper.lost_peers.discard(record.pair)
        self._liveness.watch(record)
        self._peers.learn_port(record)
        former = self._peers.take_over(record)
        facts = facts_of(self._config, record)
        continues = self._peers.associations_of(record)
        tunnel = self._monitor.ike_up(record.decisions.inside_vrf, facts, record.counters, continues=continues)
        self.sas.came_up(record, tunnel)
        if facts.policy in DEFAULT_PRIORITIES:
            self._monitor.reports.defaults_used(tunnel.vrf, DefaultsKind.ISAKMP_POLICIES)
        self._keep_open(record)
        for each in former:
            self._liveness.ask(each)  # whether the client still has it
        waiting, record.waiting = record.waiting, []
        if record.notifications:
            record.sa.inform(record.notifications)
        for live in waiting:
            if live.negotiating:
                self.negotiate(live)

    # --- failures and ends ---

    def _phase1_failed(self, record: IkeRecord, event: Phase1Failed) -> None:
        self._faults.set_up(record, event.trouble, event.exchange)
        waiting, record.waiting = record.waiting, []
        for live in waiting:
            self._try_next_peer(record, live)

    def _phase1_shortened(self, record: IkeRecord, event: Phase1Shortened) -> None:
        if record.tunnel is not None:
            self._monitor.ike_shortened(record.tunnel, event.seconds)

    def _try_next_peer(self, record: IkeRecord, live: LiveTunnel) -> None:
        """Continue a flow whose phase 1 failed: by our own attempt if it waited for the peer's, by the next peer, or not."""
        peers = live.plan.target.peers
        if not record.sa.initiator:
            self._scheduler.after(0, lambda: self._try(live))
        elif live.row is None and live.peer_at + 1 < len(peers):
            live.peer_at += 1
            self._sa_keeper.redirect(live, live.pair._replace(remote=peers[live.peer_at]))
            self._scheduler.after(0, lambda: self._try(live))
        else:
            self._sa_keeper.lost_peers.difference_update(live.pair._replace(remote=peer) for peer in peers)
            self._sa_keeper.abandon(live)

    def _try(self, live: LiveTunnel) -> None:
        if live.negotiating:
            self.negotiate(live)

    def _ended(self, record: IkeRecord, reason: EndReason) -> None:
        self._peers.release_flows(record, reason, notify=False)
        tunnel = self.sas.went_down(record)
        if tunnel is not None:
            self._monitor.ike_ended(tunnel, reason)
        for live in record.waiting:
            self._sa_keeper.abandon(live)
        record.waiting = []

    def _initial_contact(self, record: IkeRecord, event: InitialContact) -> None:
        """The peer has restarted: its SAs are useless (RFC 2407 §4.6.3.3)."""
        self._peers.learn_port(record)
        self._forget_system(record)

    def _peer_lost(self, record: IkeRecord, event: PeerLost) -> None:
        """The peer no longer answers. Its SAs end without deletes.

        If it has made another ISAKMP SA since, it has only lost this one.
        """
        same = self.sas.of_same_peer(record)
        flows = self._peers.flows_of({each.sa for each in same}, record.pair) if same[-1:] == [record] else []
        self._ended(record, EndReason.PEER_LOST)
        if same[-1:] != [record]:
            return
        for other in same[:-1]:
            self._end_as_lost(other)
        for live in flows:
            if live.row is not None:
                self._sa_keeper.end(live, EndReason.PEER_LOST, notify=False)
        self._sa_keeper.lost_peers.add(record.pair)

    def _end_as_lost(self, record: IkeRecord) -> None:
        """The peer no longer has an established ISAKMP SA."""
        record.sa.end(self._scheduler.clock.now(), Trouble.TIMEOUT)
        self._ended(record, EndReason.PEER_LOST)
        self._settle(record)

    def _forget_system(self, record: IkeRecord) -> None:
        """End everything with the system of an ISAKMP SA as lost, except that SA and what it has keyed or is keying.

        Behind a NAT, a port of one member of a group may now be another member's, and both have the same key ID. So the former
        client of the port is asked whether it is there.
        """
        sa = record.sa
        past_nat = sa.nat is not None and sa.nat.remote_behind
        doubtful = past_nat and sa.remote_identity is not None and sa.remote_identity.kind == IdentificationType.KEY_ID

        def is_same(pair: PeerPair, other: IkeSa | None) -> bool:
            return is_same_system(record.pair, sa.remote_identity, pair, other.remote_identity if other else None, past_nat)

        keying = sa.keying_for
        flows = self._sa_keeper.matching(lambda live: live.row is not None and is_same(live.pair, live.isakmp))
        held = [each for each in self.sas if each is not record and each.sa.up and is_same(each.pair, each.sa)]
        asked = [each for each in held if doubtful and each.sa.peer.dpd]
        for each in held:
            if each not in asked:
                self._end_as_lost(each)
        for live in flows:
            if live.isakmp not in [each.sa for each in asked]:
                self._sa_keeper.lose(live, sa.cookies, live in keying)
        for each in asked:
            self._liveness.ask(each)

    def _phase2_keyed(self, record: IkeRecord, event: Phase2Keyed) -> None:
        self._assign_flow(record, event.result)
        self._sa_keeper.keyed(event.result)

    def _phase2_up(self, record: IkeRecord, event: Phase2Up) -> None:
        if record.tunnel is not None:
            self._assign_flow(record, event.result)
            self._sa_keeper.up(event.result, record.tunnel)

    def _assign_flow(self, record: IkeRecord, result: Phase2Result) -> None:
        """Put the SAs of a quick mode at the peer of its phase 1, wherever that is."""
        if isinstance(result.tag, LiveTunnel):
            result.tag.ends, result.tag.isakmp = record.sa.ends, record.sa

    def _phase2_failed(self, record: IkeRecord, event: Phase2Failed) -> None:
        if event.trouble is Trouble.EXPIRED:
            self._ipsec.interrupted(event)
            if event.initiator and isinstance(live := event.tag, LiveTunnel):
                self._scheduler.after(0, lambda: self._try(live))
            return
        self._faults.quick_mode(record, event.trouble, event.exchange)
        self._ipsec.failed(event, record.pair, record.decisions.inside_vrf, record.tunnel)

    def _phase2_deleted(self, record: IkeRecord, event: Phase2Deleted) -> None:
        for pair in self._peers.pairs_of(record):
            self._sa_keeper.deleted_by_peer(pair, event.protocol, event.spis)

    def _invalid_spi(self, record: IkeRecord, event: InvalidSpi) -> None:
        for pair in self._peers.pairs_of(record):
            self._sa_keeper.unknown_to_peer(pair, event.protocol, event.spi)

    def _engine_failed(self, record: IkeRecord, event: EngineFailed) -> None:
        """End an SA whose messages can be neither encrypted nor decrypted. No delete can be sent."""
        self._faults.engine(record, event.sending)
        if record.negotiating:
            self._faults.set_up(record, Trouble.ENGINE)
        record.sa.end(self._scheduler.clock.now(), Trouble.ENGINE)
        self._ended(record, EndReason.LOCAL_FAILURE)

    def _bad_message(self, record: IkeRecord, event: BadMessage) -> None:
        self._faults.message(record, event.trouble, event.exchange, event.clear)
