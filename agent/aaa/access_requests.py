"""Aaa room: asks groups of RADIUS servers about users and client groups, by Access-Requests (RFC 2865 §4.1)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from agent.aaa.radius.values import NAS_IP_ADDRESS, Attribute, Code, Place, Reply, Request
from agent.config.aaa_model import RadiusConfig
from agent.engine.access import ChapResponse

_LOGIN = 1  # Service-Type (RFC 2865 §5.6)


@dataclass(frozen=True, slots=True)
class AccessRequests:
    """Access-Requests of one router. `ask` asks a group, and gives None if none of its servers answers.

    `about` numbers the log-ins. `identifier` is the router's NAS-Identifier (RFC 2865 §5.32), None if it is not sent.
    """

    config: RadiusConfig
    ask: Callable[[str, Request], Awaitable[Reply | None]]
    about: Callable[[], int]
    identifier: Callable[[], str | None] = lambda: None

    async def prove(
        self,
        group: str,
        user: str,
        proof: str | ChapResponse,
        attributes: Sequence[Attribute],
        about: int | None = None,
        first: Place | None = None,
    ) -> Reply | None:
        """Ask the servers of a group about a user, in an Access-Request (RFC 2865 §4.1)."""
        identifier = self.identifier()
        named = (Attribute("NAS-Identifier", identifier),) if identifier else ()
        said = (Attribute("User-Name", user), *attributes, NAS_IP_ADDRESS, *named)
        number = self.about() if about is None else about
        reply = await self.ask(group, Request(Code.ACCESS_REQUEST, said, number, proof, first=first))
        return reply if reply is None or self._may_accept(reply) else replace(reply, code=Code.ACCESS_REJECT)

    def _may_accept(self, reply: Reply) -> bool:
        """Whether IOS takes an answer as it is ("radius-server attribute 6" in the IOS security command reference)."""
        services = sum(1 for _ in reply.values("Service-Type"))
        wanted = services > 0 or not self.config.service_type_mandatory
        return reply.code is not Code.ACCESS_ACCEPT or (wanted and (services < 2 or self.config.service_types_multiple))


def login_service(config: RadiusConfig) -> tuple[Attribute, ...]:
    """The service of a log-in, which IOS says to servers only if it is told to."""
    return (Attribute("Service-Type", _LOGIN),) if config.service_type_on_login else ()
