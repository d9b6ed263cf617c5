"""Decides what of an image will be served, and makes of foreign and packed images what our own readers read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from byoi_tools.conversion.convert import convert_image
from byoi_tools.conversion.unpack import unpack_image
from byoi_tools.formats.containers.detection import is_ambiguous
from byoi_tools.inspection.container import inspect_container
from byoi_tools.model.digest import USUAL_DIGESTS, DigestAlgorithm
from byoi_tools.model.fact import Known
from byoi_tools.model.image import Compression, Container, Engine, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestSource
from byoi_tools.pipeline.workspace import Workspace
from byoi_tools.publishing.source_file import SourceFile


@dataclass(frozen=True, slots=True)
class Making:
    """What the user wants served, and how it is made.

    `served_type` None keeps the image's own where the provider takes it, and is qcow2 where it is compressed.
    `largest_bytes` caps what is unpacked. `resumes`: parts that an interrupted run has sent are used. `algorithms` are
    the digests that what is served gets.
    """

    served_type: ImageType | None = None
    compression: Compression = Compression.NONE
    engine: Engine = Engine.AUTO
    is_verified: bool = True
    resumes: bool = True
    largest_bytes: int = 1 << 40
    algorithms: tuple[DigestAlgorithm, ...] = USUAL_DIGESTS


@dataclass(frozen=True, slots=True)
class Candidate:
    """The file that is checked: the user's own, or what was made of it where only others read the user's format.

    `image_type` is what will be served. `is_final`: it is what will be served; else it is converted on its way.
    `is_scratch`: it is in the workspace. `name` is what the object's name begins with, `origin` the user's own image,
    `tools` the versions of what made something of it.
    """

    source: SourceFile
    container: Container
    image_type: ImageType
    name: str
    origin: ManifestSource
    is_final: bool
    is_scratch: bool = False
    conversion: dict[str, str | int] | None = None
    tools: Mapping[str, str] = field(default_factory=dict)


def make_candidate(image: Path, making: Making, workspace: Workspace, observer: Observer) -> Candidate:
    """Look at the image; what is packed is unpacked, and what only qemu-img reads is converted, in the workspace.

    A format that nobody reads is taken as it is: the check will say what it is, and publishing refuses it. Raises what
    inspecting, unpacking and converting raise.
    """
    source = SourceFile.observe(image)
    container = inspect_container(image)
    name = image.name
    if container.format.is_unpacked and not is_ambiguous(container.matches):
        unpacked = unpack_image(image, workspace.directory(), making.largest_bytes, observer)
        source, name = SourceFile.observe(unpacked.path), image.stem
        container = inspect_container(unpacked.path)
    image_type = _served_type(making, container)
    origin = ManifestSource(image.name, container.format, _virtual_size(container))
    if container.format.image_type is None and container.format.qemu_name is not None:
        return _convert_foreign(source, image_type, name, origin, making, workspace, observer)
    is_other_type = image_type is not container.format.image_type
    is_final = not is_other_type and making.compression is Compression.NONE
    return Candidate(source, container, image_type, name, origin, is_final, is_scratch=source.path != image)


def _convert_foreign(
    source: SourceFile,
    image_type: ImageType,
    name: str,
    origin: ManifestSource,
    making: Making,
    workspace: Workspace,
    observer: Observer,
) -> Candidate:
    """Our own writer compresses faster: qemu-img is left to read, unless it shall do all."""
    compression = making.compression if making.engine is Engine.QEMU_IMG else Compression.NONE
    output = workspace.directory() / f"readable.{image_type.value}"
    converted = convert_image(
        source.path,
        output,
        image_type,
        compression,
        observer,
        engine=making.engine,
        is_verified=making.is_verified,
    )
    return Candidate(
        SourceFile.observe(output),
        inspect_container(output),
        image_type,
        name,
        origin,
        is_final=compression is making.compression,
        is_scratch=True,
        conversion={"engine": Engine.QEMU_IMG.value, "compression": compression.value},
        tools=converted.tools,
    )


def _served_type(making: Making, container: Container) -> ImageType:
    """What was asked for; else the image's own type where nothing else follows from the rest; else qcow2."""
    own = container.format.image_type if making.compression is Compression.NONE else None
    return making.served_type or own or ImageType.QCOW2


def _virtual_size(container: Container) -> int | None:
    size = container.virtual_size_bytes
    return size.value if isinstance(size, Known) else None
