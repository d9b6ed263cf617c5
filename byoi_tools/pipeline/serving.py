"""Publishes what a server will be installed from, and remembers what was made of the user's image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.publishing.manifest import ManifestVerdict
from byoi_tools.model.publishing.published import FileAddress, ObjectAddress, PublishedImage
from byoi_tools.pipeline.job import Job, Outside
from byoi_tools.pipeline.making import Candidate
from byoi_tools.pipeline.publication import publish_candidate, require_usable
from byoi_tools.pipeline.receipt import DONE, STARTED, Values, stage_key
from byoi_tools.pipeline.upload_record import ReceiptUploads
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.publishing.digests import digest_file
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.placing import find_placed
from byoi_tools.publishing.public_directory import PublicDirectory
from byoi_tools.publishing.renewal import renew_publication
from byoi_tools.tools.image_file import open_image

STAGE = "publish"


def serve(
    job: Job,
    outside: Outside,
    candidate: Candidate,
    workspace: Workspace,
    accept: Callable[[int], None],
    verdict: ManifestVerdict | None,
) -> PublishedImage:
    """Publish the candidate, or what an earlier run made of the same file with the same options; remember it.

    Only conversions are looked up: without one, hashing the file tells for certain, and costs little. `accept` is told
    the size before anything appears, and may refuse. Raises what `publish_candidate` raises.
    """
    key = _key(job)
    earlier = None if candidate.is_final else outside.receipt.last_done(STAGE, key)
    renewed = _renew(job, outside, earlier) if earlier else None
    if renewed is not None:
        accept(renewed.size_bytes)
        return renewed
    handover = _handover_of(job, outside)
    require_usable(job.destination, handover)
    outside.receipt.record(outside.clock.now(), STAGE, key, STARTED)
    published = publish_candidate(
        candidate, job.making, job.destination, handover, workspace, accept=accept, verdict=verdict
    )
    outside.receipt.record(outside.clock.now(), STAGE, key, DONE, _remember(published))
    return published


def _handover_of(job: Job, outside: Outside) -> Handover:
    return Handover(
        outside.storage,
        job.expires,
        outside.clock,
        outside.observer,
        job.verification,
        job.http_headers,
        job.making.algorithms,
        ReceiptUploads(outside.receipt, outside.clock),
    )


def checksum_for(api: InstallApi, digests: tuple[Digest, ...]) -> Digest:
    """The digest that the provider is told to verify: SHA-512.

    SHA-256 for the API of the 2020 guides: its message of 2022 for a wrong type names sha1, sha256 and md5 alone.
    """
    return next(digest for digest in digests if digest.algorithm is _told_to(api))


def foreseen_checksum(job: Job, outside: Outside, candidate: Candidate) -> Digest | None:
    """The same before anything is published: of a file that is served as it is, or as an earlier run converted it.

    None where only publishing tells.
    """
    wanted = _told_to(job.api)
    if candidate.is_final:
        with open_image(candidate.source.path) as file:
            return digest_file(file, (wanted,), outside.observer)[0]
    digits = (outside.receipt.last_done(STAGE, _key(job)) or {}).get(wanted.value)
    return Digest(wanted, str(digits)) if digits else None


def _told_to(api: InstallApi) -> DigestAlgorithm:
    return DigestAlgorithm.SHA256 if api is InstallApi.BRING_YOUR_OWN_IMAGE else DigestAlgorithm.SHA512


def _key(job: Job) -> str:
    """What makes a converted object the same: the file's identity and the options, never its name."""
    status = job.image.stat()
    making = job.making
    return stage_key(
        device=status.st_dev,
        inode=status.st_ino,
        size=status.st_size,
        mtime=status.st_mtime_ns,
        image_type=making.served_type.value if making.served_type else "",
        compression=making.compression.value,
        engine=making.engine.value,
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
        digests = tuple(Digest(algorithm, str(earlier[algorithm.value])) for algorithm in job.making.algorithms)
        size_bytes = int(earlier["size_bytes"])
    except (KeyError, ValueError):
        return None
    clock, observer, verification = outside.clock, outside.observer, job.verification
    if isinstance(address, ObjectAddress):
        storage, headers = outside.storage, job.http_headers
        return renew_publication(
            address, image_type, size_bytes, digests, job.expires, storage, clock, observer, verification, headers
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
