"""Laws of a site: what it says of a place in the code, which places are hidden, and how many are remembered."""

from __future__ import annotations

import gc
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.twins import PROPERTY, TEXTS, same, strict_json
from tocsin import limits

SOURCE = """\
def function(argument):
    raise ValueError
class Body:
    name = 1
async def coroutine():
    raise ValueError
def generator():
    yield
lambda: 0
"""


def code_of(filename: str = "/path/file.py", source: str = "raise ValueError", mode: str = "exec") -> CodeType:
    return compile(source, filename, mode)


def named(code: CodeType, name: str) -> CodeType:
    return next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)


def site_of(backend: Any, code: CodeType, namespace: Any = None, lineno: int | None = 7, classify: Any = None) -> Any:
    return backend.site.make_site(code, lineno, {"__name__": "module"} if namespace is None else namespace, classify)


def head(site: Any) -> Any:
    return strict_json(b"{" + site.head + b"}")


def test_a_site_says_where_it_is(backend: Any) -> None:
    """The members of a frame; what is the same in its attributes."""
    site = site_of(backend, named(code_of(source=SOURCE), "function"))
    assert head(site) == {
        "filename": "file.py",
        "abs_path": "/path/file.py",
        "function": "function",
        "module": "module",
        "lineno": 7,
    }
    assert (site.function, site.module, site.abs_path, site.lineno) == ("function", "module", "/path/file.py", 7)
    assert (site.in_app, site.line, site.around) == (None, None, None)


@pytest.mark.parametrize("answer", [True, False, None])
def test_whether_it_is_the_applications_is_asked_once(backend: Any, answer: bool | None) -> None:
    """By module and path; without an answer the server decides."""
    asked = []

    def classify(*arguments: object) -> bool | None:
        asked.append(arguments)
        return answer

    site = site_of(backend, code_of(), {"__name__": "pkg.module"}, classify=classify)
    assert asked == [("pkg.module", "/path/file.py")]
    assert site.in_app is answer
    assert head(site).get("in_app") is answer


@pytest.mark.parametrize("lineno", [None, 0, -5])
def test_a_place_without_a_line_is_line_zero(backend: Any, lineno: int | None) -> None:
    """An instruction that belongs to no line of the source."""
    assert head(site_of(backend, code_of(), lineno=lineno))["lineno"] == 0


@pytest.fixture
def package(tmp_path: Path) -> Any:
    """A package that was imported from a folder."""
    module = types.ModuleType("tocsinite")
    module.__file__ = str(tmp_path / "lib" / "tocsinite" / "__init__.py")
    sys.modules["tocsinite"] = module
    yield module
    del sys.modules["tocsinite"]


@pytest.mark.parametrize(
    ("module", "path", "short"),
    [
        ("module", "{lib}/module.py", "module.py"),
        ("tocsinite", "{lib}/tocsinite/__init__.py", "__init__.py"),
        ("tocsinite.part", "{lib}/tocsinite/part.py", "tocsinite/part.py"),
        ("tocsinite.sub.part", "{lib}/tocsinite/sub/part.py", "tocsinite/sub/part.py"),
        ("tocsinite.part", "{lib}/elsewhere.py", "elsewhere.py"),
        ("tocsinite.part", "/other/part.py", "part.py"),
        ("tocsinite.part", "{lib}x/tocsinite/part.py", "part.py"),
        ("not_imported.part", "{lib}/not_imported/part.py", "part.py"),
        ("sys.part", "/path/part.py", "part.py"),
        (None, "{lib}/module.py", "{lib}/module.py"),
        ("module", "<string>", "<string>"),
        ("tocsinite.part", "<frozen part>", "<frozen part>"),
    ],
)
def test_the_short_path_starts_at_the_top_level_package(
    backend: Any, package: types.ModuleType, module: str | None, path: str, short: str
) -> None:
    """Its folder and what is below; the file's name alone where there is no package, or the file is not below it."""
    lib = os.path.dirname(os.path.dirname(str(package.__file__)))
    path, short = path.format(lib=lib), short.format(lib=lib)
    shown = head(site_of(backend, code_of(path), {"__name__": module} if module else {}))
    assert (shown["filename"], shown["abs_path"]) == (short, path)


