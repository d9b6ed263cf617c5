"""Random writes by qemu-io and random reads by us."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.source import Memory
from tests.qcow2_images import create, virtual_bytes, write

SIZE = 512 << 10
OPTIONS = [
    ("compat=0.10", "cluster_size=512"),
    ("cluster_size=4k",),
    ("cluster_size=64k", "compression_type=zstd"),
    ("cluster_size=16k", "extended_l2=on"),
]


def open_disk(path: Path) -> Qcow2Disk:
    image = Memory(path.read_bytes())
    return Qcow2Disk(image, read_qcow2_header(image))


@st.composite
def commands(draw: st.DrawFn) -> str:
    """One qemu-io command."""
    verb = draw(st.sampled_from(["write -P {byte}", "write -P {byte}", "write -z", "write -z -u", "discard"]))
    unit = draw(st.sampled_from([512, 4096]))
    offset = draw(st.integers(0, SIZE // unit - 1))
    count = draw(st.integers(1, min(SIZE // unit - offset, 32)))
    return f"{verb.format(byte=draw(st.integers(0, 255)))} {offset * unit} {count * unit}"


# Compressed writes take whole clusters, and come first: QEMU has them only where nothing was written.
compressed = st.sets(st.integers(0, SIZE // 65536 - 1), max_size=4).map(
    lambda places: [f"write -c -P {place} {place * 65536} 65536" for place in places]
)


@settings(max_examples=12, deadline=None)
@given(options=st.sampled_from(OPTIONS), first=compressed, writes=st.lists(commands(), min_size=1, max_size=12))
def test_random_writes_read_as_qemu_reads_them(options: tuple[str, ...], first: list[str], writes: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(create(Path(folder) / "disk.qcow2", SIZE, *options), *first, *writes)
        disk = open_disk(path)
        assert disk.read_at(0, SIZE) == virtual_bytes(path)


@pytest.fixture(scope="module", params=OPTIONS, ids=",".join)
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Qcow2Disk, bytes]:
    """A disk of all sorts of clusters, and its bytes as qemu-img reads them."""
    path = create(tmp_path_factory.mktemp("disk") / "disk.qcow2", SIZE, *request.param)
    write(path, "write -c -P 7 0 128k", "write -P 8 90k 3k", "write -z 192k 64k", "write -P 9 300k 200k")
    return open_disk(path), virtual_bytes(path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(-10, SIZE + 10), length=st.integers(-10, SIZE))
def test_any_range_is_that_part_of_the_whole(written: tuple[Qcow2Disk, bytes], offset: int, length: int) -> None:
    disk, content = written
    expected = content[offset : max(offset, offset + length)] if offset >= 0 else b""
    assert disk.read_at(offset, length) == expected
