"""The real Debian image and its variants, built when missing, by one of the processes that run the tests."""

from __future__ import annotations

from pathlib import Path

from fixtures.one_builder import only_builder
from fixtures.variants.build import ensure_variant

BUILD = Path(__file__).parents[1] / "build"
IMAGE = BUILD / "debian-12.qcow2"


def variant(name: str) -> Path:
    """The raw image of this variant."""
    directory = BUILD / "variants"
    with only_builder(directory / name):
        return ensure_variant(name, IMAGE, directory)
