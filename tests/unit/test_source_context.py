"""The source lines around a position."""

from __future__ import annotations

import doctest
import importlib
import linecache
import os
import sys
import threading
import types
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin import limits, source_context
from tocsin.source_context import SourceCache, read


@pytest.fixture(autouse=True)
def _fresh_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_context, "_cache", SourceCache())


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    archive = tmp_path / "app.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped_module.py", "first = 1\nsecond = 2\n")
    monkeypatch.syspath_prepend(str(archive))
    yield importlib.import_module("zipped_module")
    del sys.modules["zipped_module"]


def _file(tmp_path: Path, text: str | bytes, name: str = "m.py") -> str:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_lines_on_either_side(tmp_path: Path) -> None:
    """As many as asked for, fewer at the ends of the file."""
    path = _file(tmp_path, "".join(f"line{n}\n" for n in range(1, 21)))
    assert read(path, None, 10, 2) == (["line8", "line9"], "line10", ["line11", "line12"])
    assert read(path, None, 1, 2) == ([], "line1", ["line2", "line3"])
    assert read(path, None, 20, 2) == (["line18", "line19"], "line20", [""])
    assert read(path, None, 10, 0) == ([], "line10", [])


@pytest.mark.parametrize("lineno", [0, -1, 4, 10**9])
def test_a_line_that_is_not_there(tmp_path: Path, lineno: int) -> None:
    """Positions outside of the file have no context."""
    assert read(_file(tmp_path, "a\nb\n"), None, lineno, 5) is None


def test_line_ends_are_those_of_python(tmp_path: Path) -> None:
    """LF, CRLF and CR end a line; form feed and Unicode separators do not; none is kept."""
    path = _file(tmp_path, "a\r\nb\x0cb\u2028b\rc\nd")
    assert read(path, None, 2, 5) == (["a"], "b\x0cb\u2028b", ["c", "d"])


