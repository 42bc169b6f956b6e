"""What is packed and installed: with a compiler, without one, and when the core is demanded."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

pytestmark = pytest.mark.build

ROOT = Path(__file__).parents[2]
NO_COMPILER = {"CC": "/bin/false"}
COMMAND_TIMEOUT_S = 900
SAY_BACKEND = "import tocsin._backend as b; print(b.backend(), b.backend_reason(), b.__file__, sep='\\n')"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def run(started_with: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a command away from the source tree, with the caller's proxies and pip settings but no switch of ours."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ours = re.compile(r"TOCSIN_|SENTRY_|PYTHONPATH$|CC$|CFLAGS$|LDFLAGS$|LD_PRELOAD$")
    plain = {name: value for name, value in started_with.items() if not ours.match(name)}

    def run_command(
        *command: object, env: dict[str, str] | None = None, cwd: Path = elsewhere, fails: bool = False
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**plain, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        assert (done.returncode != 0) == fails, f"exit status {done.returncode}:\n{done.stdout}"
        return done

    return run_command


@pytest.fixture(scope="session")
def source_tree(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources as git would commit them: builds leave nothing in the real tree."""
    tree = tmp_path_factory.mktemp("source") / "tocsin"
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout.split("\0")
    for name in listed:
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


@pytest.fixture(scope="session")
def sdist(run: Run, source_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(run, source_tree, tmp_path_factory.mktemp("sdist"), "--sdist")


@pytest.fixture(scope="session")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked sdist, from which every wheel is built: so each also shows that the sdist is complete."""
    place = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (tree,) = place.iterdir()
    return tree


@pytest.fixture(scope="session")
def core_wheel(run: Run, unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build(run, unpacked, tmp_path_factory.mktemp("core"), "--wheel", env={"TOCSIN_BUILD": "require"})


@pytest.fixture(
    scope="session",
    params=[NO_COMPILER, {"CC": "tocsin-has-no-such-compiler"}, {"TOCSIN_BUILD": "pure"}],
    ids=["compiler fails", "compiler missing", "pure asked for"],
)
def pure_wheel(
    request: pytest.FixtureRequest, run: Run, unpacked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return _build(run, unpacked, tmp_path_factory.mktemp("pure"), "--wheel", env=request.param)


def _copy_unbuilt(source_tree: Path, place: Path) -> Path:
    """A copy of the source tree without what earlier builds left there: an sdist reads its last list of files."""
    return shutil.copytree(source_tree, place, ignore=shutil.ignore_patterns("build", "*.egg-info"))


def _build(run: Run, tree: Path, out: Path, kind: str, env: dict[str, str] | None = None) -> Path:
    """Build with the running interpreter's own tools and return the one file that comes out; keep the log beside it."""
    done = run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", out, tree, env=env)
    (built,) = out.iterdir()
    (out / "log").write_text(done.stdout)
    return built


def _members(wheel: Path) -> set[str]:
    """The files in the wheel but for those of its dist-info."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _modules(tree: Path) -> set[str]:
    """What every wheel holds of the package: each Python module and the mark that it is typed."""
    package = tree / "src" / "tocsin"
    return {f"tocsin/{path.relative_to(package).as_posix()}" for path in package.rglob("*.py")} | {"tocsin/py.typed"}


def _rooms(tree: Path) -> set[str]:
    """What exists twice."""
    return {path.stem for path in (tree / "src/tocsin/_pure").glob("*.py")} - {"__init__"}


def _dist_info(wheel: Path, name: str) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (member,) = (member for member in archive.namelist() if member.endswith(f".dist-info/{name}"))
        return email.message_from_bytes(archive.read(member))


def _sdist_names(archive: Path) -> set[str]:
    """The files in the sdist but for those that the build backend adds."""
    with tarfile.open(archive) as tar:
        names = {member.name.partition("/")[2] for member in tar.getmembers() if member.isfile()}
    return {name for name in names if name not in ("PKG-INFO", "setup.cfg") and ".egg-info/" not in name}


def _expected_in_sdist(tree: Path) -> set[str]:
    package, units = tree / "src" / "tocsin", tree / "csrc"
    files: Iterable[Path] = [
        *(tree / name for name in ("CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml", "setup.py")),
        *(path for pattern in ("*.py", "*.pyx", "*.pxd", "py.typed") for path in package.rglob(pattern)),
        *(path for pattern in ("*.c", "*.h") for path in units.glob(pattern)),
    ]
    return {path.relative_to(tree).as_posix() for path in files}


def test_sdist_holds_every_source_and_nothing_generated(sdist: Path, source_tree: Path) -> None:
    """An sdist holds each Python, Cython and C source and the five files around them, and nothing else."""
    assert _sdist_names(sdist) == _expected_in_sdist(source_tree)


def test_sdist_is_the_same_where_the_core_is_not_wanted(
    run: Run, source_tree: Path, sdist: Path, tmp_path: Path
) -> None:
    """TOCSIN_BUILD=pure leaves the core out of a wheel, not its sources out of an sdist."""
    tree = _copy_unbuilt(source_tree, tmp_path / "tree")
    pure = _build(run, tree, tmp_path / "out", "--sdist", env={"TOCSIN_BUILD": "pure"})
    assert _sdist_names(pure) == _sdist_names(sdist)


def test_wheel_holds_every_compiled_room_and_no_source_of_one(core_wheel: Path, source_tree: Path) -> None:
    """With a compiler, the wheel holds every module, one library for all of the pure twin, and nothing generated."""
    rooms = _rooms(source_tree)
    assert {path.stem for path in (source_tree / "src/tocsin/_core").glob("*.pyx")} <= rooms | {"rooms"}
    members = _members(core_wheel)
    compiled = {name for name in members if name.endswith((".so", ".pyd"))}
    assert {name.partition(".")[0] for name in compiled} == {"tocsin/_core/rooms"}
    with zipfile.ZipFile(core_wheel) as archive:
        (library,) = map(archive.read, compiled)
    assert {room for room in rooms if f"PyInit_{room}\0".encode() in library} == rooms
    assert members - compiled == _modules(source_tree)
    assert not core_wheel.name.endswith("-none-any.whl")


def test_wheel_without_core_is_honestly_pure(pure_wheel: Path, source_tree: Path) -> None:
    """Without a compiler or by wish, the build gives a wheel for any platform, which holds modules only."""
    assert pure_wheel.name.endswith("-py3-none-any.whl")
    assert _members(pure_wheel) == _modules(source_tree)
    tags = _dist_info(pure_wheel, "WHEEL")
    assert tags.get_all("Tag") == ["py3-none-any"]
    assert tags["Root-Is-Purelib"] == "true"


def test_build_without_a_compiler_is_loud(run: Run, unpacked: Path, tmp_path: Path) -> None:
    """Falling back to the pure twin is said on stderr, with the compiler's failure; asking for it is not."""
    _build(run, unpacked, tmp_path / "fallback", "--wheel", env=NO_COMPILER)
    assert "*** tocsin: the compiled core could not be built" in (tmp_path / "fallback" / "log").read_text()
    _build(run, unpacked, tmp_path / "asked", "--wheel", env={"TOCSIN_BUILD": "pure"})
    assert "***" not in (tmp_path / "asked" / "log").read_text()


def test_pure_wheel_imports_and_says_why_it_is_pure(run: Run, pure_wheel: Path, tmp_path: Path) -> None:
    """An installation without the core works with the pure twin, in silence, and can say the reason."""
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", tmp_path, pure_wheel)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import tocsin; {SAY_BACKEND}"
    backend, reason, where = run(sys.executable, "-I", "-c", script).stdout.splitlines()
    assert backend == "pure"
    assert "without the compiled core" in reason
    assert Path(where).is_relative_to(tmp_path)


def test_core_wheel_works_in_a_new_environment(run: Run, core_wheel: Path, source_tree: Path, tmp_path: Path) -> None:
    """The wheel installs with its dependencies into an empty environment, and each compiled room loads there."""
    run(sys.executable, "-m", "venv", tmp_path)
    python = tmp_path / "bin" / "python"
    run(python, "-m", "pip", "install", core_wheel)
    run(python, "-m", "pip", "check")
    backend, _reason, where = run(python, "-I", "-c", f"import tocsin; {SAY_BACKEND}").stdout.splitlines()
    assert backend == "core"
    assert Path(where).is_relative_to(tmp_path)
    for room in sorted(_rooms(source_tree)):
        run(python, "-I", "-c", f"import tocsin._core.{room} as room; assert room.__name__ == 'tocsin._core.{room}'")


def test_isolated_build_of_the_source_tree_has_the_core(run: Run, source_tree: Path, tmp_path: Path) -> None:
    """What `pip install .` does: an isolated build with the declared build requirements gives the compiled core."""
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", tmp_path, source_tree)
    (wheel,) = tmp_path.iterdir()
    assert "tocsin/_core/rooms" in {re.sub(r"\..*\.(so|pyd)$", "", name) for name in _members(wheel)}


def test_required_core_fails_the_build_without_a_compiler(run: Run, unpacked: Path, tmp_path: Path) -> None:
    """TOCSIN_BUILD=require turns the silent loss of the core into a failed build that names the reason."""
    env = {**NO_COMPILER, "TOCSIN_BUILD": "require"}
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, unpacked)
    output = run(*command, env=env, fails=True).stdout
    assert "tocsin: TOCSIN_BUILD=require, but the core cannot be built" in output
    assert "/bin/false" in output
    assert list(tmp_path.iterdir()) == []


