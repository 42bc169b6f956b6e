"""`python -m tocsin demo`: a service that fails, a server that receives, and what arrives there, on the terminal.

The service is an application like any other: it uses the public verbs, and its events go over HTTP.
"""

from __future__ import annotations

import platform
import threading
from statistics import median

import tocsin
from tocsin.commands.delivery import ObservedTransport, dsn_of, flush
from tocsin.commands.receiver import Receiver
from tocsin.commands.show import event_lines
from tocsin.commands.workload import MODULE, Workload
from tocsin.dsn import BadDsn

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from tocsin.account import Account
    from tocsin.client import Client
    from tocsin.commands.delivery import Outcome
    from tocsin.commands.terminal import Terminal
    from tocsin.commands.workload import Capture, Task
    from tocsin.dsn import Dsn

_ARRIVED, _NOT_ARRIVED, _USAGE = 0, 1, 2
# How often each failure is repeated, to see what it costs once everything is warm.
_REPEATS = 60
_FLUSH_S = 20.0


class _Unusable(Exception):
    """The command line or the environment cannot be used; the text says why."""


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the demo; return 0 if every event arrived and the account sums up, 1 if not, 2 for an unusable DSN."""
    python_hook = threading.excepthook
    # The traceback that Python prints for a thread that ends so would tear the picture.
    threading.excepthook = lambda arguments, /: None
    try:
        if arguments.dsn is not None:
            return _send_to(_dsn(arguments.dsn), terminal)
        with Receiver() as receiver:
            return _show(receiver, terminal)
    except _Unusable as error:
        terminal.problem(str(error))
        return _USAGE
    finally:
        threading.excepthook = python_hook


def _show(receiver: Receiver, terminal: Terminal) -> int:
    """The demo with a receiver of its own."""
    _print_head(terminal, f"127.0.0.1:{receiver.port}, a receiver in this process")
    # Whatever proxy the environment names leads elsewhere.
    client, transport = _init(receiver.dsn, http_proxy="", spotlight=False)
    with client, Workload() as workload:
        with terminal.progress() as progress:
            workload.run(*workload.tasks)
            is_settled = flush(client, _FLUSH_S, progress, lambda: _waiting(client))
            for task in workload.tasks:
                if is_settled:
                    workload.repeat(task, _REPEATS)
                    is_settled = flush(client, _FLUSH_S, progress, lambda: _waiting(client))
        for number, task in enumerate(workload.tasks, 1):
            captures = workload.captures_of(task)
            event = receiver.events.get(captures[0].event_id or "") if captures else None
            if event is not None:
                terminal.line()
                for line in event_lines(event, number, _cost(captures), terminal.width):
                    terminal.line(*line)
        account = tocsin.stats()
        _print_cost(len(workload.tasks), terminal)
        _print_account(account, terminal)
        _print_received(receiver, terminal)
        problems = _problems(account, receiver, len(workload.tasks) * (1 + _REPEATS))
        refused = next((outcome for outcome in transport.outcomes.values() if not outcome.is_delivered), None)
        if refused is not None:
            problems.append(refused.describe())
        for problem in problems:
            terminal.problem(problem)
        if problems:
            return _NOT_ARRIVED
    terminal.line(("next     ", "strong"), "python -m tocsin demo --dsn https://KEY@HOST/PROJECT_ID")
    terminal.line("         sends this to your server; in a program, call tocsin.init(dsn) once")
    terminal.line("         and tocsin.capture_exception() where you handle an error")
    return _ARRIVED


def _problems(account: Account, receiver: Receiver, expected: int) -> list[str]:
    problems = receiver.problems[:3]
    if len(receiver.events) != expected:
        problems.append(f"{expected - len(receiver.events)} of {expected} events did not arrive")
    if not _sums_up(account) or account.captured != expected or account.delivered != len(receiver.events):
        problems.append("the account does not fit what the server received")
    return problems


def _send_to(dsn: Dsn, terminal: Terminal) -> int:
    """The demo with a server of the user's: what was sent, and what the server said to it."""
    _print_head(terminal, dsn.envelope_url)
    client, transport = _init(str(dsn))
    try:
        with Workload() as workload, terminal.progress() as progress:
            workload.run(*workload.tasks)
            is_settled = flush(client, _FLUSH_S, progress, lambda: _waiting(client))
        terminal.line()
        outcomes = [
            _print_outcome(task, workload.captures_of(task), transport.outcomes, terminal) for task in workload.tasks
        ]
        account = tocsin.stats()
        terminal.line()
        _print_account(account, terminal)
    finally:
        client.close(0.0)
    if _sums_up(account) and all(outcome is not None and outcome.is_delivered for outcome in outcomes):
        terminal.line(("next     ", "strong"), "look at the project on your server; it may need a moment to show them")
        return _ARRIVED
    refused = next((outcome for outcome in outcomes if outcome is not None and not outcome.is_delivered), None)
    if refused is not None:
        terminal.problem(refused.describe())
    elif not is_settled:
        terminal.problem(f"no answer from {dsn.netloc} within {_FLUSH_S:g} s")
    else:
        terminal.problem("not every event was sent; the account says why")
    return _NOT_ARRIVED


