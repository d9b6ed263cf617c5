"""The ways in which an installation fails at the provider's, by name: each message as OVH's guides quote it.

Sources: the error tables of OVH's guides "Bring Your Own Image" (2022-11 to 2026-05), "Bring Your Own Linux" and "API
and Storage" (2026), and the history of ovh/bringyourownlinux. The values in the messages are made up. Where OVH shows
a message for Bring Your Own Linux alone, it appears at the step that comes closest.
"""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.rehearsal.refusals import HaltedError, InstallationError

_PARTITIONS = "Cleaning Partitioning"
_DOWNLOAD = "Downloading OS image"
_DEPLOY = "Deploying OS on disks"
_CHECK = "Checking Partitioning"
_CONFIGURE = "Processing Post-installation configuration"


class ProviderError(Exception):
    """Something of the provider's own breaks: the task ends in `ovhError`."""


@dataclass(frozen=True, slots=True)
class Failure:
    """At which step it shows, and as what: the customer's fault, the provider's, or a cancelled task."""

    step: str
    message: str
    kind: type[Exception] = InstallationError


FAILURES = {
    "checksum-incomplete": Failure(_DOWNLOAD, "Please provide checkSum AND checkSumType or none of them"),
    "checksum-type": Failure(_DOWNLOAD, "Bad checkSumType, expected: sha1, sha256, md5."),
    "checksum": Failure(_DOWNLOAD, "Bad checkSumType for downloaded file, got: 5d41402a while expecting 7d793037."),
    "download": Failure(_DOWNLOAD, "Could not download image: HTTP 403 Forbidden"),
    "download-2024": Failure(_DOWNLOAD, "Could not download image located: https://images.example.net/debian.qcow2"),
    "memory": Failure(_DOWNLOAD, "Could not download, qcow2 image is too big to download in memory."),
    "image-type": Failure(_DEPLOY, "Bad format image, expected: qcow2, raw."),
    "format": Failure(_DEPLOY, "image provided format is raw which does not match expected qcow2 format"),
    "no-partition-table": Failure(
        _DEPLOY,
        "image provided format is not of type raw because no partition table was found. It seems to contain: XZ "
        "compressed data",
    ),
    "disk-size": Failure(
        _DEPLOY,
        "image provided has a size of 536870912000 bytes which is larger than device of 480000000000 bytes",
    ),
    "write": Failure(_DEPLOY, "Can't write qcow2 on disk"),
    "several-partitions": Failure(_DEPLOY, "Image contains more than one partition (2)"),
    "too-many-partitions": Failure(_DEPLOY, "too many partitions"),
    "gpt-backup": Failure(_CHECK, "Can not move backup GPT data structures to the end of disk."),
    "config-drive": Failure(_CONFIGURE, "Could not create configdrive on disk."),
    "no-script": Failure(_CONFIGURE, "The '/root/.ovh/make_image_bootable.sh' file does not exist."),
    "script": Failure(_CONFIGURE, "The script did not end properly"),
    "partition-fill": Failure(_PARTITIONS, "Partition of type swap with mountpoint swap cannot fill the disk."),
    "partition-fit": Failure(
        _PARTITIONS,
        "Not enough space left. Please adjust partitions so that the / partition fits on 1 disk(s)",
    ),
    "mbr-partition-size": Failure(
        _PARTITIONS,
        "Error with MBR partition table: Partition / is larger than 2TiB and this server does not support GPT",
    ),
    "mbr-config-drive": Failure(
        _PARTITIONS,
        "Error with MBR partition table: partition / cannot end after 2 TiB because OVHcloud also needs to add a 4 MiB "
        "cloud-init partition at the very end of the disk",
    ),
    "boot-size": Failure(
        _PARTITIONS, "/boot (or / if no /boot) partition cannot be larger than 2097151 MiB on this hardware"
    ),
    "boot-xfs": Failure(_PARTITIONS, "/boot (or / if no /boot) partition type cannot be XFS"),
    "provider": Failure(_DEPLOY, "a machine of the provider's broke", ProviderError),
    "cancelled": Failure(_DEPLOY, "somebody cancelled the task", HaltedError),
}
