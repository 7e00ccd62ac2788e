"""Shell room: what goes over the CLI's socket: frames, one JSON object a line (RFC 8259), UTF-8.

| from the client | meaning |
| --- | --- |
| `{"hello": ROUTER or null}` | first of all: which router, null the first |
| `{"run": LINE}` | carry out a line; answered by any number of `out` and `ask`, then `done` |
| `{"answer": TEXT or null}` | to an `ask`; null: nothing more will be typed |
| `{"interrupt": true}` | end the command under way |
| `{"help": TEXT}` | what `?` after TEXT lists: answered by `text` |
| `{"complete": TEXT}` | TEXT with its last word completed: answered by `text` |

| from the server | meaning |
| --- | --- |
| `{"refused": REASON}` | to a `hello`; the server then closes |
| `{"prompt": PROMPT}` | to a `hello`: ready |
| `{"out": TEXT}` | output as it comes |
| `{"ask": PROMPT, "secret": BOOL}` | a question that the command asks; `secret`: not to be echoed |
| `{"done": ERROR, "caret": BOOL, "prompt": PROMPT, "closed": BOOL}` | the line is done; ERROR is empty where it was obeyed |
| `{"text": TEXT}` | to `help` and `complete` |
"""

from __future__ import annotations

import json

Frame = dict[str, object]

LONGEST = 1 << 20  # octets of a frame, its end of line included


class ProtocolError(Exception):
    """What came is no frame, or not the one that belongs here."""


def encode(frame: Frame) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


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
    return value
