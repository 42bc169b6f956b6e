"""Whether an SDK sends what it should: looked at before a timing, which is void otherwise.

An SDK that loses events, frames or locals would win every race.
"""

from __future__ import annotations

from benchmarks.adapters.base import Adapter, Seen, SeenException
from benchmarks.failures import KIND, LOCALS, TEXT, functions


class Void(Exception):
    """What would be timed is not what it should be; the text says what is wrong."""


def check_count(found: list[Seen], count: int) -> None:
    """There are that many events."""
    if len(found) != count:
        raise Void(f"{len(found)} events were sent instead of {count}")


def check_exception(adapter: Adapter, seen: Seen, frames: int, has_locals: bool = True, exceptions: int = 1) -> None:
    """The event holds the exception, with every frame, and the locals as far as the SDK has them."""
    if not adapter.has_chains:
        exceptions = 1
    if len(seen.exceptions) != exceptions:
        raise Void(f"the event holds {len(seen.exceptions)} exceptions instead of {exceptions}")
    for error in seen.exceptions:
        if error.kind.rpartition(".")[2] != KIND:
            raise Void(f"the exception's type is {error.kind!r} instead of {KIND!r}")
        if TEXT not in error.value:
            raise Void(f"the exception's text is {error.value!r}")
        if error.functions != functions(frames):
            raise Void(f"{len(error.functions)} frames instead of {frames}: {' '.join(error.functions)[:200]}")
        for index in range(frames):
            _check_locals(error, index, frames, has_locals and adapter.has_locals_at(index, frames))


def _check_locals(error: SeenException, index: int, frames: int, has_locals: bool) -> None:
    found = error.locals[index]
    if not has_locals:
        if found:
            raise Void(f"frame {index} has locals that were not wanted")
        return
    missing = [name for name in LOCALS if name not in found]
    if missing:
        raise Void(f"frame {index} lacks the locals {', '.join(missing)}")
    if str(found["depth"]) != str(frames - index) or f"customer {index} " not in str(found["customer"]):
        raise Void(f"frame {index} has other locals: {found}"[:300])


def check_message(seen: Seen, text: str) -> None:
    """The event holds that message."""
    if text not in seen.message:
        raise Void(f"the message is {seen.message!r}")


def check_breadcrumbs(adapter: Adapter, seen: Seen, count: int, message: str) -> None:
    """The event holds that many breadcrumbs, all of that message."""
    if not adapter.has_breadcrumbs:
        return
    if len(seen.breadcrumbs) != count:
        raise Void(f"{len(seen.breadcrumbs)} breadcrumbs instead of {count}")
    for text in seen.breadcrumbs:
        if text != message:
            raise Void(f"a breadcrumb says {text!r} instead of {message!r}")


def check_tag(seen: Seen, is_wanted: bool) -> None:
    """The event has the tag that the workloads set, or has it not."""
    if (seen.tags.get("shop") == "north") != is_wanted:
        raise Void(f"the tags are {seen.tags}")
