"""What a GPT lists: the entries of the copy that counts (UEFI specification 2.10, section 5.3.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import ON_RAW, name_partition, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.disks.partition_table import GptCopy
from byoi_tools.model.disks.sectors import SectorRange
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity

_NO_GUID = "00000000-0000-0000-0000-000000000000"


@check(
    "ptable.gpt-usable-range",
    "every partition lies in the range that the GPT allows",
    Severity.ERROR,
    remedy=f"Build the image again with sgdisk or sfdisk. {ON_RAW}sgdisk -v DISK.raw shows the problem.",
)
def gpt_usable_range(subject: Subject) -> Iterator[Observation]:
    """Every partition lies between the first and the last usable LBA, and has at least one sector.

    Why: outside of that range are the two copies of the table. A partition there overwrites them when it is written,
    and tools refuse to change the table, so that the config drive is not added.

    How: the range of the valid copy, against each of its partitions and its own entries. Partitions that end beyond the
    end of the disk are ptable.past-end.

    Fix: build the image again; on a raw disk `sgdisk -v DISK.raw` shows the same.

    Source: UEFI specification 2.10, section 5.3.2, FirstUsableLBA and LastUsableLBA.
    """
    copy, sector = _valid_copy(subject), subject.gpt.sector_size_bytes
    usable = SectorRange(copy.first_usable_lba, copy.last_usable_lba, sector)
    entry_sectors = -(-copy.entry_count * copy.entry_size_bytes // sector)
    entries = SectorRange(copy.entries_lba, copy.entries_lba + entry_sectors - 1, sector)
    on_disk = [p.partition for p in subject.disk.partitions if p.partition.sectors.end_bytes <= subject.disk.size_bytes]
    outside = [p for p in on_disk if not p.sectors.count or not p.sectors.is_within(usable)]
    if usable.is_overlapping(entries):
        yield _out_of_range("the usable range of the GPT covers its own entries", f"entries in {entries}", usable)
    if outside:
        shown = name_some([f"{name_partition(p)}: {p.sectors}" for p in outside])
        yield _out_of_range("partitions lie outside the usable range of the GPT", shown, usable)


def _out_of_range(message: str, observed: str, usable: SectorRange) -> Observation:
    return Observation(
        message,
        observed=observed,
        expected=f"partitions within {usable}, and the table outside",
        evidence="GPT header, bytes 40-55 (FirstUsableLBA, LastUsableLBA)",
    )


@check(
    "ptable.gpt-free-entry",
    "the GPT has a free entry for the config drive",
    Severity.ERROR,
    remedy=f"{ON_RAW}sgdisk --resize-table=128 DISK.raw",
    product=Product.BYOI,
)
def gpt_free_entry(subject: Subject) -> Iterator[Observation]:
    """At least one partition entry of the GPT is free.

    Why: the provider adds the config drive as one more partition. In a table without a free entry it cannot: "Could not
    create configdrive on disk", and there is no SSH key, no host name, no user data.

    How: the number of entries in the header, less those in use. Most tools make 128.

    Fix: on a raw disk `sgdisk --resize-table=128 DISK.raw`.

    Source: OVHcloud guide Bring Your Own Image, table of errors (2022); that this is the cause is deduced.
    """
    copy = _valid_copy(subject)
    if len(copy.entries) >= copy.entry_count:
        yield Observation(
            "the GPT has no free entry for the config drive",
            observed=f"{len(copy.entries)} of {copy.entry_count} entries are in use",
            expected="at least one free entry",
            evidence=f"GPT header in LBA {copy.lba}, bytes 80-83 (NumberOfPartitionEntries)",
        )


@check(
    "ptable.dup-partuuid",
    "every partition and the disk have a GUID of their own",
    Severity.ERROR,
    remedy=f"{ON_RAW}sgdisk --randomize-guids DISK.raw; then correct PARTUUID= in fstab and the boot loader.",
)
def dup_partuuid(subject: Subject) -> Iterator[Observation]:
    """The GUIDs of the partitions and of the disk are not zero and occur once.

    Why: `root=PARTUUID=` and `/dev/disk/by-partuuid` choose by them. Of two partitions with one GUID, whichever is
    found last wins, on each boot anew.

    How: the GUIDs of all entries of the valid copy and that of its header are compared.

    Fix: on a raw disk `sgdisk --partition-guid=NUMBER:R DISK.raw` for one partition, or `sgdisk --randomize-guids
    DISK.raw` for all; then correct what refers to the old ones.

    Source: UEFI specification 2.10, section 5.3.3, UniquePartitionGUID.
    """
    copy = _valid_copy(subject)
    holders: dict[str, list[str]] = defaultdict(list)
    holders[copy.disk_guid].append("the disk")
    for entry in copy.entries:
        holders[entry.guid].append(f"partition {entry.number}")
    wrong = {guid: names for guid, names in holders.items() if guid == _NO_GUID or len(names) > 1}
    if wrong:
        yield Observation(
            "GUIDs are zero or not unique",
            observed=name_some([f"{guid}: {name_some(names)}" for guid, names in wrong.items()]),
            expected="another GUID for each partition and the disk",
            evidence=f"GPT in LBA {copy.lba} and its entries",
        )


def _valid_copy(subject: Subject) -> GptCopy:
    copy = subject.gpt.best
    if not copy.is_valid:
        raise NotKnownError("neither copy of the GPT is valid")
    return copy
