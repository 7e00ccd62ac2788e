"""Lab room: the remote-access clients of a router: their users' logins, and their addresses from its pools.

A client is counted, and keeps its address, as long as it has an ISAKMP SA (draft-dukes-ike-mode-cfg-02, INTERNAL_IP4_ADDRESS).

A client that comes again gets its former address. It is recognised by its place: its address and, behind a NAT, its port. It is
also recognised by its user, or by an identity that nobody shares. From another place it may be a second computer of the user. Then
the first is asked whether it is there, and loses its address if it does not answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from agent.config.crypto_model import ClientGroup
from agent.config.model import AddressPool, RouterConfig
from agent.crypto.doi import ConfigurationAttribute
from agent.crypto.ike_events import ChapLogin, Login, Trouble
from agent.crypto.payloads import Attribute, Identification
from agent.engine.access import (
    AccessControl,
    ChapResponse,
    LoginAccepted,
    LoginAnswer,
    LoginAttempt,
    LoginChallenge,
    NobodyKnown,
    UserPolicy,
)
from agent.lab.policy.peer_pair import PeerPair
from agent.lab.policy.remote_access import AccessRules, attributes_of, grant_of, policy_of, pool_of

_MOST_REMEMBERED = 10_000  # former clients and their addresses

_Answer = Callable[[Sequence[Attribute] | None], None]
_Found = Callable[[IPv4Address | None], None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a login: the reason for a refusal, if it is refused, and a message for the user.

    `again`: the user must answer the message first.
    """

    refusal: Trouble | None = None
    message: str = ""
    again: bool = False


@dataclass(slots=True, eq=False)
class Client:
    """A client in one phase 1. `alive` while that SA exists. `identity` if it is this peer's alone.

    `policy` is what AAA has said of the user. `state` is that of the challenge that the user is to answer.
    """

    pair: PeerPair
    rules: AccessRules
    group: ClientGroup | None
    identity: Identification | None = None
    user: str | None = None
    policy: UserPolicy = field(default_factory=UserPolicy)
    state: bytes | None = None
    address: IPv4Address | None = None
    alive: bool = True

    @property
    def who(self) -> tuple[object, ...]:
        return self.group and self.group.name, self.user, self.identity

    @property
    def is_known(self) -> bool:
        """Whether `who` distinguishes it from others of its group."""
        return self.user is not None or self.identity is not None

    def is_here(self, other: Client) -> bool:
        """Whether it is the same client as another, in the same place, with another phase 1."""
        return (self.pair, self.who) == (other.pair, other.who)


