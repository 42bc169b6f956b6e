"""A scope and an event: what goes onto it, who may change it, who captures it."""

from __future__ import annotations

import copy
import datetime
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from support.scopes import NotingClient, use_client
from tocsin import scope_stack
from tocsin.inactive import INACTIVE
from tocsin.scope import Scope, add_global_event_processor, global_event_processors, should_send_default_pii
from tocsin.scope_snapshot import ScopeArgument

MOMENT = datetime.datetime(2021, 3, 4, 5, 6, 7, 250_000, tzinfo=datetime.timezone.utc)


@pytest.fixture(autouse=True)
def _clean_scopes() -> Iterator[None]:
    scope_stack.reset()
    yield
    scope_stack.reset()


def test_captures_go_to_the_client_in_force() -> None:
    """A scope in force adds nothing to what the client merges anyway."""
    client = use_client(NotingClient())
    current, error = scope_stack.get_current_scope(), ValueError()
    assert current.capture_event({"message": "m"}, {"h": 1}) == "1" * 32
    assert current.capture_exception(error) == "2" * 32
    assert scope_stack.get_isolation_scope().capture_message("m") is None
    scope_stack.get_global_scope().capture_message("m", "error")
    assert client.captured == [
        ("event", {"message": "m"}, {"h": 1}, None),
        ("exception", error, None),
        ("message", "m", "info", None),
        ("message", "m", "error", None),
    ]


def test_captures_hand_over_what_they_were_told_about_scopes() -> None:
    """A scope that is not in force, `scope=`, and arguments for it, both at once too: nothing is refused or lost."""
    client = use_client(NotingClient())
    mine, extra = Scope(), Scope()
    mine.capture_exception(None, extra, tags={"a": 1}, nonsense=2)
    (_, _, argument) = client.captured[0]
    assert type(argument) is ScopeArgument
    assert (argument.calling, argument.scope, argument.kwargs) == (mine, extra, {"tags": {"a": 1}, "nonsense": 2})
    scope_stack.get_current_scope().capture_message("m", extras={"a": 1})
    argument = client.captured[1][3]
    assert (argument.calling, argument.scope, argument.kwargs) == (None, None, {"extras": {"a": 1}})


def test_the_last_event_id_is_the_isolation_scopes() -> None:
    """It is set by captures that gave an id, and forgotten by clear()."""
    use_client(NotingClient())
    assert Scope.last_event_id() is None
    Scope().capture_exception(ValueError())
    Scope().capture_message("m")
    assert Scope.last_event_id() == scope_stack.get_isolation_scope()._last_event_id == "2" * 32
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(Scope.last_event_id()))
    thread.start()
    thread.join(60)
    assert found == [None]
    scope_stack.get_isolation_scope().clear()
    assert Scope.last_event_id() is None


def test_without_a_client_captures_do_nothing() -> None:
    """They return None."""
    scope = Scope("kind")
    assert scope.client is INACTIVE
    assert scope.capture_exception(ValueError()) is None
    assert scope.capture_message("m") is None
    assert scope.capture_event({}) is None
    assert not should_send_default_pii()
    use_client(NotingClient())
    assert should_send_default_pii()


def test_the_scope_goes_onto_the_event() -> None:
    """It wins for level and by key; the event wins for user, transaction and fingerprint."""
    scope = Scope()
    scope.update_from_kwargs(
        {"id": "s"}, "warning", {"a": "s"}, {"c": {"s": 1}, "d": {"s": 1}}, {"t": "s", "u": "s"}, ["s"]
    )
    scope.set_transaction_name("s", "route")
    scope.flags.set("f", True)
    bare = scope.apply_to_event({}, {})
    assert bare is not None
    trace = bare["contexts"].pop("trace")
    assert trace == scope.get_trace_context()
    assert bare == {
        "level": "warning",
        "user": {"id": "s"},
        "transaction": "s",
        "transaction_info": {"source": "route"},
        "fingerprint": ["s"],
        "extra": {"a": "s"},
        "tags": {"t": "s", "u": "s"},
        "contexts": {"c": {"s": 1}, "d": {"s": 1}, "flags": {"values": [{"flag": "f", "result": True}]}},
        "breadcrumbs": {"values": []},
    }
    own = {
        "level": "fatal",
        "user": {"id": "e"},
        "transaction": "e",
        "fingerprint": ["e"],
        "extra": {"a": "e", "b": "e"},
        "tags": {"t": "e", "v": "e"},
        "contexts": {"c": {"e": 1}, "trace": {"trace_id": "e"}},
    }
    made = scope.apply_to_event(own, {})
    assert made is not None
    assert (made["level"], made["user"], made["transaction"], made["fingerprint"]) == (
        "warning",
        {"id": "e"},
        "e",
        ["e"],
    )
    assert (made["extra"], made["tags"]) == ({"a": "s", "b": "e"}, {"t": "s", "v": "e", "u": "s"})
    assert made["contexts"]["c"] == {"s": 1}
    assert made["contexts"]["trace"] == {"trace_id": "e"}


def test_events_may_have_lists_where_the_protocol_allows_them() -> None:
    """Tags as pairs, of which the first counts, and breadcrumbs as a bare list."""
    use_client(NotingClient())
    scope = Scope()
    scope.set_tag("a", "scope")
    scope.add_breadcrumb(message="scope", timestamp=2)
    tags = [["b", "1"], ("b", "2"), ["c", "3"], "junk", ["d"]]
    event = scope.apply_to_event({"tags": tags, "breadcrumbs": [{"message": "event", "timestamp": 3}]}, {})
    assert event is not None
    assert event["tags"] == {"b": "1", "c": "3", "a": "scope"}
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["scope", "event"]


