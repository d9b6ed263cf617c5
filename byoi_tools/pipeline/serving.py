"""Makes the bytes that the provider will fetch: the image as it is, or converted, and publishes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from byoi_tools.conversion.convert import convert_image
from byoi_tools.errors import ImageError
from byoi_tools.inspection.inspect import inspect_image
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.facts import Facts
from byoi_tools.model.image import Compression, Container, ImageFormat, ImageType
from byoi_tools.model.manifest import ManifestSource
from byoi_tools.model.observer import Observer
from byoi_tools.model.published import FileAddress, ObjectAddress, PublishedImage, Verification
from byoi_tools.model.secret import Secret
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.receipt import DONE, STARTED, Values, stage_key
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.placing import Placement, find_placed, place_image
from byoi_tools.publishing.public_directory import Destination, PublicDirectory
from byoi_tools.publishing.publish import publish_image
from byoi_tools.publishing.renewal import renew_publication
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_storage import ObjectStorage

STAGE = "publish"
DIGESTS = (DigestAlgorithm.SHA256, DigestAlgorithm.SHA512)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The file that is checked: the user's own, or the converted one where only qemu-img reads the user's format."""

    path: Path
    facts: Facts


@dataclass(frozen=True, slots=True)
class Served:
    """The file that will be published, and what it will be declared as."""

    path: Path
    image_type: ImageType


def find_candidate(job: Job, outside: Outside, workspace: Workspace) -> Candidate:
    """Inspect the image, after a conversion where its format is none that we, or the provider, read.

    A format that cannot be converted either is inspected as it is: the check will say what it is.
    """
    facts = inspect_image(job.image)
    if facts.container.format.image_type is not None or facts.container.format.qemu_name is None:
        return Candidate(job.image, facts)
    path = _convert(job, outside, workspace, job.image, facts)
    return Candidate(path, inspect_image(path))


def served_type_of(job: Job, facts: Facts) -> ImageType:
    """The type that will be published: what the job asks for, else the image's own, else qcow2."""
    return job.served_type or facts.container.format.image_type or ImageType.QCOW2


def needs_conversion(job: Job, candidate: Candidate) -> bool:
    """Whether the candidate is not yet what will be published."""
    if candidate.path != job.image:
        return False
    is_other_type = served_type_of(job, candidate.facts) is not candidate.facts.container.format.image_type
    return is_other_type or job.compression is not Compression.NONE


def find_earlier_publication(job: Job, outside: Outside, candidate: Candidate) -> PublishedImage | None:
    """The object that an earlier run made of the same file with the same options, with a fresh URL; None without one.

    Only conversions are remembered: without one, hashing the file tells for certain, and costs little.
    """
    earlier = outside.receipt.last_done(STAGE, _key(job)) if needs_conversion(job, candidate) else None
    return _renew(job, outside, earlier) if earlier else None


def make_served(job: Job, outside: Outside, workspace: Workspace, candidate: Candidate) -> Served:
    """The candidate as it is, or converted in the workspace."""
    image_type = served_type_of(job, candidate.facts)
    if not needs_conversion(job, candidate):
        return Served(candidate.path, image_type)
    if job.compression is Compression.ZSTD:
        outside.observer.warned("zstd clusters need qemu-img 5.1 or later at the provider; zlib is read everywhere")
    return Served(_convert(job, outside, workspace, candidate.path, candidate.facts), image_type)


def publish_served(job: Job, outside: Outside, served: Served) -> PublishedImage:
    """Publish the file, and remember what was made of the user's."""
    key = _key(job)
    outside.receipt.record(outside.clock.now(), STAGE, key, STARTED)
    published = publish_file(
        served.path,
        served.image_type,
        job.image.name,
        job.destination,
        job.expires,
        outside.storage,
        outside.clock,
        outside.observer,
        job.verification,
        job.http_headers,
        is_scratch=served.path != job.image,
    )
    outside.receipt.record(outside.clock.now(), STAGE, key, DONE, _remember(published))
    return published


