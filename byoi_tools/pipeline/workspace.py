"""A directory for files that exist only while a program runs; what a killed one has left, the next one removes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import UsageError

_NEW, _HELD = ".byoi-new.", ".byoi-tools."


class Workspace:
    """Makes its directory when it is first asked for, and removes it at the end, whatever happened.

    The directory is locked for as long as it is used. Those of this user in the same place that are not are removed.
    """

    def __init__(self, parent: Path) -> None:
        self._parent = parent
        self._stack = ExitStack()
        self._directory: Path | None = None

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def directory(self) -> Path:
        """Return the directory; raises `UsageError` when it cannot be made."""
        if self._directory is None:
            try:
                _remove_abandoned(self._parent)
                self._directory = self._make()
            except OSError as failure:
                raise UsageError(
                    f"no file can be written in {self._parent}",
                    details=str(failure),
                    remedy="Name a directory that you may write with --work-dir.",
                ) from failure
        return self._directory

    def _make(self) -> Path:
        """Make the directory; it gets the name by which others look for it only when it is locked."""
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self._parent))
        held = new.with_name(new.name.replace(_NEW, _HELD, 1))
        for name in (new, held):
            self._stack.callback(shutil.rmtree, name, ignore_errors=True)
        _lock(new, self._stack)
        new.rename(held)
        return held


def _lock(directory: Path, stack: ExitStack) -> None:
    """Lock a directory until the stack is closed; raises `OSError` when it is locked, or cannot be."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    stack.callback(os.close, descriptor)
    if os.fstat(descriptor).st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to somebody else")
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _remove_abandoned(parent: Path) -> None:
    for directory in parent.glob(f"{_HELD}*"):
        with suppress(OSError), ExitStack() as stack:
            _lock(directory, stack)
            shutil.rmtree(directory)
