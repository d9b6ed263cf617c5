"""Sizes: the image against the memory and the disk of the server that it is for, and against itself."""
# The catalogue takes the checks from here, in this order.
# ruff: noqa: F401, I001

from __future__ import annotations

from byoi_tools.checks.size.server import ram_limit, disk_limit, slack_end, bloat, mbr_2tib
from byoi_tools.checks.size.room import root_free
from byoi_tools.checks.size.server import sector_512_vs_4k, userdata_limit
