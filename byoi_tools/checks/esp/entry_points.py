"""Which programs of the ESP a server can start, and how findings say where they are."""

from __future__ import annotations

from byoi_tools.checks.subject import Subject
from byoi_tools.model.disks.esp import EfiProgram, EspContent, LoaderKind, efi_path, fold_path
from byoi_tools.model.disks.loader import loader_candidates
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.quoting import quote

FALLBACK_PATH = "EFI/BOOT/BOOTX64.EFI"
FALLBACK_DIRECTORY = "EFI/BOOT"
SHIM_DEFAULT_SECOND_STAGE = "grubx64.efi"


def loader_in_use(subject: Subject) -> EfiProgram:
    """Return the program that the provider's `efiBootloaderPath` names: the declared one, else the best one.

    Raises `NotKnownError` where there is none.
    """
    program = subject.esp_content.program(subject.loader_path) if subject.loader_path is not None else None
    if program is None:
        raise NotKnownError("the ESP has no program at the loader path")
    return program


def entry_points(subject: Subject) -> tuple[EfiProgram, ...]:
    """Return what a server may start first: the loader in use and the fallback loader, each once.

    Raises `NotKnownError` where there is neither.
    """
    content = subject.esp_content
    declared = content.program(subject.loader_path) if subject.loader_path is not None else None
    found = [program for program in (declared, content.program(FALLBACK_PATH)) if program is not None]
    if not found:
        raise NotKnownError("the ESP has neither a program at the loader path nor the fallback loader")
    return tuple(dict.fromkeys(found))


def second_stage_path(shim: EfiProgram) -> str:
    """The path of the program that a shim loads: always in the shim's own directory."""
    name = shim.second_stage or SHIM_DEFAULT_SECOND_STAGE
    return f"{shim.path.rpartition('/')[0]}/{name.replace(chr(92), '/').strip('/')}"


def with_second_stages(subject: Subject, programs: tuple[EfiProgram, ...]) -> tuple[EfiProgram, ...]:
    """Return the programs and what the shims among them load, each once."""
    content = subject.esp_content
    loaded = [content.program(second_stage_path(shim)) for shim in programs if shim.kind is LoaderKind.SHIM]
    return tuple(dict.fromkeys([*programs, *(program for program in loaded if program is not None)]))


def rival_loaders(content: EspContent) -> tuple[EfiProgram, ...]:
    """Return the loaders among which nothing but the alphabet decides, or none where the best one stands alone.

    These are programs of the best kind in different directories other than the fallback directory, and unified kernel
    images also within one directory.
    """
    candidates = [program for program in loader_candidates(content) if directory(program.path) != FALLBACK_DIRECTORY]
    best = [program for program in candidates if program.kind is candidates[0].kind]
    is_one_menu = len({directory(program.path) for program in best}) == 1 and best[0].kind is not LoaderKind.UKI
    return () if is_one_menu or len(best) < 2 else tuple(best)


def directory(path: str) -> str:
    """The directory of a path, folded for comparison (`EFI/DEBIAN`)."""
    return fold_path(path).rpartition("/")[0]


def shown(path: str) -> str:
    """A path of the ESP as the provider writes it, quoted."""
    return quote(efi_path(path))


def place(subject: Subject, path: str = "") -> str:
    """The evidence for something in the ESP: the partition and the path."""
    return f"{subject.esp.partition}, {shown(path)}" if path else str(subject.esp.partition)
