"""Compares an image with the server it is meant for, before anything is uploaded or erased."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from byoi_tools.checks.catalogue import DEPLOYMENT_CHECKS, OF_THE_DEPLOYMENT, USER_DATA_CHECKS
from byoi_tools.checks.runner import run_checks
from byoi_tools.checks.subject import Subject
from byoi_tools.deployment.delivery import delivery_of
from byoi_tools.deployment.facts import read_server, read_template_inputs
from byoi_tools.deployment.misfit import Misfit, refuse
from byoi_tools.deployment.old_api.body import OLD_INPUTS, old_api_names
from byoi_tools.deployment.old_api.status import read_deployment
from byoi_tools.deployment.refusals import refuse_denial
from byoi_tools.deployment.reinstall.payload import customization_names
from byoi_tools.deployment.rights import needed_rights, read_rights, refuse_missing_reads, try_reading_progress
from byoi_tools.errors import UsageError
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import Customizations, ImageNeeds, InstallApi, InstallOrder, Reinstallation
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.deployment.planned import AccessRule, Delivery, PlannedDeployment
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.disks.esp import efi_path
from byoi_tools.model.disks.loader import choose_loader
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Outcome, OutcomeKind, Report, Severity
from byoi_tools.model.image import Container, ImageType, SentType
from byoi_tools.model.intent import Intent
from byoi_tools.model.location import ImageLocation
from byoi_tools.model.observer import Observer
from byoi_tools.model.profile import Profile
from byoi_tools.pipeline.checking import Rules, check_facts, declared_type, known_profile, waive
from byoi_tools.pipeline.unpacking import inspect_any
from byoi_tools.tools.ovh.api import ApiErrorAnswer, OvhApi

_NOT_LOOKED_AT = NotExamined("the image itself was not looked at")
COMPARED_ONCE_MADE = "target.ram"  # the size of a file that is converted on its way


@dataclass(frozen=True, slots=True)
class Asked:
    """What the API told of a server, and of the credentials that asked."""

    server: Server
    rights: Fact[tuple[AccessRule, ...]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants of a deployment, whatever the image."""

    loader_path: str | None
    customizations: Customizations
    disk_group_id: int | None
    delivery: Delivery
    partitioning: Partitioning | None = None
    api: InstallApi = InstallApi.REINSTALL


def ask(api: OvhApi, name: str) -> Asked:
    """Ask the API for all facts; raises `DeploymentRefused` for an unknown server, wrong keys and missing rights."""
    rights = read_rights(api)
    refuse_missing_reads(name, rights)
    if isinstance(rights, NotExamined):
        try_reading_progress(api, name)
    return Asked(read_server(api, name), rights)


def plan_deployment(
    api: OvhApi, asked: Asked, order: InstallOrder, needs: ImageNeeds, delivery: Delivery
) -> PlannedDeployment:
    """Put together what is judged; asks the API for the product's template.

    Raises `DeploymentRefused` where the order wants the API of the 2020 guides, and the server does not have it.
    """
    if order.api is InstallApi.BRING_YOUR_OWN_IMAGE:
        return _plan_by_old_api(api, asked, order, needs, delivery)
    return PlannedDeployment(
        server=asked.server,
        order=order,
        needs=needs,
        delivery=delivery,
        rights=asked.rights,
        needed_rights=needed_rights(order.server),
        inputs=read_template_inputs(api, order.product.template),
        sent_names=customization_names(order, has_headers=bool(delivery.header_names)),
    )


def _plan_by_old_api(
    api: OvhApi, asked: Asked, order: InstallOrder, needs: ImageNeeds, delivery: Delivery
) -> PlannedDeployment:
    """As the other API has it: no template says what it takes, the fields of its description do."""
    try:
        read_deployment(api, order.server)
    except ApiErrorAnswer as answer:
        refuse_denial(order.server, answer)
        raise
    return PlannedDeployment(
        server=asked.server,
        order=order,
        needs=needs,
        delivery=delivery,
        rights=asked.rights,
        needed_rights=needed_rights(order.server, order.api),
        inputs=Known(OLD_INPUTS),
        sent_names=old_api_names(order, has_headers=bool(delivery.header_names)),
    )


def judge_deployment(
    planned: PlannedDeployment, examined: Fact[Facts], boot: BootMode, profile: Profile
) -> tuple[Outcome, ...]:
    """The outcomes of the families target and api, less what is about another product.

    Of an image that is not looked at, the user data is judged here, as far as that needs no image.
    """
    order = planned.order
    user_data = order.customizations.user_data
    intent = Intent(profile.product, boot, loader_path=order.loader_path, user_data=user_data)
    checks = tuple(check for check in DEPLOYMENT_CHECKS if check.product in (None, profile.product))
    if isinstance(examined, NotExamined) and user_data is not None:
        checks = USER_DATA_CHECKS + checks
    return run_checks(checks, Subject(examined, intent, Known(planned)), profile)


def refuse_misfits(server: str, outcomes: Iterable[Outcome], fail_on: Severity | None, observer: Observer) -> None:
    """Raise `DeploymentRefused` with every finding that speaks against the deployment; warn of all others.

    Errors always do, and checks that broke; warnings where `fail_on` says so. Where an error could not be ruled out,
    that is told too.
    """
    threshold = min(Severity.ERROR, fail_on or Severity.ERROR)
    told = tuple(outcomes)
    against = [outcome for outcome in told if _speaks_against(outcome, threshold)]
    refuse(server, tuple(Misfit(o.message, o.observed, o.expected, o.remedy) for o in against))
    for outcome in told:
        if outcome.kind is OutcomeKind.FAILED and outcome.severity is Severity.WARNING:
            observer.warned(f"{outcome.message}: {outcome.observed} ({outcome.check_id})")
        elif outcome.kind is OutcomeKind.FAILED:
            observer.noted(f"{outcome.message}: {outcome.observed} ({outcome.check_id})")
    for reason, ids in _doubts(told).items():
        observer.warned(f"not compared: {', '.join(ids)}: {reason}")


