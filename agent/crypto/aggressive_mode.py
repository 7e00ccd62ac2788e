"""Crypto room: aggressive mode (RFC 2409 §5.1, §5.4; RFC 3947 §4), both sides, as a table of steps.

    AM1  HDR, SA, KE, Ni, IDii            →
    AM2                                   ←  HDR, SA, KE, Nr, IDir, [CERT,] HASH_R or SIG_R
    AM3  HDR*, [CERT,] HASH_I or SIG_I    →

AM1 and AM2 carry vendor IDs and requests for certificates. AM2 and AM3 carry the hashes that detect a NAT, so the initiator changes
its ports with AM3. AM3 carries INITIAL-CONTACT if there is no other SA with the peer. AM3 is accepted in the clear too, but its
notifications are not, because no hash covers them. The group cannot be negotiated, because AM1 has a public value of it.
RESPONDER-LIFETIME needs protection (RFC 2407 §4.6.3.1), so it follows in an informational exchange. The responder may have to find
out about the initiator before it can answer AM1, because its name says which key is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from agent.crypto import phase1
from agent.crypto.dialogues import Message
from agent.crypto.doi import Exchange
from agent.crypto.ike_events import RefusedError, Trouble
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import COOKIE_LENGTH
from agent.crypto.payloads import Hash, Identification, KeyExchange, Nonce, SecurityAssociation, Signature
from agent.crypto.phase1 import Step
from agent.crypto.states import Cause, Role, State
from agent.crypto.vendor import CAPABILITIES


def begin(sa: IkeSa, now: int) -> None:
    """Send AM1, with the policies that have the first one's group. Raises RefusedError if none is usable with this peer."""
    _check_allowed(sa)
    policies = sa.decisions.policies(None)
    offer = phase1.offer_policies(sa, (policy for policy in policies if policy.group == policies[0].group))
    payloads = (
        offer,
        *phase1.key_exchange(sa, sa.terms.offered[0].group),
        phase1.identify(sa, sa.terms.offered[0].authentication),
        *phase1.certificate_requests(sa, sa.terms.offered),
        *phase1.nat_vendors(sa),
        *CAPABILITIES,
    )
    sa.say(sa.main, sa.encode(Exchange.AGGRESSIVE, payloads), now, resend=True)
    sa.happened(Cause.AM1_SENT)


def _check_allowed(sa: IkeSa) -> None:
    """Refuse aggressive mode if the owner does not allow it."""
    if not sa.decisions.allows_aggressive():
        raise RefusedError(Trouble.DISABLED)


def _receive_am1(sa: IkeSa, message: Message, now: int) -> None:
    _check_allowed(sa)
    sa.responder_cookie = sa.random.take(COOKIE_LENGTH)
    phase1.take_identity(sa, message)
    phase1.once_known(sa, partial(_answer_am1, sa, message), now)


def _answer_am1(sa: IkeSa, message: Message, now: int) -> None:
    chosen = phase1.choose_policy(sa, message, sa.decisions.policies(sa.remote_identity))
    phase1.take_key_exchange(sa, message)
    ours = phase1.key_exchange(sa, sa.policy().group)
    phase1.derive(sa)
    payloads = (
        chosen,
        *ours,
        phase1.identify(sa, sa.policy().authentication),
        *phase1.proof(sa),
        *phase1.certificate_requests(sa, (sa.policy(),)),
        *phase1.nat_vendors(sa),
        *CAPABILITIES,
        *phase1.nat_payloads(sa),
    )
    sa.say(sa.main, sa.encode(Exchange.AGGRESSIVE, payloads), now, resend=True)


def _receive_am2(sa: IkeSa, message: Message, now: int) -> None:
    phase1.accept_policy(sa, message)
    phase1.take_identity(sa, message)
    phase1.take_key_exchange(sa, message)
    phase1.derive(sa)
    phase1.check_proof(sa, message)
    phase1.detect_nat(sa, message)
    payloads = (*phase1.proof(sa), *phase1.nat_payloads(sa), *phase1.with_proof(sa, phase1.initial_contact(sa)))
    sa.say(sa.main, sa.seal(Exchange.AGGRESSIVE, sa.main, payloads), now, resend=False)
    phase1.establish(sa, now)


def _receive_am3(sa: IkeSa, message: Message, now: int) -> None:
    if message.header.encrypted:
        sa.main.vector = message.vector
    phase1.detect_nat(sa, message)
    phase1.check_proof(sa, message)
    sa.begin_counting()
    sa.main.said = b""  # AM3 wants no answer
    if message.header.encrypted:
        phase1.take_notifications(sa, message)
    phase1.establish(sa, now)
    shorter = phase1.responder_lifetime(sa)
    if shorter:
        sa.inform(shorter)


# The message expected in each state of aggressive mode, by role.
AGGRESSIVE_MODE: Mapping[tuple[Role, State], Step] = MappingProxyType(
    {
        (Role.RESPONDER, State.AG_NO_STATE): Step(
            Cause.AM1, (SecurityAssociation, KeyExchange, Nonce, Identification), False, _receive_am1
        ),
        (Role.INITIATOR, State.AG_INIT_EXCH): Step(
            Cause.AM2,
            (SecurityAssociation, KeyExchange, Nonce, Identification, Hash | Signature),
            False,
            _receive_am2,
        ),
        (Role.RESPONDER, State.AG_INIT_EXCH): Step(Cause.AM3, (Hash | Signature,), None, _receive_am3),
    }
)
