"""The demo's service at work: loaded as an application, run on threads, with a watch beside every capture."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import threading
from time import perf_counter_ns

import tocsin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Task = Callable[[], None]

# The module name that the service is given: what is below `tocsin` is hidden from events.
MODULE = "bakery"
_TASK_S = 20.0


class Capture:
    """One call that captured: the task it was in, the id it gave, and for how long it held the caller up."""

    __slots__ = ("cost_us", "event_id", "task")

    def __init__(self, task: str, event_id: str | None, cost_us: float) -> None:
        self.task = task
        self.event_id = event_id
        self.cost_us = cost_us


class Workload:
    """The service; as a context manager it watches the hook for threads, which `init()` must have set before.

    Attributes:
        tasks: what the service does.
        captures: what the tasks have captured, in order.
    """

    def __init__(self) -> None:
        self.captures: list[Capture] = []
        self._service = _load()
        self._service.measure = self._measure
        self.tasks: list[Task] = self._service.tasks()
        self._hook_before: Any = None

    def run(self, *tasks: Task) -> None:
        """Run each task on a thread of its own, all at once, and wait for their end."""
        for thread in list(map(self._service.run_in_thread, tasks)):
            thread.join(_TASK_S)

    def repeat(self, task: Task, times: int) -> None:
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
        self.run(burst)

    def captures_of(self, task: Task) -> list[Capture]:
        """Return the captures of a task, the first one first."""
        return [capture for capture in self.captures if capture.task == task.__name__]

    def _measure(self, capture: Callable[..., str | None], *arguments: object) -> str | None:
        started = perf_counter_ns()
        event_id = capture(*arguments)
        self._note(event_id, perf_counter_ns() - started)
        return event_id

    def _note(self, event_id: str | None, cost_ns: int) -> None:
        self.captures.append(Capture(threading.current_thread().name, event_id, cost_ns / 1000))

    def __enter__(self) -> Workload:
        self._hook_before = hook = threading.excepthook

        def watched(arguments: Any, /) -> None:
            started = perf_counter_ns()
            hook(arguments)
            cost_ns = perf_counter_ns() - started
            self._note(tocsin.last_event_id(), cost_ns)

        threading.excepthook = watched
        return self

    def __exit__(self, *exc_info: object) -> None:
        threading.excepthook = self._hook_before


def _load() -> Any:
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "service.py")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module
