"""Chooses the profile and the boot mode that flags ask for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.options import FailOn
from byoi_tools.cli.wiring import system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.finding import Severity

if TYPE_CHECKING:
    from byoi_tools.pipeline.checking import Rules

_THRESHOLDS = {FailOn.ERROR: Severity.ERROR, FailOn.WARNING: Severity.WARNING, FailOn.NEVER: None}


def threshold(fail_on: FailOn) -> Severity | None:
    """The severity from which a finding fails an image; None when nothing does."""
    return _THRESHOLDS[fail_on]


def choose_rules(
    boot: BootMode | None,
    profile: str | None,
    fail_on: FailOn,
    waivers: Path | None = None,
    product: Product | None = None,
) -> Rules:
    """Return the rules; raises `UsageError` when no flag says the boot mode, or two contradict each other."""
    from byoi_tools.pipeline.checking import Rules, choose_profile

    if boot is None and profile is None:
        raise UsageError(
            "how does the server boot?",
            remedy="Give --boot uefi or --boot legacy (`byoi-tools status SERVER` shows which), or a --profile.",
        )
    chosen = choose_profile(profile, product, boot)
    if boot is not None and chosen.boot is not None and chosen.boot is not boot:
        raise UsageError(
            f"--boot {boot.value} contradicts the profile {chosen.name}, which is for {chosen.boot.value}",
            remedy="Leave one of them out.",
        )
    mode = boot or chosen.boot
    if mode is None:
        raise UsageError(
            f"the profile {chosen.name} is for any boot mode", remedy="Give --boot uefi or --boot legacy too."
        )
    return Rules(chosen, mode, threshold(fail_on), system_clock().now().date(), waivers)


def choose_product(system: Product | None, profile: str | None, *, is_rehearsed: bool) -> Product:
    """Return what installs the image: `--os`, else the profile's; raises `UsageError` for what cannot be rehearsed."""
    from byoi_tools.pipeline.checking import known_profile

    product = system or (known_profile(profile).product if profile else Product.BYOI)
    if is_rehearsed and product is Product.BYOLINUX:
        raise UsageError(
            "an image for Bring Your Own Linux boots only after the provider has installed it",
            remedy="Leave --rehearse out.",
        )
    return product
