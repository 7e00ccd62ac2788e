"""Shell room: one session at a terminal: octets in, octets out. The front end (the socket, SSH) carries them and knows no more.

The editor edits lines, the session carries them out, the pager divides what they print into pages.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum, auto

from agent.base.text import octets_of
from agent.config.grammar import SyntaxProblem
from agent.config.line_model import CONSOLE, LineSettings, settings_of
from agent.shell.banner import greeting
from agent.shell.editor import Complete, Editor, End, Eof, Event, Help, History, Interrupt, Line, Pause
from agent.shell.filters import MODE as MODIFIER
from agent.shell.filters import Sieve
from agent.shell.keys import Key
from agent.shell.lines import LineState
from agent.shell.pager import ERASE_MORE, MORE, Pager
from agent.shell.regex import RegexError
from agent.shell.router import Router
from agent.shell.session import Commands, Result, Session
from agent.shell.terminal import OutputEnded
from agent.shell.watching import Watch

MOST_TYPED_AHEAD = 1 << 16  # octets that wait for the command under way
MOST_MESSAGES = 500  # lines that wait until the terminal can show them: `debug` of one tunnel has some fifty at once
_INTERRUPTS = (b"\x03", b"\x1e")  # ^C, and IOS's escape sequence, Ctrl-Shift-6
_ENTER = "enter"
# Keys at ` --More-- `: the rest of the output goes through an output modifier (Cisco IOS configuration fundamentals).
_SEARCHES = {"/": "begin", "-": "exclude", "+": "include"}


class _State(Enum):
    RUNNING = auto()  # a command is under way, or nothing is
    READING = auto()  # a line is being typed
    PAUSED = auto()  # one key is awaited


class _HungUpError(ConnectionError):
    """The terminal has gone."""


class _IdleError(ConnectionError):
    """The operator has typed nothing for `exec-timeout`."""


class Interactive:
    """A session at a terminal. `write` sends octets to it, `drain` waits until they can leave.

    `line` has who types, on which line and with which rights. `run` ends when the operator leaves, or after `hang_up`.
    """

    def __init__(
        self,
        router: Router,
        commands: Commands,
        line: LineState,
        write: Callable[[bytes], None],
        drain: Callable[[], Awaitable[None]],
    ) -> None:
        self._line = line
        self._write = write
        self._drain = drain
        self._router = router
        self._turns = commands.turns
        self._modifiers = commands.modifiers
        self._session = Session(router, self, commands, line)
        self._editor = Editor(line.width)
        self._pager: Pager | None = None
        self._sieves: list[Sieve] = []  # what the operator has asked for at the end of a page
        self._state = _State.RUNNING
        self._arrived = asyncio.Event()  # octets, or the end
        self._used = asyncio.Event()  # of octets: there is room for more
        self._hung_up = False
        self._fresh = True  # the terminal's cursor is at the beginning of a line
        self._messages: deque[str] = deque()
        self._lost = 0
        self._told = asyncio.Event()
        line.end = self.hang_up
        line.typed_at = asyncio.get_running_loop().time()

    # --- what the front end calls ---

    def feed(self, octets: bytes) -> None:
        """Octets that were typed. What has no room is dropped; a front end that can wait for `room` loses nothing."""
        self._line.typed_at = asyncio.get_running_loop().time()
        if self._state is _State.RUNNING:
            octets = self._interrupted_by(octets)
        if self._editor.waiting > 2 * MOST_TYPED_AHEAD:
            self._write(b"\a")
            return
        self._editor.feed(octets)
        self._arrived.set()

    async def room(self) -> None:
        """Wait until what was typed ahead is little enough."""
        while self._editor.waiting > MOST_TYPED_AHEAD and not self._hung_up:
            self._used.clear()
            await self._used.wait()

    def resize(self, width: int, height: int) -> None:
        """The terminal has another size. What `terminal width` and `terminal length` have set stays; 0 is an unknown size."""
        if width > 0 and not self._line.width_set:
            self._line.width = width
        if height > 0 and not self._line.length_set:
            self._line.length = height
        self._editor.resize(self._line.width)

    def hang_up(self) -> None:
        """The terminal has gone: the command under way and the session end."""
        self._hung_up = True
        self._session.interrupt()
        self._arrived.set()
        self._used.set()

    def notify(self, text: str) -> None:
        """Lines that nobody has asked for, such as messages of the log. While too many wait, further ones are counted."""
        if len(self._messages) >= MOST_MESSAGES:
            self._lost += 1
            return
        self._messages.append(text)
        self._told.set()

    async def run(self) -> None:
        """The session: banners, then prompt, line and command, until the operator leaves."""
        with self._on_its_line():
            telling = asyncio.ensure_future(self._tell_messages())
            try:
                self._greet()
                while not self._session.closed:
                    await self._next_line()
            except ConnectionError:
                pass
            finally:
                self._session.close()
                telling.cancel()
                await asyncio.gather(telling, return_exceptions=True)

    async def run_command(self, line: str) -> int:
        """Carry out one line without a prompt or pages; the exit status: 0, or 1 where it was refused."""
        with self._on_its_line():
            prompt = self._session.prompt
            try:
                result = await self._session.execute_guarded(line)
                # A caret points into the line after its prompt, and is useless without them.
                self.write((f"{prompt}{line}\n" if result.caret else "") + result.error)
                await self._drain()
            except ConnectionError:
                return 1
            finally:
                self._session.close()
        return 1 if result.failed else 0

    @contextlib.contextmanager
    def _on_its_line(self) -> Iterator[None]:
        """The line is in use, and shows the messages that it gets."""
        self._router.lines.open(self._line, self._router.document.config.lines)
        watch = Watch(self._router, self._line, self.notify, console=self._line.kind == CONSOLE)
        try:
            yield
        finally:
            watch.close()
            self._router.lines.close(self._line)

    @property
    def _settings(self) -> LineSettings:
        """What the configuration says about the line, now."""
        return settings_of(self._router.document.config.lines, self._line.kind, self._line.number)

    def _greet(self) -> None:
        for text in greeting(self._router.document.config, self._line, self._settings):
            self._put(text)

    # --- Terminal ---

    def write(self, text: str) -> None:
        for sieve in self._sieves:
            text = sieve.take(text)
        if self._pager is not None:
            text = self._pager.take(text)
        self._put(text)

    async def flush(self) -> None:
        """Show the pages that wait, each after a key; raises OutputEnded where the operator has seen enough."""
        while self._pager is not None and self._pager.full:
            self._put(MORE)
            key = await self._key()
            self._put(ERASE_MORE)
            if key == Key(" "):
                self._put(self._pager.next_page())
            elif key.named and key.text == _ENTER:
                self._put(self._pager.next_line())
            elif not key.named and key.text in _SEARCHES:
                await self._search(self._pager, key.text)
            else:
                self._new_page()
                raise OutputEnded
        await self._drain()

    async def _search(self, pager: Pager, key: str) -> None:
        """Ask for a regular expression, and show of the output that waits, and of what follows, the lines that it chooses."""
        self._editor.begin(key, helping=False)
        event = await self._line_event()
        if not isinstance(event, Line):
            self._new_page()
            raise OutputEnded
        try:
            modifier = self._modifiers.parse(MODIFIER, f"{_SEARCHES[key]} {event.text}")
            sieve = Sieve(modifier.target.filter(modifier))
        except (SyntaxProblem, RegexError):
            self._put("% Failed to compile regular expression.\n")
            return
        self._put("filtering...\n")
        self._pager = Pager(self._line.length, self._line.width)
        self._put(self._pager.take(sieve.take(pager.rest())))
        self._sieves.append(sieve)

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        await self.flush()
        self._editor.begin(prompt, secret=secret, helping=False)
        event = await self._line_event()
        self._new_page()
        return event.text if isinstance(event, Line) else None

    async def ask_key(self, prompt: str) -> str | None:
        await self.flush()
        self._put(prompt)
        key = await self._key()
        self._new_page()
        if key.named:
            self._put("\n")
            return "\n" if key.text == _ENTER else None
        self._put(f"{key.text}\n")
        return key.text

    # --- one line ---

    async def _next_line(self) -> None:
        """Show the prompt, read a line and carry it out."""
        typed = not self._editor.waiting
        history = self._history()
        self._editor.resize(self._line.width)
        self._editor.begin(self._session.prompt, history, helping=not self._session.reading_text)
        event = await self._line_event()
        if isinstance(event, Eof):
            self._line.closed = True
        elif isinstance(event, Interrupt):
            self._session.drop()
        elif isinstance(event, Line | End):
            if not self._session.reading_text:
                history.add(event.text)
            await self._carry_out(event, typed)
        if self._editor.waiting:  # a long paste leaves others their turn
            await self._turns.take()

    def _history(self) -> History:
        histories = self._line.histories
        return histories.configure if self._session.configuring else histories.exec

    async def _carry_out(self, event: Line | End, typed: bool) -> None:
        self._new_page()
        try:
            result = await self._session.execute_guarded(event.text, typed, ended=isinstance(event, End), literal=True)
            await self._print(result)
        finally:
            self._pager = None
            self._told.set()

    async def _print(self, result: Result) -> None:
        """The end of a command: its last pages, and its error. A caret points into the line, so it is on the same page."""
        try:
            if any(sieve.waits for sieve in self._sieves):
                self.write("\n")
            self._sieves.clear()
            self.write(result.error)
            await self.flush()
        except OutputEnded:
            pass

    async def _line_event(self) -> Line | End | Interrupt | Eof:
        """Read a line to its end, with help and completion on the way."""
        self._state = _State.READING
        try:
            while True:
                event = await self._event()
                if isinstance(event, Help):
                    await self._help(event.text)
                elif isinstance(event, Complete):
                    self._editor.completed(self._session.complete(event.text))
                elif not isinstance(event, Pause):
                    self._put_octets(self._editor.take_output())
                    return event
                if self._editor.waiting:  # a flood of such keys leaves others their turn
                    await self._turns.take()
        finally:
            self._state = _State.RUNNING
            self._fresh = True

    async def _help(self, text: str) -> None:
        self._put_octets(self._editor.take_output())
        self._state, self._fresh = _State.RUNNING, True
        self._new_page()
        try:
            self.write(f"{self._session.help_text(text)}\n")
            await self.flush()
        except OutputEnded:
            pass
        except SyntaxProblem as problem:
            self.write(f'% Ambiguous command:  "{text}"\n' if problem.kind == "ambiguous" else "% Unrecognized command\n")
        finally:
            self._pager = None
        self._state = _State.READING
        self._editor.redraw(fresh=True)

    # --- input ---

    async def _event(self) -> Event:
        while True:
            event = self._editor.next_event()
            self._put_octets(self._editor.take_output())
            self._used.set()
            if event is not None:
                return event
            await self._input()

    async def _key(self) -> Key:
        """One key, outside a line."""
        self._state = _State.PAUSED
        try:
            while (key := self._editor.next_key()) is None:
                await self._input()
            return key
        finally:
            self._state = _State.RUNNING
            self._told.set()

    async def _input(self) -> None:
        """Wait for more octets; raises _HungUpError and _IdleError."""
        if self._hung_up:
            raise _HungUpError
        await self._drain()
        self._arrived.clear()
        if self._hung_up:
            raise _HungUpError
        try:
            await asyncio.wait_for(self._arrived.wait(), self._settings.idle_seconds)
        except TimeoutError:
            self._line.closed = True
            self._put("\n")
            raise _IdleError from None

    def _interrupted_by(self, octets: bytes) -> bytes:
        """While a command runs, ^C ends it, and what was typed before it is dropped; gives the octets after it."""
        at = max(octets.rfind(octet) for octet in _INTERRUPTS)
        if at < 0:
            return octets
        self._editor.drop_input()
        self._session.interrupt()
        return octets[at + 1 :]

    # --- output ---

    def _new_page(self) -> None:
        self._sieves.clear()
        self._pager = Pager(self._line.length, self._line.width)

    def _put(self, text: str) -> None:
        """Show text; its line ends become those of a terminal."""
        if text:
            self._write(octets_of(text.replace("\n", "\r\n")))
            self._fresh = text.endswith("\n")

    def _put_octets(self, octets: bytes) -> None:
        if octets:
            self._write(octets)
            self._fresh = octets.endswith(b"\n")

    # --- messages ---

    async def _tell_messages(self) -> None:
        """Show messages as the state of the terminal allows, and no faster than it takes them."""
        while True:
            await self._told.wait()
            self._told.clear()
            while self._messages and self._may_tell():
                self._tell(self._messages.popleft())
                await self._drain()
            if self._lost and not self._messages:
                lost, self._lost = self._lost, 0
                self._tell(f"%SYS-3-MSGLOST: {lost} messages lost because of queue overflow")

    def _may_tell(self) -> bool:
        if self._state is _State.READING:
            return True
        return self._state is _State.RUNNING and not self._settings.synchronous

    def _tell(self, text: str) -> None:
        """A message goes on lines of its own. With `logging synchronous`, the line that is being typed is shown again after it."""
        reading = self._state is _State.READING
        if reading and self._settings.synchronous:
            self._editor.erase()
            self._put_octets(self._editor.take_output())
            self._put(f"{text}\n")
            self._editor.redraw(fresh=True)
            self._put_octets(self._editor.take_output())
            return
        self._put(f"{text}\n" if self._fresh else f"\n{text}\n")
        if reading:
            self._editor.interleave()
