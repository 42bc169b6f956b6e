"""What capturing costs, measured against the peers: `python -m benchmarks`.

Needs the extra `bench` and is not shipped. `__main__.py` is the command line, `runner.py` starts one process per
workload, SDK and round (`child.py`), `report.py` and `chart.py` show what they found. A workload stands in
`bench_<noun>.py`, an SDK in `adapters/`, what is promised in `claims.py`.
"""
