"""What a guest says it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.system import read_system
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.guest.system import OperatingSystem
from fixtures.tiny.good_files.system import elf_head
from tests.guest_tree import Link, tree_of

NO_DISK = cast(Disk, None)  # this domain asks for the files alone


def read(files: Mapping[str, str | bytes | Link]) -> OperatingSystem:
    return read_system(GuestContext(tree=tree_of(files), disk=NO_DISK, esps=(), volumes=()))


def test_os_release_by_its_link_or_where_it_is() -> None:
    text = 'ID=ubuntu\nID_LIKE="debian"\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n'
    linked: dict[str, str | bytes | Link] = {"/etc/os-release": Link("../usr/lib/os-release")}
    for found in (read(linked | {"/usr/lib/os-release": text}), read({"/etc/os-release": text})):
        assert (found.distribution, found.like, found.version, found.name) == (
            "ubuntu",
            ("debian",),
            "24.04",
            "Ubuntu 24.04 LTS",
        )


def test_a_guest_that_says_nothing() -> None:
    found = read({"/etc/hostname": "x"})
    assert (found.distribution, found.like, found.version, found.name, found.machine) == ("", (), "", "", "")
    assert found.package_manager == ""
    assert isinstance(found.packages, NotExamined)


def test_the_machine_of_its_programs() -> None:
    files: dict[str, str | bytes | Link] = {
        "/bin": Link("usr/bin"),
        "/usr/bin/sh": Link("dash"),
        "/usr/bin/dash": elf_head(183),
    }
    assert read(files).machine == "aarch64"
    assert read({"/bin/sh": "#!script", "/bin/busybox": elf_head()}).machine == "x86_64"


def test_packages_of_dpkg() -> None:
    names = ("dpkg", "linux-image-6.1.0-41-amd64", "linux-headers-6.1")
    status = "".join(f"Package: {name}\nStatus: install ok installed\nVersion: 1\n\n" for name in names)
    found = read({"/var/lib/dpkg/status": status})
    assert found.package_manager == "dpkg"
    assert tuple(found.packages.known()) == names


@pytest.mark.parametrize(
    ("path", "content", "manager", "names"),
    [
        (
            "/lib/apk/db/installed",
            "P:linux-virt\nV:6.6\n\nP:linux-firmware\nV:1\n",
            "apk",
            ("linux-virt", "linux-firmware"),
        ),
        ("/var/lib/pacman/local/linux-lts-6.6.30-1/desc", "", "pacman", ("linux-lts",)),
    ],
)
def test_packages_of_others(path: str, content: str, manager: str, names: tuple[str, ...]) -> None:
    found = read({path: content})
    assert found.package_manager == manager
    assert tuple(found.packages.known()) == names


def test_the_database_of_rpm_is_not_read() -> None:
    found = read({"/usr/lib/sysimage/rpm/rpmdb.sqlite": b"SQLite format 3\0"})
    assert found.package_manager == "rpm"
    assert isinstance(found.packages, NotExamined)


def test_versions_of_pacman() -> None:
    found = read({"/var/lib/pacman/local/linux-6.9.1.arch1-1/desc": "", "/var/lib/pacman/local/ALPM_DB_VERSION": "9"})
    assert found.packages == Known({"linux": "6.9.1.arch1-1"})
