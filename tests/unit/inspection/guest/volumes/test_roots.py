"""The guest of a disk: its volumes, its root, and the tree put together by its own fstab."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from byoi_tools.checks.fs.state import readable
from byoi_tools.checks.kernel.files import present as kernel_present
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image, inspect_source
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import OutcomeKind, Report, Severity
from byoi_tools.model.guest.guest import TroubleKind, Volume
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from tests.disk_images import OnDisk, empty, run
from tests.guest_disks import LINUX, LVM, ROOT_X86_64, Part, make_disk, make_volume
from tests.lvm_volumes import EXTENT, FIRST_UUID, SECOND_UUID, group, physical_volume, segment, volume

OS_RELEASE = "ID={}\n"
FIRST, SECOND = "b1010001-0000-4000-8000-000000000001", "b1010001-0000-4000-8000-000000000002"
ESP, EXTENDED_BOOT = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "BC13C2FF-59E6-4262-A352-B275FD6F7172"
PART_GUID = "B1010001-0000-4000-8000-0000000000AA"


def volumes(facts: Facts) -> dict[str, Volume]:
    return {volume.source: volume for volume in facts.volumes.known()}


def reason(facts: Facts) -> str:
    assert isinstance(facts.guest, NotExamined)
    return facts.guest.reason


def name_of(facts: Facts) -> str:
    return facts.guest.known().system.known().distribution


def root_files(name: str, fstab: str = "") -> dict[str, str]:
    return {"/etc/os-release": OS_RELEASE.format(name), "/etc/fstab": fstab}


@pytest.mark.parametrize(
    "source",
    [
        f"UUID={SECOND}",
        "LABEL=usr",
        f"PARTUUID={PART_GUID.lower()}",
        "PARTLABEL=the-usr",
        f"/dev/disk/by-uuid/{SECOND}",
        "/dev/disk/by-partlabel/the-usr",
        "/dev/vda2",
        "/dev/sda2",
        "/dev/nvme0n1p2",
    ],
)
def test_a_usr_of_its_own_is_found_under_every_name(source: str, tmp_path: Path) -> None:
    root = {"/etc/os-release": "->../usr/lib/os-release", "/etc/fstab": f"{source} /usr ext4 ro 0 0\n", "/usr/": ""}
    usr = {"/lib/os-release": OS_RELEASE.format("apart")}
    disk = make_disk(
        tmp_path / "disk",
        [
            Part(make_volume(tmp_path / "root", root, "-U", FIRST), ROOT_X86_64),
            Part(
                make_volume(tmp_path / "usr", usr, "-U", SECOND, "-L", "usr"),
                LINUX,
                f'uuid={PART_GUID}, name="the-usr"',
            ),
        ],
    )
    facts = inspect_image(disk)
    assert name_of(facts) == "apart"
    assert [volume.mount_point for volume in facts.guest.known().volumes] == ["/", "/usr"]
    assert volumes(facts)["partition 2"].reader == "native"


def test_names_that_no_volume_has_are_left_out(tmp_path: Path) -> None:
    fstab = "UUID=nowhere /boot ext4 defaults 0 0\nproc /proc proc defaults 0 0\n/dev/sda9 /var ext4 defaults 0 0\n"
    disk = make_disk(tmp_path / "disk", [Part(make_volume(tmp_path / "root", root_files("lone", fstab)))])
    facts = inspect_image(disk)
    assert name_of(facts) == "lone"
    assert [volume.mount_point for volume in facts.guest.known().volumes] == ["/"]


def test_the_root_is_the_one_whose_type_says_so(tmp_path: Path) -> None:
    disk = make_disk(
        tmp_path / "disk",
        [
            Part(make_volume(tmp_path / "rescue", root_files("rescue"))),
            Part(make_volume(tmp_path / "root", root_files("real")), ROOT_X86_64),
        ],
    )
    facts = inspect_image(disk)
    assert name_of(facts) == "real"
    assert facts.guest.known().other_roots == ("partition 1",)


def test_what_the_caller_has_to_do_is_done_once(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk", [Part(make_volume(tmp_path / "root", root_files("lone")))])
    done: list[str] = []
    facts = inspect_image(disk, meanwhile=lambda: done.append("once"))
    assert (name_of(facts), done) == ("lone", ["once"])


def test_a_disk_without_a_root(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk", [Part(make_volume(tmp_path / "data", {"/etc-backup/os-release": "ID=no\n"}))])
    assert reason(inspect_image(disk)) == "no Linux root file system is in the image"


@pytest.mark.parametrize(
    ("head", "word"), [(b"LUKS\xba\xbe\x00\x02", "encrypted (LUKS)"), (b"hsqs".ljust(28, b"\0") + b"\4\0", "squashfs")]
)
def test_what_cannot_be_looked_into_has_a_reason(head: bytes, word: str, tmp_path: Path) -> None:
    facts = inspect_image(make_disk(tmp_path / "disk", [Part(head.ljust(1 << 20, b"\0"))]))
    assert word in reason(facts)
    trouble = volumes(facts)["partition 1"].trouble
    assert trouble is not None
    assert trouble.kind is TroubleKind.UNSUPPORTED


def test_btrfs_needs_guestfs(tmp_path: Path) -> None:
    run("mkfs.btrfs", "-q", empty(tmp_path / "volume", 128 << 20))
    disk = make_disk(tmp_path / "disk", [Part((tmp_path / "volume").read_bytes())])
    assert "btrfs is not read" in reason(inspect_image(disk, None, ReaderChoice.NATIVE))
    assert "needs the image as a file" in reason(inspect_source(OnDisk(disk), "https://example.org/disk", 0))


def lvm_disk(directory: Path, *uuids: str) -> Path:
    """A group on two devices, the root on both of them, of which the disk has those that are named."""
    files = root_files("logical", "/dev/mapper/vg--0-da--ta /usr ext4 defaults 0 0\n")
    content = make_volume(directory / "root", files, size="8M").ljust(2 * EXTENT, b"\0")
    usr = make_volume(directory / "usr", {"/lib/os-release": "ID=unused\n"}, size="4M")
    text = group(
        volume("root", segment(1, 0, 1, ("pv0", 2)), segment(2, 1, 1, ("pv1", 0))),
        volume("da-ta", segment(1, 0, 1, ("pv1", 1))),
    )
    first = physical_volume(FIRST_UUID, text, b"..") + content[:EXTENT]
    second = physical_volume(SECOND_UUID, text, b"") + content[EXTENT:] + usr
    parts = {FIRST_UUID: Part(first, LVM), SECOND_UUID: Part(second, LVM)}
    return make_disk(directory / "disk", [parts[uuid] for uuid in uuids])


def test_a_root_on_logical_volumes(tmp_path: Path) -> None:
    facts = inspect_image(lvm_disk(tmp_path, FIRST_UUID, SECOND_UUID))
    assert name_of(facts) == "logical"
    assert {source: volume.mount_point for source, volume in volumes(facts).items()} == {
        "partition 1, volume vg-0/root": "/",
        "partition 1, volume vg-0/da-ta": "/usr",
    }


def test_a_volume_group_that_is_not_complete(tmp_path: Path) -> None:
    facts = inspect_image(lvm_disk(tmp_path, FIRST_UUID))
    (found,) = facts.volumes.known()
    assert (found.source, found.missing_devices) == ("partition 1", 1)
    assert 'the volume group "vg-0"' in reason(facts)


def fs_readable(facts: Facts) -> Report:
    intent = Intent(Product.BYOI, BootMode.UEFI)
    profile = Profile("test", "", Product.BYOI, None, Target(), ())
    return check_image((readable,), facts, intent, profile, fail_on=Severity.ERROR)


class Fatal:
    """A disk that ends the reading process when a certain byte of it is wanted."""

    def __init__(self, path: Path, place: int) -> None:
        self._disk = OnDisk(path)
        self._place = place

    @property
    def size_bytes(self) -> int:
        return self._disk.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        if offset <= self._place < offset + length:
            for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                if b"native.child" in Path(f"/proc/{pid}/cmdline").read_bytes():  # other tests have children too
                    os.kill(int(pid), signal.SIGSEGV)
        return self._disk.read_at(offset, length)


def test_a_reader_that_dies_is_an_errored_outcome(tmp_path: Path) -> None:
    disk = make_disk(tmp_path / "disk", [Part(make_volume(tmp_path / "root", root_files("deadly")))])
    os_release = disk.read_bytes().index(b"ID=deadly")
    facts = inspect_source(Fatal(disk, os_release), "disk", 0)
    report = fs_readable(facts)
    (outcome,) = report.outcomes
    assert outcome.kind is OutcomeKind.ERRORED
    assert "SIGSEGV" in outcome.message
    assert "partition 1" in outcome.message
    assert outcome.remedy
    assert not report.has_passed


def test_damage_is_a_finding(tmp_path: Path) -> None:
    content = bytearray(make_volume(tmp_path / "root", root_files("damaged")))
    content[2048 + 8 : 2048 + 12] = b"\xff\xff\xff\x7f"  # the inode table of the first group
    facts = inspect_image(make_disk(tmp_path / "disk", [Part(bytes(content))]))
    (outcome,) = fs_readable(facts).outcomes
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.observed.isprintable()
    assert "cannot be read" in reason(facts)


@pytest.mark.parametrize(
    ("directories", "has_extended", "points"),
    [
        # systemd-gpt-auto-generator(8): the ESP at /boot where that is free, otherwise at /efi; XBOOTLDR at /boot
        (["/boot/"], False, ["/", "/boot"]),
        (["/boot/", "/efi/"], True, ["/", "/boot", "/efi"]),
        (["/boot/vmlinuz", "/efi/"], False, ["/", "/efi"]),
        (["/boot/vmlinuz", "/efi/README"], True, ["/"]),
    ],
)
def test_what_the_fstab_leaves_out_is_mounted_by_its_type(
    directories: list[str], has_extended: bool, points: list[str], tmp_path: Path
) -> None:
    run("mkfs.fat", "-C", tmp_path / "esp", "2048")
    parts = [Part((tmp_path / "esp").read_bytes(), ESP)]
    if has_extended:
        parts.append(Part(make_volume(tmp_path / "boot", {"/vmlinuz": ""}), EXTENDED_BOOT))
    files = root_files("auto") | dict.fromkeys(directories, "")
    facts = inspect_image(make_disk(tmp_path / "disk", [*parts, Part(make_volume(tmp_path / "root", files))]))
    found = facts.guest.known().volumes
    assert sorted(volume.mount_point for volume in found if volume.mount_point) == points


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({}, OutcomeKind.FAILED),
        ({"/EFI/Linux/a.efi": "x" * (1 << 20)}, OutcomeKind.SKIPPED),  # it may be a system in one file
        ({"/A/vmlinuz": ""}, OutcomeKind.SKIPPED),  # Talos keeps its kernel so, without any root
    ],
)
def test_an_image_without_any_file_has_no_system(files: dict[str, str], kind: OutcomeKind, tmp_path: Path) -> None:
    esp = tmp_path / "esp"
    run("mkfs.fat", "-C", esp, "4096")
    (tmp_path / "file").write_text(files.get("/EFI/Linux/a.efi", "x"))
    run("mcopy", "-i", esp, tmp_path / "file", "::/a.efi")
    root = {path: text for path, text in files.items() if not path.startswith("/EFI")}
    disk = make_disk(tmp_path / "disk", [Part(esp.read_bytes(), ESP), Part(make_volume(tmp_path / "root", root))])
    profile = Profile("test", "", Product.BYOI, None, Target(), ())
    intent = Intent(Product.BYOI, BootMode.UEFI)
    report = check_image((kernel_present,), inspect_image(disk), intent, profile, fail_on=None)
    assert [outcome.kind for outcome in report.outcomes] == [kind]
