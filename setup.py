"""Builds the compiled core where a C compiler works, and an honest pure wheel where none does.

What does not depend on the machine stands in pyproject.toml. The environment decides the rest:

TOCSIN_BUILD     auto (the default: pure if the core cannot be built), require (fail then), pure (do not try)
TOCSIN_SANITIZE  1 builds with AddressSanitizer and UndefinedBehaviorSanitizer
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from multiprocessing import get_start_method
from pathlib import PurePath

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist
from setuptools.modified import newer_group

CORE = "src/tocsin/_core"
GENERATED = "build/cython"
MODES = ("auto", "require", "pure")

# The one library that all rooms are in, named for the module of it that the interpreter finds by itself.
LIBRARY = "tocsin._core.rooms"
# Rooms whose one Python source serves both twins: the core is that file, compiled.
SHARED = [
    "chain",
    "describe",
    "fast_lane",
    "fence",
    "gate",
    "ignored_loggers",
    "log_observer",
    "scope_state",
    "site",
    "snapshot",
]

# Annotations are for the type checker: Cython would refuse subclasses of what they name. Functions are those of C, with
# their signatures in words: those of Cython's own kind would take half a millisecond more when the library is loaded.
DIRECTIVES = {
    "language_level": 3,
    "binding": False,
    "embedsignature": True,
    "embedsignature.format": "clinic",
    "annotation_typing": False,
}

# Cython's own loops compare a Py_ssize_t with whatever length they are given.
# What the interpreter was built with asks for debugging symbols: a third of the time, and five sixths of the library.
UNIX_FLAGS = ["-std=c11", "-O2", "-g0", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-sign-compare"]
MSVC_FLAGS = ["/std:c11", "/experimental:c11atomics", "/O2", "/W3"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SANITIZE_FLAGS = [*SANITIZERS, "-fno-omit-frame-pointer", "-UNDEBUG", "-g", "-O1"]


class BuildFailed(Exception):
    """The compiled core could not be built; the text says why."""


def rooms() -> dict[str, str]:
    """Each module of the library and its source: the core's own Cython, and what is compiled of the pure twin."""
    sources = {PurePath(path).stem: path for path in sorted(glob(f"{CORE}/*.pyx"))}
    pure = {PurePath(path).stem: path for path in glob("src/tocsin/_pure/*.py")}
    return {**sources, **{noun: pure[noun] for noun in SHARED if noun in pure}}


def extensions() -> list[Extension]:
    """All rooms and all plain C units as one library: opening one costs as much as what is in it."""
    sources = [*rooms().values(), *sorted(glob("csrc/*.c"))]
    headers = [*glob(f"{CORE}/*.pxd"), *glob("csrc/*.h")]
    exported = [f"PyInit_{room}" for room in rooms()]
    return [
        Extension(
            LIBRARY, sources, include_dirs=["csrc"], depends=[*sources, *sorted(headers)], export_symbols=exported
        )
    ]


class Build(build):
    """Builds from nothing, so that no file of an earlier build, other flags or another Cython gets into a wheel."""

    def run(self) -> None:
        for stale in (self.build_lib, self.build_temp, GENERATED):
            shutil.rmtree(stale, ignore_errors=True)
        super().run()


