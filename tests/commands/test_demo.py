"""`python -m tocsin demo`: real failures, sent over HTTP, shown as they arrived; the status says whether all did."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from support.commands import run_command, run_script
from support.receiver import Answer, Receiver, unused_port

HAS_GROUPS = sys.version_info >= (3, 11)
FAILURES = 5 if HAS_GROUPS else 4


@pytest.fixture(scope="module")
def shown(backend: Any) -> Any:
    """The demo, run once for each twin."""
    return run_command(backend.name, "demo")


def _block(output: str, title: str) -> list[str]:
    """The lines of the event with that title, without the number before it."""
    for block in output.split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0][3:].startswith(title):
            return lines[1:]
    raise AssertionError(f"no event {title!r} in:\n{output}")


def test_every_event_arrives_and_the_account_sums_up(shown: Any) -> None:
    """Each failure happens once to be shown and 60 times more to be measured; none of the events is lost."""
    assert shown.returncode == 0, shown.stdout + shown.stderr
    captured = FAILURES * 61
    assert f"account  {captured} captured = {captured} delivered + 0 pending + 0 dropped\n" in shown.stdout
    assert re.search(rf"^server   {captured} events on 1 connection, \d+ kB of gzip", shown.stdout, re.MULTILINE)


def test_it_says_which_core_ran_and_why(shown: Any, backend: Any) -> None:
    """The choice of the twin and its reason stand at the top."""
    words = {"core": "the compiled core", "pure": "the pure Python twin"}[backend.name]
    assert shown.stdout.splitlines()[1] == f"core     {words} (TOCSIN_BACKEND={backend.name})"


def test_nested_calls_show_lines_and_locals_and_no_secret(shown: Any) -> None:
    """Each frame has its line of source and its locals; the value with a telling name was masked before it was sent."""
    lines = "\n".join(_block(shown.stdout, "KeyError: 'barley'"))
    for function, source in (
        ("sell", "charge(Order(1207,"),
        ("charge", "total_cents = total(order)"),
        ("total", "return round(price(order.bread)"),
        ("price", "return PRICES_CENTS[bread]"),
    ):
        assert re.search(rf"^ +{function}:\d+ +{re.escape(source)}", lines, re.MULTILINE), lines
    assert "order = <bakery.Order number=1207" in lines
    assert "bread = 'barley'" in lines
    assert "payment_token = [Filtered]" in lines
    assert "tok_live" not in shown.stdout
    assert "before  counter: ada asks for bread; query: SELECT * FROM shelf {rows: 3}" in lines
    assert "tags    counter=harbour  user ada" in lines


def test_a_chain_is_shown_as_one(shown: Any) -> None:
    """The cause stands below what it caused, with the frame it was raised in."""
    lines = "\n".join(_block(shown.stdout, "OvenError: order 1208 stays cold"))
    assert re.search(r"└─ caused by ZeroDivisionError: division by zero\n +minutes:\d+ +return joules / watts", lines)


@pytest.mark.skipif(not HAS_GROUPS, reason="exception groups came with Python 3.11")
def test_a_group_is_shown_as_a_tree(shown: Any) -> None:
    """Each error of a group has its branch."""
    lines = "\n".join(_block(shown.stdout, "ExceptionGroup: 2 of 3 stops failed (2 sub-exceptions)"))
    assert re.search(r"├─ \[0\] ValueError: .*'12b'\n   │ +ring_at:\d+", lines)
    assert re.search(r"└─ \[1\] KeyError: 'castle'\n +ring_at:\d+", lines)


def test_an_error_that_ends_a_thread_is_unhandled(shown: Any) -> None:
    """It came by the hook for threads, and Python's own traceback does not tear the picture."""
    facts, *lines = _block(shown.stdout, "ValueError: could not convert string to float: 'n/a'")
    assert facts.startswith("   error, unhandled, mechanism threading, ")
    assert lines[0] == "   … 2 frames of threading"
    assert "Traceback" not in shown.stdout + shown.stderr


def test_a_message_has_no_stack(shown: Any) -> None:
    """It has its level, breadcrumbs and tags."""
    facts, *lines = _block(shown.stdout, "flour for three more hours")
    assert facts.startswith("   warning, a message, ")
    assert lines == ["   before  store: 40 kg taken out", "   tags    store=cellar"]


def test_what_the_caller_paid_is_told_for_each_failure(shown: Any) -> None:
    """The first time and what came after are told apart, and the output says what the two mean."""
    costs = re.findall(r", (\d+) µs first, (\d+) µs since$", shown.stdout, re.MULTILINE)
    assert len(costs) == FAILURES
    assert all(int(first) > 0 and int(since) > 0 for first, since in costs)
    assert "since: the median of 60 more in a row on one thread" in shown.stdout


