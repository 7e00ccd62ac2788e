"""Crypto room: makes offers and chooses from them (RFC 2407 §4.4–4.5, RFC 2409 §5 and appendix A).

A policy becomes a transform. A transform set becomes a proposal; AH and ESP are two protocols under one number. The responder
returns the chosen transform unchanged. If its own lifetime is shorter, it says so in a RESPONDER-LIFETIME notification (RFC 2407
§4.6.3.1). Behind a NAT the modes are those of UDP encapsulation, and AH is left out, because a NAT changes what it authenticates
(RFC 3947 §5.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from agent.crypto.dh import GROUPS
from agent.crypto.doi import (
    AH_HASHES,
    ESP_CIPHERS,
    IKE_AUTHENTICATION,
    IKE_CIPHERS,
    IKE_HASHES,
    IPSEC_DOI,
    IPSEC_HASHES,
    KEY_IKE,
    SITUATION_IDENTITY_ONLY,
    VARIABLE_KEY_CIPHERS,
    XAUTH_AUTHENTICATION,
    EncapsulationMode,
    IkeAttribute,
    IpsecAttribute,
    LifeType,
    NotifyType,
    Protocol,
)
from agent.crypto.isakmp import TRANSFORMS_REMEMBERED, decode_attributes, encode_attributes
from agent.crypto.payloads import Attribute, Proposal, SecurityAssociation, Transform
from agent.crypto.vendor import NatFlavour

_BASIC_LIMIT = 0xFFFF
_SPI_OCTETS = 4
_RESERVED_SPIS = 256  # RFC 4303 §2.1, RFC 4302 §2.4: 0 is never sent, and 1 to 255 are reserved
_MOST_SPI_OCTETS = 16  # of a proposal of phase 1 (RFC 2408 §3.5), where they mean nothing


@dataclass(frozen=True, slots=True)
class Phase1Policy:
    """One ISAKMP policy, with IOS's names and its lifetime in seconds. `priority` is for the owner, and is never sent.

    `xauth`: the initiator's user logs in afterwards.
    """

    encryption: str
    key_bits: int
    hash: str
    authentication: str
    group: int
    lifetime: int
    priority: int = 0
    xauth: bool = False


@dataclass(frozen=True, slots=True)
class Suite:
    """The bundle of a transform set. None is "not used".

    `transport`: transport mode is offered. Tunnel mode is accepted from a peer as well, unless transport mode is `required`.
    `name` is for the owner, and is never sent.
    """

    ah: str | None = None
    esp_cipher: str | None = None
    key_bits: int = 0
    esp_auth: str | None = None
    transport: bool = False
    required: bool = False
    name: str = field(default="", compare=False)

    @property
    def modes(self) -> tuple[bool, ...]:
        """Whether it may be transport mode, best first."""
        return (True, False) if self.transport and not self.required else (self.transport,)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The protocols in the order of a packet's headers, from the outside in."""
        return ((Protocol.AH,) if self.ah else ()) + ((Protocol.ESP,) if self.esp_cipher or self.esp_auth else ())


@dataclass(frozen=True, slots=True)
class Phase2Terms:
    """One end's terms for a flow's SAs. A `group`, one of `agent.crypto.dh.GROUPS`, asks for PFS."""

    suites: tuple[Suite, ...]
    seconds: int
    kilobytes: int
    group: int | None = None
    flavour: NatFlavour | None = None  # of the NAT traversal by which ESP goes in UDP

    def mode(self, transport: bool) -> int:
        """The encapsulation mode."""
        if self.flavour is not None:
            return self.flavour.transport if transport else self.flavour.tunnel
        return EncapsulationMode.TRANSPORT if transport else EncapsulationMode.TUNNEL

    def past_nat(self, flavour: NatFlavour) -> Phase2Terms:
        """The same terms for ESP in UDP, without suites that cannot use it."""
        return replace(self, suites=tuple(suite for suite in self.suites if suite.ah is None), flavour=flavour)


@dataclass(frozen=True, slots=True)
class Phase2Choice:
    """The negotiated terms. `spis` are the other end's, by protocol."""

    suite: Suite
    seconds: int
    kilobytes: int
    transport: bool
    group: int | None
    spis: Mapping[Protocol, bytes]
    udp: bool = False  # ESP goes in UDP


def _duration(kind: int, type_kind: int, life_type: LifeType, value: int) -> tuple[Attribute, Attribute]:
    """A lifetime in two attributes. Seconds are basic where they fit in 16 bits, kilobytes never: as IOS sends them."""
    basic = life_type == LifeType.SECONDS and value <= _BASIC_LIMIT
    return Attribute(type_kind, life_type), Attribute(kind, value if basic else value.to_bytes(4, "big"))


