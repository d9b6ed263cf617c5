"""Takes the disk out of an OVA: a tar with an OVF descriptor and one virtual disk, as the provider once unpacked it."""

from __future__ import annotations

import shutil
import struct
import tarfile
from io import BytesIO
from pathlib import Path

from byoi_tools.rehearsal.disk import cannot_write

DISK_FORMAT = "vmdk"
_MAGIC = b"KDMV"
_CAPACITY_OFFSET = 12


def unpack_disk(ova: Path) -> None:
    """Replace the OVA by the one disk in it, a sparse vmdk that needs no other file.

    Raises `InstallationError` for what is not a tar, has no descriptor, or has more disks or another kind of disk.
    """
    disk = ova.with_suffix(".disk")
    try:
        with tarfile.open(ova, "r:") as archive:
            members = [member for member in archive.getmembers() if member.isreg()]
            disks = [member for member in members if member.name.lower().endswith(".vmdk")]
            if len(disks) != 1 or not any(member.name.lower().endswith(".ovf") for member in members):
                raise cannot_write("ova")
            content = archive.extractfile(disks[0])
            with disk.open("wb") as file:
                shutil.copyfileobj(content or BytesIO(), file)
        if not _is_whole(disk):
            raise cannot_write("ova")
        disk.replace(ova)
    except (tarfile.TarError, OSError) as error:
        raise cannot_write("ova") from error
    finally:
        disk.unlink(missing_ok=True)


def _is_whole(disk: Path) -> bool:
    """Whether it is a hosted sparse extent with data of its own: others name files for `qemu-img` to open."""
    with disk.open("rb") as file:
        head = file.read(_CAPACITY_OFFSET + 8)
    if len(head) < _CAPACITY_OFFSET + 8 or not head.startswith(_MAGIC):
        return False
    (capacity,) = struct.unpack_from("<Q", head, _CAPACITY_OFFSET)
    return bool(capacity)
