"""The images that are measured: the Debian image, a copy of it on a disk of 8 TiB, and twenty names of it."""

from __future__ import annotations

import os
from pathlib import Path

from fixtures.programs import run_program

DEBIAN = Path(__file__).parents[1] / "build" / "debian-12.qcow2"
_EIGHT_TIB = 8 * 2**40


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
