"""The whole line as one tuple: read `STAGES` first, then what each of them does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import Product
from byoi_tools.model.deployment.order import ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.planned import Delivery, PlannedDeployment
from byoi_tools.model.deployment.server import Server, Task
from byoi_tools.model.fact import Known
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report
from byoi_tools.model.publishing.manifest import ManifestVerdict
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.model.rehearsal import RehearsalOrder, Until
from byoi_tools.pipeline.checking import Rules, check_facts, choose_profile, waive
from byoi_tools.pipeline.deeds import deed_of
from byoi_tools.pipeline.installing import recover, resume, start, watch, without
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.making import Candidate, make_candidate
from byoi_tools.pipeline.matching import (
    COMPARED_ONCE_MADE,
    Asked,
    ask,
    find_loader,
    judge_deployment,
    needs_of,
    only_boot_mode,
    plan_deployment,
    refuse_misfits,
)
from byoi_tools.pipeline.products import Products
from byoi_tools.pipeline.proving import note_host_keys, prove_installed
from byoi_tools.pipeline.rehearsing import Rehearsed, default_users, disk_like, rehearse_checked
from byoi_tools.pipeline.serving import checksum_for, serve
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.publishing.destination import ObjectPrefix

_REHEARSAL_MEMORY = 2 << 30


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the line: it takes the products of the stages before it and adds its own."""

    name: str
    run: Callable[[Job, Outside, Products], None]


class BadVerdict(Exception):
    """The check found what the job fails on; nothing was uploaded, nothing erased."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.image.path)
        self.report = report


class BadRehearsal(Exception):
    """A copy of the image did not boot as ordered; nothing was uploaded, nothing erased."""

    def __init__(self, rehearsed: Rehearsed) -> None:
        super().__init__(rehearsed.rehearsal.ending)
        self.rehearsed = rehearsed


def run_line(job: Job, outside: Outside, stages: tuple[Stage, ...] | None = None) -> Products:
    """Run every stage, or these alone, in their order and return all products.

    Raises `BadVerdict`, `BadRehearsal`, or the `ByoiError` of the stage that failed. Everything up to the confirmation
    only reads.
    """
    products = Products()
    with Workspace(job.work_directory) as workspace:
        products.put(workspace)
        for stage in STAGES if stages is None else stages:
            stage.run(job, outside, products)
    return products


def _read_server(job: Job, outside: Outside, products: Products) -> None:
    """Ask what it is; what an earlier run has started on it is found first, and does not make it busy for this one."""
    earlier = recover(outside.api, job.server, outside.deployments, outside.clock, outside.observer)
    asked = ask(outside.api, job.server)
    products.put(replace(asked, server=without(asked.server, earlier)))
    products.put(products.get(Asked).server)


def _inspect(job: Job, outside: Outside, products: Products) -> None:
    products.put(_rules(job, outside, products.get(Server)))
    if products.has(Candidate):  # the line of a fleet looks at its image once
        return
    candidate = make_candidate(job.image, job.making, products.get(Workspace), outside.observer)
    products.put(candidate)
    products.put(inspect_image(candidate.source.path))


def _match(job: Job, outside: Outside, products: Products) -> None:
    """Refuse what the server cannot take, before anything else costs time; the order is complete from here on."""
    candidate, rules, facts = products.get(Candidate), products.get(Rules), products.get(Facts)
    order = order_of(job, rules.profile.product, facts)
    needs = needs_of(candidate.container, rules.boot, is_final=candidate.is_final)
    planned = plan_deployment(outside.api, products.get(Asked), order, needs, _delivery(job, candidate))
    products.put(order)
    products.put(planned)
    outcomes = judge_deployment(planned, Known(facts), rules.boot, rules.profile)
    judged = [o for o in outcomes if candidate.is_final or o.check_id != COMPARED_ONCE_MADE]
    refuse_misfits(job.server, judged, rules.fail_on, outside.observer)


def order_of(job: Job, product: Product, facts: Facts) -> InstallOrder:
    """What is ordered for the job's server, with the loader that is found in the image where nobody named one."""
    return InstallOrder(
        server=job.server,
        product=product,
        loader_path=job.loader_path or find_loader(facts, product),
        customizations=job.customizations,
        disk_group_id=job.disk_group_id,
        api=job.api,
        description=job.description,
        partitioning=job.partitioning,
    )


def _check(job: Job, outside: Outside, products: Products) -> None:
    candidate = products.get(Candidate)
    report = check_facts(
        products.get(Facts),
        products.get(Rules),
        job.loader_path,
        candidate.image_type if candidate.is_final else None,
        target=products.get(Server).target(job.disk_group_id),
        user_data=job.customizations.user_data,
        meant=Known(products.get(PlannedDeployment)),
    )
    report = waive(report, job.image, products.get(Rules), outside.observer)
    products.put(report)
    if not report.has_passed:
        raise BadVerdict(report)


