"""The server's disk: a sparse file that is erased, written, and given its config drive partition."""

from __future__ import annotations

from pathlib import Path
from threading import Event

from byoi_tools.rehearsal.config_drive import LABEL
from byoi_tools.rehearsal.partitions import SECTOR_BYTES, PartitionTable, probe_table, read_partition_table
from byoi_tools.rehearsal.programs import run
from byoi_tools.rehearsal.refusals import InstallationError

# What third parties saw of OVH's config drives: about 1 MiB, the last partition.
CONFIG_DRIVE_BYTES = 2**20

_ALIGNMENT_SECTORS = 2048
_LINUX_TYPES = {"gpt": "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "dos": "83"}
_WRITE_SECONDS = 3600


def erase(disk: Path, size_bytes: int) -> None:
    """Make `disk` a file of that size, all zeros and all holes."""
    disk.unlink(missing_ok=True)
    with disk.open("xb") as file:
        file.truncate(size_bytes)


def write_image(image: Path, image_type: str, disk: Path, halt: Event) -> None:
    """Write the image's disk to the start of an erased disk, holes staying holes."""
    argv = ("qemu-img", "convert", "-n", "--target-is-zero", "-f", image_type, "-O", "raw")
    if run((*argv, str(image), str(disk)), halt, seconds=_WRITE_SECONDS).returncode != 0:
        raise cannot_write(image_type)


def move_gpt_backup(disk: Path, halt: Event) -> None:
    """Move a GPT's second copy to the end of the disk; does nothing to a disk with an MBR, or with no table.

    `sgdisk` is asked only when the first copy is sound: it would put an empty table in place of a broken one,
    and call that a success.
    """
    label = probe_table(disk, halt)
    if label not in ("gpt", "PMBR"):
        return
    if label == "PMBR" or not _moves_backup(disk, halt):
        raise InstallationError("Can not move backup GPT data structures to the end of disk.")


def append_config_drive(iso: Path, disk: Path, halt: Event) -> None:
    """Add a partition at the end of the disk and copy the config drive into it."""
    table = read_partition_table(disk, halt)
    if table is None or table.label not in _LINUX_TYPES or iso.stat().st_size > CONFIG_DRIVE_BYTES:
        raise _no_config_drive()
    first_lba = _add_last_partition(table, disk, halt)
    with disk.open("r+b") as file:
        file.seek(first_lba * SECTOR_BYTES)
        file.write(iso.read_bytes())


def cannot_write(image_type: str) -> InstallationError:
    """Return the provider's error for an image that `qemu-img convert` cannot write."""
    return InstallationError(f"Can't write {image_type} on disk")


def _moves_backup(disk: Path, halt: Event) -> bool:
    if run(("sgdisk", "-e", str(disk)), halt).returncode != 0:
        return False
    return "No problems found" in run(("sgdisk", "-v", str(disk)), halt).output


def _add_last_partition(table: PartitionTable, disk: Path, halt: Event) -> int:
    sectors = CONFIG_DRIVE_BYTES // SECTOR_BYTES
    first_lba = (table.last_usable_lba + 1 - sectors) // _ALIGNMENT_SECTORS * _ALIGNMENT_SECTORS
    line = f"start={first_lba}, size={sectors}, type={_LINUX_TYPES[table.label]}"
    name = f", name={LABEL}" if table.label == "gpt" else ""
    argv = ("sfdisk", "--append", "--no-reread", "--no-tell-kernel", "--quiet", str(disk))
    run(argv, halt, script=f"{line}{name}\n")
    # Asked for a fifth primary partition, sfdisk does nothing and reports success: look.
    after = read_partition_table(disk, halt)
    if after is None or not any(partition.first_lba == first_lba for partition in after.partitions):
        raise _no_config_drive()
    return first_lba


def _no_config_drive() -> InstallationError:
    return InstallationError("Could not create configdrive on disk.")
