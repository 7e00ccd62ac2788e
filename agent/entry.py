"""The start of the command `ipsec-agent`, before its modules are loaded: it sets the signals.

Loading takes a while. ^C ends the process meanwhile without a traceback from the middle of an import. SIGHUP, SIGUSR1 and SIGUSR2
ask daemons to read their files again. A lab reads none again, so they do nothing.
"""

import signal

_IGNORED = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def begin() -> None:
    """Let ^C end the process at once, until a command handles it. Ignore the signals that have no meaning here."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)


def interactive() -> None:
    """Signals for a client at a terminal: it handles ^C itself, and ends with the terminal."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def main() -> int:
    """Run the command; gives its exit status."""
    begin()
    from agent.__main__ import main as command

    return command()
