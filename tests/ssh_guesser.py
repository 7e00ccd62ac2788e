"""Guesses passwords by SSH: `python -m tests.ssh_guesser PORT USER NUMBER AT_ONCE TRIES`. Prints how many guesses were refused.

`python -m tests.ssh_guesser PORT USER PASSWORD` knows it, and prints the router's time.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

import asyncssh


class Guesser(asyncssh.SSHClient):
    """Tries one wrong password after another, as long as the connection lasts."""

    def __init__(self) -> None:
        self.asked = 0

    def password_auth_requested(self) -> str:
        self.asked += 1
        return f"guess {self.asked}"


async def guess(port: int, user: str) -> int:
    """One connection: how many guesses it made."""
    guesser = Guesser()
    try:
        await asyncssh.connect(
            "127.0.0.1",
            port,
            username=user,
            preferred_auth="password",
            client_factory=lambda: guesser,
            known_hosts=None,
            client_keys=None,
            agent_path=None,
            config=None,
            login_timeout=0,
        )
    except asyncssh.PermissionDenied:
        return guesser.asked
    raise AssertionError("a wrong password was right")


async def main(port: int, user: str, number: int, at_once: int, tries: int) -> int:
    connections, refused = count(), 0

    async def work() -> None:
        nonlocal refused
        while next(connections) < number // tries:
            asked = await guess(port, user)
            refused += asked

    await asyncio.gather(*(work() for _ in range(at_once)))
    return refused


async def clock(port: int, user: str, password: str) -> str:
    options = {"known_hosts": None, "client_keys": None, "agent_path": None, "config": None}
    async with asyncssh.connect("127.0.0.1", port, username=user, password=password, **options) as client:
        return str((await client.run("show clock")).stdout)


if __name__ == "__main__":
    port, user, *rest = sys.argv[1:]
    if len(rest) == 1:
        print(asyncio.run(clock(int(port), user, rest[0])))
    else:
        number, at_once, tries = map(int, rest)
        print(asyncio.run(main(int(port), user, number, at_once, tries)))
