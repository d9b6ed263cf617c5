"""What an object is called and what is written beside it: both follow from the image's content alone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath

from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.image import ImageType

_DIGEST_DIGITS = 16
_MAXIMUM_STEM = 100
_SUFFIXES = {".qcow2", ".qcow", ".raw", ".img", ".vmdk", ".vhd", ".vhdx", ".vdi"}
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_METADATA_PREFIX = "byoi-"


def name_object(file_name: str, sha256: Digest, image_type: ImageType) -> str:
    """Return `STEM-DIGITS.TYPE`: the file's name made safe, 16 digits of its SHA-256, the type that it is sent as.

    Letters lose their accents, and runs of what a URL would have to encode become one hyphen; a name of which nothing
    is left is `image`.
    """
    path = PurePosixPath(file_name)
    stem = path.stem if path.suffix.lower() in _SUFFIXES else path.name
    ascii_stem = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    safe = _UNSAFE.sub("-", ascii_stem)[:_MAXIMUM_STEM].strip("-._") or "image"
    return f"{safe}-{sha256.hexadecimal[:_DIGEST_DIGITS]}.{image_type.value}"


def describe_content(size_bytes: int, digests: tuple[Digest, ...]) -> dict[str, str]:
    """Return the object's metadata: `byoi-size-bytes`, and `byoi-sha256` and its like."""
    by_name = {_METADATA_PREFIX + digest.algorithm.value: digest.hexadecimal for digest in digests}
    return {_METADATA_PREFIX + "size-bytes": str(size_bytes), **by_name}


def describes_same_content(metadata: Mapping[str, str], stored: Mapping[str, str]) -> bool:
    """Whether an object with the metadata `stored` was put there as this content: same size, same SHA-256."""
    keys = (_METADATA_PREFIX + "size-bytes", _METADATA_PREFIX + DigestAlgorithm.SHA256.value)
    return all(metadata[key] == stored.get(key) for key in keys)