def test_breadcrumbs_are_ordered_by_time_if_all_have_one() -> None:
    """Whatever form it has; one without a time leaves the order as it is."""
    use_client(NotingClient())
    scope = Scope()
    for number in (3, 1, 2):
        scope.add_breadcrumb(message=str(number), timestamp=MOMENT.timestamp() + number)
    given_crumb = {"message": "2.5", "timestamp": (MOMENT + datetime.timedelta(seconds=2.5)).isoformat()}
    event = scope.apply_to_event({"breadcrumbs": {"values": [given_crumb]}}, {})
    assert event is not None
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["1", "2", "2.5", "3"]
    event = scope.apply_to_event({"breadcrumbs": {"values": [{"message": "no time"}]}}, {})
    assert event is not None
    assert [crumb["message"] for crumb in event["breadcrumbs"]["values"]] == ["no time", "3", "1", "2"]


def test_attachments_go_into_the_hint() -> None:
    """After those that are there."""
    scope = Scope()
    scope.add_attachment(b"x", "scope.txt")
    hint = {"attachments": ["own"]}
    scope.apply_to_event({}, hint)
    assert hint["attachments"][0] == "own"
    assert hint["attachments"][1].filename == "scope.txt"  # type: ignore[attr-defined]


def test_processors_run_in_order_and_may_replace_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """Error processors first, if there is an exception; then those of the process, then the scope's."""
    monkeypatch.setattr("tocsin.scope_snapshot.global_event_processors", found := [])
    monkeypatch.setattr("tocsin.scope.global_event_processors", found)
    order: list[str] = []

    def noting(name: str) -> Any:
        def processor(event: dict[str, Any], context: Any) -> dict[str, Any]:
            order.append(name)
            return {**event, name: context}

        return processor

    scope = Scope()
    scope.add_event_processor(noting("scope"))
    scope.add_error_processor(noting("error"))
    scope.add_error_processor(noting("only OSError"), OSError)
    add_global_event_processor(noting("global"))
    error = ValueError("x")
    hint = {"exc_info": (ValueError, error, None)}
    event = scope.apply_to_event({}, hint)
    assert order == ["error", "global", "scope"]
    assert event is not None
    assert event["error"] == hint["exc_info"]
    assert event["scope"] is hint
    del order[:]
    scope.apply_to_event({}, {})
    assert order == ["global", "scope"]
    del order[:]
    scope.apply_to_event({}, {"exc_info": (OSError, OSError(), None)})
    assert order == ["error", "only OSError", "global", "scope"]


def test_the_processors_of_the_process_are_one_list() -> None:
    """`scope.global_event_processors` is what captures look at."""
    from tocsin import scope_snapshot

    assert global_event_processors is scope_snapshot.global_event_processors


@pytest.mark.internal_errors
@pytest.mark.parametrize("made", [None, "x", ValueError("x")])
@pytest.mark.parametrize("kind", ["add_event_processor", "add_error_processor"])
def test_a_processor_can_drop(made: Any, kind: str) -> None:
    """By None, by anything that is no event, and by raising."""

    def processor(event: Any, context: Any) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    scope = Scope()
    getattr(scope, kind)(processor)
    assert scope.apply_to_event({}, {"exc_info": (ValueError, ValueError(), None)}) is None


def test_many_processors_are_all_kept() -> None:
    """The list has no silent end."""
    scope = Scope()
    for _ in range(50):
        scope.add_event_processor(lambda event, hint: {**event, "n": event.get("n", 0) + 1})
    made = scope.apply_to_event({}, {})
    assert made is not None
    assert made["n"] == 50


def test_writers_in_many_threads_never_break_a_reader() -> None:
    """A snapshot taken while others write is whole."""
    scope = Scope()
    stop = threading.Event()
    broken: list[BaseException] = []

    def write(number: int) -> None:
        count = 0
        while not stop.is_set():
            scope.set_tag(f"{number}.{count % 50}", count)
            scope.remove_tag(f"{number}.{(count + 25) % 50}")
            count += 1

    def read() -> None:
        try:
            for _ in range(3000):
                made = scope.apply_to_event({}, {})
                assert made is not None
                dict(made.get("tags", {}))
        except BaseException as error:
            broken.append(error)
        finally:
            stop.set()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not broken
    assert not any(thread.is_alive() for thread in threads)


def test_what_the_application_gave_is_not_changed() -> None:
    """Dicts and lists that were handed over are the application's."""
    tags, user, context, fingerprint = {"a": 1}, {"id": 1}, {"c": {"d": 1}}, ["f"]
    crumb: dict[str, Any] = {"message": "m", "data": {"x": 1}}
    event: dict[str, Any] = {"tags": {"t": 1}, "extra": {}, "contexts": {"e": {}}, "breadcrumbs": {"values": []}}
    everything = [tags, user, context, fingerprint, crumb, event]
    before = copy.deepcopy(everything)
    use_client(NotingClient(before_breadcrumb=lambda crumb, hint: {**crumb, "message": crumb.pop("message") + "!"}))
    scope = Scope()
    scope.set_tags(tags)
    scope.set_tag("b", 2)
    scope.set_user(user)
    scope.set_context("c", context)
    scope.fingerprint = fingerprint
    scope.add_breadcrumb(crumb)
    assert scope.apply_to_event(event, {}) is not event
    assert everything == before
