"""Reads the header of a qcow2 image, good or hostile (QEMU, docs/interop/qcow2.txt, "Header" and what follows it)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.source import ByteSource, Memory, read_exactly
from byoi_tools.model.disks.qcow2 import COMPRESSION_TYPE, EXTENDED_L2, Qcow2Header

QCOW2_MAGIC = b"QFI\xfb"

_COMMON_FIELDS = struct.Struct(">4sIQIIQIIQQIIQ")
_VERSION_3_FIELDS = struct.Struct(">QQQII")
_EXTENSION_FIELDS = struct.Struct(">II")

# Where no source is given: QEMU's own limits (block/qcow2.h), beyond which no qemu-img opens the image.
_CLUSTER_BITS = range(9, 22)
_EXTENDED_L2_CLUSTER_BITS = range(14, 22)
_L1_LIMIT_BYTES = 32 << 20
_REFCOUNT_TABLE_LIMIT_BYTES = 8 << 20
_SNAPSHOT_LIMIT = 65536
_REFCOUNT_ORDER_LIMIT = 6
_BACKING_FILE_LIMIT_BYTES = 1023
_STRING_LIMIT_BYTES = 4096  # ours: the longest path of Linux
_EXTENSION_LIMIT = 64  # ours: six are specified

_END = 0
_BACKING_FORMAT = 0xE2792ACA
_DATA_FILE = 0x44415441

_REMEDY = "Build or download the image again; `qemu-img check` shows whether QEMU can still open it."


class _Common(NamedTuple):
    """Bytes 0 to 71, the same in both versions."""

    magic: bytes
    version: int
    backing_file_offset: int
    backing_file_length: int
    cluster_bits: int
    virtual_size_bytes: int
    encryption_method: int
    l1_entry_count: int
    l1_table_offset: int
    refcount_table_offset: int
    refcount_table_clusters: int
    snapshot_count: int
    snapshots_offset: int


class _Version3(NamedTuple):
    """Bytes 72 to 103, and the compression type; the defaults are what version 2 means."""

    incompatible_features: int = 0
    compatible_features: int = 0
    autoclear_features: int = 0
    refcount_order: int = 4
    header_length_bytes: int = _COMMON_FIELDS.size
    compression_type: int = 0


def read_qcow2_header(source: ByteSource) -> Qcow2Header:
    """Return the header, also of an image that must not be used: of features, names and encryption nothing is judged.

    Names stay as the image has them (bytes that are no UTF-8 as `\\xNN`); nothing that they name is opened. Reads
    the first cluster only, at most 2 MiB. Raises `ImageMalformed` when the fields contradict the specification or
    exceed QEMU's limits.
    """
    common = _Common(*_COMMON_FIELDS.unpack(read_exactly(source, 0, _COMMON_FIELDS.size, "qcow2 header")))
    _demand(common.magic == QCOW2_MAGIC, "it has no qcow2 magic", f"it starts with {common.magic.hex(' ')}")
    _demand(common.version in (2, 3), "its version is neither 2 nor 3", f"version {common.version}")
    _demand(common.cluster_bits in _CLUSTER_BITS, "its cluster size is absurd", f"2^{common.cluster_bits} bytes")
    cluster = Memory(source.read_at(0, 1 << common.cluster_bits))
    version_3 = _read_version_3(cluster) if common.version == 3 else _Version3()
    header = _assemble(common, version_3, cluster)
    _judge(header)
    return header


def _read_version_3(cluster: Memory) -> _Version3:
    fields = read_exactly(cluster, _COMMON_FIELDS.size, _VERSION_3_FIELDS.size, "qcow2 header")
    incompatible, compatible, autoclear, refcount_order, length = _VERSION_3_FIELDS.unpack(fields)
    is_sane = 104 <= length <= cluster.size_bytes and length % 8 == 0
    _demand(is_sane, "its header length is absurd", f"{length} bytes")
    compression_type = cluster.content[104] if length > 104 else 0
    return _Version3(incompatible, compatible, autoclear, refcount_order, length, compression_type)


def _assemble(common: _Common, version_3: _Version3, cluster: Memory) -> Qcow2Header:
    extensions = _read_extensions(cluster, version_3.header_length_bytes, _extensions_end(common, version_3))
    return Qcow2Header(
        version=common.version,
        virtual_size_bytes=common.virtual_size_bytes,
        cluster_bits=common.cluster_bits,
        encryption_method=common.encryption_method,
        l1_entry_count=common.l1_entry_count,
        l1_table_offset=common.l1_table_offset,
        refcount_table_offset=common.refcount_table_offset,
        refcount_table_clusters=common.refcount_table_clusters,
        refcount_order=version_3.refcount_order,
        snapshot_count=common.snapshot_count,
        snapshots_offset=common.snapshots_offset,
        incompatible_features=version_3.incompatible_features,
        compatible_features=version_3.compatible_features,
        autoclear_features=version_3.autoclear_features,
        header_length_bytes=version_3.header_length_bytes,
        compression_type=version_3.compression_type,
        backing_file=_backing_file(common, cluster),
        backing_format=_decode(extensions.get(_BACKING_FORMAT)),
        data_file=_decode(extensions.get(_DATA_FILE)),
        extension_types=tuple(extensions),
    )


def _extensions_end(common: _Common, version_3: _Version3) -> int:
    if common.backing_file_offset == 0:
        return 1 << common.cluster_bits
    is_sane = version_3.header_length_bytes <= common.backing_file_offset <= 1 << common.cluster_bits
    _demand(is_sane, "its backing file name lies outside the first cluster", f"offset {common.backing_file_offset}")
    return common.backing_file_offset


def _read_extensions(cluster: Memory, offset: int, end: int) -> dict[int, bytes]:
    """The extensions by their type, each of which the specification allows once."""
    extensions: dict[int, bytes] = {}
    while offset < end:
        kind, length = _EXTENSION_FIELDS.unpack(read_exactly(cluster, offset, 8, "header extensions"))
        if kind == _END:
            break
        offset += 8
        _demand(length <= end - offset, "a header extension leaves the first cluster", f"{length} bytes at {offset}")
        _demand(kind not in extensions, "a header extension is there twice", f"type {kind:#010x}")
        _demand(len(extensions) < _EXTENSION_LIMIT, "it has too many header extensions", f"over {_EXTENSION_LIMIT}")
        extensions[kind] = read_exactly(cluster, offset, length, "header extensions")
        offset += (length + 7) // 8 * 8
    return extensions


def _backing_file(common: _Common, cluster: Memory) -> str | None:
    offset, length = common.backing_file_offset, common.backing_file_length
    if offset == 0:
        return None
    _demand(length <= _BACKING_FILE_LIMIT_BYTES, "its backing file name is too long", f"{length} bytes")
    return _decode(read_exactly(cluster, offset, length, "backing file name"))


def _decode(name: bytes | None) -> str | None:
    if name is None:
        return None
    _demand(len(name) <= _STRING_LIMIT_BYTES, "a name in its header extensions is too long", f"{len(name)} bytes")
    return name.decode("utf-8", errors="backslashreplace")


def _judge(header: Qcow2Header) -> None:
    """The limits and cross-references that every reader relies on; what QEMU tests when it opens an image."""
    cluster_size = header.cluster_size_bytes
    mapped = header.l1_entry_count * header.l2_entry_count * cluster_size
    refcount_bytes = header.refcount_table_clusters * cluster_size
    has_typed_compression = header.has_incompatible_feature(COMPRESSION_TYPE)
    is_extended = header.has_incompatible_feature(EXTENDED_L2)
    size = header.virtual_size_bytes
    _demand(size < 1 << 63, "its virtual size is absurd", f"{size} bytes")
    _demand(
        header.l1_entry_count * 8 <= _L1_LIMIT_BYTES, "its L1 table is too large", f"{header.l1_entry_count} entries"
    )
    _demand(size <= mapped, "its L1 table is too small", f"it maps {mapped} of {size} bytes")
    _demand(refcount_bytes > 0, "it has no refcount table")
    _demand(refcount_bytes <= _REFCOUNT_TABLE_LIMIT_BYTES, "its refcount table is too large", f"{refcount_bytes} bytes")
    _demand(
        header.refcount_order <= _REFCOUNT_ORDER_LIMIT, "its refcounts are too wide", f"2^{header.refcount_order} bits"
    )
    _demand(header.snapshot_count <= _SNAPSHOT_LIMIT, "it has too many snapshots", f"{header.snapshot_count}")
    _demand(
        not is_extended or header.cluster_bits in _EXTENDED_L2_CLUSTER_BITS,
        "its clusters are too small for subclusters",
        f"{cluster_size} bytes",
    )
    _demand(
        has_typed_compression == (header.compression_type != 0),
        "its compression type and the feature bit for it disagree",
        f"type {header.compression_type}, bit {int(has_typed_compression)}",
    )
    _judge_offset("L1 table", header.l1_table_offset, cluster_size, header.l1_entry_count)
    _judge_offset("refcount table", header.refcount_table_offset, cluster_size, header.refcount_table_clusters)
    _judge_offset("snapshot table", header.snapshots_offset, cluster_size, header.snapshot_count)


def _judge_offset(what: str, offset: int, cluster_size: int, entries: int) -> None:
    is_sane = entries == 0 or (0 < offset < 1 << 62 and offset % cluster_size == 0)
    _demand(is_sane, f"its {what} starts at no cluster", f"offset {offset}")


def _demand(is_so: bool, otherwise: str, details: str | None = None) -> None:
    if not is_so:
        raise ImageMalformed(f"the qcow2 header is not valid: {otherwise}", details=details, remedy=_REMEDY)
