"""What is running, and where: release, environment, distribution, host.

The release is read from git's files, without starting git, when the application does not say. Runs once, at `init()`;
every error is absorbed.
"""

from __future__ import annotations

import os

from tocsin import diagnostics, limits

# Set by hosts and CI systems to the commit or build that is running.
ENVIRONMENT_VARIABLES = (
    "HEROKU_BUILD_COMMIT",
    "HEROKU_SLUG_COMMIT",
    "SOURCE_VERSION",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
    "CIRCLE_SHA1",
    "GAE_DEPLOYMENT_ID",
    "K_REVISION",
)

# A directory deeper than this below the repository's root, or a chain of references longer, is not looked into.
_LEVELS = 64
_REFERENCES = 8
_PACKED_REFS_BYTES = 32 * 1024 * 1024
_SMALL_FILE_BYTES = 4096


def default_release() -> str | None:
    """Return the commit that is checked out where the process was started, else what the host says, else None."""
    return git_revision() or _of_host()


def git_revision(directory: str | None = None) -> str | None:
    """Return the commit of the repository that holds `directory` (the working directory by default), or None."""
    try:
        git_dir = os.environ.get("GIT_DIR") or _find_git_dir(os.getcwd() if directory is None else directory)
        return _commit(git_dir, "HEAD") if git_dir else None
    except (OSError, ValueError):
        return None


def _of_host() -> str | None:
    for name in ENVIRONMENT_VARIABLES:
        value = os.environ.get(name, "").strip()
        if value:
            return value
    return None


def _find_git_dir(directory: str) -> str | None:
    for _ in range(_LEVELS):
        candidate = os.path.join(directory, ".git")
        if os.path.isdir(candidate):
            return candidate
        if os.path.isfile(candidate):
            # A worktree or a submodule: a file that says where the real one is, perhaps relative to itself.
            label, _, path = _read(candidate).partition(":")
            return os.path.join(directory, path.strip()) if label == "gitdir" and path.strip() else None
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent
    return None


def _commit(git_dir: str, name: str) -> str | None:
    """Follow references from `name` to a commit."""
    # Worktrees keep HEAD of their own and share the rest.
    common_dir = os.path.join(git_dir, _read(os.path.join(git_dir, "commondir")) or ".")
    for _ in range(_REFERENCES):
        if not _is_inside(name):
            return None
        text = _read(os.path.join(git_dir, name)) or _read(os.path.join(common_dir, name))
        if not text:
            return _packed(common_dir, name)
        if not text.startswith("ref:"):
            return text if _is_commit(text) else None
        name = text[4:].strip()
    return None


def _packed(common_dir: str, name: str) -> str | None:
    path = os.path.join(common_dir, "packed-refs")
    if os.path.getsize(path) > _PACKED_REFS_BYTES:
        return None
    with open(path, "rb") as file:
        for line in file:
            commit, _, packed_name = line.rstrip(b"\r\n").partition(b" ")
            if packed_name == os.fsencode(name):
                found = commit.decode("ascii", "replace")
                return found if _is_commit(found) else None
    return None


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return os.fsdecode(file.read(_SMALL_FILE_BYTES)).strip()
    except OSError:
        return ""


def _is_inside(name: str) -> bool:
    return not os.path.isabs(name) and ".." not in name.replace("\\", "/").split("/")


def _is_commit(text: str) -> bool:
    return len(text) in (40, 64) and all(digit in "0123456789abcdef" for digit in text)


def _mended(text: str, what: str, max_bytes: int, forbidden: str, reserved: tuple[str, ...]) -> str | None:
    """Return a text that the server keeps; it would drop the field instead of trimming it."""
    made = "".join("-" if char in forbidden or ord(char) < 32 or ord(char) == 127 else char for char in text.strip())
    # The server counts bytes of UTF-8.
    made = made.encode("utf-8", "replace")[:max_bytes].decode("utf-8", "ignore").strip()
    kept = None if made.lower() in reserved else made or None
    if text and kept != text.strip():
        told = "is not sent" if kept is None else f"is sent as {kept!r}"
        diagnostics.warn_once((what, text), f"{what} {text[:max_bytes]!r} {told}: the server would not accept it")
    return kept


def mend_release(text: str) -> str | None:
    """Return a release the server keeps: slashes and control characters become `-`, it is cut at 200 bytes.

    `.`, `..` and `latest` name no release: None.
    """
    return _mended(text, "release", limits.RELEASE_CHARS, "/\\", (".", "..", "latest"))


def mend_environment(text: str) -> str | None:
    """Return an environment the server keeps: as a release, but of 64 bytes; `none`, `.` and `..` are None."""
    return _mended(text, "environment", limits.ENVIRONMENT_CHARS, "/\\", (".", "..", "none"))


def mend_dist(text: str) -> str | None:
    """Return a distribution the server keeps: 64 letters, digits, `_`, `.` and `-`; other characters become `-`."""
    other = "".join(char for char in set(text.strip()) if not (char.isascii() and (char.isalnum() or char in "_.-")))
    return _mended(text, "dist", limits.DIST_CHARS, other, ())


def mend_server_name(text: str) -> str | None:
    """Return a server name that can be a tag: one line of 200 characters."""
    return _mended(text, "server_name", limits.SERVER_NAME_CHARS, "", ())


def default_server_name() -> str | None:
    """Return the name of this host."""
    try:
        return os.uname().nodename or None
    except AttributeError:
        return os.environ.get("COMPUTERNAME") or None
