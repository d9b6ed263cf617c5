"""Follows systemd-boot and unified kernel images to the root (Boot Loader Specification; loader.conf(5))."""

from __future__ import annotations

from fnmatch import fnmatchcase

from byoi_tools.formats.boot.boot_entry import Pairs, entry_name, last, read_pairs, values, version_key
from byoi_tools.inspection.guest.boot.links import describe_entry, finish, links_of_entry, root_link
from byoi_tools.inspection.guest.boot.places import BootPlace, BootPlaces
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import EfiProgram, LoaderKind, fold_path
from byoi_tools.model.guest.boot import BootChain, BootEntry, ChainLink, LinkKind, MenuSettings
from byoi_tools.model.guest.command_line import CommandLine

MAXIMUM_ENTRIES = 100
_DIRECTORY = "/loader/entries"
_IMAGES = "EFI/LINUX/"
_ARCHITECTURES = ("", "x64")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the menu: its id, what it sorts by, and its file or its program."""

    identity: str
    pairs: Pairs
    path: str
    program: EfiProgram | None


def follow_systemd_boot(
    places: BootPlaces, esp: BootPlace, extended: BootPlace | None, loader: str, number: int, links: list[ChainLink]
) -> BootChain:
    """Return the chain of the entry that systemd-boot starts by itself.

    `esp` is the place of the ESP, `extended` that of an extended boot loader partition. Raises what the guest's tree
    raises.
    """
    settings = read_pairs(places.read(f"({esp.name})/loader/loader.conf") or "")
    menu = MenuSettings(last(settings, "timeout"), "", is_default_locked=False)
    lines = sorted(_lines(places, esp, extended), key=_order, reverse=True)
    line = _default(lines, last(settings, "default").lower())
    if extended is not None and not extended.is_readable and (line is None or not lines):
        return finish(loader, number, links, menu=menu, end=f"{extended.device.source} is not read")
    if line is None:
        problem = "the menu is empty"
        return finish(
            loader, number, [*links, ChainLink(LinkKind.ENTRY, "a menu entry", _DIRECTORY, problem)], menu=menu
        )
    if line.program is not None:
        return follow_unified_image(places, line.program, loader, number, links, menu)
    specified = tuple(_entry(places, one) for one in lines if one.program is None and last(one.pairs, "linux"))
    if not last(line.pairs, "linux"):
        end = f"the default entry {line.identity[:80]} starts no Linux kernel"
        return finish(loader, number, links, menu=menu, specified=specified, end=end)
    entry = _entry(places, line)
    more, end = links_of_entry(places, entry)
    links = [*links, ChainLink(LinkKind.ENTRY, entry.title, entry.place), *more]
    return finish(loader, number, links, entry, menu, specified, end=end)


def follow_unified_image(
    places: BootPlaces,
    program: EfiProgram,
    loader: str,
    number: int,
    links: list[ChainLink],
    menu: MenuSettings | None = None,
) -> BootChain:
    """Return the chain of a unified kernel image, which brings its kernel, its initrd and its command line along."""
    signed = program.pe is not None and program.pe.certificates_size_bytes > 0
    entry = BootEntry(
        identity=program.path.rpartition("/")[2],
        title=program.path,
        place=f"{program.path} on partition {number}",
        device=f"partition {number}",
        kernel=program.path,
        initrds=(),
        missing=(),
        command_line=CommandLine(program.command_line),
        is_kernel_signed=signed,
    )
    more, end = root_link(places.known, entry)
    links = [*links, ChainLink(LinkKind.KERNEL, program.path, entry.place), *more]
    return finish(loader, number, links, entry, menu, end=end)


def _lines(places: BootPlaces, esp: BootPlace, extended: BootPlace | None) -> list[_Line]:
    lines = []
    for place in [esp, extended] if extended is not None else [esp]:
        directory = f"({place.name}){_DIRECTORY}"
        names = [name for name in places.names(directory) if name.lower().endswith(".conf")][:MAXIMUM_ENTRIES]
        for name in names:
            pairs = read_pairs(places.read(f"{directory}/{name}") or "")
            if last(pairs, "architecture").lower() in _ARCHITECTURES:
                lines.append(_Line(_identity(name), pairs, f"{directory}/{name}", None))
    programs = esp.content.programs if esp.content else ()
    images = [one for one in programs if one.kind is LoaderKind.UKI and fold_path(one.path).startswith(_IMAGES)]
    return [*lines, *(_Line(_identity(one.path.rpartition("/")[2]), (), one.path, one) for one in images)]


def _identity(name: str) -> str:
    return entry_name(name.lower())


def _order(line: _Line) -> tuple[bool, list[int], list[tuple[int, int, str]], list[tuple[int, int, str]]]:
    """The greatest is the first of the menu: entries with a sort key before those without, then the newest version."""
    key = last(line.pairs, "sort-key")
    descending = [*(-ord(character) for character in key[:64]), 1]
    return bool(key), descending, version_key(last(line.pairs, "version")), version_key(line.identity)


def _default(lines: list[_Line], pattern: str) -> _Line | None:
    names = {pattern, f"{pattern}.conf", f"{pattern}.efi"} if pattern else set[str]()
    matching = (line for line in lines if any(fnmatchcase(line.identity, name[:255]) for name in names))
    return next(matching, next(iter(lines), None))


def _entry(places: BootPlaces, line: _Line) -> BootEntry:
    device = line.path[: line.path.index(")") + 1]
    files = [f"{device}{_slashed(path)}" for path in (last(line.pairs, "linux"), *values(line.pairs, "initrd"))]
    names = (line.identity, last(line.pairs, "title") or line.identity)
    return describe_entry(places, names, line.path, files[0], files[1:], " ".join(values(line.pairs, "options")))


def _slashed(path: str) -> str:
    return "/" + path.replace("\\", "/").lstrip("/")