def test_unknown_build_mode_fails_and_is_named(run: Run, unpacked: Path, tmp_path: Path) -> None:
    """A misspelt TOCSIN_BUILD is an error that repeats it and lists what there is."""
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, unpacked)
    output = run(*command, env={"TOCSIN_BUILD": "nonsense"}, fails=True).stdout
    assert "TOCSIN_BUILD='nonsense' is none of auto, require, pure" in output


def test_wheel_holds_nothing_of_earlier_builds(run: Run, source_tree: Path, tmp_path: Path) -> None:
    """Neither a module left in the build folder nor what an in-place build left in the package gets into a wheel."""
    tree = _copy_unbuilt(source_tree, tmp_path / "tree")
    expected = _modules(tree)
    for stale in ("build/lib/tocsin/stale.py", "src/tocsin/_core/stale.c", "src/tocsin/_core/stale.so"):
        (tree / stale).parent.mkdir(parents=True, exist_ok=True)
        (tree / stale).write_text("stale = True\n")
    wheel = _build(run, tree, tmp_path / "out", "--wheel", env={"TOCSIN_BUILD": "pure"})
    assert _members(wheel) == expected


def test_metadata_says_what_the_package_needs(core_wheel: Path) -> None:
    """The wheel requires urllib3 and orjson at run time and nothing more; licence and Python range are stated."""
    metadata = _dist_info(core_wheel, "METADATA")
    required = metadata.get_all("Requires-Dist") or []
    at_run_time = {re.match(r"[\w.-]+", line)[0] for line in required if "extra ==" not in line}  # type: ignore[index]
    assert at_run_time == {"orjson", "urllib3"}
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.10"
    version = re.search(r'^VERSION = "(.+)"$', (ROOT / "src/tocsin/_version.py").read_text(), re.MULTILINE)
    assert version is not None
    assert metadata["Version"] == version[1]


def test_free_threaded_interpreter_gets_no_orjson(run: Run, source_tree: Path, tmp_path: Path) -> None:
    """Built on a free-threaded interpreter, the package does not require orjson, which would switch the GIL on."""
    script = (
        "import runpy, sys, sysconfig\n"
        "sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1\n"
        f"sys.argv = ['setup.py', '-q', 'egg_info', '--egg-base', {str(tmp_path)!r}]\n"
        "runpy.run_path('setup.py', run_name='__main__')\n"
    )
    run(sys.executable, "-c", script, cwd=source_tree)
    always = (tmp_path / "tocsin.egg-info" / "requires.txt").read_text().partition("[")[0].split()
    assert always == ["urllib3>=2"]
