"""The receipt: an append-only record of every side effect, written before it happens and after it did.

One JSON object a line, flushed to the disk before the work goes on, readable by its owner alone, and without secrets.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.model.secret import redact

Values = Mapping[str, str | int]
STARTED, DONE, FAILED = "started", "done", "failed"


class ReceiptHeld(UsageError):
    """Another run is working with the receipt."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: which stage, the key of its inputs and options, what happened, and what is worth knowing of it."""

    time: str
    stage: str
    key: str
    event: str
    values: Values


class Receipt:
    """An open receipt, locked for this process; a context manager."""

    def __init__(self, path: Path) -> None:
        """Open or make the file; raises `ReceiptHeld` when another run holds it, `StorageError` when it cannot be."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as failure:
            raise StorageError(
                f"the receipt {path} cannot be written",
                details=str(failure),
                remedy="Name another file with --receipt, in a directory that you may write.",
            ) from failure
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            os.close(self._descriptor)
            raise ReceiptHeld(
                f"another run is working with the receipt {path}",
                remedy="Wait for it, or give this run its own with --receipt.",
            ) from held
        self.path = path
        self._end_cut_line()
        _sync_directory(path.parent)

    def __enter__(self) -> Receipt:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def record(self, now: datetime, stage: str, key: str, event: str, values: Values | None = None) -> None:
        """Append a line and wait until it is on the disk. Texts are redacted, whoever wrote them."""
        clean = {name: redact(value) if isinstance(value, str) else value for name, value in (values or {}).items()}
        line = {"time": now.isoformat(timespec="seconds"), "stage": stage, "key": key, "event": event, **clean}
        os.write(self._descriptor, (json.dumps(line) + "\n").encode())
        os.fsync(self._descriptor)

    def _end_cut_line(self) -> None:
        """Keep what a crash cut short from swallowing the next line."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")

    def last_done(self, stage: str, key: str) -> Values | None:
        """What the newest run of a stage with this key recorded when it was done, or None."""
        found = [entry for entry in self.entries() if (entry.stage, entry.key, entry.event) == (stage, key, DONE)]
        return found[-1].values if found else None

    def entries(self) -> tuple[Entry, ...]:
        """Every readable line, oldest first; a line that a crash cut short is passed over."""
        lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        return tuple(entry for line in lines if (entry := _parse(line)) is not None)


def _sync_directory(directory: Path) -> None:
    """Put the file's name on the disk: a new receipt is of no use if a power cut takes it away."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stage_key(**inputs: str | int) -> str:
    """Return the key of a stage: a hash of its inputs and options, whatever their order."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:32]


def _parse(line: str) -> Entry | None:
    try:
        fields = json.loads(line)
        time, stage, key, event = (fields.pop(name) for name in ("time", "stage", "key", "event"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    values = {name: value for name, value in fields.items() if isinstance(value, str | int)}
    return Entry(str(time), str(stage), str(key), str(event), values)
