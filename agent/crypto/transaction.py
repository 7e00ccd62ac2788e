"""Crypto room: transaction exchanges, between phase 1 and the first quick mode of a remote-access client.

Extended authentication (draft-beaulieu-ike-xauth-02), then the configuration method (draft-dukes-ike-mode-cfg-02):

    client (initiator)                                       server (responder)
                                            ←  HDR*, HASH, REQUEST(name, password)
    HDR*, HASH, REPLY(name, password)       →
                                            ←  HDR*, HASH, SET(status)
    HDR*, HASH, ACK(status)                 →
    HDR*, HASH, REQUEST(address, …)         →
                                            ←  HDR*, HASH, REPLY(address, …)

or, if the server does not wait for a request, SET(address, …) and ACK. Before the status the server may ask again: with a message
for the user (§5.2), or, if the client has named the type RADIUS-CHAP (§6.3), for the response to a challenge.

Each pair is an exchange with a message ID and an IV of its own, as in phase 2 (draft-dukes-ike-mode-cfg-02 §3.1). The end that
begins one retransmits until it is answered. Both ends may begin one at the same time: a client may ask while our SET is under way,
and acknowledges it then or later. Until the SA is up, a missing answer is a failure. After that it ends the exchange alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from agent.base.text import octets_of, text_of
from agent.crypto.ciphers import digest
from agent.crypto.dialogues import Message, Transaction
from agent.crypto.doi import (
    XAUTH_FAIL,
    XAUTH_GENERIC,
    XAUTH_OK,
    XAUTH_RADIUS_CHAP,
    ConfigurationType,
    Exchange,
    XauthAttribute,
)
from agent.crypto.ike_events import (
    SECOND,
    Addressing,
    ChapLogin,
    ConfigurationWanted,
    Configured,
    Login,
    LoginOffered,
    Phase1Up,
    RefusedError,
    Trouble,
)
from agent.crypto.ike_sa import IkeSa, LoginRequest
from agent.crypto.informational import delete_phase1, fail_phase1
from agent.crypto.payloads import Attribute, Attributes
from agent.crypto.states import Cause, Role, State

_TO_BE_REFUSED = 1 * SECOND  # how long a client without an address has to begin a quick mode

Handler = Callable[[IkeSa, Transaction, Attributes, int], None]

_CHALLENGE_OCTETS = 16  # RFC 2865 §2.2
_CHAP_OCTETS = 17  # of the answer: an identifier, and an MD5 hash (draft-beaulieu-ike-xauth-02 appendix A, example A-8)


@dataclass(frozen=True, slots=True)
class Step:
    """One message expected: what it is called, what is done with it, and what that may be the cause of where all goes well."""

    name: str
    handle: Handler
    causes: tuple[Cause, ...] = ()


# --- steps before quick modes ---


def begin(sa: IkeSa, now: int) -> None:
    """Phase 1 is done. The user's login comes next, if one is required."""
    sa.set_up.suspicion = None
    sa.set_up.access = sa.decisions.remote_access()
    if not (sa.policy().xauth if sa.initiator else sa.set_up.access.login):
        if sa.policy().xauth:
            _refuse(sa, Trouble.AUTHENTICATION, now)  # the client waits for a login request that will not come
        else:
            _configure(sa, now)
        return
    sa.happened(Cause.LOGIN_FIRST)
    if sa.initiator:
        sa.main.wait(now)
    else:
        sa.set_up.login.identifier = _new_identifier(sa)
        _ask_for_login(sa, now)


def ask(sa: IkeSa, attributes: Sequence[Attribute], now: int) -> None:
    """Ask for configuration as a client, also when the SA is up."""
    _begin(sa, ConfigurationType.REQUEST, attributes, now)


