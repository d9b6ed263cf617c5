"""Reads which file is the disk of a virtual machine from its OVF descriptor (DMTF DSP0243, 2.1: clauses 7.1 and 9.1).

Of the XML only `References/File` and `DiskSection/Disk` are looked at. A document type declaration is refused, so that
there are no entities, internal or external; nothing is ever fetched.
"""

from __future__ import annotations

from dataclasses import field
from xml.parsers import expat

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.quoting import quote

_NAMESPACE_SEPARATOR = " "
_FILE = ("Envelope", "References", "File")
_DISK = ("Envelope", "DiskSection", "Disk")
_DEEPEST = 64
_REMEDY = "Export the machine again as OVA, with one disk, or convert the disk by its own name."


@dataclass(frozen=True, slots=True)
class OvfDisk:
    """The file of the only disk: what the descriptor calls it, and the size that it states, if any."""

    href: str
    size_bytes: int | None


@dataclass(slots=True)
class _Descriptor:
    path: list[str] = field(default_factory=list)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    disks: list[dict[str, str]] = field(default_factory=list)

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.path.append(_local(name))
        if len(self.path) > _DEEPEST:
            raise _malformed(f"its elements are nested deeper than {_DEEPEST}")
        local = {_local(key): value for key, value in attributes.items()}
        if tuple(self.path) == _FILE:
            identity = local.get("id", "")
            if identity in self.files:
                raise _malformed(f"it has two files with the id {quote(identity)}")
            self.files[identity] = local
        if tuple(self.path) == _DISK:
            self.disks.append(local)

    def end(self, name: str) -> None:
        self.path.pop()


def read_ovf(content: bytes) -> OvfDisk:
    """Return the one disk of the machine.

    Raises `ImageMalformed` for what is no OVF descriptor, or has not exactly one disk with a file; `ImageUnsafe` for a
    document type declaration, a parent disk, or a file that is somewhere else.
    """
    descriptor = _parse(content)
    if len(descriptor.disks) != 1:
        raise _malformed(f"it describes {len(descriptor.disks)} disks; one was expected")
    (disk,) = descriptor.disks
    if disk.get("parentRef"):
        raise _unsafe(f"its disk needs another one, {quote(disk['parentRef'])}")
    file = descriptor.files.get(disk.get("fileRef", ""))
    if file is None or "href" not in file:
        raise _malformed("its disk refers to no file")
    if "chunkSize" in file:
        raise _malformed("its disk is split into several files (chunkSize)")
    return OvfDisk(_checked_href(file["href"]), _size(file.get("size")))


def _parse(content: bytes) -> _Descriptor:
    descriptor = _Descriptor()
    parser = expat.ParserCreate(namespace_separator=_NAMESPACE_SEPARATOR)
    parser.StartElementHandler = descriptor.start
    parser.EndElementHandler = descriptor.end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as failure:  # also an encoding that nobody knows
        raise _malformed(f"it is no XML: {failure}") from failure
    return descriptor


def _refuse_doctype(name: str, system_id: str | None, public_id: str | None, has_internal_subset: int) -> None:
    raise _unsafe("it has a document type declaration, which can define entities")


def _local(name: str) -> str:
    return name.rpartition(_NAMESPACE_SEPARATOR)[2]


def _checked_href(href: str) -> str:
    if "://" in href or href.startswith("/") or ".." in href.split("/"):
        raise _unsafe(f"its disk is somewhere else: {quote(href)}")
    return href.removeprefix("./")


def _size(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 20 else None


def _malformed(why: str) -> ImageMalformed:
    return ImageMalformed("the OVF descriptor is not what one disk needs", details=why, remedy=_REMEDY)


def _unsafe(why: str) -> ImageUnsafe:
    return ImageUnsafe("the OVF descriptor refers to something outside the archive", details=why, remedy=_REMEDY)
