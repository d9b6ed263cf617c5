"""Judges the downloaded file by its content, before anything is written to a disk."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

from byoi_tools.rehearsal.disk import cannot_write
from byoi_tools.rehearsal.partitions import probe_content, probe_table
from byoi_tools.rehearsal.programs import run
from byoi_tools.rehearsal.refusals import InstallationError

# Offset and magic bytes of what people send in place of a disk image.
_MAGICS = (
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vpc"),
    (64, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
    (257, b"ustar", "tar"),
    (0, b"<!DOCTYPE", "html"),
    (0, b"<html", "html"),
    (0, b"<?xml", "xml"),
)
_TABLES = ("gpt", "dos")


def check_format(image: Path, image_type: str, halt: Event) -> None:
    """Raise `InstallationError` unless the file is of the type that was promised."""
    found = _detect(image)
    if image_type == "qcow2" and found != "qcow2":
        raise InstallationError(f"image provided format is {found} which does not match expected qcow2 format")
    if image_type == "ova" and found != "tar":
        raise InstallationError(f"image provided format is {found} which does not match expected ova format")
    if image_type == "raw" and (found != "raw" or probe_table(image, halt) not in _TABLES):
        seen = found if found != "raw" else probe_content(image, halt) or "data"
        raise InstallationError(
            "image provided format is not of type raw because no partition table was found. "
            f"It seems to contain: {seen}"
        )


def measure_image(image: Path, image_type: str, halt: Event) -> int:
    """Return the size in bytes of the disk inside the image.

    Raises `InstallationError` for an image that needs anything beside itself: `qemu-img convert` would go
    and open it, and on the real server there is nothing to open.
    """
    finished = run(("qemu-img", "info", "-f", image_type, "--output=json", str(image)), halt)
    if finished.returncode != 0:
        raise cannot_write(image_type)
    facts = json.loads(finished.output)
    specific = facts.get("format-specific", {}).get("data", {})
    if "backing-filename" in facts or "data-file" in specific or "encrypt" in specific or "encrypted" in facts:
        raise cannot_write(image_type)
    return int(facts["virtual-size"])


def _detect(image: Path) -> str:
    with image.open("rb") as file:
        head = file.read(512)
    for offset, magic, name in _MAGICS:
        if head[offset : offset + len(magic)].lower() == magic.lower():
            return name
    return "raw"
