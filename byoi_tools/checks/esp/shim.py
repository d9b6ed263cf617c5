"""shim and its companions: the program that it loads, its fallback program, and the CSV that the fallback reads."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import (
    FALLBACK_DIRECTORY,
    directory,
    entry_points,
    loader_in_use,
    place,
    second_stage_path,
    shown,
)
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.esp import EfiProgram, EspContent, EspText, LoaderKind, fold_path
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_FALLBACK_PROGRAM = "EFI/BOOT/fbx64.efi"
_CSV_NAME = "BOOTX64.CSV"
_BYTE_ORDER_MARK = "\ufeff"
_SHOWN_PROBLEMS = 5
_LINE_LIMIT = 100


@check(
    "esp.shim-pair",
    "every shim that a server starts finds the program that it loads",
    Severity.ERROR,
    remedy="Copy the GRUB that belongs to the shim into the same directory.",
    boot=BootMode.UEFI,
)
def shim_pair(subject: Subject) -> Iterator[Observation]:
    r"""Every shim that a server starts finds the program that it loads.

    Why: shim does nothing but load a second program from its own directory. Without it the console says
    `Failed to open \EFI\...\grubx64.efi - Not Found`, and the server does not boot.

    How: the name is taken from the shim itself (`grubx64.efi` where it was not found) and looked up beside the loader
    in use and beside the fallback loader, where these are shims. In `\EFI\BOOT` shim's fallback `fbx64.efi` will do.

    Fix: install both: `grub-install --target=x86_64-efi --uefi-secure-boot --no-nvram` on Debian and Ubuntu, or copy
    `grubx64.efi` beside the shim.

    Source: shim, README and shim.c (DEFAULT_LOADER, `should_use_fallback`).
    """
    for shim in _started_shims(subject):
        wanted = second_stage_path(shim)
        has_fallback = directory(shim.path) == FALLBACK_DIRECTORY and _has_fallback_program(subject.esp_content)
        if subject.esp_content.find(wanted) is None and not has_fallback:
            yield Observation(
                "shim does not find the program that it loads",
                observed=f"no {shown(wanted)}",
                expected=f"{shown(wanted)} beside {shown(shim.path)}",
                evidence=place(subject, shim.path),
            )


def _started_shims(subject: Subject) -> list[EfiProgram]:
    shims = [program for program in entry_points(subject) if program.kind is LoaderKind.SHIM]
    if not shims:
        raise NotKnownError("neither the loader in use nor the fallback loader is a shim")
    return shims


def _has_fallback_program(content: EspContent) -> bool:
    return content.find(_FALLBACK_PROGRAM) is not None


@check(
    "esp.shim-mm-fb",
    "the server does not start through shim's fallback program",
    Severity.WARNING,
    remedy="Declare the shim in the vendor's directory, for instance '\\EFI\\debian\\shimx64.efi'.",
    boot=BootMode.UEFI,
)
def shim_mm_fb(subject: Subject) -> Iterator[Observation]:
    r"""The server does not start through shim's fallback program.

    Why: a shim in `\EFI\BOOT` with `fbx64.efi` beside it does not load GRUB. It starts the fallback program, which
    writes a boot entry for each CSV into the firmware and resets the machine. On the provider's servers the network
    must stay first in the boot order; and without a CSV there is nothing to start.

    How: `\EFI\BOOT\BOOTX64.EFI` is a shim and `\EFI\BOOT\fbx64.efi` exists. This fails when the loader path names that
    shim, and when no directory below `\EFI` has a `BOOTX64.CSV`. Skipped without such a pair.

    Fix: declare the shim in the vendor's directory, or delete `\EFI\BOOT\fbx64.efi` and put `grubx64.efi` there.

    Source: shim, README.fallback and fallback.c; OVHcloud guide Understand the Dedicated Server boot process (the boot
    order of the firmware must not be changed).
    """
    content = subject.esp_content
    shims = [shim for shim in _started_shims(subject) if directory(shim.path) == FALLBACK_DIRECTORY]
    if not shims or not _has_fallback_program(content):
        raise NotKnownError(r"\EFI\BOOT holds no shim with its fallback program")
    if loader_in_use(subject) in shims:
        yield Observation(
            "the loader path names the shim that starts the fallback program, which rewrites the firmware's boot order",
            observed=f"{shown(shims[0].path)} with {shown(_FALLBACK_PROGRAM)} beside it",
            expected="the shim in the vendor's directory",
            evidence=place(subject, shims[0].path),
        )
    elif not _csv_files(content):
        yield Observation(
            "shim's fallback program has no CSV that names a loader, so the fallback path boots nothing",
            observed=rf"no \EFI\VENDOR\{_CSV_NAME}",
            expected=f"a {_CSV_NAME} beside the vendor's shim",
            evidence=place(subject, _FALLBACK_PROGRAM),
            remedy=r"Install the distribution's shim package again, or delete \EFI\BOOT\fbx64.efi.",
        )


def _csv_files(content: EspContent) -> list[EspText]:
    return [text for text in content.texts if fold_path(text.path).endswith(f"/{_CSV_NAME}")]


@check(
    "esp.csv-valid",
    "every BOOTX64.CSV is UTF-16LE and names loaders that exist",
    Severity.WARNING,
    remedy="Write it again: printf 'shimx64.efi,debian,,\\n' | iconv -t UCS-2LE > BOOTX64.CSV",
    boot=BootMode.UEFI,
)
def csv_valid(subject: Subject) -> Iterator[Observation]:
    r"""Every BOOTX64.CSV is UTF-16LE and names loaders that exist.

    Why: shim's fallback makes a boot entry for each line of each CSV and starts the first one. A line that names a
    file which is not there, or a file in another encoding, makes it loop or start another system.

    How: each `BOOTX64.CSV` of the ESP is decoded as UTF-16LE; every line has a file name that exists in the same
    directory, and a label that is not empty. Skipped where there is no CSV.

    Fix: `printf 'shimx64.efi,debian,,This is the boot entry for debian\n' | iconv -t UCS-2LE > BOOTX64.CSV`.

    Source: shim, README.fallback and fallback.c (`populate_stanza`: file, label, optional data).
    """
    files = _csv_files(subject.esp_content)
    if not files:
        raise NotKnownError(f"the ESP holds no {_CSV_NAME}")
    for text in files:
        for problem in islice(_problems_of_csv(subject.esp_content, text), _SHOWN_PROBLEMS):
            yield Observation(
                f"{shown(text.path)} would mislead shim's fallback program",
                observed=problem,
                expected="UTF-16LE lines of: file in the same directory, label, options, description",
                evidence=place(subject, text.path),
            )


def _problems_of_csv(content: EspContent, text: EspText) -> Iterator[str]:
    if not text.content:
        yield "an empty file"
        return
    try:
        lines = text.content.decode("utf-16-le").removeprefix(_BYTE_ORDER_MARK).splitlines()[:_LINE_LIMIT]
    except UnicodeDecodeError:
        yield "bytes that are not UTF-16LE"
        return
    for number, line in enumerate((line for line in lines if line.strip("\0 ")), start=1):
        name, _, rest = line.partition(",")
        folder = text.path.rpartition("/")[0]
        if content.find(f"{folder}/{name}") is None:
            yield f"line {number} names {quote(name)}, which is not in the directory"
        elif not rest.partition(",")[0].strip():
            yield f"line {number} has no label"