def test_long_lines_are_cut(tmp_path: Path) -> None:
    """A line of minified data costs no more than a long one."""
    path = _file(tmp_path, "x" * 10_000 + "\ny\n")
    found = read(path, None, 1, 1)
    assert found is not None
    assert len(found[1]) == limits.CONTEXT_LINE_CHARS


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("# -*- coding: latin-1 -*-\nä = 1\n".encode("latin-1"), "ä = 1"),
        ("#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\nx = '€'\n".encode("cp1252"), "x = '€'"),
        (b"\xef\xbb\xbfx = 1\ny = '\xc3\xa4'\n", "y = 'ä'"),
        (b"\xef\xbb\xbfx = 1\n", "x = 1"),
        (b"x = '\xff'\n", "x = '\ufffd'"),
        (b"# coding: no-such-encoding\nx = 1\n", "x = 1"),
    ],
)
def test_source_is_decoded_as_python_does(tmp_path: Path, source: bytes, line: str) -> None:
    """By byte order mark, by the comment of PEP 263, else UTF-8; a byte that fits nothing loses only itself."""
    path = _file(tmp_path, source)
    lineno = [number for number in (1, 2, 3) if (read(path, None, number, 0) or ((), "", ()))[1] == line]
    assert len(lineno) == 1


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    """The cache goes by time and size of the file."""
    path = _file(tmp_path, "old\n")
    assert read(path, None, 1, 0) == ([], "old", [])
    _file(tmp_path, "newer\n")
    assert read(path, None, 1, 0) == ([], "newer", [])
    stamp = os.stat(path)
    _file(tmp_path, "third\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    assert read(path, None, 1, 0) == ([], "third", [])


def test_a_file_that_did_not_change_is_read_once(tmp_path: Path) -> None:
    """Proved by a change that the file's time and size do not show."""
    path = _file(tmp_path, "one\n")
    assert read(path, None, 1, 0) == ([], "one", [])
    stamp = os.stat(path)
    _file(tmp_path, "two\n")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert read(path, None, 1, 0) == ([], "one", [])


def test_the_cache_is_bounded_in_files_and_bytes(tmp_path: Path) -> None:
    """However many files are asked for; the latest are there."""
    cache = SourceCache(files=4, kept_bytes=1000)
    paths = [_file(tmp_path, "x" * 100, f"m{n}.py") for n in range(50)]
    for path in paths:
        assert cache.lines(path) == ["x" * 100]
    assert len(cache._young.files) + len(cache._old.files) <= 8
    assert paths[-1] in cache._young.files
    cache = SourceCache(files=1000, kept_bytes=1000)
    for path in paths:
        cache.lines(path)
    assert cache._young.size_bytes <= 1000
    assert len(cache._young.files) + len(cache._old.files) <= 20


def test_a_file_in_use_survives_others(tmp_path: Path) -> None:
    """What is asked for again moves to the younger generation."""
    cache = SourceCache(files=2, kept_bytes=1000)
    used = _file(tmp_path, "used", "used.py")
    for n in range(20):
        cache.lines(used)
        cache.lines(_file(tmp_path, "x", f"m{n}.py"))
    assert used in cache._young.files or used in cache._old.files


def test_huge_and_special_files_are_not_read(tmp_path: Path) -> None:
    """A FIFO would block, a huge file would cost."""
    huge = tmp_path / "huge.py"
    with open(huge, "wb") as file:
        file.truncate(64 * 1024 * 1024)
    assert read(str(huge), None, 1, 5) is None
    fifo = tmp_path / "fifo.py"
    os.mkfifo(fifo)
    assert read(str(fifo), None, 1, 5) is None
    assert read(str(tmp_path), None, 1, 5) is None
    assert read(str(tmp_path / "absent.py"), None, 1, 5) is None
    assert read("/nul\x00l.py", None, 1, 5) is None


def test_a_module_in_an_archive_is_asked_of_its_loader(zipped: types.ModuleType) -> None:
    """The path lies in a zip file."""
    assert zipped.__file__ is not None
    assert read(zipped.__file__, "zipped_module", 2, 1) == (["first = 1"], "second = 2", [""])


def test_a_loader_is_asked_only_for_its_own_path(zipped: types.ModuleType) -> None:
    """Code that a module runs under another name does not get the module's lines."""
    assert zipped.__file__ is not None
    other = zipped.__file__.replace("zipped_module", "template")
    assert read(other, "zipped_module", 1, 1) is None
    assert read("<generated by zipped_module>", "zipped_module", 1, 1) is None
    assert read("<string>", "zipped_module", 1, 1) is None


def test_code_executed_in_a_module_does_not_get_its_lines() -> None:
    """This module's source is known, and still is not shown for a made-up name."""
    for name in ("<string>", "<stdin>", "<template>", "made_up.py"):
        assert read(name, __name__, 1, 1) is None


def test_a_relative_name_needs_the_module_to_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A made-up name that happens to be a file's here is not that file."""
    monkeypatch.chdir(tmp_path)
    _file(tmp_path, "x = 1\n", "relative.py")
    module = types.ModuleType("a_relative_module")
    monkeypatch.setitem(sys.modules, "a_relative_module", module)
    assert read("relative.py", "a_relative_module", 1, 0) is None
    assert read("relative.py", None, 1, 0) is None
    module.__file__ = "relative.py"
    assert read("relative.py", "a_relative_module", 1, 0) == ([], "x = 1", [])


def test_what_a_shell_has_left_in_linecache_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPython and code generators put their source there, without a time."""
    monkeypatch.setitem(linecache.cache, "<ipython-input-1-abc>", (4, None, ["x = 1\n", "y = 2\n"], "<ipython>"))
    monkeypatch.setitem(linecache.cache, "/tmp/ipykernel_1/2.py", (4, None, ["z = 3\n"], "/tmp/ipykernel_1/2.py"))
    assert read("<ipython-input-1-abc>", "__main__", 2, 5) == (["x = 1"], "y = 2", [])
    assert read("/tmp/ipykernel_1/2.py", "__main__", 1, 5) == ([], "z = 3", [])


def test_entries_of_linecache_that_would_need_reading_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lazy entry is not run, a stale one of a file that is gone is not shown."""

    def unread() -> str:
        raise AssertionError("read")

    monkeypatch.setitem(linecache.cache, "<lazy>", (unread,))
    monkeypatch.setitem(linecache.cache, "/gone/m.py", (4, 1.0, ["x = 1\n"], "/gone/m.py"))
    assert read("<lazy>", None, 1, 0) is None
    assert read("/gone/m.py", None, 1, 0) is None


def test_names_that_many_share_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer Pythons keep the source of `-c` as `<string>`, which is also what `exec` says."""
    monkeypatch.setitem(linecache.cache, "<string>", (4, None, ["x = 1\n"], "<string>"))
    assert read("<string>", "__main__", 1, 0) is None


def test_a_running_doctest() -> None:
    """Doctest keeps its source to itself, but answers `linecache`."""
    found = []
    example = ">>> a = 1\n>>> look()\n"
    globs = {"look": lambda: found.append(read(sys._getframe(1).f_code.co_filename, "__main__", 1, 0))}
    test = doctest.DocTestParser().get_doctest(example, globs, "sample", None, None)
    doctest.DocTestRunner().run(test, clear_globs=False)
    assert found == [([], "look()", [])]


def test_a_frozen_module_of_the_standard_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The module knows its file; another module's code does not get it."""
    module = types.ModuleType("a_frozen_module")
    module.__file__ = _file(tmp_path, "x = 1\n")
    monkeypatch.setitem(sys.modules, "a_frozen_module", module)
    assert read("<frozen a_frozen_module>", "a_frozen_module", 1, 0) == ([], "x = 1", [])
    assert read("<frozen a_frozen_module>", "another", 1, 0) is None
    assert read("<frozen no.such.module>", None, 1, 0) is None


def test_a_loader_that_raises_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Foreign code is fenced."""

    class Loader:
        def get_source(self, name: str) -> str:
            raise RuntimeError

    module = types.ModuleType("a_broken_module")
    module.__spec__ = importlib.machinery.ModuleSpec("a_broken_module", Loader(), origin="/no/such.py")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "a_broken_module", module)
    assert read("/no/such.py", "a_broken_module", 1, 0) is None


def test_threads_share_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many readers of many files, in a cache too small for them, all get the right lines."""
    monkeypatch.setattr(source_context, "_cache", SourceCache(files=3, kept_bytes=10_000))
    paths = {_file(tmp_path, f"file{n}\n", f"m{n}.py"): f"file{n}" for n in range(10)}
    wrong: list[object] = []

    def look() -> None:
        for _ in range(50):
            for path, line in paths.items():
                found = read(path, None, 1, 0)
                if found is None or found[1] != line:
                    wrong.append(found)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)
