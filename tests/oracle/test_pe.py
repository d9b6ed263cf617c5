"""EFI programs of others, read by us and by objdump."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from byoi_tools.formats.boot.pe import read_pe
from tests.disk_images import OnDisk, run

PROGRAMS = (
    "/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi",
    "/usr/lib/shim/shimx64.efi",
    "/usr/lib/shim/mmx64.efi",
    "/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
    "/usr/lib/systemd/boot/efi/linuxx64.efi.stub",
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_sections_are_those_of_objdump(program: str) -> None:
    if not Path(program).exists():
        pytest.skip(f"{program} is not installed")
    listing = run("objdump", "-h", "-w", program)
    headers = run("objdump", "-p", program)

    pe = read_pe(OnDisk(Path(program)))

    wanted = re.findall(r"^ *\d+ (\S+) +([0-9a-f]{8}) .*? ([0-9a-f]{8})  2\*\*", listing, re.MULTILINE)
    assert [(s.name, s.offset) for s in pe.sections] == [(name, int(offset, 16)) for name, _, offset in wanted]
    for section, (_, size, _) in zip(pe.sections, wanted, strict=True):
        assert min(section.size_bytes, section.virtual_size_bytes) == int(size, 16)
    assert re.search(rf"^Subsystem\s+{pe.subsystem:08x}\s", headers, re.MULTILINE)
    assert pe.machine == 0x8664
    assert pe.is_64_bit == ("(PE32+)" in headers)


@pytest.mark.parametrize(("target", "machine"), [("x86_64-efi", 0x8664)])
def test_an_image_of_grub_needs_exactly_its_bytes(tmp_path: Path, target: str, machine: int) -> None:
    run("grub-mkimage", "-O", target, "-p", "/EFI/debian", "-o", tmp_path / "image", "part_gpt", "fat")

    pe = read_pe(OnDisk(tmp_path / "image"))

    assert (pe.machine, pe.subsystem) == (machine, 10)
    assert pe.required_bytes == (tmp_path / "image").stat().st_size
