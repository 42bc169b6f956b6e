"""What happens to queued events when the program ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

import pytest

from support.hooks import Outcome
from support.receiver import Answer, Receiver

Run = Callable[..., Outcome]
_INIT = "import os, sys, time, tocsin\n"


def test_queued_events_are_delivered_at_exit(run_program: Run) -> None:
    """What was captured right before the end arrives; nothing is printed."""
    outcome = run_program(
        _INIT + "tocsin.init(os.environ['DSN'])\nfor number in range(20):\n    tocsin.capture_message(str(number))\n"
    )
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert [event["message"] for event in outcome.events] == [str(number) for number in range(20)]


def test_every_client_is_flushed(run_program: Run) -> None:
    """Clients that are not in force any more deliver at exit too."""
    outcome = run_program(
        _INIT + "clients = [tocsin.init(os.environ['DSN']) for _ in range(3)]\n"
        "for number, client in enumerate(clients):\n    client.capture_message(str(number))\n"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(event["message"] for event in outcome.events) == ["0", "1", "2"]


@pytest.mark.parametrize(("closed", "flushed"), [(0, ["0", "1"]), (1, ["1"]), (2, [])])
def test_each_open_client_is_flushed_once(run_program: Run, closed: int, flushed: list[str]) -> None:
    """At exit every client that is not closed is flushed, once, by however many calls of `init` there were."""
    outcome = run_program(
        _INIT + "clients = [tocsin.init('', transport='memory') for _ in range(2)]\n"
        f"for client in clients[:{closed}]:\n    client.close()\n"
        "for number, client in enumerate(clients):\n"
        "    client.flush = lambda *arguments, number=number: print(number)\n"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(outcome.out.split()) == flushed


def test_nothing_is_called_at_exit_once_all_clients_are_closed(run_program: Run) -> None:
    """Closing the last client takes the exit callback away; another `init` puts it back."""
    source = (
        _INIT + "import tocsin.integrations.atexit as ours\n"
        "tocsin.init('', transport='memory').close()\n"
        "ours.monotonic = lambda: print('called') or 0.0\n"
    )
    assert run_program(source).out == ""
    assert "called" in run_program(source + "tocsin.init('', transport='memory')\n").out


def test_without_the_integration_nothing_waits(run_program: Run) -> None:
    """With `disabled_integrations=["atexit"]` the program ends without a flush."""
    with Receiver(Answer(until=Event())) as slow:
        started_s = time.monotonic()
        outcome = run_program(
            _INIT + "tocsin.init(os.environ['SLOW'], disabled_integrations=['atexit'], shutdown_timeout=60)\n"
            "tocsin.capture_message('a')\n",
            SLOW=slow.dsn,
        )
        assert (outcome.code, outcome.err) == (0, "")
        assert time.monotonic() - started_s < 30


@pytest.mark.parametrize("clients", [1, 3])
def test_the_time_at_exit_is_bounded_for_all_clients_together(run_program: Run, clients: int) -> None:
    """A server that never answers holds up the end for `shutdown_timeout`, however many clients wait for it."""
    until = Event()
    with Receiver(*[Answer(until=until) for _ in range(8)]) as slow:
        outcome = run_program(
            _INIT + "import atexit\n"
            "def told():\n    print(time.monotonic() - started_s)\n"
            "atexit.register(told)\n"
            f"clients = [tocsin.init(os.environ['SLOW'], shutdown_timeout=0.5) for _ in range({clients})]\n"
            "for client in clients:\n    client.capture_message('a')\n"
            "started_s = time.monotonic()\n",
            SLOW=slow.dsn,
        )
        until.set()
    assert outcome.err == ""
    assert 0.45 <= float(outcome.out) < 1.4


def test_an_idle_client_costs_no_time_at_exit(run_program: Run) -> None:
    """Where nothing is queued the end is not held up at all."""
    outcome = run_program(
        _INIT + "import atexit\n"
        "atexit.register(lambda: print(time.monotonic() - started_s))\n"
        "tocsin.init(os.environ['DSN'], shutdown_timeout=60)\n"
        "tocsin.capture_message('a')\n"
        "assert tocsin.flush(30)\n"
        "started_s = time.monotonic()\n"
    )
    assert outcome.code == 0, outcome.err
    assert float(outcome.out) < 1.0
    assert len(outcome.events) == 1


_SLOW = (
    _INIT + "from tocsin.integrations.atexit import AtexitIntegration\n"
    "def callback(pending, timeout):\n    print(pending, round(timeout, 1))\n"
    "tocsin.init(os.environ['SLOW'], {}, shutdown_timeout=0.5)\n"
    "tocsin.capture_message('a')\n"
)


@pytest.mark.parametrize(
    ("options", "out", "err"),
    [
        ("integrations=[AtexitIntegration(callback=callback)]", "1 0.5\n", ""),
        ("debug=False", "", ""),
        ("debug=True", "", "waits up to 0.5 s for 1 pending; Ctrl-C to quit"),
    ],
)
def test_a_wait_that_is_noticed_is_told(run_program: Run, options: str, out: str, err: str) -> None:
    """A wait goes to the callback, with the number of events and the time; by default to those who debug only."""
    until = Event()
    with Receiver(*[Answer(until=until) for _ in range(4)]) as slow:
        outcome = run_program(_SLOW.replace("{}", options), SLOW=slow.dsn)
        until.set()
    assert outcome.code == 0
    assert outcome.out == out
    assert err in outcome.err
    assert bool(outcome.err) == bool(err)


def test_an_interrupt_ends_the_wait(run_program: Run) -> None:
    """Ctrl-C while the program waits for a server that does not answer makes it end at once."""
    until = Event()
    with Receiver(*[Answer(until=until) for _ in range(4)]) as slow:
        started_s = time.monotonic()
        run_program(
            _INIT + "import signal, threading\n"
            "from tocsin.integrations.atexit import AtexitIntegration\n"
            "interrupt = lambda pending, timeout: signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
            "signal.signal(signal.SIGALRM, signal.default_int_handler)\n"
            "tocsin.init(os.environ['SLOW'], shutdown_timeout=50, integrations=[AtexitIntegration(interrupt)])\n"
            "tocsin.capture_message('a')\n",
            SLOW=slow.dsn,
        )
        until.set()
    assert time.monotonic() - started_s < 25
