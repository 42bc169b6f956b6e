"""`python -m benchmarks`, as people call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tocsin
from benchmarks import __main__ as command_line
from benchmarks.results import Results

_ROOT = Path(__file__).resolve().parent.parent.parent
_RUN_S = 120
OURS = "tocsin" if tocsin.backend() == "core" else "tocsin-pure"


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))},
        capture_output=True,
        text=True,
        check=False,
        timeout=_RUN_S,
    )


def test_a_quick_run_of_one_row_prints_it_and_writes_it(tmp_path: Path) -> None:
    """The table names the row, the machine and the command; the JSON holds each round."""
    path = tmp_path / "found.json"
    done = _run("--quick", "--only", "breadcrumb", "--sdk", OURS, "--json", str(path))
    assert done.returncode == 0, done.stderr
    assert "add_breadcrumb, three keywords" in done.stdout
    assert "python -m benchmarks --quick --only breadcrumb" in done.stdout
    found = json.loads(path.read_text("utf-8"))
    assert list(found["rows"]) == ["breadcrumb"]
    rounds = found["rows"]["breadcrumb"]["sdks"][OURS]["rounds"]
    assert len(rounds) == 2
    assert all(value > 0 for value in rounds)
    assert str(_ROOT) not in json.dumps(found["rows"])
    assert Results.from_dict(found).as_dict() == found
    again = _run("--read", str(path), "--claims")
    assert again.stdout.startswith(done.stdout)
    # Without the peer nothing that is promised can be told.
    assert again.returncode == 1
    assert "nothing was measured that is promised" in again.stdout


def test_an_unknown_workload_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With the way to the names that there are."""
    with pytest.raises(SystemExit, match="2"):
        command_line.main(["--only", "nothing"])
    assert "--list" in capsys.readouterr().err


def test_the_workloads_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each."""
    assert command_line.main(["--list"]) == 0
    assert "exception-20 " in capsys.readouterr().out


def test_an_sdk_that_is_not_installed_is_skipped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The run goes on without it."""
    from benchmarks.adapters.rollbar_sdk import Rollbar

    monkeypatch.setattr(Rollbar, "version", classmethod(lambda cls: None))
    assert command_line.main(["--quick", "--only", "floors", "--sdk", "rollbar"]) == 0
    assert "rollbar is left out: it is not installed." in capsys.readouterr().out
