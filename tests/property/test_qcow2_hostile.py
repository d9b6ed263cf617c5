"""Damaged and random qcow2 files: nothing but our own errors, within 2 s and 256 MiB."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from byoi_tools.errors import ImageError
from byoi_tools.formats.containers.detection import detect_formats, image_format, is_ambiguous
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.containers.qcow2_map import read_cluster_map
from byoi_tools.formats.source import Memory
from tests.qcow2_images import COMPRESSED, DATA_FILE_NAME, Recipe, create, qemu_img, write

SIZE = 256 << 10
KINDS = {
    "version 2": ("compat=0.10", "cluster_size=512"),
    "version 3": ("cluster_size=512",),
    "zstd": ("cluster_size=1k", "compression_type=zstd"),
    "subclusters": ("cluster_size=16k", "extended_l2=on"),
}


def make(path: Path, kind: str) -> bytes:
    """A small image of every sort of cluster, with a snapshot, by QEMU."""
    create(path, SIZE, *KINDS[kind])
    qemu_img("snapshot", "-c", "state", path)
    write(path, "write -c -P 7 0 16k", "write -P 8 20k 3k", "write -z 32k 8k", "write -P 9 255k 1k")
    return path.read_bytes()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("images")
    return {kind: make(folder / kind.replace(" ", "-"), kind) for kind in KINDS}


def read_everything(content: bytes) -> None:
    """All that inspection does with a file: format, header, map, and bytes of the virtual disk."""
    source = Memory(content)
    matches = detect_formats(source)
    image_format(matches)
    is_ambiguous(matches)
    header = read_qcow2_header(source)
    with suppress(ImageError):
        found = read_cluster_map(source, header)
        assert min(found.data_clusters, found.compressed_clusters, found.zero_clusters, found.missing_clusters) >= 0
    disk = Qcow2Disk(source, header)
    for offset in (0, SIZE // 2, disk.size_bytes - 100_000):
        with suppress(ImageError):
            expected = max(0, min(100_000, disk.size_bytes - max(0, offset)))
            assert len(disk.read_at(max(0, offset), 100_000)) == expected


def stay_within_limits(read: Callable[[], object]) -> None:
    """Fails when reading takes over 2 s or 256 MiB, or raises anything that is not an `ImageError`."""
    start = time.process_time()
    with suppress(ImageError):
        read()
    assert time.process_time() - start < 2
    tracemalloc.start()
    try:
        with suppress(ImageError):
            read()
        assert tracemalloc.get_traced_memory()[1] < 256 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["version 2", "version 3"])
def test_truncation_at_any_byte(images: dict[str, bytes], kind: str) -> None:
    content = images[kind]
    metadata = range(min(len(content), 4096))
    for length in (*metadata, *range(4096, len(content), 97)):
        with suppress(ImageError):
            read_everything(content[:length])


property_settings = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@property_settings
@given(kind=st.sampled_from(sorted(KINDS)), share=st.floats(0, 1))
def test_truncation_of_every_kind(images: dict[str, bytes], kind: str, share: float) -> None:
    stay_within_limits(lambda: read_everything(images[kind][: int(len(images[kind]) * share)]))


@property_settings
@given(
    kind=st.sampled_from(sorted(KINDS)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), min_size=1, max_size=8),
    is_in_header=st.booleans(),
)
def test_flipped_bits(
    images: dict[str, bytes], kind: str, changes: list[tuple[float, int]], is_in_header: bool
) -> None:
    content = bytearray(images[kind])
    reach = 600 if is_in_header else len(content)
    for share, flip in changes:
        content[min(int(share * reach), len(content) - 1)] ^= flip
    stay_within_limits(lambda: read_everything(bytes(content)))


@property_settings
@given(content=st.binary(max_size=3000), has_magic=st.booleans())
def test_random_bytes(content: bytes, has_magic: bool) -> None:
    stay_within_limits(lambda: read_everything(b"QFI\xfb\0\0\0\3" + content if has_magic else content))


words = st.one_of(
    st.integers(0, (1 << 64) - 1),
    st.integers(0, 40).map(lambda n: n << 9),
    st.integers(0, 40).map(lambda n: n << 14 | 1),
    st.integers(0, (1 << 62) - 1).map(lambda n: COMPRESSED | n),
)
recipes = st.builds(
    Recipe,
    version=st.sampled_from([2, 3, 3, 3]),
    cluster_bits=st.sampled_from([9, 10, 12, 14, 16]),
    virtual_size=st.one_of(st.integers(0, 1 << 16), st.integers(0, (1 << 64) - 1)),
    l1_size=st.one_of(st.integers(0, 64), st.integers(0, 1 << 22)),
    l1=st.one_of(st.none(), st.lists(words, max_size=64).map(tuple)),
    incompatible=st.sampled_from([0, 0, 1 << 4, 1 << 3, 1 << 2, 3]),
    compression_type=st.sampled_from([0, 0, 1, 2]),
    crypt_method=st.sampled_from([0, 0, 0, 1]),
    snapshots=st.integers(0, 3),
    backing=st.one_of(st.none(), st.none(), st.binary(max_size=20)),
    extensions=st.one_of(st.just(()), st.just(((DATA_FILE_NAME, b"\xff/x"),))),
    l2=st.lists(words, max_size=64).map(tuple),
    data=st.binary(max_size=2000),
)


@property_settings
@given(recipe=recipes)
def test_images_whose_fields_are_wild(recipe: Recipe) -> None:
    stay_within_limits(lambda: read_everything(recipe.build()))


@pytest.mark.parametrize("is_shared", [True, False])
def test_the_largest_l1_table(is_shared: bool) -> None:
    """32 MiB of entries which all refer to one table, or each to a place beyond the end."""
    l1_size = (32 << 20) // 8
    recipe = Recipe(cluster_bits=9, l1_size=l1_size, l1_offset=5 * 512, virtual_size=l1_size << 15)
    places = [4 * 512] * 1024 if is_shared else [n << 40 for n in range(1024)]
    source = Memory(recipe.build() + b"".join(place.to_bytes(8) for place in places) * (l1_size // 1024))
    header = read_qcow2_header(source)
    stay_within_limits(lambda: Qcow2Disk(source, header).read_at(0, 1 << 20))
    start = time.process_time()
    read_cluster_map(source, header)
    assert time.process_time() - start < 2
