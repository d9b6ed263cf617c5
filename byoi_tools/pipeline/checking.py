"""Inspects an image and checks the facts: the two first stages, which need nothing but the file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report, Severity
from byoi_tools.model.image import ImageType
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.profile import Profile

_TYPES_BY_SUFFIX = {".qcow2": ImageType.QCOW2, ".raw": ImageType.RAW}


@dataclass(frozen=True, slots=True)
class Rules:
    """By what an image is judged: profile, boot mode, and the severity that fails it (None: nothing does)."""

    profile: Profile
    boot: BootMode
    fail_on: Severity | None


def known_profile(name: str) -> Profile:
    """Return the profile of that name or file; raises `UsageError`."""
    return load_profile(name, frozenset(check.id for check in CHECKS))


def check_file(path: Path, rules: Rules, loader_path: str | None, image_type: ImageType | None) -> Report:
    """Return the report on an image file; raises `ImageError` when it cannot be read at all."""
    return check_facts(inspect_image(path), rules, loader_path, image_type or declared_type(path))


def check_facts(
    facts: Facts,
    rules: Rules,
    loader_path: str | None,
    image_type: ImageType | None,
    *,
    target: Target | None = None,
    user_data_bytes: int | None = None,
) -> Report:
    """Return the report on facts; `target` is the server where it is known, else the profile's."""
    intent = Intent(
        product=rules.profile.product,
        boot=rules.boot,
        loader_path=loader_path,
        image_type=image_type,
        user_data_bytes=user_data_bytes,
        target=target or rules.profile.target,
    )
    return check_image(CHECKS, facts, intent, rules.profile, rules.fail_on)


def declared_type(path: Path) -> ImageType | None:
    """The type that a file's suffix claims; None where it claims nothing (`.img` is used for both)."""
    return _TYPES_BY_SUFFIX.get(path.suffix.lower())
