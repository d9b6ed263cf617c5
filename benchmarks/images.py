"""The images that are measured: the Debian image, copies of it on other disks, and twenty names of it."""

from __future__ import annotations

import os
from pathlib import Path

from fixtures.programs import run_program

DEBIAN = Path(__file__).parents[1] / "build" / "debian-12.qcow2"
_EIGHT_TIB = 8 * 2**40
_SAMPLE_BYTES, _STEP_BYTES = 2**16, 2**25


def make_8_tib(directory: Path) -> Path:
    """Write the same contents as a qcow2 of 8 TiB, with the backup of the GPT at its end."""
    raw, qcow2 = directory / "8tib.raw", directory / "8tib.qcow2"
    run_program(["cp", "--sparse=always", DEBIAN.with_suffix(".raw"), raw])
    os.truncate(raw, _EIGHT_TIB)
    run_program(["sgdisk", "--move-second-header", raw])
    run_program(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", "-c", "-W", "-m", "8", raw, qcow2])
    raw.unlink()
    return qcow2


def make_twenty(directory: Path) -> list[Path]:
    """Return twenty names of the Debian image."""
    names = [directory / f"debian-{number:02}.qcow2" for number in range(20)]
    for name in names:
        name.symlink_to(DEBIAN)
    return names


def make_uncompressed(directory: Path) -> Path:
    """Write the same contents as a qcow2 without compression, which is served as it is."""
    qcow2 = directory / "uncompressed.qcow2"
    run_program(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", DEBIAN.with_suffix(".raw"), qcow2])
    return qcow2


def make_sized(directory: Path, size_bytes: int) -> Path:
    """Write the same contents as a raw disk of another size, cut off or with 64 KiB of them every 32 MiB until its end.

    So clusters lie everywhere on a large disk, and as many tables are needed as for a full one.
    """
    raw = directory / f"{size_bytes >> 30}-gib.raw"
    run_program(["cp", "--sparse=always", DEBIAN.with_suffix(".raw"), raw])
    with raw.open("r+b") as file:
        sample = file.read(_SAMPLE_BYTES)
        end = file.seek(0, os.SEEK_END)
        os.truncate(raw, size_bytes)
        for position in range(end, size_bytes, _STEP_BYTES):
            os.pwrite(file.fileno(), sample, position)
    return raw