class Clients:
    """The clients of one router. `is_there` asks a client whether it is there."""

    def __init__(self, config: RouterConfig, is_there: Callable[[Client, Callable[[bool], None]], None]) -> None:
        self._access: AccessControl = NobodyKnown()
        self._config = config
        self._is_there = is_there
        self._known: list[Client] = []
        self._last: dict[tuple[object, ...], IPv4Address] = {}  # the last address of each client

    def __len__(self) -> int:
        return len(self._known)

    def use_access(self, access: AccessControl) -> None:
        """Whom to ask about users."""
        self._access = access

    # --- beginnings ---

    def log_in(self, client: Client, login: Login | ChapLogin, answer: Callable[[Judgement], None]) -> None:
        """Have AAA check a login. `answer` is called, now or later, unless the client has gone meanwhile."""
        attempt = LoginAttempt(login.user, _proof(login), client.state, str(IPv4Address(client.pair.remote)))

        def answered(said: LoginAnswer) -> None:
            if client.alive:
                answer(self._judge(client, login.user, said))

        self._access.log_in(client.rules.login_list or "", attempt, answered)

    def _judge(self, client: Client, user: str, said: LoginAnswer) -> Judgement:
        client.state = None
        if isinstance(said, LoginChallenge):
            client.state = said.state
            return Judgement(message=said.message, again=True)
        if not isinstance(said, LoginAccepted):
            return Judgement(Trouble.UNANSWERED if said.unanswered else Trouble.AUTHENTICATION, said.message)
        refusal = None if _is_of_group(client, said.policy) else Trouble.AUTHENTICATION
        refusal = refusal or self._limit(client, user)
        if refusal is not None:
            return Judgement(refusal)
        client.user, client.policy = user, said.policy
        self._keep(client)
        return Judgement()

    def configure(self, client: Client, asked: Sequence[Attribute] | None, seconds: int, answer: _Answer) -> None:
        """Find a client's configuration. `answer` is called with it, now or later; with None if the pool has no address left."""
        if client.group is None:
            answer(())
            return
        group = policy_of(client.group, client.policy)
        kinds = {attribute.kind: attribute for attribute in asked or ()}
        wished = kinds.get(ConfigurationAttribute.INTERNAL_IP4_ADDRESS)

        def found(address: IPv4Address | None) -> None:
            if not client.alive:
                return
            client.address = client.address or address
            if client.address is None:
                answer(None)
                return
            self._keep(client)
            self._remember(client, client.address)
            give()

        def give() -> None:
            answer(attributes_of(grant_of(self._config, group, client.address, seconds), asked))

        pool = pool_of(self._config, group, client.policy)
        if asked is not None and wished is None:
            give()
        elif client.address is not None or pool is None:
            found(client.address)
        else:
            self._find_address(client, pool, wished, found)

    def other_records(self, client: Client) -> list[Client]:
        """The records of the same client with its address in other phase 1s."""
        if client.address is None:
            return []
        return [other for other in self._known if other is not client and other.alive and other.address == client.address]

    def _limit(self, client: Client, user: str) -> Trouble | None:
        """Check the limits of a group: clients, and logins of one user."""
        if client.group is None:
            return None
        name = client.group.name
        others = [other for other in self._known if other.group and other.group.name == name and other.alive]
        others = [other for other in others if (other.pair, other.user) != (client.pair, user)]  # it replaces itself
        full = client.group.max_users is not None and len(others) >= client.group.max_users
        logins = sum(other.user == user for other in others)
        often = client.group.max_logins is not None and logins >= client.group.max_logins
        return Trouble.CAPACITY if full or often else None

    def _find_address(self, client: Client, pool: AddressPool, wished: Attribute | None, found: _Found) -> None:
        """The address that the client had before, else the first free one."""
        held = {other.address: other for other in self._known if other is not client and other.address is not None}
        same = [other for address, other in held.items() if pool.low <= address <= pool.high and other.who == client.who]
        here = [other for other in same if client.is_here(other)]
        elsewhere = [other for other in same if client.is_known and other not in here]
        wish = IPv4Address(wished.octets) if wished is not None and len(wished.octets) == 4 else None
        # Behind one NAT, a client that asks for its address is the same computer on another port.
        near = [other for other in elsewhere if other.address == wish and other.pair[:3] == client.pair[:3]]
        mine = [other.address for other in (*near, *here)]
        free = [address for address in (wish, self._last.get(client.who)) if address not in held]
        best = next((address for address in (*mine, *free) if address is not None and pool.low <= address <= pool.high), None)
        if best is not None:
            found(best)
        else:
            self._ask_holders(elsewhere, pool, found)

    def _ask_holders(self, holders: Sequence[Client], pool: AddressPool, found: _Found) -> None:
        """Ask holders that may be this client or another computer of its user. The first without an answer loses its address."""
        if not holders:
            found(self._free_address(pool))
            return
        holder, address = holders[0], holders[0].address

        def answered(there: bool) -> None:
            if there or any(other.address == address for other in self._known):
                self._ask_holders(holders[1:], pool, found)
            else:
                found(address)

        self._is_there(holder, answered)

    def _free_address(self, pool: AddressPool) -> IPv4Address | None:
        taken = {other.address for other in self._known}
        every = map(IPv4Address, range(int(pool.low), int(pool.high) + 1))
        return next((address for address in every if address not in taken), None)

    def _remember(self, client: Client, address: IPv4Address) -> None:
        if client.is_known:
            self._last.pop(client.who, None)
            self._last[client.who] = address
            if len(self._last) > _MOST_REMEMBERED:
                del self._last[next(iter(self._last))]

    def _keep(self, client: Client) -> None:
        if client not in self._known:
            self._known.append(client)

    # --- ends ---

    def ended(self, client: Client) -> None:
        """A client's ISAKMP SA has ended, or has failed. Its address is free, unless it has another phase 1."""
        client.alive = False
        if client in self._known:
            self._known.remove(client)

    def lose_everything(self) -> None:
        for client in self._known:
            client.alive = False
        self._known.clear()


def _is_of_group(client: Client, user: UserPolicy) -> bool:
    """Whether a user may be a client of the group that the client has named."""
    return user.vpn_group is None or (client.group is not None and client.group.name == user.vpn_group)


def _proof(login: Login | ChapLogin) -> str | ChapResponse:
    if isinstance(login, ChapLogin):
        return ChapResponse(login.identifier, login.challenge, login.response)
    return login.password
