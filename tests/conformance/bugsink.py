"""A real Bugsink (https://www.bugsink.com) on loopback: installed once, set up afresh, asked what it has stored.

It runs as its local template has it: gunicorn, SQLite, and each event digested before its request is answered.
"""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

VERSION = "2.6.1"

_INSTALL_S = 600.0
_COMMAND_S = 120.0
_START_S = 60.0
_END_S = 10.0
_MARK = "told: "

# All files in the given folder, nothing sent to anybody, and no limit that a test would reach.
_SETTINGS = """
DATABASES["default"]["NAME"] = {folder!r} + "/events.sqlite3"
DATABASES["snappea"]["NAME"] = {folder!r} + "/tasks.sqlite3"
SNAPPEA = {{"TASK_ALWAYS_EAGER": True, "WAKEUP_CALLS_DIR": {folder!r} + "/wakeup"}}
BUGSINK.update({{"PHONEHOME": False, "INGEST_STORE_BASE_DIR": {folder!r} + "/ingest"}})
"""

_MAKE_PROJECT = """
from projects.models import Project
from teams.models import Team
quiet = {"alert_on_new_issue": False, "alert_on_regression": False, "alert_on_unmute": False}
tell({"dsn": Project.objects.create(name="tocsin", team=Team.objects.create(name="tests"), **quiet).dsn})
"""

_READ = """
from events.models import Event
from issues.models import Issue
from tags.models import EventTag

def listed(part):
    part = part.get("values") if isinstance(part, dict) else part
    return part or []

def frames(exception):
    return (exception.get("stacktrace") or {}).get("frames") or []

def row(event):
    data = event.get_parsed_data()
    exceptions = listed(data.get("exception"))
    return {
        "event_id": event.event_id.hex,
        "issue": str(event.issue_id),
        "title": event.title(),
        "level": event.level,
        "release": event.release,
        "environment": event.environment,
        "function": event.last_frame_function,
        "exceptions": [one["type"] for one in exceptions],
        "mechanisms": [one.get("mechanism") for one in exceptions],
        "frames": [len(frames(one)) for one in exceptions],
        "vars": [frame.get("vars") for one in exceptions[-1:] for frame in frames(one)],
        "breadcrumbs": [crumb.get("message") for crumb in listed(data.get("breadcrumbs"))],
        "user": data.get("user"),
        "tags": {tag.value.key.key: tag.value.value for tag in EventTag.objects.filter(event=event)},
    }

tell({
    "events": [row(event) for event in Event.objects.order_by("digested_at")],
    "issues": {str(issue.id): issue.title() for issue in Issue.objects.all()},
})
"""


