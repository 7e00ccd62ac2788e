"""The very beginning of the command `ipsec-agent`: what must hold before its modules are loaded.

Loading takes a while. ^C ends the process meanwhile, as it ends any program that does nothing about it; Python's own way would be a
traceback from the middle of an import. SIGHUP, SIGUSR1 and SIGUSR2 are asked of daemons to read their files again: a lab reads none
again, and goes on.
"""

import signal

_IGNORED = (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def begin() -> None:
    """Have ^C end the process at once, until a command takes it over, and have signals that mean nothing here do nothing."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)


def interactive() -> None:
    """What a client of a terminal wants: ^C is its own affair, and it goes when the terminal does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def main() -> int:
    """Run the command; gives its exit status."""
    begin()
    from agent.__main__ import main as command

    return command()
