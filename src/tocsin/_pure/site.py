"""A site: all that does not change between two frames of one code object at one instruction.

Made once on the capturing thread, at the first error there; its source lines are added later by the worker. One source
for both twins: the core is this file, compiled.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, ModuleType

from tocsin import limits

from .describe import plain_text
from .fence import came_from_signal
from .json_text import json_string

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_PATH_CHARS = 4096
_HIDING_NAMES = frozenset({"__tracebackhide__", "__traceback_hide__"})
_module_dict_of = vars(ModuleType)["__dict__"].__get__
_NESTED = 0x0002 | 0x0001  # CO_NEWLOCALS | CO_OPTIMIZED: the frame of a function, with locals of its own


class Site:
    """One place in the code, as the members of a frame in JSON.

    `head` is what was known at once; `line` (`context_line`) and `around` (`pre_context`, `post_context`) are None
    until the source was looked for, and empty where there is none. `is_function` tells frames with locals of their
    own from those of modules and classes; `variables` are the names of those locals, in the frame's order. `keys` are
    theirs in JSON, made when the first of them is rendered: the key and its colon, or for a secret the whole member.
    """

    __slots__ = (
        "abs_path",
        "around",
        "function",
        "head",
        "in_app",
        "is_function",
        "keys",
        "line",
        "lineno",
        "module",
        "variables",
    )

    def __init__(
        self, function: str, module: str | None, filename: str, abs_path: str, lineno: int, in_app: bool | None
    ) -> None:
        self.function = function
        self.module = module
        self.abs_path = abs_path
        self.lineno = lineno
        self.in_app = in_app
        self.is_function = True
        self.variables: tuple[str, ...] = ()
        self.keys: tuple[bytes, ...] | None = None
        self.line: bytes | None = None
        self.around: bytes | None = None
        parts = [
            b'"filename":',
            json_string(filename),
            b',"abs_path":',
            json_string(abs_path),
            b',"function":',
            json_string(function),
            b',"module":',
            b"null" if module is None else json_string(module),
            b',"lineno":%d' % lineno,
        ]
        if in_app is not None:
            parts.append(b',"in_app":true' if in_app else b',"in_app":false')
        self.head = b"".join(parts)

    def set_source(self, before: list[str], line: str, after: list[str]) -> None:
        """Keep the source lines around the site."""
        self.around = b'"pre_context":%s,"post_context":%s' % (_json_lines(before), _json_lines(after))
        self.line = b'"context_line":' + json_string(line)

    def set_no_source(self) -> None:
        """Remember that there are no source lines to be had."""
        self.around = b""
        self.line = b""


def _json_lines(lines: list[str]) -> bytes:
    return b"[" + b",".join([json_string(line) for line in lines]) + b"]"


def make_site(
    code: CodeType,
    lineno: int | None,
    namespace: dict[str, object],
    classify: Callable[[str | None, str | None], bool | None] | None,
) -> Site | None:
    """Return the site of `code` at `lineno`; None for a frame that is not to be shown.

    Hidden are tocsin's own frames and those of functions that have a local `__tracebackhide__`. `namespace` is the
    frame's globals; `classify(module, abs_path)` says whether the code is the application's own.
    """
    if not _HIDING_NAMES.isdisjoint(code.co_varnames):
        return None
    name = dict.get(namespace, "__name__")
    module = name[: limits.NAME_CHARS] if type(name) is str else None
    if module is not None and (module == "tocsin" or module.startswith("tocsin.")):
        return None
    path = _absolute(plain_text(code.co_filename, _PATH_CHARS))
    in_app = None if classify is None else classify(module, path)
    site = Site(code.co_name, module, _short_path(path, module), path, max(lineno or 0, 0), in_app)
    site.is_function = code.co_flags & _NESTED == _NESTED
    # An argument that is a cell is named twice.
    site.variables = tuple(dict.fromkeys(code.co_varnames + code.co_cellvars + code.co_freevars))
    return site


def _absolute(path: str) -> str:
    if path.startswith("<") or os.path.isabs(path):
        return path
    try:
        return os.path.abspath(path)
    except OSError as error:
        if came_from_signal(error):
            raise
        return path  # the working directory is gone


def _short_path(path: str, module: str | None) -> str:
    """The path from the folder that holds the top-level package, the file's name alone for a top-level module."""
    if module is None or path.startswith("<"):
        return path
    top, dot, _ = module.partition(".")
    if not dot:
        return os.path.basename(path)
    package = sys.modules.get(top)
    home = _module_dict_of(package).get("__file__") if type(package) is ModuleType else None
    if type(home) is str:
        root = os.path.dirname(os.path.dirname(home)) + os.sep
        if path.startswith(root):
            return path[len(root) :]
    return os.path.basename(path)
