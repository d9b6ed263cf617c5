"""The image against the memory and the disk of the server that it is for, and against itself."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_support import require_table
from byoi_tools.checks.check import check
from byoi_tools.checks.ptable.wording import ON_RAW
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.sizes import exact_size

RESERVED_MEMORY_BYTES = 3 * 2**30
TAIL_BYTES = 2 * 2**20  # the config drive (about 1 MiB), aligned, and the backup GPT
BLOAT_BYTES = 2**30
USER_DATA_BYTES = 900_000  # what a config drive of about 1 MB has room for
_MBR_SECTORS = 2**32


@check(
    "size.ram-limit",
    "the file fits in the server's memory, as the provider downloads it",
    Severity.ERROR,
    remedy="Make the file smaller: byoi-tools convert IMAGE SMALLER.qcow2 --to qcow2 --compress zlib",
)
def ram_limit(subject: Subject) -> Iterator[Observation]:
    """The file is smaller than the server's memory less 3 GiB.

    Why: the provider downloads the image into the memory of its rescue system before it writes it to the disk. A file
    that does not fit ends the installation with "t image is too big to download in memory", the server already wiped.

    How: the size of the file (not of the virtual disk) is compared with the `memory_mib` of the profile, less 3 GiB.
    Skipped without it, and where a server is named: `target.ram` compares the file with that one.

    Fix: `byoi-tools convert IMAGE SMALLER.qcow2 --to qcow2 --compress zlib`; a qcow2 holds no unused clusters.

    Source: OVHcloud guide Bring Your Own Image: "Your image must be smaller than the server RAM minus 3GiB".
    """
    _leave_a_named_server_to(subject, "target.ram")
    memory = subject.intent.target.memory_bytes.known()
    size = subject.container.size_bytes
    if size >= memory - RESERVED_MEMORY_BYTES:
        yield Observation(
            "the file is too big to be downloaded into the server's memory",
            observed=f"a file of {exact_size(size)}, a server with {exact_size(memory)} of memory",
            expected=f"a file smaller than {exact_size(max(0, memory - RESERVED_MEMORY_BYTES))}",
            evidence="size of the file",
        )


@check(
    "size.disk-limit",
    "the virtual disk fits on the server's disk",
    Severity.ERROR,
    remedy="Shrink the file system, its partition and then the image (qemu-img resize --shrink), or name a disk group"
    " with bigger disks (--disk-group).",
    product=Product.BYOI,
)
def disk_limit(subject: Subject) -> Iterator[Observation]:
    """The virtual disk is not larger than the disk that it will be written to.

    Why: the image is written sector by sector over the first disk of the disk group. One that is larger is refused
    with "image provided has a size of n bytes which is larger than device of m bytes".

    How: the virtual size (for a raw file its size, for a qcow2 what its header says) is compared with the `disk_gb` of
    the profile. Skipped without it, and where a server is named: `target.disk-size` compares the image with that one.

    Fix: shrink the last file system and its partition, then `qemu-img resize --shrink IMAGE SIZE` and,
    on a raw disk, `sgdisk --move-second-header DISK.raw`; or choose another group with `--disk-group`.

    Source: OVHcloud guide Bring Your Own Image, table of errors.
    """
    _leave_a_named_server_to(subject, "target.disk-size")
    disk = subject.intent.target.disk_bytes.known()
    size = subject.virtual_size_bytes
    if size > disk:
        yield Observation(
            "the virtual disk is larger than the server's disk",
            observed=f"a virtual disk of {exact_size(size)}, a disk of {exact_size(disk)}",
            expected=f"a virtual disk of at most {exact_size(disk)}",
            evidence="virtual size",
        )


@check(
    "size.slack-end",
    "the server's disk has room behind the last partition for the config drive",
    Severity.WARNING,
    remedy="Leave at least 2 MiB of the server's disk free: shrink the last partition, or take bigger disks"
    " (--disk-group).",
    product=Product.BYOI,
)
def slack_end(subject: Subject) -> Iterator[Observation]:
    """On the server's disk at least 2 MiB stay free behind the last partition.

    Why: after it wrote the image the provider moves the backup GPT to the end of the disk and adds a partition of
    about 1 MB, the config drive, as the last one. Without room that fails: "Can not move backup GPT data structures to
    the end of disk", "Could not create configdrive on disk". Then there is no SSH key, no host name, no user data.

    How: the end of the last partition is compared with the disk of the named server, or the `disk_gb` of the
    profile. Skipped without either, and when the whole image is too large (size.disk-limit).

    Fix: shrink the last file system and its partition by 2 MiB, or choose a group with bigger disks.

    Source: OVHcloud guide Bring Your Own Image, table of errors (2022); size of the config drive as observed by users.
    """
    disk = subject.intent.target.disk_bytes.known()
    if subject.virtual_size_bytes > disk:
        raise NotKnownError("the virtual disk does not fit on the server's disk at all")
    require_table(subject)
    last = max((found.partition for found in subject.disk.partitions), key=lambda p: p.sectors.end_bytes, default=None)
    if last is not None and disk - last.sectors.end_bytes < TAIL_BYTES:
        yield Observation(
            "the image leaves no room for the config drive on the server's disk",
            observed=f"{exact_size(max(0, disk - last.sectors.end_bytes))} free behind {last}",
            expected=f"at least {exact_size(TAIL_BYTES)} free",
            evidence=f"{last}, which ends at byte {last.sectors.end_bytes} of a disk of {disk} bytes",
        )


@check(
    "size.bloat",
    "a raw image is not mostly empty",
    Severity.WARNING,
    remedy="Publish a compressed qcow2: byoi-tools convert IMAGE SMALLER.qcow2 --to qcow2 --compress zlib",
)
def bloat(subject: Subject) -> Iterator[Observation]:
    """A raw file of 1 GiB or more has at least half of its bytes allocated.

    Why: a raw file is transferred with all its zeros. It takes longer to upload and to install, and its full size
    counts against the memory of the server (size.ram-limit), where a qcow2 holds only what is used.

    How: the bytes that the file occupies on its file system are compared with its size. A file whose zeros are
    really stored looks full, and passes.

    Fix: `byoi-tools convert IMAGE SMALLER.qcow2 --to qcow2 --compress zlib`, and publish that.

    Source: siderolabs/talos issue 7851; OVHcloud guide Bring Your Own Image: the image is downloaded to memory.
    """
    container = subject.container
    if container.format is not ImageFormat.RAW:
        raise NotKnownError(f"the image is {container.format.value}, not raw")
    if container.size_bytes >= BLOAT_BYTES and container.allocated_bytes * 2 < container.size_bytes:
        yield Observation(
            "most of the raw image is empty space that would be transferred",
            observed=f"{exact_size(container.allocated_bytes)} used of {exact_size(container.size_bytes)}",
            expected="a raw image that is at least half full, or a qcow2",
            evidence="allocated blocks of the file",
        )


@check(
    "size.mbr-2tib",
    "the partition table can address the whole disk",
    Severity.ERROR,
    remedy=f"Build the image with a GPT. {ON_RAW}sgdisk --mbrtogpt DISK.raw; then install the boot loader again.",
    product=Product.BYOI,
)
def mbr_2tib(subject: Subject) -> Iterator[Observation]:
    """An image with an MBR goes to a disk of at most 2 TiB (with sectors of 512 bytes).

    Why: an MBR counts sectors in 32 bits. What lies above 2 TiB cannot be partitioned: the root file system does not
    grow into it, and the provider cannot put the config drive at the very end of the disk.

    How: for MBR images the virtual disk (an error) and the disk of the named server or profile (a warning) are compared
    with 2^32 sectors. Skipped for images with a GPT.

    Fix: build the image with a GPT, which boots by legacy BIOS too (with a BIOS boot partition for GRUB);
    `sgdisk --mbrtogpt DISK.raw` converts the table of a raw disk; the boot loader has to be installed again.

    Source: UEFI specification 2.10, section 5.2.1; OVHcloud guide on partitioning, errors "Error with MBR partition
    table".
    """
    disk = subject.disk
    if disk.scheme is not TableScheme.MBR:
        raise NotKnownError("the disk is not partitioned by an MBR")
    limit = _MBR_SECTORS * disk.sector_size_bytes
    if disk.size_bytes > limit:
        yield _beyond_2tib("the virtual disk", disk.size_bytes, limit, Severity.ERROR)
        return
    target = subject.intent.target.disk_bytes.known()
    if target > limit:
        yield _beyond_2tib("the server's disk", target, limit, Severity.WARNING)


def _beyond_2tib(what: str, size_bytes: int, limit: int, severity: Severity) -> Observation:
    return Observation(
        f"the image has an MBR, and {what} is larger than an MBR can address",
        observed=f"{what} has {exact_size(size_bytes)}",
        expected=f"at most {exact_size(limit)}, or a GPT",
        evidence="partition table in LBA 0",
        severity=severity,
    )


@check(
    "size.sector-512-vs-4k",
    "the partition table was made for the sectors of the server's disk",
    Severity.ERROR,
    remedy="Build the image for sectors of the size that the server's disk has (512 bytes, unless you know otherwise).",
)
def sector_512_vs_4k(subject: Subject) -> Iterator[Observation]:
    """The GPT was written for sectors of the size that the server's disk has.

    Why: every address in a GPT is a sector number, and its header is in sector 1. A table that was made for sectors of
    4096 bytes is invisible on a disk with sectors of 512, and the other way round: no partition is found.

    How: the sector size is the one at which a GPT header is found (LBA 1 at byte 512 or 4096). It is compared with
    `sector_bytes` of the profile; the profiles that come with the program say 512. Skipped for MBR images.

    Fix: build the image on a disk or loop device with sectors of 512 bytes (`losetup --sector-size 512`).

    Source: UEFI specification 2.10, section 5.3.1; coreos-installer has separate metal and metal4k images for this.
    """
    wanted = subject.intent.target.sector_size_bytes.known()
    found = subject.gpt.sector_size_bytes
    if found != wanted:
        yield Observation(
            "the partition table was made for another sector size",
            observed=f"a GPT for sectors of {found} bytes",
            expected=f"a GPT for sectors of {wanted} bytes",
            evidence=f"GPT header at byte {found}",
        )


@check(
    "size.userdata-limit",
    "the user data fits on the config drive",
    Severity.ERROR,
    remedy="Keep the user data small: let it fetch what is large, or put that into the image.",
)
def userdata_limit(subject: Subject) -> Iterator[Observation]:
    """The user data has at most 900 kB.

    Why: the user data is a file on the config drive, a partition of about 1 MB that holds the rest of the metadata too.
    What does not fit keeps the provider from making it, or from accepting the request (`CustomizationSizeExceeded`).

    How: the size of the file given as user data, before it is encoded in base64. Skipped without user data.

    Fix: move large parts into the image, or let the user data fetch them (`#include` with a URL in cloud-init).

    Source: size of the config drive as observed by users; the provider's limit exists in its API, its value is not
    published, so this one is an estimate.
    """
    if subject.intent.user_data is None:
        raise NotKnownError("no user data is given")
    size = len(subject.intent.user_data)
    if size > USER_DATA_BYTES:
        yield Observation(
            "the user data is too large for the config drive",
            observed=f"user data of {exact_size(size)}",
            expected=f"at most {exact_size(USER_DATA_BYTES)}",
            evidence="size of the user data",
        )


def _leave_a_named_server_to(subject: Subject, check_id: str) -> None:
    if isinstance(subject.meant, Known):
        raise NotKnownError(f"{check_id} compares the image with the server")
