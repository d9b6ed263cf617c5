"""The receipt: an append-only record of every side effect, written before it happens and after it did.

One JSON object a line, flushed to the disk before the work goes on, readable by its owner alone, and without secrets.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.model.secret import redact

Values = Mapping[str, str | int]
STARTED, DONE, FAILED = "started", "done", "failed"
_LARGEST_BYTES = 64 * 2**20  # some 200,000 lines


class ReceiptHeld(UsageError):
    """Another run is working with the receipt."""


class ReceiptDamaged(StorageError):
    """The file is not what this program has written: what it knew can be lost, so nothing is begun upon it."""


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
        """Open or make the file.

        Raises `ReceiptHeld` when another run holds it, `ReceiptDamaged` when it holds what no run has written,
        `StorageError` when it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as failure:
            raise _not_writable(path, str(failure)) from failure
        self.path = path
        try:
            self._open_checked()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _open_checked(self) -> None:
        """Take the lock, and look whether the file is a receipt before anything is written to it."""
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise _not_writable(self.path, "it is no regular file")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as held:
            raise ReceiptHeld(
                f"another run is working with the receipt {self.path}",
                remedy="Wait for it, or give this run its own with --receipt.",
            ) from held
        self._refuse_damage()
        self._end_cut_line()
        _sync_directory(self.path.parent)

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
        self._write((json.dumps(line) + "\n").encode())

    def _write(self, data: bytes) -> None:
        """Write all of it, down to the disk; raises `StorageError`, as a full disk takes a part and says nothing."""
        size = os.fstat(self._descriptor).st_size
        try:
            written = os.write(self._descriptor, data)
            os.fsync(self._descriptor)
        except OSError as failure:
            raise _not_writable(self.path, str(failure)) from failure
        if written != len(data):
            os.ftruncate(self._descriptor, size)
            raise _not_writable(self.path, f"only {written} of {len(data)} bytes were taken: the disk is full")

    def _refuse_damage(self) -> None:
        """Raise `ReceiptDamaged` for a line that neither a run has written nor a crash cut short."""
        if os.fstat(self._descriptor).st_size > _LARGEST_BYTES:
            raise _damaged(self.path, "it is larger than 64 MiB")
        for number, line in enumerate(self._lines(), 1):
            if not _is_cut(line) and _parse(line) is None:
                raise _damaged(self.path, f"line {number} is none of a receipt's")

    def _end_cut_line(self) -> None:
        """Keep what a crash cut short from swallowing the next line."""
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            self._write(b"\n")

    def last_done(self, stage: str, key: str) -> Values | None:
        """What the newest run of a stage with this key recorded when it was done, or None."""
        found = [entry for entry in self.entries() if (entry.stage, entry.key, entry.event) == (stage, key, DONE)]
        return found[-1].values if found else None

    def entries(self) -> tuple[Entry, ...]:
        """Every readable line, oldest first; a line that a crash cut short is passed over."""
        return tuple(entry for line in self._lines() if (entry := _parse(line)) is not None)

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8", errors="replace").split("\n")


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


def _not_writable(path: Path, reason: str) -> StorageError:
    return StorageError(
        f"the receipt {path} cannot be written",
        details=reason,
        remedy="Make room, or name another file with --receipt, in a directory that you may write.",
    )


def _damaged(path: Path, reason: str) -> ReceiptDamaged:
    return ReceiptDamaged(
        f"{path} is no receipt, or a damaged one",
        details=reason,
        remedy="What it knew of earlier runs may be lost: look with `byoi-tools status` what runs on its servers. Then "
        "move the file away, or name another with --receipt.",
    )


def _is_cut(line: str) -> bool:
    """Whether it is what a crash leaves of a line: nothing, its beginning, or zeros where the disk had no time."""
    written = line.rstrip("\0")
    return '{"time": "'.startswith(written[:10]) and not written.endswith("}")


def _parse(line: str) -> Entry | None:
    try:
        fields = json.loads(line)
        time, stage, key, event = (fields.pop(name) for name in ("time", "stage", "key", "event"))
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    values = {name: value for name, value in fields.items() if isinstance(value, str | int)}
    return Entry(str(time), str(stage), str(key), str(event), values)
