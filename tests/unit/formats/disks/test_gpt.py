"""The GPT reader on tables that no program writes: absurd counts, lost and moved copies."""

from __future__ import annotations

import struct
import uuid
import zlib
from pathlib import Path

import pytest

from byoi_tools.formats.disks.gpt import find_sector_size, read_gpt
from byoi_tools.formats.source import Memory
from tests.disk_images import MIB, partitioned, patched

LAST = 8 * MIB // 512 - 1


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return partitioned(tmp_path / "disk", "label: gpt\nsize=1M, name=one\nsize=1M, name=two\n").read_bytes()


def header(content: bytes, offset: int = 512, crc_bytes: int = 92, **fields: int) -> bytes:
    """The header at an offset with fields replaced and a right CRC."""
    changed = bytearray(content[offset : offset + 512])
    places = {
        "size": (12, "<I"),
        "my_lba": (24, "<Q"),
        "alternate": (32, "<Q"),
        "entries": (72, "<Q"),
        "count": (80, "<I"),
    }
    places |= {"entry_size": (84, "<I"), "revision": (8, "<I")}
    for name, value in fields.items():
        place, form = places[name]
        struct.pack_into(form, changed, place, value)
    struct.pack_into("<I", changed, 16, 0)
    struct.pack_into("<I", changed, 16, zlib.crc32(changed[:crc_bytes]))
    return bytes(changed)


def test_no_signature_is_no_gpt() -> None:
    assert read_gpt(Memory(bytes(MIB)), 512) is None
    assert read_gpt(Memory(b"EFI PART"), 512) is None
    assert read_gpt(Memory(b""), 512) is None


def test_lost_primary_leaves_the_backup(content: bytes) -> None:
    gpt = read_gpt(patched(content, 512, bytes(512)), 512)

    assert gpt is not None
    assert gpt.primary is None
    assert gpt.backup is not None
    assert (gpt.backup.lba, gpt.backup.is_valid) == (LAST, True)
    assert [entry.name for entry in gpt.best.entries] == ["one", "two"]


def test_lost_backup_leaves_the_primary(content: bytes) -> None:
    for source in (patched(content, -512, bytes(512)), Memory(content[: 4 * MIB])):
        gpt = read_gpt(source, 512)
        assert gpt is not None
        assert gpt.backup is None
        assert gpt.best is gpt.primary


def test_backup_is_where_a_valid_primary_says(content: bytes) -> None:
    """A longer disk: the backup stays in the middle, and an old one may be at the end."""
    grown = Memory(content + bytes(MIB - 512) + content[-512:])
    gpt = read_gpt(grown, 512)

    assert gpt is not None
    assert gpt.backup is not None
    assert gpt.backup.lba == LAST


def test_backup_is_in_the_last_sector_when_the_primary_is_invalid(content: bytes) -> None:
    grown = patched(content + bytes(MIB - 512) + content[-512:], 512 + 60, b"\xff")
    gpt = read_gpt(grown, 512)

    assert gpt is not None
    assert gpt.backup is not None
    assert gpt.backup.lba == LAST + MIB // 512


def test_backup_is_not_the_primary_again(content: bytes) -> None:
    gpt = read_gpt(Memory(content[:512] + header(content, alternate=1) + content[1024 : 4 * MIB]), 512)

    assert gpt is not None
    assert gpt.backup is None


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0xFFFFFFFF},
        {"count": 8193},
        {"entry_size": 0},
        {"entry_size": 127},
        {"entry_size": 129},
        {"entry_size": 1 << 31},
        {"entries": LAST},
        {"entries": 1 << 63},
    ],
    ids=str,
)
def test_absurd_entries_are_not_read(content: bytes, fields: dict[str, int]) -> None:
    gpt = read_gpt(patched(content, 512, header(content, **fields)), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert gpt.primary.is_header_valid
    assert gpt.primary.computed_entries_crc32 is None
    assert gpt.primary.entries == ()
    assert gpt.best is gpt.backup


@pytest.mark.parametrize(("size", "is_valid"), [(0, False), (91, False), (92, True), (513, False), (1 << 31, False)])
def test_header_size_must_fit_a_header(content: bytes, size: int, is_valid: bool) -> None:
    gpt = read_gpt(patched(content, 512, header(content, size=size)), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert (gpt.primary.computed_crc32 is not None) is is_valid
    assert gpt.primary.is_header_valid is is_valid


def test_crc_of_a_longer_header_covers_all_of_it(content: bytes) -> None:
    longer = content[:604] + b"more" + content[608:]
    gpt = read_gpt(patched(longer, 512, header(longer, size=96, crc_bytes=96)), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert gpt.primary.is_header_valid


@pytest.mark.parametrize("fields", [{"my_lba": 2}, {"revision": 0x00020000}], ids=str)
def test_header_of_another_place_or_revision_is_invalid(content: bytes, fields: dict[str, int]) -> None:
    gpt = read_gpt(patched(content, 512, header(content, **fields)), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert not gpt.primary.is_header_valid


def test_entries_of_256_bytes_are_read(content: bytes) -> None:
    """The size may be 128 times a power of two (UEFI 2.10, table 5.5)."""
    entry = uuid.UUID("0FC63DAF-8483-4772-8E79-3D69D8477DE4").bytes_le + bytes(16) + struct.pack("<QQQ", 40, 50, 0)
    array = (bytes(256) + entry.ljust(256, b"\0")).ljust(32 * 512, b"\0")
    disk = content[:512] + header(content, count=64, entry_size=256) + array + content[1024 + len(array) :]
    gpt = read_gpt(Memory(disk), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert [(e.number, e.sectors.count) for e in gpt.primary.entries] == [(2, 11)]


@pytest.mark.parametrize("name", [b"\x00\xd8A\0", b"\xff\xff" * 36, b"\x1b\0[\0"], ids=repr)
def test_odd_names_are_decoded(content: bytes, name: bytes) -> None:
    gpt = read_gpt(patched(content, 1024 + 56, name.ljust(72, b"\0")), 512)

    assert gpt is not None
    assert gpt.primary is not None
    assert gpt.primary.entries[0].name == name.decode("utf-16-le", "replace")


def test_sector_size_without_a_table_is_512() -> None:
    assert find_sector_size(Memory(bytes(MIB))) == find_sector_size(Memory(b"")) == 512


def test_sector_size_by_the_valid_header_of_two(content: bytes) -> None:
    """A disk of 4096-byte sectors whose LBA 0 still has something of a former table."""
    large = bytearray(8 * MIB)
    large[512:1024] = b"EFI PART".ljust(512, b"\0")
    assert find_sector_size(Memory(bytes(large))) == 512
    large[4096:8192] = header(content).ljust(4096, b"\0")
    assert find_sector_size(Memory(bytes(large))) == 4096


def test_sector_size_by_the_backup_alone(content: bytes) -> None:
    large = bytes(8 * MIB - 4096) + header(content, my_lba=2047).ljust(4096, b"\0")

    assert find_sector_size(Memory(large)) == 4096