class Bugsink:
    """A running server; a context manager, which ends what it started and leaves no file.

    Args:
        python: the interpreter that `install` returns.
        environment: of the processes that are started.
    """

    def __init__(self, python: Path, environment: Mapping[str, str]) -> None:
        self._python = python
        self._ends = contextlib.ExitStack()
        kept = {name: value for name, value in environment.items() if not name.startswith(("SENTRY_", "PYTHON"))}
        self._environment = kept
        self._folder = Path()
        self.port = 0
        self.dsn = ""

    def __enter__(self) -> Bugsink:
        with contextlib.ExitStack() as ends:
            self._folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="bugsink-")))
            where = str(self._folder)
            self._environment.update(DJANGO_SETTINGS_MODULE="bugsink_conf", PYTHONPATH=where, TMPDIR=where, HOME=where)
            listener = ends.enter_context(socket.create_server(("127.0.0.1", 0)))
            self.port = listener.getsockname()[1]
            self._set_up()
            ends.enter_context(self._server(listener.fileno()))
            # Otherwise a request to a server that has ended would wait instead of being refused.
            listener.close()
            self._wait_until_it_answers()
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def stored(self) -> Any:
        """What it has stored: a list of `events` in the order of their arrival, and `issues`, titles by id."""
        return self._ask(_READ)

    def log(self) -> str:
        """What the server has written."""
        return (self._folder / "server.log").read_text(errors="replace")

    def _set_up(self) -> None:
        self._run("bugsink-create-conf", "--template=local", "--host=127.0.0.1", f"--port={self.port}")
        with open(self._folder / "bugsink_conf.py", "a", encoding="utf-8") as file:
            file.write(_SETTINGS.format(folder=str(self._folder)))
        self._run("bugsink-manage", "migrate", "--verbosity=0")
        self._run("bugsink-manage", "migrate", "snappea", "--database=snappea", "--verbosity=0")
        self.dsn = self._ask(_MAKE_PROJECT)["dsn"]

    def _command(self, name: str, *arguments: str) -> list[str]:
        return [str(self._python.with_name(name)), *arguments]

    def _run(self, name: str, *arguments: str) -> str:
        return run(self._command(name, *arguments), self._environment, _COMMAND_S, self._folder)

    def _ask(self, script: str) -> Any:
        """Runs a script with Bugsink's models at hand; returns what it tells."""
        head = f"import django, json\ndjango.setup()\ndef tell(what): print({_MARK!r} + json.dumps(what))\n"
        out = self._run("python", "-W", "ignore", "-c", head + script)
        return json.loads(next(line for line in out.splitlines() if line.startswith(_MARK))[len(_MARK) :])

    @contextlib.contextmanager
    def _server(self, descriptor: int) -> Iterator[None]:
        workers = ("--workers=1", "--threads=2", "--worker-tmp-dir", str(self._folder))
        with open(self._folder / "server.log", "wb") as log:
            process = subprocess.Popen(
                self._command("gunicorn", f"--bind=fd://{descriptor}", *workers, "bugsink.wsgi"),
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(descriptor,),
                start_new_session=True,
            )
        self._process = process
        try:
            yield
        finally:
            _end(process)

    def _wait_until_it_answers(self) -> None:
        def answers() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"the server has ended:\n{self.log()[-4000:]}")
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_START_S)
            try:
                connection.request("GET", "/health/ready")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
            finally:
                connection.close()

        _wait(answers, _START_S, "the server does not answer")


def install(environment: Mapping[str, str]) -> Path:
    """Return the interpreter of a virtual environment that holds Bugsink; made by the first who asks.

    Raises:
        RuntimeError: it cannot be installed, as when no package index can be reached.
    """
    key = f"tocsin-bugsink-{VERSION}-python{'.'.join(map(str, sys.version_info[:3]))}-{os.getuid()}"
    home = Path(tempfile.gettempdir()) / key
    python = home / "bin" / "python"
    with _alone(Path(f"{home}.lock")):
        if not _is_usable(home, python):
            shutil.rmtree(home, ignore_errors=True)
            run([sys.executable, "-m", "venv", str(home)], environment, _INSTALL_S)
            quiet = ("--quiet", "--disable-pip-version-check")
            run([str(python), "-m", "pip", "install", *quiet, f"bugsink=={VERSION}"], environment, _INSTALL_S)
            (home / "complete").touch()
    return python


def _is_usable(home: Path, python: Path) -> bool:
    """Whether an installation was finished, and neither it nor the Python that it rests on was removed since."""
    if not (home / "complete").exists():
        return False
    try:
        run([str(python), "-c", "import bugsink, django, gunicorn"], os.environ, _COMMAND_S)
    except (OSError, RuntimeError):
        return False
    return True


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock against other runs; the system lets go of it when its holder ends, however that is."""
    with open(path, "a") as file:

        def is_ours() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        _wait(is_ours, _INSTALL_S, f"another run holds {path}")
        yield


def run(command: list[str], environment: Mapping[str, str], timeout_s: float, folder: Path | None = None) -> str:
    """Run a command to its end and return its output.

    Raises:
        RuntimeError: it failed, or took too long.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{command} is not done after {timeout_s} s") from None
        finally:
            _end(process)
    if process.returncode:
        raise RuntimeError(f"{command} failed:\n{out[-2000:]}\n{err[-4000:]}")
    return out


def _end(process: subprocess.Popen[Any]) -> None:
    """Ends a process and those that it has started, all of the session made for it."""
    if process.returncode is not None:
        return
    process.terminate()
    with contextlib.suppress(RuntimeError):
        _wait(lambda: _has_ended(process), _END_S, "it does not end")
    # Until its end is asked for, its number is nobody else's.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(_END_S)


def _has_ended(process: subprocess.Popen[Any]) -> bool:
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _wait(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what}, after {timeout_s} s")
        time.sleep(0.05)