def _read_attributes(
    attributes: Iterable[Attribute], type_kind: int, duration_kind: int, life_type: int = 0
) -> tuple[dict[int, int], dict[int, int]]:
    """Attributes by class, and lifetimes by type. `life_type` is the type of a duration without one."""
    values: dict[int, int] = {}
    lifetimes: dict[int, int] = {}
    for attribute in attributes:
        if attribute.kind == type_kind:
            life_type = attribute.number
        elif attribute.kind == duration_kind:
            lifetimes[life_type] = attribute.number
        else:
            values[attribute.kind] = attribute.number
    return values, lifetimes


def _with(proposal: Proposal, transform: Transform) -> Proposal:
    """A proposal with the chosen transform alone."""
    return Proposal(proposal.number, proposal.protocol, proposal.spi, (transform,))


def _in_our_terms(offer: SecurityAssociation) -> bool:
    return offer.doi == IPSEC_DOI and offer.situation == SITUATION_IDENTITY_ONLY


def _has_spi(proposal: Proposal) -> bool:
    """Whether the SPI of a proposal is valid for its protocol. Unknown protocols are not checked."""
    if proposal.protocol == Protocol.ISAKMP:
        return len(proposal.spi) <= _MOST_SPI_OCTETS
    if proposal.protocol not in (Protocol.AH, Protocol.ESP):
        return True
    return len(proposal.spi) == _SPI_OCTETS and int.from_bytes(proposal.spi, "big") >= _RESERVED_SPIS


def why_not(offer: SecurityAssociation) -> NotifyType:
    """The notification for an offer of which nothing was chosen (RFC 2408 §5.4, §5.5)."""
    if offer.doi != IPSEC_DOI:
        return NotifyType.DOI_NOT_SUPPORTED
    if offer.situation != SITUATION_IDENTITY_ONLY:
        return NotifyType.SITUATION_NOT_SUPPORTED
    return NotifyType.NO_PROPOSAL_CHOSEN if all(map(_has_spi, offer.proposals)) else NotifyType.INVALID_SPI


# --- phase 1 ---


def _phase1_attributes(policy: Phase1Policy) -> tuple[Attribute, ...]:
    key_length = (Attribute(IkeAttribute.KEY_LENGTH, policy.key_bits),) if policy.encryption in VARIABLE_KEY_CIPHERS else ()
    methods = XAUTH_AUTHENTICATION if policy.xauth else IKE_AUTHENTICATION
    return (
        Attribute(IkeAttribute.ENCRYPTION, IKE_CIPHERS[policy.encryption]),
        *key_length,
        Attribute(IkeAttribute.HASH, IKE_HASHES[policy.hash]),
        Attribute(IkeAttribute.GROUP, policy.group),
        Attribute(IkeAttribute.AUTHENTICATION, methods[policy.authentication]),
        *_duration(IkeAttribute.LIFE_DURATION, IkeAttribute.LIFE_TYPE, LifeType.SECONDS, policy.lifetime),
    )


def offer_phase1(policies: Sequence[Phase1Policy]) -> SecurityAssociation:
    """One proposal with a transform for each policy, in their order."""
    transforms = tuple(Transform(number, KEY_IKE, _phase1_attributes(policy)) for number, policy in enumerate(policies, 1))
    return SecurityAssociation((Proposal(1, Protocol.ISAKMP, b"", transforms),))


def _read_phase1(transform: Transform) -> dict[int, int] | None:
    """A phase-1 transform's attributes by class, with its lifetime in seconds under LIFE_DURATION. None if it is not supported."""
    if transform.identifier != KEY_IKE:
        return None
    values, lifetimes = _read_attributes(transform.attributes, IkeAttribute.LIFE_TYPE, IkeAttribute.LIFE_DURATION, LifeType.SECONDS)
    if lifetimes.get(LifeType.SECONDS):  # a lifetime of 0 counts as none
        values[IkeAttribute.LIFE_DURATION] = lifetimes[LifeType.SECONDS]
    return values


def _same_phase1(values: Mapping[int, int], policy: Phase1Policy) -> bool:
    wanted = {attribute.kind: attribute.number for attribute in _phase1_attributes(policy)}
    for kind in (IkeAttribute.LIFE_TYPE, IkeAttribute.LIFE_DURATION):
        wanted.pop(kind)
    return {kind: value for kind, value in values.items() if kind != IkeAttribute.LIFE_DURATION} == wanted


