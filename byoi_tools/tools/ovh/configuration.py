"""Puts a consumer key into a file as python-ovh reads it (`ovh.conf`), and leaves the rest of the file as it is."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from byoi_tools.errors import UsageError
from byoi_tools.model.secret import Secret

_LARGEST_BYTES = 1024 * 1024


def store_consumer_key(path: Path, endpoint: str, key: Secret) -> None:
    """Write `consumer_key` into the section of the endpoint; the file is made, or replaced at once, with mode 0600.

    Comments, other sections and other lines stay. A symbolic link stays one. Raises `UsageError` when it cannot be
    read or written; then the old file is still there.
    """
    target = Path(os.path.realpath(path))
    try:
        old = _read(target)
        _replace(target, _insert(old, endpoint, key.reveal()).encode())
    except OSError as failure:
        raise UsageError(
            f"the consumer key cannot be written to {path}",
            details=failure.strerror,
            remedy="Name a file in a directory that exists and can be written to.",
        ) from failure
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text", remedy="Name an ovh.conf, or a file that is not there yet.") from None


def require_writable(path: Path) -> None:
    """Raise `UsageError` now rather than after the user has validated a key."""
    target = Path(os.path.realpath(path))
    is_file = target.is_file() or not target.exists()
    if not is_file or not os.access(target.parent, os.W_OK | os.X_OK):
        raise UsageError(
            f"{path} cannot be written", remedy="Name a file in a directory that exists and can be written to."
        )


def _read(target: Path) -> str:
    if not target.exists():
        return ""
    with target.open("rb") as file:
        return file.read(_LARGEST_BYTES).decode()


def _insert(text: str, endpoint: str, key: str) -> str:
    """Return the text with the key as last line of its section; a section that is not there comes last."""
    lines = text.splitlines()
    names = [match[1] if (match := re.fullmatch(r"\[([^\]]+)\]\s*", line)) else None for line in lines]
    if endpoint not in names:
        default = [] if "default" in names else ["[default]", f"endpoint={endpoint}", ""]
        gap = [""] if lines and lines[-1].strip() else []
        return "\n".join([*lines, *gap, *default, f"[{endpoint}]", f"consumer_key={key}", ""])
    begin = names.index(endpoint) + 1
    end = next((number for number in range(begin, len(lines)) if names[number] is not None), len(lines))
    kept = [line for line in lines[begin:end] if not re.match(r"(?i)consumer_key\s*[=:]", line)]
    while kept and not kept[-1].strip():
        kept.pop()
    rest = ["", *lines[end:]] if end < len(lines) else []
    return "\n".join([*lines[:begin], *kept, f"consumer_key={key}", *rest, ""])


def _replace(target: Path, content: bytes) -> None:
    """`mkstemp` makes the file with mode 0600; nobody sees half of it."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    draft = Path(name)
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - the descriptor is open already
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
