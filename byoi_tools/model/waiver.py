"""A waiver: a finding that somebody decided to live with, why, and until when."""

from __future__ import annotations

from datetime import date

from byoi_tools.model.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Waiver:
    """What a waivers file says of one check. `expires` is the last day on which it holds.

    `sha256` is the digest, in lower case, of the only image file that it is about; None where it is about all.
    `source` is the file that holds it.
    """

    check_id: str
    reason: str
    expires: date | None
    sha256: str | None
    source: str

    def is_expired(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.expires is not None and today > self.expires

    def is_about(self, sha256: str | None) -> bool:
        """Whether it is about an image of this digest, which only a waiver with a digest needs to know."""
        return self.sha256 is None or self.sha256 == sha256
