"""Real guests: every byte as the kernel reads it; and what guestfs alone reads."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.formats.disks.partitions import read_disk
from byoi_tools.formats.source import Window
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Outcome, OutcomeKind, Severity
from byoi_tools.model.guest.files import FileKind
from byoi_tools.model.intent import Intent
from byoi_tools.tools.guestfs.appliance import is_guestfs_installed
from byoi_tools.tools.native.files import NativeReaders
from fixtures.debian.build import ensure_image
from fixtures.libguestfs import libguestfs_environment
from fixtures.variants.tree import loop_device, mounted
from tests.disk_images import OnDisk, empty, run
from tests.guest_disks import Part, make_disk
from tests.guest_volumes import walk
from tests.real_images import IMAGE, variant

RAW = IMAGE.with_suffix(".raw")
ROOT = 3
BTRFS_UUID = "22222222-2222-4333-8444-555555555555"
KINDS = {stat.S_IFREG: FileKind.FILE, stat.S_IFDIR: FileKind.DIRECTORY, stat.S_IFLNK: FileKind.SYMLINK}

pytestmark = pytest.mark.slow
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
needs_guestfs = pytest.mark.skipif(not is_guestfs_installed(), reason="guestfs is not installed")


@pytest.fixture(autouse=True)
def guestfs_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """guestfs needs a kernel for its appliance; a container, or a small virtual machine, has none of its own."""
    ensure_image(IMAGE)
    if is_guestfs_installed():
        for name, value in libguestfs_environment(RAW).items():
            monkeypatch.setenv(name, value)


def image(name: str) -> Path:
    return RAW if name == "debian" else variant(name)


@needs_root
@pytest.mark.parametrize("name", ["debian", "xfs"])
def test_every_file_of_a_root_is_read_as_the_kernel_reads_it(name: str, tmp_path: Path) -> None:
    disk = image(name)
    (found,) = [found for found in read_disk(OnDisk(disk)).partitions if found.partition.number == ROOT]
    assert found.file_system is not None
    start, size = found.partition.sectors.start_bytes, found.partition.sectors.size_bytes
    with ExitStack() as undo:
        device = undo.enter_context(loop_device(disk, start, size, is_read_only=True))
        options = "ro,norecovery" if found.file_system.name == "xfs" else "ro,noload"
        point = undo.enter_context(mounted(["-o", options, device], tmp_path))
        files = undo.enter_context(NativeReaders()).open(found.file_system.name, Window(OnDisk(disk), start, size))
        seen = dict(walk(files))
        expected = {f"/{path.relative_to(point)}": path for path in point.rglob("*") if path.name != "lost+found"}
        assert seen.keys() == expected.keys()
        assert len(seen) > 10_000
        for name, there in expected.items():
            status, wanted = seen[name], there.lstat()
            assert status.kind is KINDS.get(stat.S_IFMT(wanted.st_mode), FileKind.OTHER)
            assert (status.mode, status.owner_id, status.group_id) == (
                stat.S_IMODE(wanted.st_mode),
                wanted.st_uid,
                wanted.st_gid,
            )
            assert status.modified_seconds == int(wanted.st_mtime)
            if status.kind is FileKind.FILE:
                assert files.read(name, 1 << 30) == there.read_bytes(), name
            if status.kind is FileKind.SYMLINK:
                assert files.read_link(name) == str(there.readlink())


@needs_guestfs
def test_btrfs_is_read_by_guestfs_alone() -> None:
    facts = inspect_image(image("btrfs"))
    guest = facts.guest.known()
    assert guest.volumes[0].reader == "guestfs"
    assert guest.volumes[0].mount_point == "/"
    assert guest.system.known().distribution == "debian"
    assert guest.kernels.known().kernels
    assert guest.volumes[0].subvolumes == ("@",)
    assert check_of(facts).kind is OutcomeKind.PASSED


@needs_guestfs
def test_a_root_in_a_subvolume_that_does_not_exist(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/os-release").write_text("ID=debian\n")
    (tree / "etc/fstab").write_text(f"UUID={BTRFS_UUID} / btrfs defaults,subvol=@rootfs 0 0\n")
    volume = empty(tmp_path / "volume", 128 << 20)
    run("mkfs.btrfs", "-q", "-U", BTRFS_UUID, "--rootdir", tree, volume)
    found = check_of(inspect_image(make_disk(tmp_path / "disk", [Part(volume.read_bytes())])))
    assert (found.kind, found.severity) == (OutcomeKind.FAILED, Severity.ERROR)
    assert found.observed == 'subvol="@rootfs"'
    assert "/etc/fstab line 1" in found.evidence


def check_of(facts: Facts) -> Outcome:
    profile = load_profile("ovh-byoi-uefi", frozenset(check.id for check in CHECKS))
    checks = [check for check in CHECKS if check.id == "fs.btrfs-subvol"]
    (outcome,) = check_image(checks, facts, Intent(profile.product, BootMode.UEFI), profile, Severity.ERROR).outcomes
    return outcome