def choose_phase1(
    offer: SecurityAssociation, policies: Sequence[Phase1Policy]
) -> tuple[SecurityAssociation, Phase1Policy, int] | None:
    """The answer to an offer: the SA payload to return, the policy agreed (with the lesser lifetime) and the lifetime offered.

    Our order of preference decides, as on IOS. None if no offered policy is ours.
    """
    if not _in_our_terms(offer):
        return None
    for policy in policies:
        for proposal in offer.proposals:
            for transform in proposal.transforms if proposal.protocol == Protocol.ISAKMP and _has_spi(proposal) else ():
                values = _read_phase1(transform)
                if values is None or not _same_phase1(values, policy):
                    continue
                offered = values.get(IkeAttribute.LIFE_DURATION, policy.lifetime)
                agreed = replace(policy, lifetime=min(offered, policy.lifetime))
                answer = SecurityAssociation((_with(proposal, transform),), offer.doi, offer.situation)
                return answer, agreed, offered
    return None


def accept_phase1(answer: SecurityAssociation, policies: Sequence[Phase1Policy]) -> Phase1Policy | None:
    """The policy that a responder chose of those offered; None if it answered with something else."""
    if len(answer.proposals) != 1 or len(answer.proposals[0].transforms) != 1:
        return None
    chosen = choose_phase1(answer, policies)
    return chosen[1] if chosen else None


# --- phase 2 ---


def _phase2_lifetimes(seconds: int, kilobytes: int) -> tuple[Attribute, ...]:
    return (
        *_duration(IpsecAttribute.LIFE_DURATION, IpsecAttribute.LIFE_TYPE, LifeType.SECONDS, seconds),
        *_duration(IpsecAttribute.LIFE_DURATION, IpsecAttribute.LIFE_TYPE, LifeType.KILOBYTES, kilobytes),
    )


def _phase2_attributes(
    terms: Phase2Terms, transport: bool, hash_name: str | None, cipher: str | None, key_bits: int
) -> tuple[Attribute, ...]:
    return (
        Attribute(IpsecAttribute.ENCAPSULATION_MODE, terms.mode(transport)),
        *_phase2_lifetimes(terms.seconds, terms.kilobytes),
        *((Attribute(IpsecAttribute.AUTHENTICATION, IPSEC_HASHES[hash_name]),) if hash_name else ()),
        *((Attribute(IpsecAttribute.KEY_LENGTH, key_bits),) if cipher in VARIABLE_KEY_CIPHERS else ()),
        *((Attribute(IpsecAttribute.GROUP, terms.group),) if terms.group is not None else ()),
    )


@lru_cache(TRANSFORMS_REMEMBERED)
def _transform_of(protocol: Protocol, suite: Suite, terms: Phase2Terms, transport: bool) -> Transform:
    if protocol == Protocol.AH and suite.ah:
        return Transform(1, AH_HASHES[suite.ah], _phase2_attributes(terms, transport, suite.ah, None, 0))
    cipher = suite.esp_cipher or "null"
    return Transform(1, ESP_CIPHERS[cipher], _phase2_attributes(terms, transport, suite.esp_auth, cipher, suite.key_bits))


def offer_phase2(terms: Phase2Terms, spis: Mapping[Protocol, bytes]) -> SecurityAssociation:
    """A proposal number for each suite; its protocols share the number, and every suite our SPI of that protocol."""
    return SecurityAssociation(
        tuple(
            Proposal(number, protocol, spis[protocol], (_transform_of(protocol, suite, terms, suite.transport),))
            for number, suite in enumerate(terms.suites, 1)
            for protocol in suite.protocols
        )
    )


@dataclass(frozen=True, slots=True)
class _Read:
    """A phase-2 transform's attributes: lifetimes apart from the rest."""

    identifier: int
    values: Mapping[int, int]
    seconds: int | None
    kilobytes: int | None


@lru_cache(TRANSFORMS_REMEMBERED)
def _read_phase2(transform: Transform) -> _Read:
    values, lifetimes = _read_attributes(transform.attributes, IpsecAttribute.LIFE_TYPE, IpsecAttribute.LIFE_DURATION)
    return _Read(transform.identifier, values, lifetimes.get(LifeType.SECONDS), lifetimes.get(LifeType.KILOBYTES))


def _alternatives(offer: SecurityAssociation) -> Iterator[tuple[Proposal, ...]]:
    """The proposals of each number, in the order of the offer."""
    grouped: dict[int, list[Proposal]] = {}
    for proposal in offer.proposals:
        grouped.setdefault(proposal.number, []).append(proposal)
    for proposals in grouped.values():
        yield tuple(proposals)


def _fitting(proposal: Proposal, suite: Suite, terms: Phase2Terms, transport: bool) -> tuple[Transform, _Read] | None:
    """The first transform of a proposal that matches the suite, lifetimes aside."""
    ours = _read_phase2(_transform_of(Protocol(proposal.protocol), suite, terms, transport))
    for transform in proposal.transforms:
        read = _read_phase2(transform)
        if (read.identifier, read.values) == (ours.identifier, ours.values):
            return transform, read
    return None


