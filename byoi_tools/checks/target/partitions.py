"""The layout that is ordered for Bring Your Own Linux, against the disks of the server."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.api.partitioning import name_item
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.partitioning import SWAP, ZFS, LayoutItem
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.sizes import exact_size

_GROUPS = "diskGroups of specifications/hardware"
_FEWEST_DISKS = {0: 1, 1: 2, 5: 3, 6: 4, 10: 4}
_FEWEST_DISKS_OF_ZFS = {0: 1, 1: 2, 5: 3, 6: 5, 7: 7}


@check(
    "target.partitioning",
    "the layout fits the server's disks",
    Severity.ERROR,
    remedy="Use fewer disks, less room or other RAID levels in the file of --partitioning, or another --disk-group.",
    product=Product.BYOLINUX,
)
def partitioning(subject: Subject) -> Iterator[Observation]:
    """The layout fits the server's disks.

    Why: a layout for more disks than the group has is refused. One that is too large ends the installation with "Please
    adjust partitions", the disks already wiped. A RAID level that needs more disks is lowered without a word (6, 10, 5,
    1, 0), so that the server gets another redundancy than was ordered.

    How: `disks` is compared with `numberOfDisks` of the group; for each RAID level that is written in the layout the
    fewest disks that it needs, as the guide's tables have them, with the disks in use (a warning); and the sum of the
    sizes, spread over the disks as their RAID levels do at best, with the `diskSize`. Skipped where the API does not
    tell the disks.

    Fix: lower `disks`, `size` or `raidLevel`, or choose another group with `--disk-group`.

    Source: OVHcloud API, `Client::Conflict::PartitioningTooManyDisks`; OVHcloud guide API and Storage (2026-06-29),
    sections on vdevs, errors and auto-fixing.
    """
    planned = subject.planned
    wished = planned.order.partitioning
    if wished is None:
        return
    group = planned.server.disk_group(planned.order.disk_group_id).known()
    if group is None:
        raise NotKnownError("the server has no such disk group")
    available = group.disk_count.known()
    disks = wished.disks or available
    if disks > available:
        yield Observation(
            "the layout is for more disks than the disk group has",
            observed=f"disks {disks}",
            expected=f"at most {available}",
            evidence=_GROUPS,
        )
        return
    for number, item in enumerate(wished.layout, 1):
        yield from _judge_level(item, disks, name_item(number, item))
    needed = sum(_least_bytes(item, disks) for item in wished.layout)
    room = group.disk_size_bytes.known()
    if needed > room:
        yield Observation(
            "the layout is larger than the disks",
            observed=f"{exact_size(needed)} on each of {disks} disks",
            expected=f"at most {exact_size(room)}",
            evidence=_GROUPS,
        )


def _judge_level(item: LayoutItem, disks: int, where: str) -> Iterator[Observation]:
    """A level that was not written is the provider's to choose; that of swap means nothing."""
    fewest = (_FEWEST_DISKS_OF_ZFS if item.file_system == ZFS else _FEWEST_DISKS).get(item.level, 1)
    if item.raid_level is not None and item.file_system != SWAP and disks < fewest:
        yield Observation(
            "a RAID level needs more disks, and the provider will lower it",
            observed=f"raidLevel {item.level} on {disks} disk{'s' if disks > 1 else ''}",
            expected=f"{fewest} disks or more",
            evidence=where,
            severity=Severity.WARNING,
        )


def _least_bytes(item: LayoutItem, disks: int) -> int:
    """What the item takes of each disk at least; mirrors and swap take their whole size."""
    parity = {0: 0, 5: 1, 6: 2, 7: 3}.get(item.level)
    data_disks = 1 if item.file_system == SWAP or parity is None else max(1, disks - parity)
    if item.level == 10:
        data_disks = max(1, disks // 2)
    return (item.size_mib << 20) // data_disks