class BuildExt(build_ext):
    """Translates and compiles; whatever goes wrong is a BuildFailed, for main() to decide about."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = os.cpu_count()
        if sanitizing():
            self.force = True

    def run(self) -> None:
        try:
            self.translate()
            super().run()
        except Exception as error:
            raise BuildFailed(f"{type(error).__name__}: {error}") from error

    def translate(self) -> None:
        """Put generated C in place of the Cython sources, outside of the package so that no wheel picks it up."""
        from Cython.Build import cythonize

        # A module each, whose names cythonize() knows; the library is of what they become.
        modules = [Extension(f"tocsin._core.{room}", [source]) for room, source in rooms().items()]
        translated = cythonize(
            modules,
            build_dir=GENERATED,
            include_path=["src"],
            compiler_directives=DIRECTIVES,
            force=self.force,
            # Where processes begin otherwise, each would run this very script.
            nthreads=self.parallel if get_start_method() == "fork" else 0,
        )
        generated = [source for module in translated for source in module.sources]
        (library,) = self.extensions
        library.sources = [*generated, *(source for source in library.sources if source.endswith(".c"))]

    def build_extensions(self) -> None:
        compile_flags, link_flags = self.flags()
        (library,) = self.extensions
        library.extra_compile_args = compile_flags
        library.extra_link_args = link_flags
        # setuptools would compile one after the other, and all of them again after any change.
        with ThreadPoolExecutor(self.parallel) as pool:
            objects = list(pool.map(self.compile, library.sources))
        library.sources, library.extra_objects, library.depends = [], objects, objects
        super().build_extensions()

    def compile(self, source: str) -> str:
        """Compile one file, unless that is done since it or a header changed; return the object's name."""
        (library,) = self.extensions
        (target,) = self.compiler.object_filenames([source], output_dir=self.build_temp)
        headers = [name for name in library.depends if name.endswith(".h")]
        if self.force or newer_group([source, *headers], target):
            self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                include_dirs=library.include_dirs,
                extra_postargs=library.extra_compile_args,
                depends=library.depends,
            )
        return str(target)

    def flags(self) -> tuple[list[str], list[str]]:
        """The flags for compiling and for linking."""
        if self.compiler.compiler_type == "msvc":
            if sanitizing():
                raise BuildFailed("TOCSIN_SANITIZE needs gcc or clang")
            return MSVC_FLAGS, []
        flags = list(UNIX_FLAGS)
        if build_mode() == "require":
            # Cython's output is free of all other warnings too.
            flags.append("-Werror")
        # Older C libraries keep pthread_atfork in a library of its own.
        if sanitizing():
            return flags + SANITIZE_FLAGS, [*SANITIZERS, "-pthread"]
        return flags, ["-pthread"]


class Sdist(sdist):
    """Lists the sources of the core itself: a pure build has no extension that would list them."""

    def make_distribution(self) -> None:
        for pattern in (f"{CORE}/*.pyx", f"{CORE}/*.pxd", "csrc/*.h", "csrc/*.c", "CHANGELOG.md"):
            self.filelist.extend(sorted(glob(pattern)))
        # setuptools takes tests for sources by their name; they are not what is distributed.
        self.filelist.exclude_pattern("*", prefix="tests")
        self.filelist.sort()
        self.filelist.remove_duplicates()
        super().make_distribution()


def build_mode() -> str:
    mode = os.environ.get("TOCSIN_BUILD") or "auto"
    if mode not in MODES:
        raise SystemExit(f"tocsin: TOCSIN_BUILD={mode!r} is none of {', '.join(MODES)}")
    return mode


def sanitizing() -> bool:
    return os.environ.get("TOCSIN_SANITIZE") == "1"


def dependencies() -> list[str]:
    """What the built package needs at run time."""
    needed = ["urllib3>=2"]
    # orjson has no wheel for free-threaded interpreters, and importing it there switches the GIL back on.
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        needed.append("orjson")
    return needed


def run(ext_modules: list[Extension]) -> None:
    setup(
        install_requires=dependencies(),
        ext_modules=ext_modules,
        cmdclass={"build": Build, "build_ext": BuildExt, "sdist": Sdist},
    )


def main() -> None:
    mode = build_mode()
    if mode == "pure":
        run([])
        return
    try:
        run(extensions())
    except BuildFailed as failure:
        if mode == "require":
            raise SystemExit(f"tocsin: TOCSIN_BUILD=require, but the core cannot be built: {failure}") from failure
        print(
            f"\n*** tocsin: the compiled core could not be built, building the slower pure one instead: {failure}\n"
            "*** TOCSIN_BUILD=require makes this an error, TOCSIN_BUILD=pure asks for it.\n",
            file=sys.stderr,
            flush=True,
        )
        # Without extensions from the start, or the wheel would be tagged for this platform while holding nothing of it.
        run([])


main()
