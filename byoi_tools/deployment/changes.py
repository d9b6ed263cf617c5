"""What is not as it was when a deployment was planned: refused before anything is sent, whatever it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from byoi_tools.errors import DeploymentRefused
from byoi_tools.model.boot import BootMode
from byoi_tools.model.deployment.deed import fingerprint
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.deployment.plan import Plan, PlannedObject, PlannedOrder, PlannedUrl
from byoi_tools.model.deployment.server import Server, list_disks
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.sizes import exact_size
from byoi_tools.tools.object_store.objects import StoredObject

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Change:
    """What changed, and how it was and is, in words."""

    what: str
    was: str
    now: str


def server_changes(plan: Plan, server: Server) -> tuple[Change, ...]:
    """Compare every fact of the server that the plan tells; one that can no longer be read counts as changed."""
    planned = plan.server
    group, now_group = planned.default_disk_group_id, server.default_disk_group_id
    changes = (
        _compare("boot mode", planned.boot_modes, server.boot_modes, _list_modes),
        _compare("memory", planned.memory_bytes, server.memory_bytes, exact_size),
        _compare("boots from", planned.boot_type, server.boot_type, str),
        _compare("installed system", planned.installed_system, server.installed_system, str),
        _compare("disks", plan.erased, server.disk_groups, list_disks),
        _compare("default disk group", Known(group), Known(now_group), str),
    )
    return tuple(change for change in changes if change is not None)


def object_changes(planned: PlannedObject, stored: StoredObject | None) -> tuple[Change, ...]:
    """Compare what the store says of the object at once; its content is compared where its URL is made."""
    if stored is None:
        return (Change(planned.address, exact_size(planned.size_bytes), "not there"),)
    changes = []
    if stored.size_bytes != planned.size_bytes:
        changes.append(Change("size of the object", exact_size(planned.size_bytes), exact_size(stored.size_bytes)))
    if stored.etag != planned.etag:
        changes.append(Change("ETag of the object", planned.etag or "none", stored.etag or "none"))
    return tuple(changes)


def url_changes(planned: PlannedUrl, size_bytes: int, version: str, samples_sha256: str) -> tuple[Change, ...]:
    """Compare what is at a URL now: its size, its ETag (else Last-Modified), and samples of its bytes."""
    where, size = planned.address, exact_size(size_bytes)
    changes = (
        Change(f"size of {where}", exact_size(planned.size_bytes), size),
        Change(f"ETag or date of {where}", planned.version or "none", version or "none"),
        Change(f"samples of {where}", f"sha256:{planned.samples_sha256}", f"sha256:{samples_sha256}"),
    )
    return tuple(change for change in changes if change.was != change.now)


def content_change(planned: PlannedObject) -> Change:
    """That the object is no longer described as the content that was planned."""
    return Change(f"content of {planned.address}", str(planned.sha256), "not told to be that any more")


def payload_changes(order: PlannedOrder, now: Customizations) -> tuple[Change, ...]:
    """Compare the files that were read again with those that were planned."""
    changes = []
    if order.ssh_key and now.ssh_key and fingerprint(now.ssh_key) != order.ssh_key.fingerprint:
        changes.append(Change("SSH key", order.ssh_key.fingerprint, fingerprint(now.ssh_key)))
    if order.user_data:
        digest = hashlib.sha256(now.user_data or b"").hexdigest()
        if digest != order.user_data.sha256:
            changes.append(Change("user data", f"sha256:{order.user_data.sha256}", f"sha256:{digest}"))
    return tuple(changes)


def refusal_of(server: str, changes: tuple[Change, ...]) -> DeploymentRefused:
    """The error that tells of each change what was and what is."""
    return DeploymentRefused(
        f"nothing was sent to {server}: it is not as it was planned",
        details="\n".join(f"{change.what}: was {change.was}, is {change.now}" for change in changes),
        remedy="Make a new plan with `byoi-tools plan`, and have it approved.",
    )


def _compare(what: str, was: Fact[Value], now: Fact[Value], words: Callable[[Value], str]) -> Change | None:
    if was == now or (isinstance(was, NotExamined) and isinstance(now, NotExamined)):
        return None
    return Change(what, *(words(fact.value) if isinstance(fact, Known) else "not known" for fact in (was, now)))


def _list_modes(modes: frozenset[BootMode]) -> str:
    return ", ".join(sorted(mode.value for mode in modes))
