"""What the user orders of the whole line, and the outside world that it works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.deed import Deed
from byoi_tools.model.deployment.order import Customizations, InstallApi
from byoi_tools.model.deployment.partitioning import Partitioning
from byoi_tools.model.finding import Severity
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import Verification
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.deployments import Deployments
from byoi_tools.pipeline.making import Making
from byoi_tools.pipeline.proving import ProofWish
from byoi_tools.pipeline.receipt import Receipt
from byoi_tools.publishing.public_directory import Destination
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.objects import ObjectStorage
from byoi_tools.tools.ovh.api import OvhApi


@dataclass(frozen=True, slots=True)
class RehearsalWish:
    """That a copy boots before anything is published, in so much time; `private_key` is the half for the SSH login."""

    timeout_seconds: float
    private_key: Path | None


@dataclass(frozen=True, slots=True)
class Job:
    """One image for one server. `boot` and `profile` None follow the server, `product` None the profile.

    `waivers_file` None takes the file beside the image. `making.is_verified` is about the conversion, `verification`
    about the URL.
    """

    image: Path
    server: str
    destination: Destination
    expires: timedelta
    boot: BootMode | None
    profile: str | None
    fail_on: Severity | None
    loader_path: str | None
    making: Making
    customizations: Customizations
    http_headers: tuple[tuple[str, Secret], ...]
    disk_group_id: int | None
    work_directory: Path
    waivers_file: Path | None = None
    verification: Verification = Verification.RANGES
    rehearsal: RehearsalWish | None = None
    api: InstallApi = InstallApi.REINSTALL
    description: str | None = None
    product: Product | None = None
    partitioning: Partitioning | None = None
    proof: ProofWish | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """The doors that the stages use, and whom they tell. `confirm` returns when the server may be erased, or raises.

    `receipt` keeps what was published, `deployments` what became of the server; both may lie in one file.
    `storage` is asked for nothing when the image goes into a directory.
    """

    api: OvhApi
    storage: ObjectStorage
    clock: Clock
    receipt: Receipt
    deployments: Deployments
    observer: Observer
    confirm: Callable[[Deed], None]
