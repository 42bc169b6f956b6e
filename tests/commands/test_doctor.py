"""`python -m tocsin doctor`: each fact and each problem on a line of its own, and a status that can be relied on."""

from __future__ import annotations

import re
from typing import Any

from support.commands import run_command
from support.receiver import KEY, Answer, Receiver, unused_port
from tocsin._version import VERSION


def _lines(output: str) -> dict[str, str]:
    """The mark and the text of each line of the report, by its name."""
    found = {}
    for line in output.splitlines():
        match = re.fullmatch(r" *(ok|note|BAD)  (\w+) +(.*)", line)
        if match:
            found[match[2]] = f"{match[1]} {match[3]}"
    return found


def test_an_event_is_sent_to_see_it_arrive(backend: Any) -> None:
    """With a DSN one message goes out; the report has its id and what there is to know about this installation."""
    with Receiver() as server:
        done = run_command(backend.name, "doctor", "--dsn", server.dsn)
        (request,) = server.requests
    assert done.returncode == 0, done.stdout + done.stderr
    event_id = request.envelope.event["event_id"]
    lines = _lines(done.stdout)
    assert re.fullmatch(rf"ok event {event_id} was taken after \d+ ms", lines["delivery"])
    assert lines["tocsin"].startswith(f"ok {VERSION} in ")
    assert lines["python"].startswith("ok CPython 3.")
    assert lines["core"].startswith("ok compiled" if backend.name == "core" else "note the pure Python twin")
    assert f"TOCSIN_BACKEND={backend.name}" in lines["core"]
    assert re.match(r"ok \d", lines["urllib3"])
    assert lines["dsn"] == f"ok from --dsn: {server.url}/api/42/envelope/"
    assert done.stdout.splitlines()[-1] == "all is well"


def test_the_parts_of_a_dsn_are_shown_without_its_keys(backend: Any) -> None:
    """A report is pasted into issues: neither key can be read in it."""
    with Receiver() as server:
        dsn = server.dsn.replace("@", ":thesecret@")
        done = run_command(backend.name, "doctor", SENTRY_DSN=dsn)
    assert done.returncode == 0
    assert f"http, host 127.0.0.1, port {server.port}, project 42, key {KEY[:4]}…, secret key" in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert "thesecret" not in done.stdout + done.stderr


def test_no_dsn_is_a_notice_and_no_problem(backend: Any) -> None:
    """Nothing would be sent, which may be meant so."""
    done = run_command(backend.name, "doctor")
    assert done.returncode == 0, done.stdout
    lines = _lines(done.stdout)
    assert lines["dsn"].startswith("note none: nothing would be sent")
    assert "delivery" not in lines


def test_a_bad_dsn_is_a_problem(backend: Any) -> None:
    """The report is complete nevertheless, and names the part at fault."""
    done = run_command(backend.name, "doctor", SENTRY_DSN="https://key@host/project")
    assert done.returncode == 1
    lines = _lines(done.stdout)
    assert lines["dsn"].startswith("BAD bad DSN in SENTRY_DSN: Invalid project in DSN ('project')")
    assert lines["urllib3"].startswith("ok ")
    assert done.stdout.splitlines()[-1] == "1 problem"


def test_a_server_that_is_down_is_a_problem(backend: Any) -> None:
    """The line says what happened and what to look at."""
    done = run_command(backend.name, "doctor", "--dsn", f"http://key@127.0.0.1:{unused_port()}/1")
    assert done.returncode == 1
    assert _lines(done.stdout)["delivery"] == (
        "BAD no answer: Connection refused: is the server running, and can it be reached from here?"
    )


def test_a_server_that_refuses_is_a_problem(backend: Any) -> None:
    """The line has the status and what it means."""
    with Receiver(Answer(401)) as server:
        done = run_command(backend.name, "doctor", "--dsn", server.dsn)
    assert done.returncode == 1
    assert _lines(done.stdout)["delivery"] == "BAD HTTP 401: the server does not take the key: check the DSN"


def test_what_would_make_init_fail_is_a_problem(backend: Any) -> None:
    """A variable in the environment that `init()` cannot read is named."""
    done = run_command(backend.name, "doctor", SENTRY_SAMPLE_RATE="often")
    assert done.returncode == 1
    assert "SENTRY_SAMPLE_RATE" in _lines(done.stdout)["options"]


def test_a_proxy_is_shown_without_its_credentials(backend: Any) -> None:
    """A proxy nobody thought of is the commonest reason why nothing arrives."""
    with Receiver() as proxy:
        url = f"http://user:hunter2@127.0.0.1:{proxy.port}"
        done = run_command(backend.name, "doctor", "--dsn", "http://key@sentry.invalid/1", http_proxy=url)
        assert [request.path for request in proxy.requests] == ["http://sentry.invalid/api/1/envelope/"]
    assert done.returncode == 0, done.stdout
    assert _lines(done.stdout)["proxy"] == f"note http://127.0.0.1:{proxy.port}, from the environment"
    assert "hunter2" not in done.stdout + done.stderr
