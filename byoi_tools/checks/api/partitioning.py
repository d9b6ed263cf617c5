"""The layout that is ordered for Bring Your Own Linux: what the provider would refuse in it, whatever the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.partitioning import SWAP, ZFS, LayoutItem
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

# `filesystems` of GET /dedicated/installationTemplate/byolinux_64, and the guide's table of RAID levels.
_RAID_LEVELS = {
    "btrfs": (0, 1, 5, 6, 10),
    "ext4": (0, 1, 5, 6, 10),
    "xfs": (0, 1, 5, 6, 10),
    ZFS: (0, 1, 5, 6, 7),
    SWAP: (1,),
}
# The provider does not publish its list; these belong to the kernel, to the boot, or to the provider's own partition.
_FORBIDDEN = ("/boot/efi", "/dev", "/etc", "/proc", "/run", "/sys")
_RESERVED_LV = re.compile(r"(snapshot|pvmove).*")  # lvm(8), "VALID NAMES"
_RESERVED_ZP = re.compile(r"(mirror|raidz|draid|spare|log|c[0-9]).*")  # zpool-create(8)
_MOUNT_POINT = re.compile(r"[A-Za-z0-9/._-]{1,256}")
_LV_NAME = re.compile(r"[A-Za-z0-9]{1,16}")
_ZP_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_:.]{0,238}")


@check(
    "api.partitioning",
    "the layout is one that the provider takes",
    Severity.ERROR,
    remedy="Correct the item in the file of --partitioning.",
    product=Product.BYOLINUX,
)
def partitioning(subject: Subject) -> Iterator[Observation]:
    """The layout is one that the provider takes.

    Why: the provider refuses some layouts at once, and others after it has wiped the disks.

    How: each item of the layout is compared with the rules behind the API's error classes: mount points (absolute,
    canonical, not hidden, at most 256 letters, digits and `/._-`, each once, `/` among them, none that the kernel or
    the provider mounts), file systems (btrfs, ext4, swap, xfs, zfs) and the RAID levels that they take, names of
    logical volumes and zpools, and sizes (one item at most fills the disk, and it is not the swap).

    Fix: correct the item that is named, in the file of `--partitioning`.

    Source: OVHcloud API, the classes `Client::BadRequest::Partition...` of `POST .../reinstall`; OVHcloud guide API and
    Storage (2026-06-29); lvm(8) and zpool-create(8) for reserved names.
    """
    wished = subject.planned.order.partitioning
    if wished is None or not wished.layout:
        return
    for number, item in enumerate(wished.layout, 1):
        where = name_item(number, item)
        for found in (*_judge_mount_point(item), *_judge_file_system(item), *_judge_names(item)):
            yield replace(found, evidence=where)
    yield from _judge_together(wished.layout)


def name_item(number: int, item: LayoutItem) -> str:
    """How findings call an item of the layout."""
    return f"layout item {number}: {quote(item.mount_point)}"


def _judge_mount_point(item: LayoutItem) -> Iterator[Observation]:
    path = item.mount_point
    if item.file_system == SWAP:
        return
    names = path.split("/")[1:]
    if not path.startswith("/"):
        yield _seen("a mount point is no absolute path", path, "a path that starts with /")
    elif not _MOUNT_POINT.fullmatch(path):
        yield _seen(
            "a mount point has characters that the provider does not take, or is too long",
            path,
            "at most 256 letters, digits, slashes, dots, underscores and hyphens",
        )
    elif path != "/" and path.endswith("/"):
        yield _seen("a mount point ends in a slash", path, path.rstrip("/") or "/")
    elif path != "/" and any(name == "" or name.startswith(".") for name in names):
        yield _seen("a mount point is hidden, or not canonical", path, "no empty name, and none that begins with a dot")
    elif any(path == forbidden or path.startswith(f"{forbidden}/") for forbidden in _FORBIDDEN):
        yield _seen("a mount point is not free", path, f"none of {', '.join(_FORBIDDEN)}")


def _judge_file_system(item: LayoutItem) -> Iterator[Observation]:
    levels = _RAID_LEVELS.get(item.file_system)
    if levels is None:
        yield _seen("the product does not make this file system", item.file_system, f"one of {', '.join(_RAID_LEVELS)}")
    elif item.level not in levels:
        yield _seen(
            f"{item.file_system} does not take this RAID level",
            f"raidLevel {item.level}",
            f"one of {', '.join(map(str, levels))}",
        )


def _judge_names(item: LayoutItem) -> Iterator[Observation]:
    lv, zp = item.lv_name, item.zp_name
    if lv is not None and item.file_system in (SWAP, ZFS):
        yield _seen(f"{item.file_system} cannot lie on a logical volume", f"extras.lv.name {lv}", "no extras.lv")
    elif lv is not None and not _LV_NAME.fullmatch(lv):
        yield _seen("this is no name of a logical volume", lv, "1 to 16 letters and digits")
    elif lv is not None and _RESERVED_LV.fullmatch(lv):
        yield _seen("LVM keeps this name for itself", lv, "a name that begins with neither snapshot nor pvmove")
    if zp is not None and item.file_system != ZFS:
        yield _seen("only zfs has a zpool", f"extras.zp.name {zp}", "no extras.zp, or fileSystem zfs")
    elif zp is not None and not _ZP_NAME.fullmatch(zp):
        yield _seen("this is no name of a zpool", zp, "a letter, then at most 238 letters, digits, _ : and .")
    elif zp is not None and _RESERVED_ZP.fullmatch(zp):
        yield _seen(
            "ZFS keeps this name for itself", zp, "no name that begins as mirror, raidz, draid, spare, log or c0"
        )


def _judge_together(layout: tuple[LayoutItem, ...]) -> Iterator[Observation]:
    """What only several items can break."""
    if not any(item.mount_point == "/" for item in layout):
        yield _seen("the layout has no root", "no mountPoint /", "an item with mountPoint /", "layout")
    fillers: list[str] = []
    mount_points: set[str] = set()
    lv_names: set[str] = set()
    pools: dict[str, int] = {}
    for number, item in enumerate(layout, 1):
        where = name_item(number, item)
        if item.mount_point in mount_points:
            yield _seen("a mount point is given twice", item.mount_point, "each mount point once", where)
        if item.lv_name is not None and item.lv_name in lv_names:
            yield _seen("the name of a logical volume is given twice", item.lv_name, "each name once", where)
        if item.zp_name is not None and pools.setdefault(item.zp_name, item.level) != item.level:
            levels = f"raidLevel {pools[item.zp_name]}, as for the other items of {quote(item.zp_name)}"
            yield _seen("a zpool has two RAID levels", f"raidLevel {item.level}", levels, where)
        if item.size_mib == 0 and item.file_system == SWAP:
            yield _seen("swap cannot fill the disk", "size 0", "a size in MiB", where)
        elif item.size_mib == 0:
            fillers.append(where)
        mount_points.add(item.mount_point)
        lv_names.update([item.lv_name] if item.lv_name is not None else [])
    for where in fillers[1:]:
        yield _seen("more than one item fills the disk", "size 0", f"size 0 for {fillers[0]} alone", where)


def _seen(message: str, observed: str, expected: str, evidence: str = "") -> Observation:
    return Observation(message, observed=quote(observed), expected=expected, evidence=evidence)
