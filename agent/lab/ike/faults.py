"""Lab room: reports failures of a router's IKE to the flow monitor: failed set-ups, bad messages, messages to unknown SAs.

`failures` has the reasons, docs/failures.md what each shows.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.base.clock import SECOND
from agent.crypto.doi import Exchange
from agent.crypto.ike_events import Trouble
from agent.crypto.ike_sa import IkeSa
from agent.flow.model import IkeFailureReason, Peer
from agent.flow.monitor import FlowMonitor
from agent.flow.refusals import MessageFault
from agent.lab.failures import words
from agent.lab.failures.reasons import DROP_FAULTS, EXCHANGES, IKE_REASONS, NEGOTIATION_FAULTS
from agent.lab.failures.reported import Reported
from agent.lab.ike.allowance import SourceAllowance
from agent.lab.ike.records import IkeRecord
from agent.lab.policy.isakmp import identity_of
from agent.lab.policy.peer_pair import PeerPair


class IkeFaults:
    """Each failed set-up has a failure row. Bad messages have one row for each SA and reason, and count each time.

    Forged messages can cause two kinds of failures: set-ups that a peer begins and that end before it has repeated our cookie, and
    messages to no SA. Their rows are limited, so that they do not push all others out of the table. Beyond the limit they count.

    Each refused message is told of as well, which makes no row. A peer, and all peers together, have a limit there.
    """

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor
        self._unknown = Reported()  # SAs that are not there
        self._unreadable = Reported()  # peers that speak otherwise
        # Of peers whose addresses may be forged.
        self._rows = SourceAllowance(monitor.clock.now, at_once=50, interval=SECOND, times=2)
        self._messages = SourceAllowance(monitor.clock.now, at_once=10, interval=10 * SECOND, times=5)

    def set_up(self, record: IkeRecord, trouble: Trouble, exchange: Exchange | None = None) -> None:
        """Report a failed phase 1, and the message of the peer that has ended it, if one has."""
        sa, pair = record.sa, record.pair
        if exchange is not None or trouble is Trouble.DISABLED:
            self._refused(record, _fault_of_set_up(sa, trouble, exchange), exchange)
        # A matched profile names the VRF of the failure; before that it is the front-door VRF.
        vrf = record.decisions.inside_vrf if record.decisions.settled else pair.front_vrf
        if not sa.initiator and not sa.echoed and not self._may_tell_of(pair):
            self._monitor.ike_fault(vrf, IKE_REASONS[trouble], initiator=False)
            return
        self._monitor.ike_failed(
            vrf,
            IKE_REASONS[trouble],
            IPv4Address(pair.local),
            IPv4Address(pair.remote),
            identity_of(sa.local_identity),
            identity_of(sa.remote_identity),
            sa.initiator,
            ends=record.peer_ends,
            cause=words.of_set_up(trouble, record.sa, record.decisions),
        )

    def quick_mode(self, record: IkeRecord, trouble: Trouble, exchange: Exchange | None) -> None:
        """Report the message of the peer that has ended a quick mode. An error that the peer has sent was not refused."""
        if exchange is Exchange.QUICK:
            self._refused(record, NEGOTIATION_FAULTS.get(trouble, MessageFault.REFUSED), exchange)

    def engine(self, record: IkeRecord, sending: bool) -> None:
        """Report a message that the crypto engine could not encrypt (`sending`) or decrypt."""
        self._refused(record, MessageFault.NOT_ENCRYPTED if sending else MessageFault.NOT_DECRYPTED, None)

    def message(self, record: IkeRecord, trouble: Trouble, exchange: Exchange | None, clear: bool) -> None:
        """Report a bad message to an SA, which came in the `clear` or not. Only that of a live SA is a failure."""
        if clear or trouble in DROP_FAULTS:
            self._refused(record, MessageFault.IN_THE_CLEAR if clear else DROP_FAULTS[trouble], exchange)
        if record.tunnel is None:
            return
        facts, reason = record.tunnel.facts, IKE_REASONS[trouble]
        if trouble in record.reported:
            self._monitor.ike_fault(record.tunnel.vrf, reason)
            return
        record.reported.add(trouble)
        self._monitor.ike_failed(
            record.tunnel.vrf,
            reason,
            facts.local_address,
            facts.remote_address,
            local=facts.local,
            remote=facts.remote,
            tunnel=record.tunnel,
            cause=words.MESSAGES.get(trouble, f"a message that is {trouble.value}"),
        )

    def unreadable(self, pair: PeerPair, peer: Peer | None) -> None:
        """Report a message with a refused header, such as one of IKEv2. `peer` is the association of the two, if they have one."""
        self.not_ours(pair, MessageFault.MALFORMED)
        if self._unreadable.is_first(pair) and self._may_tell_of(pair):
            self._report(pair, peer, IkeFailureReason.PEER_ENCODING, words.OTHER_VERSION, initiator=False)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.PEER_ENCODING, initiator=False)

    def no_sa(self, pair: PeerPair, peer: Peer | None, cookies: bytes) -> None:
        """Report a message to an unknown or ended SA. `peer` is as in `unreadable`."""
        self.not_ours(pair, MessageFault.NO_SA)
        if self._unknown.is_first((pair, cookies)) and self._may_tell_of(pair):
            self._report(pair, peer, IkeFailureReason.NO_SA, words.NO_SA)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.NO_SA)

    def not_ours(self, pair: PeerPair, fault: MessageFault) -> None:
        """Tell of a message that is of no SA. It may be no failure."""
        if self._messages.allows(pair):
            self._monitor.reports.message_refused(pair.front_vrf, fault, IPv4Address(pair.local), IPv4Address(pair.remote))

    def _refused(self, record: IkeRecord, fault: MessageFault, exchange: Exchange | None) -> None:
        """Tell of a message of an SA."""
        pair, tunnel = record.pair, record.tunnel
        if self._messages.allows(pair):
            self._monitor.reports.message_refused(
                tunnel.vrf if tunnel else pair.front_vrf,
                fault,
                IPv4Address(pair.local),
                IPv4Address(pair.remote),
                EXCHANGES[exchange] if exchange is not None else None,
                tunnel,
                record.sa.policy().authentication if record.sa.terms.agreed else None,
            )

    def _report(
        self, pair: PeerPair, peer: Peer | None, reason: IkeFailureReason, cause: str, initiator: bool | None = None
    ) -> None:
        self._monitor.ike_failed(
            pair.front_vrf,
            reason,
            IPv4Address(pair.local),
            IPv4Address(pair.remote),
            initiator=initiator,
            peer=peer,
            ends=pair.ends,
            cause=cause,
        )

    def _may_tell_of(self, pair: PeerPair) -> bool:
        return self._rows.allows(pair)


def _fault_of_set_up(sa: IkeSa, trouble: Trouble, exchange: Exchange | None) -> MessageFault:
    """What was wrong with the message that has ended a phase 1."""
    if exchange is Exchange.INFORMATIONAL:
        return MessageFault.REFUSED  # an error that nothing proves, and that ends the set-up nevertheless
    if trouble is Trouble.AUTHENTICATION and sa.remote_identity is None:
        return MessageFault.MALFORMED  # decrypted with another key, so not even the identity could be read
    return NEGOTIATION_FAULTS.get(trouble, MessageFault.REFUSED)
