"""Tells which initramfs a boot loader gives to a kernel, in paths of the guest's own tree."""

from __future__ import annotations

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.inspection.guest.volumes.devices import known_devices
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.guest.boot import BootChain, BootEntry
from byoi_tools.model.guest.kernels import is_microcode_image


@dataclass(frozen=True, slots=True)
class LoadedInitrds:
    """Of each default entry the kernel and the initrds, each as the paths where the guest's tree may have it."""

    entries: tuple[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], ...]

    def of_kernel(self, tree: GuestTree, kernel: str, named: str) -> str:
        """The initramfs that the first entry with this kernel loads, microcode aside; `named` where that is among them.

        `named` too where no entry starts the kernel, or what the entry loads is not there.
        """
        for kernels, initrds in self.entries:
            if kernel not in (tree.resolve(path) for path in kernels):
                continue
            found = [path for each in initrds if (path := _first_file(tree, each)) is not None]
            return named if not found or (tree.resolve(named) if named else "") in found else found[-1]
        return named


def loaded_initrds(context: GuestContext, chains: tuple[BootChain, ...]) -> LoadedInitrds:
    """What the default entries of all loaders give to their kernels; raises what the context's tree raises."""
    entries = [chain.entry for chain in chains if chain.entry is not None and chain.entry.initrds]
    if not entries:
        return LoadedInitrds(())
    points = {device.source: device.mount_point for device in known_devices(context).devices if device.mount_point}
    return LoadedInitrds(
        tuple(
            (_places(entry.kernel, points[entry.device]), _initrd_places(entry, points[entry.device]))
            for entry in entries
            if entry.device in points
        )
    )


def _initrd_places(entry: BootEntry, point: str) -> tuple[tuple[str, ...], ...]:
    return tuple(_places(each, point) for each in entry.initrds if not is_microcode_image(each))


def _places(path: str, point: str) -> tuple[str, ...]:
    """Below the mount point; on btrfs the first part of the path may be the subvolume that is mounted there."""
    below = path.strip("/")
    inner = below.partition("/")[2]
    return tuple(f"{point.rstrip('/')}/{each}" for each in (below, inner) if each)


def _first_file(tree: GuestTree, paths: tuple[str, ...]) -> str | None:
    return next((tree.resolve(path) for path in paths if tree.is_file(path)), None)
