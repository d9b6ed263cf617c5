"""Where the GRUB of the ESP goes on: the file system that its stub searches for, and the grub.cfg there."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import boot_chain, link_before_the_menu, link_place
from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.guest.boot import LinkKind
from byoi_tools.model.quoting import quote


@check(
    "esp.grub-stub-target",
    "the grub.cfg in the ESP leads to the grub.cfg with the menu",
    Severity.ERROR,
    remedy="Write it again for this image's file system (blkid shows its UUID): grub-install --no-nvram, "
    "update-grub (Fedora: dnf reinstall grub2-common, grub2-mkconfig -o /boot/grub2/grub.cfg).",
    boot=BootMode.UEFI,
)
def grub_stub_target(subject: Subject) -> Iterator[Observation]:
    r"""The grub.cfg in the ESP leads to the grub.cfg with the menu.

    Why: the stub in the ESP searches for one file system by its UUID. When the root was formatted again, or the ESP was
    taken from another image, nothing has this UUID, and the server stops at the `grub>` prompt. On a disk that keeps
    an older system on its second drive, that one boots.

    How: the stub (or the script or prefix built into GRUB) is followed as GRUB does: `search` by UUID, label or file,
    `set`, `if`, `source`, `configfile`, through every file system of the image. A search that finds nothing, a
    `grub.cfg` that is not where it leads, and a GRUB without the module `normal` are errors. What is missing in the ESP
    itself is told by `esp.grub-stub`. Skipped for other loaders and where a file system is not read.

    Fix: `grub-install --no-nvram` and `update-grub` (`grub2-mkconfig -o /boot/grub2/grub.cfg`) in the image; or put the
    UUID that `blkid` shows into the stub.

    Source: GRUB manual, "search" and "configfile"; Debian grub2, debian/build-efi-images.
    """
    chain = boot_chain(subject)
    kinds = {link.kind for link in chain.links}
    broken = link_before_the_menu(chain)
    if broken is None:
        if LinkKind.PREFIX not in kinds:
            raise NotKnownError(chain.end or "the loader in use is not GRUB")
        if chain.entry is None and chain.broken is None:
            raise NotKnownError(chain.end)
        return
    if broken.kind is LinkKind.PREFIX and broken.name.endswith(f" on {subject.esp.partition}"):
        raise NotKnownError("GRUB finds no grub.cfg in the ESP (esp.grub-stub)")
    what = {LinkKind.SEARCH: "searches for a file system that is not in the image", LinkKind.MODULES: "lacks a module"}
    yield Observation(
        f"GRUB {what.get(broken.kind, 'is led to a grub.cfg that does not exist')}, and stops at its prompt",
        observed=f"{quote(broken.name)}: {broken.problem}",
        expected="a file system of this image, with the grub.cfg that has the menu",
        evidence=link_place(broken),
    )
