"""Where a router listens for dynamic authorisation: as its lab file says, else on loopback, while its configuration wants it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from ipaddress import IPv4Address, IPv6Address
from typing import Any, ParamSpec, cast

import pytest

from agent.aaa.dynamic.author import DynamicAuthorServer
from agent.aaa.dynamic.listener import DynamicAuthorListener, DynamicAuthorListenError
from agent.base.endpoints import Endpoint
from agent.base.limited_log import LimitedLog
from agent.config.aaa_model import DynamicAuthor, DynamicAuthorClient, Secret, by_identity
from agent.config.document import load
from agent.config.model import RouterConfig
from tests.aaa.dynamic.requests import KEY, Router, request

AUTHOR = DynamicAuthor(
    by_identity((DynamicAuthorClient(IPv4Address("127.0.0.1")), DynamicAuthorClient(IPv6Address("::1")))), Secret(KEY)
)
ANY: Endpoint = ("127.0.0.1", 0)
PATIENCE = 30.0  # seconds; a test that passes does not wait
Arguments = ParamSpec("Arguments")


def in_a_loop(test: Callable[Arguments, Coroutine[Any, Any, None]]) -> Callable[Arguments, None]:
    """A test that needs an event loop."""

    @wraps(test)
    def run(*values: Arguments.args, **named: Arguments.kwargs) -> None:
        asyncio.run(test(*values, **named))

    return run


def config_of(author: DynamicAuthor | None = AUTHOR) -> RouterConfig:
    config = load("hostname hub\naaa new-model\n").config
    config.radius.dynamic_author = author
    return config


@contextmanager
def listening(config: RouterConfig, router: Router | None = None) -> Iterator[DynamicAuthorListener]:
    listener = DynamicAuthorListener("hub", config, lambda log: (router or Router(AUTHOR)).server)
    try:
        yield listener
    finally:
        listener.close()


@contextmanager
def taken() -> Iterator[int]:
    """A port of loopback that another program has."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(ANY)
        yield cast(int, other.getsockname()[1])


async def reply_of(address: Endpoint, datagram: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with closing(socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)) as client:
        client.setblocking(False)
        client.connect(address)
        client.send(datagram)
        return await asyncio.wait_for(loop.sock_recv(client, 4096), PATIENCE)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@in_a_loop
async def test_a_request_is_replied_to_where_it_has_come(host: str) -> None:
    router = Router(AUTHOR)
    with listening(config_of(), router) as listener:
        listener.listen([(host, 0)])
        (address,) = listener.addresses
        asked = request(User_Name="bob")
        octets = await reply_of(address, asked.RequestPacket())
        assert asked.VerifyReply(asked.CreateReply(packet=octets), octets)
    assert len(router.engine.asked) == 1


@in_a_loop
async def test_it_listens_while_the_configuration_wants_it() -> None:
    config = config_of(None)
    with listening(config) as listener:
        listener.listen([ANY])
        assert not listener.addresses
        config.radius.dynamic_author = AUTHOR
        listener.apply()
        first = listener.addresses
        assert len(first) == 1
        listener.apply()
        assert listener.addresses == first  # nothing has changed
        config.aaa.new_model = None
        listener.apply()
        assert not listener.addresses
        config.aaa.new_model = True
        listener.apply()
        assert listener.addresses == first  # the port that the system had chosen


@in_a_loop
async def test_without_a_place_in_the_lab_file_it_is_the_port_of_the_configuration_on_loopback() -> None:
    with taken() as port:
        pass
    with listening(config_of(DynamicAuthor(port=port))) as listener:
        assert not listener.addresses  # nothing before the router starts
        listener.listen(())
        assert listener.addresses == [("127.0.0.1", port)]


@in_a_loop
async def test_a_place_that_the_lab_file_names_and_another_program_has_is_an_error() -> None:
    with taken() as port, listening(config_of()) as listener:
        with pytest.raises(DynamicAuthorListenError) as caught:
            listener.listen([("127.0.0.1", port)])
        assert str(caught.value) == (
            f"hub: cannot listen for dynamic authorisation on 127.0.0.1:{port}: Address already in use: "
            "another program has it; name another with dynamic_author in the lab file"
        )


@in_a_loop
async def test_a_place_of_the_configuration_that_another_program_has_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with taken() as port, listening(config_of(DynamicAuthor(port=port))) as listener, caplog.at_level(logging.ERROR):
        listener.listen(())
        assert not listener.addresses
    assert f"hub: cannot listen for dynamic authorisation on 127.0.0.1:{port}" in caplog.text


@in_a_loop
async def test_the_server_is_made_when_it_is_needed() -> None:
    made = []

    def make(log: LimitedLog) -> DynamicAuthorServer:
        made.append(Router(AUTHOR).server)
        return made[-1]

    config = config_of(None)
    listener = DynamicAuthorListener("hub", config, make)
    listener.listen([ANY])
    assert not made
    config.radius.dynamic_author = AUTHOR
    listener.apply()
    listener.close()
    assert listener.server is made[0]
