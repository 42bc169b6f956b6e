"""Running `python -m tocsin` as a user does: in a process of its own, which is ended when it takes too long."""

from __future__ import annotations

import os
import subprocess
import sys

# Far more than any command needs on a busy machine.
_DEADLINE_S = 60.0


def run_command(backend: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command on one twin, with text streams that are no terminal; raises if it does not end in time."""
    return _run(backend, ["-m", "tocsin", *arguments], environment)


def run_script(backend: str, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs Python source in the same way."""
    return _run(backend, ["-c", script], environment)


def _run(backend: str, arguments: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    # Fixtures of a module run before the one that cleans the environment for each test.
    own = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env={**own, "PYTHONIOENCODING": "utf-8", "TOCSIN_BACKEND": backend, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE_S,
        check=False,
    )


def _is_foreign(name: str) -> bool:
    return name.startswith("SENTRY_") or name.lower().endswith("_proxy")
