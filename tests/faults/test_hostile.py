"""No capture runs code of the objects it shows, whatever they are and wherever they stand, and none is lost to them."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest

from faults.hostile import BROKEN, NOTING, ZOO, HostileDict, HostileMeta, HostileObject, HostileStr, watching
from support.twins import strict_json
from tocsin import limits

every_animal = pytest.mark.parametrize("make", ZOO.values(), ids=ZOO.keys())


def event(backend: Any, error: BaseException, **options: Any) -> Any:
    """The error as an event's exception, read back, with the hooks that were called on the way."""
    extractor = backend.StackExtractor(backend.Renderer(), None, **options)
    with watching() as calls:
        stack = extractor.exception(error, None, "generic", True)
        capture = backend.Capture("0" * 32, 1.0, "error", b"", stack, "exception", b"", b"", None, 0, ())
        data = backend.render(capture)
    assert calls == []
    return strict_json(data)


def caught(function: Callable[..., object], *args: object) -> BaseException:
    try:
        function(*args)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def fail_beside(value: object) -> None:
    before, after = "good", 12345
    raise ValueError("failed beside it", before, after)


def test_the_zoo_notes_calls() -> None:
    """The detector itself: each kind of touch of an animal is noted."""
    animal = HostileObject()
    touches = [repr, str, len, hash, bool, iter, dict, vars, lambda one: one.anything, lambda one: one == 1, format]
    touches += [lambda one: isinstance(one, int), lambda one: one.__dict__, lambda one: one.__class__]
    for touch in touches:
        with watching() as calls, pytest.raises(Exception):  # noqa: B017, PT011, PT012
            touch(animal)
            raise LookupError
        assert calls, touch
    kind = HostileMeta("Kind", (), {})
    for look in (hash, repr, lambda one: one in (int, str), lambda one: isinstance(1, one), lambda one: one.__name__):
        with watching() as calls, pytest.raises(Exception):  # noqa: B017, PT011, PT012
            look(kind)
            raise LookupError
        assert calls, look


@every_animal
def test_a_local_is_shown_without_running_its_code(backend: Any, make: Callable[[], object]) -> None:
    """Its frame is there, and the locals beside it are exact."""
    found = event(backend, caught(fail_beside, make()))
    shown = found["exception"]["values"][0]["stacktrace"]["frames"][-1]["vars"]
    assert shown["before"] == "'good'"
    assert shown["after"] == "12345"
    assert shown["value"]


@every_animal
def test_members_of_containers_are_shown_without_running_their_code(backend: Any, make: Callable[[], object]) -> None:
    """In each builtin container, at each depth, in both modes."""
    animal = make()
    values = [[animal], (animal,), {"key": animal}, [{"deep": ({"deeper": [animal, animal]},)}]]
    with contextlib.suppress(Exception):  # not every animal has a hash
        values += [{animal}, frozenset([animal]), {animal: animal}, {(animal, 1): 1}, {(1, (animal,)): 1}]
    for value, max_bytes in itertools.product(values, (0, 30, 2000)):
        renderer = backend.Renderer()
        with watching() as calls:
            found = [renderer.data(value, max_bytes, 6), renderer.variables({"value": value, "good": 1})]
        assert calls == []
        strict_json(found[0])
        assert strict_json(found[1])["good"] == "1"


@every_animal
def test_text_is_made_without_running_code(backend: Any, make: Callable[[], object]) -> None:
    """As the text of a message, and as the fields of a breadcrumb."""
    animal = make()
    ring = backend.BreadcrumbRing(3)
    with watching() as calls:
        assert len(backend.Renderer().text(animal, 100)) <= 200
        ring.add(1.0, animal, animal, animal, animal, animal)
        ring.add(1.0, data={"key": animal})
        crumbs = ring.snapshot()
    assert calls == []
    for crumb in crumbs:
        strict_json(crumb[5])
    for text in crumbs[0][1:5]:
        assert type(text) is str


@every_animal
@pytest.mark.parametrize(
    "kind", [ValueError, KeyError, OSError, SystemExit, StopIteration, ImportError, type("Own", (Exception,), {})]
)
def test_arguments_of_an_error_are_shown_without_running_their_code(
    backend: Any, kind: type[BaseException], make: Callable[[], object]
) -> None:
    """`str()` of a builtin error is that of its arguments: theirs is not run, alone or among others."""
    animal = make()
    for args in ((animal,), ("text", animal), (2, "text", animal)):
        event(backend, kind(*args))


@every_animal
def test_attributes_of_an_error_are_read_without_running_code(backend: Any, make: Callable[[], object]) -> None:
    """Also those that have a meaning: errno, notes, and what peers ask for a text."""
    animal = make()
    error = ValueError("its own text")
    for name in ("errno", "message", "detail", "__notes__", "own", "exceptions", "_exceptions"):
        error.__dict__[name] = animal
    assert event(backend, error)["exception"]["values"][0]["value"].startswith("its own text")
    error.__dict__["__notes__"] = [animal, "a note", animal]
    assert event(backend, error)["exception"]["values"][0]["value"].endswith("\na note")


