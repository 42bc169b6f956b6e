"""From an exception, or a running frame, to what an event says of it.

Called on the capturing thread. A walk collects a site per frame and, for the frames whose locals a server keeps, the
locals as JSON; when it returns nothing of the application's is referenced.
"""

from __future__ import annotations

import sys
from _weakref import ref
from types import TracebackType

from tocsin import limits
from tocsin._pure.chain import links
from tocsin._pure.heads import exception_head
from tocsin._pure.site import Site, make_site
from tocsin._pure.values import Renderer
from tocsin._pure.walk import entries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType

    from tocsin._pure.walk import Entry

_traceback_of = BaseException.__dict__["__traceback__"].__get__
# Up to 3.12 a frame keeps the dict that reading its locals makes; later ones hand out a view.
_FRAMES_KEEP_LOCALS = sys.version_info < (3, 13)
# The references to such a dict when nobody else has it: the frame's, the local variable's and the argument's.
_OWN_REFERENCES = 3


def _locals_of_a_function() -> type:
    return type(sys._getframe().f_locals)


_FRAME_LOCALS = _locals_of_a_function()


class Stack:
    """What one walk found: exceptions, oldest first, each with its frames, outermost first.

    `heads[i]` holds the members of exception i in JSON (empty for a bare stack); `frames[i]` is a flat list of site
    and locals in turn (locals: bytes or None); `totals[i]` is how many frames there were before any were left out.
    """

    __slots__ = ("frames", "heads", "totals")

    def __init__(self, heads: list[bytes], frames: list[list[Site | bytes | None]], totals: list[int]) -> None:
        self.heads = heads
        self.frames = frames
        self.totals = totals

    def sites(self) -> list[Site]:
        """Return the sites of all frames."""
        return [site for frames in self.frames for site in frames[::2] if site is not None]  # type: ignore[misc]

    @property
    def size_bytes(self) -> int:
        """About how much memory the stack holds, its sites not counted."""
        size = sum(map(len, self.heads))
        for frames in self.frames:
            for variables in frames[1::2]:
                if variables is not None:
                    size += len(variables)  # type: ignore[arg-type]
            size += 16 * len(frames)
        return size


