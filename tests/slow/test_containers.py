"""What guestfs alone opens: encrypted volumes with their key, and md arrays; made by qemu-img and by mdadm."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.inspection.guest.read import GuestFacts, open_disk
from byoi_tools.inspection.guest.volumes.readers import Readers
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.guest.guest import TroubleKind
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.secret import Secret
from byoi_tools.tools.guestfs.appliance import Appliance, ImageFile, is_guestfs_installed
from byoi_tools.tools.guestfs.disk import GuestDisk
from fixtures.debian.build import ensure_image
from fixtures.libguestfs import libguestfs_environment
from tests.disk_images import MIB, OnDisk
from tests.guest_disks import Part, make_disk, make_volume
from tests.qcow2_images import encrypt

IMAGE = Path(__file__).parents[2] / "build" / "debian-12.qcow2"
KEY = Secret("correct horse")
HOME_UUID = "11111111-2222-4333-8444-555555555555"
SRV_UUID = "22222222-2222-4333-8444-555555555555"
FSTAB = f"UUID={SRV_UUID} /srv ext4 defaults 0 0\n/dev/mapper/vg0-home /home ext4 defaults 0 0\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_guestfs_installed(), reason="guestfs is not installed"),
]


@pytest.fixture(autouse=True)
def guestfs_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """guestfs needs a kernel for its appliance; a container, or a small virtual machine, has none of its own."""
    ensure_image(IMAGE)
    for name, value in libguestfs_environment(IMAGE.with_suffix(".raw")).items():
        monkeypatch.setenv(name, value)


def test_an_array_with_the_root_and_encrypted_volumes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = make_volume(
        tmp_path / "root", {"/etc/os-release": "ID=debian\n", "/etc/fstab": FSTAB, "/home/": "", "/srv/": ""}
    )
    home = make_volume(tmp_path / "home", {"/alice/.bashrc": "umask 077\n"}, "-U", HOME_UUID)
    srv = make_volume(tmp_path / "srv", {"/data": "1\n"}, "-U", SRV_UUID)
    parts = [
        bytes(8 * MIB),
        bytes(8 * MIB),
        encrypted(tmp_path / "empty", bytes(16 * MIB)),
        encrypted(tmp_path / "luks", srv),
    ]
    disk = make_disk(tmp_path / "disk", [Part(part) for part in parts])
    fill(disk, root, home)
    with Appliance([ImageFile(disk, "raw")]) as appliance:
        locked, wrong, opened = (inspect(disk, appliance, key) for key in (None, Secret("wrong"), KEY))
    by_native = inspect(disk, None, None)

    assert isinstance(by_native.guest, NotExamined)
    assert "linux_raid_member is not read" in by_native.guest.reason
    assert "encrypted (LUKS), and no key was given" in by_native.guest.reason
    for facts, word in ((locked, "no key was given"), (wrong, "No key available with this passphrase")):
        assert facts.guest.known().system.known().distribution == "debian"
        troubles = [volume.trouble for volume in facts.volumes if volume.trouble is not None]
        assert len(troubles) == 2
        for trouble in troubles:
            assert trouble.kind is TroubleKind.UNSUPPORTED
            assert word in trouble.reason
    volumes = {volume.source: volume for volume in opened.volumes}
    assert all(volume.trouble is None for volume in opened.volumes)
    assert volumes["partition 1, volume RAID"].mount_point == "/"
    assert volumes["partition 3, volume vg0/home"].mount_point == "/home"
    assert volumes["partition 3, volume vg0/home"].uuid == HOME_UUID
    assert volumes["partition 4, volume LUKS"].mount_point == "/srv"
    assert volumes["partition 4, volume LUKS"].uuid == SRV_UUID
    assert volumes["partition 4, volume LUKS"].superblock is not None
    said = capfd.readouterr()
    assert KEY.reveal() not in said.out + said.err + repr(opened)


def inspect(disk: Path, appliance: Appliance | None, key: Secret | None) -> GuestFacts:
    """What is found with this key; without an appliance by the native readers alone."""
    choice = ReaderChoice.NATIVE if appliance is None else ReaderChoice.AUTO
    with (
        Readers(choice, None if appliance is None else GuestDisk(appliance), key) as readers,
        ThreadPoolExecutor(1) as aside,
    ):
        content = OnDisk(disk)
        return open_disk(content, read_disk(content), readers, aside).read_guest((), None)


def encrypted(path: Path, content: bytes) -> bytes:
    """A LUKS volume with this content."""
    plain = path.with_suffix(".plain")
    plain.write_bytes(content)
    secret = ["--object", f"secret,id=key,data={KEY.reveal()}", "-o", "key-secret=key,iter-time=10"]
    encrypt("convert", "-f", "raw", "-O", "luks", *secret, plain, path)
    made = path.read_bytes()
    return made.ljust(-(-len(made) // MIB) * MIB, b"\0")


def fill(disk: Path, root: bytes, home: bytes) -> None:
    """Make a mirror of the first two partitions, and a volume group in the third; write what they are to hold."""
    import guestfs

    handle = guestfs.GuestFS(python_return_dict=True)
    try:
        handle.set_network(False)
        handle.add_drive_opts(str(disk), format="raw")
        handle.launch()
        handle.md_create("system", ["/dev/sda1", "/dev/sda2"], level="raid1")
        (array,) = handle.list_md_devices()
        handle.cryptsetup_open("/dev/sda3", KEY.reveal(), "opened")
        handle.pvcreate("/dev/mapper/opened")
        handle.vgcreate("vg0", ["/dev/mapper/opened"])
        handle.lvcreate("home", "vg0", 8)
        for device, content in ((array, root), ("/dev/vg0/home", home)):
            handle.upload(str(written(disk.with_name("content"), content)), device)
        handle.shutdown()
    finally:
        handle.close()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
