"""`python -m tocsin demo`: a service that fails, a server that receives, and what arrives there, on the terminal.

The service is an application like any other: it uses the public verbs, and its events go over HTTP.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import platform
import sys
import threading
from statistics import median
from time import perf_counter_ns

import tocsin
from tocsin.commands.delivery import ObservedTransport, dsn_of, flush
from tocsin.commands.receiver import Receiver
from tocsin.commands.show import event_lines
from tocsin.dsn import BadDsn

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from tocsin.client import Client
    from tocsin.commands.delivery import Outcome
    from tocsin.commands.terminal import Terminal

_MODULE = "bakery"
# How often each failure is repeated, to see what it costs once everything is warm; the queue holds as many.
_REPEATS = 60
_TASK_S = 20.0
_FLUSH_S = 20.0


class Capture:
    """One call that captured: the task it was in, the id it gave, and what the caller paid."""

    __slots__ = ("cost_us", "event_id", "task")

    def __init__(self, task: str, event_id: str | None, cost_us: float) -> None:
        self.task = task
        self.event_id = event_id
        self.cost_us = cost_us


class Service:
    """The bakery under measurement.

    Attributes:
        captures: what its tasks captured, in order.
    """

    def __init__(self) -> None:
        self.captures: list[Capture] = []
        self._module = _load()
        self._module.measure = self._measure
        self.tasks: list[Callable[[], None]] = self._module.tasks()
        self._hook_before: Any = None

    def run(self, *tasks: Callable[[], None]) -> None:
        """Run each task on a thread of its own and wait for their end."""
        for thread in list(map(self._module.run_in_thread, tasks)):
            thread.join(_TASK_S)

    def repeat(self, task: Callable[[], None], times: int) -> None:
        """Run a task again and again on one thread, as a server handles requests, and wait for the end."""

        def burst() -> None:
            for _ in range(times):
                with tocsin.isolation_scope():
                    try:
                        task()
                    except Exception as error:
                        # What the interpreter does where such an error ends a thread.
                        arguments = (type(error), error, error.__traceback__, threading.current_thread())
                        threading.excepthook(threading.ExceptHookArgs(arguments))

        # Collections are the application's own cost, and fall where they like.
        gc.collect()
        burst.__name__ = task.__name__
        self._module.run_in_thread(burst).join(_TASK_S)

    def cost_us(self, task: Callable[[], None]) -> list[float]:
        """Return what the captures of a task cost, the first one first, in microseconds."""
        return [capture.cost_us for capture in self.captures if capture.task == task.__name__]

    def first(self, task: Callable[[], None]) -> Capture | None:
        """Return the first capture of a task."""
        return next((capture for capture in self.captures if capture.task == task.__name__), None)

    def _measure(self, capture: Callable[..., str | None], *arguments: object) -> str | None:
        started = perf_counter_ns()
        event_id = capture(*arguments)
        self._note(event_id, started)
        return event_id

    def _note(self, event_id: str | None, started: int) -> None:
        cost_us = (perf_counter_ns() - started) / 1000
        self.captures.append(Capture(threading.current_thread().name, event_id, cost_us))

    def __enter__(self) -> Service:
        """Put a watch around the hook for threads that `init()` has set."""
        self._hook_before = hook = threading.excepthook

        def measured(arguments: Any, /) -> None:
            started = perf_counter_ns()
            hook(arguments)
            self._note(tocsin.last_event_id(), started)

        threading.excepthook = measured
        return self

    def __exit__(self, *exc_info: object) -> None:
        threading.excepthook = self._hook_before


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Run the demo; return 0 if every event arrived and the account sums up, 1 if not, 2 for an unusable DSN."""
    python_hook = threading.excepthook
    # The traceback that Python prints for a thread that ends so would tear the picture.
    threading.excepthook = lambda arguments, /: None
    try:
        if arguments.dsn is not None:
            return _to_server(arguments.dsn, terminal)
        with Receiver() as receiver:
            return _to_receiver(receiver, terminal)
    except BadDsn as error:
        terminal.problem(str(error))
        return 2
    finally:
        threading.excepthook = python_hook


def _to_receiver(receiver: Receiver, terminal: Terminal) -> int:
    _head(terminal, f"127.0.0.1:{receiver.port}, a receiver in this process")
    # Whatever proxy the environment names leads elsewhere.
    client = _init(receiver.dsn, http_proxy="", spotlight=False)
    try:
        with Service() as service, terminal.progress() as progress:
            service.run(*service.tasks)
            is_settled = flush(client, _FLUSH_S, progress, lambda: _arrivals(client))
            for task in service.tasks:
                service.repeat(task, _REPEATS)
                is_settled = flush(client, _FLUSH_S, progress, lambda: _arrivals(client)) and is_settled
        for number, task in enumerate(service.tasks, 1):
            capture = service.first(task)
            event = None if capture is None else receiver.events.get(capture.event_id or "")
            if event is None:
                terminal.problem(f"the event of {task.__name__} did not arrive")
                continue
            terminal.line()
            for line in event_lines(event, number, _cost(service.cost_us(task)), terminal.width):
                terminal.line(*line)
        return _account(service, receiver, is_settled, terminal)
    finally:
        client.close(0.0)


