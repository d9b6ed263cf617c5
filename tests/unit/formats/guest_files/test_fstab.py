"""fstab lines: numbers, options, and what is none."""

from __future__ import annotations

import pytest

from byoi_tools.formats.guest_files.fstab import MAXIMUM_ENTRIES, read_fstab
from byoi_tools.model.guest.devices import DeviceName, KnownDevice, NameKind, mapped_names


def test_lines_are_counted_from_one_with_comments_among_them() -> None:
    (entry,) = read_fstab("# a comment\n\nUUID=x /srv/ ext4 nofail,subvol=@home 0 2\n")
    assert (entry.line, entry.mount_point, entry.option("subvol"), entry.is_awaited) == (3, "/srv", "@home", False)


@pytest.mark.parametrize("line", ["", "/dev/sda1", "/dev/sda1 /mnt", "#/dev/sda1 / ext4", "\x85 \u2028"])
def test_what_is_no_entry(line: str) -> None:
    assert read_fstab(line) == ()


def test_an_endless_fstab_is_cut_off() -> None:
    assert len(read_fstab("a b c\n" * 5000)) == MAXIMUM_ENTRIES


NAMES = {
    "UUID=b101-E5F0": (NameKind.UUID, "b101-E5F0"),
    'LABEL="my root"': (NameKind.LABEL, "my root"),
    "PARTUUID=": (NameKind.PARTUUID, ""),
    "/dev/disk/by-label/my\\x20root": (NameKind.LABEL, "my root"),
    "/dev/disk/by-partuuid/x": (NameKind.PARTUUID, "x"),
    "/dev/disk/by-id/ata-x": (NameKind.OTHER, "/dev/disk/by-id/ata-x"),
    "/dev/vda1": (NameKind.VIRTUAL_DISK, "/dev/vda1"),
    "/dev/xvda": (NameKind.VIRTUAL_DISK, "/dev/xvda"),
    "/dev/sda1": (NameKind.DISK, "/dev/sda1"),
    "/dev/nvme0n1p2": (NameKind.DISK, "/dev/nvme0n1p2"),
    "/dev/sr0": (NameKind.OTHER, "/dev/sr0"),
    "/dev/md0": (NameKind.OTHER, "/dev/md0"),
    "/dev/md/root": (NameKind.OTHER, "/dev/md/root"),
    "/dev/mapper/vg-root": (NameKind.MAPPED, "/dev/mapper/vg-root"),
    "/dev/vg0/root": (NameKind.MAPPED, "/dev/vg0/root"),
    "/swapfile": (NameKind.OTHER, "/swapfile"),
    "tmpfs": (NameKind.OTHER, "tmpfs"),
    "192.0.2.1:/export": (NameKind.OTHER, "192.0.2.1:/export"),
}


@pytest.mark.parametrize(("text", "expected"), NAMES.items(), ids=NAMES)
def test_by_what_a_device_is_named(text: str, expected: tuple[NameKind, str]) -> None:
    name = DeviceName.of(text)
    assert (name.kind, name.value) == expected


def test_a_volume_has_the_names_that_lvm_makes() -> None:
    """lvm(8): hyphens in names are doubled below /dev/mapper."""
    assert mapped_names("partition 3, volume my-vg/root-1") == ("/dev/my-vg/root-1", "/dev/mapper/my--vg-root--1")
    volume = KnownDevice("partition 3, volume vg0/root", "ext4", "u", "l", "", "", "/")
    assert volume.is_named(DeviceName.of("/dev/mapper/vg0-root"))
    assert not volume.is_named(DeviceName.of("/dev/mapper/vg0-swap"))


def test_identities_are_compared_with_their_case() -> None:
    device = KnownDevice("partition 1", "vfat", "B101-E5F0", "", "00000001-aa", "", "")
    assert device.is_named(DeviceName.of("UUID=B101-E5F0"))
    assert not device.is_named(DeviceName.of("UUID=b101-e5f0"))
    assert not device.is_named(DeviceName.of("LABEL="))
