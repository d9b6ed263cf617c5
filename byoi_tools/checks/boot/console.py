"""Where the kernel's messages go: to the screen of the server's console, to its serial port, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from byoi_tools.checks.boot_chain import default_entry
from byoi_tools.checks.boot_commands import add_arguments, remove_arguments
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootEntry
from byoi_tools.model.quoting import quote

_SCREEN = re.compile(r"tty[0-9]*")
_SERIAL = re.compile(r"(ttyS|uart|ttyAMA|ttyUSB)[0-9,]?.*")
_QUIET = ("quiet", "rhgb", "splash")


@check(
    "boot.console-order",
    "the kernel writes to the screen too, not to the serial port alone",
    Severity.WARNING,
    remedy=add_arguments("console=tty0 console=ttyS0,115200n8"),
)
def console_order(subject: Subject) -> Iterator[Observation]:
    """The kernel writes to the screen too, not to the serial port alone.

    Why: with `console=ttyS0` alone the provider's KVM console stays black, and whatever goes wrong cannot be seen. On
    servers whose first serial port is not connected, writing to it may slow the boot down or hang it.

    How: the last `console=` of the default entry is a serial port, and none of them is the screen (`tty0`). Without
    any `console=` the kernel uses the screen.

    Fix: `console=tty0 console=ttyS0,115200n8`: the messages go to both, and `/dev/console` is the last one.

    Source: Linux, Documentation/admin-guide/serial-console.rst; canonical/cloud-init issue 2657; Fedora CoreOS tracker
    issue 567.
    """
    entry = default_entry(subject)
    consoles = entry.command_line.values("console")
    if consoles and _SERIAL.fullmatch(consoles[-1]) and not any(map(_SCREEN.fullmatch, consoles)):
        yield _finding(entry, "the console of the server stays black: the kernel writes to a serial port alone")


@check(
    "boot.console-none",
    "the kernel has a console that a server has",
    Severity.WARNING,
    remedy=add_arguments("console=tty0 console=ttyS0,115200n8"),
)
def console_none(subject: Subject) -> Iterator[Observation]:
    """The kernel has a console that a server has.

    Why: when every `console=` names something that only a hypervisor has, or nothing, a server that does not come up
    shows nothing at all, neither on the screen of its console nor over Serial over LAN.

    How: the default entry has `console=`, and none of them is a screen (`tty0`) or a serial port (`ttyS0`). Without any
    the kernel uses the screen.

    Fix: `console=tty0 console=ttyS0,115200n8`.

    Source: Linux, Documentation/admin-guide/serial-console.rst; Documentation/admin-guide/kernel-parameters.txt.
    """
    entry = default_entry(subject)
    consoles = entry.command_line.values("console")
    if consoles and not any(_SCREEN.fullmatch(one) or _SERIAL.fullmatch(one) for one in consoles):
        yield _finding(entry, "nothing can be seen of the boot: the kernel has no console that a server has")


@check(
    "boot.quiet",
    "the kernel says what it does",
    Severity.INFO,
    remedy=remove_arguments("quiet rhgb splash"),
)
def quiet(subject: Subject) -> Iterator[Observation]:
    """The kernel says what it does.

    Why: a server that hangs while it boots is judged by what is on its console. With `quiet` that is nothing.

    How: `quiet`, `rhgb` or `splash` on the command line of the default entry.

    Fix: `GRUB_CMDLINE_LINUX_DEFAULT=""` in `/etc/default/grub`, then `update-grub`.

    Source: Linux, Documentation/admin-guide/kernel-parameters.txt, "quiet"; plymouth(8).
    """
    entry = default_entry(subject)
    found = [word for word in _QUIET if entry.command_line.has(word)]
    if found:
        yield Observation(
            "the kernel is told to be silent, so the console shows nothing of a boot that fails",
            observed=quote(" ".join(found)),
            expected="none of quiet, rhgb, splash",
            evidence=quote(entry.place),
        )


def _finding(entry: BootEntry, message: str) -> Observation:
    consoles = " ".join(f"console={one}" for one in entry.command_line.values("console"))
    return Observation(message, quote(consoles), "console=tty0 console=ttyS0,115200n8", quote(entry.place))
