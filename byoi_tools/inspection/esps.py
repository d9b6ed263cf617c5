"""Reads the EFI system partitions of a disk: the volume, its files, its programs and small configuration files."""

from __future__ import annotations

from byoi_tools.errors import ImageError
from byoi_tools.formats.boot.efi_program import read_efi_program
from byoi_tools.formats.filesystems.fat import FatFileSystem
from byoi_tools.formats.source import ByteSource, Window
from byoi_tools.model.disks.disk import Disk
from byoi_tools.model.disks.esp import EfiProgram, Esp, EspContent, EspText, LoaderKind
from byoi_tools.model.disks.fat import FatEntry
from byoi_tools.model.disks.partition import Partition, PartitionKind
from byoi_tools.model.fact import Fact, Known, NotExamined

_TEXT_SUFFIXES = (".cfg", ".conf", ".csv")
_TEXT_LIMIT_BYTES = 64 * 1024
_TEXT_LIMIT_COUNT = 200
_PROGRAM_LIMIT_COUNT = 100
_PROGRAM_SUFFIX = ".efi"


def read_esps(source: ByteSource, disk: Disk) -> tuple[Esp, ...]:
    """Return the disk's EFI system partitions; one that cannot be read is there with the reason."""
    return tuple(
        Esp(partition, _read_content(source, partition)) for partition in disk.partitions_of_kind(PartitionKind.ESP)
    )


def _read_content(source: ByteSource, partition: Partition) -> Fact[EspContent]:
    window = Window(source, partition.sectors.start_bytes, partition.sectors.size_bytes)
    try:
        files = FatFileSystem(window, partition.sectors.size_bytes)
        entries = files.walk()
    except ImageError as error:
        return NotExamined(_in_words(error))
    programs = [entry for entry in entries if _is_named(entry, (_PROGRAM_SUFFIX,))][:_PROGRAM_LIMIT_COUNT]
    texts = [entry for entry in entries if _is_named(entry, _TEXT_SUFFIXES)][:_TEXT_LIMIT_COUNT]
    return Known(
        EspContent(
            volume=files.volume,
            entries=entries,
            programs=tuple(_read_program(files, entry) for entry in programs),
            texts=tuple(EspText(entry.path, _read_text(files, entry)) for entry in texts),
        )
    )


def _is_named(entry: FatEntry, suffixes: tuple[str, ...]) -> bool:
    return not entry.is_directory and entry.path.lower().endswith(suffixes)


def _read_program(files: FatFileSystem, entry: FatEntry) -> EfiProgram:
    try:
        return read_efi_program(entry.path, entry.size_bytes, files.open(entry.path))
    except ImageError as error:
        return EfiProgram(entry.path, entry.size_bytes, LoaderKind.UNKNOWN, None, _in_words(error), None, "")


def _read_text(files: FatFileSystem, entry: FatEntry) -> bytes:
    try:
        return files.read(entry.path, _TEXT_LIMIT_BYTES)
    except ImageError:
        return b""


def _in_words(error: ImageError) -> str:
    return f"{error.message} ({error.details})" if error.details else error.message
