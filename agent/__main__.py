"""The command `ipsec-agent` (also `python -m agent`): its arguments, and errors of one line."""

from __future__ import annotations

from agent.entry import begin, interactive

if __name__ == "__main__":
    begin()

import argparse
import asyncio
import logging
import os
import shlex
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from agent.base.endpoints import Endpoint, parse_endpoint
from agent.base.errors import UserError
from agent.shell.sockets import default_state_dir

if TYPE_CHECKING:
    from agent.config.document import Document

FASTEST = 100_000  # times real time; beyond, dates would overflow
LOG_LEVELS = ("debug", "info", "warning", "error")


class UsageError(UserError):
    """A mistake on the command line. `str()` is the line that the user reads."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status. Errors that a user can cause are lines on stderr, never tracebacks."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.run is None:
        parser.print_help()
        return 0
    logging.basicConfig(level=options.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`… | head`). That is no error, and the rest of the buffer must not fail at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (UserError, OSError, UnicodeDecodeError) as error:
        print(_explained(error), file=sys.stderr)
        return 1
    return status


def program() -> str:
    """The command that runs this program, as it can be typed again in the same folder."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        return shlex.join([sys.executable, "-m", "agent"])
    found = shutil.which(script.name)
    if found is not None and os.path.samefile(found, script):
        return script.name
    return shlex.quote(str(script.absolute()))


def _explained(error: Exception) -> str:
    """An error as one line. An error of the operating system begins with the file."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return str(error)


class _Version(argparse.Action):
    """`--version`: the package's version, looked up on demand."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        from importlib.metadata import version

        print(f"ipsec-agent {version('ipsec-agent')}")
        parser.exit()


def endpoint(text: str) -> Endpoint:
    """The value of an option that is HOST:PORT."""
    try:
        return parse_endpoint(text)
    except ValueError as right:
        raise argparse.ArgumentTypeError(f"{text}: is not {right}") from None


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line. `--help` prints the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    # Options of every command come after the command's name.
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--log-level", choices=LOG_LEVELS, default="warning", help="what is logged (default: %(default)s)")
    state = argparse.ArgumentParser(add_help=False)
    state.add_argument(
        "--state-dir", type=Path, default=_default_state_dir(), metavar="DIR", help="where state is kept (default: %(default)s)"
    )
    parser: argparse.ArgumentParser = _OneLineParser(
        prog="ipsec-agent",
        description="An SNMP agent that shows the IPsec and IKE state of VPN routers, with a lab of simulated routers.",
    )
    parser.add_argument("--version", action=_Version, help="print the version")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    strict = argparse.ArgumentParser(add_help=False)
    strict.add_argument("--strict", action="store_true", help="a line that is not understood is an error")

    run = commands.add_parser("run", parents=[common, state, strict], help="run a lab that answers SNMP and the CLI")
    run.add_argument("lab", nargs="?", type=Path, metavar="LAB", help="a lab file (TOML)")
    run.add_argument("--config", type=Path, metavar="ROUTER.cfg", help="run a lab of one router from its IOS configuration")
    run.add_argument(
        "--listen",
        type=endpoint,
        action="append",
        metavar="HOST:PORT",
        help="where the first router answers SNMP (default: 127.0.0.1:1161)",
    )
    run.add_argument("--mib-source", type=Path, action="append", default=[], metavar="DIR", help="use the MIB modules of DIR")
    run.add_argument(
        "--external-traffic", action="store_true", help="send notifications and syslog messages to addresses outside loopback"
    )
    run.add_argument("--speed", type=float, metavar="N", help="run the lab's clock N times as fast as real time")
    run.add_argument(
        "--clock", choices=("real", "virtual"), default="real", help="virtual: run to --until, then stand still (default: real)"
    )
    run.add_argument("--until", metavar="TIME", help='the virtual moment to run to, such as "90s", "10m" or "1d"')
    run.set_defaults(run=_run)

    cli = commands.add_parser("cli", parents=[common, state], help="open the IOS CLI of a router of a running lab")
    cli.add_argument("--lab", metavar="NAME", help="which of several running labs (its file's name without .toml)")
    cli.add_argument("--router", metavar="NAME", help="which router (default: the first)")
    cli.add_argument(
        "words", nargs=argparse.REMAINDER, metavar="COMMAND", help="one exec command; without it, a prompt or lines from a pipe"
    )
    cli.set_defaults(run=_cli)

    mibs = commands.add_parser("mibs", help="the MIB modules").add_subparsers(required=True, metavar="COMMAND")
    compiling = mibs.add_parser("compile", parents=[common, state], help="compile the MIB modules into the cache")
    compiling.add_argument("--source", type=Path, action="append", default=[], metavar="DIR", help="use the MIB modules of DIR")
    compiling.set_defaults(run=_compile)

    config = commands.add_parser("config", help="router configurations").add_subparsers(required=True, metavar="COMMAND")
    checking = config.add_parser(
        "check", parents=[common, strict], help="list the lines of a configuration that are not understood"
    )
    checking.add_argument("file", type=Path, metavar="FILE")
    checking.set_defaults(run=_check)
    return parser


