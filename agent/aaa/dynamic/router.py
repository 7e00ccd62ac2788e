"""Aaa room: one router as dynamic authorisation sees it: its sessions, what identifies it, and how its sessions are ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from agent.aaa.dynamic.sessions import Nas
from agent.base.origin import Origin, OriginKind
from agent.engine.port import Node
from agent.engine.values import ClearSessions, SessionFilter
from agent.flow.sessions import Session

_AT_ONCE = 2  # sessions that end in one turn of the loop


class DynamicRouter:
    """`accounted` gives the sessions with an Acct-Session-Id, `identifiers` what the router sends as NAS-Identifier.

    `user` gives the name of a session's user in its accounting records, if it has some. `later` calls back in another turn of
    the loop.
    """

    def __init__(
        self,
        node: Node,
        accounted: Callable[[str], Iterable[Session]],
        identifiers: Callable[[], Iterable[str | None]] = tuple,
        user: Callable[[Session], str | None] = lambda session: None,
        later: Callable[[Callable[[], None]], object] = lambda call: call(),
    ) -> None:
        self._node = node
        self._user = user
        self._identifiers = identifiers
        self._later = later
        self._ending: deque[tuple[Session, Origin]] = deque()
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
        """End all of these sessions, a few at a time, or none if the engine refuses one. Whether it ends them."""
        if any(self._node.engine.test(ClearSessions(_exactly(session))) is not None for session in found):
            return False
        waits = bool(self._ending)
        self._ending.extend((session, Origin(OriginKind.RADIUS, client)) for session in found)
        if not waits:
            self._end_some()
        return True

    def close(self) -> None:
        """End no more sessions."""
        self._ending.clear()

    def _end_some(self) -> None:
        for _ in range(min(_AT_ONCE, len(self._ending))):
            session, origin = self._ending.popleft()
            if session.peer.session is session:  # another of its peer may have come meanwhile
                self._node.engine.do(ClearSessions(_exactly(session)), origin)
        if self._ending:
            self._later(self._end_some)


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
