"""Reads an initramfs: what the names in it, and its small configuration files, tell of the build."""

from __future__ import annotations

import re

from byoi_tools.formats.boot.cpio import CpioEntry
from byoi_tools.formats.boot.initramfs import list_initramfs
from byoi_tools.formats.guest_files.modprobe_config import read_blacklisted
from byoi_tools.formats.guest_files.shell_assignments import read_shell_assignments
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.guest.initramfs import Initramfs
from byoi_tools.model.guest.kernel_modules import is_module_path, module_name

INITRAMFS_LIMIT_BYTES = 176 << 20
"""All of it is in memory while it is listed, and 300 MiB are all that may be used."""
_TEXT_LIMIT_BYTES = 64 * 1024
_MODULE_VERSION = re.compile(r"(?:usr/)?lib/modules/([^/]+)/")
_MICROCODE = re.compile(r"kernel/x86/microcode/(\w+)\.bin")
_PROGRAM = re.compile(r"(?:usr/)?(?:bin|sbin|lib/systemd|lib/udev|lib/cryptsetup)/(?:[\w-]+/)?([^/]+)")
_DRACUT = re.compile(
    r"(?:usr/)?lib/dracut/(build-parameter\.txt|modules\.txt|hostonly-files|hostonly-kernel-modules\.txt)"
)
_BLACKLIST = re.compile(r"(?:usr/lib|lib|etc)/modprobe\.d/[^/]+\.conf")
_HOOK = re.compile(
    r"scripts/((?:init|local|nfs)-(?:top|block|premount|bottom)/[^/]+)|hooks/([^/]+)|(?:usr/)?lib/dracut/hooks/([^/]+/[^/]+)"
)
_SQUASHED = ("squashfs-root.img", "squash-root.img", "erofs-root.img", "squash/root.img")
_HOST_ONLY_OPTION = re.compile(r"(?:^|[\s'])(-H|--hostonly|--hostonly-mode)(?=$|[\s'=])")


def read_initramfs(path: str, source: ByteSource) -> Fact[Initramfs | None]:
    """Return what an initramfs says; not examined where it is packed in a way that is not opened.

    Reads forwards, so that the source may be one that is still arriving. Raises what the source raises, nothing else.
    """
    listing = list_initramfs(source, _is_wanted)
    if listing.unread:
        return NotExamined(f"the initramfs {path} is not opened: {listing.unread}")
    entries = listing.entries
    if any(entry.path in _SQUASHED for entry in entries):
        return NotExamined(f"the initramfs {path} holds its files in one more file system, which is not opened")
    texts = {entry.path: entry.content.decode("utf-8", "replace") for entry in entries if entry.content is not None}
    modules = [entry.path for entry in entries if is_module_path(entry.path)]
    return Known(
        Initramfs(
            path=path,
            size_bytes=source.size_bytes,
            segments=listing.segments,
            damage=listing.damage,
            builder=_builder(texts),
            microcode=_matches(_MICROCODE, entries),
            module_versions=tuple(
                sorted({match.group(1) for each in modules if (match := _MODULE_VERSION.match(each))})
            ),
            modules=frozenset(module_name(each) for each in modules),
            programs=frozenset(_matches(_PROGRAM, entries)),
            hooks=_hooks(entries, texts),
            host_only=_host_only(texts),
            blacklisted=tuple(
                (module, f"{each} line {line}")
                for each, text in texts.items()
                if _BLACKLIST.fullmatch(each)
                for module, line in read_blacklisted(text)
            ),
        )
    )


def _is_wanted(path: str, size_bytes: int) -> bool:
    if size_bytes > _TEXT_LIMIT_BYTES:
        return False
    return path in ("conf/initramfs.conf", "buildconfig", "config") or bool(
        path.startswith("conf/conf.d/") or _DRACUT.fullmatch(path) or _BLACKLIST.fullmatch(path)
    )


def _matches(pattern: re.Pattern[str], entries: tuple[CpioEntry, ...]) -> tuple[str, ...]:
    found = (match.group(1) for entry in entries if (match := pattern.fullmatch(entry.path)))
    return tuple(sorted(set(found)))


def _builder(texts: dict[str, str]) -> str:
    if any(_DRACUT.fullmatch(path) for path in texts):
        return "dracut"
    if "conf/initramfs.conf" in texts:
        return "initramfs-tools"
    return "mkinitcpio" if "buildconfig" in texts else ""


def _hooks(entries: tuple[CpioEntry, ...], texts: dict[str, str]) -> tuple[str, ...]:
    found = {next(filter(None, match.groups())) for entry in entries if (match := _HOOK.fullmatch(entry.path))}
    for path, text in texts.items():
        if path.endswith("lib/dracut/modules.txt"):
            found |= set(text.split())
    return tuple(sorted(name for name in found if not name.endswith("ORDER")))


def _host_only(texts: dict[str, str]) -> str:
    """The trace of a build for one machine: of dracut, initramfs-tools or mkinitcpio."""
    for path, text in texts.items():
        name = path.rpartition("/")[2]
        if name == "build-parameter.txt" and (option := _HOST_ONLY_OPTION.search(text)):
            return f"dracut {option.group(1)} ({path})"
        if name in ("hostonly-files", "hostonly-kernel-modules.txt"):
            return f"dracut left {path}"
        if path == "buildconfig" and _has_autodetect(text):
            return "the hook autodetect of mkinitcpio (buildconfig)"
    return _chosen_modules(texts)


def _chosen_modules(texts: dict[str, str]) -> str:
    """`MODULES=` of initramfs-tools, the last setting of all its files, where it leaves drivers out."""
    last = ""
    for path in sorted(texts, key=lambda path: (path != "conf/initramfs.conf", path)):
        if path.startswith("conf/"):
            modules = read_shell_assignments(texts[path]).get("MODULES", "")
            last = f"MODULES={modules} ({path})" if modules else last
    return last if last.startswith(("MODULES=dep", "MODULES=list")) else ""


def _has_autodetect(text: str) -> bool:
    lines = [line.strip() for line in text.splitlines()]
    hooks = [line for line in lines if line.startswith("HOOKS=")]
    return bool(hooks) and "autodetect" in re.split(r"[\s()\"']+", hooks[-1])
