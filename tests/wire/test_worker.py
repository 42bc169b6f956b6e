"""The worker: one thread that delivers what was handed over, and the flush that waits for it."""

from __future__ import annotations

import _thread
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.receiver import wait_until
from support.transports import Sink
from tocsin._backend import Handoff
from tocsin.transport.worker import Worker


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.gate.set()


@pytest.fixture
def make_worker(sink: Sink) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(deliver: Any = None, capacity: int = 100, **kwargs: Any) -> Worker:
        workers.append(Worker(Handoff(capacity, 1000), deliver or sink, **kwargs))
        return workers[-1]

    yield make
    sink.gate.set()
    for worker in workers:
        assert worker.stop(20)


def _no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", refuse)


def test_items_are_delivered_in_order_on_one_other_thread(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """The first offer starts the thread, which delivers everything in the order offered."""
    worker = make_worker()
    assert not worker.is_alive
    assert all(worker.offer(number, 1) for number in range(50))
    assert worker.is_alive
    assert worker.flush(20) is True
    assert sink.items == list(range(50))
    assert len(sink.threads) == 1
    assert _thread.get_ident() not in sink.threads


def test_no_thread_before_the_first_offer(make_worker: Callable[..., Worker]) -> None:
    """Making a worker, asking it and flushing it start nothing."""
    before = _thread._count()
    worker = make_worker()
    assert worker.flush(1) is True
    assert worker.pending == 0
    assert not worker.is_alive
    assert _thread._count() == before


def test_many_first_offers_start_one_thread(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """Threads that offer at the same moment get one worker thread between them."""
    worker = make_worker()
    start = threading.Barrier(8)

    def offer(number: int) -> None:
        start.wait(20)
        worker.offer(number, 1)

    threads = [threading.Thread(target=offer, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert worker.flush(20)
    assert sorted(sink.items) == list(range(8))
    assert len(sink.threads) == 1


def test_an_offer_without_room_fails_at_once(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """Full in items or in bytes: False, without waiting for the delivery that is under way."""
    worker = make_worker(capacity=2)
    sink.gate.clear()
    assert worker.offer("in delivery", 1)
    assert sink.entered.wait(20)
    assert worker.offer("queued", 1)
    assert not worker.offer("too many bytes", 1000)
    assert worker.offer("queued too", 1)
    assert not worker.offer("no place", 1)
    assert worker.pending == 3
    sink.gate.set()
    assert worker.flush(20)
    assert sink.items == ["in delivery", "queued", "queued too"]
    assert worker.pending == 0


def test_flush_waits_for_the_delivery_under_way(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """An item that has left the queue but not the worker is not settled; flush says so within its time."""
    worker = make_worker()
    sink.gate.clear()
    worker.offer("slow", 1)
    assert sink.entered.wait(20)
    start = time.monotonic()
    assert worker.flush(0.05) is False
    assert worker.flush(0) is False
    assert worker.flush(-1) is False
    assert worker.flush(float("nan")) is False
    assert time.monotonic() - start < 5
    sink.gate.set()
    assert worker.flush(float("inf")) is True
    assert sink.items == ["slow"]


def test_flush_asks_only_for_what_was_offered_before(make_worker: Callable[..., Worker]) -> None:
    """A producer that never pauses does not keep flush from its answer."""
    gates = {name: threading.Event() for name in ("before", "after")}
    entered = {name: threading.Event() for name in gates}

    def deliver(item: str) -> None:
        entered[item].set()
        assert gates[item].wait(20)

    worker = make_worker(deliver)
    worker.offer("before", 1)
    assert entered["before"].wait(20)
    answers: list[bool] = []
    flusher = threading.Thread(target=lambda: answers.append(worker.flush(20)))
    flusher.start()
    wait_until(lambda: worker._waiters, "the flush")
    worker.offer("after", 1)
    gates["before"].set()
    flusher.join(20)
    assert answers == [True]
    assert not gates["after"].is_set()
    gates["after"].set()


def test_several_flushes_are_all_answered(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """Each thread that waits gets its answer."""
    worker = make_worker()
    sink.gate.clear()
    worker.offer("x", 1)
    assert sink.entered.wait(20)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(worker.flush(20))) for _ in range(5)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(worker._waiters) == 5, "five waiters")
    sink.gate.set()
    for thread in threads:
        thread.join(20)
    assert answers == [True] * 5
    assert worker._waiters == []


def test_a_flush_that_gives_up_leaves_nothing_behind(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """Flushing in vain many times does not grow the worker."""
    worker = make_worker()
    sink.gate.clear()
    worker.offer("x", 1)
    for _ in range(10):
        assert not worker.flush(0.001)
    assert worker._waiters == []


def test_a_thread_that_cannot_start_is_absorbed(
    make_worker: Callable[..., Worker],
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where the system has no thread to give, offers succeed and flush delivers on the calling thread."""
    _no_threads(monkeypatch)
    worker = make_worker(name="tocsin.test-worker")
    assert worker.offer(1, 1)
    assert worker.offer(2, 1)
    assert not worker.is_alive
    assert worker.pending == 2
    assert worker.flush(20) is True
    assert sink.items == [1, 2]
    assert sink.threads == {_thread.get_ident()}
    assert "Traceback" not in capsys.readouterr().err


def test_a_later_offer_tries_again_to_start(
    make_worker: Callable[..., Worker], sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shortage of threads that has passed leaves nothing undelivered."""
    worker = make_worker()
    with monkeypatch.context() as patch:
        _no_threads(patch)
        worker.offer(1, 1)
    worker.offer(2, 1)
    assert worker.is_alive
    assert worker.flush(20)
    assert sink.items == [1, 2]
    assert _thread.get_ident() not in sink.threads


def test_a_flush_without_a_thread_keeps_to_its_time(
    make_worker: Callable[..., Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Deliveries on the flushing thread end at its deadline, which they can read; what is left stays queued."""
    _no_threads(monkeypatch)
    seen: list[float] = []

    def deliver(item: Any) -> None:
        deadline = worker.deadline_s
        assert deadline is not None
        seen.append(deadline - time.monotonic())
        wait_until(lambda: time.monotonic() >= deadline, "the deadline")

    worker = make_worker(deliver)
    worker.offer(1, 1)
    worker.offer(2, 1)
    assert worker.flush(0.05) is False
    assert len(seen) == 1
    assert 0 < seen[0] <= 0.05
    assert worker.pending == 1
    assert worker.deadline_s is None
    assert worker.flush(0) is False


@pytest.mark.internal_errors
def test_a_delivery_that_raises_does_not_end_the_worker(
    make_worker: Callable[..., Worker], capsys: pytest.CaptureFixture[str]
) -> None:
    """The next item is delivered all the same, the failed one is settled, and no traceback is printed."""
    delivered = []

    def deliver(item: int) -> None:
        if item % 2:
            raise ValueError(item)
        delivered.append(item)

    worker = make_worker(deliver)
    for number in range(6):
        worker.offer(number, 1)
    assert worker.flush(20) is True
    assert delivered == [0, 2, 4]
    assert worker.pending == 0
    assert capsys.readouterr().err == ""


def test_a_worker_that_was_ended_from_within_is_replaced(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """SystemExit in a delivery ends the thread quietly; the next offer starts another, and a flush is answered."""

    def deliver(item: int) -> None:
        if item == 1:
            raise SystemExit
        sink(item)

    worker = make_worker(deliver)
    worker.offer(1, 1)
    worker.offer(2, 1)
    assert worker.flush(20) is True
    worker.offer(3, 1)
    assert worker.flush(20) is True
    assert sink.items == [2, 3]


def test_idle_work_is_done_before_a_flush_is_answered(make_worker: Callable[..., Worker]) -> None:
    """`on_idle` runs between the call of flush and its True: on the worker, or, where none runs, on the caller."""
    idles: list[int] = []
    worker = make_worker(on_idle=lambda: idles.append(_thread.get_ident()))
    assert worker.flush(20)
    assert idles == [_thread.get_ident()]
    worker.offer(1, 1)
    for _ in range(3):
        idles.clear()
        assert worker.flush(20)
        assert idles
        assert _thread.get_ident() not in idles


@pytest.mark.internal_errors
def test_idle_work_comes_with_time(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """Nothing offered for the interval: `on_idle` runs, again and again, also if it raises."""
    idles = []

    def idle() -> None:
        idles.append(1)
        raise RuntimeError

    worker = make_worker(on_idle=idle, idle_interval_s=0.001)
    worker.offer(1, 1)
    wait_until(lambda: len(idles) >= 3, "three idle calls")
    worker.offer(2, 1)
    assert worker.flush(20)
    assert sink.items == [1, 2]


def test_a_flush_from_within_a_delivery_does_not_wait_for_itself(make_worker: Callable[..., Worker]) -> None:
    """User code that runs inside a delivery may flush: it gets False at once, on the worker as on a flushing thread."""
    answers = []

    def deliver(item: Any) -> None:
        answers.append((worker.flush(60), worker.stop(60) if item == "stop" else None))

    worker = make_worker(deliver)
    worker.offer("x", 1)
    start = time.monotonic()
    assert worker.flush(20)
    with pytest.MonkeyPatch.context() as patch:
        _no_threads(patch)
        other = make_worker(lambda item: answers.append((other.flush(60), None)))
        other.offer("x", 1)
        assert other.flush(20)
    worker.offer("stop", 1)
    wait_until(lambda: not worker.is_alive, "the end of the worker")
    assert answers == [(False, None), (False, None), (False, False)]
    assert time.monotonic() - start < 30


def test_stop_ends_the_thread_and_later_offers_fail(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """An idle worker ends at once; what is offered later is refused, what was queued waits for a flush."""
    worker = make_worker()
    worker.offer(1, 1)
    assert worker.flush(20)
    assert worker.stop(20) is True
    assert not worker.is_alive
    assert worker.offer(2, 1) is False
    assert worker.stop(0) is True
    assert worker.flush(1) is True


def test_stop_waits_no_longer_than_told(make_worker: Callable[..., Worker], sink: Sink) -> None:
    """A worker in the middle of a delivery is not waited for; it ends after it, and a waiting flush is answered."""
    worker = make_worker()
    sink.gate.clear()
    worker.offer("slow", 1)
    worker.offer("never", 1)
    assert sink.entered.wait(20)
    assert worker.stop(0.01) is False
    answers: list[bool] = []
    flusher = threading.Thread(target=lambda: answers.append(worker.flush(20)))
    flusher.start()
    sink.gate.set()
    flusher.join(20)
    wait_until(lambda: not worker.is_alive, "the end of the worker")
    assert answers == [True]
    assert sink.items == ["slow", "never"]


def test_nothing_is_kept_alive_while_the_worker_sleeps(make_worker: Callable[..., Worker]) -> None:
    """Once delivered, an item is gone."""

    class Item:
        pass

    worker = make_worker(lambda item: None)
    item = Item()
    gone = weakref.ref(item)
    worker.offer(item, 1)
    del item
    assert worker.flush(20)
    wait_until(lambda: gone() is None, "the item's end")


def test_the_first_offer_may_be_interrupted_by_another(
    make_worker: Callable[..., Worker], sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal handler that offers while the thread is being started neither waits nor starts a second one."""
    worker = make_worker()
    start = _thread.start_new_thread
    started: list[int] = []

    def interrupted(function: Any, arguments: Any) -> int:
        if not started:
            started.append(1)
            assert worker.offer("inner", 1)
        started.append(2)
        return start(function, arguments)

    monkeypatch.setattr(_thread, "start_new_thread", interrupted)
    assert worker.offer("outer", 1)
    assert worker.flush(20)
    assert started == [1, 2]
    assert sink.items == ["outer", "inner"]
