"""The links that every boot chain ends with, whatever loader it has: kernel, initrd, root file system."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.boot.pe import read_pe
from byoi_tools.formats.source import Memory
from byoi_tools.inspection.guest.boot.places import BootPlaces
from byoi_tools.model.guest.boot import BootChain, BootEntry, ChainLink, LinkKind, MenuSettings
from byoi_tools.model.guest.command_line import CommandLine
from byoi_tools.model.guest.devices import DeviceName, KnownDevices, NameKind

_OTHER_ROOTS = ("nfs", "zfs", "ZFS=", "live:", "iscsi", "overlay", "tmpfs", "dhcp", "nbd", "gpt-auto", "dissect")


def finish(
    loader: str,
    partition_number: int | None,
    links: Sequence[ChainLink],
    entry: BootEntry | None = None,
    menu: MenuSettings | None = None,
    specified: Sequence[BootEntry] = (),
    unset: Sequence[str] = (),
    end: str = "",
) -> BootChain:
    """Return the chain of links up to the first broken one; a broken one leaves no other end."""
    kept: list[ChainLink] = []
    for link in links:
        kept.append(link)
        if link.problem:
            end = ""
            break
    return BootChain(loader, partition_number, tuple(kept), entry, menu, tuple(specified), tuple(unset), end)


def describe_entry(
    places: BootPlaces, title: tuple[str, str], place: str, kernel: str, initrds: Sequence[str], arguments: str
) -> BootEntry:
    """Return an entry whose files have GRUB's devices in their paths; `title` is the identity and the title."""
    device, path = places.locate(kernel)
    files = [kernel, *initrds]
    readable = device is not None and device.is_readable
    return BootEntry(
        identity=title[0],
        title=title[1],
        place=places.shown(place),
        device=device.device.source if device else "",
        kernel=path,
        initrds=tuple(places.locate(initrd)[1] for initrd in initrds),
        missing=tuple(places.locate(file)[1] for file in files if readable and not places.is_file(file)),
        command_line=CommandLine(arguments),
        is_kernel_signed=is_signed(places.head(kernel)),
    )


def is_signed(head: bytes) -> bool | None:
    """Whether a kernel has a signature for Secure Boot, by its first bytes; None where these are no PE image."""
    try:
        return read_pe(Memory(head)).certificates_size_bytes > 0
    except ImageMalformed:
        return None


def links_of_entry(places: BootPlaces, entry: BootEntry) -> tuple[list[ChainLink], str]:
    """The links from the kernel to the root, and why nothing more is known behind them, or an empty text."""
    where = f" on {entry.device}" if entry.device else ""
    links = [_file_link(LinkKind.KERNEL, entry.kernel, entry, where)]
    links += [_file_link(LinkKind.INITRD, initrd, entry, where) for initrd in entry.initrds]
    root, end = root_link(places.known, entry)
    return [*links, *root], end


def root_link(known: KnownDevices, entry: BootEntry) -> tuple[list[ChainLink], str]:
    """The link to the root file system, none where the image does not decide, with the reason."""
    value = entry.command_line.last("root")
    link: Callable[[str], ChainLink] = lambda problem: ChainLink(  # noqa: E731 - one call, three endings
        LinkKind.ROOT, f"root={value}", entry.place, problem
    )
    if value is None:
        return [], "the kernel's command line has no root="
    if value.startswith(_OTHER_ROOTS) or entry.command_line.has("zfs"):
        return [], f"root={value[:40]} is no file system of a partition"
    name = DeviceName.of(value)
    if name.kind is NameKind.PARTUUID:
        name = DeviceName(name.kind, name.value.lower(), name.text)
    if known.find(name) is not None:
        return [link("")], ""
    if name.is_bound_to_a_machine:
        return [link("the name depends on the machine")], ""
    if name.kind is NameKind.OTHER or (known.hidden and name.value):
        hidden = ", ".join(known.hidden)
        return [], f"root={value[:80]} may be in {hidden}" if hidden else f"root={value[:80]} is not understood"
    return [link("nothing in the image has this name")], ""


def _file_link(kind: LinkKind, path: str, entry: BootEntry, where: str) -> ChainLink:
    problem = f"it does not exist{where}" if path in entry.missing else ""
    return ChainLink(kind, path, entry.place, problem)
