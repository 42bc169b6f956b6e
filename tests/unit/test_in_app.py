"""Which frames are the application's own."""

from __future__ import annotations

import os
import sys
from types import ModuleType

import pytest

from tocsin import in_app
from tocsin.in_app import InAppRules

STDLIB = os.path.dirname(os.__file__)


@pytest.mark.parametrize(
    ("module", "path", "expected"),
    [
        ("app.views", "/srv/app/app/views.py", True),
        ("app.views", "/srv/application/views.py", None),
        ("app.views", "/srv/app", None),
        ("other", "/elsewhere/other.py", None),
        ("flask.app", "/srv/app/.venv/lib/python3.11/site-packages/flask/app.py", False),
        ("flask.app", "/usr/lib/python3/dist-packages/flask/app.py", False),
        ("x", "C:\\Users\\me\\Python35\\site-packages\\x.py", False),
        ("x", "/srv/app/my-site-packages/x.py", True),
        ("x", "/srv/app/site-packages.py", True),
        ("json.decoder", f"{STDLIB}/json/decoder.py", False),
        ("importlib._bootstrap", "<frozen importlib._bootstrap>", False),
        ("importlib._bootstrap", "/srv/app/<frozen importlib._bootstrap>", False),
        ("__main__", "script.py", True),
        ("pkg.mod", "app.pyz/pkg/mod.py", True),
        ("no.such.module", "<string>", True),
        (None, None, None),
        ("app", None, None),
        (None, "/srv/app/x.py", True),
    ],
)
def test_by_place(module: str | None, path: str | None, expected: bool | None) -> None:
    """Installed, standard and frozen code is not the application's; what lies below the project's root is."""
    assert InAppRules((), (), "/srv/app").classify(module, path) is expected


@pytest.mark.parametrize("root", ["/srv/app", "/srv/app/"])
def test_a_root_is_a_directory_not_a_prefix(root: str) -> None:
    """`/srv/app` says nothing about `/srv/app2`."""
    rules = InAppRules((), (), root)
    assert rules.classify("m", "/srv/app/m.py") is True
    assert rules.classify("m", "/srv/app2/m.py") is None


def test_a_root_of_everything_does_not_claim_the_standard_library() -> None:
    """A container without a working directory runs in `/`."""
    rules = InAppRules((), (), "/")
    assert rules.classify("m", "/app/m.py") is True
    assert rules.classify("json", f"{STDLIB}/json/__init__.py") is False


def test_without_a_root_nothing_is_claimed() -> None:
    """Only what is installed can be told apart."""
    rules = InAppRules(None, None, None)
    assert rules.classify("m", "/srv/app/m.py") is None
    assert rules.classify("m", "m.py") is None
    assert rules.classify("m", "/x/site-packages/m.py") is False


def test_named_modules_come_first() -> None:
    """`include` before `exclude` before any place, by whole names of packages."""
    rules = InAppRules(["flask", "both"], ["app.vendored", "both"], "/srv/app")
    assert rules.classify("flask.app", "/x/site-packages/flask/app.py") is True
    assert rules.classify("flask_login", "/x/site-packages/flask_login.py") is False
    assert rules.classify("app.vendored.x", "/srv/app/app/vendored/x.py") is False
    assert rules.classify("app.vendored_not", "/srv/app/app/vendored_not.py") is True
    assert rules.classify("both", "/srv/app/both.py") is True
    assert rules.classify("flask", None) is True


def test_made_up_names_count_as_the_file_of_their_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that a library generates is the library's."""
    library = ModuleType("a_library")
    library.__file__ = "/x/site-packages/a_library.py"
    monkeypatch.setitem(sys.modules, "a_library", library)
    rules = InAppRules((), (), "/srv/app")
    assert rules.classify("a_library", "<__array_function__ internals>") is False
    assert rules.classify("json", "<string>") is False


def test_a_module_with_code_of_its_own_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up the file runs no `__getattr__`."""

    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise AssertionError("asked")

    monkeypatch.setitem(sys.modules, "a_lazy_module", Lazy("a_lazy_module"))
    assert InAppRules((), (), "/srv/app").classify("a_lazy_module", "<string>") is True


def test_scripts_of_a_virtual_environment_are_not_the_applications(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/gunicorn` lies below the project's root."""
    monkeypatch.setattr(in_app, "_SCRIPTS", ("/srv/app/.venv/bin/",))
    assert InAppRules((), (), "/srv/app").classify("__main__", "/srv/app/.venv/bin/gunicorn") is False


def test_frames_are_marked_in_place_unless_they_say_themselves() -> None:
    """A preset value stays; a frame that no rule fits stays unmarked."""
    frames = [
        {"module": "app", "abs_path": "/srv/app/app.py"},
        {"module": "app", "abs_path": "/srv/app/app.py", "in_app": False},
        {"module": "other", "abs_path": "/other.py"},
        {"function": "f"},
    ]
    assert InAppRules((), (), "/srv/app").mark_frames(frames) is frames
    assert [frame.get("in_app") for frame in frames] == [True, False, None, None]
    assert "in_app" not in frames[2]
