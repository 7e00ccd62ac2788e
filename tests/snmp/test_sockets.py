"""Several sockets of one router: IPv4 and IPv6, one of them flooded, and the one that informs leave by."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto.api import v2c

from tests.snmp.conftest import Station
from tests.snmp.fakes import GET, GET_BULK, GET_NEXT, LOOPBACK, SIZE, add_group, add_user, request, response, router
from tests.snmp.test_long_reads import LAST, PAIRS, SPARSE, Long, config
from tests.snmp.test_sender import account, add_host, sender, told
from tests.snmp.v3 import V3User

Start = Callable[..., Station]
FLOOD = [request(GET_BULK, [SIZE] * 5, repetitions=100), request(GET, [SIZE], b"nobody"), b"\x30\x03\x02\x01\x01"]


@pytest.fixture
def managers() -> Iterator[Callable[[str], socket.socket]]:
    made: list[socket.socket] = []

    def make(host: str) -> socket.socket:
        made.append(socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM))
        made[-1].bind((host, 0))
        made[-1].setblocking(False)
        return made[-1]

    yield make
    for each in made:
        each.close()


async def ask(loop: asyncio.AbstractEventLoop, manager: socket.socket, to: Any, datagram: bytes) -> tuple[bytes, Any]:
    await loop.sock_sendto(manager, datagram, to)
    return await loop.sock_recvfrom(manager, 65535)


def odd(datagram: bytes) -> bytes:
    """The same message with a length in more octets than it needs (RFC 3417 §8): the fast path leaves it to pysnmp."""
    assert datagram[1] < 0x80
    return datagram[:1] + b"\x81" + datagram[1:]


@pytest.mark.parametrize("encoded", [bytes, odd], ids=["ours", "pysnmp's"])
@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1"])
def test_each_address_answers_what_is_asked_there_and_answers_from_there(
    station: Start, managers: Callable[[str], socket.socket], host: str, encoded: Callable[[bytes], bytes]
) -> None:
    """Long reads too, whose answers leave in a later turn (RFC 3417 §3: from the transport endpoint that was asked)."""
    here = station(config())
    Long(here)
    here.run(_listen(here, ("127.0.0.7", 0), ("::1", 0)))
    at = next(address for address in here.agent.addresses if address[0] == host)
    manager = managers("::1" if ":" in host else LOOPBACK)
    for community, name, right in ((b"public", SPARSE, (*SPARSE, 20_000)), (b"late", PAIRS, LAST)):
        answer, source = here.run(ask(here.loop, manager, at, encoded(request(GET_NEXT, [name], community))))
        assert response(answer).names == [right]
        assert source[:2] == at


async def _listen(here: Station, *addresses: tuple[str, int]) -> None:
    here.agent.listen(addresses)


def test_an_snmpv3_read_by_ipv6_is_answered(station: Start, managers: Callable[[str], socket.socket]) -> None:
    made = config()
    add_user(made, "joe", "g", auth="sha", auth_password="authpass1", priv="aes128", priv_password="privpass1")
    add_group(made, "g", "v3", "priv")
    here = station(made)
    here.run(_listen(here, ("::1", 0)))
    here.agent.use_fast_path(here.agent.fast_path())
    user: V3User = here.v3_user("joe", auth="authpass1", priv="privpass1")
    answer, _ = here.run(ask(here.loop, managers("::1"), here.agent.addresses[-1], user.request(GET, [SIZE])))
    assert [int(value) for _, value in user.response(answer).bindings] == [10]


def test_a_flood_at_one_address_leaves_the_others_theirs(station: Start, managers: Callable[[str], socket.socket]) -> None:
    here = station(router())
    here.agent.use_fast_path(here.agent.fast_path())
    here.run(_listen(here, ("127.0.0.7", 0), ("::1", 0)))
    flooded, *others = here.agent.addresses
    stranger = managers("127.0.0.9")

    async def polls() -> list[int]:
        found = []
        for turn in range(30):
            for _ in range(100):
                for datagram in FLOOD:
                    stranger.sendto(datagram, flooded)
            for address in others:
                asked = request(GET, [SIZE], request_id=turn)
                manager = managers("::1" if ":" in address[0] else LOOPBACK)
                answer, _ = await ask(here.loop, manager, address, asked)
                found.append(response(answer).request_id)
        return found

    assert here.run(polls()) == [turn for turn in range(30) for _ in others]


def test_an_informs_answer_is_heard_beside_a_flood_of_its_socket(station: Start, managers: Callable[[str], socket.socket]) -> None:
    """The socket that informs leave by is open to strangers as any other is. Senders take turns at it."""
    made = router()
    to, stranger = managers(LOOPBACK), managers("127.0.0.9")

    class Port:
        port: int = to.getsockname()[1]

    add_host(made, Port(), "red", informs=True)
    here = station(made)
    here.agent.use_fast_path(here.agent.fast_path())
    out = sender(here)

    async def informs() -> None:
        for number in range(20):
            out.send([told(value=number)])
            datagram, source = await here.loop.sock_recvfrom(to, 65535)
            for _ in range(60):
                for noise in (*FLOOD, answered(datagram, 1), datagram):
                    stranger.sendto(noise, source)
            to.sendto(answered(datagram), source)
        while account(out).unanswered:
            await asyncio.sleep(0)

    here.run(informs())
    assert (account(out).delivered, account(out).drops.total) == (20, 0)


def answered(datagram: bytes, off: int = 0) -> bytes:
    """The response to an inform; with a request-id that is `off` it answers nothing."""
    message, _ = decoder.decode(datagram, asn1Spec=v2c.Message())
    pdu = v2c.apiMessage.get_pdu(message)
    made = v2c.apiPDU.get_response(pdu)
    v2c.apiPDU.set_request_id(made, (int(v2c.apiPDU.get_request_id(pdu)) + off) % 2**31)
    v2c.apiPDU.set_varbinds(made, v2c.apiPDU.get_varbinds(pdu))
    v2c.apiMessage.set_pdu(message, made)
    octets: bytes = encoder.encode(message)
    return octets


def test_pysnmp_s_engine_is_made_when_it_is_first_needed(station: Start) -> None:
    """It costs more than all else of a small router, of which a lab may have ten thousand."""
    here = station(router())
    here.agent.use_fast_path(here.agent.fast_path())
    assert here.get(GET, [SIZE]).status == 0
    assert here.agent._engine is None
    here.send(request(GET, [SIZE]) + b"\x00")  # with an octet behind the message: nothing in front of pysnmp takes it
    assert here.agent._engine is not None
    assert here.get(GET, [SIZE]).status == 0


def test_a_user_of_version_3_needs_pysnmp_s_engine_at_once(station: Start) -> None:
    made = router()
    add_user(made, "ann", "readers")
    assert station(made).agent._engine is not None
