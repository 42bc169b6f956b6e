"""Any junk that is given as an event, mended: a server takes it without a complaint."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance import normalizer
from support.receiver import strict_json
from tocsin import trim
from tocsin.normalize import Normalizer

NO_WHEEL = sys.platform not in ("linux", "darwin")
HAS_NORMALIZER = importlib.util.find_spec("sentry_relay") is not None
pytestmark = pytest.mark.skipif(NO_WHEEL, reason=f"sentry-relay has no wheel for {sys.platform}")


def _words(text: str) -> list[str]:
    return text.split()


MEMBERS = _words("""
event_id timestamp platform level logger message logentry transaction transaction_info server_name release dist
environment tags extra contexts user request fingerprint modules breadcrumbs exception threads stacktrace sdk
debug_meta errors _meta culprit site type version spans received
""")
# Names that servers know somewhere in an event: junk under them is what has to be mended.
NAMES = _words("""
values type value module mechanism handled synthetic meta errno number data help_link source exception_id
stacktrace frames registers function filename abs_path lineno colno in_app vars pre_context post_context
context_line instruction_addr lock id name crashed current held_locks url method query_string headers cookies env
fragment body_size runtime os device app gpu trace culture response flags otel profile version build online
memory_size trace_id span_id parent_span_id status op flag result view_names email username ip_address geo city
category message params formatted timestamp level packages integrations images debug_id code_file thread_id a
""")
WORDS = _words("""
yes 12 -1 a=b;c http://x/y?a=b&c#d 0x10 deadbeefdeadbeefdeadbeefdeadbeef deadbeefdeadbeef os trace GET none
""")
ODD = ["", " ", "\ud800", "a b", "..."]
_MARK = re.compile(rb'"\.\.\.[~0-9]*"')

# Stand for what would be long to print: a text, and more frames than a server keeps.
LONG, MANY = "<long>", "<many>"
BIG = {LONG: "long" * 3000, MANY: [{"function": "f", "vars": {"a": "v" * 50}}] * 300}

# A server counts each digit of a number written out, so that 1e300 in a list of many has it cut the list.
floats = st.sampled_from([0.5, -1.25, 1e15, 0.0001, float("nan"), float("inf"), -0.0, time.time()])
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 70), 1 << 70), floats, st.sampled_from([*WORDS, *ODD, LONG, MANY]),
    st.text(max_size=12), st.binary(max_size=4), st.builds(object), st.just(1j),
)  # fmt: skip
junk = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.one_of(st.sampled_from(NAMES + ODD), st.integers(), st.text(max_size=5)), inner, max_size=5),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
        st.builds(lambda one: {"values": [one]}, inner),
    ),
    max_leaves=25,
)
events = st.dictionaries(st.one_of(st.sampled_from(MEMBERS), st.text(max_size=5), st.integers()), junk, max_size=8)


@pytest.fixture(autouse=True, scope="module")
def _on_the_twin(backend: Any) -> Iterator[None]:
    """The rules write with the twin that is asked for, whichever was chosen at import."""
    with pytest.MonkeyPatch.context() as patch:
        for module in [module for name, module in sys.modules.items() if name.startswith("tocsin.normalize")]:
            for name in ("Fragment", "Renderer", "json_string", "iso_time"):
                if hasattr(module, name):
                    patch.setattr(module, name, getattr(backend, name))
        yield


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(event=events)
def test_any_junk_becomes_an_event_that_a_server_takes(backend: Any, event: dict[Any, Any]) -> None:
    """It raises nothing, gives strict JSON under 1 MiB, changes nothing of what was given, and is taken as it is.

    What hooks are shown is mended again afterwards: that changes nothing more.
    """
    assert HAS_NORMALIZER, "sentry-relay is not installed; it is in the extra `test`"
    event = _grown(event)
    before = _shape(event)
    mender = Normalizer(backend.Renderer(), None, backend.Renderer(breadth=10_000))
    payload = trim.fit(backend.dumps(mender.event(event)))
    assert len(payload) < normalizer.EVENT_BYTES
    sent = strict_json(payload)
    found, _ = normalizer.faults_of(payload, datetime.now(timezone.utc))
    assert not [fault for fault in found if not fault.startswith("lost:")]
    assert _shape(event) == before
    again = backend.dumps(mender.event(copy.deepcopy(sent)))
    assert _marks(again) == _marks(payload)


def _marks(payload: bytes) -> Any:
    """An event; the name of a mark is itself marked when it comes again."""
    return strict_json(_MARK.sub(b'"..."', payload))


def _grown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _grown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)([_grown(item) for item in value])
    return BIG.get(value, value) if isinstance(value, str) else value


def _shape(value: Any) -> str:
    return json.dumps(value, default=repr, skipkeys=True)
