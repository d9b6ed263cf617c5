from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import zstandard

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.qcow2_disk import Qcow2Disk
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.source import Memory
from tests.qcow2_images import COMPRESSED, COPIED, DATA_FILE_NAME, Recipe

CLUSTER = 4096
FIRST = Recipe().data_offset
SECTORS_SHIFT = 62 - (12 - 8)
ONE, TWO = b"\x11" * CLUSTER, b"\x22" * CLUSTER

_events: list[str] = []
_is_watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _is_watching and event.partition(".")[0] in ("open", "socket", "subprocess", "os", "ctypes"):
        _events.append(f"{event} {arguments}")


sys.addaudithook(_watch)


@contextmanager
def nothing_outside() -> Iterator[None]:
    """Fails when anything is opened, connected to or started meanwhile."""
    global _is_watching
    _events.clear()
    _is_watching = True
    try:
        yield
    finally:
        _is_watching = False
    assert _events == []


def open_disk(recipe: Recipe) -> Qcow2Disk:
    image = Memory(recipe.build())
    return Qcow2Disk(image, read_qcow2_header(image))


def deflate(content: bytes, window_bits: int = -12) -> bytes:
    compressor = zlib.compressobj(wbits=window_bits)
    return compressor.compress(content) + compressor.flush()


def compressed(offset: int, content: bytes) -> int:
    """The L2 entry of compressed content at an offset of the file."""
    sectors = (offset + len(content) - 1) // 512 - offset // 512
    return COMPRESSED | sectors << SECTORS_SHIFT | offset


@pytest.mark.parametrize(
    "backing", [b"/etc/passwd", b'json:{"driver":"file","filename":"/etc/passwd"}', b"http://127.0.0.1:9/", b""]
)
def test_a_backing_file_is_refused_and_never_opened(backing: bytes) -> None:
    with nothing_outside(), pytest.raises(ImageUnsafe, match="backing file") as caught:
        open_disk(Recipe(backing=backing))
    assert backing.decode()[:4] in (caught.value.details or "").replace("\\", "")


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(incompatible=1 << 2), "external data file"),
        (Recipe(incompatible=1 << 2, extensions=((DATA_FILE_NAME, b"/etc/passwd"),)), "external data file"),
        (Recipe(extensions=((DATA_FILE_NAME, b"/etc/passwd"),)), "external data file"),
        (Recipe(crypt_method=1), "encrypted"),
        (Recipe(crypt_method=2), "encrypted"),
        (Recipe(crypt_method=77), "encrypted"),
        (Recipe(incompatible=1 << 5), "features that are unknown"),
    ],
)
def test_what_cannot_be_read_from_this_file_alone_is_refused(recipe: Recipe, words: str) -> None:
    with nothing_outside(), pytest.raises(ImageUnsafe, match=words):
        open_disk(recipe)


def test_hostile_names_are_shown_quoted() -> None:
    with pytest.raises(ImageUnsafe) as caught:
        open_disk(Recipe(backing=b"\x1b[2J\n"))
    assert caught.value.details == '"\\x1b[2J\\n"'


def test_clusters_are_found_where_their_entries_say() -> None:
    disk = open_disk(
        Recipe(
            virtual_size=5 * CLUSTER + 100,
            l2=(COPIED | FIRST + CLUSTER, FIRST, 0, 1, FIRST | 1, COPIED | FIRST),
            data=ONE + TWO,
        )
    )
    assert disk.size_bytes == 5 * CLUSTER + 100
    assert disk.read_at(0, 1 << 30) == TWO + ONE + bytes(3 * CLUSTER) + ONE[:100]
    assert disk.read_at(CLUSTER - 1, 2) == b"\x22\x11"
    assert disk.read_at(5 * CLUSTER + 99, 5) == b"\x11"
    assert disk.read_at(disk.size_bytes, 1) == disk.read_at(-1, 1) == disk.read_at(0, 0) == disk.read_at(0, -5) == b""


def test_neighbouring_clusters_are_read_in_one_go() -> None:
    class Counting:
        def __init__(self, content: bytes) -> None:
            self.memory = Memory(content)
            self.reads: list[tuple[int, int]] = []

        @property
        def size_bytes(self) -> int:
            return self.memory.size_bytes

        def read_at(self, offset: int, length: int) -> bytes:
            self.reads.append((offset, length))
            return self.memory.read_at(offset, length)

    image = Counting(Recipe(l2=tuple(FIRST + n * CLUSTER for n in range(64)), data=bytes(64 * CLUSTER)).build())
    disk = Qcow2Disk(image, read_qcow2_header(image))
    disk.read_at(0, 1)
    image.reads.clear()
    disk.read_at(10, 60 * CLUSTER)
    assert image.reads == [(FIRST + 10, 60 * CLUSTER)]


