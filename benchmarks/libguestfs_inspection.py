"""What a user would otherwise do: inspect an image with libguestfs, and read two files. A program of its own.

Run as `python -m benchmarks.libguestfs_inspection IMAGE`, with LIBGUESTFS_BACKEND=direct, and
LIBGUESTFS_BACKEND_SETTINGS=force_tcg where KVM does not work.
"""

from __future__ import annotations

import sys
from pathlib import Path

import guestfs


def inspect(image: Path) -> str:
    """Launch, find the root, mount what it mounts, and return its os-release and fstab."""
    guest = guestfs.GuestFS(python_return_dict=True)
    guest.add_drive_opts(str(image), format="qcow2", readonly=1)
    guest.launch()
    (root,) = guest.inspect_os()
    mounts = guest.inspect_get_mountpoints(root)
    for point in sorted(mounts, key=len):
        guest.mount_ro(mounts[point], point)
    texts: str = guest.cat("/etc/os-release") + guest.cat("/etc/fstab")
    guest.shutdown()
    guest.close()
    return texts


if __name__ == "__main__":
    print(inspect(Path(sys.argv[1])))
