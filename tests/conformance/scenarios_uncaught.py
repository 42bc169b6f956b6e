"""Scenarios: what nobody catches, reported by hooks."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import tocsin
from conformance.corpus import scenario


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def quietly(function: Callable[[], object]) -> None:
    """Run with what hooks print turned away."""
    stderr, sys.stderr = sys.stderr, None  # type: ignore[assignment]
    try:
        function()
    finally:
        sys.stderr = stderr


@scenario(keeps=("nobody caught it", "excepthook", '"handled": false'), integrations=["excepthook"])
def what_ends_the_program() -> None:
    error = raised(ValueError("nobody caught it"))
    quietly(lambda: sys.excepthook(type(error), error, error.__traceback__))


@scenario(keeps=("in a thread", '"type": "threading"'), integrations=["threading"])
def what_ends_a_thread() -> None:
    def fails() -> None:
        raise ValueError("in a thread")

    def start() -> None:
        thread = threading.Thread(target=fails)
        thread.start()
        thread.join()

    quietly(start)


@scenario(keeps=("in a destructor", "unraisable"), integrations=["unraisablehook"])
def what_a_destructor_raises() -> None:
    class Falling:
        def __del__(self) -> None:
            raise ValueError("in a destructor")

    quietly(lambda: Falling() and None)


@scenario(keeps=("never retrieved",), integrations=["asyncio"])
def what_a_task_raises_unheard() -> None:
    async def fails() -> None:
        raise ValueError("never retrieved")

    async def main() -> None:
        task = asyncio.get_running_loop().create_task(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    level = logging.getLogger("asyncio").level
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    try:
        quietly(lambda: asyncio.run(main()))
    finally:
        logging.getLogger("asyncio").setLevel(level)


def logged(emit: Callable[[logging.Logger], Any]) -> None:
    logger = logging.getLogger("corpus." + "deep." * 20 + "logger")
    logger.propagate = False
    handler = logging.NullHandler()
    logger.addHandler(handler)
    try:
        emit(logger)
    finally:
        logger.removeHandler(handler)


@scenario(keeps=("user %s did %d", "user bob did 3", "bob"), integrations=["logging"])
def a_log_record() -> None:
    logged(lambda logger: logger.error("user %s did %d", "bob", 3))


@scenario(keeps=("while logging", "failed at 5"), integrations=["logging"])
def a_log_record_with_an_exception() -> None:
    def emit(logger: logging.Logger) -> None:
        try:
            raise ValueError("while logging")
        except ValueError:
            logger.exception("failed at %(place)s", {"place": 5}, extra={"order": {"id": 7}, "odd": float("nan")})

    logged(emit)


@scenario(keeps=("stacked",), integrations=["logging"])
def a_log_record_with_a_stack() -> None:
    logged(lambda logger: logger.critical("stacked", stack_info=True))


@scenario(events=3, integrations=["logging"])
def log_records_that_do_not_fit() -> None:
    quietly(lambda: logged(lambda logger: logger.error("%d %s", "not a number")))
    logged(lambda logger: logger.error("per cent % of %s", "arguments"))
    logged(lambda logger: logger.error("%s", "\udc80" * 20_000))


@scenario(keeps=("the reported one",), integrations=["logging"])
def log_records_as_breadcrumbs() -> None:
    def emit(logger: logging.Logger) -> None:
        logger.setLevel(logging.DEBUG)
        logger.debug("unseen")
        logger.info("seen %s", "first")
        logger.warning("seen next")

    logged(emit)
    tocsin.capture_message("the reported one")
