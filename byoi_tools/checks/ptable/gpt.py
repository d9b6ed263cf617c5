"""Both copies of the GUID partition table (UEFI specification 2.10, section 5.3); skipped for disks without one."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.container.extent import TRAILING_BYTES
from byoi_tools.checks.ptable.wording import ON_RAW, name_some
from byoi_tools.checks.subject import Subject
from byoi_tools.model.disks.partition_table import Gpt, GptCopy
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import ImageFormat

_REBUILD = f"{ON_RAW}gdisk DISK.raw, then r, b, w, which writes the primary anew from a good backup."


@check("ptable.gpt-header-crc", "the primary GPT header is valid", Severity.ERROR, remedy=_REBUILD)
def gpt_header_crc(subject: Subject) -> Iterator[Observation]:
    """The primary GPT header is in LBA 1 and has the signature, revision, size, CRC and own LBA that it should have.

    Why: firmware ignores a header that is not valid and looks for the backup in the last sector of the disk. The
    server's disk is larger than the image, so that the backup is not there: no table, no boot.

    How: the CRC-32 over the header is computed and compared with the stored one; the other fields with the
    specification.

    Fix: on a raw disk `sgdisk -v DISK.raw` shows the damage. With a good backup `gdisk DISK.raw` repairs it: `r`
    (recovery), `b` (rebuild the main header from the backup), `w` (write).

    Source: UEFI specification 2.10, section 5.3.2.
    """
    primary = subject.gpt.primary
    problems = ["no header"] if primary is None else _header_problems(primary)
    if problems:
        yield Observation(
            "the primary GPT header is not valid",
            observed=name_some(problems),
            expected="a header with the right CRC, revision 1.0 and its own LBA",
            evidence=f"LBA 1, byte {subject.gpt.sector_size_bytes} of the disk",
        )


def _header_problems(copy: GptCopy) -> list[str]:
    problems = []
    if copy.revision != 0x00010000:
        problems.append(f"revision {copy.revision:#010x}")
    if copy.computed_crc32 is None:
        problems.append(f"a header size of {copy.header_size_bytes} bytes")
    elif copy.stored_crc32 != copy.computed_crc32:
        problems.append(f"CRC {copy.stored_crc32:#010x} stored, {copy.computed_crc32:#010x} computed")
    if copy.my_lba != copy.lba:
        problems.append(f"it says that it is in LBA {copy.my_lba}, and is in LBA {copy.lba}")
    return problems


@check("ptable.gpt-entries-crc", "the primary GPT's partition entries are valid", Severity.ERROR, remedy=_REBUILD)
def gpt_entries_crc(subject: Subject) -> Iterator[Observation]:
    """The partition entries that the primary header points to have the CRC that it states, and a size that exists.

    Why: firmware rejects the whole copy when the CRC of its entries is wrong, as it does with a wrong header.

    How: the CRC-32 over all entries is computed and compared with the stored one. An entry has 128 bytes times a power
    of two. Skipped when the header itself is not valid (ptable.gpt-header-crc).

    Fix: on a raw disk `sgdisk -v DISK.raw` shows the damage. With a good backup `gdisk DISK.raw` repairs it: `r`
    (recovery), `b` (rebuild the main header from the backup), `w` (write).

    Source: UEFI specification 2.10, section 5.3.2, PartitionEntryArrayCRC32 and SizeOfPartitionEntry.
    """
    primary = subject.gpt.primary
    if primary is None or not primary.is_header_valid:
        raise NotKnownError("the primary GPT header is not valid")
    problem = _entries_problem(primary)
    if problem:
        yield Observation(
            "the partition entries of the primary GPT are not valid",
            observed=problem,
            expected="entries of 128 bytes (or twice, four times ... that) with the CRC that the header states",
            evidence=f"from LBA {primary.entries_lba} on",
        )


def _entries_problem(copy: GptCopy) -> str:
    factor, rest = divmod(copy.entry_size_bytes, 128)
    if rest or factor.bit_count() != 1:
        return f"entries of {copy.entry_size_bytes} bytes"
    if copy.computed_entries_crc32 is None:
        return f"{copy.entry_count} entries, which are not all there or too many to be read"
    if not copy.are_entries_valid:
        return f"CRC {copy.stored_entries_crc32:#010x} stored, {copy.computed_entries_crc32:#010x} computed"
    return ""


@check(
    "ptable.gpt-backup",
    "the backup GPT is valid, equals the primary one, and is at the end of the disk",
    Severity.ERROR,
    remedy=f"{ON_RAW}sgdisk --move-second-header DISK.raw, which writes it anew from the primary.",
)
def gpt_backup(subject: Subject) -> Iterator[Observation]:
    """The backup GPT exists, has valid CRCs, says the same as the primary, and ends the disk.

    Why: after it wrote the image the provider moves the backup to the end of the larger disk: "Can not move backup GPT
    data structures to the end of disk" is what it says to one that is absent or broken. A copy that differs is a disk
    that changes its partitions on the day the primary is lost.

    How: the copy where a valid primary says, else in the last sector. Absent or invalid is an error; different, or not
    in the last sector ("Alternate GPT header not at the end of the disk"), a warning. One beyond the end of the disk
    is ptable.gpt-backup-beyond, a raw file that goes on for over 1 MiB container.trailing-garbage.

    Fix: on a raw disk `sgdisk --move-second-header DISK.raw`; a qcow2 is converted to raw and back for that.

    Source: UEFI specification 2.10, section 5.3.2; OVHcloud guide Bring Your Own Image, table of errors (2022).
    """
    gpt, described = subject.gpt, subject.disk.described_size_bytes
    if described is not None and described > subject.disk.size_bytes:
        raise NotKnownError("the backup GPT lies beyond the end of the disk")
    problem = _backup_problem(gpt)
    if problem or gpt.backup is None:
        yield _backup(problem, "a valid copy", gpt, Severity.ERROR)
        return
    if gpt.primary is not None and gpt.primary.is_valid and _content(gpt.primary) != _content(gpt.backup):
        yield _backup("a valid copy with other content", "the content of the primary", gpt, Severity.WARNING)
    surplus = subject.disk.size_bytes // gpt.sector_size_bytes - 1 - gpt.backup.lba
    is_garbage = subject.container.format is ImageFormat.RAW and surplus * gpt.sector_size_bytes > TRAILING_BYTES
    if surplus > 0 and not is_garbage:
        yield _backup(f"{surplus} sectors behind it", "the last sector", gpt, Severity.WARNING)


def _backup_problem(gpt: Gpt) -> str:
    if gpt.backup is None:
        return "no header"
    problems = _header_problems(gpt.backup)
    return name_some(problems) if problems else _entries_problem(gpt.backup)


def _content(copy: GptCopy) -> tuple[object, ...]:
    usable = copy.first_usable_lba, copy.last_usable_lba
    return copy.disk_guid, usable, copy.entry_count, copy.entry_size_bytes, copy.entries


def _backup(observed: str, expected: str, gpt: Gpt, severity: Severity) -> Observation:
    place = f"LBA {gpt.backup.lba}" if gpt.backup else "last sector of the disk"
    return Observation("the backup GPT is not as it should be", observed, expected, place, severity=severity)


@check(
    "ptable.gpt-backup-beyond",
    "the backup GPT lies on the disk",
    Severity.ERROR,
    remedy=f"{ON_RAW}sgdisk --move-second-header DISK.raw, which writes it anew at the end.",
)
def gpt_backup_beyond(subject: Subject) -> Iterator[Observation]:
    """The primary header does not point to a backup beyond the end of the disk.

    Why: the image was made on a larger disk, or is cut off. Firmware and kernels find no backup, and some reject the
    table; the provider cannot move what is not there.

    How: AlternateLBA of a valid primary header, against the size of the virtual disk. When partitions end beyond the
    end as well, container.truncated tells it.

    Fix: on a raw disk `sgdisk --move-second-header DISK.raw` when all partitions are whole; else build or download the
    image again.

    Source: UEFI specification 2.10, section 5.3.2, AlternateLBA; OVHcloud guide, error "Can not move backup GPT".
    """
    primary, disk = subject.gpt.primary, subject.disk
    described = disk.described_size_bytes
    if primary is None or described is None:
        raise NotKnownError("the primary GPT header is not valid")
    if disk.is_cut_off:
        raise NotKnownError("the end of the image is missing")
    if described > disk.size_bytes:
        yield Observation(
            "the backup GPT lies beyond the end of the disk",
            observed=f"a backup in LBA {primary.alternate_lba}",
            expected=f"LBA {disk.size_bytes // disk.sector_size_bytes - 1}, the last one",
            evidence="primary GPT header, bytes 32-39 (AlternateLBA)",
        )
