"""Scenarios: what scopes say, in order and as junk."""

from __future__ import annotations

import decimal
import enum
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import tocsin
from conformance.corpus import scenario


class Colour(enum.Enum):
    RED = 1


class Name(str, enum.Enum):
    BOB = "bob"


class Slotted:
    __slots__ = ("__weakref__", "x")

    def __init__(self) -> None:
        self.x = 1


@scenario(keeps=("tagged", "bob@example.org", "the extra", "my context", "the-route", "grouped", "fatal", "a flag"))
def every_setter() -> None:
    tocsin.set_tag("tagged", "yes")
    tocsin.set_tags({"more": 5, "flag": True})
    tocsin.set_user({"id": 7, "email": "bob@example.org", "plan": {"name": "gold"}, "ip_address": "::1"})
    tocsin.set_extra("the extra", [1, {"two": 2.5}])
    tocsin.set_context("my context", {"a": 1, "b": {"c": [True, None]}})
    tocsin.set_level("fatal")
    tocsin.set_transaction_name("the-route", source="route")
    scope = tocsin.get_isolation_scope()
    scope.fingerprint = ["{{ default }}", "grouped"]
    scope.flags.set("a flag", True)
    tocsin.capture_message("scoped")


@scenario(keeps=("global", "isolation", "current", "own"))
def scopes_one_over_the_other() -> None:
    tocsin.get_global_scope().set_tags({"a": "global", "b": "global", "c": "global"})
    with tocsin.isolation_scope() as isolation, tocsin.new_scope() as current:
        isolation.set_tags({"b": "isolation", "c": "isolation"})
        current.set_tag("c", "current")
        tocsin.capture_message("merged", tags={"d": "own"})


WHEN = datetime(2020, 2, 29, 12, tzinfo=timezone.utc)

TAG_KEYS: tuple[Any, ...] = (
    "plain", "with space", "umlaut-\u00fc", "", 5, None, True, 2.5, ("a", "b"), b"bytes", "k" * 500, "new\nline",
    "\ud800", "sl/ash", Colour.RED, Name.BOB, "\0", "tab\t", "\U0001f600",
)  # fmt: skip
TAG_VALUES: tuple[Any, ...] = (
    "plain", "", " ", "two\nlines", "v" * 500, "\ud800", "\0", 5, 2.5, True, None, float("nan"), float("inf"), 1 << 300,
    [1, 2], {"a": 1}, b"bytes", object(), Colour.RED, Name.BOB, WHEN, decimal.Decimal("1.5"),
    "\u2028", "a\x1bb", "\x85", "\x7f", " padded ", "no\u00a0break", "\u200b", ValueError("e"), (), int, 1j,
)  # fmt: skip


RESERVED = ("release", "environment", "dist", "user", "server_name", "filename")


@scenario(keeps=("under every key",))
def tags_with_every_kind_of_key() -> None:
    for key in TAG_KEYS:
        tocsin.set_tag(key, "under every key")
    tocsin.capture_message("tag keys")


@scenario(keeps=("plain", "two lines", "vvvvvv"))
def tags_with_every_kind_of_value() -> None:
    for number, value in enumerate(TAG_VALUES):
        tocsin.set_tag(f"t{number}", value)
    tocsin.capture_message("tag values")


@scenario(keeps=("t499",))
def tags_without_end() -> None:
    tocsin.set_tags({f"t{number}": number for number in range(500)})
    tocsin.capture_message("many tags")


@scenario(exempt={f"lost: tags.{name}": "the server shows these fields of the event as tags" for name in RESERVED})
def tags_named_like_fields_of_the_server() -> None:
    for key in (*RESERVED, "level", "site", "transaction", "logger"):
        tocsin.set_tag(key, "reserved")
    tocsin.capture_message("reserved tags")


@scenario(events=14, keeps=("bob", "gold"))
def users_of_every_shape() -> None:
    users: tuple[Any, ...] = (
        {"id": 5}, {"id": None, "email": "x" * 500}, {"email": "no address"}, {"ip_address": "999.1.1.1"}, "bob", 7,
        {"ip_address": "{{auto}}", "geo": {"city": "Berlin", "odd": 1}}, {"geo": "Berlin"}, {"data": {"plan": "gold"}},
        {5: 6, None: 7, "x": object()}, {"id": ["list"], "username": {"a": 1}, "name": 5}, [],
        {"segment": "s", "plan": "gold"}, {"username": "\ud800", "id": "i" * 500, "name": "n" * 500},
    )  # fmt: skip
    for user in users:
        with tocsin.isolation_scope() as scope:
            scope.set_user(user)
            tocsin.capture_message("a user")


@scenario(send_default_pii=None, data_collection={"user_info": True}, keeps=("10.1.2.3",))
def a_user_with_an_address() -> None:
    tocsin.set_user({"id": "1", "ip_address": "10.1.2.3"})
    tocsin.capture_message("an address")


