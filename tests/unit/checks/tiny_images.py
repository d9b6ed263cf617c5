"""Tiny images with another ESP than the good one's, and what one check says of an image."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from byoi_tools.checks.check import Check
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.finding import Outcome, OutcomeKind
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile
from fixtures.tiny.canvas import Canvas

_PROFILE = Profile("test", "", Product.BYOI, None, Target(), ())


def image_with(directory: Path, files: Mapping[str, bytes], *deleted: str) -> Path:
    """The good image with files of its ESP deleted and then others written."""
    canvas = Canvas(directory / ".canvas")
    for path in deleted:
        canvas.esp_delete(path)
    for path, data in files.items():
        canvas.esp_put(path, data)
    return canvas.as_raw(directory / "image.raw")


def ask(check: Check, image: Path, boot: str = "uefi", loader: str | None = None) -> tuple[Outcome, ...]:
    """The outcomes of one check."""
    intent = Intent(Product.BYOI, BootMode(boot), loader_path=loader)
    return check_image((check,), inspect_image(image), intent, _PROFILE, fail_on=None).outcomes


def ask_once(check: Check, image: Path, boot: str = "uefi", loader: str | None = None) -> Outcome:
    """The only outcome of a check."""
    (outcome,) = ask(check, image, boot, loader)
    return outcome


def has_passed(check: Check, image: Path, boot: str = "uefi", loader: str | None = None) -> bool:
    """Whether the check looked at the image and found nothing: a skipped one has not passed."""
    return ask_once(check, image, boot, loader).kind is OutcomeKind.PASSED
