"""Inspects an image and checks the facts: the two first stages, which need nothing but the image."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from byoi_tools.checks.check import Check
from byoi_tools.checks.profiles import load_profile, profile_names
from byoi_tools.checks.runner import check_image
from byoi_tools.checks.subject import NO_SERVER
from byoi_tools.checks.waivers import FILE_NAME, apply_waivers, load_waivers
from byoi_tools.errors import UsageError
from byoi_tools.inspection.open_source import open_source
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.fact import Fact, Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report, Severity
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.image import ImageType
from byoi_tools.model.intent import Intent, Target
from byoi_tools.model.location import ImageLocation, suffix_of
from byoi_tools.model.observer import Observer
from byoi_tools.model.profile import Profile
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.unpacking import AS_USUAL, Unpacking, inspect_any

_TYPES_BY_SUFFIX = {".qcow2": ImageType.QCOW2, ".raw": ImageType.RAW}


@dataclass(frozen=True, slots=True)
class Rules:
    """By what an image is judged: profile, boot mode, the severity that fails it (None: nothing does), and the day.

    `waivers_file` None takes the file `byoi.toml` beside the image, where there is one.
    `reader` says who reads the guest's file systems, `unpacking` where a packed image is unpacked,
    `luks_key` opens what is encrypted.
    """

    profile: Profile
    boot: BootMode
    fail_on: Severity | None
    today: date
    waivers_file: Path | None = None
    reader: ReaderChoice = ReaderChoice.AUTO
    unpacking: Unpacking = AS_USUAL
    luks_key: Secret | None = None


def all_checks() -> tuple[Check, ...]:
    """Return every check there is; their import takes as long as half a guest, and can be done meanwhile."""
    from byoi_tools.checks.catalogue import CHECKS

    return CHECKS


def _known_ids() -> frozenset[str]:
    return frozenset(check.id for check in all_checks())


def known_profile(name: str) -> Profile:
    """Return the profile of that name or file; raises `UsageError`."""
    return load_profile(name, None if name in profile_names() else _known_ids())


def choose_profile(name: str | None, product: Product | None, boot: BootMode | None) -> Profile:
    """Return the profile of that name or file, else the product's own; raises `UsageError` where both contradict.

    `boot` is asked for only where neither says anything.
    """
    own = f"ovh-byoi-{boot.value if boot else ''}"
    chosen = known_profile(name or ("ovh-byolinux" if product is Product.BYOLINUX else own))
    if product is not None and chosen.product is not product:
        raise UsageError(
            f"--os {product.value} contradicts the profile {chosen.name}, which is for {chosen.product.value}",
            remedy="Leave one of them out.",
        )
    return chosen


def check_location(
    location: ImageLocation,
    rules: Rules,
    loader_path: str | None,
    image_type: ImageType | None,
    observer: Observer,
    *,
    user_data: bytes | None = None,
) -> Report:
    """Return the report on an image and on the user data that will be sent with it, its waivers applied.

    What is packed is unpacked first. Raises `ImageError` or `StorageError` when the image cannot be read at all,
    `UsageError` for a wrong waivers file.
    """
    facts = inspect_any(location, observer, rules.unpacking, rules.reader, rules.luks_key, meanwhile=all_checks)
    kind = image_type or declared_type(location)
    report = check_facts(facts, rules, loader_path, kind, user_data=user_data)
    return waive(report, location, rules, observer)


def waive(report: Report, location: ImageLocation, rules: Rules, observer: Observer) -> Report:
    """Return the report with the waivers applied; the image is hashed only when one of them names a digest."""
    path = rules.waivers_file or _file_beside(location)
    waivers = load_waivers(path, _known_ids()) if path else ()
    if not waivers:
        return report
    needs_digest = any(waiver.sha256 for waiver in waivers)
    return apply_waivers(report, waivers, rules.today, _sha256_of(location, observer) if needs_digest else None)


def _file_beside(location: ImageLocation) -> Path | None:
    path = location.parent / FILE_NAME if isinstance(location, Path) else None
    return path if path and path.is_file() else None


def _sha256_of(location: ImageLocation, observer: Observer) -> str:
    from byoi_tools.publishing.digests import digest_file

    with open_source(location, observer) as source:
        (digest,) = digest_file(source, (DigestAlgorithm.SHA256,), observer)
    return digest.hexadecimal


def check_facts(
    facts: Facts,
    rules: Rules,
    loader_path: str | None,
    image_type: ImageType | None,
    *,
    target: Target | None = None,
    user_data: bytes | None = None,
    meant: Fact[PlannedDeployment] = NO_SERVER,
) -> Report:
    """Return the report on facts and on the deployment that is meant; `target` None is the profile's."""
    intent = Intent(
        product=rules.profile.product,
        boot=rules.boot,
        loader_path=loader_path,
        image_type=image_type,
        user_data=user_data,
        target=target or rules.profile.target,
        today=Known(rules.today),
    )
    return check_image(all_checks(), facts, intent, rules.profile, rules.fail_on, meant)


def declared_type(location: ImageLocation) -> ImageType | None:
    """The type that a name's suffix claims; None where it claims nothing (`.img` is used for both)."""
    return _TYPES_BY_SUFFIX.get(suffix_of(location))
