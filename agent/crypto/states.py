"""Crypto room: the states of an ISAKMP SA and of a quick mode, and the transitions between them.

State names are those that IOS prints for the phases of RFC 2409. Only the two tables of transitions write a state: a handler names
a cause (`Machine.happened`), and the table gives the next state. A cause that the table does not have is a mistake in the handler,
and raises `TransitionError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=Enum)
CauseT = TypeVar("CauseT", bound=Enum)


class Role(Enum):
    INITIATOR = "initiator"
    RESPONDER = "responder"


class State(Enum):
    """Where an ISAKMP SA is."""

    MM_NO_STATE = "MM_NO_STATE"
    MM_SA_SETUP = "MM_SA_SETUP"
    MM_KEY_EXCH = "MM_KEY_EXCH"
    MM_KEY_AUTH = "MM_KEY_AUTH"  # the peer is authenticated; the next state follows immediately
    AG_NO_STATE = "AG_NO_STATE"
    AG_INIT_EXCH = "AG_INIT_EXCH"
    AG_AUTH = "AG_AUTH"  # as MM_KEY_AUTH
    CONF_XAUTH = "CONF_XAUTH"  # the user is to log in
    CONF_ADDR = "CONF_ADDR"  # the client is to get an address
    QM_IDLE = "QM_IDLE"
    DEAD = "DEAD"


class Cause(Enum):
    """What changes the state of an ISAKMP SA: an accepted message, or a decision."""

    MM1 = "MM1"
    MM2 = "MM2"
    MM3 = "MM3"
    MM4 = "MM4"
    MM5 = "MM5"
    MM6 = "MM6"
    AM1_SENT = "AM1 is sent"
    AM1 = "AM1"
    AM2 = "AM2"
    AM3 = "AM3"
    LOGIN_FIRST = "the user must log in first"
    CONFIGURATION_FIRST = "the client must get its configuration first"
    READY = "quick modes may begin"
    ENDED = "it fails, expires or is deleted"


class QuickState(Enum):
    """The state of a quick mode. The name says which message was last sent (QM_R_QM3: received)."""

    QM_READY = "QM_READY"
    QM_I_QM1 = "QM_I_QM1"
    QM_R_QM2 = "QM_R_QM2"
    QM_I_QM3 = "QM_I_QM3"
    QM_R_QM3 = "QM_R_QM3"
    QM_COMPLETE = "QM_COMPLETE"


class QuickCause(Enum):
    """What changes the state of a quick mode."""

    QM1_SENT = "QM1 is sent"
    QM1 = "QM1"
    QM2 = "QM2"
    QM2_COMMIT = "QM2 with the commit bit"
    QM3 = "QM3"
    QM3_COMMIT = "QM3, where a message of the initiator had the commit bit"
    QM4 = "QM4"
    NO_QM4 = "QM4 does not come"
    GIVEN_UP = "it fails"


class TransitionError(RuntimeError):
    """The state has no transition for the cause."""


class Machine(Generic[StateT, CauseT]):
    """A state that only its table of transitions changes."""

    __slots__ = ("_role", "_state", "_table")

    def __init__(self, table: Mapping[tuple[Role, StateT, CauseT], StateT], role: Role, state: StateT) -> None:
        self._table = table
        self._role = role
        self._state = state

    @property
    def role(self) -> Role:
        return self._role

    @property
    def state(self) -> StateT:
        return self._state

    def happened(self, cause: CauseT) -> None:
        """Go to the state that follows. Raises TransitionError if the table has none."""
        following = self._table.get((self._role, self._state, cause))
        if following is None:
            raise TransitionError(f"{self._role.value} in {self._state.value}: {cause.value}")
        self._state = following


def _of_both(rows: Iterable[tuple[StateT, CauseT, StateT]]) -> dict[tuple[Role, StateT, CauseT], StateT]:
    """Transitions that both roles have."""
    return {(role, state, cause): following for state, cause, following in rows for role in Role}


# The next state of an ISAKMP SA.
TRANSITIONS: Mapping[tuple[Role, State, Cause], State] = MappingProxyType(
    {
        (Role.INITIATOR, State.MM_NO_STATE, Cause.MM2): State.MM_SA_SETUP,
        (Role.INITIATOR, State.MM_SA_SETUP, Cause.MM4): State.MM_KEY_EXCH,
        (Role.INITIATOR, State.MM_KEY_EXCH, Cause.MM6): State.MM_KEY_AUTH,
        (Role.RESPONDER, State.MM_NO_STATE, Cause.MM1): State.MM_SA_SETUP,
        (Role.RESPONDER, State.MM_SA_SETUP, Cause.MM3): State.MM_KEY_EXCH,
        (Role.RESPONDER, State.MM_KEY_EXCH, Cause.MM5): State.MM_KEY_AUTH,
        (Role.INITIATOR, State.AG_NO_STATE, Cause.AM1_SENT): State.AG_INIT_EXCH,
        (Role.INITIATOR, State.AG_INIT_EXCH, Cause.AM2): State.AG_AUTH,
        (Role.RESPONDER, State.AG_NO_STATE, Cause.AM1): State.AG_INIT_EXCH,
        (Role.RESPONDER, State.AG_INIT_EXCH, Cause.AM3): State.AG_AUTH,
        **_of_both(
            [
                (State.MM_KEY_AUTH, Cause.LOGIN_FIRST, State.CONF_XAUTH),
                (State.AG_AUTH, Cause.LOGIN_FIRST, State.CONF_XAUTH),
                (State.MM_KEY_AUTH, Cause.CONFIGURATION_FIRST, State.CONF_ADDR),
                (State.AG_AUTH, Cause.CONFIGURATION_FIRST, State.CONF_ADDR),
                (State.CONF_XAUTH, Cause.CONFIGURATION_FIRST, State.CONF_ADDR),
                (State.MM_KEY_AUTH, Cause.READY, State.QM_IDLE),
                (State.AG_AUTH, Cause.READY, State.QM_IDLE),
                (State.CONF_XAUTH, Cause.READY, State.QM_IDLE),
                (State.CONF_ADDR, Cause.READY, State.QM_IDLE),
            ]
        ),
        **_of_both((state, Cause.ENDED, State.DEAD) for state in State if state is not State.DEAD),
    }
)

# The same of a quick mode. QM4 is CONNECTED, which follows only where a message before had the commit bit (RFC 2408 §3.1).
QUICK_TRANSITIONS: Mapping[tuple[Role, QuickState, QuickCause], QuickState] = MappingProxyType(
    {
        (Role.INITIATOR, QuickState.QM_READY, QuickCause.QM1_SENT): QuickState.QM_I_QM1,
        (Role.INITIATOR, QuickState.QM_I_QM1, QuickCause.QM2): QuickState.QM_COMPLETE,
        (Role.INITIATOR, QuickState.QM_I_QM1, QuickCause.QM2_COMMIT): QuickState.QM_I_QM3,
        (Role.INITIATOR, QuickState.QM_I_QM3, QuickCause.QM4): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_READY, QuickCause.QM1): QuickState.QM_R_QM2,
        (Role.RESPONDER, QuickState.QM_R_QM2, QuickCause.QM3): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_R_QM2, QuickCause.QM3_COMMIT): QuickState.QM_R_QM3,
        (Role.RESPONDER, QuickState.QM_R_QM3, QuickCause.QM4): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_R_QM3, QuickCause.NO_QM4): QuickState.QM_COMPLETE,
        (Role.INITIATOR, QuickState.QM_READY, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
        (Role.INITIATOR, QuickState.QM_I_QM1, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
        (Role.INITIATOR, QuickState.QM_I_QM3, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_READY, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_R_QM2, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
        (Role.RESPONDER, QuickState.QM_R_QM3, QuickCause.GIVEN_UP): QuickState.QM_COMPLETE,
    }
)
