"""The script of Bring Your Own Linux, and what the image has for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import pytest

from byoi_tools.inspection.guest.byolinux import read_byolinux
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.guest.byolinux import SCRIPT_PATH, BootScript, ByolinuxSetup
from tests.guest_tree import Link, tree_of


def setup_of(files: Mapping[str, str | bytes | Link], modes: Mapping[str, int] | None = None) -> ByolinuxSetup:
    no_disk = cast(Disk, None)  # this domain asks for the files alone
    return read_byolinux(GuestContext(tree=tree_of(files, modes), disk=no_disk, esps=(), volumes=()))


def script_of(text: str, mode: int = 0o755, more: Mapping[str, str | bytes | Link] | None = None) -> BootScript:
    script = setup_of({SCRIPT_PATH: text, **(more or {})}, {SCRIPT_PATH: mode}).script
    assert script is not None
    return script


def test_no_script_and_a_directory_in_its_place() -> None:
    assert setup_of({"/root/": ""}).script is None
    assert setup_of({f"{SCRIPT_PATH}/": ""}).script is None


@pytest.mark.parametrize(("mode", "is_executable"), [(0o755, True), (0o700, True), (0o644, False)])
def test_the_mode(mode: int, is_executable: bool) -> None:
    assert script_of("#!/bin/sh\n", mode).is_executable is is_executable


@pytest.mark.parametrize(
    ("first_line", "interpreter", "is_there"),
    [
        ("#!/bin/sh", "/bin/sh", True),
        ("#! /bin/sh -e", "/bin/sh", True),
        ("#!/bin/bash", "/bin/bash", False),
        ("#!/usr/bin/env sh", "/usr/bin/sh", True),
        ("#!/usr/bin/env -S python3 -u", "python3", False),
        ("#!/bin/sh\r", "/bin/sh\r", False),
        ("echo", "", False),
        ("#!", "", False),
        ("\ufeff#!/bin/sh", "", False),
    ],
)
def test_the_interpreter(first_line: str, interpreter: str, is_there: bool) -> None:
    more = {"/bin": Link("usr/bin"), "/usr/bin/sh": "", "/usr/bin/env": ""}
    script = script_of(f"{first_line}\nset -e\n", more=more)
    assert (script.interpreter, script.has_interpreter) == (interpreter, is_there)


def test_calls_keep_no_secret() -> None:
    script = script_of(
        "#!/bin/sh\napt-get -y install mdadm\n"
        "curl -H 'Authorization: Bearer s3cr3t' https://u:pw@example.org/\ngrub-install --no-nvram /dev/sda\n"
    )
    assert [(str(call), call.line) for call in script.calls] == [
        ("apt-get -y install mdadm", 2),
        ("curl", 3),
        ("grub-install --no-nvram /dev/sda", 4),
    ]


def test_what_the_image_has_for_the_script() -> None:
    found = setup_of(
        {
            SCRIPT_PATH: "#!/bin/sh\nupdate-grub\nupdate-initramfs -u\n",
            "/usr/sbin/grub-install": "",
            "/usr/sbin/update-grub": "",
            "/usr/lib/grub/i386-pc/normal.mod": "",
            "/boot/efi/EFI/debian/grubx64.EFI": "",
            "/usr/share/initramfs-tools/hooks/mdadm": "",
            "/etc/mkinitcpio.conf": "MODULES=()\nHOOKS=(base udev mdadm_udev)\n",
            "/etc/mkinitfs/mkinitfs.conf": 'features="base ext4"\n',
        }
    )
    assert found.programs == {"grub-install", "update-grub"}
    assert found.grub_targets == ("i386-pc",)
    assert found.efi_programs == ("/boot/efi/EFI/debian/grubx64.EFI",)
    assert found.raid_hooks == ("/usr/share/initramfs-tools/hooks/mdadm", "/etc/mkinitcpio.conf")
