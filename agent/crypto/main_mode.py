"""Crypto room: main mode (RFC 2409 §5.1, §5.4), both sides, as a table of steps.

    MM1  HDR, SA                          →
    MM2                                   ←  HDR, SA
    MM3  HDR, KE, Ni                      →
    MM4                                   ←  HDR, KE, Nr
    MM5  HDR*, IDii, [CERT,] HASH_I or SIG_I  →
    MM6                                   ←  HDR*, IDir, [CERT,] HASH_R or SIG_R

MM1 and MM2 carry the vendor IDs of NAT traversal. MM3 and MM4 carry the others, the hashes that detect a NAT, and requests for
certificates. MM5 carries INITIAL-CONTACT if there is no other SA with the peer. MM6 carries RESPONDER-LIFETIME if the responder's
lifetime is shorter. The responder may have to find out about the initiator that MM5 names before it can answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from agent.crypto import phase1
from agent.crypto.dialogues import Message
from agent.crypto.doi import Exchange
from agent.crypto.ike_sa import IkeSa
from agent.crypto.isakmp import COOKIE_LENGTH
from agent.crypto.payloads import Hash, Identification, KeyExchange, Nonce, Payload, SecurityAssociation, Signature
from agent.crypto.phase1 import Step
from agent.crypto.states import Cause, Role, State
from agent.crypto.vendor import CAPABILITIES


def begin(sa: IkeSa, now: int) -> None:
    """Send MM1. Raises RefusedError if no policy is usable with this peer."""
    offer = phase1.offer_policies(sa, sa.decisions.policies(None))
    sa.say(sa.main, sa.encode(Exchange.MAIN, (offer, *phase1.nat_vendors(sa))), now, resend=True)


def _receive_mm1(sa: IkeSa, message: Message, now: int) -> None:
    sa.responder_cookie = sa.random.take(COOKIE_LENGTH)
    chosen = phase1.choose_policy(sa, message, sa.decisions.policies(None))
    phase1.answer(sa, sa.encode(Exchange.MAIN, (chosen, *phase1.nat_vendors(sa))), now)


def _receive_mm2(sa: IkeSa, message: Message, now: int) -> None:
    phase1.accept_policy(sa, message)
    payloads = _key_exchange(sa)
    sa.say(sa.main, sa.encode(Exchange.MAIN, payloads), now, resend=True)


def _key_exchange(sa: IkeSa) -> Sequence[Payload]:
    """MM3 and MM4."""
    policy = sa.policy()
    return (
        *phase1.key_exchange(sa, policy.group),
        *phase1.certificate_requests(sa, (policy,)),
        *CAPABILITIES,
        *phase1.nat_payloads(sa),
    )


def _receive_mm3(sa: IkeSa, message: Message, now: int) -> None:
    phase1.take_key_exchange(sa, message)
    phase1.detect_nat(sa, message)
    payloads = _key_exchange(sa)
    phase1.derive(sa)
    phase1.answer(sa, sa.encode(Exchange.MAIN, payloads), now)


def _receive_mm4(sa: IkeSa, message: Message, now: int) -> None:
    phase1.take_key_exchange(sa, message)
    phase1.detect_nat(sa, message)
    phase1.derive(sa)
    payloads = (
        phase1.identify(sa, sa.policy().authentication),
        *phase1.proof(sa),
        *phase1.with_proof(sa, phase1.initial_contact(sa)),
    )
    sa.say(sa.main, sa.seal(Exchange.MAIN, sa.main, payloads), now, resend=True)


def _receive_mm5(sa: IkeSa, message: Message, now: int) -> None:
    phase1.take_identity(sa, message)
    phase1.check_proof(sa, message)
    sa.begin_counting()
    sa.main.vector = message.vector
    phase1.take_notifications(sa, message)
    phase1.once_known(sa, partial(_answer_mm5, sa), now)


def _answer_mm5(sa: IkeSa, now: int) -> None:
    payloads = (
        phase1.identify(sa, sa.policy().authentication),
        *phase1.proof(sa),
        *phase1.with_proof(sa, phase1.responder_lifetime(sa)),
    )
    sa.say(sa.main, sa.seal(Exchange.MAIN, sa.main, payloads), now, resend=False)
    phase1.establish(sa, now)


def _receive_mm6(sa: IkeSa, message: Message, now: int) -> None:
    sa.keying.last_block = message.vector  # the responder is up: what we say from now on is to be encrypted
    phase1.take_identity(sa, message)
    phase1.check_proof(sa, message)
    sa.main.vector = message.vector
    phase1.take_notifications(sa, message)
    sa.main.said = b""  # MM6 wants no answer: to repeat MM5 for a copy of it would never end
    phase1.establish(sa, now)


# The message expected in each state of main mode, by role.
MAIN_MODE: Mapping[tuple[Role, State], Step] = MappingProxyType(
    {
        (Role.RESPONDER, State.MM_NO_STATE): Step(Cause.MM1, (SecurityAssociation,), False, _receive_mm1),
        (Role.INITIATOR, State.MM_NO_STATE): Step(Cause.MM2, (SecurityAssociation,), False, _receive_mm2),
        (Role.RESPONDER, State.MM_SA_SETUP): Step(Cause.MM3, (KeyExchange, Nonce), False, _receive_mm3),
        (Role.INITIATOR, State.MM_SA_SETUP): Step(Cause.MM4, (KeyExchange, Nonce), False, _receive_mm4),
        (Role.RESPONDER, State.MM_KEY_EXCH): Step(Cause.MM5, (Identification, Hash | Signature), True, _receive_mm5),
        (Role.INITIATOR, State.MM_KEY_EXCH): Step(Cause.MM6, (Identification, Hash | Signature), True, _receive_mm6),
    }
)
