"""Readers that are started before they are needed: taken once each, and gone with the process that started them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.guest_volumes import make_ext, make_tree

PROGRAM = """
import json, os, sys
from pathlib import Path
from byoi_tools.tools.native.files import NativeReaders
from byoi_tools.tools.native.process import start_ahead
from tests.disk_images import OnDisk

def children():
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

def read():
    with NativeReaders() as readers:
        assert readers.open("ext4", OnDisk(Path(sys.argv[1]))).status("/") is not None
        return children()

start_ahead(int(sys.argv[2]))
print(*map(json.dumps, [children(), read(), read(), read(), children()]), sep=";")
"""


def run_ahead(count: int, volume: Path) -> list[list[str]]:
    """The children of a process that starts readers ahead and reads three times: before, during each, and after."""
    argv = [sys.executable, "-c", PROGRAM, str(volume), str(count)]
    output = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return [json.loads(children) for children in output.split(";")]


def test_each_is_taken_by_one_and_followed_by_the_next(tmp_path: Path) -> None:
    volume = make_ext(make_tree(tmp_path / "tree"), tmp_path / "volume", "-t", "ext4")
    before, first, second, third, after = run_ahead(2, volume)
    assert len(before) == 1
    assert before[0] in first
    assert len(first) == 2
    assert second == [pid for pid in first if pid not in before]
    assert len(third) == 1
    assert third != second
    assert after == []


def test_one_that_nobody_needs_ends_with_its_process(tmp_path: Path) -> None:
    volume = make_ext(make_tree(tmp_path / "tree"), tmp_path / "volume", "-t", "ext4")
    *_, (left,) = run_ahead(9, volume)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{left}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
