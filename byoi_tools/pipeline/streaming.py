"""Converts an image and sends it at the same time: parts go up while later clusters are still compressed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from byoi_tools.conversion.by_writer import OwnConversion, open_conversion
from byoi_tools.conversion.convert import judge_source
from byoi_tools.errors import DeploymentRefused, IntegrityError, StorageError
from byoi_tools.model.digest import Digest
from byoi_tools.model.image import Compression, Container, ImageType
from byoi_tools.model.publishing.manifest import ManifestSource, ManifestVerdict
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.publishing.background_digest import BackgroundDigest
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.growing import GrowingObject
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.placing import Placement
from byoi_tools.publishing.source_file import SourceFile
from byoi_tools.publishing.upload import Upload


@dataclass(frozen=True, slots=True)
class Streaming:
    """What is converted by our own writer on its way into a store.

    `source` is the image as it was when it was inspected, `name` what the object's name begins with, `origin` what the
    manifest says of the user's image, `tools` the versions of what made `source` of it. `accept` is told the size of
    the output before anything is made of the parts that were sent, and may raise `DeploymentRefused`.
    """

    source: SourceFile
    container: Container
    name: str
    origin: ManifestSource
    compression: Compression
    directory: Path
    is_verified: bool = True
    resumes: bool = True
    accept: Callable[[int], None] = lambda size_bytes: None
    verdict: ManifestVerdict | None = None
    tools: Mapping[str, str] = field(default_factory=dict)


def publish_converted(job: Streaming, destination: ObjectPrefix, handover: Handover) -> PublishedImage:
    """Return the object that holds the image as a qcow2, from an earlier run or from this one.

    A first reading of the source tells its content, which names the object. What was written is read back and compared
    with that before the object is made of its parts, the first of which is sent only then. When the image was changed
    meanwhile, the comparison fails or the size is not accepted, nothing is left in the store; on all other failures,
    and on Ctrl-C, the parts are kept for the next run. Raises `ImageError`, `NoSpace`, `StorageError`,
    `IntegrityError`, and what `accept` raises.
    """
    judge_source(job.source.path, job.container)
    with open_conversion(job.source.path, job.container, job.compression, handover.observer) as conversion:
        conversion.require_space(job.directory)
        output = job.directory / "converted.qcow2"
        growing = GrowingObject.look(_describe(job, conversion, output), conversion.identity, destination, handover)
        job.source.require_unchanged()
        earlier = growing.reuse() or _adopt(job, conversion, growing)
        if earlier is not None:
            job.accept(earlier.size_bytes)
            return earlier
        with growing.upload(conversion.most_bytes, resumes=job.resumes) as upload:
            with _abandoned_if_wrong(upload, job.source):
                conversion.write(output, upload.make_available)
                size_bytes = output.stat().st_size
                job.accept(size_bytes)
                upload.make_all_available(size_bytes)
                digests = _verify(job, conversion, growing, lambda: upload.finish(size_bytes))
            return growing.complete(upload, size_bytes, digests)


def _adopt(job: Streaming, conversion: OwnConversion, growing: GrowingObject) -> PublishedImage | None:
    """What a run that was killed in its last moments has left: converting again tells what it is."""
    if not growing.was_stored:
        return None
    output = growing.placement.path
    conversion.write(output)
    adopted = growing.adopt(conversion.most_bytes, _verify(job, conversion, growing, lambda: None))
    output.unlink()
    return adopted


def _verify(
    job: Streaming, conversion: OwnConversion, growing: GrowingObject, finish: Callable[[], None]
) -> tuple[Digest, ...]:
    """Compare what was written with the source, then `finish`, and return the digests; neither waits for the other."""
    output = growing.placement.path
    with BackgroundDigest(output, growing.algorithms) as digests:
        if job.is_verified:
            conversion.verify(output)
        finish()
        job.source.require_unchanged()
        return digests.result()


@contextmanager
def _abandoned_if_wrong(upload: Upload, source: SourceFile) -> Iterator[None]:
    """Keep no parts of what nobody will want; a source that was changed explains whatever else went wrong."""
    try:
        yield
    except Exception as error:
        is_wrong = isinstance(error, IntegrityError | DeploymentRefused)
        try:
            source.require_unchanged()
        except StorageError:
            is_wrong = True
            raise
        finally:
            if is_wrong:
                upload.abandon()
        raise


def _describe(job: Streaming, conversion: OwnConversion, output: Path) -> Placement:
    return Placement(
        path=output,
        image_type=ImageType.QCOW2,
        name=job.name,
        origin=replace(job.origin, content=conversion.content.digest),
        is_scratch=True,
        conversion=conversion.options,
        verdict=job.verdict,
        tools={**job.tools, **conversion.tools},
    )
