"""Lab room: reports failures of a router's IKE to the flow monitor: failed set-ups, bad messages, messages to unknown SAs.

`failures` has the reasons, docs/failures.md what each shows.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.base.clock import SECOND
from agent.crypto.ike_events import Trouble
from agent.flow.model import IkeFailureReason, Peer
from agent.flow.monitor import FlowMonitor
from agent.lab.failures import words
from agent.lab.failures.reasons import IKE_REASONS
from agent.lab.failures.reported import Reported
from agent.lab.ike.allowance import SourceAllowance
from agent.lab.ike.records import IkeRecord
from agent.lab.policy.isakmp import identity_of
from agent.lab.policy.peer_pair import PeerPair


class IkeFaults:
    """Each failed set-up has a failure row. Bad messages have one row for each SA and reason, and count each time.

    Forged messages can cause two kinds of failures: set-ups that a peer begins and that end before it has repeated our cookie, and
    messages to no SA. Their rows are limited, so that they do not push all others out of the table. Beyond the limit they count.
    """

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor
        self._unknown = Reported()  # SAs that are not there
        self._unreadable = Reported()  # peers that speak otherwise
        # Of peers whose addresses may be forged.
        self._rows = SourceAllowance(monitor.clock.now, at_once=50, interval=SECOND, times=2)

    def set_up(self, record: IkeRecord, trouble: Trouble) -> None:
        """Report a failed phase 1."""
        sa, pair = record.sa, record.pair
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

    def message(self, record: IkeRecord, trouble: Trouble) -> None:
        """Report a bad message to a live SA."""
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
        if self._unreadable.is_first(pair) and self._may_tell_of(pair):
            self._report(pair, peer, IkeFailureReason.PEER_ENCODING, words.OTHER_VERSION, initiator=False)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.PEER_ENCODING, initiator=False)

    def no_sa(self, pair: PeerPair, peer: Peer | None, cookies: bytes) -> None:
        """Report a message to an unknown or ended SA. `peer` is as in `unreadable`."""
        if self._unknown.is_first((pair, cookies)) and self._may_tell_of(pair):
            self._report(pair, peer, IkeFailureReason.NO_SA, words.NO_SA)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.NO_SA)

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
