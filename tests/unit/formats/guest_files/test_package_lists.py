"""The lists of installed packages."""

from __future__ import annotations

from byoi_tools.formats.guest_files.package_lists import read_apk_installed, read_dpkg_status


def test_installed_packages_of_dpkg() -> None:
    status = (
        "Package: a\nStatus: install ok installed\nVersion: 1:2-3\nDescription: x\n Package: not this\n\n"
        "Package: b\nStatus: deinstall ok config-files\nVersion: 1\n\n"
        "Package: c\nStatus: hold ok installed\nVersion: 4\n\nVersion: 9\n"
    )
    assert read_dpkg_status(status) == {"a": "1:2-3", "c": "4"}


def test_installed_packages_of_apk() -> None:
    assert read_apk_installed("C:Q1=\nP:musl\nV:1.2.5-r0\nA:x86_64\n\nP:linux-virt\nV:6.6.1-r0\n") == {
        "musl": "1.2.5-r0",
        "linux-virt": "6.6.1-r0",
    }