def _rehearse(job: Job, outside: Outside, products: Products) -> None:
    """Boot a copy in a machine like the server, where the user wants that."""
    if job.rehearsal is None:
        return
    boot, path = products.get(Rules).boot, products.get(Candidate).source.path
    order = RehearsalOrder(
        boot=boot,
        loader_path=products.get(InstallOrder).loader_path or "",
        disk=disk_like(products.get(Server), job.disk_group_id, boot),
        memory_bytes=_REHEARSAL_MEMORY,
        customizations=job.customizations,
        until=Until.SSH,
        timeout_seconds=job.rehearsal.timeout_seconds,
        private_key=job.rehearsal.private_key,
    )
    facts, report = products.get(Facts), products.get(Report)
    rehearsed = rehearse_checked(path, facts, report, order, job.work_directory, outside.observer)
    if not rehearsed.rehearsal.has_succeeded:
        raise BadRehearsal(rehearsed)


def _confirm(job: Job, outside: Outside, products: Products) -> None:
    outside.confirm(deed_of(job, products))


def _publish(job: Job, outside: Outside, products: Products) -> None:
    """Make the object; where that takes a conversion, the size of the file is compared once it is known."""
    candidate, rules, report = products.get(Candidate), products.get(Rules), products.get(Report)

    def accept(size_bytes: int) -> None:
        refuse_size(job, outside, products, size_bytes)

    verdict = ManifestVerdict(rules.profile.name, rules.boot, report.has_passed)
    products.put(serve(job, outside, candidate, products.get(Workspace), accept, verdict))


def refuse_size(job: Job, outside: Outside, products: Products, size_bytes: int) -> None:
    """Raise `DeploymentRefused` when the file that a conversion made is too large for the server."""
    if products.get(Candidate).is_final:
        return
    planned, rules = products.get(PlannedDeployment), products.get(Rules)
    made = replace(planned, needs=replace(planned.needs, file_size_bytes=size_bytes))
    outcomes = judge_deployment(made, Known(products.get(Facts)), rules.boot, rules.profile)
    size = (outcome for outcome in outcomes if outcome.check_id == COMPARED_ONCE_MADE)
    refuse_misfits(job.server, size, rules.fail_on, outside.observer)


def _deploy(job: Job, outside: Outside, products: Products) -> None:
    published, order = products.get(PublishedImage), products.get(InstallOrder)
    image = ImageSource(published.url, published.image_type, checksum_for(job.api, published.digests), job.http_headers)
    reinstallation = Reinstallation(order, image)
    doors = (outside.api, reinstallation, outside.deployments, outside.clock, outside.observer)
    task = resume(*doors)
    if task is None:
        task = start(*doors, note_host_keys(outside.api, job.server, job.proof, outside.observer))
    products.put(task)


def _watch(job: Job, outside: Outside, products: Products) -> None:
    task = products.get(Task)
    products.put(watch(outside.api, job.server, task, outside.deployments, outside.clock, outside.observer))


def _prove(job: Job, outside: Outside, products: Products) -> None:
    """Show that the new system answers, where the user wants that."""
    if job.proof is None:
        return
    users, order = default_users(products.get(Facts)), products.get(InstallOrder)
    doors = (outside.deployments, outside.clock, outside.observer)
    products.put(prove_installed(outside.api, job.server, order.customizations, job.proof, *doors, users))


def _rules(job: Job, outside: Outside, server: Server) -> Rules:
    boot = job.boot or only_boot_mode(server)
    profile = choose_profile(job.profile, job.product, boot)
    return Rules(profile, boot, job.fail_on, outside.clock.now().date(), job.waivers_file)


def _delivery(job: Job, candidate: Candidate) -> Delivery:
    is_presigned = isinstance(job.destination, ObjectPrefix)
    return Delivery(
        image_type=Known(candidate.image_type),
        is_presigned=Known(is_presigned),
        life=Known(job.expires if is_presigned else None),
        header_names=tuple(name for name, _ in job.http_headers),
    )


STAGES = (
    Stage("server", _read_server),
    Stage("inspect", _inspect),
    Stage("match", _match),
    Stage("check", _check),
    Stage("rehearse", _rehearse),
    Stage("confirm", _confirm),
    Stage("publish", _publish),
    Stage("deploy", _deploy),
    Stage("watch", _watch),
    Stage("prove", _prove),
)
PLANNING = tuple(stage for stage in STAGES if stage.name not in ("confirm", "deploy", "watch", "prove"))
