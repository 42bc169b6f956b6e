"""Exceptions to capture: raised in generated modules, as deep as wanted, through functions that are all different.

A service's traceback leads through many functions in several files, and each frame holds a handful of locals of mixed
kinds. The modules are real files, as every SDK reads the source lines from them.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

DEEPEST = 200
FILES = 5
# The names of the six locals of each frame.
LOCALS = ("depth", "customer", "price", "lines", "address", "flag")
KIND = "OrderFailed"
TEXT = "order 4711 cannot be shipped"

_HEAD = '''"""Written by the benchmarks: one part of a shop that fails."""


class OrderFailed(Exception):
    pass


class Ledger:
    pass

'''
_STEP = """
def step_{index}(depth):
    customer = "customer {index} of the northern shop"
    price = {index} * 1.25 + 0.5
    lines = [{index}, "two books", 3]
    address = {{"city": "Lüneburg", "zip": "21335"}}
    flag = {flag}
    if depth == 1:
        raise OrderFailed("order 4711 cannot be shipped")
    return {next}(depth - 1)

"""
_FLAGS = ("True", "None", "Ledger()")


def write(folder: Path) -> None:
    """Write the modules; once per run."""
    for file in range(FILES):
        text = _HEAD
        if file:
            text = text.replace("class OrderFailed(Exception):\n    pass\n\n\n", "")
            text = text.replace("\n\nclass Ledger", "\nfrom shop_0 import OrderFailed\n\n\nclass Ledger", 1)
        text += f"\nimport shop_{(file + 1) % FILES}\n\n"
        for index in range(file, DEEPEST, FILES):
            following = f"shop_{(index + 1) % FILES}.step_{(index + 1) % DEEPEST}"
            text += _STEP.format(index=index, flag=_FLAGS[index % 3], next=following)
        (folder / f"shop_{file}.py").write_text(text, "utf-8")


class Failures:
    """Raises what is to be captured.

    Args:
        folder: where `write` has put the modules.
    """

    def __init__(self, folder: str) -> None:
        sys.path.insert(0, folder)
        try:
            self._steps = [import_module(f"shop_{index % FILES}") for index in range(DEEPEST)]
        finally:
            sys.path.remove(folder)
        self._first = self._steps[0].step_0
        self.kind: type[Exception] = self._steps[0].OrderFailed

    def raised(self, frames: int) -> BaseException:
        """A new exception whose traceback has that many frames, none of them the caller's."""
        try:
            self._first(frames)
        except self.kind as error:
            # Without a variable for the traceback, which would make a cycle of it and this frame.
            return error.with_traceback(error.__traceback__.tb_next)  # type: ignore[union-attr]
        raise AssertionError("the shop did not fail")

    def pool(self, count: int, frames: int) -> list[BaseException]:
        """That many of them."""
        return [self.raised(frames) for _ in range(count)]

    def chained(self) -> BaseException:
        """A new exception with a cause that has a context: three in all, each of seven frames."""
        first, second, third = self.pool(3, 7)
        second.__context__ = first
        third.__cause__ = third.__context__ = second
        return third


def functions(frames: int) -> list[str]:
    """The functions of such a traceback, outermost first."""
    return [f"step_{index}" for index in range(frames)]
