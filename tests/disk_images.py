"""Makes disks and volumes for tests with the programs that everybody uses, and runs those that judge them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from byoi_tools.formats.source import Memory

MIB = 1 << 20
OPTIONAL_PROGRAMS = frozenset(
    ["mkfs.btrfs", "mkfs.exfat", "mkfs.f2fs", "mkfs.ntfs", "mkfs.xfs", "mksquashfs", "objdump"]
)
"""Not among the packages that the project installs, though most come with guestfs."""
_ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class OnDisk:
    """A file as a source, read when it is needed: for volumes that are large and sparse."""

    path: Path

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    def read_at(self, offset: int, length: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(offset)
            return file.read(max(0, length))


def run(*argv: str | Path, stdin: str = "") -> str:
    """What the program prints; it must succeed. Without it the test is skipped, but only where it is optional."""
    if argv[0] in OPTIONAL_PROGRAMS and shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    done = subprocess.run(argv, input=stdin.encode(), capture_output=True, timeout=60, check=False, env=_ENVIRONMENT)
    assert done.returncode == 0, (argv, done)
    return done.stdout.decode(errors="replace")


def judgement(*argv: str | Path) -> str:
    """What the program prints on both outputs, however it ends."""
    done = subprocess.run(argv, input=b"", capture_output=True, timeout=60, check=False, env=_ENVIRONMENT)
    return (done.stdout + done.stderr).decode(errors="replace")


def empty(path: Path, size_bytes: int) -> Path:
    """A new sparse file."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
    return path


def partitioned(path: Path, script: str, size_bytes: int = 8 * MIB) -> Path:
    """A disk of 512-byte sectors with a table that sfdisk wrote from a script."""
    run("sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", empty(path, size_bytes), stdin=script)
    return path


def sfdisk_table(path: Path) -> dict[str, Any]:
    """The table as sfdisk reads it."""
    table: dict[str, Any] = json.loads(run("sfdisk", "-J", path))["partitiontable"]
    return table


def memory(path: Path) -> Memory:
    """The whole file as a source."""
    return Memory(path.read_bytes())


def patched(content: bytes, offset: int, data: bytes) -> Memory:
    """The bytes with some of them replaced; a negative offset counts from the end."""
    offset = offset if offset >= 0 else len(content) + offset
    return Memory(content[:offset] + data + content[offset + len(data) :])
