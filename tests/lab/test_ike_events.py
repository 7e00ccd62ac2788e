"""What a router does about the events of its ISAKMP SAs: each has a handler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from agent.crypto.ike_events import Configured, IkeEvent


def test_each_event_of_an_isakmp_sa_has_a_handler(make_pair: Callable[..., Any]) -> None:
    """But the one that only a remote-access client is told, which a router of the lab never is."""
    assert make_pair().east.router.ike._handle.classes == set(get_args(IkeEvent)) - {Configured}
