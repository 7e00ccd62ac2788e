"""Lab room: the remote-access clients that a router has: their users' logins, and the addresses of its pools that they hold.

A client is counted, and keeps its address, as long as it has an ISAKMP SA or a flow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from agent.config.crypto_model import ClientGroup
from agent.config.model import AddressPool, RouterConfig
from agent.crypto.doi import ConfigurationAttribute
from agent.crypto.ike_events import Login, Trouble
from agent.crypto.payloads import Attribute
from agent.lab.link import Link
from agent.lab.remote_access import AccessRules, AskServers, attributes_of, check_login, grant_of, no_servers


@dataclass(slots=True, eq=False)
class Client:
    """A peer that is a client, in one phase 1. `alive` while there is that SA."""

    link: Link
    rules: AccessRules
    group: ClientGroup | None
    user: str | None = None
    address: IPv4Address | None = None
    alive: bool = True

    def is_again(self, other: Client) -> bool:
        """Whether it is the other one, with another phase 1."""
        return (self.link, self.user, self.group) == (other.link, other.user, other.group)


class Clients:
    """`has_flow` tells whether something of a client is protected. `ask_servers` is how groups of AAA servers are asked."""

    def __init__(self, config: RouterConfig, has_flow: Callable[[Client], bool]) -> None:
        self.ask_servers: AskServers = no_servers
        self._config = config
        self._has_flow = has_flow
        self._known: list[Client] = []

    def __len__(self) -> int:
        return len(self._known)

    # --- beginnings ---

    def log_in(self, client: Client, login: Login, answer: Callable[[Trouble | None], None]) -> None:
        """Whether a user may log in: `answer` is called, now or later, with the reason why not, if there is one."""

        def judged(good: bool) -> None:
            refusal = self._limit(client, login.user) if good else Trouble.AUTHENTICATION
            if refusal is None:
                client.user = login.user
                self._keep(client)
            answer(refusal)

        check_login(self._config, client.rules.login_list, login, self.ask_servers, judged)

    def configuration(self, client: Client, asked: Sequence[Attribute] | None, seconds: int) -> Sequence[Attribute] | None:
        """What a client gets; None where its pool has no address left for it."""
        group = client.group
        if group is None:
            return ()
        kinds = {attribute.kind: attribute for attribute in asked or ()}
        wished = kinds.get(ConfigurationAttribute.INTERNAL_IP4_ADDRESS)
        if asked is None or wished is not None:
            pool = self._config.pools.get(group.pool or "")
            client.address = client.address or (self._free_address(client, pool, wished) if pool else None)
            if client.address is None:
                return None
            self._keep(client)
        return attributes_of(grant_of(self._config, group, client.address, seconds), asked)

    def _limit(self, client: Client, user: str) -> Trouble | None:
        """The limits of a group: so many clients, so many logins of one user."""
        if client.group is None:
            return None
        others = [other for other in self._known if other.group and other.group.name == client.group.name and other.alive]
        full = client.group.max_users is not None and len(others) >= client.group.max_users
        logins = sum(other.user == user for other in others)
        often = client.group.max_logins is not None and logins >= client.group.max_logins
        return Trouble.CAPACITY if full or often else None

    def _free_address(self, client: Client, pool: AddressPool, wished: Attribute | None) -> IPv4Address | None:
        """The address that the client had before, if it asks for it; else the first that nobody has."""
        taken = {other.address: other for other in self._known if other.address is not None}
        wish = IPv4Address(wished.octets) if wished is not None and len(wished.octets) == 4 else None
        if wish is not None and pool.low <= wish <= pool.high and (wish not in taken or client.is_again(taken[wish])):
            return wish
        every = map(IPv4Address, range(int(pool.low), int(pool.high) + 1))
        return next((address for address in every if address not in taken), None)

    def _keep(self, client: Client) -> None:
        if client not in self._known:
            self._known.append(client)

    # --- ends ---

    def ended(self, client: Client) -> None:
        """Its ISAKMP SA is gone, or never came up."""
        client.alive = False
        self.sweep()

    def lose_everything(self) -> None:
        self._known.clear()

    def sweep(self) -> None:
        """Those of whom nothing is left are gone, and their addresses free."""
        self._known = [client for client in self._known if client.alive or self._has_flow(client)]
