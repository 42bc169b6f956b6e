"""Scenarios of everything that can be captured, run in one process of one twin; what would be sent is handed out.

Each scenario is a function that captures through the public names. `python -m conformance.corpus FILE` runs all of them
and writes what each captured to the file, as JSON.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
_MODULES = ("exceptions", "synthetics", "uncaught", "messages", "handmade", "scopes", "breadcrumbs", "hooks")
_TIMEOUT_S = 240


@dataclass
class Scenario:
    """One scenario.

    Attributes:
        events: how many events it leads to.
        keeps: texts that must be found in what a server has kept of its events.
        options: of `init()`.
        exempt: where, in the server's words, it cuts what we sent, and why that is right.
    """

    name: str
    run: Callable[[], object]
    events: int = 1
    keeps: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    exempt: dict[str, str] = field(default_factory=dict)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *, events: int = 1, keeps: tuple[str, ...] = (), exempt: dict[str, str] | None = None, **options: Any
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Add the function to the corpus under its own name."""

    def add(function: Callable[[], object]) -> Callable[[], object]:
        name = function.__name__
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name}")
        SCENARIOS[name] = Scenario(name, function, events, keeps, options, exempt or {})
        return function

    return add


def load() -> dict[str, Scenario]:
    """Return the whole corpus."""
    for name in _MODULES:
        importlib.import_module(f"conformance.scenarios_{name}")
    return SCENARIOS


@dataclass
class Outcome:
    """What became of one scenario: the events as bytes, the traceback of what left it, the client's figures."""

    events: list[bytes]
    escaped: str
    figures: tuple[int, int, int, dict[str, int]]
    swallowed: list[str]


def run_all(backend: str) -> dict[str, Outcome]:
    """Run the corpus in a process of its own on the given twin."""
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    # The order of sets is part of what is written.
    env = {**os.environ, "PYTHONPATH": path, "TOCSIN_BACKEND": backend, "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "conformance.corpus"],
        capture_output=True,
        env=env,
        timeout=_TIMEOUT_S,
        check=False,
        cwd=TESTS,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace"))
    outcomes = json.loads(done.stdout.splitlines()[-1])
    return {
        name: Outcome(
            [base64.b64decode(event) for event in one["events"]], one["escaped"], one["figures"], one["swallowed"]
        )
        for name, one in outcomes.items()
    }


def _run(one: Scenario) -> dict[str, Any]:
    import tocsin
    from tocsin import testing

    testing.reset()
    transport = testing.MemoryTransport()
    options = {"default_integrations": False, "release": "corpus@1.0", "environment": "conformance", **one.options}
    client = tocsin.init(transport=transport, **options)
    escaped = ""
    del swallowed[:]
    try:
        one.run()
    except Exception:
        escaped = traceback.format_exc()
    captured, delivered, pending, dropped = client.stats.snapshot()
    events = [item.get_bytes() for envelope in transport.envelopes for item in envelope.items if item.type == "event"]
    tocsin.close()
    return {
        "events": [base64.b64encode(event).decode() for event in events],
        "escaped": escaped,
        "figures": (captured, delivered, pending, dropped),
        "swallowed": list(swallowed),
    }


swallowed: list[str] = []


def _note_swallowed() -> None:
    """Record what tocsin swallows as an error of its own, wherever it is reported from."""
    import tocsin.testing
    from tocsin import diagnostics

    original = diagnostics.internal_error

    def internal_error(where: str, error: BaseException) -> None:
        swallowed.append(f"{where}: {type(error).__name__}")
        original(where, error)

    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "tocsin" and vars(module).get("internal_error") is original:
            module.internal_error = internal_error  # type: ignore[attr-defined]
    assert tocsin.testing


def main() -> None:
    # The scenarios register with the module that they import, which is not `__main__`.
    corpus = importlib.import_module("conformance.corpus")
    corpus._note_swallowed()
    outcomes = {name: corpus._run(one) for name, one in corpus.load().items()}
    print("\n" + json.dumps(outcomes))


if __name__ == "__main__":
    main()
