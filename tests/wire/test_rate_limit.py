"""Rate limits: https://develop.sentry.dev/sdk/expected-features/rate-limiting/"""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin import limits
from tocsin.client_report import DataCategory
from tocsin.rate_limit import RateLimits

NAME = "X-Sentry-Rate-Limits"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate_limits(clock: Clock) -> RateLimits:
    return RateLimits(now=clock)


def _remaining(rate_limits: RateLimits, clock: Clock, category: str) -> float:
    """Seconds until a category is free again, found by asking."""
    start, until = clock.now, rate_limits.until
    try:
        for tenths in range(40_000):
            clock.now = start + tenths / 10
            if not rate_limits.is_limited(category):
                return tenths / 10
        raise AssertionError("limited for more than an hour")
    finally:
        # Back in time, limits that were found to have ended included.
        clock.now, rate_limits.until = start, until


@pytest.mark.parametrize("status", [200, 429, 503])
def test_the_header_is_obeyed_on_every_status(rate_limits: RateLimits, clock: Clock, status: int) -> None:
    """A limit on `error` holds for its seconds and for no other category, whatever the status."""
    rate_limits.update(status, {NAME: "60:error:organization"})
    assert _remaining(rate_limits, clock, "error") == 60
    assert not rate_limits.is_limited("attachment")


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        ("60::organization", {"error": 60, "attachment": 60, "internal": 60}),
        ("60", {"error": 60, "internal": 60}),
        ("60:", {"error": 60}),
        ("60:error", {"error": 60, "attachment": 0}),
        ("60:error;attachment:key", {"error": 60, "attachment": 60, "session": 0}),
        (" 60 : error ; attachment : key ", {"error": 60, "attachment": 60}),
        ("60:error:key, 30:attachment:key", {"error": 60, "attachment": 30}),
        ("60.5:error:key", {"error": 60.5}),
        ("10:error:key,60:error:key", {"error": 60}),
        ("60:error:key,10:error:key", {"error": 60}),
        ("10::key,60:error:key", {"error": 60, "attachment": 10}),
        ("60:error:key:quota_exceeded:custom;x:more:and:more", {"error": 60, "attachment": 0}),
        ("junk,60:error:key", {"error": 60}),
        ("-5:error,nan:error,inf:error,:error,x:error", {"error": 0}),
        ("0:error", {"error": 0}),
        ("86400:transaction;span:organization", {"error": 0, "attachment": 0, "default": 0}),
        ("60:unheard_of:key", {"error": 0, "unheard_of": 0}),
        ("60:internal:key", {"internal": 0}),
        ("", {"error": 0}),
        (",,,", {"error": 0}),
    ],
)
def test_the_grammar(rate_limits: RateLimits, clock: Clock, text: str, limited: dict[str, float]) -> None:
    """Seconds may be fractions, no category means all, further fields and what cannot be read are ignored.

    The SDK's own reports (`internal`) are stopped only by a limit on everything.
    """
    rate_limits.update(200, {NAME: text})
    assert {category: _remaining(rate_limits, clock, category) for category in limited} == limited


def test_the_longest_limit_holds(rate_limits: RateLimits, clock: Clock) -> None:
    """A shorter limit that comes later does not end a longer one."""
    rate_limits.update(200, {NAME: "60:error:key"})
    rate_limits.update(200, {NAME: "10:error:key"})
    assert _remaining(rate_limits, clock, "error") == 60
    clock.now += 30
    rate_limits.update(200, {NAME: "60:error:key"})
    assert _remaining(rate_limits, clock, "error") == 60


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [(None, 60), ("30", 30), ("5.5", 5.5), ("0", 0), ("soon", 60), ("-3", 60), ("nan", 60), ("", 60)],
)
def test_a_429_without_limits_stops_everything(
    rate_limits: RateLimits, clock: Clock, retry_after: str | None, seconds: float
) -> None:
    """Retry-After says for how long; without a readable one, `RATE_LIMIT_DEFAULT_S`."""
    assert limits.RATE_LIMIT_DEFAULT_S == 60
    rate_limits.update(429, {} if retry_after is None else {"Retry-After": retry_after})
    assert _remaining(rate_limits, clock, "error") == seconds
    assert _remaining(rate_limits, clock, "internal") == seconds


