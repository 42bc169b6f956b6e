"""What starting costs: time, imports, threads; each look is one of a fresh process."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

import tocsin
from support.commands import run_script

PEER_VERSION = "2.75.0"
TIMED = """
import time
start = time.perf_counter()
import {name}
{name}.init("http://k@127.0.0.1:1/1")
print(time.perf_counter() - start)
import os
os._exit(0)
"""
# Modules as they are before, after the import, and after init().
LOOK = """
import sys, json, _thread
before = set(sys.modules)
threads = _thread._count()
import tocsin
imported = set(sys.modules) - before
state = (tocsin.is_initialized(), tocsin.get_client().transport, sys.excepthook is sys.__excepthook__)
tocsin.init("http://k@127.0.0.1:1/1")
started = set(sys.modules) - before
count = _thread._count() - threads
import os
# Cython's modules enter helpers of theirs by themselves.
own = {"tocsin", "cython_runtime"} | {name for name in started if name.startswith("_cython_")}
foreign = {name.partition(".")[0] for name in started} - set(sys.stdlib_module_names) - own
print(json.dumps([sorted(imported), state, sorted(started), count, sorted(foreign)]), flush=True)
os._exit(0)
"""
COSTLY = {"asyncio", "contextvars", "logging", "orjson", "re", "typing", "urllib3", "warnings", "weakref"}


def run(script: str, **environment: str) -> str:
    done = run_script(tocsin.backend(), script, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def look() -> Any:
    return json.loads(run(LOOK))


def test_importing_starts_nothing(look: Any) -> None:
    """No client, no hook."""
    assert look[1] == [False, None, True]


def test_starting_imports_nothing_foreign(look: Any) -> None:
    """Only the standard library and tocsin itself, also where third-party packages are installed."""
    assert importlib.util.find_spec("urllib3") is not None
    assert look[4] == []


@pytest.mark.parametrize("when", [0, 2], ids=["import", "init"])
def test_starting_imports_nothing_costly(look: Any, when: int) -> None:
    """Nothing that an application would wait for."""
    assert not COSTLY & set(look[when])


def test_starting_starts_no_thread(look: Any) -> None:
    """The worker is for whoever has something to send."""
    assert look[3] == 0


def test_starting_takes_less_than_a_sixth_of_the_peers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Import and init() with the defaults, in turns, the least of twelve each."""
    if importlib.util.find_spec("sentry_sdk") is None:
        pytest.skip(f"the peer is not installed: sentry-sdk=={PEER_VERSION}")
    assert importlib.metadata.version("sentry-sdk") == PEER_VERSION
    names = ("tocsin", "sentry_sdk")
    times_s: dict[str, list[float]] = {name: [] for name in names}
    # Bytecode is written by the first run of each. The release is given: the peer would start git to find it out.
    environment = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path), "SENTRY_RELEASE": "1"}
    for _ in range(13):
        for name in names:
            times_s[name].append(float(run(TIMED.format(name=name), **environment)))
    ours_s, theirs_s = (min(times_s[name][1:]) for name in names)
    with capsys.disabled():
        print(f"\nimport and init(): tocsin {ours_s * 1e3:.1f} ms ({tocsin.backend()}), peer {theirs_s * 1e3:.1f} ms")
    assert ours_s < theirs_s / 6
