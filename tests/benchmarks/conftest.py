"""What the tests of the benchmarks share."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import failures, native


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the modules that fail."""
    folder = tmp_path_factory.mktemp("shop")
    failures.write(folder)
    return folder


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the compiled server and floors."""
    folder = tmp_path_factory.mktemp("native")
    try:
        native.compile_sink(folder)
        native.compile_nothing(folder)
    except native.CannotCompile as error:
        pytest.skip(f"the benchmarks' programs in C cannot be compiled here: {error}")
    return folder
