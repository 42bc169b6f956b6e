"""Memory that runs out at any allocation of a call costs at most that call: never the process, never the next one."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from support.twins import run_apart

CALLS = {
    "data": "lambda: renderer.data(value, 2000, 6)",
    "data with a secret": "lambda: values.Renderer(lambda key: key == 'a').data(value, 2000, 6)",
    "text": "lambda: renderer.text(Plain(), 100)",
    "variables": "lambda: renderer.variables(value)",
    "exception": "lambda: shown(extractor.exception(error, None, 'generic', True))",
    "exception, its first": "lambda: shown(stacktrace.StackExtractor(renderer, None)"
    ".exception(error, None, 'generic', True))",
    "full exception": "lambda: named(bare.exception(error, None, 'generic', True, None, True))",
    "current": "lambda: named(bare.current(sys._getframe()))",
    "render": "lambda: serializer.render(capture)",
    "dumps": "lambda: serializer.dumps(event)",
    "breadcrumb": "lambda: add(breadcrumbs.BreadcrumbRing(2, renderer))",
    "ring in use": "lambda: add(ring)",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_memory_that_runs_out_costs_at_most_the_call(backend: Any, call: str) -> None:
    """Each allocation of the call fails once: MemoryError or an answer that is whole, and the next call is as ever."""
    pytest.importorskip("_testcapi", reason="this Python has no _testcapi, which makes allocations fail")
    raised = "MemoryError"
    runs_python = backend.name == "pure" or call == CALLS["data with a secret"]
    if runs_python and sys.version_info >= (3, 12):
        pytest.skip("from 3.12 on the interpreter itself dies of some allocations that fail in Python code")
    if backend.name == "pure" and sys.version_info < (3, 11):
        raised = "(MemoryError, SystemError)"  # 3.10 sets no error where some calls of Python functions fail
    run_apart(
        backend,
        f"""
        import _testcapi, collections, decimal, json, sys, uuid

        sys.unraisablehook = lambda told: None  # CPython tells of objects whose deallocation found no memory

        class Plain:
            def __init__(self):
                self.a, self.b = 1, [2]

        class Own(Exception):
            def __str__(self):
                return "own" + " text"

        value = {{"a": [1, 2.5, "x\\u00e9" * 9, None, {{"b": (Plain(), b"b")}}], "s": {{3}}, 5: "five",
                 "long": "y" * 5000, "d": decimal.Decimal("1.5"),
                 "u": uuid.UUID(int=5), "q": collections.deque([1]), "f": Plain.__init__}}
        renderer = values.Renderer()
        extractor = stacktrace.StackExtractor(renderer, None)
        bare = stacktrace.StackExtractor(None, None)
        ring = breadcrumbs.BreadcrumbRing(2, renderer)
        event = {{"extra": value, "tags": {{"a": "b"}}}}

        def fail(level):
            local, other = [level] * 3, Plain()
            if level:
                return fail(level - 1)
            try:
                {{}}["key"]
            except KeyError as cause:
                raise Own(5) from cause

        def caught():
            try:
                fail(3)
            except Own as error:
                return error

        def shown(stack):
            heads = [b"{{" + head + b"}}" for head in stack.heads]
            return [heads, [frames[1::2] for frames in stack.frames], stack.totals]

        def named(stack):
            return [site.head for site in stack.sites() if site.function != "<module>"], stack.totals

        def add(ring):
            ring.clear()
            for number in range(3):
                ring.add(float(number), "default", "c", "info", "message" * 3, {{"key": [Plain(), number]}})
            return ring.snapshot(), len(ring), ring.total

        def texts(answer):
            if isinstance(answer, bytes):
                return [answer]
            if isinstance(answer, (list, tuple)):
                return [text for member in answer for text in texts(member)]
            return []

        error = caught()
        stack = extractor.exception(error, None, "generic", True)
        add(ring)
        capture = serializer.Capture(
            "0" * 32, 1.0, "error", b"", stack, "exception", b"", b"", ring.snapshot(), ring.total, ()
        )
        call = {call}
        call()
        usual = call()
        failed = whole = 0
        for count in range(5000):
            answer = None
            _testcapi.set_nomemory(count, count + 1)
            try:
                answer = call()
            except {raised}:
                pass
            finally:
                _testcapi.remove_mem_hooks()
            whole = whole + 1 if answer == usual else 0
            failed += answer is None
            for text in texts(answer):
                json.loads(text if text[:1] == b"{{" else b"{{" + text + b"}}")
            assert call() == usual, (count, call(), usual)
            if whole == 100:
                break
        assert whole == 100, whole
        assert failed, "no allocation failed"
        """,
    )
