"""Snmp room: one endpoint's SNMP engine: pysnmp with its defects corrected, reading the trees (RFC 3411 §3.1, RFC 3412, RFC 3414).

The engine owns the sockets, the access policy and the USM users. `apply` makes policy and users follow a changed configuration
without a restart. pysnmp's engine costs more than all else of a small router, so it is made when it is first needed: for a user of
SNMPv3, or a message that nothing in front of it answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pysnmp.carrier.asyncio.dgram import udp, udp6
from pysnmp.entity import config as pysnmp_config
from pysnmp.entity.engine import SnmpEngine
from pysnmp.error import PySnmpError

from agent.base.allowance import Allowance
from agent.base.binding import why_unbound
from agent.base.endpoints import endpoint_text
from agent.base.errors import UserError
from agent.base.limited_log import LimitedLog, limited_in_loop
from agent.base.text import octets_of, text_of
from agent.base.work import Work, in_shares
from agent.config.snmp_model import SnmpUser
from agent.mib.schema import Oid
from agent.mib.tree import Tree
from agent.snmp.access import AccessPolicy, Source, compile_policy
from agent.snmp.answering import Answerer
from agent.snmp.ber import DROP, GET, GET_NEXT, Response
from agent.snmp.dispatcher import MessageDispatcher, TransportDispatcher
from agent.snmp.endpoint import Endpoint
from agent.snmp.fast import FastPath
from agent.snmp.fast_v3 import V3Messages
from agent.snmp.gate import Gate
from agent.snmp.general import GeneralPath
from agent.snmp.identity import LocalEngine
from agent.snmp.messages import message_models
from agent.snmp.reading import Answer
from agent.snmp.responder import REQUESTS, CommandResponder
from agent.snmp.security import USM, AccessControl, CommunityV1, CommunityV2c
from agent.snmp.transport import UdpTransport, bind_udp
from agent.snmp.usm import UserSecurity
from agent.snmp.usm_message import LARGEST_UDP_PAYLOAD
from agent.snmp.usm_protocols import Levels, UnusableUserError, authentication, levels_of, privacy

REFUSALS_NOTICED = 10  # authenticationFailure notifications a second
_LONGEST_SHOWN = 32  # octets of a community that the log has
_log = logging.getLogger(__name__)

_AUTHENTICATION = {
    None: pysnmp_config.USM_AUTH_NONE,
    "md5": pysnmp_config.USM_AUTH_HMAC96_MD5,
    "sha": pysnmp_config.USM_AUTH_HMAC96_SHA,
    "sha224": pysnmp_config.USM_AUTH_HMAC128_SHA224,
    "sha256": pysnmp_config.USM_AUTH_HMAC192_SHA256,
    "sha384": pysnmp_config.USM_AUTH_HMAC256_SHA384,
    "sha512": pysnmp_config.USM_AUTH_HMAC384_SHA512,
}
_PRIVACY = {
    None: pysnmp_config.USM_PRIV_NONE,
    "des": pysnmp_config.USM_PRIV_CBC56_DES,
    "3des": pysnmp_config.USM_PRIV_CBC168_3DES,
    "aes128": pysnmp_config.USM_PRIV_CFB128_AES,
    "aes192": pysnmp_config.USM_PRIV_CFB192_AES,  # keys extended as IOS does it, not by Blumenthal's draft
    "aes256": pysnmp_config.USM_PRIV_CFB256_AES,
}
# pysnmp's modules that hold counters which it keeps itself.
_COUNTER_MODULES = ("__SNMPv2-MIB", "__SNMP-MPD-MIB", "__SNMP-TARGET-MIB", "__SNMP-USER-BASED-SM-MIB")


class ListenError(UserError):
    """An address cannot be listened on; `str()` is the line that the user reads."""

    def __init__(self, host: str, port: int, error: OSError) -> None:
        why = why_unbound(error, port, "name another with --listen HOST:PORT, or with snmp in the lab file")
        super().__init__(f"{endpoint_text((host, port))}: cannot listen for SNMP there: {why}")


class InFront(Protocol):
    """What answers in front of pysnmp, and what it has counted."""

    answered: dict[int, int]  # requests, by the PDU's tag
    variables: int
    too_bigs: int

    def answer(self, datagram: bytes, source: str) -> Response | Work[Response]: ...

    def policy_changed(self, largest: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine needs: the OID of a name in a view (KeyError: unknown), the tree of a context, and the router's time."""

    resolve: Callable[[str], Oid]
    trees: Callable[[str], Tree | None]
    now: Callable[[], int]  # microseconds since the router started


