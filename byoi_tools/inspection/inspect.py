"""Reads one image from the outside in: container, disk, EFI system partitions, legacy boot code, guest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.formats.source import ByteSource
from byoi_tools.inspection.bios_boot import read_bios_boot
from byoi_tools.inspection.container import open_virtual_disk, read_container
from byoi_tools.inspection.esps import read_esps
from byoi_tools.inspection.guest.read import open_disk
from byoi_tools.inspection.guest.volumes.readers import Readers
from byoi_tools.inspection.open_source import open_source
from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.image import Container
from byoi_tools.model.location import ImageLocation
from byoi_tools.model.observer import Observer
from byoi_tools.model.secret import Secret
from byoi_tools.tools.guestfs.appliance import Appliance, ImageFile
from byoi_tools.tools.guestfs.disk import GuestDisk


def nothing() -> None:
    """Do nothing meanwhile."""


def inspect_image(
    location: ImageLocation,
    observer: Observer | None = None,
    reader: ReaderChoice = ReaderChoice.AUTO,
    luks_key: Secret | None = None,
    meanwhile: Callable[[], object] = nothing,
) -> Facts:
    """Return the facts of an image; reads nothing but that image, and of it only what the facts need.

    Raises `ImageError` when a path is no readable regular file, or the container cannot be decoded at all, and
    `StorageError` when a remote image cannot be fetched, whatever was to be read. Damage further inside is not an
    error: those facts are not examined, with the reason. `reader` says who reads the guest's file systems; raises
    `ToolMissing` when that is guestfs and it is not installed. `luks_key` opens what is encrypted.
    `meanwhile` is called where an initramfs is opened aside: for what the caller has to do in any case.
    """
    with open_source(location, observer or Observer()) as source:
        file = location if isinstance(location, Path) else None
        return inspect_source(source, str(location), source.allocated_bytes, reader, file, luks_key, meanwhile)


def inspect_source(
    source: ByteSource,
    path: str,
    allocated_bytes: int,
    reader: ReaderChoice = ReaderChoice.AUTO,
    file: Path | None = None,
    luks_key: Secret | None = None,
    meanwhile: Callable[[], object] = nothing,
) -> Facts:
    """Return the facts of an image that is already open; `path` is its name in the facts.

    `file` is where another program could open it too. Raises what `inspect_image` raises.
    """
    container = read_container(source, path, allocated_bytes)
    try:
        virtual_disk = open_virtual_disk(source, container)
    except ImageUnsafe as unsafe:
        return _closed(container, unsafe.message)
    except ImageMalformed as malformed:
        return _closed(replace(container, damage=malformed.message), malformed.message)
    if virtual_disk is None:
        return _closed(container, f"the inside of {container.format.value} files is not read; convert it first")
    try:
        disk = read_disk(virtual_disk)
    except ImageMalformed as malformed:
        return _closed(replace(container, damage=_in_words(malformed)), malformed.message)
    with _readers(container, reader, file, luks_key) as readers:
        return _open(container, virtual_disk, disk, readers, meanwhile)


def _closed(container: Container, reason: str) -> Facts:
    unknown = NotExamined(reason)
    return Facts(container, disk=unknown, esps=unknown, bios=unknown, volumes=unknown, guest=unknown)


@contextmanager
def _readers(
    container: Container, reader: ReaderChoice, file: Path | None, luks_key: Secret | None
) -> Iterator[Readers]:
    """The readers of an image, which may start an appliance for it; an ISO file is as raw as others for qemu."""
    images = [] if file is None else [ImageFile(file, "raw" if container.qcow2 is None else "qcow2")]
    with (
        Appliance(images) as appliance,
        Readers(reader, GuestDisk(appliance) if images else None, luks_key) as readers,
    ):
        yield readers


def _open(
    container: Container, source: ByteSource, disk: Disk, readers: Readers, meanwhile: Callable[[], object]
) -> Facts:
    with ThreadPoolExecutor(1, thread_name_prefix="initramfs") as aside:
        opened = open_disk(source, disk, readers, aside)
        meanwhile()
        try:
            bios: Fact[BiosBoot] = Known(read_bios_boot(source, disk))
        except ImageMalformed as malformed:
            bios = NotExamined(malformed.message)
            container = replace(container, damage=_in_words(malformed))
        esps = read_esps(source, disk)
        inside = opened.read_guest(esps, bios.value if isinstance(bios, Known) else None)
    return Facts(
        container, disk=Known(disk), esps=Known(esps), bios=bios, volumes=Known(inside.volumes), guest=inside.guest
    )


def _in_words(malformed: ImageMalformed) -> str:
    return f"{malformed.message} ({malformed.details})" if malformed.details else malformed.message
