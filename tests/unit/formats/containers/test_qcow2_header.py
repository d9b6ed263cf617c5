from __future__ import annotations

import pytest

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.containers.qcow2_header import read_qcow2_header
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.qcow2 import Qcow2Header
from tests.qcow2_images import BACKING_FORMAT, DATA_FILE_NAME, FEATURE_NAMES, Recipe


def read(recipe: Recipe) -> Qcow2Header:
    return read_qcow2_header(Memory(recipe.build()))


def test_every_field_is_where_the_specification_puts_it() -> None:
    header = read(
        Recipe(
            cluster_bits=14,
            virtual_size=3 << 20,
            l1_size=2,
            l1_offset=5 << 14,
            reftable_offset=6 << 14,
            reftable_clusters=7,
            snapshots=3,
            snapshots_offset=8 << 14,
            incompatible=0b11000 | 1,
            compatible=1,
            autoclear=2,
            refcount_order=5,
            compression_type=1,
            extensions=((FEATURE_NAMES, bytes(48)), (0x12345678, b"abc")),
        )
    )
    assert header == Qcow2Header(
        version=3,
        virtual_size_bytes=3 << 20,
        cluster_bits=14,
        encryption_method=0,
        l1_entry_count=2,
        l1_table_offset=5 << 14,
        refcount_table_offset=6 << 14,
        refcount_table_clusters=7,
        refcount_order=5,
        snapshot_count=3,
        snapshots_offset=8 << 14,
        incompatible_features=0b11001,
        compatible_features=1,
        autoclear_features=2,
        header_length_bytes=112,
        compression_type=1,
        backing_file=None,
        backing_format=None,
        data_file=None,
        extension_types=(FEATURE_NAMES, 0x12345678),
    )
    assert header.cluster_size_bytes == 16384
    assert header.l2_entry_count == 1024


def test_version_2_has_no_features_and_refcounts_of_16_bits() -> None:
    header = read(Recipe(version=2, incompatible=-1 & 0xFF, refcount_order=9, extensions=((BACKING_FORMAT, b"raw"),)))
    assert (header.version, header.incompatible_features, header.refcount_order) == (2, 0, 4)
    assert (header.header_length_bytes, header.backing_format, header.l2_entry_count) == (72, "raw", 512)


def test_a_short_version_3_header_means_zlib() -> None:
    assert read(Recipe(header_length=104)).compression_type == 0


@pytest.mark.parametrize(
    "name", ["/etc/passwd", 'json:{"driver":"file"}', "http://example.net/base.img", "nbd:unix:/s"]
)
def test_a_backing_file_is_reported_as_it_is(name: str) -> None:
    header = read(Recipe(backing=name.encode(), extensions=((BACKING_FORMAT, b"raw"),)))
    assert (header.backing_file, header.backing_format) == (name, "raw")


def test_an_empty_backing_name_is_still_a_backing_file() -> None:
    assert read(Recipe(backing=b"")).backing_file == ""


def test_names_that_are_not_utf8_keep_their_bytes() -> None:
    header = read(Recipe(backing=b"a\xff\x1b[2Jb", extensions=((DATA_FILE_NAME, b"\xc3\x28"),)))
    assert header.backing_file == "a\\xff\x1b[2Jb"
    assert header.data_file == "\\xc3("


def test_the_features_of_bad_images_are_reported() -> None:
    header = read(Recipe(incompatible=0b111 | 1 << 5 | 1 << 63, crypt_method=2, snapshots=1, snapshots_offset=4096))
    assert header.unknown_incompatible_features == 1 << 5 | 1 << 63
    assert (header.encryption_method, header.snapshot_count) == (2, 1)
    assert all(header.has_incompatible_feature(1 << bit) for bit in range(3))


BAD = (
    ("no qcow2 magic", Recipe(magic=b"QFI\xfa")),
    ("neither 2 nor 3", Recipe(version=4)),
    ("cluster size is absurd", Recipe(cluster_bits=8)),
    ("cluster size is absurd", Recipe(cluster_bits=22)),
    ("header length is absurd", Recipe(header_length=96)),
    ("header length is absurd", Recipe(header_length=108)),
    ("header length is absurd", Recipe(header_length=8192)),
    ("virtual size is absurd", Recipe(virtual_size=1 << 63)),
    ("L1 table is too large", Recipe(l1_size=(32 << 20) // 8 + 1)),
    ("L1 table is too small", Recipe(virtual_size=(2 << 20) + 1)),
    ("has no refcount table", Recipe(reftable_clusters=0)),
    ("refcount table is too large", Recipe(reftable_clusters=(8 << 20) // 4096 + 1)),
    ("refcounts are too wide", Recipe(refcount_order=7)),
    ("too many snapshots", Recipe(snapshots=65537, snapshots_offset=4096)),
    ("too small for subclusters", Recipe(incompatible=1 << 4)),
    ("disagree", Recipe(compression_type=1)),
    ("disagree", Recipe(incompatible=1 << 3)),
    ("L1 table starts at no cluster", Recipe(l1_offset=3 * 4096 + 512)),
    ("L1 table starts at no cluster", Recipe(l1_offset=0)),
    ("refcount table starts at no cluster", Recipe(reftable_offset=100)),
    ("snapshot table starts at no cluster", Recipe(snapshots=1, snapshots_offset=77)),
    ("name lies outside the first cluster", Recipe(backing=b"x", backing_offset=4097)),
    ("name lies outside the first cluster", Recipe(backing=b"x", backing_offset=64)),
    ("name is too long", Recipe(backing=b"x" * 1024)),
    ("extension leaves the first cluster", Recipe(extensions=((1, bytes(4000)),))),
    ("extension is there twice", Recipe(extensions=((DATA_FILE_NAME, b"a"), (DATA_FILE_NAME, b"b")))),
    ("too many header extensions", Recipe(extensions=tuple((kind, b"") for kind in range(1, 66)))),
    ("in its header extensions is too long", Recipe(cluster_bits=14, extensions=((DATA_FILE_NAME, bytes(4097)),))),
)


@pytest.mark.parametrize(("words", "recipe"), BAD)
def test_a_header_that_no_reader_may_trust_is_malformed(words: str, recipe: Recipe) -> None:
    with pytest.raises(ImageMalformed) as caught:
        read(recipe)
    assert words in caught.value.message


@pytest.mark.parametrize("length", [0, 71, 80, 103, 111, 119])
def test_a_header_that_is_cut_short_is_malformed(length: int) -> None:
    with pytest.raises(ImageMalformed):
        read_qcow2_header(Memory(Recipe().build()[:length]))


def test_a_backing_name_that_is_cut_short_is_malformed() -> None:
    image = Recipe(backing=b"name", backing_length=900).build()
    with pytest.raises(ImageMalformed, match="backing file name"):
        read_qcow2_header(Memory(image[:200]))
