"""`python -m tocsin send`: the status says whether the message arrived, one line says why it did not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import pytest

from support.commands import run_command
from support.receiver import CERTIFICATE, Answer, Receiver, unused_port


def test_a_message_is_delivered_with_what_was_asked_for(backend: Any) -> None:
    """The server gets text, level and tags; stdout holds the event's id and nothing else."""
    with Receiver() as server:
        done = run_command(
            backend.name,
            *("send", "disk is full", "--dsn", server.dsn, "--level", "fatal", "--tag", "host=db1", "--tag", "a=b=c"),
        )
        (request,) = server.requests
    event = request.envelope.event
    assert (done.returncode, done.stdout) == (0, event["event_id"] + "\n")
    assert (event["message"], event["level"]) == ("disk is full", "fatal")
    assert event["tags"] == {"host": "db1", "a": "b=c"}
    assert done.stderr == f"waiting for 127.0.0.1:{server.port} ...\n"


def test_the_dsn_can_come_from_the_environment(backend: Any) -> None:
    """`SENTRY_DSN` is used where `--dsn` is not given, and overruled where it is."""
    with Receiver() as server:
        done = run_command(backend.name, "send", "one", SENTRY_DSN=server.dsn)
        assert done.returncode == 0
        with Receiver() as other:
            done = run_command(backend.name, "send", "two", "--dsn", other.dsn, SENTRY_DSN=server.dsn)
            assert done.returncode == 0
            assert [request.envelope.event["message"] for request in other.requests] == ["two"]
        assert [request.envelope.event["message"] for request in server.requests] == ["one"]


def test_a_sample_rate_in_the_environment_does_not_keep_the_message(backend: Any) -> None:
    """Who sends by hand wants it sent."""
    with Receiver() as server:
        done = run_command(backend.name, "send", "one", "--dsn", server.dsn, SENTRY_SAMPLE_RATE="0")
        assert (done.returncode, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500), ("HTTP 500", "the server has failed")),
        (Answer(429, {"Retry-After": "17"}), ("HTTP 429", "limits the rate", "in 17 s")),
        (Answer(429, {"X-Sentry-Rate-Limits": "60:error:key"}), ("HTTP 429", "limits the rate", "in 60 s")),
        (Answer(403, {"X-Sentry-Error": "no such key"}), ("HTTP 403", "check the DSN", "it says: no such key")),
        (Answer(404), ("HTTP 404", "no such project")),
        (Answer(302, {"Location": "/login"}), ("HTTP 302", "redirect")),
        (Answer(418), ("HTTP 418", "refuses the event")),
        (Answer(raw=b"what?\r\n\r\n"), ("no answer", "is the server running")),
    ],
    ids=["failure", "retry_after", "rate_limits", "key", "project", "redirect", "refusal", "no_http"],
)
def test_a_server_that_does_not_take_it_is_told_in_one_line(backend: Any, answer: Answer, words: Any) -> None:
    """Status 1, nothing on stdout, and a line with the answer's status, what it means and what to do."""
    with Receiver(answer) as server:
        done = run_command(backend.name, "send", "one", "--dsn", server.dsn)
    assert (done.returncode, done.stdout) == (1, "")
    waiting, problem = done.stderr.splitlines()
    assert waiting.startswith("waiting for 127.0.0.1:")
    assert problem.startswith("tocsin: not delivered: ")
    assert all(word in problem for word in words), problem


def test_a_server_that_is_down_is_told_in_one_line(backend: Any) -> None:
    """The words are those of the system, not a traceback."""
    done = run_command(backend.name, "send", "one", "--dsn", f"http://key@127.0.0.1:{unused_port()}/1")
    assert (done.returncode, done.stdout) == (1, "")
    problem = done.stderr.splitlines()[1:]
    assert problem == [
        "tocsin: not delivered: no answer: Connection refused: is the server running, and can it be reached from here?"
    ]


