"""What a PE image (an EFI program) says of itself (Microsoft, PE Format; UEFI specification 2.10, section 2.1.1)."""

from __future__ import annotations

from enum import IntEnum

from byoi_tools.model.dataclass import dataclass


class Machine(IntEnum):
    """Machine types of the COFF header that servers have."""

    I386 = 0x014C
    X86_64 = 0x8664
    ARM = 0x01C2
    AARCH64 = 0xAA64
    RISCV64 = 0x5064


EFI_APPLICATION = 10


@dataclass(frozen=True, slots=True)
class PeSection:
    """A section: `name` without padding, `offset` and sizes in bytes within the file."""

    name: str
    offset: int
    size_bytes: int
    virtual_size_bytes: int


@dataclass(frozen=True, slots=True)
class PeImage:
    """The headers of a PE image. `required_bytes` is the end of its last section or certificate in the file.

    `certificates_offset` is where the certificate table starts in the file, 0 without one.
    """

    machine: int
    subsystem: int
    is_64_bit: bool
    sections: tuple[PeSection, ...]
    certificates_size_bytes: int
    required_bytes: int
    certificates_offset: int = 0

    def section(self, name: str) -> PeSection | None:
        """The first section of that name."""
        return next((section for section in self.sections if section.name == name), None)