def test_a_429_with_a_date_is_understood(rate_limits: RateLimits, clock: Clock) -> None:
    """Retry-After may be a date; one that has passed limits nothing."""
    rate_limits.update(429, {"Retry-After": formatdate(time.time() - 100, usegmt=True)})
    assert not rate_limits.is_limited("error")
    rate_limits.update(429, {"Retry-After": formatdate(time.time() + 100, usegmt=True)})
    assert 90 < _remaining(rate_limits, clock, "error") < 101


def test_a_429_with_unreadable_limits_counts_as_one_without(rate_limits: RateLimits, clock: Clock) -> None:
    """Junk in the header does not make a refusal unheard; a readable limit is obeyed to the letter."""
    rate_limits.update(429, {NAME: "junk", "Retry-After": "7"})
    assert _remaining(rate_limits, clock, "error") == 7


def test_a_429_whose_limits_concern_others_limits_no_errors(rate_limits: RateLimits) -> None:
    """The header, where readable, says it all."""
    rate_limits.update(429, {NAME: "60:transaction:key"})
    assert not rate_limits.is_limited("error")
    assert rate_limits.is_limited("transaction")


@pytest.mark.parametrize("status", [200, 400, 500, 503])
def test_retry_after_matters_on_429_alone(rate_limits: RateLimits, status: int) -> None:
    """Other statuses limit nothing by it."""
    rate_limits.update(status, {"Retry-After": "30"})
    assert not rate_limits.is_limited("error")


def test_header_names_may_be_lower_case(rate_limits: RateLimits) -> None:
    """As HTTP/2 and some proxies write them."""
    rate_limits.update(200, {NAME.lower(): "60:error:key"})
    assert rate_limits.is_limited("error")


def test_no_limit_costs_no_look_at_the_clock() -> None:
    """While nothing is limited, the question is one attribute test; after a limit has ended, it is so again."""
    asked = []

    def now() -> float:
        asked.append(1)
        return float(len(asked))

    rate_limits = RateLimits(now=now)
    assert not rate_limits.is_limited("error")
    assert asked == []
    rate_limits.update(200, {NAME: "5:error:key"})
    while rate_limits.is_limited("error"):
        assert len(asked) < 10
    asked.clear()
    assert not rate_limits.is_limited("error")
    assert asked == []


_pieces = st.text(alphabet="0123456789.:;,-+einaf \u0661", max_size=30)


@given(st.integers(100, 599), st.none() | _pieces | st.text(max_size=20), st.none() | _pieces)
def test_junk_is_absorbed_and_memory_bounded(status: int, header: str | None, retry_after: str | None) -> None:
    """No header raises, and only known categories are kept."""
    rate_limits = RateLimits()
    headers = {NAME: header, "Retry-After": retry_after}
    rate_limits.update(status, {name: value for name, value in headers.items() if value is not None})
    assert rate_limits.is_limited("error") in (True, False)
    known = {value for name, value in vars(DataCategory).items() if name.isupper()}
    assert set(rate_limits.until) <= known | {""}


def test_what_is_said_without_a_call_agrees(rate_limits: RateLimits, clock: Clock) -> None:
    """`until` is empty and `error_until_s` 0 while nothing is limited; later they tell when the limits end, errors by
    their own limit or that on everything."""
    assert (rate_limits.until, rate_limits.error_until_s) == ({}, 0.0)
    rate_limits.update(200, {NAME: "60:attachment:key"})
    assert rate_limits.until
    assert rate_limits.error_until_s == 0.0
    rate_limits.update(200, {NAME: "10:error:key"})
    assert rate_limits.error_until_s == clock.now + 10
    rate_limits.update(200, {NAME: "30::key"})
    assert rate_limits.error_until_s == clock.now + 30
    clock.now = rate_limits.error_until_s
    assert not rate_limits.is_limited("error")