class StackExtractor:
    """Walks tracebacks and frames for one client, and remembers the sites it has seen.

    `renderer` renders locals (None: no locals are read); `classify(module, abs_path)` tells the application's own
    code; `max_frames` bounds a stack that was completed with the callers' frames, `max_chars` what an exception
    says. The table of sites is bounded, and a code object that dies takes its sites with it.
    """

    def __init__(
        self,
        renderer: Renderer | None,
        classify: Callable[[str | None, str | None], bool | None] | None,
        max_frames: int = limits.FRAMES_OUTER + limits.FRAMES_INNER,
        max_sites: int = limits.SITES,
        max_chars: int = limits.TEXT_CHARS,
    ) -> None:
        if max_sites < 1:
            raise ValueError(f"max_sites must be at least 1, not {max_sites}")
        self._renderer = renderer
        self._classify = classify
        self._max_frames = max_frames
        self._max_sites = max_sites
        self._max_chars = min(max_chars, limits.TEXT_CHARS)
        self._sites: dict[tuple[int, int], Site | None] = {}
        self._codes: dict[int, tuple[ref[CodeType], set[int]]] = {}

    @property
    def site_count(self) -> int:
        """How many sites are remembered."""
        return len(self._sites)

    def exception(
        self,
        error: BaseException,
        traceback: TracebackType | None,
        mechanism: str,
        handled: bool,
        caller: FrameType | None = None,
        full: bool = False,
    ) -> Stack:
        """Return the tree of `error` with the frames of each exception.

        `traceback` stands for the error's own where it has lost it. Without either, the frames of `caller` (the call
        site) are taken and the mechanism is marked synthetic. With `full` the frames below the outermost of the
        traceback are put before it. `mechanism` and `handled` say how the error came to be captured.
        """
        if not issubclass(type(error), BaseException):
            raise TypeError(f"an exception is needed, not {type(error).__name__}")
        if traceback is None:
            traceback = _traceback_of(error)
        tree = links(error, traceback)
        synthetic = traceback is None and caller is not None
        stack = Stack([], [], [])
        for index in range(len(tree) - 1, -1, -1):
            link = tree[index]
            stack.heads.append(
                exception_head(
                    link.error,
                    mechanism if index == 0 else "chained",
                    handled,
                    synthetic and index == 0,
                    index,
                    len(tree) > 1,
                    link.parent,
                    link.source,
                    link.is_group,
                    self._max_chars,
                )
            )
            if index == 0 and synthetic:
                self._add_frames(stack, entries(None, caller))
            else:
                completed = self._max_frames if index == 0 and full else 0
                self._add_frames(stack, entries(link.traceback, None, completed))
        return stack

    def current(self, caller: FrameType | None, head: bytes = b"") -> Stack:
        """Return the stack of the running thread, from `caller` outwards, as one value with the members `head`."""
        stack = Stack([head], [], [])
        self._add_frames(stack, entries(None, caller))
        return stack

    def traceback(self, traceback: TracebackType | None, head: bytes = b"") -> Stack:
        """Return the frames of a traceback, as one value with the members `head`."""
        stack = Stack([head], [], [])
        self._add_frames(stack, entries(traceback))
        return stack

    def _add_frames(self, stack: Stack, walked: tuple[list[Entry], int]) -> None:
        kept, total = walked
        frames: list[Site | bytes | None] = []
        for frame, lasti, trace in kept:
            site = self._site(frame, lasti, trace)
            if site is None:
                total -= 1
                continue
            frames.append(site)
            frames.append(frame)  # type: ignore[arg-type]
        shown = len(frames) // 2
        # While a debugger looks at a frame, the interpreter writes the dict back into it.
        clears = _FRAMES_KEEP_LOCALS and sys.gettrace() is None and sys.getprofile() is None
        for index in range(shown):
            held = frames[2 * index + 1]
            frames[2 * index + 1] = None
            detailed = index < limits.DETAILED_OUTER or index >= shown - limits.DETAILED_INNER
            if detailed and self._renderer is not None:
                is_traced = held.f_trace is not None  # type: ignore[union-attr]
                frames[2 * index + 1] = self._variables(held, frames[2 * index], clears and not is_traced)  # type: ignore[arg-type]
        stack.frames.append(frames)
        stack.totals.append(total)

    def _variables(self, frame: FrameType, site: Site, clears: bool) -> bytes | None:
        assert self._renderer is not None
        names = frame.f_locals
        if type(names) is not dict:
            if issubclass(type(names), dict):
                names = dict(list(dict.items(names)))
            elif not _FRAMES_KEEP_LOCALS and type(names) is _FRAME_LOCALS:
                names = dict(names)
            else:
                return None  # the namespace of a class body, of a type that would run its own code
            clears = False
        if not names:
            return None
        if not site.is_function:
            text = self._renderer.variables(names, True)
            return text if len(text) > 2 else None
        # Asked before: an error on the way would hold the dict too.
        is_ours = clears and sys.getrefcount(names) == _OWN_REFERENCES
        try:
            text = self._slots(names, site)
        finally:
            if is_ours:
                _let_go(names, site.variables)
        return text if len(text) > 2 else None

    def _slots(self, names: dict[str, object], site: Site) -> bytes:
        """The variables of a function's own: somebody may have put other names beside them."""
        assert self._renderer is not None
        keys = site.keys
        if keys is None:
            keys = site.keys = self._renderer.keys(site.variables)
        if keys is None:
            return self._renderer.variables({name: names[name] for name in site.variables if name in names})
        if len(names) == len(keys) and tuple(names) == site.variables:
            return self._renderer.slots(keys, list(names.values()))
        bound = [(key, names[name]) for key, name in zip(keys, site.variables, strict=True) if name in names]
        return self._renderer.slots([key for key, _ in bound], [value for _, value in bound])

    def _site(self, frame: FrameType, lasti: int, trace: TracebackType | None) -> Site | None:
        code = frame.f_code
        key = (id(code), lasti)
        try:
            return self._sites[key]
        except KeyError:
            pass
        lineno = frame.f_lineno if trace is None else trace.tb_lineno
        site = make_site(code, lineno, frame.f_globals, self._classify)
        if len(self._sites) >= self._max_sites:
            del self._sites[next(iter(self._sites))]
        known = self._codes.get(key[0])
        if known is None:
            known = self._codes[key[0]] = (ref(code, _Forget(self, key[0])), set())
        known[1].add(lasti)
        self._sites[key] = site
        return site

    def _forget(self, code_id: int) -> None:
        """Drop the sites of a code object that is no more."""
        known = self._codes.pop(code_id, None)
        if known is not None:
            for lasti in known[1]:
                self._sites.pop((code_id, lasti), None)


def _let_go(names: dict[str, object], variables: tuple[str, ...]) -> None:
    """Empty the dict through which a frame would keep the exception alive, in a cycle.

    Whoever asks for the frame's locals gets them anew; but what `exec` has put there is nowhere else, and stays.
    """
    if names.keys() <= set(variables):
        names.clear()
    else:
        for name in variables:
            names.pop(name, None)


class _Forget:
    """Called when a code object dies; it does not keep the extractor alive."""

    __slots__ = ("_code_id", "_extractor")

    def __init__(self, extractor: StackExtractor, code_id: int) -> None:
        self._extractor = ref(extractor)
        self._code_id = code_id

    def __call__(self, _: object) -> None:
        extractor = self._extractor()
        if extractor is not None:
            extractor._forget(self._code_id)
