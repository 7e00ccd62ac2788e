"""Snmp room: pysnmp's community security models and access control, decided by our access policy (RFC 3584 §5.2, RFC 3415 §3.2).

pysnmp keeps communities, groups and views in tables of its own, and its VACM fails open: an undefined view grants, and model and
level are not enforced. So those tables stay empty. Both models here use the access policy. They refuse access by raising, as the
RFC's abstract service interface does.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, ip_address
from typing import Any

from pysnmp.proto import errind, error, rfc1902
from pysnmp.proto.acmod import rfc3415
from pysnmp.proto.secmod.rfc2576 import SnmpV1SecurityModel, SnmpV2cSecurityModel

from agent.base.text import text_of
from agent.snmp.access import AccessPolicy, Grant, Source

MODELS = {1: "v1", 2: "v2c"}  # SnmpSecurityModel of the communities
USM = 3
LEVEL_NAMES = {1: "noauth", 2: "auth", 3: "priv"}  # SnmpSecurityLevel

Policy = Callable[[], AccessPolicy]
Refused = Callable[[Source, bytes, str], None]  # hears of a refused message: its source, community, and model


def source_of(transport_address: Any) -> Source:
    """Where a datagram came from, by its socket address. An IPv4 address mapped into IPv6 is an IPv4 address."""
    source = ip_address(transport_address[0].partition("%")[0])
    return source if isinstance(source, IPv4Address) else source.ipv4_mapped or source


class _ByPolicy:
    """What the two community models share: community and source give security name and context; the name is the community."""

    SECURITY_MODEL_ID: int

    def __init__(self, policy: Policy, refused: Refused) -> None:
        super().__init__()
        self._policy = policy
        self._refused = refused

    def _com2sec(self, engine: Any, community: Any, transport_information: Any) -> tuple[Any, Any, Any]:
        source = source_of(transport_information[1])
        name, model = bytes(community), MODELS[self.SECURITY_MODEL_ID]
        grant = self._policy().community(name, model, source)
        if grant is None:
            self._refused(source, name, model)
            raise error.StatusInformation(errorIndication=errind.unknownCommunityName)
        return rfc1902.OctetString(bytes(community)), engine.snmpEngineID, rfc1902.OctetString(grant.context)

    def _sec2com(self, engine: Any, security_name: Any, context_engine_id: Any, context_name: Any) -> Any:
        return rfc1902.OctetString(bytes(security_name))


class CommunityV1(_ByPolicy, SnmpV1SecurityModel):
    """SNMPv1's community security, by the policy."""


class CommunityV2c(_ByPolicy, SnmpV2cSecurityModel):
    """SNMPv2c's community security, by the policy."""


class AccessControl(rfc3415.Vacm):
    """isAccessAllowed of RFC 3415 §3.2, by the policy. Refuses by raising, always."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self._policy = policy

    def grant(self, model: Any, name: Any, level: Any, context: Any, source: Source | None = None) -> Grant:
        """Steps 1 to 4 of the RFC: what one may do in a context. Raises StatusInformation: noSuchContext, noAccessEntry.

        A community's source has been admitted before; that of a v3 user is yet to be, by the access list of the group.
        """
        policy = self._policy()
        context_name = text_of(bytes(context))
        if context_name not in policy.contexts:
            raise error.StatusInformation(errorIndication=errind.noSuchContext)
        if int(model) == USM:
            grant = policy.user(bytes(name), LEVEL_NAMES[int(level)], context_name, source)
        else:
            grant = policy.community(bytes(name), MODELS.get(int(model), ""), None)
        if grant is None or grant.context != context_name:
            raise error.StatusInformation(errorIndication=errind.noAccessEntry)
        return grant

    def is_access_allowed(
        self,
        snmpEngine: Any,  # noqa: N803 - pysnmp's interface
        securityModel: Any,  # noqa: N803
        securityName: Any,  # noqa: N803
        securityLevel: Any,  # noqa: N803
        viewType: str,  # noqa: N803
        contextName: Any,  # noqa: N803
        variableName: Any,  # noqa: N803
    ) -> None:
        """As pysnmp's applications ask it: returns if allowed, else raises StatusInformation with the RFC's errorIndication."""
        grant = self.grant(securityModel, securityName, securityLevel, contextName)
        view = {"read": grant.read, "write": grant.write, "notify": grant.notify}[viewType]
        if view is None:
            raise error.StatusInformation(errorIndication=errind.noSuchView)
        if not view.contains(tuple(variableName)):
            raise error.StatusInformation(errorIndication=errind.notInView)
