"""Which program of an ESP is the loader that the provider should be told (`efiBootloaderPath`)."""

from __future__ import annotations

from byoi_tools.model.disks.esp import EfiProgram, EspContent, LoaderKind, fold_path
from byoi_tools.model.disks.pe import EFI_APPLICATION, Machine

_RANK = {kind: rank for rank, kind in enumerate(LoaderKind)}
_NEVER_A_LOADER = {LoaderKind.SHIM_FALLBACK, LoaderKind.MOK_MANAGER}


def loader_candidates(content: EspContent) -> tuple[EfiProgram, ...]:
    """Return the programs that could be the loader of an x86-64 server, the best one first.

    shim comes before what it verifies, loaders with a menu before single kernels, a vendor's directory before
    the fallback directory `\\EFI\\BOOT`, and then the order of the alphabet decides.
    """
    able = [program for program in content.programs if _is_startable(program)]
    return tuple(sorted(able, key=_preference))


def choose_loader(content: EspContent) -> EfiProgram | None:
    """Return the best candidate, or None where the ESP holds no program that could be the loader."""
    return next(iter(loader_candidates(content)), None)


def _is_startable(program: EfiProgram) -> bool:
    pe = program.pe
    if pe is None or program.kind in _NEVER_A_LOADER:
        return False
    return pe.machine == Machine.X86_64 and pe.subsystem == EFI_APPLICATION


def _preference(program: EfiProgram) -> tuple[int, bool, str]:
    path = fold_path(program.path)
    return _RANK[program.kind], path.startswith("EFI/BOOT/"), path
