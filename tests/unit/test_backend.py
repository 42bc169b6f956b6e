"""Which twin is chosen: the compiled core or the pure one, all or nothing, once."""

from __future__ import annotations

import importlib.machinery
import shutil
from pathlib import Path

import pytest

import tocsin
from support.commands import run_script

ROOMS = """
import tocsin, tocsin._backend as b
kinds = (b.Stats, b.Handoff, b.BreadcrumbRing, b.Capture, b.Site, b.Stack, b.StackExtractor, b.Renderer)
print(tocsin.backend(), *sorted({k.__module__.split('.')[1] for k in kinds} | {b.fence.__name__.split('.')[1]}))
print(tocsin.backend_reason())
"""
HAS_CORE = any(
    list((Path(tocsin.__file__).parent / "_core").glob("rooms" + suffix))
    for suffix in importlib.machinery.EXTENSION_SUFFIXES
)
needs_core = pytest.mark.skipif(not HAS_CORE, reason="this installation was built without the compiled core")


def told(choice: str, **environment: str) -> tuple[str, str, str]:
    """The twin with the rooms it is made of, the reason, and what stderr has."""
    done = run_script(choice, ROOMS, **environment)
    assert done.returncode == 0, done.stderr
    twin, reason = done.stdout.splitlines()
    return twin, reason, done.stderr


def installation(folder: Path) -> Path:
    """A copy of the package, to be broken; returns its `_core`."""
    shutil.copytree(
        Path(tocsin.__file__).parent, folder / "tocsin", ignore=shutil.ignore_patterns("__pycache__", "*.pyx", "*.c")
    )
    return folder / "tocsin" / "_core"


def compiled(core: Path) -> list[Path]:
    return [path for path in core.iterdir() if path.name.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))]


def left_of_the_core(path: Path) -> str:
    """The modules of the core that are there after `import tocsin`."""
    script = "import sys, tocsin; print(*(name for name in sys.modules if name.startswith('tocsin._core')))"
    return run_script("auto", script, PYTHONPATH=str(path)).stdout.strip()


def test_pure_is_pure() -> None:
    """Asked for, it is there, whether or not there is a core."""
    assert told("pure") == ("pure _pure", "TOCSIN_BACKEND=pure", "")


@needs_core
def test_core_is_core() -> None:
    """Asked for, all of it is compiled."""
    assert told("core") == ("core _core", "TOCSIN_BACKEND=core", "")


@needs_core
@pytest.mark.parametrize("word", ["auto", ""])
def test_auto_takes_the_core_where_there_is_one(word: str) -> None:
    """Without a word on stderr; an empty variable is none."""
    assert told(word) == ("core _core", "the compiled core is installed", "")


@pytest.mark.parametrize("word", ["nonsense", "CORE", "c"])
def test_another_word_is_an_error_at_import(word: str) -> None:
    """One that says what the variable can be."""
    done = run_script(word, "import tocsin")
    assert done.returncode == 1
    assert f"ImportError: TOCSIN_BACKEND is {word!r}; it can be 'auto', 'core' or 'pure'" in done.stderr


def test_an_absent_core_is_silent_in_auto(tmp_path: Path) -> None:
    """The pure twin is a full one."""
    for path in compiled(installation(tmp_path)):
        path.unlink()
    twin, reason, stderr = told("auto", PYTHONPATH=str(tmp_path))
    assert (twin, stderr) == ("pure _pure", "")
    assert "without the compiled core" in reason


def test_an_absent_core_is_an_error_where_it_is_asked_for(tmp_path: Path) -> None:
    """At import, and it says why."""
    for path in compiled(installation(tmp_path)):
        path.unlink()
    done = run_script("core", "import tocsin", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "ImportError: TOCSIN_BACKEND=core, but the compiled core cannot be loaded" in done.stderr


@needs_core
def test_a_core_that_does_not_load_is_told_once(tmp_path: Path) -> None:
    """One line on stderr, then the pure twin; where the core is asked for, an error."""
    for path in compiled(installation(tmp_path)):
        path.write_bytes(b"no library")
    twin, reason, stderr = told("auto", PYTHONPATH=str(tmp_path))
    assert twin == "pure _pure"
    assert reason.startswith("the compiled core cannot be loaded: ")
    (line,) = stderr.splitlines()
    assert line.startswith("tocsin: the compiled core cannot be loaded, the pure twin takes over: ")
    done = run_script("core", "import tocsin", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "ImportError: TOCSIN_BACKEND=core, but" in done.stderr


@needs_core
def test_a_core_without_one_of_its_rooms_is_none(tmp_path: Path) -> None:
    """Never a mixture: whichever is missing, all are pure, no other is left behind, and nothing fails at import."""
    core = installation(tmp_path)
    (library,) = compiled(core)
    whole = library.read_bytes()
    modules = sorted(path.stem for path in (core.parent / "_pure").glob("*.py") if path.stem != "__init__")
    assert len(modules) >= 20
    for room in modules:
        # Its entry into the library is gone, under a name of the same length.
        entry = f"PyInit_{room}\0".encode()
        assert entry in whole, room
        library.write_bytes(whole.replace(entry, entry.upper()))
        twin, reason, stderr = told("auto", PYTHONPATH=str(tmp_path))
        assert (twin, len(stderr.splitlines())) == ("pure _pure", 1), room
        assert f"PyInit_{room}" in reason
        assert left_of_the_core(tmp_path) == "", room
    library.write_bytes(whole)
    assert told("auto", PYTHONPATH=str(tmp_path))[0] == "core _core"


def test_a_closed_stderr_does_not_keep_the_pure_twin_from_taking_over(tmp_path: Path) -> None:
    """There is nowhere left to say it."""
    core = installation(tmp_path)
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    for path in compiled(core) or [core / f"rooms{suffix}"]:
        path.write_bytes(b"no library")
    done = run_script("auto", "import sys; sys.stderr = None\n" + ROOMS, PYTHONPATH=str(tmp_path))
    assert done.stdout.splitlines()[0] == "pure _pure"


def test_this_run_uses_the_twin_that_it_says() -> None:
    """What the run's header tells is what these tests test."""
    import tocsin._backend as chosen

    for kind in (chosen.Stats, chosen.Capture, chosen.StackExtractor, chosen.Renderer):
        assert kind.__module__.startswith(f"tocsin._{tocsin.backend()}.")
