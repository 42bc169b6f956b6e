"""Scenarios: messages, and what `init()` is told about the program."""

from __future__ import annotations

import asyncio
from typing import Any

import tocsin
from conformance.corpus import scenario


@scenario(keeps=("the disk is full", '"level": "info"'))
def a_message() -> None:
    tocsin.capture_message("the disk is full")


@scenario(events=12, keeps=('"level": "fatal"', '"level": "debug"', '"level": "warning"'))
def messages_of_every_level() -> None:
    levels: tuple[Any, ...] = (
        "fatal",
        "error",
        "warning",
        "info",
        "debug",
        "critical",
        "warn",
        "WARNING",
        40,
        "loud",
        7.5,
        {},
    )
    for level in levels:
        tocsin.capture_message(f"level {level}", level=level)


@scenario(keeps=("with a stack", "messages_with_a_stack"), attach_stacktrace=True)
def messages_with_a_stack() -> None:
    tocsin.capture_message("with a stack")


@scenario(events=7, keeps=("%s and %d % of {}", "[1, 2]"))
def messages_that_are_none() -> None:
    odd: tuple[Any, ...] = ("", 5, None, [1, 2], b"bytes", "%s and %d % of {}", object())
    for message in odd:
        tocsin.capture_message(message)


@scenario(events=3, keeps=("two\\nlines", "zzzzzzzz", "\ufffd"))
def messages_of_every_text() -> None:
    for message in ("two\nlines\r\nand a tab\t", "z" * 1_000_000, "\ud83d alone"):
        tocsin.capture_message(message)


@scenario(keeps=("%s of %(unit)s",))
def a_message_that_looks_like_a_template() -> None:
    tocsin.capture_message("%s of %(unit)s {0} {{ default }}")


@scenario(keeps=("for this one alone", "bob@example.org", "only-here", "mine", "its extra"))
def a_message_with_data_of_its_own() -> None:
    tocsin.capture_message(
        "for this one alone",
        level="warning",
        user={"email": "bob@example.org"},
        tags={"only-here": "yes"},
        contexts={"mine": {"a": 1}},
        extras={"its extra": [1, 2]},
        fingerprint=["{{ default }}", "mine"],
    )


@scenario(keeps=("shared by a coroutine",))
def a_message_of_a_coroutine() -> None:
    async def main() -> None:
        with tocsin.isolation_scope() as scope:
            scope.set_tag("task", "main")
            tocsin.capture_message("shared by a coroutine")

    asyncio.run(main())


@scenario(keeps=("named a-b-c",), release="named a/b\\c")
def a_release_with_slashes() -> None:
    tocsin.capture_message("slashes")


@scenario(release="r" * 500, environment="e" * 500, dist="d" * 500, server_name="s" * 500)
def identities_too_long() -> None:
    tocsin.capture_message("long")


@scenario(release="\u00e9" * 150, environment="\u00e9" * 50, dist="\u00e9 x", server_name="h\u00f6st\nname")
def identities_of_every_alphabet() -> None:
    tocsin.capture_message("letters")


@scenario(release="latest", environment="None", dist="  ", server_name=" \t")
def identities_that_are_reserved() -> None:
    tocsin.capture_message("reserved")


@scenario(release="a\ud800b", environment="\udc80", dist="\udc80", server_name="\ud800")
def identities_of_lone_surrogates() -> None:
    tocsin.capture_message("surrogates")


@scenario(environment="two\nlines", release=" 1.0\n", dist="a b+c")
def identities_with_white_space() -> None:
    tocsin.capture_message("white space")
