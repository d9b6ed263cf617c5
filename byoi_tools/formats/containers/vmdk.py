"""Judges VMDK files before QEMU sees them (VMware, Virtual Disk Format 5.0): one self-contained extent or nothing.

A VMDK may name other files (extents, a parent), and QEMU opens whatever is named. Only files are let through in which
QEMU finds its data in the file itself: a sparse header (`KDMV`) with a capacity, a descriptor, and no hint of a parent.
Names of other files are told, never followed. What lies beyond the end of a file that was cut off QEMU takes for zeros,
so the grains are looked for too.
"""

from __future__ import annotations

import re
import struct

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.source import ByteSource, read_exactly
from byoi_tools.model.quoting import quote

_SECTOR_BYTES = 512
_DESCRIPTOR_LIMIT_BYTES = 64 * 1024
_DESCRIPTOR_BYTES = 20 * _SECTOR_BYTES
_DIRECTORY_AT_END = 2**64 - 1  # streamOptimized: QEMU itself finds that the footer is missing
_COMPRESSED = 1 << 16
_MOST_TABLES = 1 << 17
_ENTRIES_PER_TABLE = 512
_SELF_CONTAINED = {b"monolithicsparse", b"streamoptimized"}
_CREATE_TYPE = re.compile(rb'(?im)^\s*createType\s*=\s*"([^"\r\n]{0,64})"')
_EXTENT = re.compile(rb'(?m)^\s*(?:RW|RDONLY|NOACCESS)\s+\d{1,20}\s+[A-Z]{1,16}\s+"([^"\r\n]{1,1024})"')
_SHOWN_EXTENTS = 3
_REMEDY = (
    "Export the disk as one self-contained file: qemu-img convert -O vmdk -o subformat=streamOptimized, or as qcow2."
)


_WHOLE_SET = (
    "Convert the whole set of files where they were made: qemu-img convert -f vmdk -O qcow2 NAME.vmdk OUTPUT.qcow2, "
    "where NAME.vmdk is the small text file that lists the others."
)


def judge_vmdk(source: ByteSource) -> None:
    """Return when the file needs no other file; raises `ImageUnsafe` otherwise, `ImageMalformed` when it is cut."""
    if source.read_at(0, 4) != b"KDMV":
        raise _several_files(source.read_at(0, _DESCRIPTOR_LIMIT_BYTES))
    header = read_exactly(source, 0, _SECTOR_BYTES, "VMDK header")
    (capacity,) = struct.unpack_from("<Q", header, 12)
    descriptor_lba, descriptor_sectors = struct.unpack_from("<QQ", header, 28)
    if capacity == 0:
        raise _unsafe("its header has no capacity, so that QEMU would follow its descriptor to other files")
    _judge_descriptor(source.read_at(0, _DESCRIPTOR_LIMIT_BYTES), None)
    if b"CID=" not in source.read_at(_SECTOR_BYTES, _DESCRIPTOR_BYTES):  # QEMU's vmdk_read_cid opens nothing else
        raise _unsafe("there is no descriptor in it, as in the parts of a disk of several files", _WHOLE_SET)
    if descriptor_lba:
        length = min(descriptor_sectors * _SECTOR_BYTES, _DESCRIPTOR_LIMIT_BYTES)
        _judge_descriptor(source.read_at(descriptor_lba * _SECTOR_BYTES, length), descriptor_lba)
    _judge_grains(source, header, capacity)


def _judge_descriptor(text: bytes, lba: int | None) -> None:
    if b"parentfilenamehint" in text.lower():
        raise _unsafe("it names a parent disk (parentFileNameHint)")
    if lba is None:
        return
    created = _CREATE_TYPE.search(text)
    if created and created.group(1).lower() not in _SELF_CONTAINED:
        raise _unsafe(f"its createType is {created.group(1)!r}")


def _judge_grains(source: ByteSource, header: bytes, capacity: int) -> None:
    """Every grain that a table names must be in the file; 0 and 1 name none."""
    (flags,) = struct.unpack_from("<I", header, 8)
    (grain_sectors,) = struct.unpack_from("<Q", header, 20)
    entries, _, directory_lba = struct.unpack_from("<IQQ", header, 44)
    if directory_lba == _DIRECTORY_AT_END:
        return
    tables = -(-capacity // max(1, grain_sectors * entries))
    if entries != _ENTRIES_PER_TABLE or not 0 < grain_sectors <= 2**16 or tables > _MOST_TABLES:
        raise _malformed(f"{tables} tables of {entries} grains of {grain_sectors} sectors are absurd")
    directory = read_exactly(source, directory_lba * _SECTOR_BYTES, 4 * tables, "VMDK grain directory")
    least_sectors = 1 if flags & _COMPRESSED else grain_sectors
    for (table_lba,) in struct.iter_unpack("<I", directory):
        if table_lba > 1:
            table = read_exactly(source, table_lba * _SECTOR_BYTES, 4 * entries, "VMDK grain table")
            last = max(struct.unpack(f"<{entries}I", table))
            if last > 1 and (last + least_sectors) * _SECTOR_BYTES > source.size_bytes:
                raise _malformed(f"the grain at byte {last * _SECTOR_BYTES} ends beyond the end of the file")


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed("the VMDK is damaged or cut off", details=why, remedy="Export or download the disk again.")


def _several_files(descriptor: bytes) -> ImageUnsafe:
    """What a descriptor without data says of the files that have it; those are never opened."""
    created = _CREATE_TYPE.search(descriptor)
    names = [quote(name.decode("utf-8", "replace")) for name in _EXTENT.findall(descriptor)]
    if not names:
        return _unsafe("it is a descriptor or an old format that names other files", _WHOLE_SET)
    kind = f" ({quote(created[1].decode('utf-8', 'replace'))})" if created else ""
    more = f" and {len(names) - _SHOWN_EXTENTS} more" if len(names) > _SHOWN_EXTENTS else ""
    listed = ", ".join(names[:_SHOWN_EXTENTS]) + more
    return _unsafe(f"it is a descriptor alone{kind}; its data would be in {listed}, which is not looked at", _WHOLE_SET)


def _unsafe(why: str, remedy: str = _REMEDY) -> ImageUnsafe:
    return ImageUnsafe("the VMDK refers to something outside itself", details=why, remedy=remedy)
