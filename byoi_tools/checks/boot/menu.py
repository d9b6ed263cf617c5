"""Whether the boot loader's menu goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain
from byoi_tools.checks.boot_commands import WRITE_MENU
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import BootChain, MenuSettings
from byoi_tools.model.quoting import quote


@check(
    "boot.grub-timeout",
    "the boot loader's menu goes on by itself, also after a boot that failed",
    Severity.WARNING,
    remedy=f"Set GRUB_TIMEOUT=5 and GRUB_RECORDFAIL_TIMEOUT=5 in /etc/default/grub, then {WRITE_MENU}.",
)
def grub_timeout(subject: Subject) -> Iterator[Observation]:
    """The boot loader's menu goes on by itself, also after a boot that failed.

    Why: with a timeout of -1 the menu waits for a key. Debian and Ubuntu note a boot that did not finish
    (`recordfail`), and show the menu at the next one, on a server for ever if GRUB_RECORDFAIL_TIMEOUT is -1: one power
    cut, and the server waits for somebody at its console.

    How: grub.cfg is followed twice, as it is and with `recordfail=1`; neither leaves `timeout` negative. For
    systemd-boot `timeout menu-force` counts.

    Fix: `GRUB_TIMEOUT=5` and `GRUB_RECORDFAIL_TIMEOUT=5` in `/etc/default/grub`, then `update-grub`.

    Source: GRUB manual, "timeout"; Ubuntu, grub2, debian/patches (recordfail); loader.conf(5).
    """
    chain = boot_chain(subject)
    menu = _menu(chain)
    if _waits(menu.timeout):
        yield _waiting("the boot loader's menu waits for a key on every boot", menu.timeout, chain)
    elif _waits(menu.timeout_after_failure):
        message = "after a boot that failed, GRUB's menu waits for a key"
        yield _waiting(message, menu.timeout_after_failure, chain)


@check(
    "boot.grub-password",
    "the default entry starts without a password",
    Severity.WARNING,
    remedy=f"Add --unrestricted to the menu entries (CLASS in /etc/grub.d/10_linux), then {WRITE_MENU}.",
)
def grub_password(subject: Subject) -> Iterator[Observation]:
    """The default entry starts without a password.

    Why: when grub.cfg sets `superusers`, each entry without `--unrestricted` asks for a name and a password before it
    starts, the default entry too. The server waits for a keyboard on every boot.

    How: grub.cfg, with what it reads from grubenv and other files, sets `superusers`, and the default entry is not
    `--unrestricted`.

    Fix: `CLASS="--class gnu-linux --class gnu --class os --unrestricted"` in `/etc/grub.d/10_linux`, then
    `update-grub`; editing and the command line stay locked.

    Source: GRUB manual, "Authentication and authorisation in GRUB".
    """
    chain = boot_chain(subject)
    if _menu(chain).is_default_locked:
        yield Observation(
            "GRUB asks for a password before it starts the default entry",
            observed="superusers is set, and the entry has no --unrestricted",
            expected="--unrestricted at the default entry",
            evidence=_place(chain),
        )


def _menu(chain: BootChain) -> MenuSettings:
    if chain.menu is None:
        broken = chain.broken
        raise NotKnownError(f"the boot ends before the menu: {broken.kind.value}" if broken else chain.end or "no menu")
    return chain.menu


def _waits(timeout: str) -> bool:
    return timeout.startswith("-") or timeout == "menu-force"


def _waiting(message: str, timeout: str, chain: BootChain) -> Observation:
    return Observation(message, f"timeout {quote(timeout)}", "a timeout of some seconds", _place(chain))


def _place(chain: BootChain) -> str:
    return quote(chain.entry.place if chain.entry is not None else chain.links[-1].name)
