"""What a qcow2 header and its cluster map say (QEMU, docs/interop/qcow2.txt)."""

from __future__ import annotations

from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.fact import Fact

DIRTY = 1 << 0
CORRUPT = 1 << 1
EXTERNAL_DATA_FILE = 1 << 2
COMPRESSION_TYPE = 1 << 3
EXTENDED_L2 = 1 << 4
KNOWN_INCOMPATIBLE_FEATURES = DIRTY | CORRUPT | EXTERNAL_DATA_FILE | COMPRESSION_TYPE | EXTENDED_L2


@dataclass(frozen=True, slots=True)
class Qcow2Header:
    """The header, decoded; offsets in bytes from the start of the file.

    `backing_file`, `backing_format` and `data_file` are names as the image holds them: hostile, never opened.
    `encryption_method` is 0 (none), 1 (AES) or 2 (LUKS); `compression_type` 0 (zlib, raw deflate) or 1 (zstd).
    `extension_types` are the type numbers of the header extensions in their order.
    """

    version: int
    virtual_size_bytes: int
    cluster_bits: int
    encryption_method: int
    l1_entry_count: int
    l1_table_offset: int
    refcount_table_offset: int
    refcount_table_clusters: int
    refcount_order: int
    snapshot_count: int
    snapshots_offset: int
    incompatible_features: int
    compatible_features: int
    autoclear_features: int
    header_length_bytes: int
    compression_type: int
    backing_file: str | None
    backing_format: str | None
    data_file: str | None
    extension_types: tuple[int, ...]

    @property
    def cluster_size_bytes(self) -> int:
        """The size of a cluster."""
        return 1 << self.cluster_bits

    @property
    def l2_entry_count(self) -> int:
        """How many entries, of 8 bytes or extended of 16, an L2 table has; it fills one cluster."""
        return self.cluster_size_bytes // (16 if self.has_incompatible_feature(EXTENDED_L2) else 8)

    @property
    def unknown_incompatible_features(self) -> int:
        """The incompatible feature bits that the specification does not name."""
        return self.incompatible_features & ~KNOWN_INCOMPATIBLE_FEATURES

    def has_incompatible_feature(self, bit: int) -> bool:
        """Whether the incompatible feature bit (one of this module's constants) is set."""
        return bool(self.incompatible_features & bit)


@dataclass(frozen=True, slots=True)
class Qcow2ClusterMap:
    """What the L1 and L2 tables refer to, counted; `end_bytes` is the end of the last byte they need in the file.

    `zero_clusters` are flagged to read as zeros, whether preallocated or not; their place in the file is not needed.
    Of a compressed cluster's last sector one byte is needed, of a cluster with subclusters one subcluster.
    `missing_clusters` counts mapped clusters and tables that lie (partly) beyond the end of the file,
    `misaligned_entries` table entries whose offset is no multiple of the cluster size. `shared_clusters` counts guest
    clusters whose host cluster another one maps too, although both say that its reference count is one.
    """

    data_clusters: int
    compressed_clusters: int
    zero_clusters: int
    end_bytes: int
    missing_clusters: int
    misaligned_entries: int
    shared_clusters: int = 0


@dataclass(frozen=True, slots=True)
class Qcow2Facts:
    """The header, and the map where the header allowed to read it."""

    header: Qcow2Header
    cluster_map: Fact[Qcow2ClusterMap]
