"""Shell room: the protocol of the CLI's socket: frames, each a JSON object on one line (RFC 8259), in UTF-8.

| from the client | meaning |
| --- | --- |
| `{"hello": ROUTER or null}` | first of all: which router, null the first |
| `{"run": LINE, "typed": BOOL}` | carry out a line; answered by any number of `out`, `ask`, then `done`; `typed`: not pasted |
| `{"answer": TEXT or null}` | to an `ask`; null: nothing more will be typed |
| `{"interrupt": true}` | end the command under way |
| `{"help": TEXT}` | what `?` after TEXT lists: answered by `text` |
| `{"complete": TEXT}` | TEXT with its last word completed: answered by `text` |

| from the server | meaning |
| --- | --- |
| `{"refused": REASON}` | to a `hello`, or to one session too many; the server then closes |
| `{"prompt": PROMPT}` | to a `hello`: ready |
| `{"out": TEXT}` | output as it comes |
| `{"busy": true}` | every few seconds while a command is under way: the server is alive |
| `{"ask": PROMPT, "secret": BOOL}` | a question that the command asks; `secret`: not to be echoed |
| `{"done": ERROR, "caret": BOOL, "prompt": PROMPT, "closed": BOOL}` | the line is done; ERROR is empty where it was obeyed |
| `{"text": TEXT}` | to `help` and `complete` |

What the server keeps for a client is bounded. A frame has at most `LONGEST` octets. While `MOST_WAITING` lines wait, the server
stops reading. The server closes the session of a client that answers unasked questions, or lets output pile up unread.
"""

from __future__ import annotations

import json

from agent.base.text import without_stray_surrogates

Frame = dict[str, object]

LONGEST = 1 << 16  # octets of a client's frame, its end of line included
LONGEST_OUTPUT = 1 << 20  # octets of a server's
MOST_WAITING = 16  # frames of a client that wait for the command under way
SILENCE = 15.0  # seconds without a frame after which a client takes a server for stopped
BUSY_INTERVAL = 3.0  # seconds


class ProtocolError(Exception):
    """The octets are no frame, or not one that is expected here."""


def encode(frame: Frame) -> bytes:
    # An octet that is not UTF-8 is a surrogate in text (`agent.base.text`): json.loads takes it as it is written here.
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass") + b"\n"


def decode(octets: bytes) -> Frame:
    """The frame of one line; raises ProtocolError."""
    try:
        frame = json.loads(octets)
    except ValueError as error:
        raise ProtocolError(f"not a frame: {error}") from error
    except RecursionError as error:
        raise ProtocolError("not a frame: nested too deeply") from error
    if not isinstance(frame, dict):
        raise ProtocolError("not a frame: no object")
    return frame


def text_of(frame: Frame, name: str) -> str:
    """A member that must be text; raises ProtocolError."""
    value = frame.get(name)
    if not isinstance(value, str):
        raise ProtocolError(f"no text in {name!r}")
    return without_stray_surrogates(value)