def choose_phase2(
    offer: SecurityAssociation, terms: Phase2Terms, as_offered: bool = False
) -> tuple[tuple[Proposal, ...], Phase2Choice, bool] | None:
    """The first alternative of the offer that one of our suites fits.

    Returns its proposals for the answer (still with the peer's SPIs), the choice with the shorter lifetimes, and whether a lifetime
    of ours was shorter; None if nothing fits. `as_offered`: only in the modes that we offer ourselves.
    """
    if not _in_our_terms(offer):
        return None
    candidates = [(each, mode) for each in terms.suites for mode in ((each.transport,) if as_offered else each.modes)]
    for proposals in _alternatives(offer):
        for suite, transport in candidates:
            if sorted(proposal.protocol for proposal in proposals) != sorted(suite.protocols):
                continue
            if not all(map(_has_spi, proposals)):
                continue
            fits = [_fitting(proposal, suite, terms, transport) for proposal in proposals]
            found = [fit for fit in fits if fit is not None]
            if len(found) != len(fits):
                continue
            seconds = min([terms.seconds, *(read.seconds for _, read in found if read.seconds)])
            kilobytes = min([terms.kilobytes, *(read.kilobytes for _, read in found if read.kilobytes)])
            shorter = any((read.seconds or seconds) > seconds or (read.kilobytes or kilobytes) > kilobytes for _, read in found)
            chosen = tuple(_with(proposal, transform) for proposal, (transform, _) in zip(proposals, found, strict=True))
            spis = {Protocol(proposal.protocol): proposal.spi for proposal in proposals}
            udp = terms.flavour is not None
            return chosen, Phase2Choice(suite, seconds, kilobytes, transport, terms.group, spis, udp), shorter
    return None


def taking_pfs_of(offer: SecurityAssociation, terms: Phase2Terms) -> Phase2Terms:
    """A responder's terms. Without PFS of its own it accepts any supported group that is offered, as on IOS."""
    named = {_read_phase2(transform).values.get(IpsecAttribute.GROUP) for each in offer.proposals for transform in each.transforms}
    if terms.group is not None or len(named) != 1 or not named <= GROUPS.keys():  # RFC 2409 §5.5: one KE, so one group
        return terms
    return replace(terms, group=named.pop())


def asks_for_mode(offer: SecurityAssociation, mode: int) -> bool:
    """Whether an encapsulation mode is among those offered."""
    wanted = Attribute(IpsecAttribute.ENCAPSULATION_MODE, mode)
    return any(wanted in transform.attributes for proposal in offer.proposals for transform in proposal.transforms)


def with_spis(proposals: Sequence[Proposal], spis: Mapping[Protocol, bytes]) -> SecurityAssociation:
    """The responder's answer: the chosen proposals with its own SPIs in place of the initiator's."""
    return SecurityAssociation(
        tuple(Proposal(each.number, each.protocol, spis[Protocol(each.protocol)], each.transforms) for each in proposals)
    )


def accept_phase2(answer: SecurityAssociation, terms: Phase2Terms) -> Phase2Choice | None:
    """The responder's choice of our offer; None if it answered with something else or with several."""
    if len(list(_alternatives(answer))) != 1 or any(len(proposal.transforms) != 1 for proposal in answer.proposals):
        return None
    chosen = choose_phase2(answer, terms, as_offered=True)
    return chosen[1] if chosen else None


def phase2_lifetime_attributes(seconds: int, kilobytes: int) -> bytes:
    """The data of a RESPONDER-LIFETIME notification of phase 2 (RFC 2407 §4.6.3.1)."""
    return encode_attributes(_phase2_lifetimes(seconds, kilobytes))


def phase1_lifetime_attributes(seconds: int) -> bytes:
    """The data of a RESPONDER-LIFETIME notification of phase 1, whose attributes are those of RFC 2409."""
    return encode_attributes(_duration(IkeAttribute.LIFE_DURATION, IkeAttribute.LIFE_TYPE, LifeType.SECONDS, seconds))


def read_phase1_lifetime(data: bytes) -> int | None:
    """Seconds of a phase-1 RESPONDER-LIFETIME."""
    _, lifetimes = _read_attributes(decode_attributes(data), IkeAttribute.LIFE_TYPE, IkeAttribute.LIFE_DURATION)
    return lifetimes.get(LifeType.SECONDS)


def read_phase2_lifetimes(data: bytes) -> tuple[int | None, int | None]:
    """Seconds and kilobytes of a phase-2 RESPONDER-LIFETIME."""
    _, lifetimes = _read_attributes(decode_attributes(data), IpsecAttribute.LIFE_TYPE, IpsecAttribute.LIFE_DURATION)
    return lifetimes.get(LifeType.SECONDS), lifetimes.get(LifeType.KILOBYTES)