@pytest.mark.parametrize("make", NOTING.values(), ids=NOTING.keys())
def test_names_of_a_frame_may_be_anything(backend: Any, make: Callable[[], object]) -> None:
    """Module frames whose namespace holds hostile keys, values and names."""
    animal = make()
    spaces: list[dict[Any, object]] = [{"__name__": animal}, {"value": animal}, {"__file__": animal, "value": animal}]
    with contextlib.suppress(Exception):  # not every animal has a hash
        spaces.append({animal: 1, "value": 2})
    code = compile("raise ValueError('text')", "<hostile>", "exec")
    for space in spaces:
        event(backend, caught(exec, code, space))
        event(backend, caught(exec, code, {}, space))


@pytest.mark.parametrize("where", ["globals", "locals", "error's dict", "file name", "class body"])
def test_odd_homes_of_names_are_read_without_running_code(backend: Any, where: str) -> None:
    """Namespaces that are dicts of somebody's own, and texts of somebody's own in a code object."""
    error: BaseException = ValueError("text")
    if where == "globals":
        error = caught(exec, "raise ValueError('text')", HostileDict(__name__="name"))
    elif where == "locals":
        error = caught(exec, "raise ValueError('text')", {}, HostileDict(name="value"))
    elif where == "file name":
        error = caught(exec, compile("raise ValueError('text')", HostileStr("file.py"), "exec"), {})
    elif where == "class body":
        meta = type("Meta", (type,), {"__prepare__": lambda *_: HostileDict()})
        error = caught(exec, "class Body(metaclass=meta):\n  raise ValueError('text')", {"meta": meta})
    else:
        error.__dict__ = HostileDict(errno=5, __notes__=["note"])
    assert event(backend, error)["exception"]["values"][0]["value"].startswith("text")


@pytest.mark.parametrize("make", BROKEN.values(), ids=BROKEN.keys())
def test_a_type_that_fails_to_say_what_it_is_gets_a_placeholder(backend: Any, make: Callable[[], object]) -> None:
    """Each by itself: what stands beside it is exact."""
    animal = make()
    renderer = backend.Renderer()
    found = strict_json(renderer.data({"before": 1, "broken": animal, "after": [2]}, 2000, 3))
    assert (found["before"], found["after"]) == (1, [2])
    assert found["broken"]
    assert strict_json(renderer.variables({"broken": animal, "after": 2}))["after"] == "2"
    assert renderer.text(animal, 50)


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        ("import uuid; uuid.UUID('nonsense')", "ValueError"),
        ("import ipaddress; ipaddress.IPv4Address('300.1.1.1')", "AddressValueError"),
        ("import ipaddress; ipaddress.IPv6Address('zz')", "AddressValueError"),
        ("import ipaddress; ipaddress.ip_network('zz')", "ValueError"),
        ("import pathlib; pathlib.PurePosixPath(5)", "TypeError"),
        ("import decimal; decimal.Decimal('zz')", "InvalidOperation"),
        ("import fractions; fractions.Fraction('zz')", "ValueError"),
        ("import zoneinfo; zoneinfo.ZoneInfo('No/Such')", "ZoneInfoNotFoundError"),
        ("import datetime; datetime.datetime.fromisoformat('zz')", "ValueError"),
        ("import json; json.loads('{')", "JSONDecodeError"),
        ("import re; re.compile('(')", re.error.__name__),
        ("import enum; enum.Enum('Kind', 'a')('b')", "ValueError"),
        ("import subprocess; subprocess.Popen(['/no/such/program'])", "FileNotFoundError"),
        ("import threading; threading.Thread(group=1)", "AssertionError"),
        ("import logging; logging.Logger('a').setLevel('zz')", "ValueError"),
        ("import tempfile; tempfile.TemporaryFile(dir='/no/such')", "FileNotFoundError"),
    ],
)
def test_constructors_of_the_library_that_fail_are_captured(backend: Any, code: str, raised: str) -> None:
    """Their frames hold what is half made."""
    found = event(backend, caught(exec, code, {}))
    assert raised in [value["type"] for value in found["exception"]["values"]]


def test_its_own_str_is_the_only_call_and_it_is_fenced(backend: Any) -> None:
    """An error's own `__str__` is called once, with captures inside of it refused."""
    inside = []

    class Own(Exception):
        def __str__(self) -> str:
            inside.append(backend.fence.is_fenced())
            return "own text"

    assert event(backend, Own(HostileObject()))["exception"]["values"][0]["value"] == "own text"
    assert inside == [True]
    assert not backend.fence.is_fenced()


def test_a_value_costs_what_is_shown_of_it(backend: Any) -> None:
    """Values of any size take memory for what is shown, not for what they are."""
    import tracemalloc

    named = type("Named", (), {})()
    named._name_, named._value_ = "n" * 30_000_000, 1
    function = lambda: None  # noqa: E731
    function.__qualname__ = "q" * 30_000_000
    big = [b"b" * 50_000_000, bytearray(50_000_000), "s" * 50_000_000, [0] * 5_000_000, named, function]
    renderer = backend.Renderer()
    for value in big:
        tracemalloc.start()
        try:
            renderer.data(value, limits.EXTRA_VALUE_BYTES, 4)
            renderer.variables({"value": value})
            renderer.text(value, 100)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 500_000, type(value)
