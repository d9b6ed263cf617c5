"""Every boot chain of an image: one for each EFI program that could be the loader, and that of the BIOS."""

from __future__ import annotations

from byoi_tools.inspection.guest.boot.grub.chain import GrubStart, follow_grub
from byoi_tools.inspection.guest.boot.links import finish
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.inspection.guest.boot.syslinux import follow_syslinux
from byoi_tools.inspection.guest.boot.systemd_boot import follow_systemd_boot, follow_unified_image
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.model.disks.bios import BiosBoot, BootCodeKind
from byoi_tools.model.disks.esp import EfiProgram, Esp, EspContent, LoaderKind
from byoi_tools.model.disks.loader import loader_candidates
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.fact import Known
from byoi_tools.model.guest.boot import BootChain, ChainLink, LinkKind, SyslinuxFiles

MAXIMUM_CHAINS = 16
_SHIM_SECOND_STAGE = "grubx64.efi"
_SYSLINUX = (BootCodeKind.SYSLINUX_MBR, BootCodeKind.SYSLINUX_GPTMBR)


def follow_all(context: GuestContext, places: BootPlaces, syslinux: tuple[SyslinuxFiles, ...]) -> tuple[BootChain, ...]:
    """Return the chains, sixteen of UEFI at most; raises what the context's tree raises."""
    chains = [
        _follow_program(context, places, esp, esp.content.value, program)
        for esp in context.esps
        if isinstance(esp.content, Known)
        for program in loader_candidates(esp.content.value)
    ][:MAXIMUM_CHAINS]
    return (*chains, *_follow_bios(context.bios, places, syslinux))


def _follow_program(
    context: GuestContext, places: BootPlaces, esp: Esp, content: EspContent, program: EfiProgram
) -> BootChain:
    number = esp.partition.number
    links = [ChainLink(LinkKind.LOADER, program.path, str(esp.partition))]
    running: EfiProgram | None = program
    if program.kind is LoaderKind.SHIM:
        path = f"{program.path.rpartition('/')[0]}/{(program.second_stage or _SHIM_SECOND_STAGE).strip('/')}"
        running = content.program(path)
        problem = "" if running else "it does not exist"
        links.append(ChainLink(LinkKind.SECOND_STAGE, path, f"{program.path} on {esp.partition}", problem))
    if running is not None and running.pe is not None and running.pe.required_bytes > running.size_bytes:
        links.append(ChainLink(LinkKind.LOADER, running.path, str(esp.partition), "the file is cut off"))
        return finish(program.path, number, links)
    place = places.of_source(str(esp.partition))
    if running is None or place is None:
        return finish(program.path, number, links)
    if running.kind is LoaderKind.GRUB and running.grub is not None:
        directory = "/" + running.path.strip("/").rpartition("/")[0]
        return follow_grub(places, GrubStart(running.grub, place.name, directory, "efi", program.path, number), links)
    if running.kind is LoaderKind.SYSTEMD_BOOT:
        found = context.disk.partitions_of_kind(PartitionKind.LINUX_BOOT)
        extended = places.of_source(str(found[0])) if found else None
        return follow_systemd_boot(places, place, extended, program.path, number, links)
    if running.kind is LoaderKind.UKI:
        return follow_unified_image(places, running, program.path, number, links)
    return finish(program.path, number, links, end=f"what a {running.kind.value} starts is not followed")


def _follow_bios(
    bios: BiosBoot | None, places: BootPlaces, syslinux: tuple[SyslinuxFiles, ...]
) -> tuple[BootChain, ...]:
    if bios is None or bios.kind is BootCodeKind.NONE:
        return ()
    if bios.kind in _SYSLINUX:
        return (follow_syslinux(places, syslinux),)
    if bios.grub_core is None:
        end = f"what boot code of {bios.kind.value} starts is not followed"
        return (finish("", None, [ChainLink(LinkKind.LOADER, "boot code", "LBA 0")], end=end),)
    core = ChainLink(LinkKind.LOADER, "GRUB's core image", f"LBA {bios.grub_core.first_lba}", bios.grub_core.problem)
    if bios.grub is None:
        return (finish("", None, [core], end="the core image could not be unpacked"),)
    return (follow_grub(places, GrubStart(bios.grub, "hd0", "", "pc", "", None), [core]),)
