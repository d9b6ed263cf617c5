"""The FAT volume in the EFI system partition: whether firmware can mount it, and updates can write to it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import place
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.sizes import exact_size

MINIMUM_SIZE_BYTES = 32 * 2**20


@check(
    "esp.fat-valid",
    "the EFI system partition holds a sound FAT volume",
    Severity.ERROR,
    remedy="Make the volume again and copy the files back: mkfs.fat -F 32 on the partition.",
    boot=BootMode.UEFI,
)
def fat_valid(subject: Subject) -> Iterator[Observation]:
    """The EFI system partition holds a sound FAT volume.

    Why: firmware reads nothing but FAT, with a small and strict driver. A volume that Linux still mounts may be refused
    by firmware; then no loader is found, and the server stays in iPXE.

    How: the boot sector is decoded; its sizes must agree with each other, with the number of clusters and with the
    partition, and the directories must be readable.

    Fix: copy the files out, run `mkfs.fat -F 32` on the partition, copy them back. A volume of under 65525 clusters
    is no FAT32 to firmware: smaller clusters (`mkfs.fat -F 32 -s 1`) or a bigger partition make it one.

    Source: Microsoft, FAT: General Overview of On-Disk Format 1.03; UEFI specification 2.10, section 13.3.
    """
    content = subject.esp.content
    if isinstance(content, NotExamined):
        yield Observation(
            "the EFI system partition cannot be read as a FAT volume",
            observed=content.reason,
            expected="a FAT12, FAT16 or FAT32 volume",
            evidence=place(subject),
        )
        return
    for problem in content.value.volume.geometry_problems:
        yield Observation(
            "the FAT volume in the EFI system partition contradicts itself",
            observed=problem,
            expected="a boot sector that agrees with the volume and the partition",
            evidence=f"{place(subject)}, boot sector",
        )


@check(
    "esp.fat-type",
    "the EFI system partition is FAT32, or FAT16",
    Severity.WARNING,
    remedy="Make it FAT32: mkfs.fat -F 32; with under 65525 clusters also -s 1 or a bigger partition.",
    boot=BootMode.UEFI,
)
def fat_type(subject: Subject) -> Iterator[Observation]:
    """The EFI system partition is FAT32, or FAT16.

    Why: the specification demands FAT32 on fixed disks and keeps FAT12 and FAT16 for removable media. All known server
    firmware reads FAT16 too; FAT12 is for floppy disks, and some drivers have no code for it.

    How: the number of clusters, which alone decides: under 4085 it is FAT12, under 65525 FAT16, else FAT32.

    Fix: `mkfs.fat -F 32` on a partition of 100 MiB or more; on a smaller one with `-s 1`.

    Source: UEFI specification 2.10, section 13.3; Microsoft, FAT: General Overview of On-Disk Format 1.03, "FAT Type
    Determination".
    """
    volume = subject.esp_content.volume
    if volume.fat_bits == 12:
        yield Observation(
            "the EFI system partition is FAT12, which some firmware does not read on a fixed disk",
            observed=f"FAT12 ({volume.cluster_count} clusters of {volume.cluster_size_bytes} bytes)",
            expected="FAT32 (FAT16 is tolerated)",
            evidence=place(subject),
        )


@check(
    "esp.fat-dirty",
    "the FAT volume was unmounted cleanly and its allocation tables agree",
    Severity.WARNING,
    remedy="Repair it in the image: fsck.fat -a on the partition.",
    boot=BootMode.UEFI,
)
def fat_dirty(subject: Subject) -> Iterator[Observation]:
    """The FAT volume was unmounted cleanly and its allocation tables agree.

    Why: a dirty volume was not unmounted when the image was taken: its last writes, often the loader itself, may be
    missing. Where the copies of the table differ, firmware may read another file than Linux did.

    How: the bits for a clean shutdown and for no disk errors in the second entry of the FAT, the dirty flag of the
    boot sector, and a comparison of all copies of the FAT.

    Fix: unmount the ESP before the image is taken. In an existing image attach the partition and run `fsck.fat -a`.

    Source: Microsoft, FAT: General Overview of On-Disk Format 1.03, "FAT Data Structure" (ClnShutBitMask).
    """
    volume = subject.esp_content.volume
    if volume.is_dirty:
        yield Observation(
            "the FAT volume was not unmounted before the image was taken, so its last writes may be missing",
            observed="a volume that is marked as dirty",
            expected="a cleanly unmounted volume",
            evidence=f"{place(subject)}, second FAT entry or boot sector",
        )
    if not volume.are_fats_equal:
        yield Observation(
            "the copies of the file allocation table differ, so firmware may read other data than Linux",
            observed=f"{volume.fat_count} copies that are not equal",
            expected="equal copies",
            evidence=f"{place(subject)}, file allocation tables",
        )


@check(
    "esp.size-free",
    "the EFI system partition is big enough, and has room for an update of its loader",
    Severity.WARNING,
    remedy="Make the EFI system partition bigger (512 MiB suit every loader), or delete what it does not need.",
    boot=BootMode.UEFI,
)
def size_free(subject: Subject) -> Iterator[Observation]:
    """The EFI system partition is big enough, and has room for an update of its loader.

    Why: an update writes the new loader or kernel image beside the old one. When that fails half-way, the server does
    not come back from its next reboot, and nobody stands beside it.

    How: the partition has at least 32 MiB, below which there is no FAT32 even with the smallest clusters, and the
    volume's free space holds a second copy of its biggest EFI program.

    Fix: build the image with a bigger ESP (512 MiB suit every loader), or delete old kernels and loaders from it.

    Source: Microsoft, FAT: General Overview of On-Disk Format 1.03 (65525 clusters of at least 512 bytes); how
    much must be free is this project's own rule.
    """
    content = subject.esp_content
    partition = subject.esp.partition
    if partition.sectors.size_bytes < MINIMUM_SIZE_BYTES:
        yield Observation(
            "the EFI system partition is too small for FAT32 and for updates",
            observed=exact_size(partition.sectors.size_bytes),
            expected=f"at least {exact_size(MINIMUM_SIZE_BYTES)}",
            evidence=f"{place(subject)}, {partition.sectors}",
        )
    biggest = max((program.size_bytes for program in content.programs), default=0)
    if content.volume.free_bytes < biggest:
        yield Observation(
            "the EFI system partition is too full to update its biggest program",
            observed=f"{exact_size(content.volume.free_bytes)} free of {exact_size(content.volume.size_bytes)}",
            expected=f"at least {exact_size(biggest)}, the size of its biggest EFI program",
            evidence=place(subject),
        )


@check(
    "esp.sector-size",
    "the FAT volume has the sector size of the disk",
    Severity.ERROR,
    remedy="Make the volume again with the disk's sector size: mkfs.fat -F 32 -S 512",
    boot=BootMode.UEFI,
)
def sector_size(subject: Subject) -> Iterator[Observation]:
    """The FAT volume has the sector size of the disk.

    Why: firmware reads whole sectors of the disk. A volume of 4096-byte sectors on a disk of 512 (or the other way
    round) is no volume to it: the ESP looks empty.

    How: the bytes per sector in the boot sector of the volume are compared with the sector size for which the partition
    table was written.

    Fix: build the image for the disk that it will be written to; the provider's are of 512-byte sectors unless the
    server says otherwise: `mkfs.fat -F 32 -S 512`.

    Source: Microsoft, FAT: General Overview of On-Disk Format 1.03, BPB_BytsPerSec; EDK2, FatPkg.
    """
    volume = subject.esp_content.volume
    if volume.bytes_per_sector != subject.disk.sector_size_bytes:
        yield Observation(
            "the FAT volume in the EFI system partition has another sector size than the disk",
            observed=f"{volume.bytes_per_sector} bytes per sector in the volume",
            expected=f"{subject.disk.sector_size_bytes}, as the partition table has it",
            evidence=f"{place(subject)}, boot sector, bytes 11-12",
        )
