"""Tells what machine an ELF file is for (System V ABI, ELF header)."""

from __future__ import annotations

ELF_HEAD_BYTES = 64
_MACHINES = {3: "i386", 40: "arm", 62: "x86_64", 183: "aarch64", 243: "riscv64"}


def read_elf_machine(head: bytes) -> str:
    """The machine as the kernel calls it (`x86_64`, `aarch64`); empty for no ELF file or another machine."""
    if head[:4] != b"\x7fELF" or len(head) < 20 or head[5] not in (1, 2):
        return ""
    return _MACHINES.get(int.from_bytes(head[18:20], "little" if head[5] == 1 else "big"), "")
