"""Compiles the programs in C that the benchmarks need."""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path

_HERE = Path(__file__).parent
_FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror"]
_COMPILE_S = 120


class CannotCompile(Exception):
    """The text says why."""


def compile_sink(folder: Path) -> None:
    """Make the server, `sink`."""
    _compile([str(_HERE / "sink.c"), "-o", str(folder / "sink")])


def compile_nothing(folder: Path) -> None:
    """Make the extension module `nothing`."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    flags = ["-shared", "-fPIC", f"-isystem{sysconfig.get_path('include')}"]
    _compile([*flags, str(_HERE / "nothing.c"), "-o", str(folder / f"nothing{suffix}")])


def compiler() -> list[str]:
    """The C compiler's command."""
    return shlex.split(os.environ.get("CC") or "cc")


def _compile(arguments: list[str]) -> None:
    try:
        done = subprocess.run(
            [*compiler(), *_FLAGS, *arguments], capture_output=True, text=True, check=False, timeout=_COMPILE_S
        )
    except OSError as error:
        raise CannotCompile(f"there is no C compiler: {error}") from error
    if done.returncode:
        raise CannotCompile(done.stderr.strip())
