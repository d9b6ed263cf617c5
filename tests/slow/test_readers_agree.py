"""Both readers of guests give the same facts, of every fixture that both can read.

An appliance of guestfs takes half a minute to start, so one of them gets many images, each as a disk of its own.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from byoi_tools.formats.source import ByteSource
from byoi_tools.inspection.container import open_virtual_disk
from byoi_tools.inspection.guest.read import GuestFacts, open_disk
from byoi_tools.inspection.guest.volumes.readers import Readers
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.inspection.open_source import open_source
from byoi_tools.model.fact import Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.guest.guest import Guest, TroubleKind, Volume
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.observer import Observer
from byoi_tools.tools.guestfs.appliance import Appliance, ImageFile, is_guestfs_installed
from byoi_tools.tools.guestfs.disk import GuestDisk
from byoi_tools.tools.guestfs.files import GuestfsFiles
from fixtures.debian.build import ensure_image
from fixtures.libguestfs import libguestfs_environment
from fixtures.tiny.byolinux import turn_into_byolinux
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.recipes import recipes
from fixtures.variants.build import VARIANTS
from tests.real_images import IMAGE, variant

APPLIANCES = 2
LARGE_BYTES = 1 << 28
LIFE_SECONDS = 3600
GUESTFS_ALONE = {"btrfs"}
# What Linux does not mount, because its end is missing, or another's; the native readers look at what is there.
NATIVE_ALONE = {
    "container.corrupt-bit.two_clusters_in_one_place",
    "container.truncated.raw_without_its_end",
    "fs.readable.partition_cut_short",
    "ptable.past-end.mbr_image_without_its_end",
    "ptable.past-end.root_ends_beyond_the_disk",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_guestfs_installed(), reason="guestfs is not installed"),
]


@dataclass(frozen=True)
class Example:
    """An image and what the native readers say of it."""

    name: str
    path: Path
    facts: Facts


@pytest.fixture(autouse=True)
def guestfs_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """guestfs needs a kernel for its appliance; a container, or a small virtual machine, has none of its own."""
    ensure_image(IMAGE)
    for name, value in libguestfs_environment(IMAGE.with_suffix(".raw")).items():
        monkeypatch.setenv(name, value)


def test_every_tiny_image(tmp_path: Path) -> None:
    """The good ones and every defect, but what is no disk that anybody could look into."""
    made = {recipe.name: recipe.build(tmp_path / recipe.name) for recipe in recipes()}
    made["good"] = Canvas(tmp_path / ".good").as_raw(tmp_path / "good.raw")
    made["good.qcow2"] = Canvas(tmp_path / ".qcow2").as_qcow2(tmp_path / "good.qcow2")
    made["byolinux"] = turn_into_byolinux(Canvas(tmp_path / ".byolinux")).as_raw(tmp_path / "byolinux.raw")
    assert compare(made) > 300


@pytest.mark.skipif(os.geteuid() != 0, reason="variants are built in an overlay, which needs root")
def test_every_real_image() -> None:
    made = {name: variant(name) for name in VARIANTS if name not in GUESTFS_ALONE}
    made |= {"debian": IMAGE.with_suffix(".raw"), "debian.qcow2": IMAGE}
    assert compare(made) == len(made)


def compare(images: dict[str, Path]) -> int:
    """Assert that both readers agree on each image; return how many guests that were."""
    with ThreadPoolExecutor(APPLIANCES) as pool:
        native = pool.map(lambda item: inspect_image(item[1], None, ReaderChoice.NATIVE), images.items())
        known = zip(images.items(), native, strict=True)
        examples = [Example(name, path, facts) for (name, path), facts in known if isinstance(facts.disk, Known)]
        examples = [example for example in examples if not is_damaged(example)]
        twins: dict[object, list[Example]] = defaultdict(list)
        for example, likeness in zip(examples, pool.map(what_is_read, examples), strict=True):
            twins[likeness].append(example)
        batches = [list(twins.values())[number::APPLIANCES] for number in range(APPLIANCES)]
        differences = [line for lines in pool.map(compare_batch, batches) for line in lines]
    assert not differences, "\n".join(differences)
    return sum(isinstance(example.facts.guest, Known) for example in examples)


def is_damaged(example: Example) -> bool:
    """Whether the container is damaged where a file system lies: then qemu does not give it to the appliance either."""
    troubles = [volume.trouble for volume in example.facts.volumes.known()]
    return any(trouble is not None and trouble.kind is TroubleKind.CONTAINER_DAMAGED for trouble in troubles)


def what_is_read(example: Example) -> object:
    """What guestfs reads of an image; those that have it in common are one disk of the appliance, which saves time."""
    with opened(example) as content:
        return tuple(
            (found.partition.number, sha256(content.read_at(sectors.start_bytes, sectors.size_bytes)).digest())
            if sectors.size_bytes < LARGE_BYTES
            else example.name
            for found in example.facts.disk.known().partitions
            for sectors in (found.partition.sectors,)
            if found.file_system is not None and found.file_system.name != "vfat"
        )


def compare_batch(batch: Sequence[Sequence[Example]]) -> list[str]:
    """What the readers disagree on, of images in one appliance."""
    with Appliance([image_file(twins[0]) for twins in batch], LIFE_SECONDS) as appliance:
        return [
            f"{example.name}: {what}"
            for number, twins in enumerate(batch)
            for disk in (OneMount(appliance, number),)
            for example in twins
            for what in compare_one(example, read_by_guestfs(example, disk))
        ]


class OneMount(GuestDisk):
    """Mounts a device once, and asks the appliance once for each file of it, for all twins."""

    def __init__(self, appliance: Appliance, number: int) -> None:
        super().__init__(appliance, number)
        self.open = cache(self._open)  # type: ignore[method-assign] # which is what a cache does

    def _open(self, device: str, subvolume: str = "") -> GuestfsFiles:
        files = super().open(device, subvolume)
        for question in ("status", "entries", "read", "read_link", "attributes"):
            setattr(files, question, cache(getattr(files, question)))
        return files


def image_file(example: Example) -> ImageFile:
    return ImageFile(example.path, "raw" if example.facts.container.qcow2 is None else "qcow2")


def read_by_guestfs(example: Example, disk: GuestDisk) -> GuestFacts:
    facts = example.facts
    bios = facts.bios.value if isinstance(facts.bios, Known) else None
    with (
        opened(example) as content,
        Readers(ReaderChoice.GUESTFS, disk) as readers,
        ThreadPoolExecutor(1) as aside,
    ):
        return open_disk(content, facts.disk.known(), readers, aside).read_guest(facts.esps.known(), bios)


@contextmanager
def opened(example: Example) -> Iterator[ByteSource]:
    with open_source(example.path, Observer()) as source:
        content = open_virtual_disk(source, example.facts.container)
        assert content is not None
        yield content


def compare_one(example: Example, guestfs: GuestFacts) -> Iterator[str]:
    """What the readers disagree on, of one image."""
    if example.name in NATIVE_ALONE:
        if isinstance(guestfs.guest, Known):
            yield "Linux mounts it"
    else:
        yield from disagreements(example.facts, guestfs)


def disagreements(native: Facts, guestfs: GuestFacts) -> Iterator[str]:
    """Everything but who read it; of what cannot be read, each reader tells in its own words."""
    one, other = native.guest, guestfs.guest
    if [without_reader(v) for v in native.volumes.known()] != [without_reader(v) for v in guestfs.volumes]:
        yield f"volumes: {native.volumes.known()} != {guestfs.volumes}"
    if isinstance(one, Known) != isinstance(other, Known):
        yield f"{one if isinstance(other, Known) else other}"
    if isinstance(one, Known) and isinstance(other, Known):
        for field in fields(Guest):
            mine, its = getattr(one.value, field.name), getattr(other.value, field.name)
            if field.name != "volumes" and mine != its:
                yield f"{field.name}: {mine} != {its}"
        if root_reader(one.value) != "native" or root_reader(other.value) != "guestfs":
            yield f"read by {root_reader(one.value)} and {root_reader(other.value)}"


def without_reader(volume: Volume) -> Volume:
    trouble = None if volume.trouble is None else replace(volume.trouble, reason="", remedy="")
    return replace(volume, reader="", trouble=trouble)


def root_reader(guest: Guest) -> str:
    return next(volume.reader for volume in guest.volumes if volume.mount_point == "/")
