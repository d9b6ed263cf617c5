"""What a URL must bring before it is handed on, tried with servers that behave as stores and web servers do."""

from __future__ import annotations

import hashlib
import os
import tracemalloc

import pytest

from byoi_tools.errors import IntegrityError, StorageError
from byoi_tools.formats.source import Memory
from byoi_tools.model.digest import Digest, DigestAlgorithm
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import Verification
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.url_trial import UrlTrial, sample_offsets
from tests.clock import FakeClock
from tests.range_server import RangeServer, serving_ranges

MIB = 2**20
CONTENT = os.urandom(5 * MIB + 12_345)
LAST = len(CONTENT) - 1


class Progress(Observer):
    def __init__(self) -> None:
        self.started: list[tuple[str, int | None]] = []
        self.done: list[int] = []
        self.finished: list[str] = []

    def work_started(self, work: str, total_bytes: int | None) -> None:
        self.started.append((work, total_bytes))

    def work_advanced(self, work: str, done_bytes: int) -> None:
        self.done.append(done_bytes)

    def work_finished(self, work: str) -> None:
        self.finished.append(work)


def trial(server: RangeServer, content: bytes = CONTENT, observer: Observer | None = None) -> UrlTrial:
    sha256 = Digest(DigestAlgorithm.SHA256, hashlib.sha256(content).hexdigest())
    url = Secret(f"{server.url}?X-Amz-Signature=5160a7e5")
    return UrlTrial(url, "s3://images/x.raw", len(content), sha256, FakeClock(), observer or Observer())


def flipped(position: int) -> bytes:
    content = bytearray(CONTENT)
    content[position] ^= 1
    return bytes(content)


def test_the_first_a_middle_and_the_last_mebibyte_are_fetched() -> None:
    with serving_ranges(CONTENT) as server:
        trial(server).run(Verification.RANGES, Memory(CONTENT))

    first, middle, last = (span for _, span in server.requests)
    assert (first, last) == ((0, MIB - 1), (len(CONTENT) - MIB, LAST))
    assert MIB <= middle[0] < middle[1] < len(CONTENT) - MIB
    assert middle[1] - middle[0] + 1 == MIB
    assert server.connections == 1


@pytest.mark.parametrize(
    ("size", "offsets"),
    [(1, (0,)), (MIB, (0,)), (MIB + 1, (0, 1)), (2 * MIB, (0, MIB // 2, MIB)), (7 * MIB, (0, 3 * MIB, 6 * MIB))],
)
def test_small_files_have_fewer_samples(size: int, offsets: tuple[int, ...]) -> None:
    assert sample_offsets(size) == offsets


@pytest.mark.parametrize("position", [0, MIB - 1, len(CONTENT) // 2, len(CONTENT) - MIB, LAST])
def test_one_other_bit_in_a_sample_is_found(position: int) -> None:
    with serving_ranges(flipped(position)) as server, pytest.raises(IntegrityError) as caught:
        trial(server).run(Verification.RANGES, Memory(CONTENT))

    assert "s3://images/x.raw" in caught.value.remedy


@pytest.mark.parametrize("position", [0, MIB + 77, LAST])
def test_one_other_bit_anywhere_is_found_by_a_full_download(position: int) -> None:
    with serving_ranges(flipped(position)) as server, pytest.raises(IntegrityError) as caught:
        trial(server).run(Verification.FULL, Memory(CONTENT))

    assert hashlib.sha256(CONTENT).hexdigest() in str(caught.value.details)


@pytest.mark.parametrize("verification", Verification)
@pytest.mark.parametrize("served", [CONTENT[:-1], CONTENT + b"!", CONTENT * 2])
def test_another_size_is_found(verification: Verification, served: bytes) -> None:
    with serving_ranges(served) as server, pytest.raises(IntegrityError) as caught:
        trial(server).run(verification, Memory(CONTENT))

    assert str(len(CONTENT)) in str(caught.value.details)


def test_a_full_download_is_one_request_without_a_range() -> None:
    progress = Progress()
    with serving_ranges(CONTENT) as server:
        trial(server, observer=progress).run(Verification.FULL)

    assert (len(server.requests), server.whole_requests) == (1, 1)
    assert progress.started == [("downloading", len(CONTENT))]
    assert progress.done == sorted(progress.done)
    assert (progress.done[-1], progress.finished) == (len(CONTENT), ["downloading"])


def test_a_broken_download_goes_on_where_it_broke() -> None:
    with serving_ranges(CONTENT) as server:
        server.plan = [503, "reset", "close"]
        trial(server).run(Verification.FULL)

    assert server.whole_requests == 2  # the one that was refused, and the one that broke off
    (_, _, (third, _), (fourth, _)) = (span for _, span in server.requests)
    assert 0 < third == fourth <= len(CONTENT) // 2


def test_what_may_pass_is_tried_again() -> None:
    with serving_ranges(CONTENT) as server:
        server.plan = [500, 503, None, "reset", None, "close"]
        trial(server).run(Verification.RANGES, Memory(CONTENT))

    assert not server.plan


@pytest.mark.parametrize("verification", Verification)
@pytest.mark.parametrize(("plan", "requests"), [([403], 1), ([404], 1), ([503] * 9, 4)])
def test_what_does_not_pass_is_an_error(
    verification: Verification, plan: list[int | str | None], requests: int
) -> None:
    with serving_ranges(CONTENT) as server, pytest.raises(StorageError) as caught:
        server.plan = list(plan)
        trial(server).run(verification, Memory(CONTENT))

    assert len(server.requests) == requests
    assert caught.value.message == f"{server.url}?[redacted] cannot be fetched"
    assert "5160a7e5" not in f"{caught.value.message}{caught.value.details}{caught.value.remedy}"


def test_a_server_without_ranges_is_an_error_that_names_the_way_out() -> None:
    with serving_ranges(CONTENT) as server:
        server.serves_ranges = False
        with pytest.raises(StorageError) as caught:
            trial(server).run(Verification.RANGES, Memory(CONTENT))
        trial(server).run(Verification.FULL)

    assert "--verify full" in caught.value.remedy
    assert "status 200" in str(caught.value.details)


@pytest.mark.parametrize("verification", Verification)
def test_an_encoding_on_the_way_is_an_error(verification: Verification) -> None:
    with serving_ranges(CONTENT) as server, pytest.raises(StorageError) as caught:
        server.encoding = "gzip"
        trial(server).run(verification, Memory(CONTENT))

    assert "gzip" in str(caught.value.details)


def test_without_the_file_only_the_size_is_compared() -> None:
    with serving_ranges(flipped(0)) as server:
        trial(server).run(Verification.RANGES)

    assert server.sent_bytes == 1


@pytest.mark.parametrize("verification", Verification)
def test_memory_is_bounded(verification: Verification) -> None:
    content = bytes(64 * MIB)
    with serving_ranges(content) as server:
        tried = trial(server, content)
        tracemalloc.start()
        try:
            tried.run(verification, Memory(content))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 8 * MIB  # of which the server, in the same process, has a part
