"""What the provider's messages in the middle of an installation mean: cause, remedy, and the check that sees it before.

Sources: the error tables of OVHcloud's guides "Bring Your Own Image" (2022-11 to 2026-05) and "Bring Your Own Linux"
(2026-05), and the history of ovh/bringyourownlinux. The values in a message vary, so it is known by its fixed words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why something failed and what to do; `check_ids` are the checks of the catalogue that would have found it."""

    cause: str
    remedy: str
    check_ids: tuple[str, ...] = ()


def explain_failure(message: str) -> Explanation | None:
    """Find the explanation of a step's error or a task's comment; None for a message that is not known."""
    return next((explanation for words, explanation in _KNOWN if words.search(message)), None)


def _known(words: str, cause: str, remedy: str, *check_ids: str) -> tuple[re.Pattern[str], Explanation]:
    return re.compile(words, re.IGNORECASE), Explanation(cause, remedy, check_ids)


_KNOWN = (
    _known(
        r"provide checkSum AND checkSumType",
        "Only one of the checksum and its type was given.",
        "Give both, as `--checksum sha512:...`.",
    ),
    _known(
        r"format is \S.* which does not match expected",
        "The file is of another format than was declared; the provider looks at the content, not at the name.",
        "Declare what `byoi-tools inspect IMAGE` says, or `byoi-tools convert` it; unpack a compressed file.",
        "container.format-mismatch",
        "container.compressed-wrapper",
    ),
    _known(
        r"not of type \S+ because no partition table was found",
        "The file has no partition table: a single file system, an archive, or an error page saved as the image.",
        "Run `byoi-tools check IMAGE`, and fetch the URL to see what it really delivers.",
        "ptable.present",
    ),
    _known(
        r"has a size of .* larger than device",
        "The virtual disk of the image is larger than the first disk of the disk group.",
        "Choose a group of larger disks with --disk-group, or make the image's disk smaller.",
        "size.disk-limit",
        "target.disk-size",
    ),
    _known(
        r"too big to download in memory",
        "The provider downloads the file to memory and needs 3 GiB besides.",
        "Publish a compressed qcow2: `byoi-tools convert IMAGE OUTPUT --to qcow2 --compress zlib`.",
        "size.ram-limit",
        "target.ram",
    ),
    _known(
        r"Could not download image",
        "The server could not fetch the URL: it expired, needs other headers, or cannot be reached or resolved.",
        "Fetch it with `curl` and the same headers from another network; publish again with a longer --expires.",
    ),
    _known(
        r"Bad checkSumType for downloaded file",
        "The downloaded bytes are not those of the checksum: the object changed, or another file was hashed.",
        "Run `byoi-tools checksum` on exactly the file that was uploaded, after any conversion, and publish again.",
    ),
    _known(
        r"Bad checkSumType, expected",
        "The provider does not take this type of checksum.",
        "Use sha256 or sha512.",
    ),
    _known(
        r"Can.?t write \S+ on disk",
        "The provider's `qemu-img convert` failed: a damaged or truncated image, a backing file, an unknown feature.",
        "Run `byoi-tools check IMAGE`, then `byoi-tools convert IMAGE OUTPUT --to qcow2` and deploy the output.",
        "container.truncated",
        "container.backing-file",
        "container.corrupt-bit",
        "container.unknown-features",
    ),
    _known(
        r"Bad format image, expected",
        "The declared image type is not one that the provider takes.",
        "Declare qcow2 or raw, as the file is.",
        "container.unsupported-format",
    ),
    _known(
        r"move backup GPT",
        "The backup of the partition table is missing or damaged, or the table does not fit its disk.",
        "Repair the table with `sgdisk -e IMAGE` (a raw one) and look at it with `sgdisk -v`.",
        "ptable.gpt-backup",
        "ptable.gpt-backup-beyond",
    ),
    _known(
        r"Could not create configdrive",
        "The config drive needs a partition of its own: four primary partitions or a full disk leave no room for it.",
        "Keep one of the four primary partitions of an MBR free, or use GPT; leave some MiB of the disk free.",
        "ptable.mbr-primaries",
        "ptable.gpt-free-entry",
        "size.slack-end",
    ),
    _known(
        r"contains more than one partition",
        "BYOLinux takes an image of exactly one partition, not a whole disk with an ESP.",
        "Deploy it with BYOI instead, or build an image with the root partition alone.",
        "byol.one-partition",
    ),
    _known(
        r"too many partitions",
        "BYOLinux reads a partition table where there is none: the boot sector of a file system looks like one.",
        "Build an image with a partition table of exactly one entry.",
        "byol.one-partition",
        "ptable.bootsector-not-mbr",
    ),
    _known(
        r"make_image_bootable\.sh.* does not exist",
        "BYOLinux runs a script that this image does not have.",
        "Put an executable /root/.ovh/make_image_bootable.sh into the image.",
        "byol.script-present",
    ),
    _known(
        r"script did not end properly",
        "The image's make_image_bootable.sh ended with an error; the provider does not show its output.",
        "Boot the rescue system and read /var/log/ovh-make-bootable.log on the installed disk.",
    ),
    _known(
        r"Partition of type .* cannot fill the disk",
        "A partition of this type may not take what is left of the disk.",
        "Give it a size in the layout.",
    ),
    _known(
        r"adjust partitions so that .* fits",
        "The partitions of the layout are larger than the disk.",
        "Make them smaller, or choose a group of larger disks with --disk-group.",
    ),
    _known(
        r"larger than 2TiB and this server does not support GPT",
        "An MBR cannot describe a partition beyond 2 TiB.",
        "Make the partition smaller than 2 TiB.",
    ),
    _known(
        r"cannot end after 2 TiB",
        "The config drive is the disk's last partition, and must begin before 2 TiB under an MBR.",
        "Let the layout end before 2 TiB.",
    ),
    _known(
        r"cannot be larger than 2097151 MiB",
        "The firmware of this server does not boot from a file system that large.",
        "Give /boot a partition of its own, smaller than 2 TiB.",
    ),
    _known(
        r"partition type cannot be XFS",
        "The provider's boot loader does not read /boot from XFS here.",
        "Use ext4 for /boot, or for / where it has no /boot.",
    ),
)
