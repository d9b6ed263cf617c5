"""What Bring Your Own Linux's script needs."""

from __future__ import annotations

from dataclasses import dataclass

SCRIPT_PATH = "/root/.ovh/make_image_bootable.sh"


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

    def calls_of(self, *programs: str) -> tuple[ScriptCall, ...]:
        """The calls of these programs, in their order."""
        return tuple(call for call in self.calls if call.program in programs)


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
