"""The file systems of an image as boot loaders reach them: by GRUB's names, before anything is mounted."""

from __future__ import annotations

import re

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.volumes.devices import known_devices
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import EspContent, fold_path
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import Known
from byoi_tools.model.guest.devices import KnownDevice
from byoi_tools.model.guest.mounts import FstabEntry

_TEXT_LIMIT_BYTES = 512 * 1024
_HEAD_BYTES = 16 * 1024
_PATH = re.compile(r"\(([^()]*)\)(.*)", re.DOTALL)
_PARTITION = re.compile(r"(?:hd0)?,(?:gpt|msdos)?([0-9]+)")


@dataclass(frozen=True, slots=True)
class BootPlace:
    """A partition or volume, and how its files are reached.

    `mount_point` is where the guest mounts it, `subvolume` which part of it (`/@`); `content` is that of an ESP. With
    neither its files cannot be read.
    """

    name: str
    device: KnownDevice
    mount_point: str
    subvolume: str
    content: EspContent | None

    @property
    def is_readable(self) -> bool:
        """Whether its files can be read at all."""
        return bool(self.mount_point) or self.content is not None


class BootPlaces:
    """Every place of one image. Raises what the context's tree raises."""

    def __init__(self, context: GuestContext, fstab: tuple[FstabEntry, ...]) -> None:
        self.known = known_devices(context)
        self._tree = context.tree
        esps = {str(esp.partition): esp.content.value for esp in context.esps if isinstance(esp.content, Known)}
        subvolumes = {entry.mount_point: entry.option("subvol") for entry in fstab}
        kind = "gpt" if context.disk.scheme is TableScheme.GPT else "msdos"
        self.places = tuple(
            BootPlace(
                name=_grub_name(device.source, kind),
                device=device,
                mount_point=device.mount_point,
                subvolume=_slashed(subvolumes.get(device.mount_point, "")),
                content=esps.get(device.source),
            )
            for device in self.known.devices
        )
        self._by_name = {place.name: place for place in self.places}

    def of_source(self, source: str) -> BootPlace | None:
        """The place of a partition (`partition 2`)."""
        return next((place for place in self.places if place.device.source == source), None)

    def locate(self, path: str) -> tuple[BootPlace | None, str]:
        """The place and the inner path of a path with GRUB's device."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None, path
        numbered = _PARTITION.fullmatch(found[1])
        if numbered:
            return self.of_source(f"partition {int(numbered[1])}"), found[2]
        return self._by_name.get(found[1]), found[2]

    def shown(self, path: str) -> str:
        """A path with the partition that GRUB's device name means (`/boot/grub/grub.cfg on partition 3`)."""
        place, inner = self.locate(path)
        return f"{inner} on {place.device.source}" if place else path

    def is_file(self, path: str) -> bool:
        """Whether a file is there; no where the device cannot be read."""
        place, inner = self.locate(path)
        if place is None:
            return False
        if place.content is not None:
            entry = place.content.find(inner)
            return entry is not None and not entry.is_directory
        return any(self._tree.is_file(mounted) for mounted in _mounted(place, inner))

    def is_directory(self, path: str) -> bool:
        """Whether a directory is there."""
        place, inner = self.locate(path)
        if place is None:
            return False
        if place.content is not None:
            entry = place.content.find(inner)
            return inner.strip("/") == "" or (entry is not None and entry.is_directory)
        return any(self._tree.is_directory(mounted) for mounted in _mounted(place, inner))

    def read(self, path: str) -> str | None:
        """The text of a file; None where there is none or it cannot be read."""
        place, inner = self.locate(path)
        if place is not None and place.content is not None:
            wanted = fold_path(inner)
            texts = (text for text in place.content.texts if fold_path(text.path) == wanted)
            found = next(texts, None)
            return None if found is None else found.content.decode("utf-8", "replace")
        content = self._read(place, inner, _TEXT_LIMIT_BYTES) if place is not None else None
        return None if content is None else content.decode("utf-8", "replace")

    def head(self, path: str) -> bytes:
        """The first bytes of a file outside of the ESPs; empty where there is none."""
        place, inner = self.locate(path)
        return (self._read(place, inner, _HEAD_BYTES) or b"") if place is not None else b""

    def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, ordered."""
        place, inner = self.locate(path)
        if place is None:
            return ()
        if place.content is not None:
            prefix = fold_path(inner) + "/"
            inside = [entry.path for entry in place.content.entries if fold_path(entry.path).startswith(prefix)]
            return tuple(
                sorted(path.rpartition("/")[2] for path in inside if fold_path(path).count("/") == prefix.count("/"))
            )
        return next((names for mounted in _mounted(place, inner) if (names := self._tree.names(mounted))), ())

    def search(self, kind: str, value: str) -> str | None:
        """The device that a search by `fs-uuid`, `label` or `file` finds (`hd0,gpt3`), or None; UUIDs in any case."""
        for place in self.places:
            if kind == "fs-uuid" and place.device.uuid and place.device.uuid.lower() == value.lower():
                return place.name
            if kind == "label" and place.device.label and place.device.label == value:
                return place.name
            if kind == "file" and place.is_readable and self.is_file(f"({place.name}){value}"):
                return place.name
        return None

    def _read(self, place: BootPlace, inner: str, limit_bytes: int) -> bytes | None:
        contents = (self._tree.read(mounted, limit_bytes) for mounted in _mounted(place, inner))
        return next((content for content in contents if content is not None), None)


def _mounted(place: BootPlace, inner: str) -> list[str]:
    """Where the guest's tree may have a path of the place; GRUB's paths begin at the top of a btrfs."""
    if not place.mount_point:
        return []
    paths = [inner]
    if place.subvolume and inner.startswith(f"{place.subvolume}/"):
        paths.insert(0, inner.removeprefix(place.subvolume))
    return [f"{place.mount_point.rstrip('/')}/{path.lstrip('/')}" for path in paths]


def _grub_name(source: str, kind: str) -> str:
    partition, _, volume = source.partition(", volume ")
    if volume:
        return f"lvm/{volume.replace('-', '--').replace('/', '-', 1)}"
    number = partition.removeprefix("partition ")
    return f"hd0,{kind}{number}" if number.isdigit() else "hd0"


def _slashed(subvolume: str) -> str:
    return f"/{subvolume.strip('/')}" if subvolume.strip("/") else ""
