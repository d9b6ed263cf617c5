"""OVMF's two flash files: the code, and a store of variables whose one boot entry is the declared loader.

The provider's iPXE starts `efiBootloaderPath` itself (`sanboot`); an entry of the firmware for the same path, on a
machine that has no other, is as near as QEMU comes.
"""

from __future__ import annotations

import sysconfig
from pathlib import Path
from threading import Event

from byoi_tools.errors import ToolFailed, ToolMissing
from byoi_tools.rehearsal.programs import find_program, run

_OVMF = (
    (Path("/usr/share/OVMF/OVMF_CODE_4M.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.fd")),
    (Path("/usr/share/edk2/ovmf/OVMF_CODE.fd"), Path("/usr/share/edk2/ovmf/OVMF_VARS.fd")),
    (Path("/usr/share/edk2/x64/OVMF_CODE.4m.fd"), Path("/usr/share/edk2/x64/OVMF_VARS.4m.fd")),
)
# With SMM, and the keys of Microsoft and of the distribution enrolled, which switches Secure Boot on.
_SECURE_OVMF = (
    (Path("/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"), Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")),
    (Path("/usr/share/edk2/ovmf/OVMF_CODE.secboot.fd"), Path("/usr/share/edk2/ovmf/OVMF_VARS.secboot.fd")),
)
_EDITOR = "virt-fw-vars"


def find_firmware(*, has_secure_boot: bool = False) -> tuple[Path, Path]:
    """Return OVMF's code and its factory settings, which know keys for Secure Boot where that is wanted.

    Raises `ToolMissing` where it is not installed.
    """
    for code, settings in _SECURE_OVMF if has_secure_boot else _OVMF:
        if code.is_file() and settings.is_file():
            return code, settings
    kind = "OVMF with keys for Secure Boot" if has_secure_boot else "OVMF, QEMU's UEFI firmware,"
    raise ToolMissing(f"{kind} is not installed", remedy="Debian: apt-get install ovmf")


def find_editor() -> str:
    """Return the path of `virt-fw-vars`; raises `ToolMissing` where it is not installed."""
    beside_python = Path(sysconfig.get_path("scripts")) / _EDITOR
    found = str(beside_python) if beside_python.is_file() else find_program(_EDITOR)
    if found is None:
        raise ToolMissing(
            f"{_EDITOR} is not installed: it writes the loader path into the firmware's settings",
            remedy="pip install 'byoi-tools[rehearsal]', or the package python3-virt-firmware.",
        )
    return found


def write_settings(factory: Path, loader_path: str, settings: Path, halt: Event) -> None:
    """Write the factory's store of variables with a boot entry for `loader_path` before all others.

    Raises `ToolError`.
    """
    argv = (find_editor(), "--loglevel", "error", "--input", str(factory), "--output", str(settings))
    finished = run((*argv, f"--append-boot-filepath={loader_path}"), halt)
    if finished.returncode != 0:
        raise ToolFailed(
            f"{_EDITOR} could not write the loader path {loader_path[:200]!r}",
            details=finished.output.strip()[-500:] or f"exit {finished.returncode}",
            remedy=r"Write it as \EFI\debian\grubx64.efi, with single backslashes.",
        )
