"""The source lines around a position, read from where the code came from. Runs on the worker or in the hook lane.

Files are kept, bounded in number and size, as long as they do not change. Errors are absorbed: an event without source
is an event still.
"""

from __future__ import annotations

import os
import sys

from tocsin import limits
from tocsin._backend import fence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Two generations of files are kept, each at most so many and so large together.
_FILES = 64
_KEPT_BYTES = 8 * 1024 * 1024
# Nobody wrote a larger one by hand.
_FILE_BYTES = 4 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
# Names that any number of unrelated code objects share.
_SHARED_NAMES = frozenset(("<string>", "<stdin>", "<unknown>"))


class _Generation:
    __slots__ = ("files", "size_bytes")

    def __init__(self) -> None:
        # path -> modification time in ns, size, lines
        self.files: dict[str, tuple[int, int, list[str]]] = {}
        self.size_bytes = 0


class SourceCache:
    """The files read last. Threads may share it: it is only ever added to, and given up a generation at a time."""

    def __init__(self, files: int = _FILES, kept_bytes: int = _KEPT_BYTES) -> None:
        self._max_files = files
        self._max_bytes = kept_bytes
        self._young = _Generation()
        self._old = _Generation()

    def lines(self, path: str) -> list[str] | None:
        """Return the lines of a file without their ends; None if it is no readable text file of sensible size."""
        try:
            status = os.stat(path)
            stamp = status.st_mtime_ns, status.st_size
            young = self._young
            entry = young.files.get(path) or self._old.files.get(path)
            if entry is None or entry[:2] != stamp:
                if status.st_size > _FILE_BYTES or status.st_mode & 0o170000 != 0o100000:
                    return None
                with open(path, "rb") as file:
                    entry = (*stamp, _split(_decode(file.read(_FILE_BYTES))))
        except (OSError, ValueError) as error:
            if fence.came_from_signal(error):
                raise
            return None
        if path not in young.files:
            if len(young.files) >= self._max_files or young.size_bytes + stamp[1] > self._max_bytes:
                self._old = young
                self._young = young = _Generation()
            young.size_bytes += stamp[1]
        young.files[path] = entry
        return entry[2]


_cache = SourceCache()


def read(abs_path: str, module: str | None, lineno: int, lines: int) -> tuple[list[str], str, list[str]] | None:
    """Return the lines before a line, the line itself and those after it; None when the source cannot be had.

    Args:
        abs_path: the file name that the code object has.
        module: the name of the module in whose namespace the code ran, if it is known.
        lineno: the line, counted from 1.
        lines: how many lines to return at most on either side.
    """
    try:
        source = _source(abs_path, module)
        if source is None or not 1 <= lineno <= len(source):
            return None
        at, lines = lineno - 1, max(lines, 0)
        around = [_cut(line) for line in source[max(0, at - lines) : at + lines + 1]]
        before = min(at, lines)
        return around[:before], around[before], around[before + 1 :]
    except Exception as error:
        # In the hook lane this runs on the application's thread.
        if fence.came_from_signal(error):
            raise
        return None


def _cut(line: str) -> str:
    return line.rstrip("\r\n")[: limits.CONTEXT_LINE_CHARS]


def _source(abs_path: str, module: str | None) -> list[str] | None:
    name = os.path.basename(abs_path)
    if name.startswith("<") and name.endswith(">"):
        return _of_made_up_name(name, module)
    if not os.path.isabs(abs_path):
        # Relative to a working directory that may have changed, or made up: trusted only if the module agrees.
        file = _namespace(module).get("__file__")
        if type(file) is not str or os.path.abspath(file) != os.path.abspath(abs_path):
            return _of_linecache(abs_path)
        abs_path = file
    return _cache.lines(abs_path) or _of_loader(abs_path, module) or _of_linecache(abs_path)


def _of_made_up_name(name: str, module: str | None) -> list[str] | None:
    if name in _SHARED_NAMES:
        return None
    if name.startswith("<frozen "):
        # Frozen modules of the standard library know the file that they were made from.
        frozen = name[8:-1]
        file = _namespace(frozen).get("__file__") if module in (frozen, None) else None
        return _cache.lines(file) if type(file) is str else None
    return _of_linecache(name) or _of_doctest(name)


def _of_loader(abs_path: str, module: str | None) -> list[str] | None:
    """Return the source of a module that lies in an archive, from its loader, if this is that module's path."""
    spec = _namespace(module).get("__spec__")
    loader = getattr(spec, "loader", None)
    if spec is None or loader is None:
        return None
    # The module may have been loaded from the compiled file next to it.
    if not (_is_same_file(spec.origin, abs_path) or _is_same_file(spec.origin, abs_path + "c")):
        return None
    text = loader.get_source(spec.name)
    return _split(text) if isinstance(text, str) and len(text) <= _FILE_BYTES else None


def _is_same_file(path: object, abs_path: str) -> bool:
    return type(path) is str and os.path.abspath(path) == os.path.abspath(abs_path)


def _of_linecache(name: str) -> list[str] | None:
    """Return what an interactive shell or a code generator has left in `linecache`; nothing is read."""
    entry = getattr(sys.modules.get("linecache"), "cache", {}).get(name)
    # An entry with a modification time is a file's, which was gone when we looked.
    if entry is None or len(entry) != 4 or entry[1] is not None:
        return None
    return [str(line) for line in entry[2]]


def _of_doctest(name: str) -> list[str] | None:
    # A running doctest does not fill the cache but replaces the function that asks it.
    getlines = getattr(sys.modules.get("linecache"), "getlines", None)
    if not name.startswith("<doctest ") or getlines is None:
        return None
    return [str(line) for line in getlines(name)]


def _namespace(module: str | None) -> dict[str, Any]:
    return getattr(sys.modules.get(module), "__dict__", {}) if module else {}


def _split(text: str) -> list[str]:
    """Split at the line ends that Python's tokenizer knows; `str.splitlines` knows more."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _decode(source: bytes) -> str:
    """Decode as Python does: by byte order mark, by the comment of PEP 263, else as UTF-8. Bad bytes are replaced."""
    if source.startswith(_BOM):
        return source[len(_BOM) :].decode("utf-8", "replace")
    first_lines = source[:1024].split(b"\n", 2)[:2]
    if not any(b"coding" in line for line in first_lines):
        return source.decode("utf-8", "replace")
    from io import BytesIO
    from tokenize import detect_encoding

    try:
        encoding = detect_encoding(BytesIO(source).readline)[0]
    except SyntaxError:
        encoding = "utf-8"
    return source.decode(encoding, "replace")
