"""`plan --url`: for an image that is served already."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli.flag_groups import JudgingFlags
from byoi_tools.cli.order import parse_checksum
from byoi_tools.cli.plan_file import conclude_plan
from byoi_tools.cli.progress import Progress
from byoi_tools.cli.rules import choose_rules
from byoi_tools.cli.verdicts import or_shown
from byoi_tools.cli.wiring import connect_api, system_clock
from byoi_tools.errors import UsageError
from byoi_tools.model.deployment.order import InstallOrder
from byoi_tools.model.image import ImageType
from byoi_tools.model.location import WebAddress, parse_location
from byoi_tools.model.publishing.published import Verification
from byoi_tools.model.secret import Secret

if TYPE_CHECKING:
    from byoi_tools.pipeline.planning import Sources
    from byoi_tools.pipeline.planning_url import UrlImage


def read_url_image(
    url: str,
    checksum: str | None,
    image_type: ImageType | None,
    headers: tuple[tuple[str, Secret], ...],
    verification: Verification,
) -> UrlImage:
    """Return what the flags say of the image at a URL; raises `UsageError`."""
    from byoi_tools.pipeline.planning_url import UrlImage

    address = parse_location(url)
    if not isinstance(address, WebAddress):
        raise UsageError("--url is no http or https URL", remedy="Name a file or an object without --url, with --to.")
    if checksum is None:
        raise UsageError(
            "--checksum is missing: the provider compares the file at the URL with it",
            remedy="Give sha512: and the digits that `sha512sum` prints of the file that is served.",
        )
    return UrlImage(replace(address, headers=headers), parse_checksum(checksum), image_type, verification)


def refuse_beside_url(told: tuple[object, ...]) -> None:
    """Raise `UsageError` where a flag is about an image that is still to be published."""
    if any(value not in (None, [], False) for value in told):
        raise UsageError(
            "--url names an image that is served, and another flag or BYOI_ variable is about publishing one",
            details="not beside --url: IMAGE, --to, --public-url, --compress, --digest, --rehearse",
            remedy="Leave out --url, or the others.",
        )


def plan_url(
    image: UrlImage,
    order: InstallOrder,
    judging: JudgingFlags,
    sources: Sources,
    output: Path,
    valid_for: timedelta,
) -> int:
    """Look at the server and at the image where it is, and write the plan; returns the exit code."""
    from byoi_tools.pipeline.checking import known_profile
    from byoi_tools.pipeline.matching import ask, only_boot_mode
    from byoi_tools.pipeline.planning_url import make_plan_of_url

    api, clock, progress = connect_api(), system_clock(), Progress()
    asked = ask(api, order.server)
    meant = judging.boot or (known_profile(judging.profile).boot if judging.profile else None)
    mode = meant or only_boot_mode(asked.server)
    rules = choose_rules(mode, judging.profile, judging.fail_on, judging.waivers, order.product)
    made = or_shown(lambda: make_plan_of_url(image, order, rules, asked, sources, api, clock, progress, valid_for))
    return conclude_plan(made, output)
