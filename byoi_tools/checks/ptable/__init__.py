"""The partition table: GPT, MBR, what they list and where that is."""
# The catalogue takes the checks from here, in this order.
# ruff: noqa: F401, I001

from __future__ import annotations

from byoi_tools.checks.ptable.listing import present, bootsector_not_mbr
from byoi_tools.checks.ptable.gpt import gpt_header_crc, gpt_entries_crc, gpt_backup, gpt_backup_beyond
from byoi_tools.checks.ptable.gpt_entries import gpt_usable_range
from byoi_tools.checks.ptable.placement import overlap, past_end
from byoi_tools.checks.ptable.mbr import pmbr, hybrid_mbr, mbr_signature, mbr_active, mbr_primaries
from byoi_tools.checks.ptable.gpt_entries import gpt_free_entry
from byoi_tools.checks.ptable.placement import last_is_growable, alignment
from byoi_tools.checks.ptable.gpt_entries import dup_partuuid
from byoi_tools.checks.ptable.mbr import mbr_disk_id
from byoi_tools.checks.ptable.listing import unknown_types
from byoi_tools.checks.ptable.devices import multi_disk
