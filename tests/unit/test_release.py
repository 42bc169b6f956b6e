"""The default release: read from git's files, else from the host's variables."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tocsin import release

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


@pytest.fixture(autouse=True)
def _no_host_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*release.ENVIRONMENT_VARIABLES, "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)


def _repository(path: Path, head: str) -> Path:
    git_dir = path / ".git"
    (git_dir / "refs/heads").mkdir(parents=True)
    (git_dir / "HEAD").write_text(head + "\n")
    return git_dir


def test_a_loose_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HEAD names a branch, whose file holds the commit; found from a directory below too."""
    git_dir = _repository(tmp_path, "ref: refs/heads/main")
    (git_dir / "refs/heads/main").write_text(COMMIT + "\n")
    below = tmp_path / "a/b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert release.default_release() == COMMIT


def test_a_packed_branch(tmp_path: Path) -> None:
    """A branch without a file of its own is in packed-refs; peeled tags and longer names do not confuse."""
    git_dir = _repository(tmp_path, "ref: refs/heads/main")
    (git_dir / "packed-refs").write_text(
        f"# pack-refs with: peeled fully-peeled sorted\n{OTHER} refs/heads/main2\n^{OTHER}\n{COMMIT} refs/heads/main\n"
    )
    assert release.git_revision(str(tmp_path)) == COMMIT


def test_a_loose_branch_wins_over_a_packed_one(tmp_path: Path) -> None:
    """The packed one is the older."""
    git_dir = _repository(tmp_path, "ref: refs/heads/main")
    (git_dir / "packed-refs").write_text(f"{OTHER} refs/heads/main\n")
    (git_dir / "refs/heads/main").write_text(COMMIT)
    assert release.git_revision(str(tmp_path)) == COMMIT


@pytest.mark.parametrize("commit", [COMMIT, "ab" * 32])
def test_a_detached_head(tmp_path: Path, commit: str) -> None:
    """HEAD may hold the commit itself, SHA-1 or SHA-256."""
    _repository(tmp_path, commit)
    assert release.git_revision(str(tmp_path)) == commit


def test_a_worktree(tmp_path: Path) -> None:
    """A file `.git` leads to the worktree's HEAD, and from there to the shared branches."""
    main = _repository(tmp_path / "main", "ref: refs/heads/main")
    (main / "refs/heads/topic").write_text(COMMIT)
    worktree_dir = main / "worktrees/topic"
    worktree_dir.mkdir(parents=True)
    (worktree_dir / "HEAD").write_text("ref: refs/heads/topic\n")
    (worktree_dir / "commondir").write_text("../..\n")
    worktree = tmp_path / "topic"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {worktree_dir}\n")
    assert release.git_revision(str(worktree)) == COMMIT


def test_a_submodule(tmp_path: Path) -> None:
    """A file `.git` may be relative to itself."""
    module = tmp_path / ".git/modules/sub"
    module.mkdir(parents=True)
    (module / "HEAD").write_text(COMMIT)
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / ".git").write_text("gitdir: ../.git/modules/sub\n")
    assert release.git_revision(str(sub)) == COMMIT


@pytest.mark.parametrize(
    "head",
    [
        "ref: refs/heads/none-yet",
        "ref: ../../secret",
        "ref: /etc/hostname",
        "ref: HEAD",
        "ref: refs/heads/.invalid",
        "garbage",
        "",
    ],
)
def test_what_is_no_commit_is_no_release(tmp_path: Path, head: str) -> None:
    """A repository without commits, a reference out of it, to itself or to nothing: None, in time."""
    _repository(tmp_path, head)
    (tmp_path / "secret").write_text(COMMIT)
    assert release.git_revision(str(tmp_path)) is None


def test_the_hosts_variable_counts_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the table, blank ones passed over."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(release, "_find_git_dir", lambda directory: None)
    assert release.default_release() is None
    monkeypatch.setenv("K_REVISION", "k-3")
    monkeypatch.setenv("CIRCLE_SHA1", "c1")
    monkeypatch.setenv("HEROKU_BUILD_COMMIT", "  ")
    assert release.default_release() == "c1"


def test_git_wins_over_the_hosts_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is checked out is what runs."""
    _repository(tmp_path, COMMIT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_VERSION", "s")
    assert release.default_release() == COMMIT


def test_a_working_directory_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is anything else that cannot be read."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert release.default_release() is None


def test_git_agrees(tmp_path: Path) -> None:
    """The commit is the one that git itself names, before and after packing."""
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")

    def run(*arguments: str) -> str:
        command = [git, "-c", "user.name=n", "-c", "user.email=e@example.org", "-C", str(tmp_path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.strip()

    run("init", "-q")
    run("commit", "-q", "--allow-empty", "--no-gpg-sign", "-m", "x")
    assert release.git_revision(str(tmp_path)) == run("rev-parse", "HEAD")
    run("pack-refs", "--all")
    assert release.git_revision(str(tmp_path)) == run("rev-parse", "HEAD")