def test_a_server_that_does_not_answer_is_given_up_in_time(backend: Any) -> None:
    """`--timeout` ends the wait, also where the server has taken the request and says nothing."""
    answering = threading.Event()
    with Receiver(Answer(until=answering)) as server:
        started = time.monotonic()
        done = run_command(backend.name, "send", "one", "--dsn", server.dsn, "--timeout", "0.5")
        duration_s = time.monotonic() - started
        server.wait_for(1)
        answering.set()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[1:] == [
        f"tocsin: not delivered: no answer from 127.0.0.1:{server.port} within 0.5 s"
    ]
    # The receiver would have answered after 20 s.
    assert 0.5 <= duration_s < 15


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signal to send to one process")
def test_the_wait_can_be_interrupted(backend: Any) -> None:
    """Ctrl-C ends it at once, with the status that shells know and without a traceback."""
    answering = threading.Event()
    command = [sys.executable, "-m", "tocsin", "send", "one", "--timeout", "60", "--dsn"]
    with (
        Receiver(Answer(until=answering)) as server,
        subprocess.Popen(
            [*command, server.dsn],
            env={**os.environ, "TOCSIN_BACKEND": backend.name},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            server.wait_for(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=15)
        finally:
            process.kill()
            answering.set()
    assert (process.returncode, out) == (130, "")
    assert err == f"waiting for 127.0.0.1:{server.port} ...\n"


def test_a_certificate_that_is_not_trusted_is_told_and_a_named_one_is_taken(backend: Any) -> None:
    """The line says that it is the certificate, and what makes it trusted."""
    with Receiver(tls=True) as server:
        done = run_command(backend.name, "send", "one", "--dsn", server.dsn)
        assert done.returncode == 1
        assert "the certificate is not trusted" in done.stderr
        assert "SSL_CERT_FILE" in done.stderr
        done = run_command(backend.name, "send", "one", "--dsn", server.dsn, SSL_CERT_FILE=str(CERTIFICATE))
        assert (done.returncode, len(server.requests)) == (0, 1), done.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (("--dsn", "ftp://key@host/1"), {}, "tocsin: bad DSN in --dsn: Unsupported scheme 'ftp'; a DSN looks like"),
        ((), {"SENTRY_DSN": "http://host/1"}, "tocsin: bad DSN in SENTRY_DSN: Missing public key; a DSN looks like"),
        ((), {}, "tocsin: there is no DSN: give --dsn, or set SENTRY_DSN"),
        (("--dsn", ""), {"SENTRY_DSN": "http://key@host/1"}, "tocsin: there is no DSN"),
        (("--dsn", "http://key@host/1"), {"SENTRY_KEEP_ALIVE": "perhaps"}, "SENTRY_KEEP_ALIVE"),
        (("--dsn", "http://key@host/1", "--tag", "novalue"), {}, "'novalue' is not KEY=VALUE"),
        (("--dsn", "http://key@host/1", "--level", "loud"), {}, "invalid choice: 'loud'"),
        (("--dsn", "http://key@host/1", "--timeout", "nan"), {}, "'nan' is no number of seconds"),
    ],
    ids=["scheme", "environment", "none", "empty", "option", "tag", "level", "timeout"],
)
def test_what_cannot_be_used_is_a_usage_error(backend: Any, arguments: Any, environment: Any, words: str) -> None:
    """Status 2, and a message that names what is wrong; nothing is sent."""
    done = run_command(backend.name, "send", "one", *arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_no_key_of_a_bad_dsn_is_printed(backend: Any) -> None:
    """What is on a screen, or in the log of a job, is no place for keys."""
    done = run_command(backend.name, "send", "one", "--dsn", "http://topsecret:evenmore@host:99999/1")
    assert done.returncode == 2
    assert "Invalid port" in done.stderr
    assert "topsecret" not in done.stderr
    assert "evenmore" not in done.stderr