def refuse_unfit(
    api: OvhApi, reinstallation: Reinstallation, now: datetime, observer: Observer, meant: BootMode | None = None
) -> Server:
    """Return the server, unless something known of it and of the request alone speaks against the deployment.

    The image is not looked at: what depends on it is told as not compared, but for the boot mode that is meant. Raises
    `DeploymentRefused`.
    """
    order, delivery = reinstallation.order, delivery_of(reinstallation.image, now)
    asked = ask(api, order.server)
    planned = plan_deployment(api, asked, order, ImageNeeds(meant, None, None), delivery)
    boot = BootMode.LEGACY if asked.server.boots_legacy_only else BootMode.UEFI
    profile = known_profile(f"ovh-{order.product.value}")
    outcomes = judge_deployment(planned, _NOT_LOOKED_AT, boot, profile)
    refuse_misfits(order.server, outcomes, None, observer)
    if order.api is InstallApi.BRING_YOUR_OWN_IMAGE and boot is BootMode.UEFI:
        observer.warned(f"this API is not told the loader: the image must have {order.loader_path}")
    return asked.server


def does_server_fit(report: Report) -> bool:
    """Whether no check of the deployment failed the report."""
    threshold = report.fail_on
    return threshold is None or not any(
        _speaks_against(outcome, threshold) for outcome in report.outcomes if outcome.family in OF_THE_DEPLOYMENT
    )


def match_image(
    api: OvhApi, asked: Asked, location: ImageLocation, rules: Rules, wishes: Wishes, observer: Observer
) -> Report:
    """Return the report on an image for this server: every check of the catalogue, its waivers applied.

    Raises what `check_location` and `ask` raise.
    """
    facts = inspect_any(location, observer, rules.unpacking, rules.reader, rules.luks_key)
    order = InstallOrder(
        server=asked.server.name,
        product=rules.profile.product,
        loader_path=wishes.loader_path or find_loader(facts, rules.profile.product),
        customizations=wishes.customizations,
        disk_group_id=wishes.disk_group_id,
        partitioning=wishes.partitioning,
        api=wishes.api,
    )
    given = wishes.delivery.image_type
    served: Known[SentType] = (
        given if isinstance(given, Known) else Known(facts.container.format.image_type or ImageType.QCOW2)
    )
    delivery = replace(wishes.delivery, image_type=served)
    planned = plan_deployment(api, asked, order, needs_of(facts.container, rules.boot), delivery)
    report = check_facts(
        facts,
        rules,
        wishes.loader_path,
        given.value if isinstance(given, Known) and isinstance(given.value, ImageType) else declared_type(location),
        target=asked.server.target(wishes.disk_group_id),
        user_data=wishes.customizations.user_data,
        meant=Known(planned),
    )
    return waive(report, location, rules, observer)


def needs_of(container: Container, boot: BootMode, *, is_final: bool = True) -> ImageNeeds:
    """What the image asks of a server; a file that the provider does not take will be converted to another size."""
    virtual = container.virtual_size_bytes
    is_served = is_final and container.format.image_type is not None
    return ImageNeeds(
        boot=boot,
        file_size_bytes=container.size_bytes if is_served else None,
        virtual_size_bytes=virtual.value if isinstance(virtual, Known) else None,
    )


def only_boot_mode(server: Server) -> BootMode:
    """How the server boots; raises `UsageError` where it does not say, or boots both ways."""
    modes = server.boot_modes.value if isinstance(server.boot_modes, Known) else frozenset[BootMode]()
    if len(modes) != 1:
        raise UsageError(
            f"the server {server.name} does not say how it boots" if not modes else f"{server.name} boots both ways",
            remedy="Give --boot uefi or --boot legacy.",
        )
    return next(iter(modes))


def find_loader(facts: Facts, product: Product) -> str | None:
    """The loader that the server will start, as a path for the provider; None where the image does not tell.

    The best one in the first EFI system partition; for Bring Your Own Linux the one that the image's script installs.
    """
    if product is Product.BYOLINUX:
        guest = facts.guest.value if isinstance(facts.guest, Known) else None
        setup = guest.byolinux if guest else None
        script = setup.value.script if isinstance(setup, Known) else None
        return script.loader_path if script else None
    esps = facts.esps.value if isinstance(facts.esps, Known) else ()
    contents = (esp.content.value for esp in esps[:1] if isinstance(esp.content, Known))
    chosen = next((choose_loader(content) for content in contents), None)
    return efi_path(chosen.path) if chosen else None


def _speaks_against(outcome: Outcome, threshold: Severity) -> bool:
    is_finding = outcome.kind is OutcomeKind.FAILED and outcome.severity >= threshold
    return is_finding or outcome.kind is OutcomeKind.ERRORED


def _doubts(outcomes: Iterable[Outcome]) -> dict[str, list[str]]:
    """The checks for errors that were skipped, by the reason."""
    doubts: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.kind is OutcomeKind.SKIPPED and outcome.severity is Severity.ERROR:
            doubts.setdefault(outcome.message, []).append(outcome.check_id)
    return doubts