# Each command imports what it needs: a CLI command need not load an SNMP engine.


def _run(options: argparse.Namespace) -> int:
    from agent.app import LabService, load_schema
    from agent.base.clock import RealClock, VirtualClock
    from agent.lab.lab import open_lab, open_router
    from agent.lab.labfile.sections import parse_duration
    from agent.router_service import Options

    if (options.lab is None) == (options.config is None):
        raise UsageError("ipsec-agent run: name a lab file, or a router's configuration with --config")
    virtual = options.clock == "virtual"
    if virtual != (options.until is not None) or (virtual and options.speed is not None):
        raise UsageError("ipsec-agent run: --clock virtual needs --until TIME and no --speed; the real clock has no --until")
    if options.speed is not None and not 0 < options.speed <= FASTEST:
        raise UsageError(f"ipsec-agent run: --speed must be a number above 0, at most {FASTEST}")
    until = None
    if options.until is not None:
        try:
            until = parse_duration(options.until)
        except ValueError as error:
            raise UsageError(f"ipsec-agent run: --until {options.until}: is not {error}") from None
    clock = VirtualClock() if virtual else RealClock(options.speed or 1.0)
    state_dir = options.state_dir
    lab = open_lab(options.lab, clock, state_dir) if options.lab is not None else open_router(options.config, clock, state_dir)
    if options.strict:
        _refuse_unknown(lab.documents)
    schema = load_schema(options.state_dir, options.mib_source)
    given = Options(
        name=(options.lab or options.config).stem,
        state_dir=options.state_dir,
        listen=tuple(options.listen or ()),
        external_traffic=options.external_traffic or lab.external_traffic,
        until=until,
        program=program(),
        state_dir_given=options.state_dir != _default_state_dir(),
    )

    async def serve() -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        service = LabService(lab, schema, given)
        # A virtual clock may run for long to --until. The signals must work meanwhile, too.
        starting, ending = loop.create_task(service.start()), loop.create_task(ended.wait())
        try:
            await asyncio.wait((starting, ending), return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                for line in starting.result():
                    print(line, flush=True)
                await ending
        finally:
            starting.cancel()
            ending.cancel()
            await asyncio.gather(starting, ending, return_exceptions=True)
            await service.stop()

    asyncio.run(serve())
    return 0


def _cli(options: argparse.Namespace) -> int:
    from agent.shell.client import run_client

    interactive()
    return run_client(options.state_dir, options.router, options.words, sys.stdin, sys.stdout, sys.stderr, options.lab)


def _compile(options: argparse.Namespace) -> int:
    from agent.app import load_mibs

    compiled = load_mibs(options.state_dir, options.source)
    for source in compiled.sources:
        print(f"{source.module}: {source.path}")
    print(f"{'compiled into' if compiled.recompiled else 'up to date in'} {compiled.cache_file}")
    return 0


def _refuse_unknown(documents: Sequence[Document]) -> None:
    """`run --strict`: every line that is not understood is an error."""
    lines = [finding.told(document.filename) for document in documents for finding in document.unknown]
    if lines:
        raise UsageError("\n".join(lines))


def _check(options: argparse.Namespace) -> int:
    from agent.base.text import pass_octets
    from agent.config.document import examine, read_file, refuse_foreign
    from agent.config.report import checked

    pass_octets(sys.stdout)
    document = examine(read_file(options.file), str(options.file))
    refuse_foreign(document)
    for line in checked(document):
        print(line)
    return 1 if document.wrong or (options.strict and document.unknown) else 0


def _default_state_dir() -> Path:
    return default_state_dir(os.environ, Path.home())


if __name__ == "__main__":
    sys.exit(main())
