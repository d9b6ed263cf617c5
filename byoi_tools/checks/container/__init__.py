"""The file around the virtual disk: its format, its features, its length."""
# The catalogue takes the checks from here, in this order.
# ruff: noqa: F401, I001

from __future__ import annotations

from byoi_tools.checks.container.formats import format_mismatch, unsupported_format, compressed_wrapper
from byoi_tools.checks.container.formats import ambiguous_format, iso_hybrid
from byoi_tools.checks.container.qcow2 import backing_file, data_file, unknown_features, dirty_bit, corrupt_bit
from byoi_tools.checks.container.qcow2 import compression_zstd, extended_l2, encrypted, internal_snapshots
from byoi_tools.checks.container.extent import truncated, raw_multiple_512, trailing_garbage
from byoi_tools.checks.container.extent import sparse_holes, hostile_limits
