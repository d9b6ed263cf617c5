"""What only some file systems do; the rest is seen in tests/unit/publishing/test_placing.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_COPY = """
import pathlib, shutil, sys
from byoi_tools.tools.served_directory import ServedDirectory
place = pathlib.Path(sys.argv[1])
(place / "www").mkdir()
with (place / "a.raw").open("wb") as file:
    file.write(bytes(range(256)) * 65536 * 4)
    file.flush()
    __import__("os").fsync(file.fileno())
before = shutil.disk_usage(place).used
told = []
ServedDirectory(place / "www").copy(place / "a.raw", "b.raw", told.append, lambda: None)
same = (place / "www" / "b.raw").read_bytes() == (place / "a.raw").read_bytes()
print(same, told, (shutil.disk_usage(place).used - before) < 2**20)
"""


@pytest.mark.skipif(shutil.which("mkfs.xfs") is None, reason="mkfs.xfs is not installed")
def test_blocks_are_shared_where_the_file_system_can(tmp_path: Path) -> None:
    """On XFS with reflinks nothing is copied, and nothing more is occupied; only root may mount one."""
    volume, place = tmp_path / "xfs.img", tmp_path / "xfs"
    with volume.open("wb") as file:
        file.truncate(400 * 2**20)
    place.mkdir()
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(volume)], check=True)
    script = 'mount -o loop "$1" "$2" || exit 99; exec "$3" -c "$4" "$2"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(volume), str(place), sys.executable, _COPY],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounting is not permitted here")
    assert done.stdout == "True [] True\n", done.stderr
