"""Lab room: what goes wrong with a router's IKE, told to the flow monitor: set-ups, messages to an SA, messages to none.

The reasons are those of `failures`; what each shows as is in `causes`.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from agent.crypto.ike_events import Trouble
from agent.flow.model import IkeFailureReason
from agent.flow.monitor import FlowMonitor
from agent.lab.failures import words
from agent.lab.failures.reasons import IKE_REASONS
from agent.lab.failures.reported import Reported
from agent.lab.ike.records import IkeRecord
from agent.lab.policy.isakmp import identity_of
from agent.lab.policy.peer_pair import PeerPair


class IkeFaults:
    """A set-up that fails has a failure row each time; messages have one for each SA and reason, and count each time."""

    def __init__(self, monitor: FlowMonitor) -> None:
        self._monitor = monitor
        self._unknown = Reported()  # SAs that are not there
        self._unreadable = Reported()  # peers that speak otherwise

    def set_up(self, record: IkeRecord, trouble: Trouble) -> None:
        """A phase 1 did not come about."""
        sa, pair = record.sa, record.pair
        # Only a profile that has matched says whose failure it is; before that it is the front door's.
        vrf = record.decisions.inside_vrf if record.decisions.settled else pair.front_vrf
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
        """A bad message to a live SA."""
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

    def unreadable(self, pair: PeerPair) -> None:
        """A message whose header alone says that a phase 1 with its sender will not come about, such as one of IKEv2."""
        if self._unreadable.is_first(pair):
            addresses = IPv4Address(pair.local), IPv4Address(pair.remote)
            reason, cause = IkeFailureReason.PEER_ENCODING, words.OTHER_VERSION
            self._monitor.ike_failed(pair.front_vrf, reason, *addresses, initiator=False, ends=pair.ends, cause=cause)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.PEER_ENCODING, initiator=False)

    def no_sa(self, pair: PeerPair, cookies: bytes) -> None:
        """A message to an SA that is not there, or no more."""
        if self._unknown.is_first((pair, cookies)):
            addresses = IPv4Address(pair.local), IPv4Address(pair.remote)
            self._monitor.ike_failed(pair.front_vrf, IkeFailureReason.NO_SA, *addresses, ends=pair.ends, cause=words.NO_SA)
        else:
            self._monitor.ike_fault(pair.front_vrf, IkeFailureReason.NO_SA)
