"""A program with something of every kind to capture, sent to the server whose DSN it is given.

`python -m conformance.bugsink_program DSN`; its environment is the twin that it runs on.
"""

from __future__ import annotations

import builtins
import logging
import sys
import threading

import tocsin


def pay(order: int, password: str) -> None:
    prices = {"tea": 4, "cake": [1, 2]}
    charge(order, len(prices))


def charge(order: int, amount: int) -> None:
    try:
        raise ConnectionError("the bank hangs up")
    except ConnectionError as error:
        raise ValueError(f"order {order} is not paid") from error


def a_chain() -> None:
    with tocsin.isolation_scope() as scope:
        scope.set_tag("shop", "north")
        scope.set_user({"id": "7", "username": "ada"})
        tocsin.add_breadcrumb(category="cart", message="cake chosen", data={"sum": 84})
        tocsin.add_breadcrumb(category="cart", message="pay pressed", level="warning")
        try:
            pay(5, "hunter2")
        except ValueError:
            tocsin.capture_exception(tags={"step": "pay"})


def a_message() -> None:
    logging.getLogger("shop").error("%s of %d lamps are broken", "three", 9)


def a_group() -> None:
    if sys.version_info >= (3, 11):
        try:
            raise builtins.ExceptionGroup("two stops failed", [KeyError("first"), OSError("second")])
        except builtins.ExceptionGroup:
            tocsin.capture_exception()


def an_event_by_hand() -> None:
    value = {"type": "Timeout", "value": "no answer from the printer"}
    tocsin.capture_event({"exception": {"values": [value]}, "level": "fatal", "tags": {"printer": "lp0"}})


def count_lamps(shelf: None) -> int:
    return len(shelf)  # type: ignore[arg-type]


def an_uncaught_error() -> None:
    thread = threading.Thread(target=count_lamps, args=(None,))
    thread.start()
    thread.join()


def main() -> None:
    # What Python prints of the thread is of no interest.
    threading.excepthook = lambda _: None
    tocsin.init(sys.argv[1], release="shop@1.4.2", environment=tocsin.backend(), server_name="till-3")
    for scenario in (a_chain, a_message, a_group, an_event_by_hand, an_uncaught_error):
        scenario()
    assert tocsin.flush(30)
    account = tocsin.stats()
    assert account.captured == account.delivered > 0, account


if __name__ == "__main__":
    main()
