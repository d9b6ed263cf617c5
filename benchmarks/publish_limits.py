"""Measures what `publish` needs however large an image is, and what it sends again after it was killed."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

from benchmarks.conversion import COMPRESSED
from benchmarks.images import make_sized
from benchmarks.measure import clean_environment, peak_bytes_of, seconds_of
from benchmarks.stores import new_bucket, publish_command, settings_of, with_bucket
from benchmarks.table import Row
from byoi_tools.errors import ToolFailed
from byoi_tools.model.sizes import human_size
from fixtures.object_store import ObjectStore
from fixtures.store_proxy import StoreProxy

_GIB = 2**30
_LARGEST_PEAK_BYTES = 400 * 2**20
_LARGEST_RATIO_OF_PEAKS = 1.2
_HALF = 0.5
_SECONDS_TO_HALF = 120


def measure_memory(store: ObjectStore, scratch: Path) -> Row:
    """Return the row of the peaks for disks of 1 GiB and 64 GiB."""
    small, large = (_peak_bytes(store, make_sized(scratch, size * _GIB)) for size in (1, 64))
    ratio = large / small
    return Row(
        "peak memory of `publish --compress zlib`, all its processes together: 64 GiB ÷ 1 GiB",
        f"{human_size(large)} ÷ {human_size(small)} = {ratio:.2f}",
        f"at most {_LARGEST_RATIO_OF_PEAKS:.2f}, and under {human_size(_LARGEST_PEAK_BYTES)}",
        ratio <= _LARGEST_RATIO_OF_PEAKS and max(small, large) < _LARGEST_PEAK_BYTES,
    )


def measure_resumption(store: ObjectStore, image: Path) -> Row:
    """Return the row of the bytes that a second run sends, when the first was killed after half of the file.

    What was in flight is what had passed to the store then, and is no part there.
    """
    size = image.stat().st_size
    with new_bucket(store) as bucket, StoreProxy(store.endpoint_url) as proxy:
        command = list(map(str, with_bucket(publish_command(image), bucket)))
        settings = settings_of(store, proxy.url)
        _kill_at_half(command, settings, proxy, size)
        in_flight = proxy.part_bytes - _stored_bytes(store, bucket)
        proxy.forget()
        seconds_of(command, more=settings)
        again = proxy.part_bytes
    limit = _HALF + in_flight / size
    return Row(
        f"sent again after SIGKILL at half of the parts ÷ the object ({human_size(size)})",
        f"{human_size(again)} ÷ {human_size(size)} = {again / size:.2f}",
        f"at most {_HALF:.2f} + the parts in flight = {limit:.2f}",
        again / size <= limit,
    )


def _peak_bytes(store: ObjectStore, image: Path) -> int:
    with new_bucket(store) as bucket:
        command = with_bucket(publish_command(image, *COMPRESSED), bucket)
        peak = peak_bytes_of(command, more=settings_of(store))
    image.unlink()
    return peak


def _kill_at_half(command: list[str], settings: dict[str, str], proxy: StoreProxy, size: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_HALF
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=clean_environment(settings)
    ) as process:
        while proxy.part_bytes < _HALF * size and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        has_ended = process.poll() is not None
        process.kill()
    if has_ended or proxy.part_bytes < _HALF * size:
        raise ToolFailed("publish did not get to half of the file", remedy=f"Run it alone: {' '.join(command)}")
    time.sleep(1)  # the store finishes what has arrived


def _stored_bytes(store: ObjectStore, bucket: str) -> int:
    (upload,) = store.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    parts = store.client.list_parts(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return sum(part["Size"] for part in parts["Parts"])
