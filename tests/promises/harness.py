"""Programs that hold a promise to account, each run in a process of its own on the twin that a test asks for.

A program is a function of one of the modules beside this one. What it returns must be JSON, and is what `run` gives
back; whatever else it prints on stderr, and an end that is not a regular one, is an error.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent.parent
_DEADLINE_S = 50.0
_MARK = "told: "


def run(backend: str, program: Callable[..., Any], *arguments: str, is_told: bool = False) -> Any:
    """Run `program` in a fresh interpreter on one twin and return what it returns.

    With `is_told`, tocsin may say on stderr what it does with what the program provokes.
    """
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "promises.harness", program.__module__, program.__name__, *arguments],
        # The order of sets is part of what is written.
        env={**own, "PYTHONPATH": path, "TOCSIN_BACKEND": backend, "PYTHONHASHSEED": "0"},
        cwd=TESTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_DEADLINE_S,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if not (is_told and line.startswith(" [tocsin] "))]
    assert (done.returncode, said) == (0, []), f"{done.returncode}: {done.stderr[-4000:]}"
    told = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    assert len(told) == 1, done.stdout
    return json.loads(told[0][len(_MARK) :])


def main() -> None:
    """Run the program that the command line names."""
    import tocsin

    assert tocsin.backend() == os.environ["TOCSIN_BACKEND"]
    module, name, *arguments = sys.argv[1:]
    told = getattr(importlib.import_module(module), name)(*arguments)
    print(_MARK + json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
