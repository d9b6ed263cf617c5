"""Unpacks an image that is compressed, or in an OVA, to a plain file: streamed, capped, and never by a name in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from byoi_tools.conversion.space import require_space
from byoi_tools.conversion.sparse_output import SparseOutput
from byoi_tools.errors import ImageError, ImageMalformed, ImageUnsafe, StorageError
from byoi_tools.formats.compression.compressed import decompress
from byoi_tools.formats.containers.detection import detect_formats, image_format, is_ambiguous
from byoi_tools.formats.containers.ova import read_member, read_ova, verify_member
from byoi_tools.formats.source import ByteSource
from byoi_tools.model.image import ImageFormat
from byoi_tools.model.observer import Observer
from byoi_tools.tools.image_file import open_image

_WORK = "unpacking"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The plain file that holds the image, and what it was in, the outermost first."""

    path: Path
    wrappers: tuple[ImageFormat, ...]


def unpack_image(image: Path, directory: Path, largest_bytes: int, observer: Observer) -> Unpacked:
    """Unpack an image file into a directory of the caller's, which also removes it, whatever happens.

    An image in gzip, xz, zstd or bzip2, the one disk of an OVA, or both, one of each at most. Raises `ImageError` when
    it is damaged, has more than `largest_bytes` unpacked, is packed deeper or is ambiguous; `IntegrityError` when an
    OVA is not what its manifest promises; `NoSpace`; `StorageError` when the file changes meanwhile.
    """
    with open_image(image) as source:
        unpacked = unpack_source(source, str(image), directory, largest_bytes, observer)
        with open_image(image) as again:
            if again.identity != source.identity:
                raise StorageError(
                    f"{image} was changed while it was unpacked", remedy="Let nothing write to it, and try again."
                )
    return unpacked


def unpack_source(source: ByteSource, name: str, directory: Path, largest_bytes: int, observer: Observer) -> Unpacked:
    """Unpack what is already open, as `unpack_image` does; `name` is what messages call it."""
    wrappers = [_require_packed(source, name)]
    path = _unpack_layer(source, wrappers[0], directory / "unpacked-1", name, largest_bytes, observer)
    with open_image(path) as inner:
        inside = _wrapper_of(inner, name)
        if inside is None:
            return Unpacked(path, tuple(wrappers))
        if (inside is ImageFormat.TAR) == (wrappers[0] is ImageFormat.TAR):
            raise _too_deep(name, f"{inside.value} in {wrappers[0].value}")
        wrappers.append(inside)
        innermost = _unpack_layer(inner, inside, directory / "unpacked-2", name, largest_bytes, observer)
    path.unlink()
    with open_image(innermost) as image:
        if (further := _wrapper_of(image, name)) is not None:
            raise _too_deep(name, f"{further.value} in {inside.value} in {wrappers[0].value}")
    return Unpacked(innermost, tuple(wrappers))


def _require_packed(source: ByteSource, name: str) -> ImageFormat:
    found = _wrapper_of(source, name)
    if found is None:
        raise ImageError(f"{name} is not packed in a way that can be unpacked", remedy="Use it as it is.")
    return found


def _wrapper_of(source: ByteSource, name: str) -> ImageFormat | None:
    matches = detect_formats(source)
    found = image_format(matches)
    if not found.is_unpacked:
        return None
    if is_ambiguous(matches):
        raise ImageUnsafe(
            f"{name} can be read as several formats",
            details=", ".join(match.format.value for match in matches),
            remedy="Build the image again; a file that is two formats at once is broken or made to deceive.",
        )
    return found


def _unpack_layer(
    source: ByteSource, wrapper: ImageFormat, path: Path, name: str, largest_bytes: int, observer: Observer
) -> Path:
    observer.work_started(_WORK, source.size_bytes)
    watched = _Watched(source)
    with SparseOutput(path, name, largest_bytes) as output:
        if wrapper is ImageFormat.TAR:
            _copy_disk(watched, output, path.parent, observer)
        else:
            for chunk in decompress(watched, wrapper):
                output.write(chunk)
                observer.work_advanced(_WORK, watched.read_bytes)
    if output.size_bytes == 0:
        raise ImageMalformed(f"nothing is in {name}", remedy="Build or download the image again.")
    observer.work_finished(_WORK)
    return path


def _copy_disk(source: _Watched, output: SparseOutput, directory: Path, observer: Observer) -> None:
    ova = read_ova(source)
    if not ova.promises:
        observer.noted("the OVA has no manifest, so that nothing tells whether it is complete and unchanged")
    require_space(directory, ova.disk.size_bytes)
    for piece in read_member(source, ova.disk, ova.promises):
        output.write(piece)
        observer.work_advanced(_WORK, source.read_bytes)
    for other in ova.others:
        verify_member(source, other, ova.promises)


class _Watched:
    """A source that remembers how far it was read."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.read_bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._source.size_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        content = self._source.read_at(offset, length)
        self.read_bytes = max(self.read_bytes, offset + len(content))
        return content


def _too_deep(name: str, how: str) -> ImageError:
    return ImageError(
        f"{name} is packed too deep",
        details=how,
        remedy="Unpack the outer layers yourself; one compression and one OVA are unpacked, whichever is outside.",
    )
