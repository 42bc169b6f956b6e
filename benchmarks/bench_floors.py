"""What every SDK must do at the least, and that no row has as its own floor."""

from __future__ import annotations

from benchmarks import floors
from benchmarks.bench import Bench, Workload
from benchmarks.results import Row

_FRAMES = 20
_CLOCK = Row("floor-clock", "nothing but time.time()", floor="clock_gettime")
_WALK = Row("floor-walk", "nothing but a walk over 20 frames in C", floor="reading code object and instruction")


def _floor(bench: Bench) -> dict[str, float]:
    return {_CLOCK.name: floors.clock(bench), _WALK.name: floors.walk(bench, _FRAMES)}


WORKLOADS = [Workload("floors", (_CLOCK, _WALK), None, _floor)]
