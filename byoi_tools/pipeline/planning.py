"""Makes a plan of what the stages before the deployment found and published; the deployment itself is not begun."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from byoi_tools import __version__
from byoi_tools.model.deployment.deed import Deed, fingerprint
from byoi_tools.model.deployment.order import InstallOrder
from byoi_tools.model.deployment.plan import (
    Judgement,
    Plan,
    PlannedFile,
    PlannedKey,
    PlannedObject,
    PlannedOrder,
    PlannedServer,
    PlannedUrl,
)
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.deployment.server import Server
from byoi_tools.model.finding import Report
from byoi_tools.model.publishing.published import ObjectAddress, PublishedImage
from byoi_tools.pipeline.deeds import deed_of
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.products import Products
from byoi_tools.pipeline.stages import PLANNING, run_line


@dataclass(frozen=True, slots=True)
class Sources:
    """What the user wrote where the job has values: files to be read again later, and the destination, if any."""

    ssh_key: Path | None
    user_data: Path | None
    destination: str = ""
    public_url: str | None = None


def make_plan(job: Job, sources: Sources, outside: Outside, valid_for: timedelta) -> tuple[Plan, Deed]:
    """Look, inspect, match, check and publish, and return what would be done then, for programs and for people.

    Raises as `run_line` does. Nothing is confirmed, nothing is sent to the server.
    """
    products = run_line(job, outside, PLANNING)
    deed, image = deed_of(job, products), _plan_object(job, sources, outside, products)
    report, now = products.get(Report), outside.clock.now()
    return write_down(products.get(Server), image, sources, report, deed, now, valid_for), deed


def write_down(
    server: Server,
    image: PlannedObject | PlannedUrl,
    sources: Sources,
    report: Report,
    deed: Deed,
    now: datetime,
    valid_for: timedelta,
) -> Plan:
    """The plan of a deed that was judged good: what programs read of it later."""
    return Plan(
        tool_version=__version__,
        made=now,
        valid_until=now + valid_for,
        server=_plan_server(server),
        erased=server.disk_groups,
        image=image,
        order=_plan_order(deed.order, sources, deed.header_names),
        judgement=Judgement(report.profile, report.boot, "passed", deed.concerns),
    )


def _plan_server(server: Server) -> PlannedServer:
    return PlannedServer(
        name=server.name,
        boot_modes=server.boot_modes,
        memory_bytes=server.memory_bytes,
        default_disk_group_id=server.default_disk_group_id,
        boot_type=server.boot_type,
        installed_system=server.installed_system,
    )


def _plan_object(job: Job, sources: Sources, outside: Outside, products: Products) -> PlannedObject:
    published = products.get(PublishedImage)
    is_object = isinstance(published.address, ObjectAddress)
    stored = outside.storage.head(published.address) if isinstance(published.address, ObjectAddress) else None
    return PlannedObject(
        destination=sources.destination,
        public_url=sources.public_url,
        address=str(published.address),
        image_type=published.image_type,
        size_bytes=published.size_bytes,
        virtual_size_bytes=products.get(PlannedDeployment).needs.virtual_size_bytes,
        digests={digest.algorithm: digest.hexadecimal for digest in published.digests},
        etag=stored.etag if stored else None,
        url_seconds=int(job.expires.total_seconds()) if is_object else None,
        verification=job.verification,
    )


def _plan_order(order: InstallOrder, sources: Sources, header_names: tuple[str, ...]) -> PlannedOrder:
    wishes = order.customizations
    key, data = wishes.ssh_key, wishes.user_data
    return PlannedOrder(
        api=order.api,
        product=order.product,
        efi_bootloader_path=order.loader_path,
        disk_group=order.disk_group_id,
        hostname=wishes.hostname,
        ssh_key=PlannedKey(_absolute(sources.ssh_key), fingerprint(key)) if key else None,
        user_data=None if data is None else _plan_file(sources.user_data, data),
        metadata=dict(wishes.metadata),
        http_header_names=header_names,
        description=order.description,
        partitioning=order.partitioning,
    )


def _plan_file(path: Path | None, content: bytes) -> PlannedFile:
    return PlannedFile(_absolute(path), len(content), hashlib.sha256(content).hexdigest())


def _absolute(path: Path | None) -> str:
    return str((path or Path()).absolute())