def answer_login(sa: IkeSa, refusal: Trouble | None, now: int, message: str = "") -> None:
    """The owner's answer to `LoginOffered`: the user may log in, or the reason for a refusal, with a `message` for the user.

    A success goes without a message: vpnc takes a SET that has the status alone, as Cisco's servers send it.
    """
    if sa.state is not State.CONF_XAUTH:
        return
    sa.set_up.suspicion = refusal
    refused = (Attribute(XauthAttribute.STATUS, XAUTH_FAIL), *_message(message))
    said = (Attribute(XauthAttribute.STATUS, XAUTH_OK),) if refusal is None else refused
    _begin(sa, ConfigurationType.SET, said, now, sa.set_up.login.identifier)


def challenge_login(sa: IkeSa, message: str, now: int) -> None:
    """The owner's other answer to `LoginOffered`: the user must answer a `message` (draft-beaulieu-ike-xauth-02 §5.2)."""
    if sa.state is State.CONF_XAUTH:
        before = sa.set_up.login
        sa.set_up.login = LoginRequest(before.identifier, message, user=before.user)
        _ask_for_login(sa, now)


def answer_configuration(sa: IkeSa, wanted: ConfigurationWanted, given: Sequence[Attribute] | None, now: int) -> None:
    """The owner's answer to `ConfigurationWanted`: the client's configuration, or None if there is no address for it.

    A client without an address gets an empty REPLY if it asked, else an empty SET. The ISAKMP SA is deleted a little later: when
    its quick mode has been refused, or when it has had time to begin one. If the SA were deleted before that, strongSwan's charon
    would begin again at once.
    """
    if not sa.authenticated:
        return
    if wanted.asked is None:
        if not sa.up:
            sa.main.due = None
            sa.set_up.suspicion = Trouble.CAPACITY if given is None else None
            _begin(sa, ConfigurationType.SET, given or (), now)
        return
    asked = sa.transactions.get(wanted.message_id)
    if asked is not None:
        _say(sa, asked, Attributes(ConfigurationType.REPLY, asked.identifier, tuple(given or ())), now, resend=False)
    if not sa.up and given is None:
        sa.set_up.suspicion = Trouble.CAPACITY
        sa.main.wait(now, _TO_BE_REFUSED)
    elif not sa.up:
        open_quick_modes(sa)


def open_quick_modes(sa: IkeSa) -> None:
    """Allow quick modes: there is nothing more to wait for."""
    sa.happened(Cause.READY)
    sa.main.due = sa.set_up.suspicion = None
    sa.emit(Phase1Up())


def unanswered(sa: IkeSa, transaction: Transaction, now: int) -> None:
    """The last retransmission has had no answer."""
    if sa.up:
        transaction.linger(now)
    else:
        _refuse(sa, sa.set_up.suspicion or Trouble.TIMEOUT, now)


def waited(sa: IkeSa, now: int) -> None:
    """The client has not begun in time. One that wants no address is admitted; anything else is a failure."""
    if sa.state is State.CONF_ADDR and not sa.initiator and sa.set_up.suspicion is None:
        open_quick_modes(sa)
    else:
        _refuse(sa, sa.set_up.suspicion or Trouble.TIMEOUT, now)


def refuse_without_address(sa: IkeSa, now: int) -> None:
    """End the SA of a client without an address: its quick mode has been refused."""
    sa.quick.clear()
    _refuse(sa, sa.set_up.suspicion or Trouble.CAPACITY, now)


def _configure(sa: IkeSa, now: int) -> None:
    """The user has logged in, or there is no login. The configuration comes next."""
    addressing = sa.set_up.access.addressing
    if addressing is Addressing.NONE:
        open_quick_modes(sa)
        return
    sa.happened(Cause.CONFIGURATION_FIRST)
    if addressing is Addressing.PUSHED and not sa.initiator:
        sa.main.wait(now)
        sa.emit(ConfigurationWanted(None, 0, _seconds_left(sa, now)))
    elif addressing is Addressing.ASKED and sa.initiator:
        ask(sa, sa.decisions.wanted_attributes(), now)
    else:
        sa.main.wait(now)


