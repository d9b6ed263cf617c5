"""GUID partition tables by sfdisk, fdisk and sgdisk, read by us and by them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoi_tools.formats.disks.gpt import find_sector_size, read_gpt
from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.model.disks.partition_table import Gpt, GptCopy, TableScheme
from tests.disk_images import MIB, empty, judgement, memory, partitioned, patched, run, sfdisk_table

SCRIPTS = {
    "empty": "label: gpt\n",
    "typical": """label: gpt
first-lba: 34
start=34, size=2014, type=21686148-6449-6E6F-744E-656564454649
start=2048, size=4096, type=U, name="EFI system", attrs="RequiredPartition LegacyBIOSBootable"
type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, name="Wurzel äöü 🐧", attrs="GUID:59,63"
""",
    "gaps": """label: gpt
5: start=4096, size=100, type=L
2: start=9000, size=1, type=S, name="one sector"
128: start=10000, size=2000, type=L, name="exactly thirty-six characters, really"
""",
    "small table": "label: gpt\ntable-length: 4\nsize=1M\nsize=1M\nsize=1M\n",
    "large table": "label: gpt\ntable-length: 512\n" + "size=4096\n" * 3,
    "table elsewhere": "label: gpt\ntable-length: 128\nfirst-lba: 4096\nsize=1M\n",
}


def table(gpt: Gpt | None) -> tuple[GptCopy, GptCopy]:
    assert gpt is not None
    assert gpt.primary is not None
    assert gpt.backup is not None
    return gpt.primary, gpt.backup


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_both_copies_hold_what_sfdisk_reads(tmp_path: Path, script: str) -> None:
    path = partitioned(tmp_path / "disk", script)
    wanted = sfdisk_table(path)

    for copy in table(read_gpt(memory(path), 512)):
        assert copy.is_valid
        assert copy.disk_guid == wanted["id"]
        assert (copy.first_usable_lba, copy.last_usable_lba) == (wanted["firstlba"], wanted["lastlba"])
        assert copy.entry_count == int(wanted.get("table-length", copy.entry_count))
        assert [
            {
                "node": f"{path}{entry.number}",
                "start": entry.sectors.first_lba,
                "size": entry.sectors.count,
                "type": entry.type_guid,
                "uuid": entry.guid,
            }
            | ({"name": entry.name} if entry.name else {})
            for entry in copy.entries
        ] == [{key: value for key, value in p.items() if key != "attrs"} for p in wanted.get("partitions", [])]


def test_entries_are_what_sgdisk_says(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", SCRIPTS["typical"])
    primary, backup = table(read_gpt(memory(path), 512))

    for entry in primary.entries:
        words = dict(re.findall(r"^(.*?): (.*)$", run("sgdisk", "-i", str(entry.number), path), re.MULTILINE))
        assert words["Partition GUID code"].split()[0] == entry.type_guid
        assert words["Partition unique GUID"] == entry.guid
        assert words["First sector"].split()[0] == str(entry.sectors.first_lba)
        assert words["Last sector"].split()[0] == str(entry.sectors.last_lba)
        assert words["Partition size"].split()[0] == str(entry.sectors.count)
        assert int(words["Attribute flags"], 16) == entry.attributes
        assert words["Partition name"] == f"'{entry.name}'"
    assert (primary.alternate_lba, backup.alternate_lba) == (backup.lba, primary.lba)
    assert backup.entries == primary.entries


@pytest.mark.parametrize("sector_size_bytes", [512, 4096])
def test_sector_size_is_the_one_that_the_table_was_written_for(tmp_path: Path, sector_size_bytes: int) -> None:
    path = empty(tmp_path / "disk", 40 * MIB)
    run("fdisk", "-b", str(sector_size_bytes), path, stdin="g\nn\n1\n\n+10M\nn\n2\n\n\nt\n1\n1\nx\nn\n1\nESP\nr\nw\n")
    columns = "Start,End,Sectors,Type-UUID,UUID,Name"
    listing = run("fdisk", "-b", str(sector_size_bytes), "-l", "-o", columns, path)

    disk = read_disk(memory(path))

    assert disk.sector_size_bytes == find_sector_size(memory(path)) == sector_size_bytes
    assert disk.scheme is TableScheme.GPT
    assert all(copy.is_valid for copy in table(disk.gpt))
    assert [line.split() for line in listing.splitlines()[-2:]] == [
        [
            str(p.sectors.first_lba),
            str(p.sectors.last_lba),
            str(p.sectors.count),
            p.type_code,
            p.guid,
            *([p.name] if p.name else []),
        ]
        for p in (found.partition for found in disk.partitions)
    ]


DAMAGES = {
    "nothing": (0, b""),
    "CRC of the header": (512 + 16, b"\1\2\3\4"),
    "a byte of the header": (512 + 63, b"\xff"),  # of a random GUID: the byte that begins with its version, 4
    "an entry": (1024 + 40, b"\x01"),
    "backup: CRC of the header": (-512 + 16, b"\1\2\3\4"),
    "backup: an entry": (-33 * 512 + 40, b"\x01"),
}


@pytest.mark.parametrize(("offset", "data"), DAMAGES.values(), ids=DAMAGES)
def test_validity_is_what_sgdisk_says(tmp_path: Path, offset: int, data: bytes) -> None:
    path = partitioned(tmp_path / "disk", SCRIPTS["typical"])
    source = patched(path.read_bytes(), offset, data)
    path.write_bytes(source.content)

    found = dict(
        re.findall(r"^(\w+ (?:header|partition table)): (\w+)$", judgement("sgdisk", "-p", path), re.MULTILINE)
    )
    primary, backup = table(read_gpt(source, 512))

    assert found.get("Main header", "OK") == ("OK" if primary.is_header_valid else "ERROR")
    assert found.get("Backup header", "OK") == ("OK" if backup.is_header_valid else "ERROR")
    assert found.get("Backup partition table", "OK") == ("OK" if backup.are_entries_valid else "ERROR")
    if primary.is_header_valid:  # else sgdisk judges the primary entries by the backup header
        assert found.get("Main partition table", "OK") == ("OK" if primary.are_entries_valid else "ERROR")
    assert bool(found) == bool(data)
