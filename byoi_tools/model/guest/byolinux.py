"""What Bring Your Own Linux's script needs."""

from __future__ import annotations

import re

from byoi_tools.model.dataclass import dataclass

SCRIPT_PATH = "/root/.ovh/make_image_bootable.sh"
_GRUB_INSTALL = ("grub-install", "grub2-install")
_ID = "--bootloader-id"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ScriptCall:
    """A program that the script calls: its name, its words, and the line on which the call begins."""

    program: str
    arguments: tuple[str, ...]
    line: int

    def __str__(self) -> str:
        return " ".join((self.program, *self.arguments))


@dataclass(frozen=True, slots=True)
class BootScript:
    """The script that the provider runs once, in the deployed system.

    `interpreter` is what the first line names, empty without a `#!`; of `/usr/bin/env NAME` it is the path found for
    NAME, or NAME itself. `calls` are those of the programs that matter here.
    """

    mode: int
    size_bytes: int
    interpreter: str
    has_interpreter: bool
    calls: tuple[ScriptCall, ...]

    @property
    def is_executable(self) -> bool:
        """Whether root may execute it: any of the execute bits."""
        return self.mode & 0o111 != 0

    @property
    def loader_path(self) -> str | None:
        """The loader that its calls of `grub-install` leave in the ESP of an x86_64 server; None where none tells."""
        paths = (_installed_loader(call.arguments) for call in self.calls_of(*_GRUB_INSTALL))
        return next((path for path in paths if path), None)

    def calls_of(self, *programs: str) -> tuple[ScriptCall, ...]:
        """The calls of these programs, in their order."""
        return tuple(call for call in self.calls if call.program in programs)


def _installed_loader(arguments: tuple[str, ...]) -> str | None:
    """`--bootloader-id` names the folder, `--removable` takes the fallback's place (grub-install(8))."""
    if "--target=i386-pc" in arguments:
        return None
    if "--removable" in arguments:
        return r"\EFI\BOOT\BOOTX64.EFI"
    pairs = zip(arguments, (*arguments[1:], ""), strict=True)
    names = [following if word == _ID else word.removeprefix(f"{_ID}=") for word, following in pairs if _ID in word]
    return rf"\EFI\{names[-1]}\grubx64.efi" if names and _PLAIN_NAME.fullmatch(names[-1]) else None


@dataclass(frozen=True, slots=True)
class ByolinuxSetup:
    """The script, or None where there is no regular file, and what it could use.

    `programs` are those of the programs that it calls, or that the provider's partitioning needs, which are installed.
    `grub_targets` are the platforms whose GRUB modules are installed (`x86_64-efi`, `i386-pc`). `efi_programs` lie
    under `/boot/efi` in the root file system. `raid_hooks` are the files that put mdadm into an initramfs.
    """

    script: BootScript | None
    programs: frozenset[str]
    grub_targets: tuple[str, ...]
    efi_programs: tuple[str, ...]
    raid_hooks: tuple[str, ...]
