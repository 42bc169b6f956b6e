"""The process that measures one workload with one SDK, once: `python -m benchmarks.child JOB`.

The job is a JSON object, and so is the last line of the output: `values` by row, or `void` or `absent` with a reason.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from benchmarks.adapters import adapter_class
from benchmarks.adapters.base import Absent
from benchmarks.bench import Bench
from benchmarks.failures import Failures
from benchmarks.gate import Void
from benchmarks.results import FLOOR
from benchmarks.timing import Effort
from benchmarks.workloads import all_workloads


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job; return what is to be told of it.

    Args:
        job: sdk, workload, effort (the fields of `Effort`), folder (of the failing modules), native.
    """
    workload = next(one for one in all_workloads() if one.name == job["workload"])
    is_floor = job["sdk"] == FLOOR
    # The event whose JSON is a floor is the compiled core's.
    adapter = adapter_class("tocsin" if is_floor else job["sdk"])()
    bench = Bench(adapter, Failures(job["folder"]), Effort(**job["effort"]), job["native"])
    measure = workload.floor if is_floor else workload.measure
    try:
        if is_floor and adapter.version() is None:
            raise Absent("the event whose JSON is a floor is tocsin's, which is not installed")
        return {"values": {} if measure is None else measure(bench)}
    except Absent as absent:
        return {"absent": str(absent)}
    except Void as void:
        return {"void": str(void)}
    except Exception as error:
        traceback.print_exc()
        return {"void": f"{type(error).__name__}: {error}"}


def main() -> None:
    print(json.dumps(run(json.loads(sys.argv[1]))), flush=True)
    # No SDK is to hold the process up with what it still has to deliver.
    os._exit(0)


if __name__ == "__main__":
    main()
