"""Shell room: the server of the CLI's Unix socket. Each connection is a session of one router. `protocol` has the frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from agent.base.origin import CONSOLE
from agent.config.grammar import SyntaxProblem
from agent.shell.protocol import BUSY_INTERVAL, LONGEST, MOST_WAITING, Frame, ProtocolError, decode, encode, text_of
from agent.shell.router import Router
from agent.shell.session import Commands, Result, Session
from agent.shell.sockets import bind_socket

MOST_SESSIONS = 64  # of a lab, including those that have not chosen a router yet
_OUT_CHUNK = 1 << 16  # characters: no frame of output comes near the limit
_MOST_UNREAD = 8 << 20  # octets of output that a client lets wait
_PATIENCE = 10.0  # seconds for a client to say hello


class CliServer:
    """Serves the routers of a lab, the first by default, on the socket named after it, from `start` to `close`."""

    def __init__(self, state_dir: Path, lab: str, routers: Sequence[Router], commands: Commands | None = None) -> None:
        self._state_dir = state_dir
        self._lab = lab
        self._routers = {router.name: router for router in routers}
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
            await _Connection(reader, writer, self._routers, self._commands).serve()
        except (ConnectionError, ProtocolError):
            pass  # the client has gone, or is none: its session goes with it
        except asyncio.CancelledError:
            pass  # closing
        finally:
            self._tasks.discard(task)
            writer.close()


class _Connection:
    """One client: the terminal of its session."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        routers: dict[str, Router],
        commands: Commands,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._routers = routers
        self._commands = commands
        self._requests: asyncio.Queue[Frame | None] = asyncio.Queue(MOST_WAITING)
        self._answers: asyncio.Queue[str | None] = asyncio.Queue()
        self._session: Session | None = None
        self._asking = False

    # --- Terminal ---

    def write(self, text: str) -> None:
        for at in range(0, len(text), _OUT_CHUNK):
            self._send({"out": text[at : at + _OUT_CHUNK]})

    async def flush(self) -> None:
        await self._writer.drain()

    async def ask(self, prompt: str, secret: bool = False) -> str | None:
        self._send({"ask": prompt, "secret": secret})
        self._asking = True
        try:
            return await self._answers.get()
        finally:
            self._asking = False

    # --- frames ---

    async def serve(self) -> None:
        try:
            hello = await asyncio.wait_for(self._receive(), _PATIENCE)
        except TimeoutError:
            return
        if hello is None:
            return
        router = self._wanted(hello)
        if router is None:
            self._send({"refused": f"no router {hello.get('hello')!r} here: there is {', '.join(self._routers)}"})
            await self.flush()
            return
        session = self._session = Session(router, self, self._commands, CONSOLE)
        self._send({"prompt": session.prompt})
        receiving = asyncio.ensure_future(self._receive_all(session))
        try:
            await self._carry_out(session)
        finally:
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)

    def _wanted(self, hello: Frame) -> Router | None:
        name = hello.get("hello")
        if name is None:
            return next(iter(self._routers.values()), None)
        return self._routers.get(name) if isinstance(name, str) else None

    async def _receive(self) -> Frame | None:
        """The next frame, None at the end; raises ProtocolError."""
        try:
            octets = await self._reader.readline()
        except ValueError as error:  # longer than any frame
            raise ProtocolError("too long") from error
        return decode(octets) if octets else None

    async def _receive_all(self, session: Session) -> None:
        """Receive frames, also while a command runs. Frames for the command go to it, the rest waits."""
        try:
            while (frame := await self._receive()) is not None:
                if "interrupt" in frame:
                    session.interrupt()
                elif "answer" in frame:
                    answer = frame["answer"]
                    if self._answers.qsize() >= MOST_WAITING:
                        raise ProtocolError("an answer without a question")
                    self._answers.put_nowait(answer if isinstance(answer, str) else None)
                else:
                    await self._requests.put(frame)  # while too many wait, nothing is read
        except (ConnectionError, ProtocolError):
            pass  # as at the end: nothing more can come
        session.interrupt()
        self._answers.put_nowait(None)
        await self._requests.put(None)

    async def _carry_out(self, session: Session) -> None:
        while not session.closed and (frame := await self._requests.get()) is not None:
            if "run" in frame:
                result = await self._execute(session, text_of(frame, "run"), frame.get("typed") is True)
                self._send({"done": result.error, "caret": result.caret, "prompt": session.prompt, "closed": session.closed})
            elif "help" in frame:
                self._send({"text": _help(session, text_of(frame, "help"))})
            elif "complete" in frame:
                self._send({"text": session.complete(text_of(frame, "complete"))})
            else:
                raise ProtocolError("unknown frame")
            await self.flush()

    async def _execute(self, session: Session, line: str, typed: bool) -> Result:
        """Run a line. An exception is reported to the operator and to the log, and ends neither session nor lab."""
        busy = _Repeating(BUSY_INTERVAL, self._tell_busy)
        try:
            return await session.execute(line, typed)
        except (ConnectionError, ProtocolError):
            raise
        except Exception as error:
            context = {"message": f"the command {line!r} broke", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return Result("% The command broke: the log of the lab says how\n")
        finally:
            busy.stop()

    def _tell_busy(self) -> None:
        if not self._asking:
            self._send({"busy": True})

    def _send(self, frame: Frame) -> None:
        if self._writer.is_closing():
            return
        self._writer.write(encode(frame))
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self._writer.transport.abort()  # nobody reads: the session ends as if its client had gone
            if self._session is not None:
                self._session.interrupt()


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
