"""Secure Boot: who signed what the server would start, for images that are made for it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.boot_chain import default_entry
from byoi_tools.checks.check import check
from byoi_tools.checks.esp.entry_points import loader_in_use, place, shown, with_second_stages
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode
from byoi_tools.model.disks.esp import EfiProgram, LoaderKind
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_REVOKED_BELOW = {"shim": 4, "grub": 5}
"""The generations that SbatLevel 2025021800 still accepts (shim 16.1, section .sbatlevel)."""


@check(
    "esp.secureboot-signed",
    "the loader in use is signed for Secure Boot, if others are",
    Severity.INFO,
    remedy="Declare the signed loader (shimx64.efi), or keep Secure Boot off on the server.",
    boot=BootMode.UEFI,
)
def secureboot_signed(subject: Subject) -> Iterator[Observation]:
    r"""The loader in use is signed for Secure Boot, if others are.

    Why: with Secure Boot on, firmware starts only what is signed by a certificate that it knows; what is not ends in
    "Access Denied". The provider's servers come with Secure Boot off, where the signature does not matter.

    How: the certificate table of the loader in use holds a signature, and names its issuer (`byoi-tools inspect` shows
    it). Only images that are made for Secure Boot are judged: those with a signed program in the ESP. Signatures are
    not verified.

    Fix: declare the shim, or `grub-install --uefi-secure-boot` with the packages `shim-signed` and
    `grub-efi-amd64-signed`.

    Source: UEFI specification 2.10, chapter 32; Microsoft, PE Format, "The Attribute Certificate Table".
    """
    if not any(program.issuers for program in subject.esp_content.programs):
        raise NotKnownError("no program of the ESP is signed: the image is not made for Secure Boot")
    loader = loader_in_use(subject)
    if not loader.issuers:
        yield Observation(
            f"firmware with Secure Boot on would refuse {shown(loader.path)}",
            observed="no signature, though other programs of the ESP have one",
            expected="a loader that is signed, such as shimx64.efi",
            evidence=place(subject, loader.path),
        )


@check(
    "esp.secureboot-chain",
    "everything that a signed loader starts is signed",
    Severity.INFO,
    remedy="Install the signed packages (grub-efi-amd64-signed, the distribution's kernel), or keep Secure Boot off.",
    boot=BootMode.UEFI,
)
def secureboot_chain(subject: Subject) -> Iterator[Observation]:
    """Everything that a signed loader starts is signed.

    Why: with Secure Boot on, shim refuses a GRUB without a signature, and GRUB such a kernel: "bad shim signature",
    and the server waits for a keyboard. One part that was built by hand is enough.

    How: when the loader in use is signed: what it loads (GRUB for a shim) and the kernel of the default entry have a
    signature too. Whether the certificates fit each other is not verified. Skipped where the loader is not signed.

    Fix: `apt-get install --reinstall shim-signed grub-efi-amd64-signed linux-image-amd64`, then `grub-install
    --uefi-secure-boot --no-nvram`.

    Source: shim, README and BUILDING; GRUB manual, "UEFI secure boot and shim support".
    """
    loader = loader_in_use(subject)
    if not loader.issuers:
        raise NotKnownError("the loader in use is not signed")
    for program in with_second_stages(subject, (loader,))[1:]:
        if not program.issuers:
            yield _unsigned(shown(program.path), place(subject, program.path))
    entry = default_entry(subject)
    if entry.is_kernel_signed is False:
        yield _unsigned(quote(entry.kernel), quote(entry.place))


def _unsigned(name: str, where: str) -> Observation:
    return Observation(
        f"with Secure Boot on the boot ends at {name}",
        observed="no signature",
        expected="a signature, as the loader before it has one",
        evidence=where,
    )


@check(
    "esp.sbat",
    "the signed loaders are of generations that are not revoked",
    Severity.INFO,
    remedy="Upgrade shim and GRUB in the image (apt-get install shim-signed grub-efi-amd64-signed), then grub-install.",
    boot=BootMode.UEFI,
)
def sbat(subject: Subject) -> Iterator[Observation]:
    """The signed loaders are of generations that are not revoked.

    Why: a server whose firmware once ran a newer system keeps a list of the generations of shim and GRUB with known
    holes. With Secure Boot on, an older one ends in "Verifying shim SBAT data failed: Security Policy Violation".

    How: the section `.sbat` of the shim and the GRUB in use, when they are signed, has a generation that the list of
    February 2025 still accepts: shim 4, grub 5. A signed one without that section is older still. Lists that
    distributions add to are not known here.

    Fix: upgrade the packages of shim and GRUB in the image, and run `grub-install --uefi-secure-boot --no-nvram`.

    Source: shim, SBAT.md and SbatLevel_Variable.txt; the section `.sbatlevel` of shim 16.1.
    """
    programs = with_second_stages(subject, (loader_in_use(subject),))
    judged = [one for one in programs if one.issuers and one.kind in (LoaderKind.SHIM, LoaderKind.GRUB)]
    if not judged:
        raise NotKnownError("neither the shim nor the GRUB in use is signed")
    for program in judged:
        revoked = _revoked(program)
        if revoked:
            yield Observation(
                f"firmware that knows the current list of revocations refuses {shown(program.path)}",
                observed=revoked,
                expected=", ".join(f"{name} {generation} or later" for name, generation in _REVOKED_BELOW.items()),
                evidence=f"{place(subject, program.path)}, section .sbat",
            )


def _revoked(program: EfiProgram) -> str:
    generations = dict(program.sbat)
    if not generations:
        return "a signature, and no SBAT section"
    found = [(name, generations[name]) for name in _REVOKED_BELOW if name in generations]
    return ", ".join(f"{name} {number}" for name, number in found if number < _REVOKED_BELOW[name])
