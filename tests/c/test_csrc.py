"""The plain C units, each compiled with its C test under sanitizers, and run."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
TESTS = ROOT / "tests" / "c"

UNITS = sorted(path.stem.removeprefix("tcn_") for path in CSRC.glob("tcn_*.c"))
# The units whose contract allows several threads at once.
THREADED = ["handoff", "stats"]

MEMORY = "address,undefined"
THREADS = "thread"

RACE = """
#include <pthread.h>
static int shared;
static void *add(void *unused) { shared++; return unused; }
int main(void) {
    pthread_t one, two;
    if (pthread_create(&one, NULL, add, NULL) || pthread_create(&two, NULL, add, NULL)) return 0;
    pthread_join(one, NULL);
    pthread_join(two, NULL);
    return 0;
}
"""
OVERRUN = """
#include <stdlib.h>
int main(int count, char **values) {
    volatile char *bytes = malloc((size_t)count + 3);
    bytes[3 + count] = values[0][0];
    return 0;
}
"""
OVERFLOW = """
#include <limits.h>
int main(int count, char **values) {
    volatile int most = INT_MAX;
    most += count;
    return values == 0;
}
"""
LEAK = """
#include <stdlib.h>
static void *volatile kept;
int main(void) {
    kept = malloc(100);
    kept = NULL;
    return 0;
}
"""


@pytest.fixture(autouse=True)
def _sanitizers_wanted(started_with: dict[str, str]) -> None:
    if started_with.get("TOCSIN_NO_SANITIZERS") == "1":
        pytest.skip("TOCSIN_NO_SANITIZERS=1: whoever runs this says that there are no sanitizers here")


def compile_and_run(
    sources: list[Path], sanitizers: str, folder: Path, link_flags: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs the program; fails if it cannot be made, since what it promises would go untested."""
    program = folder / "program"
    command = [
        *shlex.split(os.environ.get("CC") or "gcc"),
        *("-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-g", "-fno-omit-frame-pointer"),
        *(f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all", "-pthread"),
        *(f"-I{CSRC}", f"-I{TESTS}", "-o", str(program)),
        *map(str, sources),
        *link_flags,
    ]
    try:
        compiled = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except FileNotFoundError as error:
        pytest.fail(f"no C compiler: {error}", pytrace=False)
    if compiled.returncode != 0:
        pytest.fail(f"{shlex.join(command)}\n{compiled.stdout}{compiled.stderr}", pytrace=False)
    environment = {
        **os.environ,
        "ASAN_OPTIONS": "detect_leaks=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1",
    }
    return subprocess.run(
        [str(program)], capture_output=True, text=True, timeout=300, check=False, env=environment, cwd=folder
    )


def check_unit(unit: str, sanitizers: str, folder: Path) -> None:
    # Allocation is wrapped so that a test can make the nth one fail.
    sources = [TESTS / f"test_{unit}.c", CSRC / f"tcn_{unit}.c"]
    ran = compile_and_run(sources, sanitizers, folder, ("-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc",))
    if ran.returncode != 0:
        pytest.fail(f"exit status {ran.returncode}\n{ran.stdout}{ran.stderr}", pytrace=False)


@pytest.mark.parametrize("unit", UNITS)
def test_unit_holds_its_laws_without_memory_errors(unit: str, tmp_path: Path) -> None:
    """Every C unit passes its C test under AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer."""
    check_unit(unit, MEMORY, tmp_path)


@pytest.mark.parametrize("unit", THREADED)
def test_unit_holds_its_laws_without_data_races(unit: str, tmp_path: Path) -> None:
    """Every C unit for several threads passes its C test under ThreadSanitizer."""
    check_unit(unit, THREADS, tmp_path)


@pytest.mark.parametrize(
    ("planted", "sanitizers", "said"),
    [
        pytest.param(OVERRUN, MEMORY, "heap-buffer-overflow", id="overrun"),
        pytest.param(OVERFLOW, MEMORY, "signed integer overflow", id="overflow"),
        pytest.param(LEAK, MEMORY, "LeakSanitizer", id="leak"),
        pytest.param(RACE, THREADS, "data race", id="race"),
    ],
)
def test_sanitizers_find_what_is_planted(planted: str, sanitizers: str, said: str, tmp_path: Path) -> None:
    """The checks above can go red: each sanitizer here reports a fault of its kind."""
    source = tmp_path / "planted.c"
    source.write_text(planted)
    ran = compile_and_run([source], sanitizers, tmp_path)
    assert ran.returncode != 0
    assert said in ran.stderr