@pytest.mark.parametrize("file", [None, 5, "", "nowhere", b"bytes"])
def test_a_package_of_an_odd_file_gives_no_folder(backend: Any, package: Any, file: object) -> None:
    """A namespace package, or one that somebody has made by hand."""
    package.__file__ = file
    shown = head(site_of(backend, code_of("/path/tocsinite/part.py"), {"__name__": "tocsinite.part"}))
    assert shown["filename"] in ("part.py", "path/tocsinite/part.py")
    sys.modules["tocsinite"] = object()  # type: ignore[assignment]
    shown = head(site_of(backend, code_of("/path/tocsinite/part.py"), {"__name__": "tocsinite.part"}))
    assert shown["filename"] == "part.py"


def test_a_relative_path_is_made_absolute(backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the folder that the process is in; one that is no path is left alone."""
    monkeypatch.chdir(tmp_path)
    assert site_of(backend, code_of("sub/file.py")).abs_path == os.path.join(os.getcwd(), "sub", "file.py")
    assert site_of(backend, code_of("<stdin>")).abs_path == "<stdin>"


@pytest.mark.parametrize("name", [None, 5, b"module", ["module"], type("Own", (str,), {})("module")])
def test_a_module_name_that_is_no_text_is_none(backend: Any, name: object) -> None:
    """Globals are whatever exec was given."""
    shown = head(site_of(backend, code_of(), {"__name__": name}))
    assert shown["module"] is None
    assert head(site_of(backend, code_of(), {}))["module"] is None


def test_a_long_module_name_is_cut(backend: Any) -> None:
    """To what a server keeps."""
    assert site_of(backend, code_of(), {"__name__": "m" * 9999}).module == "m" * limits.NAME_CHARS


@pytest.mark.parametrize("name", ["tocsin", "tocsin.client", "tocsin._core.values"])
def test_frames_of_tocsin_are_hidden(backend: Any, name: str) -> None:
    """By the name of their module, the whole of it."""
    assert site_of(backend, code_of(), {"__name__": name}) is None
    assert site_of(backend, code_of(), {"__name__": name.replace("tocsin", "tocsinite")}) is not None


@pytest.mark.parametrize("name", ["__tracebackhide__", "__traceback_hide__"])
def test_functions_may_hide_themselves(backend: Any, name: str) -> None:
    """A local of that name does, whatever its value; a global one does not."""
    source = (
        f"def function():\n  {name} = True\ndef argument({name}): ...\ndef other():\n  return {name}\n{name} = True"
    )
    code = code_of(source=source)
    assert site_of(backend, named(code, "function")) is None
    assert site_of(backend, named(code, "argument")) is None
    assert site_of(backend, named(code, "other")) is not None
    assert site_of(backend, code) is not None


def test_frames_of_functions_are_told_from_those_of_modules_and_classes(backend: Any) -> None:
    """By whether they have locals of their own."""
    code = code_of(source=SOURCE)
    kinds = {name: site_of(backend, named(code, name)).is_function for name in ("function", "coroutine", "generator")}
    assert kinds == dict.fromkeys(kinds, True)
    assert site_of(backend, named(code, "<lambda>")).is_function
    assert not site_of(backend, named(code, "Body")).is_function
    assert not site_of(backend, code).is_function


@given(lines=st.lists(TEXTS, max_size=5), line=TEXTS, names=st.tuples(TEXTS, TEXTS, TEXTS))
@PROPERTY
def test_names_and_source_lines_are_the_same_in_both(lines: list[str], line: str, names: tuple[str, str, str]) -> None:
    """Any texts make strict members, equal in both twins."""

    def call(twin: Any) -> tuple[bytes, bytes, bytes]:
        site = twin.Site(names[0], names[1], names[2], "/path", 3, True)
        site.set_source(lines, line, lines)
        return site.head, site.line, site.around

    made: Any = same("site", call)
    assert set(strict_json(b"{" + b",".join(made) + b"}")) == {
        *("filename", "abs_path", "function", "module", "lineno", "in_app"),
        *("context_line", "pre_context", "post_context"),
    }


def test_that_there_is_no_source_is_remembered(backend: Any) -> None:
    """Empty is not unknown: it is not looked for again."""
    site = site_of(backend, code_of())
    site.set_no_source()
    assert (site.line, site.around) == (b"", b"")


def failure(number: int, filename: str = "<made>") -> BaseException:
    """An error from code of its own, which dies with it."""
    source = f"def function{number}():\n{chr(10) * (number % 7)}  raise ValueError\nfunction{number}()"
    try:
        exec(compile(source, filename, "exec"), {})
    except ValueError as error:
        return error
    raise AssertionError


def functions(stack: Any) -> list[tuple[str, int]]:
    return [(site.function, site.lineno) for site in stack.sites()]


def expected(number: int) -> list[tuple[str, int]]:
    return [("failure", FAILING_LINE), ("<module>", 3 + number % 7), (f"function{number}", 2 + number % 7)]


FAILING_LINE = failure.__code__.co_firstlineno + 4


@pytest.mark.parametrize("most", [1, 2, 3, 50])
def test_the_table_is_bounded_and_its_bound_changes_nothing(backend: Any, most: int) -> None:
    """Sites beyond it replace others; what an event says is the same."""
    extractor = backend.StackExtractor(None, None, max_sites=most)
    errors = [failure(number) for number in range(30)]
    for number, error in [*enumerate(errors), *enumerate(errors), (0, errors[0])]:
        assert functions(extractor.exception(error, None, "generic", True)) == expected(number)
        assert extractor.site_count <= most


def test_a_place_has_one_site(backend: Any) -> None:
    """Made at the first error there, the same object at the next."""
    extractor = backend.StackExtractor(None, None)
    error = failure(1)
    first, second = (extractor.exception(error, None, "generic", True).sites() for _ in range(2))
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert extractor.site_count == len(first)
    other = backend.StackExtractor(None, None)
    assert other.exception(error, None, "generic", True).sites()[0] is not first[0]


def test_code_that_dies_is_forgotten(backend: Any) -> None:
    """At once, with all its sites; a stack that shows it is whole all the same."""
    extractor = backend.StackExtractor(None, None)
    stack = extractor.exception(failure(1), None, "generic", True)
    gc.collect()
    before = extractor.site_count
    assert before == 1
    stack = extractor.exception(failure(2), None, "generic", True)
    gc.collect()
    assert extractor.site_count == before
    assert functions(stack) == expected(2)


@pytest.mark.counts_blocks
def test_an_address_that_is_used_again_gives_no_wrong_site(backend: Any) -> None:
    """New code often lies where dead code lay."""
    extractor = backend.StackExtractor(None, None)
    seen = set()
    repeated = 0
    for number in range(500):
        error = failure(number)
        address = id(error.__traceback__.tb_next.tb_frame.f_code)  # type: ignore[union-attr]
        repeated += address in seen
        seen.add(address)
        assert functions(extractor.exception(error, None, "generic", True)) == expected(number)
    assert repeated


def test_an_extractor_dies_before_the_code_it_knows(backend: Any) -> None:
    """What is left with the code object lets go of nothing that is gone."""
    error = failure(1)
    extractor = backend.StackExtractor(None, None)
    extractor.exception(error, None, "generic", True)
    del extractor
    gc.collect()
    del error
    gc.collect()


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_classifier_that_fails_leaves_the_table_whole(backend: Any, fails_at: int) -> None:
    """Its error comes out, and the next capture is made as ever."""
    calls: list[object] = []

    def classify(*arguments: object) -> bool:
        calls.append(arguments)
        if len(calls) == fails_at:
            raise LookupError("failing")
        return True

    extractor = backend.StackExtractor(None, classify)
    error = failure(3)
    with pytest.raises(LookupError):
        extractor.exception(error, None, "generic", True)
    assert functions(extractor.exception(error, None, "generic", True)) == expected(3)
    assert extractor.site_count == 3


def test_a_classifier_may_capture(backend: Any) -> None:
    """Re-entered while a site is made, the table is whole."""
    inner: list[object] = []
    asked: list[object] = []

    def classify(*arguments: object) -> bool:
        asked.append(arguments)
        if len(asked) == 1:
            inner.append(functions(extractor.exception(failure(5), None, "generic", True)))
        return True

    extractor = backend.StackExtractor(None, classify)
    call: Callable[[], object] = lambda: functions(extractor.exception(failure(4), None, "generic", True))  # noqa: E731
    assert call() == expected(4)
    assert inner == [expected(5)]
    assert call() == expected(4)
