"""The facts of an image for programs: `byoi-tools/facts/v1`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from byoi_tools.model.disks.bios import BiosBoot
from byoi_tools.model.disks.disk import Disk, DiskPartition
from byoi_tools.model.disks.esp import EfiProgram, Esp, EspContent, efi_path
from byoi_tools.model.disks.loader import choose_loader
from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.image import Container
from byoi_tools.reports.plain import to_plain, write_json

SCHEMA = "byoi-tools/facts/v1"
Value = TypeVar("Value")


def render_facts_json(facts: Facts) -> str:
    """Return the facts as one JSON object, with a newline at the end; what nobody could read has `not_examined`."""
    document = {
        "schema": SCHEMA,
        "image": _container(facts.container),
        "disk": _fact(facts.disk, _disk),
        "esps": _fact(facts.esps, lambda esps: [_esp(esp) for esp in esps]),
        "bios": _fact(facts.bios, _bios),
        "volumes": to_plain(facts.volumes),
        "guest": to_plain(facts.guest),
    }
    return write_json(document)


def _fact(fact: Fact[Value], render: Callable[[Value], object]) -> object:
    return render(fact.value) if isinstance(fact, Known) else to_plain(fact)


def _container(container: Container) -> dict[str, object]:
    return {
        "path": container.path,
        "format": container.format.value,
        "size_bytes": container.size_bytes,
        "allocated_bytes": container.allocated_bytes,
        "virtual_size_bytes": _fact(container.virtual_size_bytes, lambda size: size),
        "matches": [
            {"format": match.format.value, "offset": match.offset, "length": match.length}
            for match in container.matches
        ],
        "damage": container.damage,
        "wrappers": [wrapper.value for wrapper in container.wrappers],
        "qcow2": _qcow2(container),
    }


def _qcow2(container: Container) -> object:
    if container.qcow2 is None:
        return None
    header = container.qcow2.header
    return {
        "version": header.version,
        "cluster_size_bytes": header.cluster_size_bytes,
        "compression_type": "zstd" if header.compression_type == 1 else "zlib",
        "backing_file": header.backing_file,
        "data_file": header.data_file,
        "encryption_method": header.encryption_method,
        "incompatible_features": header.incompatible_features,
        "snapshot_count": header.snapshot_count,
        "clusters": _fact(
            container.qcow2.cluster_map,
            lambda found: {
                "data": found.data_clusters,
                "compressed": found.compressed_clusters,
                "zero": found.zero_clusters,
                "missing": found.missing_clusters,
            },
        ),
    }


def _disk(disk: Disk) -> dict[str, object]:
    return {
        "size_bytes": disk.size_bytes,
        "sector_size_bytes": disk.sector_size_bytes,
        "table": disk.scheme.value,
        "guid": disk.gpt.best.disk_guid if disk.gpt else None,
        "whole_disk": disk.whole_disk.name if disk.whole_disk else None,
        "partitions": [_partition(found) for found in disk.partitions],
    }


def _partition(found: DiskPartition) -> dict[str, object]:
    partition, signature = found.partition, found.file_system
    return {
        "number": partition.number,
        "first_lba": partition.sectors.first_lba,
        "last_lba": partition.sectors.last_lba,
        "size_bytes": partition.sectors.size_bytes,
        "type": partition.type_code,
        "kind": partition.kind.value,
        "name": partition.name,
        "guid": partition.guid,
        "is_active": partition.is_active,
        "file_system": None
        if signature is None
        else {"name": signature.name, "uuid": signature.uuid, "label": signature.label},
    }


def _esp(esp: Esp) -> dict[str, object]:
    return {"partition": esp.partition.number, "content": _fact(esp.content, _content)}


def _content(content: EspContent) -> dict[str, object]:
    chosen = choose_loader(content)
    return {
        "fat_bits": content.volume.fat_bits,
        "size_bytes": content.volume.size_bytes,
        "free_bytes": content.volume.free_bytes,
        "label": content.volume.label,
        "efi_bootloader_path": efi_path(chosen.path) if chosen else None,
        "files": [
            {"path": efi_path(entry.path), "size_bytes": entry.size_bytes}
            for entry in content.entries
            if not entry.is_directory
        ],
        "programs": [_program(program) for program in content.programs],
    }


def _program(program: EfiProgram) -> dict[str, object]:
    return {
        "path": efi_path(program.path),
        "kind": program.kind.value,
        "machine": None if program.pe is None else f"0x{program.pe.machine:04x}",
        "subsystem": None if program.pe is None else program.pe.subsystem,
        "is_signed": None if program.pe is None else program.pe.certificates_size_bytes > 0,
        "grub_prefix": None if program.grub is None else program.grub.prefix,
        "problem": program.problem,
    }


def _bios(bios: BiosBoot) -> dict[str, object]:
    core = bios.grub_core
    return {
        "boot_code": bios.kind.value,
        "grub_core": None
        if core is None
        else {"first_lba": core.first_lba, "partition": core.partition_number, "problem": core.problem},
    }