def _dsn(given: str) -> Dsn:
    try:
        dsn, _ = dsn_of(given)
    except BadDsn as error:
        raise _Unusable(str(error)) from None
    if dsn is None:
        raise _Unusable("--dsn is empty; a DSN looks like https://KEY@HOST/PROJECT_ID")
    return dsn


def _init(dsn: str, **options: Any) -> tuple[Client, ObservedTransport]:
    try:
        client = tocsin.init(
            dsn,
            transport=ObservedTransport,
            # Installed, the service's file lies among packages; its own frames are what there is to see.
            in_app_include=[MODULE],
            release="bakery@1.4.2",
            environment="demo",
            sample_rate=1.0,
            transport_queue_size=2 * _REPEATS,
            **options,
        )
    except (TypeError, ValueError) as error:
        # Options can also come from the environment.
        raise _Unusable(str(error)) from error
    assert isinstance(client.transport, ObservedTransport)
    return client, client.transport


def _print_head(terminal: Terminal, where: str) -> None:
    kind = "the compiled core" if tocsin.backend() == "core" else "the pure Python twin"
    terminal.line(("tocsin demo", "strong"), f"  {tocsin.VERSION}, Python {platform.python_version()}")
    terminal.line(f"core     {kind} ({tocsin.backend_reason()})")
    terminal.line(f"server   {where}")


def _waiting(client: Client) -> str:
    _, delivered, pending, _ = client.stats.snapshot()
    return f"waiting for the server ... {delivered} delivered, {pending} on their way"


def _cost(captures: list[Capture]) -> str:
    later = [capture.cost_us for capture in captures[1:]]
    since = f", {median(later):.0f} µs since" if later else ""
    return f"{captures[0].cost_us:.0f} µs first{since}"


def _print_outcome(
    task: Task, captures: list[Capture], outcomes: dict[str, Outcome], terminal: Terminal
) -> Outcome | None:
    event_id = captures[0].event_id if captures else None
    outcome = outcomes.get(event_id or "")
    is_delivered = outcome is not None and outcome.is_delivered
    word = ("delivered    ", "good") if is_delivered else ("not delivered", "bad")
    terminal.line(f"{event_id or 'no event':32}  ", word, f"  {task.__name__}")
    return outcome


def _print_cost(threads: int, terminal: Terminal) -> None:
    terminal.line()
    terminal.line(("cost     ", "strong"), "µs for which the caller was held up")
    terminal.line(f"         first: all is cold, {threads} threads run at once, the worker starts")
    terminal.line(f"         since: the median of {_REPEATS} more in a row on one thread")
    terminal.line("         an error now and then, with cold caches, lies between the two")


def _sums_up(account: Account) -> bool:
    return account.captured == account.delivered + account.pending + sum(account.dropped.values())


def _print_account(account: Account, terminal: Terminal) -> None:
    dropped = account.dropped
    reasons = f" ({', '.join(f'{count} {reason}' for reason, count in dropped.items())})" if dropped else ""
    terminal.line(
        ("account  ", "strong"),
        f"{account.captured} captured {'=' if _sums_up(account) else 'is NOT'} {account.delivered} delivered "
        f"+ {account.pending} pending + {sum(dropped.values())} dropped{reasons}",
    )


def _print_received(receiver: Receiver, terminal: Terminal) -> None:
    connections = f"{receiver.connections} connection{'' if receiver.connections == 1 else 's'}"
    ratio = receiver.plain_bytes / max(receiver.wire_bytes, 1)
    terminal.line(
        ("server   ", "strong"),
        f"{len(receiver.events)} events on {connections}, "
        f"{receiver.wire_bytes / 1000:.0f} kB of gzip ({ratio:.1f} times as much unpacked)",
    )
