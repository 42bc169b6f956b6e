"""`python -m tocsin`: reads the command line and runs a subcommand."""

from __future__ import annotations

import argparse
import os
import sys

from tocsin._version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_LEVELS = ("debug", "info", "warning", "error", "fatal")
_DSN = "where events go, such as https://KEY@HOST/PROJECT_ID"
_FROM_ENVIRONMENT = f"{_DSN}; by default what the environment variable SENTRY_DSN says"
_USAGE, _FAILED, _INTERRUPTED = 2, 1, 130
_DOCTOR = """\
Say what tocsin would do here: version, core, optional packages, and what becomes of events. With a DSN, one message is
sent to its server to see whether it arrives. Without one nothing is sent, which is told and is no problem.

exit status: 0 all is well, 1 there is a problem (each is one line that says what to do), 2 the command line is wrong"""
_DEMO = """\
Run a small service that fails in several ways, have tocsin report it over HTTP to a receiver in this process, and show
what arrives there. With --dsn the events go to a server of yours instead.

exit status: 0 all events arrived and the account sums up, 1 they did not, 2 the command line or the DSN is wrong"""
_SEND = """\
Send one message and wait until the server has taken it. Its event id is printed on stdout, all else on stderr.

exit status: 0 delivered, 1 not delivered (one line says why), 2 a wrong command line, a bad DSN or none"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; return the exit status."""
    parsed = _parser().parse_args(arguments)
    from tocsin.commands.terminal import Terminal

    terminal = Terminal(sys.stdout, sys.stderr, False if parsed.no_color else None)
    try:
        if parsed.command == "demo":
            from tocsin.commands import demo

            return demo.run(parsed, terminal)
        if parsed.command == "doctor":
            from tocsin.commands import doctor

            return doctor.run(parsed, terminal)
        from tocsin.commands import send

        return send.run(parsed, terminal)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Who reads has seen enough. The interpreter would flush once more at exit, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tocsin", description="Captures errors and delivers them to a server of the Sentry protocol."
    )
    parser.add_argument("--version", action="version", version=f"tocsin {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")

    demo = _command(commands, "demo", "show what arrives when a service fails", _DEMO)
    demo.add_argument("--dsn", help=_DSN)

    doctor = _command(commands, "doctor", "say whether all is well here", _DOCTOR)
    doctor.add_argument("--dsn", help=_FROM_ENVIRONMENT)
    doctor.add_argument("--timeout", type=_seconds, default=10.0, help="seconds to wait for the server (%(default)g)")

    send = _command(commands, "send", "send one message", _SEND)
    send.add_argument("text", help="the message")
    send.add_argument("--dsn", help=_FROM_ENVIRONMENT)
    send.add_argument("--level", choices=_LEVELS, default="info", help="how grave it is (%(default)s)")
    send.add_argument("--tag", type=_tag, action="append", default=[], metavar="KEY=VALUE", help="may be repeated")
    send.add_argument("--timeout", type=_seconds, default=10.0, help="seconds to wait for the server (%(default)g)")
    return parser


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name, help=summary, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--no-color", action="store_true", help="print without colour, on a terminal too")
    return command


def _tag(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not key or not separator:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds between 0 and 3600")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
