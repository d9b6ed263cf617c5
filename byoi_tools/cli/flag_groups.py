"""Flags that several verbs take together, and what they mean as one value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from byoi_tools.cli import options
from byoi_tools.cli.old_api import loader_for, require_possible
from byoi_tools.cli.order import private_half, read_customizations, read_headers, read_partitioning
from byoi_tools.cli.rules import choose_product, threshold
from byoi_tools.cli.verdicts import REHEARSAL_SECONDS
from byoi_tools.model.boot import Product
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.deployment.fleet import Pace
from byoi_tools.model.deployment.order import Customizations, InstallApi, InstallOrder
from byoi_tools.model.image import Compression, Engine, SentType
from byoi_tools.model.publishing.published import Verification

if TYPE_CHECKING:
    from byoi_tools.pipeline.job import Job
    from byoi_tools.pipeline.making import Making
    from byoi_tools.pipeline.proving import ProofWish


@dataclass(frozen=True, slots=True)
class MakingFlags:
    """What is made of an image on the way to its destination."""

    image_type: options.ServedType = None
    compress: options.Compress = Compression.NONE
    engine: options.Conversion = Engine.AUTO
    no_verify: options.NoVerify = False
    digest: options.MoreDigests = None
    max_size: options.LargestSize = options.LARGEST_SIZE
    resume: options.Resume = True

    def making(self) -> Making:
        """Return it as the pipeline takes it; raises `UsageError`."""
        from byoi_tools.model.digest import with_usual
        from byoi_tools.model.sizes import parse_size
        from byoi_tools.pipeline.making import Making

        return Making(
            served_type=self.image_type,
            compression=self.compress,
            engine=self.engine,
            is_verified=not self.no_verify,
            resumes=self.resume,
            largest_bytes=parse_size(self.max_size),
            algorithms=with_usual(self.digest or ()),
        )


@dataclass(frozen=True, slots=True)
class JudgingFlags:
    """How the server boots, and what of the image is bad for it."""

    boot: options.ServerBoot = None
    efi_bootloader_path: options.LoaderPath = None
    profile: options.Profile = None
    fail_on: options.Fail = options.FailOn.ERROR
    waivers: options.Waivers = None


@dataclass(frozen=True, slots=True)
class ConfigDriveFlags:
    """What the config drive will hold."""

    hostname: options.Hostname = None
    ssh_key: options.SshKey = None
    user_data: options.UserData = None
    metadata: options.Metadata = None

    def customizations(self) -> Customizations:
        """Return the content; raises `UsageError` for a file that is not what it should be."""
        return read_customizations(self.hostname, self.ssh_key, self.user_data, self.metadata)


@dataclass(frozen=True, slots=True)
class RequestFlags:
    """What else the provider is asked for; `system` None follows the profile."""

    http_header: options.HttpHeaders = None
    disk_group: options.DiskGroup = None
    api: options.Api = InstallApi.REINSTALL
    description: options.Description = None
    system: options.System = None
    partitioning: options.PartitioningFile = None

    def order(
        self,
        server: str,
        product: Product,
        loader: str | None,
        wishes: Customizations,
        image_type: SentType | None = None,
    ) -> InstallOrder:
        """Return the order; raises `UsageError` for what the product or the API does not take."""
        require_possible(self.api, product, wishes, self.description, image_type)
        layout = read_partitioning(self.partitioning, product)
        loader = loader_for(self.api, loader)
        return InstallOrder(server, product, loader, wishes, self.disk_group, self.api, self.description, layout)


@dataclass(frozen=True, slots=True)
class ProofFlags:
    """How it is proven that the new system runs."""

    prove: options.Proving = None
    ssh_address: options.SshServerAddress = None
    ssh_user: options.SshUser = None
    ssh_private_key: options.PrivateKey = None
    prove_timeout: options.ProveTimeout = options.PROVE_TIMEOUT


@dataclass(frozen=True, slots=True)
class PaceFlags:
    """How fast many servers go."""

    canary: options.Canary = 0
    parallel: options.Parallel = 5
    max_failures: options.MaxFailures = 1

    def pace(self) -> Pace:
        """Return it as the rollout takes it."""
        return Pace(self.canary, self.parallel, self.max_failures)


@dataclass(frozen=True, slots=True)
class LineFlags:
    """All that the whole line is told beside the image, its destination and the servers."""

    public_url: options.PublicUrl = None
    judging: JudgingFlags = JudgingFlags()
    making: MakingFlags = MakingFlags()
    expires: options.Expires = "24h"
    verify: options.UrlVerification = Verification.RANGES
    drive: ConfigDriveFlags = ConfigDriveFlags()
    request: RequestFlags = RequestFlags()
    work_dir: options.WorkDirectory = None
    receipt: options.ReceiptFile = None
    rehearse: options.Rehearse = False

    def product(self) -> Product:
        """Return what installs the image; raises `UsageError` for what cannot be rehearsed."""
        return choose_product(self.request.system, self.judging.profile, is_rehearsed=self.rehearse)

    def job(self, image: Path, to: str, order: InstallOrder, proof: ProofWish | None = None) -> Job:
        """Return the job that ends with this order; raises `UsageError`."""
        from byoi_tools.pipeline.job import Job, RehearsalWish
        from byoi_tools.publishing.destination import parse_expiry
        from byoi_tools.publishing.public_directory import parse_any_destination

        return Job(
            image=image,
            server=order.server,
            destination=parse_any_destination(to, self.public_url),
            expires=parse_expiry(self.expires),
            boot=self.judging.boot,
            profile=self.judging.profile,
            fail_on=threshold(self.judging.fail_on),
            loader_path=order.loader_path,
            making=self.making.making(),
            customizations=order.customizations,
            http_headers=read_headers(self.request.http_header),
            disk_group_id=order.disk_group_id,
            work_directory=self.work_dir or image.absolute().parent,
            waivers_file=self.judging.waivers,
            verification=self.verify,
            rehearsal=RehearsalWish(REHEARSAL_SECONDS, private_half(self.drive.ssh_key)) if self.rehearse else None,
            api=order.api,
            description=order.description,
            product=order.product,
            partitioning=order.partitioning,
            proof=proof,
        )
