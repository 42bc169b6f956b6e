"""The fence around the few calls into foreign code: an exception's own text, a type's own representation.

A capture that such a call makes is a counted drop, so that it cannot recurse; a capture that merely interrupts one,
from a signal handler or a `__del__` elsewhere, is told apart by nothing but being on the same thread inside the call.
"""

from __future__ import annotations

import sys
from _thread import get_ident

_inside: set[int] = set()


def is_fenced() -> bool:
    """Whether this thread is inside a call that tocsin itself has made into foreign code."""
    return bool(_inside) and get_ident() in _inside


def after_fork_in_child() -> None:
    """Forget the calls of threads that did not come along: their numbers will be given to others."""
    _inside.intersection_update({get_ident()})


def call_fenced(function: object, *arguments: object) -> object:
    """Call `function`; None if it raises an Exception. KeyboardInterrupt and the like go through.

    A SystemExit that the called function itself raises is its failure to answer, not a wish to exit; one that comes
    from below is let through, and so is whatever a signal handler raised while the function ran.
    """
    ident = get_ident()
    nested = ident in _inside
    _inside.add(ident)
    try:
        return function(*arguments)  # type: ignore[operator]
    except Exception as error:
        if came_from_signal(error):
            raise
        return None
    except SystemExit as exit_:
        if _raised_by(exit_, function):
            return None
        raise
    finally:
        if not nested:
            _inside.discard(ident)


def _raised_by(error: BaseException, function: object) -> bool:
    """Whether the innermost frame of the error's traceback is the function itself."""
    code = getattr(function, "__code__", None)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and code is not None and trace.tb_frame.f_code is code


def came_from_signal(error: BaseException) -> bool:
    """Whether a handler of a signal raised the error: it is meant for the application, wherever it has landed."""
    signals = sys.modules.get("_signal")
    if signals is None:
        return False
    handlers = set()
    for number in range(1, signals.NSIG):
        try:
            handler = signals.getsignal(number)
        except ValueError:
            continue
        code = getattr(getattr(handler, "__func__", handler), "__code__", None)
        if code is not None:
            handlers.add(id(code))
    trace = error.__traceback__
    while trace is not None:
        if id(trace.tb_frame.f_code) in handlers:
            return True
        trace = trace.tb_next
    return False
