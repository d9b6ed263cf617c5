"""The facts of an image for people, with a drawing of the disk."""

from __future__ import annotations

from byoi_tools.model.disks.esp import Esp, efi_path
from byoi_tools.model.disks.loader import loader_candidates
from byoi_tools.model.fact import Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.image import Container, ImageFormat
from byoi_tools.model.sizes import human_size
from byoi_tools.reports.guest_text import render_guest
from byoi_tools.reports.layout import draw_layout
from byoi_tools.reports.terminal import Terminal


def render_facts(facts: Facts, terminal: Terminal) -> str:
    """Return the facts as lines of text that end in a newline."""
    lines = _container(facts.container, terminal)
    lines += _disk(facts, terminal)
    lines += _esps(facts, terminal)
    lines += _bios(facts, terminal)
    lines += render_guest(facts.guest, terminal)
    return "\n".join(lines) + "\n"


def _container(container: Container, terminal: Terminal) -> list[str]:
    first, *rest = terminal.wrap(container.path, "")
    lines = [terminal.paint(first, "title"), *rest]
    lines += terminal.wrap(
        f"{container.format.value}, {human_size(container.size_bytes)} ({container.size_bytes} bytes), "
        f"{human_size(container.allocated_bytes)} on this disk",
        "  ",
    )
    if container.wrappers:
        lines += terminal.wrap(f"unpacked from {', '.join(wrapper.value for wrapper in container.wrappers)}", "  ")
    others = [match.format.value for match in container.matches if match.format is not container.format]
    if others and container.format is not ImageFormat.RAW:
        lines += terminal.wrap(f"also looks like {', '.join(others)}", "  ")
    if container.qcow2 is not None:
        lines += terminal.wrap(_qcow2(container), "  ")
    return lines


def _qcow2(container: Container) -> str:
    assert container.qcow2 is not None  # noqa: S101 - the caller looked
    header = container.qcow2.header
    compression = "zstd" if header.compression_type == 1 else "zlib"
    text = f"version {header.version}, clusters of {human_size(header.cluster_size_bytes)}"
    found = container.qcow2.cluster_map
    if isinstance(found, Known):
        counts = found.value
        text += f", {counts.data_clusters} plain, {counts.compressed_clusters} compressed ({compression})"
        text += f", {counts.zero_clusters} zero"
    if header.backing_file is not None:
        text += f", BACKING FILE {header.backing_file!r}"
    return text


def _disk(facts: Facts, terminal: Terminal) -> list[str]:
    if not isinstance(facts.disk, Known):
        return ["", terminal.paint("disk", "title"), *terminal.wrap(f"not examined: {facts.disk.reason}", "  ")]
    disk = facts.disk.value
    heading = f"{human_size(disk.size_bytes)}, table {disk.scheme.value}, sectors of {disk.sector_size_bytes} bytes"
    lines = ["", terminal.paint("disk", "title"), *terminal.wrap(heading, "  ")]
    if disk.whole_disk is not None:
        lines += terminal.wrap(f"the whole disk looks like {disk.whole_disk.name}", "  ")
    return lines + draw_layout(disk, terminal)


def _esps(facts: Facts, terminal: Terminal) -> list[str]:
    if not isinstance(facts.esps, Known):
        return []
    lines: list[str] = []
    for esp in facts.esps.value:
        lines += ["", terminal.paint(f"EFI system partition ({esp.partition})", "title"), *_esp(esp, terminal)]
    return lines


def _esp(esp: Esp, terminal: Terminal) -> list[str]:
    if not isinstance(esp.content, Known):
        return terminal.wrap(f"not examined: {esp.content.reason}", "  ")
    content = esp.content.value
    volume = content.volume
    lines = terminal.wrap(
        f"FAT{volume.fat_bits}, {human_size(volume.size_bytes)}, {human_size(volume.free_bytes)} free", "  "
    )
    best = loader_candidates(content)[:1]
    for program in content.programs:
        mark = "*" if program in best else " "
        what = program.kind.value if program.pe else f"not startable: {program.problem}"
        text = f"{efi_path(program.path)} {human_size(program.size_bytes)}, {what}"
        lines += terminal.wrap(text, f"  {mark} ", "      ")
    if best:
        lines += terminal.wrap("* the loader path that would be given to the provider", "  ")
    return lines


def _bios(facts: Facts, terminal: Terminal) -> list[str]:
    if not isinstance(facts.bios, Known):
        return []
    bios = facts.bios.value
    text = f"boot code: {bios.kind.value}"
    if bios.grub_core is not None:
        core = bios.grub_core
        place = f"partition {core.partition_number}" if core.partition_number else "the gap before the first partition"
        text += f", core image at LBA {core.first_lba} in {place}" + (f" ({core.problem})" if core.problem else "")
    return ["", terminal.paint("legacy boot", "title"), *terminal.wrap(text, "  ")]
