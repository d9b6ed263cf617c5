"""Looks at what is packed as at what is not: a compressed image or an OVA is unpacked first, while it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from byoi_tools.formats.containers.detection import detect_formats, image_format, is_ambiguous
from byoi_tools.inspection.inspect import inspect_image, nothing
from byoi_tools.inspection.open_source import open_source
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.facts import Facts
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.location import ImageLocation
from byoi_tools.model.observer import Observer
from byoi_tools.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Unpacking:
    """Where an unpacked image lies, and how large it may be.

    `directory` None is beside the image; the system's own for temporary files when the image is no file here.
    """

    directory: Path | None = None
    largest_bytes: int = 1 << 40


AS_USUAL = Unpacking()


def inspect_any(
    location: ImageLocation,
    observer: Observer,
    unpacking: Unpacking,
    reader: ReaderChoice = ReaderChoice.AUTO,
    luks_key: Secret | None = None,
    meanwhile: Callable[[], object] = nothing,
) -> Facts:
    """Return the facts of an image, or of the one that is packed in it; its container then names the wrappers.

    Raises what `inspect_image`, which also tells what `meanwhile` is, and `unpack_image` raise. What is ambiguous is
    not unpacked: the facts say so.
    """
    facts = inspect_image(location, observer, reader, luks_key, meanwhile)
    container = facts.container
    if not container.format.is_unpacked or is_ambiguous(container.matches):
        return facts
    from byoi_tools.conversion.unpack import unpack_image, unpack_source
    from byoi_tools.pipeline.workspace import Workspace

    with Workspace(unpacking.directory or _beside(location)) as workspace:
        if isinstance(location, Path):
            unpacked = unpack_image(location, workspace.directory(), unpacking.largest_bytes, observer)
        else:
            with open_source(location, observer) as source:
                unpacked = unpack_source(
                    source, str(location), workspace.directory(), unpacking.largest_bytes, observer
                )
        inner = inspect_image(unpacked.path, observer, reader, luks_key)
    return replace(inner, container=replace(inner.container, path=container.path, wrappers=unpacked.wrappers))


@contextmanager
def plain_file(image: Path, unpacking: Unpacking, observer: Observer) -> Iterator[Path]:
    """The image file itself, or what is packed in it, while the context lasts; raises what `unpack_image` raises."""
    with open_source(image, observer) as source:
        is_packed = image_format(detect_formats(source)).is_unpacked
    if not is_packed:
        yield image
        return
    from byoi_tools.conversion.unpack import unpack_image
    from byoi_tools.pipeline.workspace import Workspace

    with Workspace(unpacking.directory or _beside(image)) as workspace:
        yield unpack_image(image, workspace.directory(), unpacking.largest_bytes, observer).path


def _beside(location: ImageLocation) -> Path:
    from tempfile import gettempdir

    return location.absolute().parent if isinstance(location, Path) else Path(gettempdir())
