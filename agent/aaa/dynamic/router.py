"""Aaa room: one router as dynamic authorisation sees it: its sessions, what identifies it, and how its sessions are ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.aaa.dynamic.sessions import Nas
from agent.base.origin import Origin, OriginKind
from agent.engine.port import Node
from agent.engine.values import ClearSessions, SessionFilter
from agent.flow.sessions import Session


class DynamicRouter:
    """`accounted` gives the sessions with an Acct-Session-Id, `identifiers` what the router sends as NAS-Identifier.

    `user` gives the name of a session's user in its accounting records, if it has some.
    """

    def __init__(
        self,
        node: Node,
        accounted: Callable[[str], Iterable[Session]],
        identifiers: Callable[[], Iterable[str | None]] = tuple,
        user: Callable[[Session], str | None] = lambda session: None,
    ) -> None:
        self._node = node
        self._user = user
        self._identifiers = identifiers
        self.accounted = accounted

    def sessions(self) -> Iterator[Session]:
        """Every session that is up."""
        return self._node.monitor.sessions()

    def users(self, session: Session) -> tuple[str | None, str | None]:
        return session.facts.user, self._user(session)

    def nas(self) -> Nas:
        """A server may know the router by any of its addresses and names."""
        config = self._node.document.config
        addresses = {each.ip for interface in config.interfaces.values() for each in interface.addresses}
        if config.radius.nas_ip_address is not None:
            addresses.add(config.radius.nas_ip_address)
        names = {config.hostname, config.full_name, *filter(None, self._identifiers())}
        return Nas(frozenset(addresses), frozenset(names))

    def end(self, found: Sequence[Session], client: str) -> bool:
        """End all of these sessions, or none if the engine refuses one. Whether it has ended them."""
        engine = self._node.engine
        requests = [ClearSessions(_exactly(session)) for session in found]
        if any(engine.test(request) is not None for request in requests):
            return False
        for request in requests:
            engine.do(request, Origin(OriginKind.RADIUS, client))
        return True


def _exactly(session: Session) -> SessionFilter:
    """Selects this session, by its ends and VRFs."""
    at = session.peer.ends
    return SessionFilter(
        local=at.local_address,
        local_port=at.local_port,
        remote=at.remote_address,
        remote_port=at.remote_port,
        front_vrf=at.front_vrf,
        inside_vrf=session.vrf,
    )
