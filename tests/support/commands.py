"""Running `python -m tocsin` as a user does: in a process of its own, which is ended when it takes too long."""

from __future__ import annotations

import os
import subprocess
import sys

# Far more than any command needs on a busy machine.
_DEADLINE_S = 60.0


def run_command(backend: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command on one twin, with text streams that are no terminal; raises if it does not end in time."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "tocsin", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "TOCSIN_BACKEND": backend, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE_S,
        check=False,
    )
