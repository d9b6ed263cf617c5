"""Makes a plan for an image that is at a URL already: looked at where it is, and nothing is published."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from byoi_tools.deployment.delivery import delivery_of
from byoi_tools.errors import UsageError
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.deployment.deed import Deed, ServedImage
from byoi_tools.model.deployment.order import ImageSource, InstallOrder
from byoi_tools.model.deployment.plan import Plan, PlannedUrl
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.digest import Digest
from byoi_tools.model.fact import Known
from byoi_tools.model.finding import Report
from byoi_tools.model.image import ImageType
from byoi_tools.model.location import WebAddress
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import Verification
from byoi_tools.pipeline.checking import Rules, check_facts, waive
from byoi_tools.pipeline.deeds import concerns_of
from byoi_tools.pipeline.matching import (
    Asked,
    find_loader,
    judge_deployment,
    needs_of,
    plan_deployment,
    refuse_misfits,
)
from byoi_tools.pipeline.planning import Sources, write_down
from byoi_tools.pipeline.stages import BadVerdict
from byoi_tools.publishing.served_elsewhere import Served, compare_digest, look_at, require_same
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import OvhApi


@dataclass(frozen=True, slots=True)
class UrlImage:
    """An image that is served, and the digest that the provider will compare; `image_type` None is the image's own."""

    address: WebAddress
    checksum: Digest
    image_type: ImageType | None
    verification: Verification


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was found of the image, and what was judged by it."""

    served: Served
    planned: PlannedDeployment
    report: Report


def make_plan_of_url(
    image: UrlImage,
    order: InstallOrder,
    rules: Rules,
    asked: Asked,
    sources: Sources,
    api: OvhApi,
    clock: Clock,
    observer: Observer,
    valid_for: timedelta,
) -> tuple[Plan, Deed]:
    """Inspect what is at the URL, match and check it, and return what would be done, for programs and for people.

    An order without a loader gets the one that is found in the image. Raises `BadVerdict`, `DeploymentRefused` for
    what does not fit, `IntegrityError` where the digest is another or the image is exchanged, and what
    `inspect_image` raises. Nothing is sent to the server.
    """
    found = _look(image, order, rules, asked, api, clock, observer)
    compare_digest(image.address, found.served, image.checksum, image.verification, clock, observer)
    planned, report = _planned_url(image, found), found.report
    deed = Deed(
        server=asked.server,
        order=found.planned.order,
        image=ServedImage(planned.address, planned.image_type, planned.size_bytes, (image.checksum,)),
        header_names=tuple(name for name, _ in image.address.headers),
        verdict=f"{report.profile}: passed",
        concerns=concerns_of(report.outcomes),
    )
    return write_down(asked.server, planned, sources, report, deed, clock.now(), valid_for), deed


def _look(
    image: UrlImage,
    order: InstallOrder,
    rules: Rules,
    asked: Asked,
    api: OvhApi,
    clock: Clock,
    observer: Observer,
) -> _Looked:
    served = look_at(image.address, clock)
    facts = inspect_image(image.address, observer, rules.reader, rules.luks_key)
    require_same(image.address, served, clock)
    kind = image.image_type or facts.container.format.image_type
    if kind is None:
        raise UsageError(
            f"{image.address} is {facts.container.format.value}, which the provider does not take",
            remedy="Serve a qcow2 or raw image (`byoi-tools convert`), or plan with the file and --to.",
        )
    source = ImageSource(image.address.url, kind, image.checksum, image.address.headers)
    complete = replace(order, loader_path=order.loader_path or find_loader(facts, rules.profile.product))
    needs = needs_of(facts.container, rules.boot)
    planned = plan_deployment(api, asked, complete, needs, delivery_of(source, clock.now()))
    outcomes = judge_deployment(planned, Known(facts), rules.boot, rules.profile)
    refuse_misfits(order.server, outcomes, rules.fail_on, observer)
    report = check_facts(
        facts,
        rules,
        order.loader_path,
        kind,
        target=asked.server.target(order.disk_group_id),
        user_data=order.customizations.user_data,
        meant=Known(planned),
    )
    report = waive(report, image.address, rules, observer)
    if not report.has_passed:
        raise BadVerdict(report)
    return _Looked(served, planned, report)


def _planned_url(image: UrlImage, found: _Looked) -> PlannedUrl:
    kind = found.planned.delivery.image_type.known()
    assert isinstance(kind, ImageType)  # noqa: S101 - for the type checker: an OVA is not planned
    url = image.address.without_query
    return PlannedUrl(
        url=url,
        has_query=url != image.address.url.reveal(),
        image_type=kind,
        size_bytes=found.served.size_bytes,
        virtual_size_bytes=found.planned.needs.virtual_size_bytes,
        digests={image.checksum.algorithm: image.checksum.hexadecimal},
        version=found.served.version,
        samples_sha256=found.served.samples_sha256,
        verification=image.verification,
    )
