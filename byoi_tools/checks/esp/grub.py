"""GRUB in the ESP: whether it finds the grub.cfg that its embedded prefix points to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import loader_in_use, place, second_stage_path, shown
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.disks.esp import EfiProgram, EspContent, LoaderKind, fold_path
from byoi_tools.model.disks.partition_table import TableScheme
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_BOOTSTRAP = "(memdisk)/grub.cfg"
_PARTITION_DEVICE = re.compile(r"(?:hd\d+)?,(gpt|msdos)(\d+)")
_TABLE_NAMES = {"gpt": TableScheme.GPT, "msdos": TableScheme.MBR}


@dataclass(frozen=True, slots=True)
class _Search:
    """Where a GRUB looks: at `main` first, then, in the builds of some distributions, at `others`."""

    main: str
    others: tuple[str, ...]

    def is_met(self, content: EspContent) -> bool:
        """Whether the file is at the first place."""
        return content.find(self.main) is not None

    def is_perhaps_met(self, content: EspContent) -> bool:
        """Whether the file is at one of the other places."""
        return any(content.find(path) is not None for path in self.others)


@check(
    "esp.grub-stub",
    "the GRUB in use finds its grub.cfg in the EFI system partition",
    Severity.ERROR,
    remedy="Write the stub: search.fs_uuid UUID root; set prefix=($root)/boot/grub; configfile $prefix/grub.cfg",
    boot=BootMode.UEFI,
)
def grub_stub(subject: Subject) -> Iterator[Observation]:
    r"""The GRUB in use finds its grub.cfg in the EFI system partition.

    Why: the directory where GRUB looks for its configuration is built into the program. Without the file there it
    stops at the `grub>` prompt, and the server waits for a keyboard.

    How: the prefix is read from the loader in use, or from the GRUB that its shim loads. When it points to the ESP (no
    device, or the ESP's number), `grub.cfg` must be there. A file beside the program only, where Debian's and Red Hat's
    signed builds look too, makes it a warning. Skipped when the prefix is on another partition, or when an embedded
    script finds the configuration.

    Fix: `grub-install --no-nvram` writes the stub. By hand, three lines: `search.fs_uuid UUID root`,
    `set prefix=($root)'/boot/grub'`, `configfile $prefix/grub.cfg`.

    Source: GRUB manual, "Embedded configuration" and `prefix`; Debian grub2, debian/build-efi-images.
    """
    grub = _grub_in_use(subject)
    search, content = _search(subject, grub), subject.esp_content
    if not search.is_met(content):
        yield Observation(
            "GRUB does not find its grub.cfg and stops at its prompt",
            observed=f"no {shown(search.main)}",
            expected=f"{shown(search.main)}, by the prefix that is built into {shown(grub.path)}",
            evidence=place(subject, grub.path),
            severity=Severity.WARNING if search.is_perhaps_met(content) else None,
        )


@check(
    "esp.grub-path-consistency",
    "every other GRUB of the EFI system partition finds its grub.cfg too",
    Severity.WARNING,
    remedy="Install the same GRUB at both places: grub-install once with and once without --removable.",
    boot=BootMode.UEFI,
)
def grub_path_consistency(subject: Subject) -> Iterator[Observation]:
    r"""Every other GRUB of the EFI system partition finds its grub.cfg too.

    Why: a GRUB copied to `\EFI\BOOT` keeps the prefix that was built into it. When the loader path changes to it, or
    rEFInd starts it, it looks where no configuration is, and stops at the `grub>` or `grub rescue>` prompt.

    How: the prefix of each GRUB for x86-64 that is not the one in use, as in `esp.grub-stub`. A GRUB that looks at the
    same place as the one in use, or on another partition, is not judged.

    Fix: `grub-install --no-nvram` and `grub-install --no-nvram --removable`, both from the same system; or give the
    copy a `grub.cfg` at its own prefix.

    Source: GRUB manual, `prefix`; ovh/bringyourownlinux README ("grub-install --no-nvram").
    """
    content = subject.esp_content
    main = _main_of_grub_in_use(subject)
    for program in content.programs:
        other = _main_or_nothing(subject, program)
        if other and fold_path(other) != fold_path(main) and content.find(other) is None:
            yield Observation(
                f"{shown(program.path)} is a GRUB that does not find its grub.cfg",
                observed=f"no {shown(other)}",
                expected=f"{shown(other)}, or the GRUB that is in use at this path too",
                evidence=place(subject, program.path),
            )


def _grub_in_use(subject: Subject) -> EfiProgram:
    loader = loader_in_use(subject)
    if loader.kind is LoaderKind.SHIM:
        loader = subject.esp_content.program(second_stage_path(loader)) or loader
    if loader.kind is not LoaderKind.GRUB:
        raise NotKnownError(f"the loader in use is a {loader.kind.value}, not GRUB")
    return loader


def _main_of_grub_in_use(subject: Subject) -> str:
    try:
        return _search(subject, _grub_in_use(subject)).main
    except NotKnownError:
        return ""


def _main_or_nothing(subject: Subject, program: EfiProgram) -> str:
    if program.kind is not LoaderKind.GRUB:
        return ""
    try:
        search = _search(subject, program)
    except NotKnownError:
        return ""
    return "" if search.is_perhaps_met(subject.esp_content) else search.main


def _search(subject: Subject, program: EfiProgram) -> _Search:
    """Where this GRUB looks within the ESP; raises `NotKnownError` when it looks elsewhere."""
    if program.grub is None:
        raise NotKnownError(f"the prefix of {shown(program.path)} could not be read")
    if program.grub.config.strip() and _BOOTSTRAP not in program.grub.config:
        raise NotKnownError(f"{shown(program.path)} finds its configuration by an embedded script")
    device, path = _split_prefix(program.grub.prefix)
    if device and not _is_esp(subject, device):
        raise NotKnownError(f"the prefix {quote(program.grub.prefix)} is not on the ESP: needs the guest's file system")
    own = program.path.rpartition("/")[0]
    main = f"{path or own}/grub.cfg".strip("/")
    return _Search(main, (f"{path or own}/x86_64-efi/grub.cfg", f"{own}/grub.cfg"))


def _split_prefix(prefix: str) -> tuple[str, str]:
    device, parenthesis, path = prefix.rpartition(")")
    return (device.removeprefix("("), path) if parenthesis else ("", prefix)


def _is_esp(subject: Subject, device: str) -> bool:
    named = _PARTITION_DEVICE.fullmatch(device)
    if named is None or _TABLE_NAMES[named.group(1)] is not subject.disk.scheme:
        return False
    return named.group(2) == str(subject.esp.partition.number)
