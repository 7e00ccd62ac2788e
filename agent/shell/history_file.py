"""Shell room: the history of the socket's prompt, which a later session of the same router begins with."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from agent.base.files import read_regular_file, replace_file
from agent.base.text import without_stray_surrogates
from agent.shell.editor import MOST_CHARACTERS, History
from agent.shell.lines import Histories

MOST_LINES = 256  # of `terminal history size`
_LARGEST = 1 << 20  # octets of the file
_log = logging.getLogger(__name__)


def load_histories(path: Path) -> Histories:
    """What the last session has left; nothing where there is no such file, or where it is none of ours."""
    try:
        kept = json.loads(read_regular_file(path, _LARGEST))
        return Histories(*(History(MOST_LINES, _lines(kept[mode])) for mode in ("exec", "configure")))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        _log.warning("%s: the history of the CLI is not read: %s", path, error)
    return Histories(History(MOST_LINES), History(MOST_LINES))


def save_histories(path: Path, histories: Histories) -> None:
    """Leave the lines for the next session. A disk that is full costs the history alone."""
    kept = {"exec": histories.exec.lines, "configure": histories.configure.lines}
    try:
        replace_file(path, json.dumps(kept).encode(), f".{path.name}.")
    except OSError as error:
        _log.warning("%s: the history of the CLI is not kept: %s", path, error.strerror)


def _lines(kept: object) -> list[str]:
    if not isinstance(kept, list):
        raise TypeError("no list of lines")
    lines = (without_stray_surrogates(line) for line in kept if isinstance(line, str))
    return [line for line in lines if len(line) <= MOST_CHARACTERS and "\n" not in line and "\r" not in line]
