"""Places an image, named by its content, in a directory that the user's own web server serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from byoi_tools import __version__
from byoi_tools.errors import StorageError
from byoi_tools.model.digest import USUAL_DIGESTS, Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType
from byoi_tools.model.location import WebAddress
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import Manifest, ManifestSource, ManifestVerdict
from byoi_tools.model.publishing.published import FileAddress, PublishedImage, Verification
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.digests import digest_file
from byoi_tools.publishing.manifest import NotAManifest, parse_manifest
from byoi_tools.publishing.object_names import name_object
from byoi_tools.publishing.ownership import new_run_id
from byoi_tools.publishing.public_directory import PublicDirectory
from byoi_tools.publishing.sidecars import MANIFEST_SUFFIX, contents_beside, sidecar_suffixes
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.publishing.url_trial import UrlTrial
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.http.ranges import RangeFailed
from byoi_tools.tools.image_file import open_image
from byoi_tools.tools.served_directory import ServedDirectory

_COPYING = "copying"
_LARGEST_MANIFEST_BYTES = 2**20
_NOT_SHOWN = (401, 403, 404, 410)


@dataclass(frozen=True, slots=True)
class Placement:
    """What is placed: a file, its type, and the name that the file's name begins with.

    `origin`, `conversion`, `verdict` and `tools` (versions of what made the file) go into the manifest.
    `is_scratch`: the file is this run's own and will not be written any more, so that it may get a second name instead
    of a copy. The user's own file never does: who writes into it later would change what was published.
    """

    path: Path
    image_type: ImageType
    name: str
    origin: ManifestSource
    is_scratch: bool = False
    conversion: Mapping[str, str | int] | None = None
    verdict: ManifestVerdict | None = None
    tools: Mapping[str, str] = field(default_factory=dict)


def place_image(
    placement: Placement,
    directory: PublicDirectory,
    clock: Clock,
    observer: Observer,
    verification: Verification = Verification.RANGES,
    headers: tuple[tuple[str, Secret], ...] = (),
    algorithms: tuple[DigestAlgorithm, ...] = USUAL_DIGESTS,
) -> PublishedImage:
    """Return where the image is and the URL that fetches it, for as long as the file is there.

    The file, its digests for `sha256sum -c`, and its manifest appear whole or not at all. Nothing is copied when a file
    with that name, size and SHA-256 is there. `headers` are what the provider will send with its request, `algorithms`
    the digests that it gets, SHA-256 among them. Raises
    `StorageError`, also when the web server does not show the file, and `IntegrityError` when the URL brings something
    else.
    """
    if WebAddress(directory.url_of("")).is_exposed:
        observer.warned(f"{directory.url} is not encrypted: the image can be read on its way to the provider")
    source = SourceFile.observe(placement.path)
    digests = _digests_of(placement.path, algorithms, observer)
    sha256 = next(digest for digest in digests if digest.algorithm is DigestAlgorithm.SHA256)
    name = name_object(placement.name, sha256, placement.image_type)
    address, url, served = directory.address_of(name), directory.url_of(name), ServedDirectory(directory.path)
    is_there = _is_placed(served, address, source.size_bytes, sha256, observer)
    if is_there:
        source.require_unchanged()
        observer.noted(f"{address} is already there, with this digest and size: nothing is copied")
    else:
        _place(source, name, served, observer, is_scratch=placement.is_scratch)
    if not _has_manifest(served, name, digests):
        manifest = _describe(placement, name, source.size_bytes, digests, clock.now())
        for suffix, content in contents_beside(manifest).items():
            served.write(name + suffix, content)
    elif is_there:
        served.touch(name + MANIFEST_SUFFIX)  # its age is that of the image for `objects gc`
    trial = UrlTrial(url, str(address), source.size_bytes, sha256, clock, observer, headers)
    _try(trial, directory, verification, source)
    return PublishedImage(
        address, placement.image_type, source.size_bytes, digests, url, None, is_there, sidecar_suffixes(digests)
    )


def find_placed(
    address: FileAddress,
    image_type: ImageType,
    size_bytes: int,
    digests: tuple[Digest, ...],
    directory: PublicDirectory,
    clock: Clock,
    observer: Observer,
    verification: Verification = Verification.RANGES,
    headers: tuple[tuple[str, Secret], ...] = (),
) -> PublishedImage | None:
    """Return what an earlier run placed there, or None when it is not there any more, or not as it was.

    The file is read for its SHA-256, and its URL is tried. Raises as `place_image` does.
    """
    sha256 = next(digest for digest in digests if digest.algorithm is DigestAlgorithm.SHA256)
    name = address.path.name
    served = ServedDirectory(directory.path)
    if address != directory.address_of(name) or not _is_placed(served, address, size_bytes, sha256, observer):
        return None
    url = directory.url_of(name)
    trial = UrlTrial(url, str(address), size_bytes, sha256, clock, observer, headers)
    _try(trial, directory, verification, SourceFile.observe(address.path))
    observer.noted(f"{address} is already there, from an earlier run: nothing is converted or copied")
    has_manifest = _has_manifest(served, name, digests)
    if has_manifest:
        served.touch(name + MANIFEST_SUFFIX)
    sidecars = sidecar_suffixes(digests) if has_manifest else ()
    return PublishedImage(address, image_type, size_bytes, digests, url, None, True, sidecars)


def _is_placed(
    served: ServedDirectory, address: FileAddress, size_bytes: int, sha256: Digest, observer: Observer
) -> bool:
    if served.size_of(address.path.name) != size_bytes:
        return False
    return sha256 in _digests_of(address.path, (DigestAlgorithm.SHA256,), observer)


def _digests_of(path: Path, algorithms: tuple[DigestAlgorithm, ...], observer: Observer) -> tuple[Digest, ...]:
    with open_image(path) as file:
        return digest_file(file, algorithms, observer)


def _place(source: SourceFile, name: str, served: ServedDirectory, observer: Observer, *, is_scratch: bool) -> None:
    source.require_unchanged()
    if is_scratch and served.adopt(source.path, name):
        return
    observer.work_started(_COPYING, source.size_bytes)
    served.copy(
        source.path, name, lambda done_bytes: observer.work_advanced(_COPYING, done_bytes), source.require_unchanged
    )
    observer.work_finished(_COPYING)


def _has_manifest(served: ServedDirectory, name: str, digests: tuple[Digest, ...]) -> bool:
    content = served.read(name + MANIFEST_SUFFIX, _LARGEST_MANIFEST_BYTES)
    try:
        return content is not None and set(digests) <= set(parse_manifest(content).digests)
    except NotAManifest:
        return False


def _describe(placement: Placement, name: str, size_bytes: int, digests: tuple[Digest, ...], now: datetime) -> Manifest:
    return Manifest(
        object_name=name,
        image_type=placement.image_type,
        size_bytes=size_bytes,
        digests=digests,
        run_id=new_run_id(),
        created=now,
        source=placement.origin,
        tools={"byoi-tools": __version__, **placement.tools},
        conversion=placement.conversion,
        verdict=placement.verdict,
    )


def _try(trial: UrlTrial, directory: PublicDirectory, verification: Verification, source: SourceFile) -> None:
    try:
        trial.run(verification, source)
    except RangeFailed as failed:
        if failed.status not in _NOT_SHOWN:
            raise
        raise StorageError(
            f"the web server does not show {trial.place} at {trial.url.reveal()}",
            details=failed.details,
            remedy=f"Let it show the files of {directory.path} at {directory.url}, to anybody or to who sends the "
            "--http-header of the deployment; or correct --public-url.",
        ) from failed