def _ignore(source: Source) -> None:
    pass


class SnmpAgent:
    """One endpoint's engine with its fast path. It is made in a running event loop. `listen` opens its sockets, `close` ends it."""

    def __init__(
        self,
        local: LocalEngine,
        endpoint: Endpoint,
        given: Surroundings,
        bad_community: Callable[[Source], None] = _ignore,
    ) -> None:
        self.counters = counters = local.counters
        self.engine_time = local.time
        self.bad_community = bad_community  # called with the source of each message of an unknown community
        self._endpoint = endpoint
        self._given = given
        self.loop = asyncio.get_running_loop()
        self._limited = self.limited_log(_log)
        self._transports: list[UdpTransport] = []
        self._users: dict[str, SnmpUser] = {}
        self._levels: dict[bytes, Levels] = {}  # of those users that can be used
        self._logged: frozenset[str] = frozenset()  # problems that the log has heard of
        self._policy = compile_policy(endpoint, given.resolve)
        self._largest = _largest(endpoint)
        access = AccessControl(self.policy)
        self._noticed = Allowance(REFUSALS_NOTICED, 1 / REFUSALS_NOTICED, self.loop.time)
        self._answerer = Answerer(given.now, counters, lambda fault: self.failed(fault))
        self._responder = CommandResponder(
            access=access,
            policy=self.policy,
            trees=given.trees,
            answerer=self._answerer,
            counters=counters,
            largest=self.largest,
            failed=self.failed,
            refused_user=self._refused_user,
            later=self._later,
        )
        self._identity, self._access = local.identity, access
        self._engine: Any = None
        self._next_domain = 1
        self.v3_messages = V3Messages(local.identity, self.engine_time, self._levels, LARGEST_UDP_PAYLOAD, counters)
        self.use_fast_path(self.fast_path())
        self.apply()

    # --- queries ---

    @property
    def engine(self) -> Any:
        """pysnmp's engine, which is made now if it is not there yet."""
        if self._engine is None:
            self._make_engine()
            for transport in self._transports:
                pysnmp_config.add_transport(self._engine, transport.domain, transport)
        return self._engine

    def policy(self) -> AccessPolicy:
        """The access rules as they stand."""
        return self._policy

    def largest(self) -> int:
        """The most octets of a message that is sent (`snmp-server packetsize`)."""
        return self._largest

    def limited_log(self, log: logging.Logger) -> LimitedLog:
        """A log by real time for lines that somebody outside can cause."""
        return limited_in_loop(log, self.loop.time, self.loop.call_later)

    def levels_at(self, name: bytes, engine_id: bytes) -> Levels:
        """What a user has at each security level with keys for another engine. Raises UnusableUserError."""
        user = self._users.get(text_of(name))
        if user is None or name not in self._levels:
            raise UnusableUserError("the user is unknown, or cannot be used")
        return self._levels_of(user, engine_id)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where the engine listens, in the order asked for."""
        return [transport.address for transport in self._transports]

    # --- changes ---

    @property
    def local_address(self) -> str:
        """The IPv4 address that it answers on, "0.0.0.0" if it has none."""
        return next((host for host, _ in self.addresses if ":" not in host), "0.0.0.0")

    def listen(self, addresses: Sequence[tuple[str, int]]) -> None:
        """Answer on these addresses, too; the system chooses for port 0. Raises ListenError, and then listens on none of them."""
        bound = []
        for host, port in addresses:
            try:
                bound.append(bind_udp(host, port))
            except OSError as error:
                for each in bound:
                    each.close()
                raise ListenError(host, port, error) from error
        for each in bound:
            self._transports.append(self.add_transport(each))

    def add_transport(self, bound: Any) -> UdpTransport:
        """Have pysnmp send and receive by a bound socket, under a transport domain of its own (`domain_of`)."""
        transport = UdpTransport(self.loop, bound, self.counters, self.failed)
        transport.fast = self.fast
        transport.over_share = self._over_share
        domain = (udp6 if ":" in transport.address[0] else udp).DOMAIN_NAME
        transport.domain = (*domain, self._next_domain)
        transport.needs_pysnmp = lambda: self.engine
        self._next_domain += 1
        if self._engine is not None:
            pysnmp_config.add_transport(self._engine, transport.domain, transport)
        return transport

    def fast_path(self) -> FastPath:
        """A fast path for this engine, with its gate."""
        gate = Gate(self.policy, self.v3_messages, self.counters, self._bad_community)
        general = GeneralPath(self.policy, self._given.trees, self._answerer, self.v3_messages, self.counters, self._refused_user)
        return FastPath(self.policy, self._given.trees, self._given.now, self.v3_messages, gate, general, self.counters)

    def use_fast_path(self, fast: InFront) -> None:
        """Offer every datagram to `fast` first. Its counts are added to ours."""
        self.fast = fast
        fast.policy_changed(self._largest)
        for transport in self._transports:
            transport.fast = fast
        counted: dict[str, Callable[[], int]] = {
            **dict.fromkeys(("snmpInPkts", "snmpOutPkts", "snmpOutGetResponses"), lambda: sum(fast.answered.values())),
            "snmpInGetRequests": lambda: fast.answered[GET],
            "snmpInGetNexts": lambda: fast.answered[GET_NEXT],
            "snmpInTotalReqVars": lambda: fast.variables,
            "snmpOutTooBigs": lambda: fast.too_bigs,
        }
        self.counters.add_source(lambda name: counted[name]() if name in counted else 0)

    def apply(self) -> None:
        """Follow an endpoint that has changed: communities, views, groups, users, contexts, packet size."""
        before = self._logged
        self._policy = compile_policy(self._endpoint, self._given.resolve)
        self._logged = frozenset(self._policy.problems)
        for problem in sorted(self._logged - before):
            _log.warning("%s", problem)
        self._largest = _largest(self._endpoint)
        self._follow_users({user.name: user for user in self._endpoint.snmp.users.values() if user.model == "v3"})
        self._answerer.policy_changed()
        self.fast.policy_changed(self._largest)

    def close(self) -> None:
        """Close every socket; nothing is answered or sent any more."""
        if self._engine is not None:
            self._engine.close_dispatcher()
        else:
            for transport in self._transports:
                transport.close_transport()
        self._transports.clear()
        self._limited.close()

    def failed(self, fault: Exception) -> None:
        """Log an exception that is our fault and not a datagram's."""
        self._limited.error("a fault while answering SNMP", fault=fault)

    # --- within ---

    def _make_engine(self) -> None:
        # SnmpEngine(snmpEngineID=…) would keep boots under a name that anyone can guess in the shared temporary directory. The
        # largest message given here is what can be received: what may be sent is the responder's to keep, and pysnmp takes no
        # message at all where this is below 612 octets (its sums in between fall under the type's own limit).
        engine = SnmpEngine(maxMessageSize=LARGEST_UDP_PAYLOAD, msgAndPduDsp=MessageDispatcher(self.counters))
        engine.message_processing_subsystems = message_models(self.counters)
        refused = self._bad_community
        engine.security_models[1] = CommunityV1(self.policy, refused)
        engine.security_models[2] = CommunityV2c(self.policy, refused)
        engine.security_models[USM] = UserSecurity(self.counters)
        engine.access_control_model[AccessControl.ACCESS_MODEL_ID] = self._access
        self._engine = engine
        engine.snmpEngineID = self._symbol("__SNMP-FRAMEWORK-MIB", "snmpEngineID", self._identity.engine_id)
        self._symbol("__SNMP-FRAMEWORK-MIB", "snmpEngineBoots", self._identity.boots)
        self._keep_engine_time()
        engine.register_transport_dispatcher(TransportDispatcher(self.loop, self.failed))
        engine.message_dispatcher.register_context_engine_id(engine.snmpEngineID, REQUESTS, self._responder.process_pdu)
        self._count_what_pysnmp_counts()

    def _later(self, domain: Any, address: Any, message: bytes, work: Work[Answer]) -> None:
        """Let pysnmp answer a message when the work for its answer is done."""
        transport: UdpTransport = self.engine.transport_dispatcher.get_transport(domain)
        transport.later(self._found_later(transport, tuple(address), message, work, self._policy), tuple(address))

    def _found_later(
        self, transport: UdpTransport, address: Any, message: bytes, work: Work[Answer], policy: AccessPolicy
    ) -> Work[Response]:
        found = yield from in_shares(work, lambda: self._policy is policy, None)
        if found is not None:
            self.counters.count("snmpInPkts", -1)  # pysnmp counts the message once more
            self._responder.answer_with(found, lambda: transport.receive(message, address))
        return DROP

    def _over_share(self, source: str) -> None:
        self._limited.warning(
            "%s: SNMP from %s: too many of its datagrams are waiting; this one is dropped", self._endpoint.name, source
        )

    def _bad_community(self, source: Source, name: bytes, model: str) -> None:
        shown = name[:_LONGEST_SHOWN].decode("ascii", "backslashreplace")
        why = self._policy.refusal(name, model, source)
        self._limited.info("%s: SNMP%s from %s with community %s: %s", self._endpoint.name, model, source, shown, why)
        if self._noticed.take():  # the requester is a stranger: all are counted, and a few are notified
            self.bad_community(source)

    def _refused_user(self, name: bytes, level: str, context: str, source: Source) -> None:
        """Log a refused request, if an access list refuses it."""
        why = self._policy.user_refusal(name, level, context, source)
        if why is not None:
            shown = name[:_LONGEST_SHOWN].decode("ascii", "backslashreplace")
            self._limited.info("%s: SNMPv3 from %s with user %s: %s", self._endpoint.name, source, shown, why)

    def _symbol(self, module: str, name: str, value: Any) -> Any:
        (symbol,) = self.engine.get_mib_builder().import_symbols(module, name)
        symbol.syntax = symbol.syntax.clone(value)
        return symbol.syntax

    def _keep_engine_time(self) -> None:
        """snmpEngineTime from a clock that nobody sets (RFC 3414 §2.2.2): pysnmp takes the wall clock."""
        (symbol,) = self.engine.get_mib_builder().import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineTime")
        engine_time = self.engine_time
        plain = type(symbol.syntax)

        class EngineTime(plain):  # type: ignore[valid-type,misc]  # pysnmp makes the class when it loads the module
            def clone(self, *value: Any, **options: Any) -> Any:
                return super().clone(*value, **options) if value else plain.clone(self, engine_time())

        symbol.syntax = EngineTime(0)

    def _count_what_pysnmp_counts(self) -> None:
        builder = self.engine.get_mib_builder()
        builder.load_modules(*_COUNTER_MODULES)
        symbols = {}
        for module in _COUNTER_MODULES:
            for name, symbol in builder.mibSymbols[module].items():
                if name.startswith(("snmp", "usmStats")):
                    symbols[name] = symbol

        def read(name: str) -> int:
            symbol = symbols.get(name)
            return 0 if symbol is None else int(symbol.syntax)

        self.counters.add_source(read)

    def _follow_users(self, users: dict[str, SnmpUser]) -> None:
        for name, user in self._users.items():
            if users.get(name) != user:
                pysnmp_config.delete_v3_user(self.engine, octets_of(name))
                self._levels.pop(octets_of(name), None)
        for name, user in users.items():
            if self._users.get(name) != user:
                self._add_user(user)
        self._users = users

    def _add_user(self, user: SnmpUser) -> None:
        try:
            pysnmp_config.add_v3_user(
                self.engine,
                octets_of(user.name),
                _AUTHENTICATION[user.auth],
                _key_text(user.auth_password),
                _PRIVACY[user.priv],
                _key_text(user.priv_password),
            )
            self._levels[octets_of(user.name)] = self._levels_of(user, bytes(self.engine.snmpEngineID))
        except (PySnmpError, KeyError) as error:
            passwords = [each for each in (user.auth_password, user.priv_password) if each is not None]
            # RFC 3414 §11.2: a password is at least that long.
            why = "a password needs at least 8 characters" if any(len(each) < 8 for each in passwords) else error
            _log.warning("snmp-server user %s: cannot be used: %s", user.name, why)

    def _levels_of(self, user: SnmpUser, engine_id: bytes) -> Levels:
        auth, priv = _AUTHENTICATION[user.auth], _PRIVACY[user.priv]
        security = self.engine.security_models[USM]
        auth_key, priv_key = security.localised_keys(self.engine, octets_of(user.name), engine_id, auth, priv)
        return levels_of(
            authentication(user.auth, auth_key) if user.auth else None,
            privacy(user.priv, priv_key, pysnmp_config.PRIV_SERVICES[priv]) if user.priv else None,
        )


def _key_text(password: str | None) -> bytes | None:
    """A password as pysnmp takes it; None of a user who has none."""
    return None if password is None else octets_of(password)


def _largest(endpoint: Endpoint) -> int:
    return min(endpoint.snmp.packet_size, LARGEST_UDP_PAYLOAD)
