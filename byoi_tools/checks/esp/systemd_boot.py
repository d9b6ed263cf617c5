"""systemd-boot: whether its menu has an entry that starts something (UAPI Group, Boot Loader Specification)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import entry_points, place, shown
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import EspContent, EspText, LoaderKind, fold_path
from byoi_tools.model.disks.partition import PartitionKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootEntry
from byoi_tools.model.quoting import quote

_ENTRY_DIRECTORY = "LOADER/ENTRIES/"
_IMAGE_DIRECTORY = "EFI/LINUX/"
_SETTINGS = "LOADER/LOADER.CONF"
_FILE_KEYS = ("linux", "initrd", "efi", "uki")
_STARTING_KEYS = ("linux", "efi", "uki")
_NAME_LIMIT = 255
_FILE_LIMIT = 32
_BOOT_COUNT = re.compile(r"\+\d+(?:-\d+)?(\.conf|\.efi)$")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A line of the menu: its file name in lower case without boot counts, and what it needs and lacks, in words."""

    name: str
    path: str
    missing: tuple[str, ...]


@check(
    "esp.sdboot-entries",
    "systemd-boot has an entry whose kernel and initrd exist",
    Severity.ERROR,
    remedy="Add an entry for the kernel: kernel-install add VERSION /boot/vmlinuz-VERSION; bootctl list shows them.",
    boot=BootMode.UEFI,
)
def sdboot_entries(subject: Subject) -> Iterator[Observation]:
    r"""systemd-boot has an entry whose kernel and initrd exist.

    Why: systemd-boot reads FAT only. Without an entry it shows an empty menu, and an entry whose kernel is missing ends
    in "Not Found": both wait for a keyboard.

    How: when the loader in use or the fallback loader is systemd-boot: each `\loader\entries\*.conf` names files that
    exist (`linux` or `efi`, `initrd`), and each unified kernel image in `\EFI\Linux` counts as an entry. None that
    works is an error, and so is a broken one that `default` of `\loader\loader.conf` picks; other broken ones, and a
    `default` that matches nothing, are warnings. Skipped when the disk has an extended boot loader partition.

    Fix: `kernel-install add VERSION /boot/vmlinuz-VERSION` in the system, with the ESP mounted; `bootctl list` shows
    what the loader will find.

    Source: UAPI Group, Boot Loader Specification; loader.conf(5).
    """
    content = _content_with_menu(subject)
    entries = _entries(content)
    chosen = _chosen_by_default(content, entries)
    if all(entry.missing for entry in entries):
        yield _empty_menu(subject, entries)
        return
    for entry in entries:
        if entry.missing:
            yield _broken_entry(subject, entry, is_default=chosen is not None and entry in chosen[:1])
    if chosen is not None and not chosen:
        yield Observation(
            "the default entry of systemd-boot does not exist, so another one is started",
            observed=f"default {quote(_default(content))}",
            expected="the name of an entry, or a pattern that matches one",
            evidence=place(subject, "loader/loader.conf"),
            severity=Severity.WARNING,
        )


def is_told_by_menu(subject: Subject, default: BootEntry | None) -> bool:
    """Whether `esp.sdboot-entries` calls it an error that the default entry, None without any, starts nothing."""
    try:
        content = _content_with_menu(subject)
    except NotKnownError:
        return False
    entries = _entries(content)
    if all(entry.missing for entry in entries):
        return True
    chosen = _chosen_by_default(content, entries) or []
    return default is not None and any(one.missing and one.name == default.identity for one in chosen[:1])


def _content_with_menu(subject: Subject) -> EspContent:
    if not any(program.kind is LoaderKind.SYSTEMD_BOOT for program in entry_points(subject)):
        raise NotKnownError("neither the loader in use nor the fallback loader is systemd-boot")
    if subject.disk.partitions_of_kind(PartitionKind.LINUX_BOOT):
        raise NotKnownError("the entries may be in the extended boot loader partition, which is not read")
    return subject.esp_content


def _empty_menu(subject: Subject, entries: tuple[_Entry, ...]) -> Observation:
    missing = dict.fromkeys(what for entry in entries for what in entry.missing)
    return Observation(
        "systemd-boot has no entry that starts a system",
        observed=f"missing: {', '.join(list(missing)[:4])}" if missing else "no entries",
        expected=r"an entry in \loader\entries whose files exist, or an image in \EFI\Linux",
        evidence=place(subject, entries[0].path if entries else "loader/entries"),
    )


def _broken_entry(subject: Subject, entry: _Entry, *, is_default: bool) -> Observation:
    return Observation(
        f"the {'default ' if is_default else ''}entry {shown(entry.path)} of systemd-boot starts nothing",
        observed=f"missing: {', '.join(entry.missing[:4])}",
        expected="files that exist in the EFI system partition",
        evidence=place(subject, entry.path),
        severity=None if is_default else Severity.WARNING,
    )


def _entries(content: EspContent) -> tuple[_Entry, ...]:
    described = [_described(content, text) for text in content.texts if _is_entry(text.path)]
    images = [
        _Entry(_file_name(program.path), program.path, ())
        for program in content.programs
        if program.kind is LoaderKind.UKI and fold_path(program.path).startswith(_IMAGE_DIRECTORY)
    ]
    return (*described, *images)


def _is_entry(path: str) -> bool:
    folded = fold_path(path)
    return folded.startswith(_ENTRY_DIRECTORY) and folded.count("/") == 2 and folded.endswith(".CONF")


def _described(content: EspContent, text: EspText) -> _Entry:
    pairs = _settings(text)
    files = [value for key, value in pairs if key in _FILE_KEYS][:_FILE_LIMIT]
    missing = [shown(path) for path in files if content.find(path) is None]
    if not any(key in _STARTING_KEYS for key, _ in pairs):
        missing.append("a line with linux, efi or uki")
    return _Entry(_file_name(text.path), text.path, tuple(missing))


def _settings(text: EspText) -> list[tuple[str, str]]:
    lines = [line.strip() for line in text.content.decode(errors="replace").splitlines()]
    words = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return [(pair[0].lower(), pair[1].strip()) for pair in words if len(pair) == 2]


def _file_name(path: str) -> str:
    return _BOOT_COUNT.sub(r"\1", path.rpartition("/")[2].lower())


def _default(content: EspContent) -> str:
    """The `default` of loader.conf, in lower case; empty where there is none or only the running system knows it."""
    found = [text for text in content.texts if fold_path(text.path) == _SETTINGS]
    values = [value for text in found for key, value in _settings(text) if key == "default"]
    return "" if not values or values[-1].startswith(("@", "auto-")) else values[-1][:_NAME_LIMIT].lower()


def _chosen_by_default(content: EspContent, entries: tuple[_Entry, ...]) -> list[_Entry] | None:
    """The entries that the default matches, or None where there is no default to judge."""
    pattern = _default(content)
    if not pattern:
        return None
    return [entry for entry in entries if fnmatchcase(entry.name, pattern) or entry.name == f"{pattern}.conf"]
