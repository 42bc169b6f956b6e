"""What tocsin promises of its cost, on CPython 3.11, and whether a run has reached it.

A promise is a ratio to sentry-sdk 2.75 in the same round, or a distance to a floor in the same round: the median over
the rounds decides. Times alone would promise the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.report import number
from benchmarks.results import FLOOR, OURS, PEER, Results, Row


@dataclass(frozen=True)
class Claim:
    """One promise.

    Attributes:
        row: what is measured.
        at_least: how many times cheaper than the peer it is.
        floor_factor: how many times the floor it costs at the most; None for no such promise.
        floor_plus: how much more than the floor it costs at the most, in the row's unit; None for no such promise.
        sdk: whose promise it is.
    """

    row: str
    at_least: float
    floor_factor: float | None = None
    floor_plus: float | None = None
    sdk: str = OURS


CLAIMS = [
    Claim("breadcrumb", 12),
    Claim("breadcrumb-data", 8),
    Claim("logging-info", 15),
    Claim("scope", 4),
    Claim("isolation-scope", 5),
    Claim("message", 40),
    Claim("message-crumbs", 500),
    Claim("exception-1", 70),
    Claim("exception-20", 140, floor_plus=10),
    Claim("exception-20-crumbs", 240),
    Claim("exception-20-bare", 300),
    Claim("sampled-out", 4000),
    Claim("ignored", 2000),
    Claim("rate-limited", 2000),
    Claim("queue-full", 2000),
    Claim("delivered-cpu", 15, floor_factor=1.5),
    Claim("startup", 8),
    Claim("exception-20", 8, sdk="tocsin-pure"),
]


def verdicts(results: Results) -> list[tuple[bool, str]]:
    """Whether each promise was reached by the run, as far as it has measured the row, and the words for it."""
    rows = {row.name: row for row in results.rows}
    found = []
    for claim in CLAIMS:
        row = rows.get(claim.row)
        if row is None or not {claim.sdk, PEER} <= set(results.sdks):
            continue
        found.append(_against_peer(results, claim, row))
        if claim.floor_plus is not None:
            most = claim.floor_plus
            limit = f"at most {row.floor} plus {number(most)} {row.unit}"
            found.append(_against_floor(results, claim, row, lambda mine, floor: mine - floor, most, limit))
        if claim.floor_factor is not None:
            most = claim.floor_factor
            limit = f"at most {number(most)} x {row.floor}"
            found.append(_against_floor(results, claim, row, lambda mine, floor: mine / floor, most, limit))
    return found


def text(found: list[tuple[bool, str]]) -> str:
    """The verdicts as lines."""
    if not found:
        return "nothing was measured that is promised"
    missed = sum(not reached for reached, _ in found)
    lines = [f"{'reached    ' if reached else 'NOT REACHED'}  {words}" for reached, words in found]
    return "\n".join([*lines, f"{len(found) - missed} of {len(found)} promises reached"])


def _against_peer(results: Results, claim: Claim, row: Row) -> tuple[bool, str]:
    words = f"{claim.sdk}, {row.title}: {PEER} at least {number(claim.at_least)} x"
    ratio = results.ratio(row, PEER, claim.sdk)
    if ratio is None:
        return False, f"{words}; not measured"
    return ratio.median >= claim.at_least, f"{words}; measured {number(ratio.median)} x [{number(ratio.minimum)}]"


def _against_floor(
    results: Results, claim: Claim, row: Row, compare: Callable[[float, float], float], most: float, limit: str
) -> tuple[bool, str]:
    words = f"{claim.sdk}, {row.title}: {limit}"
    pairs = results.pairs(row, claim.sdk, FLOOR)
    if not pairs:
        return False, f"{words}; not measured"
    found = median(compare(mine, floor) for mine, floor in pairs)
    return found <= most, f"{words}; measured {number(found)}"