def _to_server(given: str, terminal: Terminal) -> int:
    dsn, _ = dsn_of(given)
    if dsn is None:
        raise BadDsn("--dsn is empty; a DSN looks like https://KEY@HOST/PROJECT_ID")
    _head(terminal, dsn.envelope_url)
    client = _init(str(dsn))
    transport = client.transport
    assert isinstance(transport, ObservedTransport)
    try:
        with Service() as service, terminal.progress() as progress:
            service.run(*service.tasks)
            is_settled = flush(client, _FLUSH_S, progress, lambda: _arrivals(client))
        terminal.line()
        outcomes = [_tell_outcome(service, task, transport, terminal) for task in service.tasks]
        terminal.line()
        is_right = _sum(tocsin.stats(), terminal)
        if is_right and all(outcome is not None and outcome.is_delivered for outcome in outcomes):
            terminal.line(
                ("next     ", "strong"), "look at the project on the server: it may take it a moment to show them"
            )
            return 0
        refusals = [outcome.describe() for outcome in outcomes if outcome is not None and not outcome.is_delivered]
        if refusals:
            terminal.problem(refusals[0])
        elif not is_settled:
            terminal.problem(f"no answer from {dsn.netloc} within {_FLUSH_S:g} s")
        else:
            terminal.problem("not every event was sent; the account says why")
        return 1
    finally:
        client.close(0.0)


def _tell_outcome(
    service: Service, task: Callable[[], None], transport: ObservedTransport, terminal: Terminal
) -> Outcome | None:
    capture = service.first(task)
    event_id = None if capture is None else capture.event_id
    outcome = transport.outcomes.get(event_id or "")
    is_delivered = outcome is not None and outcome.is_delivered
    word = ("delivered    ", "good") if is_delivered else ("not delivered", "bad")
    terminal.line(f"{event_id or 'no event':32}  ", word, f"  {task.__name__}")
    return outcome


def _init(dsn: str, **options: Any) -> Client:
    # Installed, the service's file lies among packages; its own frames are what there is to see.
    return tocsin.init(
        dsn,
        transport=ObservedTransport,
        in_app_include=[_MODULE],
        release="bakery@1.4.2",
        environment="demo",
        sample_rate=1.0,
        transport_queue_size=2 * _REPEATS,
        **options,
    )


def _load() -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "service.py")
    spec = importlib.util.spec_from_file_location(_MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _head(terminal: Terminal, where: str) -> None:
    kind = "the compiled core" if tocsin.backend() == "core" else "the pure Python twin"
    terminal.line(("tocsin demo", "strong"), f"  {tocsin.VERSION}, Python {platform.python_version()}")
    terminal.line(f"core     {kind} ({tocsin.backend_reason()})")
    terminal.line(f"server   {where}")


def _arrivals(client: Client) -> str:
    _, delivered, pending, _ = client.stats.snapshot()
    return f"waiting for the server ... {delivered} delivered, {pending} on their way"


def _cost(costs_us: list[float]) -> str:
    first, later = costs_us[0], costs_us[1:]
    return f"{first:.0f} µs first, {median(later):.0f} µs since"


def _sum(account: tocsin.Account, terminal: Terminal) -> bool:
    dropped = sum(account.dropped.values())
    is_right = account.captured == account.delivered + account.pending + dropped
    reasons = f" ({', '.join(f'{count} {reason}' for reason, count in account.dropped.items())})" if dropped else ""
    terminal.line(
        ("account  ", "strong"),
        f"{account.captured} captured {'=' if is_right else 'is NOT'} {account.delivered} delivered "
        f"+ {account.pending} pending + {dropped} dropped{reasons}",
    )
    return is_right


def _account(service: Service, receiver: Receiver, is_settled: bool, terminal: Terminal) -> int:
    account = tocsin.stats()
    terminal.line()
    terminal.line(
        ("cost     ", "strong"),
        f"µs that the caller was held up. First: everything cold, {len(service.tasks)} threads at once, and the worker",
    )
    terminal.line(
        f"         loads its HTTP library meanwhile. Since: the median of {_REPEATS} more in a row on one thread."
    )
    terminal.line("         An error now and then, with cold caches, lies between the two.")
    is_right = _sum(account, terminal)
    ratio = receiver.plain_bytes / max(receiver.wire_bytes, 1)
    terminal.line(
        ("server   ", "strong"),
        f"{len(receiver.events)} events in {receiver.requests} requests on {receiver.connections} connection"
        f"{'' if receiver.connections == 1 else 's'}, {receiver.wire_bytes / 1000:.0f} kB of gzip, "
        f"{ratio:.1f} times as much unpacked",
    )
    expected = len(service.tasks) * (1 + _REPEATS)
    missing = expected - len(receiver.events)
    problems = list(receiver.problems[:3])
    if not is_settled:
        problems.append(f"the events were not delivered within {_FLUSH_S:g} s")
    if missing:
        problems.append(f"{missing} of {expected} events did not arrive")
    if not is_right or account.delivered != len(receiver.events) or account.captured != expected:
        problems.append("the account does not fit what the server received")
    for problem in problems:
        terminal.problem(problem)
    if problems:
        return 1
    terminal.line(
        ("next     ", "strong"), "python -m tocsin demo --dsn https://KEY@HOST/PROJECT sends this to your server;"
    )
    terminal.line("         in a program, tocsin.init(dsn) once and tocsin.capture_exception() where you catch")
    return 0
