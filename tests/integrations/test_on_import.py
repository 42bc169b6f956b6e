"""Being called when a module is imported, without anybody else noticing."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from support.hooks import Outcome
from support.receiver import wait_until
from tocsin.integrations.on_import import forget, when_imported

_SOURCE = '"""A module."""\nimport sys\nVALUE = 1\n\n\ndef function():\n    return 1\n\n\nLAST = 2\n'
_DEADLINE_S = 30.0

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Make a module that can be imported, and return its name."""
    made: list[str] = []
    monkeypatch.syspath_prepend(tmp_path)

    def make(source: str = _SOURCE, name: str | None = None) -> str:
        name = name or f"awaited_{len(made)}"
        path = tmp_path.joinpath(*name.split("."))
        path.parent.mkdir(exist_ok=True)
        path.with_suffix(".py").write_text(source)
        importlib.invalidate_caches()
        made.append(name)
        return name

    yield make
    for name in made:
        sys.modules.pop(name, None)
        sys.modules.pop(name.partition(".")[0], None)


def _described(module: ModuleType) -> dict[str, Any]:
    """What can be seen of a module but for the objects that are new with each import."""
    seen: dict[str, Any] = {
        key: type(value) if key in ("__loader__", "__spec__", "__builtins__", "function") else value
        for key, value in vars(module).items()
    }
    seen["spec loader"] = type(module.__spec__.loader)  # type: ignore[union-attr]
    seen["one loader"] = module.__spec__.loader is module.__loader__  # type: ignore[union-attr]
    seen["spec"] = repr(module.__spec__).partition("loader=")[0] + repr(module.__spec__).partition("origin=")[2]
    seen["source"] = inspect.getsource(module)
    return seen


def test_the_callback_sees_the_finished_module(make: Make) -> None:
    """The callback is called once, with the module, after its last line has run."""
    name = make()
    seen: list[Any] = []
    when_imported(name, lambda module: seen.append((module, module.LAST)))
    assert seen == []
    module = importlib.import_module(name)
    importlib.import_module(name)
    importlib.reload(module)
    assert seen == [(module, 2)]


def test_the_module_comes_out_as_without(make: Make) -> None:
    """Names, loader, spec and source of an awaited module are those of any other."""
    name = make()
    plain = _described(importlib.import_module(name))
    del sys.modules[name]
    when_imported(name, lambda module: None)
    assert _described(importlib.import_module(name)) == plain


def test_a_module_that_is_there_is_called_back_for_at_once() -> None:
    """For an imported module the callback runs before `when_imported` returns, and no finder is put up."""
    finders, before = sys.meta_path, list(sys.meta_path)
    seen: list[ModuleType] = []
    when_imported("threading", seen.append)
    assert seen == [threading]
    assert sys.meta_path is finders
    assert sys.meta_path == before


def test_the_finder_is_there_only_while_something_is_awaited(make: Make) -> None:
    """One finder stands before the others until the last awaited module was imported or forgotten."""
    before = list(sys.meta_path)
    first, second = make(), make()
    callback = lambda module: None  # noqa: E731
    when_imported(first, callback)
    when_imported(second, callback)
    assert sys.meta_path[1:] == before
    importlib.import_module(first)
    assert sys.meta_path[1:] == before
    forget(second, callback)
    assert sys.meta_path == before


def test_taking_the_finder_away_leaves_a_walk_over_the_finders_alone(make: Make) -> None:
    """The list that an import in progress walks over is not shortened under its feet."""
    name = make()
    when_imported(name, lambda module: None)
    walked = sys.meta_path
    length = len(walked)
    importlib.import_module(name)
    assert len(walked) == length
    assert sys.meta_path == walked[1:]


def test_a_forgotten_callback_is_not_called(make: Make) -> None:
    """`forget` takes back that callback and no other."""
    name = make()
    kept: list[ModuleType] = []
    dropped: list[ModuleType] = []
    keep, drop = kept.append, dropped.append
    when_imported(name, keep)
    when_imported(name, drop)
    forget(name, drop)
    module = importlib.import_module(name)
    assert (kept, dropped) == ([module], [])


def test_an_import_that_fails_stays_awaited(make: Make, tmp_path: Any) -> None:
    """The module's own exception comes out; the callback waits for the import that works."""
    name = make("raise RuntimeError('half way')\n")
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    with pytest.raises(RuntimeError, match="half way") as caught:
        importlib.import_module(name)
    assert str(caught.traceback[-1].path).endswith(f"{name}.py")
    assert seen == []
    (tmp_path / f"{name}.py").write_text(_SOURCE + "# of another size\n")
    importlib.invalidate_caches()
    assert seen == [] != [importlib.import_module(name)]
    assert seen == [sys.modules[name]]


