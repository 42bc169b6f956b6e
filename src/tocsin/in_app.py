"""Which frames are the application's own, by module and by place of installation.

Asked once per code position, on the application's threads, and remembered with the site.
"""

from __future__ import annotations

import os
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _prefix(directory: str | None) -> str | None:
    """Return the directory with one slash at its end, so that `/app` is no prefix of `/application`."""
    return _slashes(directory).rstrip("/") + "/" if directory else None


_STDLIB = _prefix(os.path.dirname(os.__file__) if getattr(os, "__file__", None) else None)
# Console scripts of a virtual environment, which often lies below the project's root.
_SCRIPTS = (
    tuple(f"{_slashes(sys.prefix).rstrip('/')}/{name}/" for name in ("bin", "Scripts"))
    if sys.prefix != sys.base_prefix
    else ()
)


class InAppRules:
    """The rules of one client.

    Args:
        include: modules, with all below them, that are the application's.
        exclude: modules, with all below them, that are not.
        project_root: the directory whose files are the application's; None for no such directory.
    """

    def __init__(
        self,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        project_root: str | None = None,
    ) -> None:
        self.include = tuple(include or ())
        self.exclude = tuple(exclude or ())
        self.project_root = project_root
        self._root = _prefix(project_root)

    def classify(self, module: str | None, abs_path: str | None) -> bool | None:
        """Return whether a frame is the application's, by the first rule that fits; None if none does.

        `include`, `exclude`, installed packages (not), the standard library and frozen modules (not), files below the
        project's root. Names that are no absolute path were relative to the working directory, so they count as below
        the root; a made-up one such as `<string>` counts as the file of the module it ran in.
        """
        if module:
            if _is_below(module, self.include):
                return True
            if _is_below(module, self.exclude):
                return False
        if not abs_path:
            return None
        path = _slashes(abs_path)
        if path.startswith("<") and not path.startswith("<frozen "):
            path = _file_of(module) or path
        return self._classify_path(path)

    def _classify_path(self, path: str) -> bool | None:
        if "/site-packages/" in path or "/dist-packages/" in path:
            return False
        if path.startswith("<frozen ") or path.rpartition("/")[2].startswith("<frozen "):
            return False
        if (_STDLIB is not None and path.startswith(_STDLIB)) or path.startswith(_SCRIPTS):
            return False
        if self._root is None:
            return None
        if path.startswith(self._root) or not (path.startswith("/") or path[1:3] == ":/"):
            return True
        return None

    def mark_frames(self, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Set `in_app` in those frames, as dicts of the protocol, that do not say; return the same list."""
        for frame in frames:
            if frame.get("in_app") is None:
                in_app = self.classify(frame.get("module"), frame.get("abs_path"))
                if in_app is not None:
                    frame["in_app"] = in_app
        return frames


def _is_below(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(package + ".") for package in packages)


def _file_of(module: str | None) -> str | None:
    """Return the file of a loaded module, looked up without running code of its own."""
    loaded = sys.modules.get(module) if module else None
    if type(loaded) is not ModuleType:
        return None
    file = ModuleType.__getattribute__(loaded, "__dict__").get("__file__")
    return _slashes(file) if type(file) is str else None
