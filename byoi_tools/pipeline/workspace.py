"""A directory for files that exist only while the line runs."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import UsageError


class Workspace:
    """Makes its directory when it is first asked for, and removes it at the end, whatever happened."""

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
                made = tempfile.TemporaryDirectory(prefix=".byoi-tools.", dir=self._parent)
            except OSError as failure:
                raise UsageError(
                    f"no file can be written in {self._parent}",
                    details=str(failure),
                    remedy="Name a directory that you may write with --work-dir.",
                ) from failure
            self._directory = Path(self._stack.enter_context(made))
        return self._directory