def _refuse(sa: IkeSa, trouble: Trouble, now: int) -> None:
    """Refuse the client: delete the ISAKMP SA."""
    delete_phase1(sa, now)
    fail_phase1(sa, trouble, now)


def _ask_for_login(sa: IkeSa, now: int) -> None:
    """Ask for name and password, or the response to the challenge."""
    asked = sa.set_up.login
    attributes = [Attribute(XauthAttribute.TYPE, XAUTH_RADIUS_CHAP if asked.challenge else XAUTH_GENERIC)]
    attributes += _message(asked.message)
    if asked.challenge:
        attributes.append(Attribute(XauthAttribute.CHALLENGE, asked.challenge))
    attributes += [Attribute(XauthAttribute.USER_NAME, b""), Attribute(XauthAttribute.USER_PASSWORD, b"")]
    sa.main.due = None
    _begin(sa, ConfigurationType.REQUEST, attributes, now, asked.identifier)


def _message(text: str) -> list[Attribute]:
    return [Attribute(XauthAttribute.MESSAGE, octets_of(text))] if text else []


def _seconds_left(sa: IkeSa, now: int) -> int:
    return (sa.expires - now) // SECOND if sa.expires is not None else 0


# --- messages to the server ---


def _receive_login(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    """Offer the login to the owner, who takes its time. A client that names the type RADIUS-CHAP gets a challenge first."""
    values = {attribute.kind: attribute for attribute in said.attributes}
    asked, refused = sa.set_up.login, XauthAttribute.STATUS in values
    if _type_of(values) == XAUTH_RADIUS_CHAP and not asked.challenge and not refused:
        asked.challenge = sa.random.take(_CHALLENGE_OCTETS)
        _ask_for_login(sa, now)
        return
    login = None if refused else _login_of(asked, values)
    if login is None:
        answer_login(sa, Trouble.AUTHENTICATION, now)
        return
    asked.user = login.user
    sa.main.due = None
    sa.emit(LoginOffered(login))


def _type_of(values: Mapping[int, Attribute]) -> int:
    found = values.get(XauthAttribute.TYPE)
    return XAUTH_GENERIC if found is None else found.number


def _login_of(asked: LoginRequest, values: Mapping[int, Attribute]) -> Login | ChapLogin | None:
    """What a client answers to a request; None if it is not what was asked for. Later answers may leave out the name."""
    user, password = values.get(XauthAttribute.USER_NAME), values.get(XauthAttribute.USER_PASSWORD)
    name = (_text(user) if user is not None else "") or asked.user
    if password is None or (user is None and not name):
        return None
    proof = password.octets
    if not asked.challenge:
        return Login(name, _text(password)) if _type_of(values) == XAUTH_GENERIC else None
    if _type_of(values) != XAUTH_RADIUS_CHAP or len(proof) != _CHAP_OCTETS:
        return None
    return ChapLogin(name, proof[0], asked.challenge, proof[1:])


def _receive_status_ack(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    if sa.set_up.suspicion is not None:
        _refuse(sa, sa.set_up.suspicion, now)
    else:
        _configure(sa, now)


def _receive_configuration_ack(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    if sa.set_up.suspicion is not None:
        sa.main.wait(now, _TO_BE_REFUSED)
    else:
        open_quick_modes(sa)


def _receive_late_ack(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    """The client acknowledges our SET after it has asked, or has begun a quick mode."""


def _receive_request(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    sa.emit(ConfigurationWanted(said.attributes, transaction.message_id, _seconds_left(sa, now)))


def _receive_clients_set(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    """Acknowledge a client's SET without attributes: none of them is accepted."""
    _answer(sa, transaction, said, (), now)


# --- messages to the client ---


def _receive_login_request(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    """Answer only what is asked for: name and password, or the response to a challenge."""
    login, asked = sa.decisions.login(), {attribute.kind: attribute for attribute in said.attributes}
    attributes = _proof_of(sa, login, asked) if login is not None and XauthAttribute.USER_NAME in asked else ()
    _answer(sa, transaction, said, attributes or (Attribute(XauthAttribute.STATUS, XAUTH_FAIL),), now)
    if sa.state is State.CONF_XAUTH:
        sa.main.wait(now)


def _proof_of(sa: IkeSa, login: Login, asked: Mapping[int, Attribute]) -> Sequence[Attribute]:
    """The proof of a type; nothing if that type is not supported."""
    user, password = Attribute(XauthAttribute.USER_NAME, octets_of(login.user)), octets_of(login.password)
    chap = Attribute(XauthAttribute.TYPE, XAUTH_RADIUS_CHAP)
    challenge = asked.get(XauthAttribute.CHALLENGE)
    if _type_of(asked) == XAUTH_RADIUS_CHAP and challenge is not None:
        identifier = sa.random.take(1)
        response = digest("md5", identifier, password, challenge.octets)
        return chap, user, Attribute(XauthAttribute.USER_PASSWORD, identifier + response)
    if _type_of(asked) != XAUTH_GENERIC:
        return ()
    return (chap, user) if login.chap else (user, Attribute(XauthAttribute.USER_PASSWORD, password))


def _receive_status(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    status = next((each.number for each in said.attributes if each.kind == XauthAttribute.STATUS), None)
    if status is None:
        raise RefusedError(Trouble.ENCODING)
    _answer(sa, transaction, said, (Attribute(XauthAttribute.STATUS, b""),), now)
    sa.main.due = None
    if status == XAUTH_OK:
        _configure(sa, now)
    else:
        fail_phase1(sa, Trouble.AUTHENTICATION, now)


def _receive_configuration(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    sa.emit(Configured(said.attributes))
    open_quick_modes(sa)


def _receive_another(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    sa.emit(Configured(said.attributes))


def _receive_set(sa: IkeSa, transaction: Transaction, said: Attributes, now: int) -> None:
    """Acknowledge a SET with the accepted attributes, without their values."""
    _answer(sa, transaction, said, [Attribute(attribute.kind, b"") for attribute in said.attributes], now)
    sa.emit(Configured(said.attributes))
    if not sa.up:
        open_quick_modes(sa)


_LOGGED_IN = (Cause.CONFIGURATION_FIRST, Cause.READY)
# The step for a transaction message, by role, state and type. The initiator of phase 1 is the client.
TRANSACTION: Mapping[tuple[Role, State, int], Step] = MappingProxyType(
    {
        (Role.INITIATOR, State.CONF_XAUTH, ConfigurationType.REQUEST): Step("login?", _receive_login_request),
        (Role.INITIATOR, State.CONF_XAUTH, ConfigurationType.SET): Step("status", _receive_status, _LOGGED_IN),
        (Role.INITIATOR, State.CONF_ADDR, ConfigurationType.REPLY): Step("address", _receive_configuration, (Cause.READY,)),
        (Role.INITIATOR, State.CONF_ADDR, ConfigurationType.SET): Step("address, unasked", _receive_set, (Cause.READY,)),
        (Role.INITIATOR, State.QM_IDLE, ConfigurationType.REQUEST): Step("login?", _receive_login_request),
        (Role.INITIATOR, State.QM_IDLE, ConfigurationType.SET): Step("address, unasked", _receive_set),
        (Role.INITIATOR, State.QM_IDLE, ConfigurationType.REPLY): Step("address, again", _receive_another),
        (Role.RESPONDER, State.CONF_XAUTH, ConfigurationType.REPLY): Step("login", _receive_login),
        (Role.RESPONDER, State.CONF_XAUTH, ConfigurationType.ACK): Step("status", _receive_status_ack, _LOGGED_IN),
        (Role.RESPONDER, State.CONF_ADDR, ConfigurationType.REQUEST): Step("address?", _receive_request),
        (Role.RESPONDER, State.CONF_ADDR, ConfigurationType.ACK): Step("address", _receive_configuration_ack, (Cause.READY,)),
        (Role.RESPONDER, State.CONF_ADDR, ConfigurationType.SET): Step("settings", _receive_clients_set),
        (Role.RESPONDER, State.QM_IDLE, ConfigurationType.REQUEST): Step("address?", _receive_request),
        (Role.RESPONDER, State.QM_IDLE, ConfigurationType.ACK): Step("address, late", _receive_late_ack),
        (Role.RESPONDER, State.QM_IDLE, ConfigurationType.SET): Step("settings", _receive_clients_set),
    }
)
# The answers to each type. Some peers answer a SET that they do not understand by an empty REPLY.
_ANSWERS = {
    ConfigurationType.REQUEST: (ConfigurationType.REPLY,),
    ConfigurationType.SET: (ConfigurationType.ACK, ConfigurationType.REPLY),
}


def _meant(transaction: Transaction, kind: int) -> ConfigurationType | None:
    """What a message of an exchange is: of ours an answer to what we began it with, of the peer's a beginning; else nothing."""
    if transaction.begun is not None:
        answers = _ANSWERS[transaction.begun]
        return answers[0] if kind in answers else None
    return ConfigurationType(kind) if kind in _ANSWERS else None


def receive(sa: IkeSa, transaction: Transaction, message: Message, now: int) -> None:
    """One message, opened; `RefusedError` where it is none that is of use now."""
    sa.check_hash(message)
    said = message.need(Attributes)
    sa.heard(now)
    kind = _meant(transaction, said.kind)
    step = TRANSACTION.get((sa.role, sa.state, kind)) if kind is not None else None
    if step is None or transaction.answered:
        raise RefusedError(Trouble.ENCODING)
    sa.used_ids.add(transaction.message_id)
    sa.transactions[transaction.message_id] = transaction
    transaction.vector, transaction.identifier = message.vector, said.identifier
    if transaction.ours:
        # An answer gets no answer: repeating ours for a copy would never end.
        transaction.answered, transaction.said = True, b""
    transaction.linger(now)
    step.handle(sa, transaction, said, now)


# --- sending ---


def _new_identifier(sa: IkeSa) -> int:
    return int.from_bytes(sa.random.take(2), "big")


def _begin(sa: IkeSa, kind: ConfigurationType, attributes: Sequence[Attribute], now: int, identifier: int | None = None) -> None:
    """Begin an exchange, with an identifier of its own unless one is given."""
    transaction = Transaction(message_id=sa.new_message_id(), begun=kind)
    transaction.vector = sa.vector_of(transaction.message_id)
    sa.transactions[transaction.message_id] = transaction
    chosen = _new_identifier(sa) if identifier is None else identifier
    _say(sa, transaction, Attributes(kind, chosen, tuple(attributes)), now, resend=True)


def _answer(sa: IkeSa, transaction: Transaction, said: Attributes, attributes: Sequence[Attribute], now: int) -> None:
    kind = ConfigurationType.REPLY if said.kind == ConfigurationType.REQUEST else ConfigurationType.ACK
    _say(sa, transaction, Attributes(kind, said.identifier, tuple(attributes)), now, resend=False)


def _say(sa: IkeSa, transaction: Transaction, payload: Attributes, now: int, resend: bool) -> None:
    sa.say(transaction, sa.seal_behind_hash(Exchange.TRANSACTION, transaction, (payload,), transaction.message_id), now, resend)


def _text(attribute: Attribute) -> str:
    """Text, which some clients end with a NUL (draft-beaulieu-ike-xauth-02 §6.2: it need not be there)."""
    return text_of(attribute.octets.removesuffix(b"\0"))
