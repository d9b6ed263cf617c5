"""`/root/.ovh/make_image_bootable.sh`: there, executable, and careful with the boot order in NVRAM."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import Product
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.byolinux import SCRIPT_PATH, BootScript, ScriptCall
from byoi_tools.model.quoting import quote

_GRUB_INSTALL = ("grub-install", "grub2-install")
_LOOKING = frozenset(("-v", "--verbose", "-q", "--quiet", "-V", "--version", "-h", "--help"))


@check(
    "byol.script-present",
    "the script that makes the image bootable is there",
    Severity.ERROR,
    remedy=f"Put a script at {SCRIPT_PATH}; ovh/bringyourownlinux has one for each distribution.",
    product=Product.BYOLINUX,
)
def script_present(subject: Subject) -> Iterator[Observation]:
    """`/root/.ovh/make_image_bootable.sh` is a regular file with content.

    Why: after it copied the files the provider runs this script in the deployed system to install the boot loader.
    Without it: "The '/root/.ovh/make_image_bootable.sh' file does not exist."

    How: the file is looked for in the guest's root.

    Fix: add the script in the build.

    Source: OVHcloud guide Bring Your Own Linux; ovh/bringyourownlinux, README.
    """
    script = subject.byolinux.script
    if script is None or script.size_bytes == 0:
        yield Observation(
            "the image has no script that makes it bootable",
            observed="no such file" if script is None else "an empty file",
            expected="a shell script",
            evidence=SCRIPT_PATH,
        )


@check(
    "byol.script-executable",
    "the script can be executed in the image",
    Severity.ERROR,
    remedy=f"chmod 755 {SCRIPT_PATH}; its first line names an interpreter of the image, as #!/bin/bash.",
    product=Product.BYOLINUX,
)
def script_executable(subject: Subject) -> Iterator[Observation]:
    """The script has an execute bit and a first line that names an interpreter which the image has.

    Why: the provider executes it in a chroot of the deployed system. What cannot be executed there ends with "The
    script did not end properly", and its output is not shown.

    How: the mode of the file; the words after `#!`, resolved inside the guest (`/usr/bin/env NAME` is followed).
    A carriage return at the end of that line, from an editor of Windows, is part of the name and breaks it.

    Fix: `chmod 755`, and `#!/bin/bash` as the first line.

    Source: execve(2); ovh/bringyourownlinux, README.
    """
    script = require_script(subject)
    if not script.is_executable:
        yield Observation(
            "the script is not executable", f"mode {script.mode:04o}", "an execute bit, as in 0755", SCRIPT_PATH
        )
    if not script.interpreter:
        yield Observation(
            "the script does not name its interpreter", "no `#!` at its start", "#!/bin/bash", f"{SCRIPT_PATH} line 1"
        )
    elif not script.has_interpreter:
        yield Observation(
            "the script's interpreter is not in the image",
            observed=quote(script.interpreter),
            expected="a program of the image",
            evidence=f"{SCRIPT_PATH} line 1",
        )


@check(
    "byol.script-no-nvram",
    "the script leaves the firmware's boot order alone",
    Severity.WARNING,
    remedy="Call grub-install with --no-nvram (or --removable), and leave efibootmgr out.",
    product=Product.BYOLINUX,
)
def script_no_nvram(subject: Subject) -> Iterator[Observation]:
    """The script neither calls `efibootmgr` to change something nor `grub-install` for EFI without `--no-nvram`.

    Why: the servers boot by network first, which is how the provider starts the disk, an installation or the rescue
    system. An entry that goes before it takes the server out of their hands.

    How: the calls in the script; `efibootmgr` without options or with `-v` only looks. `grub-install` with
    `--removable`, with `--target=i386-pc` or for a device writes no entry. What variables make up is not seen.

    Fix: `grub-install --target=x86_64-efi --efi-directory=/boot/efi --bootloader-id=NAME --no-nvram`.

    Source: OVHcloud guide on the boot process: the boot order in NVRAM must not be touched; GRUB, util/grub-install.c.
    """
    for call in require_script(subject).calls:
        if _changes_nvram(call):
            yield Observation(
                "the script changes the boot order of the firmware",
                observed=quote(str(call)),
                expected="grub-install with --no-nvram, and no efibootmgr",
                evidence=f"{SCRIPT_PATH} line {call.line}",
            )


def require_script(subject: Subject) -> BootScript:
    """Return the script; raises `NotKnownError` without one, which byol.script-present tells."""
    script = subject.byolinux.script
    if script is None or script.size_bytes == 0:
        raise NotKnownError("the image has no make_image_bootable.sh")
    return script


def _changes_nvram(call: ScriptCall) -> bool:
    if call.program == "efibootmgr":
        return not set(call.arguments) <= _LOOKING
    if call.program not in _GRUB_INSTALL or {"--no-nvram", "--removable"} & set(call.arguments):
        return False
    words = " ".join(call.arguments)
    return "i386-pc" not in words and "/dev/" not in words and not set(call.arguments) & _LOOKING - {"-v", "--verbose"}