def publish_file(
    path: Path,
    image_type: ImageType,
    name: str,
    destination: Destination,
    expires: timedelta,
    storage: ObjectStorage,
    clock: Clock,
    observer: Observer,
    verification: Verification = Verification.RANGES,
    headers: tuple[tuple[str, Secret], ...] = (),
    *,
    is_scratch: bool = False,
) -> PublishedImage:
    """Publish a file as it is; wrong credentials and a missing bucket are found before it is read."""
    origin = ManifestSource(name, ImageFormat(image_type.value))
    placement = Placement(path, image_type, name, origin, is_scratch=is_scratch)
    if isinstance(destination, PublicDirectory):
        return place_image(placement, destination, clock, observer, verification, headers)
    return publish_image(placement, destination, Handover(storage, expires, clock, observer, verification, headers))


def require_servable(container: Container) -> ImageType:
    """Return the type of a file that the provider takes as it is; raises `ImageError` for every other format."""
    image_type = container.format.image_type
    if image_type is None:
        raise ImageError(
            f"{container.path} is in {container.format.value} format, which the provider does not take",
            remedy="Make a qcow2 of it first: byoi-tools convert IMAGE OUTPUT.qcow2 --to qcow2.",
        )
    return image_type


def strongest_digest(published: PublishedImage) -> Digest:
    """The digest that the provider is told to verify: SHA-512."""
    return next(digest for digest in published.digests if digest.algorithm is DigestAlgorithm.SHA512)


def _key(job: Job) -> str:
    """What makes a converted object the same: the file's identity and the options, never its name."""
    status = job.image.stat()
    return stage_key(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        mtime=status.st_mtime_ns,
        image_type=job.served_type.value if job.served_type else "",
        compression=job.compression.value,
        engine=job.engine.value,
        destination=str(job.destination.address_of("")),
    )


def _remember(published: PublishedImage) -> dict[str, str | int]:
    return {
        **_remember_place(published.address),
        "image_type": published.image_type.value,
        "size_bytes": published.size_bytes,
        **{digest.algorithm.value: digest.hexadecimal for digest in published.digests},
    }


def _remember_place(address: ObjectAddress | FileAddress) -> dict[str, str | int]:
    if isinstance(address, FileAddress):
        return {"file": str(address.path)}
    return {"bucket": address.bucket, "object": address.key}


def _renew(job: Job, outside: Outside, earlier: Values) -> PublishedImage | None:
    """A receipt is a file that anybody may have edited: what does not read well is as if it was not there."""
    try:
        address = _place_of(earlier)
        image_type = ImageType(earlier["image_type"])
        digests = tuple(Digest(algorithm, str(earlier[algorithm.value])) for algorithm in DIGESTS)
        size_bytes = int(earlier["size_bytes"])
    except (KeyError, ValueError):
        return None
    clock, observer, verification = outside.clock, outside.observer, job.verification
    if isinstance(address, ObjectAddress):
        storage = outside.storage
        return renew_publication(
            address, image_type, size_bytes, digests, job.expires, storage, clock, observer, verification
        )
    if not isinstance(job.destination, PublicDirectory):
        return None
    return find_placed(
        address, image_type, size_bytes, digests, job.destination, clock, observer, verification, job.http_headers
    )


def _place_of(earlier: Values) -> ObjectAddress | FileAddress:
    if "file" in earlier:
        return FileAddress(Path(str(earlier["file"])))
    return ObjectAddress(str(earlier["bucket"]), str(earlier["object"]))


def _convert(job: Job, outside: Outside, workspace: Workspace, source: Path, facts: Facts) -> Path:
    """Convert to what will be served, in the workspace."""
    served_type = served_type_of(job, facts)
    output = workspace.directory() / f"{job.image.stem}.{served_type.value}"
    convert_image(
        source,
        output,
        served_type,
        job.compression,
        outside.observer,
        engine=job.engine,
        is_verified=job.is_verified,
    )
    return output
