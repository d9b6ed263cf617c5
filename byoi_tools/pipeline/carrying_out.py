"""Carries out a plan: nothing else than what it says, and only while all is as it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from byoi_tools.deployment.changes import (
    Change,
    content_change,
    object_changes,
    refusal_of,
    server_changes,
    url_changes,
)
from byoi_tools.deployment.delivery import delivery_of
from byoi_tools.errors import DeploymentRefused, UsageError
from byoi_tools.model.deployment.deed import Deed, ServedImage
from byoi_tools.model.deployment.order import Customizations, ImageNeeds, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.plan import Plan, PlannedObject, PlannedUrl
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.fact import NotExamined
from byoi_tools.model.finding import OutcomeKind
from byoi_tools.model.location import WebAddress, parse_location
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import FileAddress, ObjectAddress, PublishedImage
from byoi_tools.model.quoting import quote
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.checking import known_profile
from byoi_tools.pipeline.matching import ask, judge_deployment, plan_deployment, refuse_misfits
from byoi_tools.pipeline.serving import checksum_for
from byoi_tools.publishing.placing import find_placed
from byoi_tools.publishing.public_directory import Destination, PublicDirectory, parse_any_destination
from byoi_tools.publishing.renewal import renew_publication
from byoi_tools.publishing.served_elsewhere import compare_digest, look_at
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.objects import ObjectStorage
from byoi_tools.tools.ovh.api import OvhApi

_LOOKED_AT = NotExamined("the image was looked at when the plan was made")


@dataclass(frozen=True, slots=True)
class Errand:
    """A plan, and what it does not hold: the files' contents, the headers' values, the place as a value.

    The place is a URL where somebody else serves the image.
    """

    plan: Plan
    customizations: Customizations
    headers: tuple[tuple[str, Secret], ...]
    place: Destination | WebAddress

    @property
    def order(self) -> InstallOrder:
        """What is ordered for the server."""
        order = self.plan.order
        return InstallOrder(
            server=self.plan.server.name,
            product=order.product,
            loader_path=order.efi_bootloader_path,
            customizations=self.customizations,
            disk_group_id=order.disk_group,
            api=order.api,
            description=order.description,
            partitioning=order.partitioning,
        )

    def reinstallation(self, url: Secret) -> Reinstallation:
        """The request, with this URL of the image."""
        planned = self.plan.image
        digests = planned.all_digests
        checksum = digests[0] if isinstance(planned, PlannedUrl) else checksum_for(self.plan.order.api, digests)
        return Reinstallation(self.order, ImageSource(url, planned.image_type, checksum, self.headers))

    def deed(self, server: Server) -> Deed:
        """What it does to the server, to be shown."""
        planned, judgement = self.plan.image, self.plan.judgement
        return Deed(
            server=server,
            order=self.order,
            image=ServedImage(planned.address, planned.image_type, planned.size_bytes, planned.all_digests),
            header_names=self.plan.order.http_header_names,
            verdict=f"{judgement.profile}: {judgement.verdict}, {self.plan.made.isoformat(timespec='minutes')}",
            concerns=judgement.concerns,
        )


def place_of(plan: Plan, url: str | None, headers: tuple[tuple[str, Secret], ...]) -> Destination | WebAddress:
    """Where the planned image lies; `url` is what the user gave again, None for nothing.

    Raises `UsageError` as `parse_any_destination` and `parse_location` do, and for a URL that is not the plan's.
    """
    planned = plan.image
    if isinstance(planned, PlannedObject):
        if url is not None:
            raise UsageError(f"the plan is for {planned.address}, whose URL is made anew", remedy="Leave out --url.")
        return parse_any_destination(planned.destination, planned.public_url)
    if url is None and planned.has_query:
        raise UsageError(
            f"the query of {planned.url} is not in the plan: it may hold a signature",
            remedy="Give the whole URL again with --url, a fresh one if it is presigned.",
        )
    given = parse_location(planned.url if url is None else url)
    if not isinstance(given, WebAddress) or given.without_query != planned.url:
        raise UsageError(
            f"the plan is for {planned.address}, not for {given}", remedy="Give that URL, or leave it out."
        )
    return replace(given, headers=headers)


def require_unchanged(
    errand: Errand, api: OvhApi, storage: ObjectStorage, clock: Clock, observer: Observer
) -> tuple[Reinstallation, Server]:
    """Return the request with a new URL, and the server, when all is as it was planned and the server can take it.

    Raises `DeploymentRefused` that tells what changed, that the plan is too old, or what speaks against it now; and
    what making the URL raises.
    """
    plan = errand.plan
    if clock.now() > plan.valid_until:
        raise DeploymentRefused(
            f"nothing was sent to {plan.server.name}: the plan was valid until {plan.valid_until.isoformat()}",
            remedy="Make a new plan with `byoi-tools plan`, and have it approved.",
        )
    asked = ask(api, plan.server.name)
    changes = server_changes(plan, asked.server)
    url = _unchanged_url(errand, changes, storage, clock, observer)
    reinstallation = errand.reinstallation(url)
    needs = ImageNeeds(plan.judgement.boot, plan.image.size_bytes, plan.image.virtual_size_bytes)
    delivery = delivery_of(reinstallation.image, clock.now())
    planned = plan_deployment(api, asked, errand.order, needs, delivery)
    profile = known_profile(f"ovh-{errand.order.product.value}")
    outcomes = judge_deployment(planned, _LOOKED_AT, plan.judgement.boot, profile)
    judged = [o for o in outcomes if o.kind is not OutcomeKind.SKIPPED or o.message != _LOOKED_AT.reason]
    refuse_misfits(plan.server.name, judged, None, observer)
    return reinstallation, asked.server


def _unchanged_url(
    errand: Errand, changes: tuple[Change, ...], storage: ObjectStorage, clock: Clock, observer: Observer
) -> Secret:
    """A URL of the planned image; refuses when it has changed, or the server has, all in one."""
    name, planned, place = errand.plan.server.name, errand.plan.image, errand.place
    if isinstance(planned, PlannedUrl):
        assert isinstance(place, WebAddress)  # noqa: S101 - for the type checker: `place_of` says so
        served = look_at(place, clock)
        changes += url_changes(planned, served.size_bytes, served.version, served.samples_sha256)
        if changes:
            raise refusal_of(name, changes)
        compare_digest(place, served, planned.all_digests[0], planned.verification, clock, observer)
        return place.url
    address = _address_of(errand, planned)
    if isinstance(address, ObjectAddress):
        changes += object_changes(planned, storage.head(address))
    if changes:
        raise refusal_of(name, changes)
    published = _renew(errand, planned, address, storage, clock, observer)
    if published is None:
        raise refusal_of(name, (content_change(planned),))
    return published.url


def _address_of(errand: Errand, planned: PlannedObject) -> ObjectAddress | FileAddress:
    """Where the image lies; raises `UsageError` when that is not in the destination."""
    assert not isinstance(errand.place, WebAddress)  # noqa: S101 - for the type checker: `place_of` says so
    address = errand.place.address_of(planned.address.rpartition("/")[2])
    if str(address) != planned.address:
        raise UsageError(
            "this is no plan: image.address",
            details=f"{quote(planned.address)} is not in the destination {quote(planned.destination)}",
            remedy="Make it anew with `byoi-tools plan`.",
        )
    return address


def _renew(
    errand: Errand,
    planned: PlannedObject,
    address: ObjectAddress | FileAddress,
    storage: ObjectStorage,
    clock: Clock,
    observer: Observer,
) -> PublishedImage | None:
    """The object with a new URL, None when it is not described as the planned content any more."""
    what = (planned.image_type, planned.size_bytes, planned.all_digests)
    verification, headers = planned.verification, errand.headers
    if isinstance(address, ObjectAddress):
        life = timedelta(seconds=planned.url_seconds or 0)
        return renew_publication(address, *what, life, storage, clock, observer, verification, headers)
    assert isinstance(errand.place, PublicDirectory)  # noqa: S101 - for the type checker: files lie in those
    return find_placed(address, *what, errand.place, clock, observer, verification, headers)
