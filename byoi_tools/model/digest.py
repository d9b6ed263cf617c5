"""Digests of files, as the provider's API and `sha256sum -c` write them."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from byoi_tools.model.dataclass import dataclass


class DigestAlgorithm(Enum):
    """The algorithms that the provider's `imageCheckSumType` accepts."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA512 = "sha512"

    @property
    def hex_length(self) -> int:
        """How many hexadecimal digits a digest of this algorithm has."""
        return {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}[self.value]


# Computed of everything that is published: the provider is told the second, the first names files.
USUAL_DIGESTS = (DigestAlgorithm.SHA256, DigestAlgorithm.SHA512)


def with_usual(more: Iterable[DigestAlgorithm]) -> tuple[DigestAlgorithm, ...]:
    """Return the usual algorithms and, behind them, the others from the weakest to the strongest; each once."""
    wanted = set(more)
    return (*USUAL_DIGESTS, *(each for each in DigestAlgorithm if each in wanted and each not in USUAL_DIGESTS))


@dataclass(frozen=True, slots=True)
class Digest:
    """One digest: the algorithm and lower-case hexadecimal digits.

    Raises `ValueError` when the digits are not hexadecimal or their number does not fit the algorithm.
    """

    algorithm: DigestAlgorithm
    hexadecimal: str

    def __post_init__(self) -> None:
        digits = self.hexadecimal
        if len(digits) != self.algorithm.hex_length or set(digits) - set("0123456789abcdef"):
            raise ValueError(
                f"a {self.algorithm.value} digest has {self.algorithm.hex_length} lower-case hexadecimal digits"
            )

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read `ALGORITHM:DIGITS`, in any case; raises `ValueError` when it is not one."""
        name, separator, digits = text.strip().partition(":")
        if not separator:
            raise ValueError("a checksum is written ALGORITHM:DIGITS, for instance sha512:2cbd3d...")
        return cls(DigestAlgorithm(name.strip().lower()), digits.strip().lower())

    def __str__(self) -> str:
        return f"{self.algorithm.value}:{self.hexadecimal}"


def in_usual_order(digests: Iterable[Digest]) -> tuple[Digest, ...]:
    """Return the digests, the usual ones first, then from the weakest to the strongest."""
    order = with_usual(DigestAlgorithm)
    return tuple(sorted(digests, key=lambda digest: order.index(digest.algorithm)))
