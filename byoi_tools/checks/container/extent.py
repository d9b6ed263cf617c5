"""How long the file is, against what is in it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import Known, NotExamined, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.sizes import exact_size

TRAILING_BYTES = 2**20
HOLES_BYTES = 32 * 2**20


@check(
    "container.truncated",
    "the file is whole",
    Severity.ERROR,
    remedy="Build, copy or download the image again, and compare its checksum.",
)
def truncated(subject: Subject) -> Iterator[Observation]:
    """The file does not end before the data that its own tables refer to.

    Why: a download or copy that stopped leaves a file that looks right from its start. Half an operating system is
    installed, and nobody notices before it boots, or before it reads the missing half.

    How: for a qcow2, clusters and tables that lie beyond the end of the file. For any disk with a valid GPT, a
    partition that ends beyond the end of a disk which is shorter than the GPT says. Without a GPT the length of the
    disk is written nowhere: see ptable.past-end.

    Fix: build, copy or download the image again; compare `sha256sum` with that of the original.

    Source: QEMU docs/interop/qcow2.txt, "Cluster mapping"; UEFI specification 2.10, section 5.3.2, AlternateLBA.
    """
    container, disk = subject.container, subject.facts.disk
    if container.qcow2 is not None and subject.cluster_map.missing_clusters:
        yield _cut_short(
            f"{subject.cluster_map.missing_clusters} clusters lie beyond the end of the file",
            f"a file of at least {exact_size(subject.cluster_map.end_bytes)}, not {exact_size(container.size_bytes)}",
            "L1 and L2 tables of the qcow2",
        )
    elif isinstance(disk, Known) and disk.value.is_cut_off:
        yield _cut_short(
            f"the disk ends at byte {disk.value.size_bytes}, before the end of {disk.value.partitions_past_end[0]}",
            f"a disk of {exact_size(disk.value.described_size_bytes or 0)}, as the GPT says",
            "primary GPT header (AlternateLBA) and partition entries",
        )
    elif container.qcow2 is None and container.damage:
        yield _cut_short(container.damage, "a whole disk", f"end of the file, byte {container.size_bytes}")
    elif isinstance(disk, NotExamined):
        raise NotKnownError(disk.reason)


def _cut_short(observed: str, expected: str, evidence: str) -> Observation:
    return Observation("the end of the image is missing", observed, expected, evidence)


@check(
    "container.raw-multiple-512",
    "the disk is a whole number of sectors",
    Severity.ERROR,
    remedy="Find out what cut or lengthened the file; then build or download it again.",
)
def raw_multiple_512(subject: Subject) -> Iterator[Observation]:
    """The size of the virtual disk is a multiple of the sector size.

    Why: a disk consists of whole sectors. The rest is lost or filled up, depending on the tool, and with a backup GPT
    in the last sector that is the part that breaks. It also says that the file is not what somebody built.

    How: the virtual size (for a raw file its size) is divided by 512, or by 4096 where the GPT is made for that.

    Fix: build or download the image again. When only padding is missing: `truncate -s %512 IMAGE`;
    `truncate -s /512 IMAGE` cuts off what is too much.

    Source: UEFI specification 2.10, section 5.3.2, AlternateLBA; `qemu-img convert` rounds such a file up.
    """
    disk = subject.facts.disk
    sector = disk.value.sector_size_bytes if isinstance(disk, Known) else 512
    size = subject.virtual_size_bytes
    if size % sector:
        yield Observation(
            "the disk does not end at the end of a sector",
            observed=f"{size} bytes: {size // sector} sectors of {sector} bytes and {size % sector} bytes more",
            expected=f"a multiple of {sector} bytes",
            evidence="virtual size",
        )


@check(
    "container.trailing-garbage",
    "a raw file ends where its disk ends",
    Severity.WARNING,
    remedy="Let the table use the whole file (sgdisk --move-second-header IMAGE), or cut the file off (truncate).",
)
def trailing_garbage(subject: Subject) -> Iterator[Observation]:
    """A raw file is not more than 1 MiB longer than the disk that its GPT describes.

    Why: what follows the backup GPT belongs to no partition. It is transferred, counts against the server's memory, and
    may be a leftover: an older image under a shorter one, whose own backup GPT then lies in the last sector.

    How: the sector of the backup GPT as a valid primary header gives it, against the size of the file. A smaller
    surplus, and that of a qcow2, is ptable.gpt-backup.

    Fix: `sgdisk --move-second-header IMAGE` when the space is meant to be part of the disk; else cut the file off
    behind the backup GPT with `truncate --size`.

    Source: UEFI specification 2.10, section 5.3.2, AlternateLBA.
    """
    if subject.container.format is not ImageFormat.RAW:
        raise NotKnownError(f"the image is {subject.container.format.value}, not raw")
    described = subject.disk.described_size_bytes
    if described is None:
        raise NotKnownError("the disk has no valid primary GPT, so its end is unknown")
    surplus = subject.disk.size_bytes - described
    if surplus > TRAILING_BYTES:
        yield Observation(
            "the file goes on after the end of its disk",
            observed=f"{exact_size(surplus)} behind the backup GPT",
            expected=f"a file of {exact_size(described)}",
            evidence=f"bytes {described}-{subject.disk.size_bytes - 1}",
        )


@check(
    "container.sparse-holes",
    "a qcow2 file is not mostly holes",
    Severity.INFO,
    remedy="Write it anew without preallocation: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2",
)
def sparse_holes(subject: Subject) -> Iterator[Observation]:
    """A qcow2 occupies at least half of its size on the disk, or its holes are smaller than 32 MiB.

    Why: a preallocated qcow2 has its full size from the start, as holes where nothing was written. An upload knows no
    holes: it sends zeros, and they count against the memory of the server as well.

    How: the bytes that the file occupies on its file system are compared with its size. The same for a raw file is
    size.bloat.

    Fix: `byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2` writes used clusters only.

    Source: qemu-img manual, `preallocation=metadata` and `falloc`.
    """
    container = subject.container
    if container.format is not ImageFormat.QCOW2:
        raise NotKnownError(f"the image is {container.format.value}, not qcow2")
    holes = container.size_bytes - container.allocated_bytes
    if holes >= HOLES_BYTES and container.allocated_bytes * 2 < container.size_bytes:
        yield Observation(
            "most of the qcow2 file is holes, which an upload sends as zeros",
            observed=f"{exact_size(container.allocated_bytes)} used of {exact_size(container.size_bytes)}",
            expected="a file without holes",
            evidence="allocated blocks of the file",
        )


@check(
    "container.hostile-limits",
    "the tables of the qcow2 are of a sane size",
    Severity.ERROR,
    remedy="Do not use the image unless you know who made it; then write it anew: qemu-img convert -O qcow2 -o"
    " cluster_size=64k IMAGE OUTPUT.qcow2",
)
def hostile_limits(subject: Subject) -> Iterator[Observation]:
    """The qcow2 does not have more tables than this program is willing to read.

    Why: a few bytes in a header can ask for gigabytes of tables. An image like that is made to exhaust whoever inspects
    it, here or at the provider's; nothing that was checked on it says what the rest holds.

    How: more than 256 MiB or 262144 of L2 tables (enough for 2 TiB with clusters of 64 KiB). An L1 table over 32 MiB or
    a refcount table over 8 MiB is refused outright, with exit code 3, as QEMU does.

    Fix: a large disk with tiny clusters is the harmless cause: `qemu-img convert -O qcow2 -o cluster_size=64k`.

    Source: QEMU block/qcow2.h, limits; OpenStack oslo.utils, imageutils/format_inspector.py, for the idea.
    """
    header = subject.qcow2
    cluster_map = subject.container.qcow2.cluster_map if subject.container.qcow2 else None
    if isinstance(cluster_map, NotExamined) and not header.unknown_incompatible_features:
        yield Observation(
            "the qcow2 has more tables than are read",
            observed=cluster_map.reason,
            expected="at most 262144 L2 tables, of 256 MiB together",
            evidence=f"L1 table of {header.l1_entry_count} entries at byte {header.l1_table_offset}",
        )
