"""What lies at a URL that somebody else serves: told by its size, its version and samples of its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial

from byoi_tools.errors import ImageUnreadable, IntegrityError
from byoi_tools.model.digest import Digest
from byoi_tools.model.location import WebAddress
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import Verification
from byoi_tools.publishing.url_trial import SAMPLE_BYTES, UrlTrial, sample_offsets
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.http.ranges import HttpRanges, RangeAnswer, RangeFailed
from byoi_tools.tools.http.retries import with_retries

_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class Served:
    """What was there: `version` is the ETag, else the time of the last modification, else empty.

    `samples_sha256` is the digest of the first, a middle and the last MiB, one behind the other.
    """

    size_bytes: int
    version: str
    samples_sha256: str


def look_at(address: WebAddress, clock: Clock) -> Served:
    """Fetch the samples by ranged GETs, with the address's headers, at most 3 MiB.

    Raises `StorageError` when they cannot be fetched, `ImageUnreadable` for an empty file, and `IntegrityError` when
    it is exchanged meanwhile.
    """
    ranges = HttpRanges(address.url, str(address), address.headers)
    try:
        first = _first(ranges, address, clock)
        running = hashlib.sha256(first.content)
        for offset in sample_offsets(first.total_bytes)[1:]:
            last = min(offset + SAMPLE_BYTES, first.total_bytes) - 1
            answer = with_retries(partial(ranges.get, offset, last), clock)
            if (answer.total_bytes, answer.version) != (first.total_bytes, first.version):
                raise _exchanged(address)
            running.update(answer.content)
    finally:
        ranges.close()
    return Served(first.total_bytes, first.version, running.hexdigest())


def _first(ranges: HttpRanges, address: WebAddress, clock: Clock) -> RangeAnswer:
    try:
        return with_retries(partial(ranges.get, 0, SAMPLE_BYTES - 1), clock)
    except RangeFailed as failed:
        if failed.status == _RANGE_NOT_SATISFIABLE:
            raise ImageUnreadable(f"{address} is empty", remedy="Upload the image again.") from failed
        raise


def require_same(address: WebAddress, served: Served, clock: Clock) -> None:
    """Look again, and raise `IntegrityError` when it is not what was there before."""
    if look_at(address, clock) != served:
        raise _exchanged(address)


def _exchanged(address: WebAddress) -> IntegrityError:
    return IntegrityError(
        f"{address} was exchanged while it was looked at",
        remedy="Run the same command again, when nobody writes the file.",
    )


def compare_digest(
    address: WebAddress, served: Served, digest: Digest, verification: Verification, clock: Clock, observer: Observer
) -> None:
    """Download all of it, as the provider will, where `FULL` says so; `IntegrityError` when it has another digest."""
    if verification is not Verification.FULL:
        return
    remedy = "Compute the digest of the file that is served, for instance with `curl URL | sha512sum`, and give that."
    size = served.size_bytes
    trial = UrlTrial(address.url, str(address), size, digest, clock, observer, address.headers, remedy)
    trial.run(verification)
