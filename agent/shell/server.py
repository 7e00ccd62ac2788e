"""Shell room: the server of the CLI's Unix socket. Each connection is a session of one router. `protocol` has the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.base.origin import CONSOLE
from agent.base.text import octets_of
from agent.base.text import text_of as text_of_octets
from agent.config.grammar import SyntaxProblem
from agent.shell.frames import Frames
from agent.shell.history_file import load_histories, save_histories
from agent.shell.interactive import Interactive
from agent.shell.lines import LineState
from agent.shell.protocol import BUSY_INTERVAL, LONGEST, MOST_WAITING, Frame, ProtocolError, encode, number_of, size_of, text_of
from agent.shell.router import Router
from agent.shell.session import Commands, Session
from agent.shell.sockets import bind_socket
from agent.shell.terminal import first_key
from agent.shell.watching import Watch

MOST_SESSIONS = 64  # of a lab, including those that have not chosen a router yet
_PATIENCE = 10.0  # seconds for a client to say hello


class CliServer:
    """Serves the routers of a lab, the first by default, on the socket named after it, from `start` to `close`."""

    def __init__(self, state_dir: Path, lab: str, routers: Mapping[str, Router], commands: Commands | None = None) -> None:
        self._state_dir = state_dir
        self._lab = lab
        self._routers = routers
        self._commands = commands or Commands()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def path(self) -> Path:
        """Where it listens; only between `start` and `close`."""
        assert self._path is not None
        return self._path

    async def start(self) -> None:
        """Opens the socket; raises SocketError, also where another process serves a lab of this name."""
        listener, self._path = bind_socket(self._state_dir, self._lab)
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=LONGEST)

    async def close(self) -> None:
        """Ends every session and removes the socket."""
        if self._server is None or self._path is None:
            return
        self._path.unlink(missing_ok=True)
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # a stream's callback runs in one
        try:
            if len(self._tasks) >= MOST_SESSIONS:
                writer.write(encode({"refused": f"{MOST_SESSIONS} sessions are open, and no more can be"}))
                return
            self._tasks.add(task)
            await self._serve(Frames(reader, writer))
        except (ConnectionError, ProtocolError):
            pass  # the client has gone, or is none: its session goes with it
        except asyncio.CancelledError:
            pass  # closing
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, frames: Frames) -> None:
        try:
            hello = await asyncio.wait_for(frames.receive(), _PATIENCE)
        except TimeoutError:
            return
        if hello is None:
            return
        router = self._wanted(hello)
        if router is None:
            frames.send({"refused": f"no router {hello.get('hello')!r} here: there is {', '.join(self._routers)}"})
            await frames.drain()
        elif "terminal" in hello:
            history = self._state_dir / f"{self._lab}.{router.name}.history"
            await _TerminalConnection(frames, router, self._commands, size_of(hello, "terminal"), history).serve()
        else:
            await _LineConnection(frames, router, self._commands).serve()

    def _wanted(self, hello: Frame) -> Router | None:
        name = hello.get("hello")
        if name is None:
            return next(iter(self._routers.values()), None)
        return self._routers.get(name) if isinstance(name, str) else None


class _TerminalConnection:
    """A client with a terminal: it sends keys and shows octets; the lines are edited here."""

    def __init__(self, frames: Frames, router: Router, commands: Commands, size: tuple[int, int], history: Path) -> None:
        self._frames = frames
        self._history = history
        self._line = LineState(CONSOLE, histories=load_histories(history))
        self._interactive = Interactive(router, commands, self._line, self._write, frames.drain)
        self._interactive.resize(*size)
        frames.ended = self._interactive.hang_up

    def _write(self, octets: bytes) -> None:
        self._frames.send_text(text_of_octets(octets))

    async def serve(self) -> None:
        self._frames.send({"ready": True})
        receiving = asyncio.ensure_future(self._receive_all())
        try:
            await self._interactive.run()
            self._frames.send({"end": True})
            await self._frames.drain()
        finally:
            save_histories(self._history, self._line.histories)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive_all(self) -> None:
        """Receive frames, also while a command runs. While too much waits, nothing is read."""
        try:
            while (frame := await self._frames.receive()) is not None:
                if "keys" in frame:
                    self._interactive.feed(octets_of(text_of(frame, "keys")))
                    self._frames.send({"taken": number_of(frame, "id")})
                    await self._interactive.room()
                elif "resize" in frame:
                    self._interactive.resize(*size_of(frame, "resize"))
                else:
                    raise ProtocolError("unknown frame")
        except (ConnectionError, ProtocolError):
            pass  # as at the end: nothing more can come
        self._interactive.hang_up()


class _LineConnection:
    """A client without a terminal: the terminal of a session that is given whole lines."""

    def __init__(self, frames: Frames, router: Router, commands: Commands) -> None:
        self._frames = frames
        self._requests: asyncio.Queue[Frame | None] = asyncio.Queue(MOST_WAITING)
        self._answers: asyncio.Queue[str | None] = asyncio.Queue()
        self._router = router
        self._turns = commands.turns
        self._line = LineState(CONSOLE)
        self._session = Session(router, self, commands, self._line)
        self._request: int | None = None  # the one under way
        self._asking = False
        frames.ended = self._session.interrupt

    # --- Terminal ---

    def write(self, text: str) -> None:
        self._frames.send_text(text, self._request)

    async def flush(self) -> None:
        await self._frames.drain()

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        self._frames.send({"ask": prompt, "secret": secret, "id": self._request})
        self._asking = True
        try:
            return await self._answers.get()
        finally:
            self._asking = False

    async def ask_key(self, prompt: str) -> str | None:
        return first_key(await self.ask(prompt))

    def _end(self) -> None:
        """Another line has cleared this one."""
        self._frames.close()
        self._session.interrupt()

    def _show_message(self, text: str) -> None:
        self._frames.send_text(f"{text}\n")

    # --- frames ---

    async def serve(self) -> None:
        self._frames.send({"prompt": self._session.prompt})
        watch = Watch(self._router, self._line, self._show_message, console=False)
        self._router.lines.open(self._line, self._router.document.config.lines)
        self._line.end = self._end
        self._line.typed_at = asyncio.get_running_loop().time()
        receiving = asyncio.ensure_future(self._receive_all())
        try:
            await self._carry_out()
        finally:
            self._session.close()
            watch.close()
            self._router.lines.close(self._line)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    async def _receive_all(self) -> None:
        """Receive frames, also while a command runs. Frames for the command go to it, the rest waits."""
        try:
            while (frame := await self._frames.receive()) is not None:
                self._line.typed_at = asyncio.get_running_loop().time()
                if "interrupt" in frame:
                    self._session.interrupt()
                elif "answer" in frame:
                    answer = frame["answer"]
                    if self._answers.qsize() >= MOST_WAITING:
                        raise ProtocolError("an answer without a question")
                    self._answers.put_nowait(answer if isinstance(answer, str) else None)
                else:
                    await self._requests.put(frame)  # while too many wait, nothing is read
        except (ConnectionError, ProtocolError):
            pass  # as at the end: nothing more can come
        self._session.interrupt()
        self._answers.put_nowait(None)
        await self._requests.put(None)

    async def _carry_out(self) -> None:
        session = self._session
        while not session.closed and (frame := await self._requests.get()) is not None:
            self._request = number_of(frame, "id")
            if "run" in frame:
                self._frames.send(await self._run(text_of(frame, "run"), frame.get("typed") is True))
            elif "help" in frame:
                self._frames.send({"text": _help(session, text_of(frame, "help")), "id": self._request})
            elif "complete" in frame:
                self._frames.send({"text": session.complete(text_of(frame, "complete")), "id": self._request})
            else:
                raise ProtocolError("unknown frame")
            self._request = None
            await self._frames.drain()
            if not self._requests.empty():  # a long paste leaves others their turn
                await self._turns.take()

    async def _run(self, line: str, typed: bool) -> Frame:
        """Carry out a line; the frame that ends its answer."""
        busy = _Repeating(BUSY_INTERVAL, self._tell_busy)
        try:
            result = await self._session.execute_guarded(line, typed)
        finally:
            busy.stop()
        return {
            "done": result.error,
            "refused": result.failed,
            "caret": result.caret,
            "prompt": self._session.prompt,
            "closed": self._session.closed,
            "id": self._request,
        }

    def _tell_busy(self) -> None:
        if not self._asking:
            self._frames.send({"busy": True})


class _Repeating:
    """Calls back every so many seconds until it is stopped."""

    def __init__(self, interval: float, call: Callable[[], None]) -> None:
        self._interval = interval
        self._call = call
        self._handle = asyncio.get_running_loop().call_later(interval, self._again)

    def _again(self) -> None:
        self._call()
        self._handle = asyncio.get_running_loop().call_later(self._interval, self._again)

    def stop(self) -> None:
        self._handle.cancel()


def _help(session: Session, text: str) -> str:
    try:
        return session.help_text(text)
    except SyntaxProblem as problem:
        return f'% Ambiguous command:  "{text.strip()}"\n' if problem.kind == "ambiguous" else "% Unrecognized command\n"
