"""File systems for tests of guests, made by the programs that everybody makes them with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from byoi_tools.errors import ImageError
from byoi_tools.model.guest.files import FileKind, FileReader, FileStatus
from tests.disk_images import run

BIG = 3000
"""How many files the large directory of `make_tree` has."""


def make_tree(directory: Path) -> Path:
    """Fill a directory with one file of each kind that guests have, and some that nobody should have."""
    (directory / "sub/deeper").mkdir(parents=True)
    (directory / "sub/hello").write_text("hello\n")
    (directory / "sub/deeper/secret").write_bytes(b"s")
    (directory / "sub/deeper/secret").chmod(0o640)
    (directory / "empty").touch()
    (directory / "café").write_text("y")
    (directory / "new\nline").write_text("z")
    (directory / "esc\x1b[31m").write_text("z")
    (directory / "tiny").write_bytes(b"fits into an inode")
    (directory / "middle").write_bytes(bytes(range(256)) * 5000)
    with (directory / "sparse").open("wb") as file:
        file.seek(5 << 20)
        file.write(b"end of the hole")
        file.truncate(7 << 20)
    (directory / "link").symlink_to("sub/hello")
    (directory / "long-link").symlink_to("/" + "a" * 200)
    (directory / "dangling").symlink_to("nowhere")
    (directory / "big").mkdir()
    for number in range(BIG):
        (directory / f"big/{number:05d}-{'n' * 60}").touch()
    os.mkfifo(directory / "fifo")
    for path in sorted(directory.rglob("*")):
        os.utime(path, (1_700_000_000, 1_700_000_123), follow_symlinks=False)
    return directory


def make_ext(tree: Path, volume: Path, *options: str, size: str = "64M") -> Path:
    """Write an ext file system with the files of a tree."""
    run("mke2fs", "-q", "-F", "-d", tree, *options, volume, size)
    return volume


def walk(files: FileReader) -> Iterator[tuple[str, FileStatus]]:
    """Every path of a file system with its status; `lost+found` left out."""
    pending = [""]
    while pending:
        directory = pending.pop()
        for entry in files.entries(directory or "/"):
            path = f"{directory}/{entry.name}"
            if path == "/lost+found":
                continue
            yield path, entry.status
            if entry.status.kind is FileKind.DIRECTORY:
                pending.append(path)


def read_all(files: FileReader, limit_entries: int = 300) -> int:
    """Read whatever there is, as far as it can be read; returns how many entries that were."""
    count = 0
    try:
        for path, status in walk(files):
            count += 1
            if status.kind is FileKind.FILE:
                files.read(path, 1 << 20)
            elif status.kind is FileKind.SYMLINK:
                files.read_link(path)
            files.attributes(path)
            if count > limit_entries:
                break
    except ImageError as refused:
        assert refused.remedy
    return count
