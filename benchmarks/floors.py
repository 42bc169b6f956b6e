"""What cannot be undercut: the parts of any SDK's work, without the SDK."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import zlib
from pathlib import Path
from time import process_time_ns, time
from typing import Any

from benchmarks.adapters.base import Absent, Seen
from benchmarks.bench import Bench

EMPTY_CALL = "an empty C call"
DUMPS = "orjson.dumps of the event"
BY_HAND = "dumps, gzip and urllib3 by hand"
_GZIP_LEVEL, _GZIP_WBITS = 1, 31


def native_module(folder: str) -> Any:
    """The compiled functions of `native/nothing.c`."""
    for path in Path(folder).glob("nothing.*"):
        loader = importlib.machinery.ExtensionFileLoader("nothing", str(path))
        module = importlib.util.module_from_spec(importlib.machinery.ModuleSpec("nothing", loader, origin=str(path)))
        loader.exec_module(module)
        return module
    raise Absent("cannot be measured without a C compiler and Python.h")


def empty_call(bench: Bench, statement: str) -> float:
    """The microseconds of a call of a C function that does nothing, with the same arguments."""
    return bench.time_call(statement, {"nothing": native_module(bench.native).nothing, "error": ValueError()})


def clock(bench: Bench) -> float:
    """The microseconds of reading the clock, as every breadcrumb and event must."""
    return bench.time_call("time()", {"time": time})


def walk(bench: Bench, frames: int) -> float:
    """The microseconds of a walk over a traceback in C that reads each code object and instruction."""
    traceback = bench.failures.raised(frames).__traceback__
    return bench.time_call("walk(traceback)", {"walk": native_module(bench.native).walk, "traceback": traceback})


def dumps(bench: Bench, seen: Seen) -> float:
    """The microseconds of turning the very event into JSON, once it is a dict."""
    import orjson

    return bench.time_call("dumps(event)", {"dumps": orjson.dumps, "event": seen.raw})


def by_hand(bench: Bench, seen: Seen, port: int, count: int) -> float:
    """The microseconds of CPU that a process spends to send the event as a program without any SDK would."""
    import orjson
    import urllib3

    headers = {"Content-Type": "application/x-sentry-envelope", "Content-Encoding": "gzip"}
    with urllib3.HTTPConnectionPool("127.0.0.1", port) as pool:

        def send() -> None:
            payload = orjson.dumps(seen.raw)
            body = b'{}\n{"type":"event","length":%d}\n%b\n' % (len(payload), payload)
            compressor = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
            answer = pool.request(
                "POST", "/api/1/envelope/", body=compressor.compress(body) + compressor.flush(), headers=headers
            )
            assert answer.status == 200

        send()
        began = process_time_ns()
        for _ in range(count):
            send()
        return (process_time_ns() - began) / count / 1000
