"""What keeps hooks from disturbing those they are called by."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from tocsin.integrations.guard import Nesting, absorb


def test_a_thread_enters_so_often_and_no_more() -> None:
    """Up to the depth it enters, then it is refused; leaving makes room; other threads are not concerned."""
    nesting = Nesting(2)
    assert not nesting
    assert [nesting.enter() for _ in range(3)] == [True, True, False]
    nesting.leave()
    assert [nesting.enter() for _ in range(2)] == [True, False]
    others: list[bool] = []
    thread = threading.Thread(target=lambda: others.extend(nesting.enter() for _ in range(3)))
    thread.start()
    thread.join(30)
    assert others == [True, True, False]
    nesting.leave()
    nesting.leave()
    assert nesting.enter()


def test_a_forked_child_knows_its_own_thread_only() -> None:
    """In the child the threads of the parent are not inside any more; the one that forked is where it was."""
    nesting = Nesting(1)
    thread = threading.Thread(target=nesting.enter)
    thread.start()
    thread.join(30)
    nesting.after_fork_in_child()
    assert not nesting
    assert nesting.enter()
    nesting.after_fork_in_child()
    assert not nesting.enter()


@pytest.mark.internal_errors
def test_a_failure_of_our_own_is_absorbed() -> None:
    """An exception that came of our own doing goes no further."""
    try:
        raise ValueError("a")
    except ValueError as failure:
        absorb("here", failure)


def test_what_a_signal_handler_raised_is_not_absorbed() -> None:
    """An exception that a handler of a signal raised is raised again."""

    class TimeLimit(Exception):
        pass

    def handler(number: int, frame: Any) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        try:
            signal.raise_signal(signal.SIGUSR1)
        except TimeLimit as failure:
            with pytest.raises(TimeLimit):
                absorb("here", failure)
        else:
            pytest.fail("the signal did not arrive")
    finally:
        signal.signal(signal.SIGUSR1, before)
