"""Master boot records by sfdisk, fdisk and sgdisk, read by us and by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from byoi_tools.formats.disks.mbr import read_mbr
from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.disks.partition_table import TableScheme
from tests.disk_images import MIB, empty, memory, partitioned, run, sfdisk_table

SCRIPTS = {
    "empty": "label: dos\n",
    "one": "label: dos\nlabel-id: 0x12345678\nstart=2048, type=83, bootable\n",
    "four": "label: dos\n" + "size=1M, type=83\n" * 3 + "type=8e\n",
    "gap in the slots": "label: dos\n1: start=2048, size=100, type=ef\n4: start=4096, size=100, type=7, bootable\n",
    "logical": "label: dos\ngrain: 512\nsize=1M, type=c\ntype=5\n"
    + "size=512K, type=83\n" * 3
    + "size=512K, type=82\n",
    "many logical": "label: dos\nstart=2048, type=f\n"
    + "".join(f"{number}: start={2048 + 100 * (number - 4)}, size=64, type=83\n" for number in range(5, 60)),
    "extended first": """label: dos
1: start=4096, size=4096, type=85
2: start=9000, size=100
5: start=4200, size=50
6: start=5000, size=60
""",
}


def rows(path: Path, disk: Disk) -> list[dict[str, Any]]:
    """Our partitions as sfdisk writes them."""
    return [
        {
            "node": f"{path}{p.number}",
            "start": p.sectors.first_lba,
            "size": p.sectors.count,
            "type": f"{int(p.type_code, 16):x}",
        }
        | ({"bootable": True} if p.is_active else {})
        for p in (found.partition for found in disk.partitions)
    ]


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_partitions_are_those_that_sfdisk_reads(tmp_path: Path, script: str) -> None:
    path = partitioned(tmp_path / "disk", script)
    wanted = sfdisk_table(path)

    disk = read_disk(memory(path))

    assert disk.scheme is TableScheme.MBR
    assert disk.mbr.has_signature
    assert disk.mbr.is_plausible
    assert disk.mbr.chain_problem == ""
    assert disk.mbr.disk_signature == int(wanted["id"], 16)
    assert rows(path, disk) == wanted.get("partitions", [])
    assert [p.partition.is_logical for p in disk.partitions] == [p.partition.number > 4 for p in disk.partitions]


def test_sectors_of_4096_bytes_are_those_that_fdisk_reads(tmp_path: Path) -> None:
    path = empty(tmp_path / "disk", 40 * MIB)
    run("fdisk", "-b", "4096", path, stdin="o\nn\np\n1\n\n+10M\nn\ne\n4\n\n\nn\n\n+5M\nn\n\n\na\n1\nw\n")
    listing = run("fdisk", "-b", "4096", "-l", "-o", "Device,Start,End,Sectors,Id", path)

    mbr = read_mbr(memory(path), 4096)

    assert [line.split() for line in listing.splitlines()[-4:]] == [
        [f"{path}{e.slot}", str(e.sectors.first_lba), str(e.sectors.last_lba), str(e.sectors.count), f"{e.type_byte:x}"]
        for e in mbr.entries + mbr.logicals
    ]


def test_hybrid_disk_is_a_gpt_disk(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", "label: gpt\nsize=1M\nsize=1M\n")
    run("sgdisk", "-h", "1:EE", path)  # 0xEE comes last

    disk = read_disk(memory(path))

    assert disk.scheme is TableScheme.GPT
    assert [p.partition.number for p in disk.partitions] == [1, 2]
    assert [entry.type_byte for entry in disk.mbr.entries] == [0x83, 0xEE]
    assert len(disk.mbr.protective_entries) == 1


def test_protective_mbr_covers_the_disk(tmp_path: Path) -> None:
    path = partitioned(tmp_path / "disk", "label: gpt\nsize=1M, bootable\n")

    (entry,) = read_disk(memory(path)).mbr.protective_entries

    assert (entry.slot, entry.status_byte) == (1, 0)
    assert (entry.sectors.first_lba, entry.sectors.end_bytes) == (1, 8 * MIB)
    assert entry.sectors.sector_size_bytes == 512


def test_kinds_are_those_that_sfdisk_names(tmp_path: Path) -> None:
    path = partitioned(
        tmp_path / "disk", "label: dos\nsize=1M, type=uefi\nsize=1M, type=swap\nsize=1M, type=lvm\ntype=linux\n"
    )

    kinds = [p.partition.kind for p in read_disk(memory(path)).partitions]

    assert kinds == [
        PartitionKind.ESP,
        PartitionKind.LINUX_SWAP,
        PartitionKind.LINUX_LVM,
        PartitionKind.LINUX_FILE_SYSTEM,
    ]
