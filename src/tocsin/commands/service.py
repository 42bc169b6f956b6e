"""A small bakery that fails as services do; the demo's application, which knows of tocsin what any application knows.

The demo loads this file under the module name `bakery`, because frames of tocsin's own modules are not reported.
"""

from __future__ import annotations

import sys
import threading

import tocsin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Capture = Callable[..., str | None]

PRICES_CENTS = {"rye": 420, "oat": 390, "spelt": 510}
HOUSES = {"harbour": "7", "mill lane": "12b"}
WALLETS = {"ada": "tok_live_51Hx8"}


def measure(capture: Capture, *arguments: object) -> str | None:
    """Call a function that captures; the demo puts its own in the place of this one, to see what that takes."""
    return capture(*arguments)


class OvenError(Exception):
    """The oven cannot do what it is asked to."""


class Order:
    """What a customer wants."""

    def __init__(self, number: int, bread: str, loaves: int) -> None:
        self.number = number
        self.bread = bread
        self.loaves = loaves


def tasks() -> list[Callable[[], None]]:
    """Return what there is to do, in the order of a day; each task runs on a thread of its own and fails."""
    # Exception groups came with Python 3.11.
    return [sell, bake, *([deliver] if sys.version_info >= (3, 11) else []), watch_oven, count_flour]


def sell() -> None:
    """A price is missing, three calls deep; a secret lies on the way."""
    customer = "ada"
    tocsin.set_user({"id": "88", "username": customer})
    tocsin.set_tag("counter", "harbour")
    tocsin.add_breadcrumb(category="counter", message=f"{customer} asks for bread")
    tocsin.add_breadcrumb(category="query", message="SELECT * FROM shelf", data={"rows": 3})
    try:
        charge(Order(1207, "barley", 2), WALLETS[customer])
    except KeyError as error:
        measure(tocsin.capture_exception, error)


def bake() -> None:
    """One error causes another."""
    oven = 2
    tocsin.set_tag("oven", oven)
    tocsin.add_breadcrumb(category="oven", message="door closed", level="debug")
    try:
        heat(Order(1208, "rye", 12), 0)
    except OvenError as error:
        measure(tocsin.capture_exception, error)


def deliver() -> None:
    """Several errors at once."""
    stops = ["harbour", "mill lane", "castle"]
    tocsin.set_tag("van", "blue")
    tocsin.add_breadcrumb(category="van", message=f"{len(stops)} stops planned")
    try:
        drive(stops)
    except Exception as error:
        measure(tocsin.capture_exception, error)


def watch_oven() -> None:
    """Nobody handles this one: it ends the thread, and the hook for threads reports it."""
    tocsin.add_breadcrumb(category="oven", message="thermometer asked")
    degrees = read_thermometer("n/a")
    tocsin.capture_message(f"{degrees} degrees")


def count_flour() -> None:
    """Not an error, but somebody should know."""
    tocsin.set_tag("store", "cellar")
    tocsin.add_breadcrumb(category="store", message="40 kg taken out")
    measure(tocsin.capture_message, "flour for three more hours", "warning")


def charge(order: Order, payment_token: str) -> int:
    """Take the money for an order."""
    total_cents = total(order)
    return total_cents + len(payment_token)


def total(order: Order) -> int:
    """Return what an order costs, in cents."""
    discount = 0.05 if order.loaves > 10 else 0.0
    return round(price(order.bread) * order.loaves * (1 - discount))


def price(bread: str) -> int:
    """Return what a loaf costs, in cents."""
    return PRICES_CENTS[bread]


def heat(order: Order, watts: int) -> float:
    """Return for how many minutes the oven has to run."""
    try:
        return minutes(order.loaves, watts)
    except ZeroDivisionError as error:
        raise OvenError(f"order {order.number} stays cold") from error


def minutes(loaves: int, watts: int) -> float:
    """Return how long so many loaves take with so much heat."""
    joules = loaves * 120_000
    return joules / watts / 60


def drive(stops: list[str]) -> None:
    """Go to every stop, whatever happens at one."""
    failures: list[Exception] = []
    for stop in stops:
        try:
            ring_at(stop)
        except (KeyError, ValueError) as error:
            failures.append(error)
    if sys.version_info >= (3, 11) and failures:
        raise ExceptionGroup(f"{len(failures)} of {len(stops)} stops failed", failures)  # noqa: F821


def ring_at(stop: str) -> int:
    """Return the number of the house at a stop."""
    return int(HOUSES[stop])


def read_thermometer(reading: str) -> float:
    """Return the degrees that a thermometer shows."""
    return float(reading)


def run_in_thread(task: Callable[[], None]) -> threading.Thread:
    """Start a task on a thread that has its name."""
    thread = threading.Thread(target=task, name=task.__name__)
    thread.start()
    return thread
