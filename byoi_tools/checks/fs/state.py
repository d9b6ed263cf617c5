"""The state of the guest's file systems: readable, unmounted cleanly, open to a look at all."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.fs.wording import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import Known, NotKnownError, UnfinishedError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.guest import TroubleKind, Volume
from byoi_tools.model.quoting import quote
from byoi_tools.model.sizes import exact_size

_ERRORS_FOUND = "the kernel found errors in it"
_NEEDS_REPAIR = "it is marked as needing xfs_repair"
_DAMAGE = (TroubleKind.DAMAGED, TroubleKind.CONTAINER_DAMAGED)


@check(
    "fs.readable",
    "the guest's file systems can be read",
    Severity.ERROR,
    remedy="Check the file system in a copy of the image (e2fsck -fn, xfs_repair -n), or build the image again.",
)
def readable(subject: Subject) -> Iterator[Observation]:
    """Every file system that was looked into could be read, and fits into its partition.

    Why: a damaged file system stops the boot in an emergency shell, or goes read-only later. And what could not be
    read could not be checked: an image must not pass because nobody could look.

    How: the files that other checks ask for are read with the structures as they are, no journal replayed; the first
    error is shown (for FAT, esp.fat-valid does that). The size in the superblock is compared with that of the partition
    in the table. When the reader itself dies or exceeds its limits (20 s of CPU, 1 GiB of memory) this check does not
    end, and the verdict is bad. Skipped where the cause lies outside and is told there: container.corrupt-bit,
    container.truncated, ptable.past-end, ptable.multi-disk.

    Fix: check the file system of a copy of the image (`e2fsck -fn`, `xfs_repair -n`). What is damaged at build time is
    better built again than repaired.

    Source: Linux, Documentation/filesystems/ext4; XFS Algorithms & Data Structures, 3rd edition.
    """
    volumes = [volume for volume in subject.volumes if volume.file_system != "vfat"]
    for volume in volumes:
        trouble, superblock = volume.trouble, volume.superblock
        if trouble is not None and trouble.kind is TroubleKind.READER_FAILED:
            raise UnfinishedError(f"{place(volume)}: {trouble.reason}", trouble.remedy)
        if trouble is not None and trouble.kind in _DAMAGE and not _cause_outside(subject, volume):
            yield Observation(
                "a file system cannot be read",
                observed=quote(trouble.reason),
                expected="a file system without damage",
                evidence=place(volume),
                remedy=trouble.remedy,
            )
        room = _room(subject, volume)
        if superblock is not None and superblock.size_bytes > room:
            yield Observation(
                "a file system is larger than its partition, and will not be mounted",
                observed=f"a file system of {exact_size(superblock.size_bytes)}",
                expected=f"at most {exact_size(room)}",
                evidence=f"{place(volume)}, superblock",
            )
    for volume in volumes:
        if reason := _cause_outside(subject, volume) or _missing_end(subject, volume):
            raise NotKnownError(reason)


def _cause_outside(subject: Subject, volume: Volume) -> str:
    """What other checks tell, and keeps the file system from being read; empty where it is its own damage."""
    trouble = volume.trouble
    if trouble is None or trouble.kind not in _DAMAGE:
        return ""
    if volume.missing_devices:
        return f"{place(volume)} lacks some of its devices, which ptable.multi-disk tells"
    qcow2 = subject.container.qcow2
    clusters = qcow2.cluster_map if qcow2 is not None else None
    is_map_damaged = isinstance(clusters, Known) and clusters.value.misaligned_entries > 0
    if trouble.kind is TroubleKind.CONTAINER_DAMAGED and is_map_damaged:
        return f"{place(volume)} is not to be found in the qcow2, which container.corrupt-bit tells"
    return ""


def _room(subject: Subject, volume: Volume) -> int:
    """The size of the partition by the table, of a logical volume by its group."""
    partitions = {str(found.partition): found.partition.sectors for found in subject.disk.partitions}
    return partitions[volume.source].size_bytes if volume.source in partitions else volume.size_bytes


def _missing_end(subject: Subject, volume: Volume) -> str:
    if volume.superblock is None or volume.superblock.size_bytes <= volume.size_bytes:
        return ""
    return f"the end of {place(volume)} is not in the image, which container.truncated or ptable.past-end tells"


@check(
    "fs.clean",
    "the guest's file systems were unmounted cleanly",
    Severity.WARNING,
    remedy="Shut the machine that builds the image down before its disk is copied, or run e2fsck -fp / mount it once.",
)
def clean(subject: Subject) -> Iterator[Observation]:
    """No file system has a journal to replay, errors on record, or a mark that it was not unmounted.

    Why: the image is a copy of a disk that was in use. The kernel replays a journal at boot, but GRUB does not: it may
    see an older state, without the kernel that was installed last. Errors on record lead to a long check at boot, and
    an emergency shell where it cannot repair by itself.

    How: the state and features in the superblocks of ext2, ext3 and ext4; for XFS the last record of the log, which
    an unmount closes. Recorded errors are an error, everything else a warning.

    Fix: shut the machine down (`poweroff`) before its disk is copied. On a raw copy `e2fsck -fp` repairs ext; an XFS is
    mounted and unmounted once.

    Source: Linux, Documentation/filesystems/ext4/super.rst (s_state, s_feature_incompat); fs/xfs/xfs_log_recover.c;
    virt-v2v refuses such disks.
    """
    for volume in subject.volumes:
        for problem in volume.superblock.problems if volume.superblock is not None else ():
            yield Observation(
                "a file system was not unmounted cleanly",
                observed=problem,
                expected="a file system that was unmounted",
                evidence=f"{place(volume)}, superblock",
                severity=Severity.ERROR if problem in (_ERRORS_FOUND, _NEEDS_REPAIR) else Severity.WARNING,
            )


@check(
    "fs.lvm-luks",
    "no file system is hidden from the checks",
    Severity.INFO,
    remedy="Check the image before it is encrypted, or look into it yourself; the other checks cannot.",
)
def lvm_luks(subject: Subject) -> Iterator[Observation]:
    """No partition holds something that this program does not look into: LUKS, ZFS, a RAID, an unknown file system.

    Why: what cannot be seen is not checked. The checks of the guest are skipped then, and the image may still fail on
    the server for every reason that they know.

    How: partitions and logical volumes are recognised by their signatures; those whose files nothing here reads are
    listed. LVM is looked into. A part of an array or a volume group that is not complete is told by ptable.multi-disk,
    and left out.

    Fix: check the image before it is encrypted. Otherwise there is nothing to correct: it is information.

    Source: libblkid's signatures (util-linux).
    """
    hidden = [v for v in subject.volumes if v.trouble is not None and v.trouble.kind is TroubleKind.UNSUPPORTED]
    for volume in hidden:
        if volume.trouble is not None and not volume.missing_devices:
            yield Observation(
                "a part of the image cannot be looked into",
                observed=volume.trouble.reason,
                expected="file systems that can be read: ext2, ext3, ext4, XFS, FAT",
                evidence=place(volume),
                remedy=volume.trouble.remedy,
            )
    if any(volume.missing_devices for volume in hidden):
        raise NotKnownError("a volume lacks some of its devices, which ptable.multi-disk tells")
