"""Shell room: the protocol of the CLI's socket: frames, each a JSON object on one line (RFC 8259), in UTF-8.

A client begins with `hello`. With a terminal it sends the keys that are typed, and the server edits the lines:

| from a client with a terminal | meaning |
| --- | --- |
| `{"hello": ROUTER or null, "terminal": {"width": N, "height": N}}` | first of all: which router, null the first |
| `{"keys": TEXT, "id": N}` | octets that were typed; answered at once by `taken` |
| `{"resize": {"width": N, "height": N}}` | the terminal has another size |

| from the server | meaning |
| --- | --- |
| `{"refused": REASON}` | to a `hello`, or to one session too many; the server then closes |
| `{"ready": true}` | to a `hello` |
| `{"out": TEXT}` | octets for the terminal |
| `{"taken": N}` | to `keys`: the server is alive |
| `{"end": true}` | the session is over |

Without a terminal it sends lines. What answers a request has its `id`, any number:

| from a client without a terminal | meaning |
| --- | --- |
| `{"hello": ROUTER or null}` | first of all: which router, null the first |
| `{"run": LINE, "typed": BOOL, "id": N}` | carry out a line; answered by `out`s and `ask`s, then `done`; `typed`: not pasted |
| `{"answer": TEXT or null}` | to an `ask`; null: nothing more will be typed |
| `{"interrupt": true}` | end the command under way |
| `{"help": TEXT, "id": N}` | what `?` after TEXT lists: answered by `text` |
| `{"complete": TEXT, "id": N}` | TEXT with its last word completed: answered by `text` |

| from the server | meaning |
| --- | --- |
| `{"refused": REASON}` | as above |
| `{"prompt": PROMPT}` | to a `hello`: ready |
| `{"out": TEXT, "id": N}` | output as it comes; without an `id` nobody has asked for it, and it can come at any time |
| `{"busy": true}` | every few seconds while a command is under way: the server is alive |
| `{"ask": PROMPT, "secret": BOOL, "id": N}` | a question that the command asks; `secret`: not to be echoed |
| `{"done": ERROR, "refused": BOOL, …, "id": N}` | the line is done; ERROR is empty where nothing is wrong |
| `{"text": TEXT, "id": N}` | to `help` and `complete` |

`done` also has `caret` (BOOL: ERROR points into the line), `prompt` (the next one), and `closed` (BOOL: the session is over).

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
WIDEST = 512  # columns or rows of a terminal, as IOS has them


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


def number_of(frame: Frame, name: str) -> int | None:
    """A member that may be a whole number; None where it is not there. Raises ProtocolError."""
    value = frame.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise ProtocolError(f"no number in {name!r}")
    return value


def size_of(frame: Frame, name: str) -> tuple[int, int]:
    """The width and height of a terminal, 0 where unknown; raises ProtocolError."""
    value = frame.get(name)
    if not isinstance(value, dict):
        raise ProtocolError(f"no size in {name!r}")
    width, height = number_of(value, "width") or 0, number_of(value, "height") or 0
    return min(max(width, 0), WIDEST), min(max(height, 0), WIDEST)
