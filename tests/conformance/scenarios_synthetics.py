"""Scenarios: what is captured without being an exception that was raised."""

from __future__ import annotations

import sys
from typing import Any

import tocsin
from conformance.corpus import scenario


@scenario(keeps=("thrown as a text", '"synthetic": true', "a_text_instead_of_an_exception"))
def a_text_instead_of_an_exception() -> None:
    tocsin.capture_exception("thrown as a text")


@scenario(events=2, keeps=("ValueError", "the class"))
def a_class_instead_of_an_exception() -> None:
    tocsin.capture_exception(ValueError)
    tocsin.capture_exception(int)


class Plain:
    def __init__(self) -> None:
        self.size = 7
        self.password = "hunter2"

    def __repr__(self) -> str:
        raise AssertionError("nobody may call this")


@scenario(events=8, keeps=("Plain", "size=7", "with a key"))
def objects_instead_of_exceptions() -> None:
    things: tuple[Any, ...] = (Plain(), {"with a key": [1, 2]}, 5, 1.5, b"bytes", [], lambda: None, Plain)
    for thing in things:
        tocsin.capture_exception(thing)


@scenario(events=2, keeps=("a tuple", "another"))
def tuples_instead_of_exceptions() -> None:
    tocsin.capture_exception(("a tuple", 2))
    tocsin.capture_exception(("a tuple", "of three", "another"))


@scenario(keeps=("never raised", '"synthetic": true', "an_exception_never_raised"))
def an_exception_never_raised() -> None:
    tocsin.capture_exception(ValueError("never raised"))


@scenario(keeps=("never raised", "but its cause was"))
def an_exception_never_raised_with_a_cause() -> None:
    try:
        raise KeyError("but its cause was")
    except KeyError as cause:
        error = ValueError("never raised")
        error.__cause__ = cause
    tocsin.capture_exception(error)


@scenario(keeps=("lost its traceback",))
def an_exception_that_lost_its_traceback() -> None:
    try:
        raise ValueError("lost its traceback")
    except ValueError as error:
        tocsin.capture_exception(error.with_traceback(None))


@scenario(events=0)
def nothing_at_all() -> None:
    tocsin.capture_exception()
    tocsin.capture_exception((None, None, None))


@scenario(keeps=("the last error",))
def the_last_error() -> None:
    name = "last_exc" if sys.version_info >= (3, 12) else "last_value"
    try:
        raise ValueError("the last error")
    except ValueError as error:
        setattr(sys, name, error)
    try:
        tocsin.capture_last_error()
    finally:
        delattr(sys, name)
    if tocsin.capture_last_error() is not None:
        raise AssertionError("there is none any more")


@scenario(keeps=("an exc_info with a traceback that is none",))
def an_exc_info_with_an_odd_traceback() -> None:
    error = ValueError("an exc_info with a traceback that is none")
    tocsin.capture_exception((ValueError, error, "no traceback"))  # type: ignore[arg-type]
