"""Images by GRUB's own programs, read by us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.grub.image import read_grub_modules
from byoi_tools.formats.source import Memory
from byoi_tools.model.disks.esp import GrubModules
from tests.disk_images import run


def modules_of(path: Path) -> GrubModules:
    content = path.read_bytes()
    section = read_pe(Memory(content)).section("mods")
    assert section is not None
    found = read_grub_modules(content[section.offset : section.offset + section.size_bytes])
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", ["/EFI/debian", "(,gpt2)/EFI/debian", "(hd0,msdos1)/boot/grub", "(memdisk)/é", "/"])
@pytest.mark.parametrize("config", ["", "search --fs-uuid --set=root 1234-ABCD\nset prefix=($root)/x\n", "a" * 5000])
def test_prefix_and_configuration_are_those_given_to_grub_mkimage(tmp_path: Path, prefix: str, config: str) -> None:
    (tmp_path / "config").write_text(config)
    options = ("-c", tmp_path / "config") if config else ()
    run("grub-mkimage", "-O", "x86_64-efi", "-p", prefix, *options, "-o", tmp_path / "image", "part_gpt")

    assert modules_of(tmp_path / "image") == GrubModules(prefix=prefix, config=config, module_count=1)


def test_modules_are_counted_as_grub_mkimage_adds_them(tmp_path: Path) -> None:
    words = run("sh", "-c", f"grub-mkimage -v -O x86_64-efi -p / -o {tmp_path}/image fat normal linux search 2>&1")

    assert modules_of(tmp_path / "image").module_count == len(re.findall(r"reading \S+\.mod", words)) > 4


def test_memory_disk_and_keys_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "disk").write_bytes(b"prefix" * 10_000)
    (tmp_path / "config").write_text("configfile (memdisk)/grub.cfg\n")
    run(
        "grub-mkimage",
        "-O",
        "x86_64-efi",
        "-p",
        "(memdisk)/boot/grub",
        "-m",
        tmp_path / "disk",
        "-k",
        tmp_path / "disk",
        *("-c", tmp_path / "config"),
        "-o",
        tmp_path / "image",
        "tar",
    )

    found = modules_of(tmp_path / "image")

    assert (found.prefix, found.config) == ("(memdisk)/boot/grub", "configfile (memdisk)/grub.cfg\n")


def test_debians_own_loader() -> None:
    """What the source package builds it with: debian/build-efi-images."""
    found = modules_of(Path("/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi"))

    assert (found.prefix, found.config) == ("/EFI/debian", "normal (memdisk)/grub.cfg\n")