def test_a_module_that_does_not_exist_is_not_found(make: Make) -> None:
    """Awaiting a module that nobody has changes nothing about the error."""
    callback = lambda module: None  # noqa: E731
    when_imported("awaited_nowhere", callback)
    with pytest.raises(ModuleNotFoundError, match="No module named 'awaited_nowhere'"):
        importlib.import_module("awaited_nowhere")
    assert importlib.util.find_spec("awaited_nowhere") is None
    forget("awaited_nowhere", callback)


@pytest.mark.internal_errors
def test_a_callback_that_raises_does_not_disturb_the_import(make: Make) -> None:
    """The import succeeds, and the other callbacks are called."""
    name = make()
    seen: list[ModuleType] = []

    def fail(module: ModuleType) -> None:
        raise RuntimeError("oh")

    when_imported(name, fail)
    when_imported(name, seen.append)
    assert seen == [] != [importlib.import_module(name)]
    assert seen == [sys.modules[name]]


def test_a_callback_may_import_what_is_awaited_too(make: Make) -> None:
    """Imports nest: an awaited module imported by a callback, or by another awaited one, is called back for."""
    inner = make()
    outer = make(f"import {inner}\n")
    other = make()
    seen: list[str] = []
    when_imported(outer, lambda module: (seen.append(outer), importlib.import_module(other)))
    when_imported(inner, lambda module: seen.append(inner))
    when_imported(other, lambda module: seen.append(other))
    importlib.import_module(outer)
    assert seen == [inner, outer, other]


def test_a_module_in_a_package_is_found_by_its_package(make: Make) -> None:
    """Submodules can be awaited before their package is imported."""
    make("", "awaited_package.__init__")
    name = make(_SOURCE, "awaited_package.inner")
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    package = importlib.import_module("awaited_package")
    assert seen == []
    assert importlib.import_module(name) is package.inner
    assert seen == [package.inner]


def test_looking_for_an_awaited_module_is_not_importing_it(make: Make) -> None:
    """Who only asks for the spec gets one whose loader answers as the true one; nothing is called back."""
    name = make()
    seen: list[ModuleType] = []
    when_imported(name, seen.append)
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_source(name) == _SOURCE  # type: ignore[attr-defined]
    assert seen == []
    forget(name, seen.append)


def test_a_lazily_loaded_module_is_called_back_for_when_it_is_used(make: Make) -> None:
    """With `importlib.util.LazyLoader` the callback runs at the first use."""
    name = make()
    seen: list[str] = []
    when_imported(name, lambda module: seen.append(module.__name__))
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert seen == []
    assert module.LAST == 2
    assert seen == [name]


def test_one_that_comes_while_another_thread_imports_waits_for_it(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback that is registered in the middle of an import is called with the finished module."""
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(sys, "awaited_events", (begun, go_on), raising=False)
    name = make(f"import sys\nsys.awaited_events[0].set()\nsys.awaited_events[1].wait({_DEADLINE_S})\nLAST = 2\n")
    importing = threading.Thread(target=importlib.import_module, args=(name,))
    importing.start()
    assert begun.wait(_DEADLINE_S)
    seen: list[int] = []
    registering = threading.Thread(target=when_imported, args=(name, lambda module: seen.append(module.LAST)))
    registering.start()
    go_on.set()
    importing.join(_DEADLINE_S)
    registering.join(_DEADLINE_S)
    assert seen == [2]


def test_every_callback_is_called_once_whoever_comes_first(make: Make) -> None:
    """Of many threads that register and import at once, each callback is called exactly once."""
    for _ in range(20):
        name = make()
        calls: list[int] = []
        barrier = threading.Barrier(8)

        def work(number: int, name: str = name, calls: list[int] = calls, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(_DEADLINE_S)
            if number % 2:
                importlib.import_module(name)
            else:
                when_imported(name, lambda module: calls.append(number))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_DEADLINE_S)
        wait_until(lambda calls=calls: len(calls) >= 4, "a callback is missing")
        assert sorted(calls) == [0, 2, 4, 6]


def test_a_program_may_be_run_as_an_awaited_module(run_program: Callable[..., Outcome]) -> None:
    """`runpy` and `python -m` get the code of an awaited module from the loader."""
    outcome = run_program("""
        import runpy, sys
        from tocsin.integrations.on_import import when_imported
        when_imported("this", print)
        assert "Zen" in runpy.run_module("this")["s"].translate(str.maketrans("Mra", "Zen"))
    """)
    assert outcome.code == 0, outcome.err
