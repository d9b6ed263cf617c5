"""Inspects an image and checks the facts: the two first stages, which need nothing but the image."""

from __future__ import annotations

from dataclasses import dataclass

from byoi_tools.checks.catalogue import CHECKS
from byoi_tools.checks.profiles import load_profile
from byoi_tools.checks.runner import check_image
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report, Severity
from byoi_tools.model.image import ImageType
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.location import ImageLocation, suffix_of
from byoi_tools.model.observer import Observer
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


def check_location(
    location: ImageLocation,
    rules: Rules,
    loader_path: str | None,
    image_type: ImageType | None,
    observer: Observer,
) -> Report:
    """Return the report on an image; raises `ImageError` or `StorageError` when it cannot be read at all."""
    facts = inspect_image(location, observer)
    return check_facts(facts, rules, loader_path, image_type or declared_type(location))


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


def declared_type(location: ImageLocation) -> ImageType | None:
    """The type that a name's suffix claims; None where it claims nothing (`.img` is used for both)."""
    return _TYPES_BY_SUFFIX.get(suffix_of(location))
