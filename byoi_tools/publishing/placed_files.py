"""Finds and removes what this tool has in a directory that a web server serves, and nothing of anybody else.

A file is ours when its name has the form of ours and a manifest beside it describes it; what lies there under the name
of a sidecar is ours when it holds what a sidecar holds. Copies that were never ended have a name that only we give.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest
from byoi_tools.model.publishing.own_object import (
    Fate,
    ForeignObject,
    OwnEntry,
    OwnLeftover,
    OwnObject,
    OwnUpload,
    Removal,
)
from byoi_tools.model.publishing.published import FileAddress
from byoi_tools.publishing.manifest import NotAManifest, parse_manifest
from byoi_tools.publishing.ownership import parse_key
from byoi_tools.publishing.removal import foreign_error, require_own_name
from byoi_tools.publishing.sidecars import MANIFEST_SUFFIX
from byoi_tools.tools.served_directory import ListedFile, ServedDirectory

_LARGEST_SIDECAR_BYTES = 2**20
_PART = re.compile(r"\.(?P<name>.+?)(?:\.[0-9a-f]{8})?\.part", re.ASCII)


@dataclass(slots=True)
class _Group:
    """An image as it is listed, if it is, what lies beside it by suffix, and copies of it that were never ended."""

    image: ListedFile | None = None
    sidecars: dict[str, ListedFile] = field(default_factory=dict)
    parts: list[ListedFile] = field(default_factory=list)


class PlacedFiles:
    """The files of this tool in a directory; those in directories below are not looked at.

    The observer is told of what was passed over. All methods raise `StorageError`.
    """

    prefix = ""

    def __init__(self, directory: Path, observer: Observer) -> None:
        self._directory = directory
        self._served = ServedDirectory(directory)
        self._observer = observer

    def entries(self) -> Iterator[OwnEntry | ForeignObject]:
        """Yield everything of ours, by name, and what only looks like it."""
        groups: dict[str, _Group] = {}
        others = sum(not _sort_in(found, groups) for found in self._served.files())
        for name in sorted(groups):
            yield from self._examine(name, groups[name])
        if others:
            self._observer.noted(f"{others} in {self._directory} not named as byoi-tools names: not looked at")

    def named(self, names: Iterable[str]) -> list[OwnEntry]:
        """Return what there is of images by their names; warns of names of which nothing is there.

        Raises `UsageError` for what byoi-tools did not write.
        """
        wanted = dict.fromkeys(names)
        for name in wanted:
            require_own_name(name, name)
        found = [entry for entry in self.entries() if entry.address.key in wanted]
        own: list[OwnEntry] = []
        for entry in found:
            if isinstance(entry, ForeignObject):
                raise foreign_error(entry, "no manifest of byoi-tools beside it describes it")
            own.append(entry)
        for name in [name for name in wanted if name not in {entry.address.key for entry in found}]:
            self._observer.warned(f"there is no {self._address(name)}")
        return own

    def remove(self, entry: OwnEntry) -> Removal:
        """Remove the entry, the image before its sidecars, unless something else lies there by now."""
        name = entry.address.key
        if isinstance(entry, OwnUpload):
            is_removed = self._served.remove_abandoned(entry.upload_id)
            return Removal(entry, Fate.REMOVED if is_removed else Fate.CHANGED)
        now = next(
            (each for each in self.entries() if each.address.key == name and isinstance(each, type(entry))), None
        )
        if now != entry:
            return Removal(entry, Fate.CHANGED)
        for suffix in ("", *entry.sidecars) if isinstance(entry, OwnObject) else entry.sidecars:
            self._served.remove(name + suffix)
        return Removal(entry, Fate.REMOVED)

    def _examine(self, name: str, group: _Group) -> Iterator[OwnEntry | ForeignObject]:
        address = self._address(name)
        manifest = self._manifest_of(name) if MANIFEST_SUFFIX in group.sidecars else None
        if group.image is None and group.sidecars:
            own = {suffix: each for suffix, each in group.sidecars.items() if self._is_sidecar(name, suffix)}
            yield _leftover(address, own) if own else ForeignObject(self._address(min(group.sidecars.values()).name))
        elif group.image is not None and (manifest is None or manifest.size_bytes != group.image.size_bytes):
            yield ForeignObject(address)
        elif group.image is not None and manifest is not None:
            own = {suffix: each for suffix, each in group.sidecars.items() if self._is_sidecar(name, suffix)}
            yield OwnObject(
                address,
                group.image.size_bytes,
                max(each.modified for each in (group.image, *own.values())),
                manifest.run_id,
                manifest.tools.get("byoi-tools", ""),
                manifest.digest(DigestAlgorithm.SHA256),
                tuple(sorted(own)),
            )
        for part in group.parts:
            yield OwnUpload(address, part.size_bytes, part.modified, part.name)

    def _manifest_of(self, name: str) -> Manifest | None:
        """The manifest of the image with that name, when it is one and of that image."""
        content = self._read(name + MANIFEST_SUFFIX)
        try:
            manifest = parse_manifest(content) if content is not None else None
        except NotAManifest:
            return None
        return manifest if manifest is not None and manifest.object_name == name else None

    def _is_sidecar(self, name: str, suffix: str) -> bool:
        """Whether it holds what we write there: a manifest of the image, or a line for `sha256sum -c`."""
        if suffix == MANIFEST_SUFFIX:
            return self._manifest_of(name) is not None
        line = rb"[0-9a-f]{%d}  %b\n" % (DigestAlgorithm(suffix[1:]).hex_length, re.escape(name.encode()))
        return re.fullmatch(line, self._read(name + suffix) or b"") is not None

    def _read(self, name: str) -> bytes | None:
        content = self._served.read(name, _LARGEST_SIDECAR_BYTES + 1)
        return content if content is not None and len(content) <= _LARGEST_SIDECAR_BYTES else None

    def _address(self, name: str) -> FileAddress:
        return FileAddress(self._directory / name)


def _leftover(address: FileAddress, own: dict[str, ListedFile]) -> OwnLeftover:
    return OwnLeftover(
        address,
        sum(each.size_bytes for each in own.values()),
        max(each.modified for each in own.values()),
        tuple(sorted(own)),
    )


def _sort_in(found: ListedFile, groups: dict[str, _Group]) -> bool:
    """Put the file where it belongs; False when its name has not the form of ours."""
    part = _PART.fullmatch(found.name)
    own = parse_key(part["name"] if part else found.name)
    if own is None:
        return False
    group = groups.setdefault(own.object_key, _Group())
    if part:
        group.parts.append(found)
    elif own.sidecar:
        group.sidecars[own.sidecar] = found
    else:
        group.image = found
    return True
