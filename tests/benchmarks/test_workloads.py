"""Every workload can be measured with tocsin, and what is promised is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

import tocsin
from benchmarks import claims
from benchmarks.adapters import ADAPTERS, adapter_class
from benchmarks.bench import Workload
from benchmarks.results import FLOOR
from benchmarks.runner import Runner
from benchmarks.timing import Effort
from benchmarks.workloads import all_workloads

WORKLOADS = {workload.name: workload for workload in all_workloads()}
# The twin that is under test.
OURS = "tocsin" if tocsin.backend() == "core" else "tocsin-pure"
_LEAST = Effort(repeats=1, loop_ns=100_000, items=8, deliveries=16, starts=1)


def test_names_are_unique() -> None:
    """A row is found by its name in the JSON, and a workload by its own on the command line."""
    names = [row.name for workload in WORKLOADS.values() for row in workload.rows]
    assert len(set(names)) == len(names)
    assert len(WORKLOADS) == len(all_workloads())


def test_what_is_promised_is_measured() -> None:
    """Every promise names a row that there is, with a floor if it is held against one."""
    rows = {row.name: row for workload in WORKLOADS.values() for row in workload.rows}
    for claim in claims.CLAIMS:
        assert claim.row in rows
        assert (claim.floor_plus is None and claim.floor_factor is None) or rows[claim.row].floor


@pytest.mark.parametrize("name", [name for name, workload in WORKLOADS.items() if workload.measure is not None])
def test_tocsin_fills_every_row(shop: Path, compiled: Path, name: str) -> None:
    """The event passes the gate, and each row of the workload gets its value."""
    _check(WORKLOADS[name], _measure(shop, compiled, name, OURS), is_floor=False)


@pytest.mark.parametrize("name", ["exception-first", "scope", "isolation-scope", "rate-limited", "delivered"])
def test_the_peer_passes_the_gate(shop: Path, compiled: Path, name: str) -> None:
    """What the ratios are taken to sends the right events too."""
    _check(WORKLOADS[name], _measure(shop, compiled, name, "sentry-sdk"), is_floor=False)


@pytest.mark.parametrize("sdk", [sdk for sdk in ADAPTERS if sdk not in ("tocsin", "tocsin-pure", "sentry-sdk")])
def test_the_other_peers_pass_the_gate(shop: Path, compiled: Path, sdk: str) -> None:
    """Within the process and over HTTP, with what the SDK has of frames, locals and breadcrumbs."""
    if adapter_class(sdk).version() is None:
        pytest.skip(f"{sdk} comes with the extra `bench` alone")
    for name in ("exception-20", "ignored", "delivered"):
        _check(WORKLOADS[name], _measure(shop, compiled, name, sdk), is_floor=False)


@pytest.mark.skipif(OURS != "tocsin", reason="the floors are those of the compiled core's events")
@pytest.mark.parametrize("name", ["breadcrumb", "message-crumbs", "exception-20", "delivered", "floors"])
def test_floors_are_measured(shop: Path, compiled: Path, name: str) -> None:
    """An empty call, the event's JSON, a walk, and the way by hand."""
    _check(WORKLOADS[name], _measure(shop, compiled, name, FLOOR), is_floor=True)


def _measure(shop: Path, compiled: Path, name: str, sdk: str) -> dict[str, dict[str, float]]:
    return Runner(shop, compiled, _LEAST, lambda done, total, what: None).measure(name, sdk)


def _check(workload: Workload, found: dict[str, dict[str, float]], is_floor: bool) -> None:
    assert found.keys() == {"values"}, found
    assert found["values"].keys() == {row.name for row in workload.rows if row.floor or not is_floor}
