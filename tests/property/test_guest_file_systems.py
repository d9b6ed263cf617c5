"""Damaged file systems: the reader refuses or answers, in time, and never takes this process with it."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.errors import ImageError, ToolFailed
from byoi_tools.tools.native.files import NativeReaders
from tests.disk_images import empty, run
from tests.guest_volumes import make_ext, make_tree, read_all
from tests.hostile_sources import Damaged

QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MAX_SECONDS = 30.0
DAMAGE = st.one_of(
    st.binary(min_size=1, max_size=8),
    st.sampled_from([b"\xff\xff\xff\xff", b"\xff" * 8, b"\0" * 16, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]),
)
PATCHES = st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 1023), DAMAGE), min_size=1, max_size=60)


@cache
def volume(kind: str) -> tuple[bytes, list[int]]:
    """A file system, and where in it something is written."""
    with TemporaryDirectory() as directory:
        path = Path(directory, "volume")
        if kind == "xfs":
            proto = Path(directory, "proto")
            proto.write_text(
                f"/\n0 0\nd--755 0 0\netc d--755 0 0\nfstab ---644 0 0 {__file__}\nlink l--777 0 0 etc/fstab\n$\n$\n"
            )
            run("mkfs.xfs", "-q", "-p", proto, "-d", f"name={empty(path, 300 << 20)},file,size=300m")
        else:
            make_ext(make_tree(Path(directory, "tree")), path, "-t", kind, "-b", "1024", size="16M")
        content = path.read_bytes()
    return content, [place for place in range(0, len(content), 1024) if any(content[place : place + 1024])]


def survives(kind: str, patches: list[tuple[int, int, bytes]]) -> None:
    content, places = volume(kind)
    damage = [(places[where % len(places)] + inner, data) for where, inner, data in patches]
    started = time.monotonic()
    try:
        with NativeReaders() as readers:
            read_all(readers.open(kind, Damaged(content, len(content), damage)))
    except (ImageError, ToolFailed) as refused:
        assert refused.remedy
    assert time.monotonic() - started < MAX_SECONDS


@QUICK
@given(patches=PATCHES)
def test_damaged_ext4(patches: list[tuple[int, int, bytes]]) -> None:
    survives("ext4", patches)


@QUICK
@given(patches=PATCHES)
def test_damaged_ext2(patches: list[tuple[int, int, bytes]]) -> None:
    survives("ext2", patches)


@QUICK
@given(patches=PATCHES)
def test_damaged_xfs(patches: list[tuple[int, int, bytes]]) -> None:
    survives("xfs", patches)
