"""Puts together what a deployment will do, from what is known of it: before the image is published, after, by a URL."""

from __future__ import annotations

from collections.abc import Iterable

from byoi_tools.checks.catalogue import DEPLOYMENT_CHECKS
from byoi_tools.model.deployment.deed import Concern, Deed, ServedImage
from byoi_tools.model.deployment.order import InstallOrder, Reinstallation
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.model.secret import redact_url
from byoi_tools.pipeline.job import Job
from byoi_tools.pipeline.making import Candidate
from byoi_tools.pipeline.matching import COMPARED_ONCE_MADE
from byoi_tools.pipeline.products import Products

# Those of one product alone are skipped for the other, and leave no doubt.
_OF_EVERY_DEPLOYMENT = frozenset(check.id for check in DEPLOYMENT_CHECKS if check.product is None)


def deed_of(job: Job, products: Products) -> Deed:
    """What the line will do; the object is known once it is published, and its size was compared then."""
    report, is_made = products.get(Report), products.has(PublishedImage) and not products.get(Candidate).is_final
    return Deed(
        server=products.get(Server),
        order=products.get(InstallOrder),
        image=_served(job, products),
        header_names=tuple(name for name, _ in job.http_headers),
        verdict=_verdict(report),
        concerns=concerns_of(o for o in report.outcomes if not (is_made and o.check_id == COMPARED_ONCE_MADE)),
    )


def _verdict(report: Report) -> str:
    if not report.has_passed:
        return f"{report.profile}: failed"
    return f"{report.profile}: passed{f', but {report.reservation}' if report.reservation else ''}"


def deed_by_url(server: Server, reinstallation: Reinstallation) -> Deed:
    """What will be done with an image at a URL, of which only the URL and the digest are known."""
    image = reinstallation.image
    digests = (image.checksum,) if image.checksum else ()
    return Deed(
        server=server,
        order=reinstallation.order,
        image=ServedImage(_shown(image.url.reveal()), image.image_type, digests=digests),
        header_names=tuple(name for name, _ in image.http_headers),
    )


def concerns_of(outcomes: Iterable[Outcome]) -> tuple[Concern, ...]:
    """Whatever failed, broke or was waived, and what could not be compared with the server; the worst first."""
    told = sorted((outcome for outcome in outcomes if _is_concern(outcome)), key=lambda o: -o.severity)
    return tuple(Concern(o.check_id, o.kind, o.severity.word, o.message, o.observed) for o in told)


def _is_concern(outcome: Outcome) -> bool:
    if outcome.kind is OutcomeKind.SKIPPED:
        return outcome.check_id in _OF_EVERY_DEPLOYMENT and outcome.severity is Severity.ERROR
    return outcome.kind is not OutcomeKind.PASSED


def _served(job: Job, products: Products) -> ServedImage:
    if products.has(PublishedImage):
        published = products.get(PublishedImage)
        return ServedImage(str(published.address), published.image_type, published.size_bytes, published.digests)
    candidate = products.get(Candidate)
    place = f"{job.image.name}, published to {job.destination.address_of('')}"
    size = candidate.container.size_bytes if candidate.is_final else None
    return ServedImage(place, candidate.image_type, size)


def _shown(url: str) -> str:
    try:
        return redact_url(url)
    except ValueError:
        return "a URL"