def test_the_output_is_calm(shown: Any) -> None:
    """No line is wider than 100 characters, none has an escape sequence off a terminal, and all fits two screens."""
    lines = shown.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) <= 80
    assert "\x1b" not in shown.stdout
    assert all(line == line.rstrip() for line in lines)
    assert len(shown.stderr.splitlines()) == 1
    assert shown.stderr.startswith("waiting for the server ...")


def test_an_event_that_gets_lost_is_a_failure(backend: Any) -> None:
    """Status 1 if a single event is missing at the receiver, even though the sender was told that it was taken."""
    script = """
import sys
from tocsin.__main__ import main
from tocsin.commands.receiver import Receiver

take = Receiver.take

def forgetful(self, *request):
    status, event_id = take(self, *request)
    if self.requests == 100:
        del self.events[event_id]
    return status, event_id

Receiver.take = forgetful
sys.exit(main(["demo"]))
"""
    done = run_script(backend.name, script)
    assert done.returncode == 1
    assert done.stderr.splitlines()[1:] == [
        f"tocsin: 1 of {FAILURES * 61} events did not arrive",
        "tocsin: the account does not fit what the server received",
    ]


def test_what_the_receiver_cannot_take_is_a_failure(backend: Any) -> None:
    """Status 1, and one line has the reason that the server gave."""
    script = """
import sys
from tocsin.__main__ import main
from tocsin.commands.receiver import Receiver

Receiver.take = lambda self, *request: (503, "")
sys.exit(main(["demo"]))
"""
    done = run_script(backend.name, script)
    assert done.returncode == 1
    assert f"+ 0 pending + {FAILURES * 61} dropped ({FAILURES * 61} send_error)" in done.stdout
    assert "tocsin: HTTP 503: the server has failed" in done.stderr


def test_a_proxy_of_the_environment_is_not_used_for_the_receiver(backend: Any) -> None:
    """The receiver is in the same process: no proxy leads there."""
    dead = f"http://127.0.0.1:{unused_port()}"
    done = run_command(backend.name, "demo", http_proxy=dead, all_proxy=dead)
    assert done.returncode == 0, done.stderr


def test_a_stream_that_lacks_the_letters_gets_plain_ones(backend: Any) -> None:
    """An encoding without box drawing and micro signs does not end the demo."""
    done = run_command(backend.name, "demo", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "`- caused by ZeroDivisionError" in done.stdout
    assert " us since" in done.stdout


def test_with_a_dsn_the_events_go_to_that_server(backend: Any) -> None:
    """Each failure is sent once; the ids that are printed are those that arrived."""
    with Receiver() as server:
        done = run_command(backend.name, "demo", "--dsn", server.dsn)
        events = {request.envelope.event["event_id"]: request.envelope.event for request in server.requests}
    assert done.returncode == 0, done.stderr
    assert len(events) == FAILURES
    printed = re.findall(r"^([0-9a-f]{32})  delivered {6}(\w+)$", done.stdout, re.MULTILINE)
    assert {event_id for event_id, _ in printed} == set(events)
    assert f"account  {FAILURES} captured = {FAILURES} delivered + 0 pending + 0 dropped\n" in done.stdout
    for event in events.values():
        values = event.get("exception", {}).get("values", [])
        frames = [frame for value in values for frame in value.get("stacktrace", {}).get("frames", ())]
        own = [frame for frame in frames if frame["module"] == "bakery"]
        assert bool(own) == bool(values)
        assert all(frame["in_app"] is True for frame in own)
        assert not [frame for frame in frames if frame["module"].startswith("tocsin")]


def test_a_server_that_is_down_is_told(backend: Any) -> None:
    """Status 1, no event is called delivered, and the line on stderr says why."""
    done = run_command(backend.name, "demo", "--dsn", f"http://key@127.0.0.1:{unused_port()}/1")
    assert done.returncode == 1
    assert len(re.findall(r"^[0-9a-f]{32}  not delivered  \w+$", done.stdout, re.MULTILINE)) == FAILURES
    assert "  delivered" not in done.stdout
    assert "tocsin: no answer: Connection refused" in done.stderr


def test_a_server_that_takes_some_only_is_a_failure(backend: Any) -> None:
    """One refusal among deliveries is enough for status 1; the account has it."""
    with Receiver(Answer(200), Answer(500)) as server:
        done = run_command(backend.name, "demo", "--dsn", server.dsn)
    assert done.returncode == 1
    assert f"{FAILURES} captured = {FAILURES - 1} delivered + 0 pending + 1 dropped (1 send_error)" in done.stdout
    assert len(re.findall(r"^[0-9a-f]{32}  not delivered  \w+$", done.stdout, re.MULTILINE)) == 1
    assert "tocsin: HTTP 500: the server has failed" in done.stderr


def test_a_bad_dsn_is_a_usage_error(backend: Any) -> None:
    """Status 2, before anything fails."""
    done = run_command(backend.name, "demo", "--dsn", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tocsin: bad DSN in --dsn: ")
