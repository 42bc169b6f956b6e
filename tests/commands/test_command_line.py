"""`python -m tocsin`: what holds for every subcommand."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from support.commands import run_command
from tocsin._version import VERSION


def test_without_a_command_it_says_which_there_are(backend: Any) -> None:
    """That is a usage error."""
    done = run_command(backend.name)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the following arguments are required: command" in done.stderr


@pytest.mark.parametrize("command", ["demo", "doctor", "send"])
def test_help_tells_the_exit_status(backend: Any, command: str) -> None:
    """Scripts rely on the status, so it is documented where one looks."""
    assert command in run_command(backend.name, "--help").stdout
    done = run_command(backend.name, command, "--help")
    assert done.returncode == 0
    assert "exit status: 0 " in done.stdout


def test_the_version_is_printed(backend: Any) -> None:
    """For reports."""
    done = run_command(backend.name, "--version")
    assert (done.returncode, done.stdout) == (0, f"tocsin {VERSION}\n")


def test_a_reader_that_has_seen_enough_is_no_error_to_tell(backend: Any) -> None:
    """Output into a pipe that nobody reads any more ends the command without a traceback."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tocsin", "doctor"],
            env={**os.environ, "TOCSIN_BACKEND": backend.name},
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
