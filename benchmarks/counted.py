"""The process whose instructions are counted: `python -m benchmarks.counted OPERATION COUNT MOST FOLDER`.

It prepares the same whatever COUNT is, MOST exceptions included, does the operation COUNT times, and ends at once: the
difference between two counts is that many operations and nothing else.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable

from benchmarks.adapters import adapter_class
from benchmarks.adapters.base import Adapter, Operation, Settings
from benchmarks.failures import Failures

_FRAMES = 20


def main() -> None:
    name, count, most, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    adapter = adapter_class("tocsin")()
    adapter.start(Settings())
    run = _OPERATIONS[name](adapter, most, folder)
    # Once for what is made at the first time; and no collection, which would fall into the one run or the other.
    run(2)
    gc.collect()
    gc.disable()
    run(count)
    os._exit(0)


def _repeated(operation: Operation) -> Callable[[int], None]:
    names = {**operation.names}
    exec(f"def run(count):\n for _ in range(count):\n  {operation.statement}", names)
    run: Callable[[int], None] = names["run"]
    return run


def _breadcrumb(adapter: Adapter, _most: int, _folder: str) -> Callable[[int], None]:
    return _repeated(adapter.breadcrumb(False))


def _logging(_adapter: Adapter, _most: int, _folder: str) -> Callable[[int], None]:
    logger = logging.getLogger("shop")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return _repeated(Operation("info('order %s paid in %d ms', 'A-17', 42)", {"info": logger.info}))


def _scope(adapter: Adapter, _most: int, _folder: str) -> Callable[[int], None]:
    return _repeated(adapter.scope())


def _message(adapter: Adapter, _most: int, _folder: str) -> Callable[[int], None]:
    return _repeated(adapter.message())


def _exception(adapter: Adapter, most: int, folder: str) -> Callable[[int], None]:
    pool = iter(Failures(folder).pool(most + 2, _FRAMES))
    capture = adapter.capture

    def run(count: int) -> None:
        for _ in range(count):
            capture(next(pool))

    return run


_OPERATIONS = {
    "breadcrumb": _breadcrumb,
    "logging-info": _logging,
    "scope": _scope,
    "message": _message,
    "exception-20": _exception,
}


if __name__ == "__main__":
    main()
