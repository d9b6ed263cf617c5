"""The heads of kernel images and of programs."""

from __future__ import annotations

import pytest

from byoi_tools.formats.boot.elf import read_elf_machine
from byoi_tools.formats.boot.linux_kernel import HEAD_BYTES, read_kernel
from byoi_tools.model.guest.kernels import KernelImage
from fixtures.tiny import kernel_image, pe
from fixtures.tiny.good_files.system import elf_head


def test_a_bzimage_with_an_efi_stub() -> None:
    content = kernel_image.build("6.1.0-41-amd64")
    assert read_kernel(content[:HEAD_BYTES]) == KernelImage("x86_64", "6.1.0-41-amd64", True, len(content))


def test_a_bzimage_without_one_says_by_a_flag_that_it_is_64_bit() -> None:
    content = kernel_image.build("5.4", has_efi_stub=False)
    assert read_kernel(content) == KernelImage("x86_64", "5.4", False, len(content))
    assert read_kernel(content[:0x236] + b"\0" + content[0x237:]) == KernelImage("i386", "5.4", False, len(content))


@pytest.mark.parametrize(("machine", "name"), [(pe.IA32, "i386"), (0xAA64, "aarch64")])
def test_the_pe_header_says_the_machine(machine: int, name: str) -> None:
    image = read_kernel(kernel_image.build("6.1", machine=machine))
    assert image is not None
    assert image.machine == name


def test_other_forms_of_kernels() -> None:
    arm = bytes(0x38) + b"ARM\x64" + bytes(64)
    assert read_kernel(arm) == KernelImage("aarch64", "", False, 0)
    zboot = bytearray(pe.build({}, machine=0xAA64))
    zboot[4:8] = b"zimg"
    assert read_kernel(bytes(zboot)) == KernelImage("aarch64", "", True, 0)
    assert read_kernel(elf_head()) == KernelImage("x86_64", "", False, 0)


@pytest.mark.parametrize("content", [b"", b"MZ", bytes(4096), b"#!/bin/sh\n", pe.build({})])
def test_what_is_no_kernel(content: bytes) -> None:
    assert read_kernel(content) is None


def test_a_release_without_an_end_is_cut() -> None:
    content = kernel_image.build("x" * 2000)
    image = read_kernel(content)
    assert image is not None
    assert len(image.release) == 256


@pytest.mark.parametrize(("machine", "name"), [(62, "x86_64"), (183, "aarch64"), (3, "i386"), (8, "")])
def test_the_machine_of_a_program(machine: int, name: str) -> None:
    assert read_elf_machine(elf_head(machine)) == name


def test_a_script_has_no_machine() -> None:
    assert read_elf_machine(b"#!/bin/busybox") == read_elf_machine(b"\x7fELF") == ""
