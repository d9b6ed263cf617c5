"""Publishes a candidate: as it is, or converted, on its way into a store where our own writer makes it."""

from __future__ import annotations

from collections.abc import Callable

from byoi_tools.conversion.by_writer import is_written_by_us
from byoi_tools.conversion.convert import convert_image
from byoi_tools.model.image import Compression
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestVerdict
from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.pipeline.making import Candidate, Making
from byoi_tools.pipeline.streaming import Streaming, publish_converted
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.publishing.destination import ObjectPrefix, require_valid_expiry
from byoi_tools.publishing.handover import Handover
from byoi_tools.publishing.placing import Placement, place_image
from byoi_tools.publishing.public_directory import Destination
from byoi_tools.publishing.publish import publish_image


def require_usable(destination: Destination, handover: Handover) -> None:
    """Raise `UsageError` or `StorageError` when nothing can be published there: before anything takes long."""
    if isinstance(destination, ObjectPrefix):
        require_valid_expiry(handover.expires)
        handover.storage.check_access(destination.bucket)


def publish_candidate(
    candidate: Candidate,
    making: Making,
    destination: Destination,
    handover: Handover,
    workspace: Workspace,
    *,
    accept: Callable[[int], None] = lambda size_bytes: None,
    verdict: ManifestVerdict | None = None,
) -> PublishedImage:
    """Publish what the candidate is, or becomes; `accept` is told the size before anything appears, and may refuse.

    Raises what `publish_converted`, `convert_image`, `publish_image` and `place_image` raise.
    """
    if not candidate.is_final and making.compression is Compression.ZSTD:
        handover.observer.warned("zstd clusters need qemu-img 5.1 or later at the provider; zlib is read everywhere")
    is_ours = is_written_by_us(candidate.container, candidate.image_type, making.engine)
    if not candidate.is_final and is_ours and isinstance(destination, ObjectPrefix):
        streaming = Streaming(
            candidate.source,
            candidate.container,
            candidate.name,
            candidate.origin,
            making.compression,
            workspace.directory(),
            is_verified=making.is_verified,
            resumes=making.resumes,
            accept=accept,
            verdict=verdict,
            tools=candidate.tools,
        )
        return publish_converted(streaming, destination, handover)
    placement = _make_final(candidate, making, handover.observer, workspace, verdict)
    accept(placement.path.stat().st_size)
    if isinstance(destination, ObjectPrefix):
        return publish_image(placement, destination, handover, resumes=making.resumes)
    return place_image(
        placement,
        destination,
        handover.clock,
        handover.observer,
        handover.verification,
        handover.headers,
        handover.algorithms,
    )


def _make_final(
    candidate: Candidate, making: Making, observer: Observer, workspace: Workspace, verdict: ManifestVerdict | None
) -> Placement:
    """The file that will be served: the candidate, or what it is converted to in the workspace."""
    path, conversion, tools = candidate.source.path, candidate.conversion, candidate.tools
    candidate.source.require_unchanged()
    if not candidate.is_final:
        path = workspace.directory() / f"converted.{candidate.image_type.value}"
        converted = convert_image(
            candidate.source.path,
            path,
            candidate.image_type,
            making.compression,
            observer,
            engine=making.engine,
            is_verified=making.is_verified,
        )
        candidate.source.require_unchanged()
        tools = {**tools, **converted.tools}
        conversion = {"engine": making.engine.value, "compression": making.compression.value}
    return Placement(
        path,
        candidate.image_type,
        candidate.name,
        candidate.origin,
        is_scratch=candidate.is_scratch or not candidate.is_final,
        conversion=conversion,
        verdict=verdict,
        tools=tools,
    )