def test_compressed_clusters_may_share_a_sector_and_end_with_the_file() -> None:
    plain = bytes(range(256)) * 16
    first, second = deflate(ONE), deflate(plain)
    l2 = (compressed(FIRST + 7, first), compressed(FIRST + 7 + len(first), second), COPIED | FIRST)
    disk = open_disk(Recipe(virtual_size=2 * CLUSTER, l2=l2, data=bytes(7) + first + second))
    assert disk.read_at(0, 2 * CLUSTER) == ONE + plain
    assert disk.read_at(CLUSTER + 100, 50) == plain[100:150]


def test_deflate_with_a_window_larger_than_qemus_own_is_read() -> None:
    plain = bytes(range(256)) * 16
    packed = deflate(plain, -15)
    disk = open_disk(Recipe(virtual_size=CLUSTER, l2=(compressed(FIRST, packed),), data=packed))
    assert disk.read_at(0, CLUSTER) == plain


def zstd_recipe(content: bytes) -> Recipe:
    return Recipe(
        virtual_size=CLUSTER,
        incompatible=1 << 3,
        compression_type=1,
        l2=(compressed(FIRST, content),),
        data=content,
    )


def test_zstd_clusters_with_and_without_a_content_size() -> None:
    for known in (True, False):
        packed = zstandard.ZstdCompressor(write_content_size=known).compress(TWO)
        assert open_disk(zstd_recipe(packed)).read_at(0, CLUSTER) == TWO


BROKEN = (
    ("data of the qcow2 image ends", Recipe(l2=(FIRST,), data=ONE[:-1])),
    ("data of the qcow2 image ends", Recipe(l2=(1 << 55,))),
    ("data of the qcow2 image starts at no cluster", Recipe(l2=(FIRST + 512,), data=ONE + TWO)),
    ("L2 table of the qcow2 image ends", Recipe(l1=(1 << 50,))),
    ("L2 table of the qcow2 image starts at no cluster", Recipe(l1=(512,))),
    ("L1 table of the qcow2 image ends", Recipe(l1_offset=1 << 40)),
    ("zero flag", Recipe(version=2, l2=(1,))),
    ("compressed cluster", Recipe(l2=(compressed(FIRST, ONE),), data=b"\xff" * CLUSTER)),
    ("compressed cluster", Recipe(l2=(compressed(FIRST, ONE),), data=deflate(ONE[1:]))),
    ("compressed cluster", Recipe(l2=(compressed(FIRST, ONE),), data=deflate(ONE)[:-3])),
    ("compressed cluster", Recipe(l2=(COMPRESSED | (1 << 60) - 1,))),
    ("compressed cluster", zstd_recipe(b"no zstd")),
    ("compressed cluster", zstd_recipe(zstandard.compress(ONE[1:]))),
    ("compressed cluster", zstd_recipe(zstandard.compress(ONE + b"\0"))),
    ("compressed cluster", zstd_recipe(zstandard.compress(bytes(64 << 20)))),
    ("not supported", zstd_recipe(zstandard.compress(ONE)).but(compression_type=2)),
)


@pytest.mark.parametrize(("words", "recipe"), BROKEN)
def test_damaged_tables_and_clusters_are_malformed(words: str, recipe: Recipe) -> None:
    with pytest.raises(ImageMalformed, match=words):
        open_disk(recipe.but(virtual_size=CLUSTER)).read_at(0, CLUSTER)


def test_a_deflate_bomb_yields_no_more_than_a_cluster() -> None:
    bomb = deflate(b"\x33" * (1 << 20))
    disk = open_disk(Recipe(virtual_size=CLUSTER, l2=(compressed(FIRST, bomb),), data=bomb))
    assert disk.read_at(0, CLUSTER) == b"\x33" * CLUSTER


def extended(*words: int, data: bytes) -> Recipe:
    return Recipe(cluster_bits=14, incompatible=1 << 4, virtual_size=1 << 14, l2=words, data=data)


def test_subclusters_are_read_or_zero_one_by_one() -> None:
    data = bytes(range(32)) * 512
    offset = extended(data=b"").data_offset
    disk = open_disk(extended(offset, 0b101 | 1 << 33, data=data))
    assert disk.read_at(0, 1 << 14) == data[:512] + bytes(512) + data[1024:1536] + bytes((1 << 14) - 1536)


@pytest.mark.parametrize(("has_offset", "bitmap"), [(True, 1 | 1 << 32), (False, 1), (False, 1 << 31)])
def test_subclusters_that_contradict_themselves_are_malformed(has_offset: bool, bitmap: int) -> None:
    offset = extended(data=b"").data_offset if has_offset else 0
    with pytest.raises(ImageMalformed, match="contradict"):
        open_disk(extended(offset, bitmap, data=bytes(1 << 14))).read_at(0, 1)
