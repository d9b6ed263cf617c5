"""The whole line as one tuple: read `STAGES` first, then what each of them does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from byoi_tools.deployment.facts import read_server
from byoi_tools.deployment.fit import refuse_misfits
from byoi_tools.errors import UsageError
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment import ImageNeeds, ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.esp import efi_path
from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report
from byoi_tools.model.loader import choose_loader
from byoi_tools.model.manifest import ManifestVerdict
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import PublishedImage
from byoi_tools.model.server import Server, Task
from byoi_tools.pipeline.checking import Rules, check_facts, known_profile, waive
from byoi_tools.pipeline.installing import recover, resume, start, watch, without
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.making import Candidate, make_candidate
from byoi_tools.pipeline.products import Products
from byoi_tools.pipeline.serving import serve, strongest_digest
from byoi_tools.pipeline.workspace import Workspace

_NOBODY = Observer()
_NOT_CONVERTED = NotExamined("the file that will be served is not made yet; its size is compared once it is")


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


def run_line(job: Job, outside: Outside) -> Products:
    """Run every stage in its order and return all products.

    Raises `BadVerdict`, or the `ByoiError` of the stage that failed. Everything up to the confirmation only reads.
    """
    products = Products()
    with Workspace(job.work_directory) as workspace:
        products.put(workspace)
        for stage in STAGES:
            stage.run(job, outside, products)
    return products


def _read_server(job: Job, outside: Outside, products: Products) -> None:
    """Ask what it is; what an earlier run has started on it is found first, and does not make it busy for this one."""
    earlier = recover(outside.api, job.server, outside.deployments, outside.clock, outside.observer)
    products.put(without(read_server(outside.api, job.server), earlier))


def _inspect(job: Job, outside: Outside, products: Products) -> None:
    products.put(_rules(job, outside, products.get(Server)))
    candidate = make_candidate(job.image, job.making, products.get(Workspace), outside.observer)
    products.put(candidate)
    products.put(inspect_image(candidate.source.path))


def _match(job: Job, outside: Outside, products: Products) -> None:
    """Refuse what the server cannot take, before anything else costs time; the order is complete from here on."""
    server, candidate, rules = products.get(Server), products.get(Candidate), products.get(Rules)
    heard_by = outside.observer if candidate.is_final else _NOBODY  # a conversion will bring the facts that are missing
    order = InstallOrder(
        server=job.server,
        product=rules.profile.product,
        loader_path=job.loader_path or _find_loader(products.get(Facts)),
        customizations=job.customizations,
        disk_group_id=job.disk_group_id,
    )
    products.put(order)
    refuse_misfits(server, _needs(candidate, rules), order, heard_by)


def _check(job: Job, outside: Outside, products: Products) -> None:
    candidate = products.get(Candidate)
    target = products.get(Server).target(job.disk_group_id)
    report = check_facts(
        products.get(Facts),
        products.get(Rules),
        job.loader_path,
        candidate.image_type if candidate.is_final else None,
        target=target if candidate.is_final else replace(target, memory_bytes=_NOT_CONVERTED),
        user_data=job.customizations.user_data,
    )
    report = waive(report, job.image, products.get(Rules), outside.observer)
    products.put(report)
    if not report.has_passed:
        raise BadVerdict(report)


def _confirm(job: Job, outside: Outside, products: Products) -> None:
    outside.confirm(products.get(Server))


def _publish(job: Job, outside: Outside, products: Products) -> None:
    """Make the object; where that takes a conversion, the size of the file is compared once it is known."""
    candidate, rules, report = products.get(Candidate), products.get(Rules), products.get(Report)

    def accept(size_bytes: int) -> None:
        if not candidate.is_final:
            needs = replace(_needs(candidate, rules), file_size_bytes=size_bytes)
            refuse_misfits(products.get(Server), needs, products.get(InstallOrder), outside.observer)

    verdict = ManifestVerdict(rules.profile.name, rules.boot, report.has_passed)
    products.put(serve(job, outside, candidate, products.get(Workspace), accept, verdict))


def _deploy(job: Job, outside: Outside, products: Products) -> None:
    published, order = products.get(PublishedImage), products.get(InstallOrder)
    image = ImageSource(published.url, published.image_type, strongest_digest(published), job.http_headers)
    reinstallation = Reinstallation(order, image)
    doors = (outside.api, reinstallation, outside.deployments, outside.clock, outside.observer)
    products.put(resume(*doors) or start(*doors))


def _watch(job: Job, outside: Outside, products: Products) -> None:
    task = products.get(Task)
    products.put(watch(outside.api, job.server, task, outside.deployments, outside.clock, outside.observer))


def _rules(job: Job, outside: Outside, server: Server) -> Rules:
    boot = job.boot or _only_boot_mode(server)
    profile = known_profile(job.profile or f"ovh-byoi-{boot.value}")
    return Rules(profile, boot, job.fail_on, outside.clock.now().date(), job.waivers_file)


def _only_boot_mode(server: Server) -> BootMode:
    modes = server.boot_modes.value if isinstance(server.boot_modes, Known) else frozenset[BootMode]()
    if len(modes) != 1:
        raise UsageError(
            f"the server {server.name} does not say how it boots" if not modes else f"{server.name} boots both ways",
            remedy="Give --boot uefi or --boot legacy.",
        )
    return next(iter(modes))


def _find_loader(facts: Facts) -> str | None:
    esps = facts.esps.value if isinstance(facts.esps, Known) else ()
    contents = (esp.content.value for esp in esps[:1] if isinstance(esp.content, Known))
    chosen = next((choose_loader(content) for content in contents), None)
    return efi_path(chosen.path) if chosen else None


def _needs(candidate: Candidate, rules: Rules) -> ImageNeeds:
    container = candidate.container
    virtual = container.virtual_size_bytes
    return ImageNeeds(
        boot=rules.boot,
        file_size_bytes=container.size_bytes if candidate.is_final else None,
        virtual_size_bytes=virtual.value if isinstance(virtual, Known) else None,
    )


STAGES = (
    Stage("server", _read_server),
    Stage("inspect", _inspect),
    Stage("match", _match),
    Stage("check", _check),
    Stage("confirm", _confirm),
    Stage("publish", _publish),
    Stage("deploy", _deploy),
    Stage("watch", _watch),
)
