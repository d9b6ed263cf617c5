from __future__ import annotations

import pytest

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.containers.qcow2_map import read_cluster_map
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.qcow2 import Qcow2ClusterMap
from tests.qcow2_images import COMPRESSED, COPIED, Recipe

CLUSTER = 4096
FIRST = 5 * CLUSTER
FAR = 1 << 40


def read(recipe: Recipe) -> Qcow2ClusterMap:
    image = Memory(recipe.build())
    return read_cluster_map(image, read_qcow2_header(image))


def test_each_kind_of_entry_is_counted() -> None:
    entries = (
        COPIED | FIRST,
        FIRST + CLUSTER,
        0,
        1,
        COPIED | FIRST | 1,
        COMPRESSED | FIRST + 5,
        COMPRESSED | 1 << 58 | FIRST + CLUSTER + 1000,
    )
    assert read(Recipe(l2=entries, data=bytes(2 * CLUSTER))) == Qcow2ClusterMap(
        data_clusters=2,
        compressed_clusters=2,
        zero_clusters=2,
        end_bytes=FIRST + 2 * CLUSTER,
        missing_clusters=0,
        misaligned_entries=0,
    )


def test_the_end_is_that_of_the_last_needed_byte_of_a_compressed_cluster() -> None:
    # 1000 bytes from a sector's start on; two more sectors, so at least one byte in the one that starts at 1536
    found = read(Recipe(l2=(COMPRESSED | 2 << 58 | FIRST + 512,), data=bytes(CLUSTER)))
    assert found.end_bytes == FIRST + 512 + 1024 + 1


@pytest.mark.parametrize(
    ("entry", "length", "missing"),
    [
        (FIRST, CLUSTER, 0),
        (FIRST, CLUSTER - 1, 1),
        (FIRST | 1, 0, 0),
        (FAR, CLUSTER, 1),
        (COMPRESSED | FIRST, 1, 0),
        (COMPRESSED | FIRST, 0, 1),
        (COMPRESSED | 1 << 58 | FIRST, 512, 1),
        (COMPRESSED | 1 << 58 | FIRST, 513, 0),
        (COMPRESSED | FAR, 1, 1),
        (COMPRESSED, 0, 0),
    ],
)
def test_what_lies_beyond_the_end_of_the_file_is_missing(entry: int, length: int, missing: int) -> None:
    assert read(Recipe(l2=(0, entry, 0), data=bytes(length))).missing_clusters == missing


def test_tables_beyond_the_end_are_missing() -> None:
    assert read(Recipe(l1_size=3, l1=(FAR, FAR + CLUSTER, 0))).missing_clusters == 2
    assert read(Recipe(l1_offset=FAR)) == Qcow2ClusterMap(0, 0, 0, FAR + 8, 1, 0)
    assert read(Recipe(l1_size=1025, l1_offset=4 * CLUSTER)).missing_clusters == 2 + 0


def test_misaligned_entries_are_counted() -> None:
    data = bytes(3 * CLUSTER)
    assert read(Recipe(l2=(FIRST + 512, FIRST, FIRST + 2048), data=data)).misaligned_entries == 2
    assert read(Recipe(l1_size=2, l1=(512, FIRST), data=data)).misaligned_entries == 1


def test_a_cluster_of_which_two_are_the_only_owner_is_shared() -> None:
    """qcow2.txt, L2 table entry, bit 63: 1 "if its refcount is exactly one"."""
    own, other = COPIED | FIRST, COPIED | FIRST + CLUSTER
    data = bytes(3 * CLUSTER)
    assert read(Recipe(l2=(own, other, 0, COPIED | FIRST + 2 * CLUSTER), data=data)).shared_clusters == 0
    assert read(Recipe(l2=(own, other, own, own, other), data=data)).shared_clusters == 3
    assert read(Recipe(l2=(FIRST, FIRST, FIRST | 1, own | 1), data=data)).shared_clusters == 0
    assert read(Recipe(l2=(own, COMPRESSED | FIRST, COMPRESSED | FIRST + 100), data=data)).shared_clusters == 0


def test_tables_are_compared_with_each_other() -> None:
    tables = (COPIED | 4 * CLUSTER, COPIED | FIRST)
    second = (COPIED | FIRST + CLUSTER).to_bytes(8, "big").ljust(CLUSTER, b"\0")
    image = Recipe(l1_size=2, l1=tables, l2=(0, COPIED | FIRST + CLUSTER), data=second + bytes(CLUSTER))
    assert read(image).shared_clusters == 1


def test_a_table_that_is_referred_to_often_counts_once() -> None:
    assert (
        read(Recipe(l1_size=400, l1=(4 * CLUSTER,) * 400, l2=(FIRST,) * 512, data=bytes(CLUSTER))).data_clusters == 512
    )


def test_data_in_another_file_is_counted_but_not_looked_for() -> None:
    found = read(Recipe(incompatible=1 << 2, l2=(COPIED | FAR,)))
    assert (found.data_clusters, found.missing_clusters, found.end_bytes) == (1, 0, 5 * CLUSTER)


def test_extended_entries() -> None:
    size = 1 << 14
    at = 5 * size
    words = (at, 1, at + size, 1 << 32, 0, 1 << 40, 0, 0, at + 2 * size, 1 << 31 | 1 << 32, COMPRESSED | at, 0)
    recipe = Recipe(cluster_bits=14, incompatible=1 << 4, l2=words, data=bytes(2 * size + 512))
    assert read(recipe) == Qcow2ClusterMap(
        data_clusters=2,
        compressed_clusters=1,
        zero_clusters=2,
        end_bytes=at + 2 * size + 512,
        missing_clusters=0,
        misaligned_entries=0,
    )
    assert read(recipe.but(data=bytes(2 * size + 511))).missing_clusters == 1


def test_unknown_features_forbid_a_map() -> None:
    with pytest.raises(ImageMalformed, match="unknown"):
        read(Recipe(incompatible=1 << 6))


def test_a_file_that_shrinks_meanwhile_is_malformed() -> None:
    class Shrinking:
        """Its size was told before it was cut within the L2 table."""

        size_bytes = 6 * CLUSTER

        def read_at(self, offset: int, length: int) -> bytes:
            return content[: 4 * CLUSTER + 13][offset : offset + length]

    content = Recipe().build()
    with pytest.raises(ImageMalformed, match="L2 table"):
        read_cluster_map(Shrinking(), read_qcow2_header(Shrinking()))


def test_absurdly_many_tables_are_refused() -> None:
    class Endless:
        """A sparse file of 2 TiB whose L1 table refers to a new L2 table in every entry."""

        size_bytes = 1 << 41

        def read_at(self, offset: int, length: int) -> bytes:
            if offset == 0:
                return header[:length]
            return b"".join((n << 21).to_bytes(8, "big") for n in range(2, 2 + length // 8))

    header = Recipe(cluster_bits=21, l1_size=4096, virtual_size=1 << 51).header().ljust(1 << 21, b"\0")
    with pytest.raises(ImageUnsafe, match="too many L2 tables"):
        read_cluster_map(Endless(), read_qcow2_header(Endless()))