VALUES: tuple[Any, ...] = (
    None, True, 0, -(1 << 63), (1 << 64) - 1, 1 << 64, 1 << 5000, 1.5, -0.0, 1e308, float("nan"), float("inf"), "text",
    "\ud800\udfff", "\0", b"\xff\xfe", bytearray(b"x"), [], [[[[[[[[[[1]]]]]]]]]], {}, {1: 2}, {"\ud800": 1},
    {None: {}}, set(), {1, 2}, frozenset([3]), (1,), range(5), object(), int, len, Slotted(), Colour.RED, Name.BOB,
    WHEN, uuid.UUID(int=5), timedelta(1), Path("/x"), decimal.Decimal("NaN"), 1j, ValueError("e"), iter([1]),
    (n for n in []), memoryview(b"m"), "x" * 100_000, list(range(10_000)), {str(n): n for n in range(10_000)},
    lambda: 0, type("T", (dict,), {})(a=1), ...,
)  # fmt: skip


@scenario(keeps=("value 12", "text"))
def extra_values_of_every_kind() -> None:
    for number, value in enumerate(VALUES):
        tocsin.set_extra(f"value {number}", value)
    tocsin.capture_message("extra values")


@scenario(keeps=("value 12", "text"))
def contexts_of_every_kind() -> None:
    for number, value in enumerate(VALUES):
        tocsin.set_context(f"value {number}", value)
    tocsin.capture_message("contexts")


@scenario(keeps=("m9", '"...": "6 more"'))
def extra_values_beyond_all_bounds() -> None:
    for number in range(20):
        tocsin.set_extra(f"m{number}", {f"k{n}": "v" * 3000 for n in range(100)})
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    tocsin.set_extra("cycle", cycle)
    tocsin.set_extra("e" * 5000, 1)
    tocsin.capture_message("much extra")


@scenario(keeps=("Linux", "6.1", "5"))
def contexts_that_the_server_knows() -> None:
    for name in ("runtime", "os", "device", "app", "browser", "gpu", "culture", "cloud_resource", "response", "otel"):
        tocsin.set_context(name, {"name": "Linux", "version": "6.1", "other": {"a": 5}})
    tocsin.set_context("os", {"name": 5, "version": 6.1, "build": None})
    tocsin.set_context("runtime", {"name": "x", "version": (3, 11)})
    tocsin.capture_message("known contexts")


@scenario()
def a_trace_that_is_none() -> None:
    tocsin.set_context("trace", {"trace_id": "xyz", "span_id": 5, "status": "odd", "op": []})
    tocsin.capture_message("not traced")


@scenario(keeps=("4bf92f3577b34da6a3ce929d0e0e4736",))
def a_trace_of_the_application() -> None:
    tocsin.set_context(
        "trace", {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7", "op": "http"}
    )
    tocsin.capture_message("traced")


@scenario(events=8, keeps=("one text", "two", "5"))
def fingerprints_of_every_shape() -> None:
    odd: tuple[Any, ...] = (
        ["one text"], "two", ("t", 5, None), [{}, []], [], ["f" * 500] * 100, [1.5, True, float("nan")], ["\ud800"],
    )  # fmt: skip
    for fingerprint in odd:
        tocsin.capture_message("grouped", fingerprint=fingerprint)


@scenario(events=7, keeps=("t" * 100, "route"))
def transactions_of_every_shape() -> None:
    for name, source in (
        ("/a", "route"),
        ("t" * 500, "url"),
        ("", "custom"),
        ("a\nb", "no such"),
        (5, 7),
        ("\ud800", None),
        (None, "\ud800"),
    ):
        with tocsin.new_scope():
            tocsin.set_transaction_name(name, source)  # type: ignore[arg-type]
            tocsin.capture_message("a transaction")


@scenario(events=6, keeps=("fatal", "warning"))
def levels_of_every_shape() -> None:
    for level in ("fatal", "WARN", "critical", 30, "loud", None):
        with tocsin.new_scope() as scope:
            scope.set_level(level)
            tocsin.capture_message("a level")


@scenario()
def flags_of_every_kind() -> None:
    flags = tocsin.get_isolation_scope().flags
    for name, value in (
        ("on", True),
        ("off", False),
        ("text", "variant"),
        (5, 5),
        ("\ud800", None),
        ("n" * 500, object()),
    ):
        flags.set(name, value)  # type: ignore[arg-type]
    tocsin.capture_message("flags")


@scenario(keeps=("junk for every setter",))
def junk_for_every_setter() -> None:
    scope = tocsin.get_isolation_scope()
    for junk in (None, 5, "x", [], object(), {"k": object()}, [("a", 1)], float("nan")):
        for setter in (
            tocsin.set_tags,
            tocsin.set_user,
            tocsin.set_level,
            tocsin.set_transaction_name,
            tocsin.add_breadcrumb,
        ):
            setter(junk)  # type: ignore[arg-type]
        tocsin.set_tag(junk, junk)  # type: ignore[arg-type]
        tocsin.set_extra(junk, junk)  # type: ignore[arg-type]
        tocsin.set_context(junk, junk)  # type: ignore[arg-type]
        scope.fingerprint = junk  # type: ignore[assignment]
        scope.transaction = junk
    tocsin.capture_message(
        "junk for every setter", user=5, level=[], tags=7, extras="x", contexts=[1], fingerprint=object()
    )  # type: ignore[arg-type]


@scenario(keeps=("by-a-function", "laid over"))
def a_scope_given_with_the_capture() -> None:
    tocsin.capture_message("given", scope=lambda scope: scope.set_tag("by a function", "laid over"))
