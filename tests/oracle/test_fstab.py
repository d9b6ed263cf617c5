"""fstab files, read by libmount and by us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from byoi_tools.formats.guest_files.fstab import read_fstab
from tests.disk_images import run

FSTABS = {
    "plain": "UUID=b101 / ext4 errors=remount-ro 0 1\nLABEL=EFI /boot/efi vfat umask=0077 0 2\n",
    "comments and blanks": "# one\n\n   # two\n\t/dev/sda1\t/\text4\tdefaults 0\t1\n",
    "escapes": r"LABEL=my\040data /srv/my\040data ext4 defaults 0 2"
    + "\n"
    + r"/dev/sdb /a\011b\134c xfs x=\054 0 0"
    + "\n",
    "few fields": "tmpfs /tmp tmpfs\nproc /proc proc defaults\n",
    "swap": "/swapfile none swap sw 0 0\n",
    "no newline at the end": "/dev/sdc1 /mnt auto noauto,user 0 0",
    "utf-8": "LABEL=é /srv/é ext4 defaults 0 2\n",
}


@pytest.mark.parametrize("text", FSTABS.values(), ids=FSTABS)
def test_entries_are_those_of_findmnt(text: str, tmp_path: Path) -> None:
    (tmp_path / "fstab").write_text(text)
    listed = json.loads(run("findmnt", "--list", "-J", "-F", tmp_path / "fstab"))["filesystems"]
    expected = [(one["source"], one["target"], one["fstype"], one["options"] or "") for one in listed]

    found = [(entry.source, entry.mount_point, entry.type, ",".join(entry.options)) for entry in read_fstab(text)]

    assert found == expected
