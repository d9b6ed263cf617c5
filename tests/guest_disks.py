"""Disks with guests on several file systems, made by sfdisk, mke2fs and mkfs.fat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.disk_images import MIB, empty, run

LINUX = "0FC63DAF-8483-4772-8E79-3D69D8477DE4"
LVM = "E6D6D379-F507-44C2-A23C-238F2A3DF928"
ROOT_X86_64 = "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709"


@dataclass(frozen=True)
class Part:
    """A partition: what it holds, as the bytes of a volume, and the line's other fields for sfdisk."""

    content: bytes
    type: str = LINUX
    fields: str = ""


def make_volume(path: Path, files: Mapping[str, str], *options: str, size: str = "6M") -> bytes:
    """An ext4 with these files; a text that begins with `->` is a symlink's target."""
    tree = path.with_name(f"{path.name}.tree")
    tree.mkdir()
    for name, text in files.items():
        there = tree / name.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            there.mkdir(exist_ok=True)
        elif text.startswith("->"):
            there.symlink_to(text[2:])
        else:
            there.write_text(text)
    run("mke2fs", "-q", "-F", "-t", "ext4", *options, "-d", tree, path, size)
    return path.read_bytes()


def make_disk(path: Path, parts: Sequence[Part], label: str = "gpt") -> Path:
    """A disk with these partitions, each at the next mebibyte."""
    script, place = [f"label: {label}"], MIB
    for part in parts:
        script.append(f"start={place // 512}, size={len(part.content) // 512}, type={part.type} {part.fields}")
        place += -(-len(part.content) // MIB) * MIB
    empty(path, place + MIB)
    run("sfdisk", "-q", path, stdin="\n".join(script))
    place = MIB
    with path.open("r+b") as file:
        for part in parts:
            file.seek(place)
            file.write(part.content)
            place += -(-len(part.content) // MIB) * MIB
    return path
