"""One image for a fleet: looked at once, matched and checked for every server, published once, rolled out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from byoi_tools.errors import OutcomeUnknown
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.fleet import Ending, FleetWork, Pace
from byoi_tools.model.deployment.order import ImageSource, InstallOrder, Reinstallation
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.digest import Digest
from byoi_tools.model.facts import Facts
from byoi_tools.model.finding import Report
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestVerdict
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.checking import Rules
from byoi_tools.pipeline.deployments import order_key
from byoi_tools.pipeline.fleet.line import endings_of_done, endings_of_unknown, sort_out
from byoi_tools.pipeline.fleet.rollout import FleetOutside, find_done, look_at_all, roll_out, set_aside
from byoi_tools.pipeline.installing import resume
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.making import Candidate, make_candidate
from byoi_tools.pipeline.products import Products
from byoi_tools.pipeline.proving import ProofWish, with_addresses
from byoi_tools.pipeline.rehearsing import default_users
from byoi_tools.pipeline.serving import checksum_for, foreseen_checksum, serve
from byoi_tools.pipeline.stages import STAGES, BadVerdict, order_of, refuse_size
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.proof.attempts import USERS

_FOR_EACH_SERVER = [stage for stage in STAGES if stage.name in ("server", "inspect", "match", "check")]
_REHEARSE = next(stage for stage in STAGES if stage.name == "rehearse")


@dataclass(frozen=True, slots=True)
class FleetProducts:
    """How each server ended, and what they were installed from; None where all were done before."""

    endings: tuple[Ending, ...]
    report: Report | None = None
    published: PublishedImage | None = None


def publish_and_deploy_fleet(
    jobs: Sequence[Job],
    outside: Outside,
    fleet: FleetOutside,
    pace: Pace,
    confirm: Callable[[FleetWork], None],
    *,
    is_again: bool = False,
) -> FleetProducts:
    """Run the line for many servers; the jobs differ in what a server is wished alone.

    Raises `DeploymentRefused` with everything that speaks against any server, `BadVerdict` for the first one that the
    image is bad for, `BadRehearsal`, and what `confirm` and publishing raise. Nothing is uploaded before that.
    """
    with Workspace(jobs[0].work_directory) as workspace:
        return _FleetLine(jobs, outside, fleet, workspace).run(pace, confirm, is_again=is_again)


class _FleetLine:
    """One run: the image as it was looked at once, and what was found of each server."""

    def __init__(self, jobs: Sequence[Job], outside: Outside, fleet: FleetOutside, workspace: Workspace) -> None:
        self.jobs = {job.server: job for job in jobs}
        self.of_all = jobs[0]
        self.outside = outside
        self.workspace = workspace
        self.candidate = make_candidate(self.of_all.image, self.of_all.making, workspace, outside.observer)
        self.facts: Facts = inspect_image(self.candidate.source.path)
        self.fleet = replace(fleet, proofs=_with_users(fleet.proofs, default_users(self.facts)))
        self.orders = {job.server: order_of(job, job.product or Product.BYOI, self.facts) for job in jobs}
        self.samples: dict[BootMode, Products] = {}
        self.lock = threading.Lock()
        self._foreseen: tuple[Digest | None] | None = None

    def run(self, pace: Pace, confirm: Callable[[FleetWork], None], *, is_again: bool) -> FleetProducts:
        servers = tuple(self.jobs)
        done = self._find_done()
        if is_again:
            self.fleet = set_aside(self.fleet, [server for server in servers if server not in done])
        found = look_at_all(self.fleet, [server for server in servers if server not in done], pace.parallel, self._look)
        unknown = {server: each for server, each in found.items() if isinstance(each, OutcomeUnknown)}
        fits = {server: each for server, each in found.items() if isinstance(each, Products)}
        begun = frozenset(found) - unknown.keys() - fits.keys()
        self._refuse_bad(found)
        seen = [each.get(PlannedDeployment).server for each in fits.values()]
        self.fleet = replace(self.fleet, proofs=with_addresses(self.fleet.proofs, seen))
        for products in self.samples.values():
            _REHEARSE.run(self.jobs[products.get(InstallOrder).server], self.outside, products)
        confirm(sort_out(servers, frozenset(begun), done, frozenset(unknown)))
        published = self._publish(fits) if fits or begun else None
        ordered = self._reinstallations(published)
        if published is not None:
            done |= find_done(self.fleet, {each.order.server: order_key(each) for each in ordered})
        keys = {each.order.server: order_key(each) for each in ordered}
        known = {**endings_of_done(self.fleet, done), **endings_of_unknown(self.fleet, unknown, keys)}
        endings = roll_out(self.fleet, ordered, pace, known, frozenset(begun))
        sample = next(iter(self.samples.values()), None)
        return FleetProducts(endings, sample.get(Report) if sample else None, published)

    def _find_done(self) -> frozenset[str]:
        """The servers that are done for this order, as far as the digest is known before anything is published."""
        checksum = self._checksum() if self.fleet.receipt.has_any_done else None
        if checksum is None:
            return frozenset()
        keys = {server: order_key(self._foresee(server, checksum)) for server in self.jobs}
        return find_done(self.fleet, keys)

    def _checksum(self) -> Digest | None:
        """The digest that the provider will be told, computed when it is wanted for the first time."""
        with self.lock:
            if self._foreseen is None:
                self._foreseen = (foreseen_checksum(self.of_all, self.outside, self.candidate),)
            return self._foreseen[0]

    def _foresee(self, server: str, checksum: Digest) -> Reinstallation:
        """What will be asked for, without the URL, which tells orders apart in nothing."""
        image = ImageSource(Secret(""), self.candidate.image_type, checksum, self.of_all.http_headers)
        return Reinstallation(self.orders[server], image)

    def _look(self, server: str, observer: Observer) -> Products | BadVerdict | None:
        """Return what the stages found of a server, None where an earlier run has begun this order already."""
        job = self.jobs[server]
        with self.fleet.deployments_of(server) as deployments:
            checksum = self._checksum() if deployments.unfinished is not None else None
            if checksum is not None:
                expected = self._foresee(server, checksum)
                if resume(self.fleet.api, expected, deployments, self.fleet.clock, Observer()) is not None:
                    return None
            products = Products()
            for product in (self.workspace, self.candidate, self.facts):
                products.put(product)
            doors = replace(self.outside, api=self.fleet.api, deployments=deployments, observer=observer)
            try:
                for stage in _FOR_EACH_SERVER:
                    stage.run(job, doors, products)
            except BadVerdict as bad:
                return bad
        with self.lock:
            self.samples.setdefault(products.get(Rules).boot, products)
        return _without_report(products)

    def _refuse_bad(self, found: Mapping[str, Products | BadVerdict | OutcomeUnknown | None]) -> None:
        bad = {server: each for server, each in found.items() if isinstance(each, BadVerdict)}
        if bad:
            self.fleet.observer.warned(f"the image is bad for {', '.join(bad)}; this is the report for the first")
            raise next(iter(bad.values()))

    def _publish(self, fits: Mapping[str, Products]) -> PublishedImage:
        def accept(size_bytes: int) -> None:
            for server, products in fits.items():
                refuse_size(self.jobs[server], self.outside, products, size_bytes)

        sample = next(iter(self.samples.values()), None)
        verdict = None
        if sample is not None:
            rules = sample.get(Rules)
            verdict = ManifestVerdict(rules.profile.name, rules.boot, sample.get(Report).has_passed)
        return serve(self.of_all, self.outside, self.candidate, self.workspace, accept, verdict)

    def _reinstallations(self, published: PublishedImage | None) -> tuple[Reinstallation, ...]:
        if published is None:
            checksum = self._checksum()
            image = ImageSource(Secret(""), self.candidate.image_type, checksum, self.of_all.http_headers)
        else:
            checksum = checksum_for(self.of_all.api, published.digests)
            image = ImageSource(published.url, published.image_type, checksum, self.of_all.http_headers)
        return tuple(Reinstallation(order, image) for order in self.orders.values())


def _with_users(proofs: Mapping[str, ProofWish], users: tuple[str, ...]) -> dict[str, ProofWish]:
    """The users of the image are tried first, where nobody named one."""
    return {server: wish if wish.users else replace(wish, users=(*users, *USERS)) for server, wish in proofs.items()}


def _without_report(products: Products) -> Products:
    """What the size of a converted file is judged by; a thousand whole reports would fill the memory."""
    kept = Products()
    for kind in (InstallOrder, PlannedDeployment, Rules, Candidate, Facts):
        kept.put(products.get(kind))
    return kept
