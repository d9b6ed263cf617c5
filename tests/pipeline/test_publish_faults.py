"""What goes wrong while an image is published as it is; each fault happens between the program and a real store."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Corrupt, Do, Effect, Fault, Kind, LoseAnswer, Reset, Stall
from fixtures.store_proxy import StoreProxy
from tests.command import Finished, byoi_tools
from tests.publishing_scene import Scene, assert_not_handed_on, assert_published, explains, sha256_of

MIB = 2**20
SIZE = 33 * MIB  # three parts; the first is sent last, the third is small
PARTS = {1: 16 * MIB, 2: 16 * MIB, 3: MIB}
STORAGE = 5


@pytest.fixture
def scene(object_store: ObjectStore, bucket: str, tmp_path: Path) -> Iterator[Scene]:
    with StoreProxy(object_store.endpoint_url) as proxy:
        scene = Scene(object_store, proxy, bucket, tmp_path)
        scene.image.write_bytes(os.urandom(SIZE))
        yield scene


def assert_image_published(scene: Scene, run: Finished) -> None:
    digest = sha256_of(scene.image)

    def check(downloaded: Path) -> None:
        assert downloaded.name == f"disk-{digest[:16]}.raw"
        assert sha256_of(downloaded) == digest

    assert_published(scene, run, check)
    assert digest in run.output


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Kind.PART, Reset(), part=2), id="reset in part 2"),
        pytest.param(Fault(Kind.PART, Reset(at=1), part=1), id="reset after part 1"),
        pytest.param(Fault(Kind.PART, Answer(503, "SlowDown"), times=4), id="503 SlowDown"),
        pytest.param(
            Fault(Kind.PART, Answer(500, "InternalError"), part=3), id="500 for a part", marks=pytest.mark.slow
        ),
        pytest.param(Fault(Kind.PART, LoseAnswer(), part=2), id="part arrives, answer is lost"),
        pytest.param(Fault(Kind.PART, Corrupt(), part=2), id="part damaged"),
        pytest.param(
            Fault(Kind.CREATE, Answer(500, "InternalError")), id="500 for the beginning", marks=pytest.mark.slow
        ),
        pytest.param(
            Fault(Kind.COMPLETE, Answer(503, "SlowDown")), id="503 for the completion", marks=pytest.mark.slow
        ),
        pytest.param(Fault(Kind.COMPLETE, Answer(200, "InternalError")), id="completion 200 with an error"),
        pytest.param(Fault(Kind.COMPLETE, LoseAnswer()), id="completed, answer is lost"),
        pytest.param(Fault(Kind.PUT, Reset()), id="reset in a sidecar"),
        pytest.param(Fault(Kind.GET, Reset()), id="reset in the trial of the URL"),
    ],
)
def test_what_passes_is_survived(scene: Scene, fault: Fault) -> None:
    fault = replace(fault)
    scene.proxy.faults.append(fault)

    run = scene.publish()

    assert_image_published(scene, run)
    assert fault.hits == (fault.times or 1)
    sent_again = {Kind.PART: 16 * MIB}.get(fault.kind or Kind.PUT, 0)
    assert scene.proxy.part_bytes <= SIZE + sent_again


@pytest.mark.slow
def test_a_connection_that_stalls_is_given_up(scene: Scene) -> None:
    scene.proxy.faults.append(Fault(Kind.PART, Stall(seconds=300), part=2))

    run = scene.publish()

    assert_image_published(scene, run)
    assert scene.proxy.part_numbers.count(2) == 2


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        pytest.param(Answer(403, "ExpiredToken"), "expired", id="credentials expire"),
        pytest.param(
            Answer(403, "AccessDenied"),
            "credentials do not allow it",
            id="rights are withdrawn",
            marks=pytest.mark.slow,
        ),
        pytest.param(Answer(404, "NoSuchBucket"), "no such bucket", id="bucket is gone"),
        pytest.param(Answer(503, "SlowDown"), "overloaded", id="always 503", marks=pytest.mark.slow),
        pytest.param(Corrupt(), "what arrives is not what was sent", id="always damaged", marks=pytest.mark.slow),
        pytest.param(
            Answer(507, "InsufficientStorage"), "takes no more data", id="store is full", marks=pytest.mark.slow
        ),
    ],
)
def test_what_does_not_pass_ends_the_run_and_the_next_one_goes_on(scene: Scene, effect: Effect, said: str) -> None:
    scene.proxy.faults.append(Fault(Kind.PART, effect, part=1, times=None))

    first = scene.publish()

    assert (first.code, explains(first, said)) == (STORAGE, True), first.said
    assert_not_handed_on(scene, first)
    assert scene.object_keys() == []
    assert scene.open_uploads() == [{2: PARTS[2], 3: PARTS[3]}]
    assert scene.local_files() == []

    scene.proxy.forget()
    second = scene.publish()

    assert_image_published(scene, second)
    assert scene.proxy.part_bytes == PARTS[1]


def test_credentials_that_expire_between_two_requests(scene: Scene) -> None:
    """After one part nothing is allowed any more, whatever it is."""
    allowed = [Kind.LIST, Kind.HEAD, Kind.LIST_UPLOADS, Kind.CREATE, Kind.PART]
    scene.proxy.faults.append(Fault(None, Answer(403, "ExpiredToken"), spared=len(allowed), times=None))

    first = scene.publish()
    assert set(allowed) <= set(scene.proxy.requests)
    scene.proxy.forget()
    assert (first.code, explains(first, "expired")) == (STORAGE, True), first.said
    assert_not_handed_on(scene, first)
    assert scene.object_keys() == []

    assert_image_published(scene, scene.publish())


def test_bucket_deleted_midway(scene: Scene) -> None:
    def delete_bucket() -> None:
        scene.store.client.delete_bucket(Bucket=scene.bucket)

    # Not while parts are on their way: SeaweedFS makes the bucket again when one of those arrives.
    scene.proxy.faults.append(Fault(Kind.COMPLETE, Do(delete_bucket)))

    first = scene.publish()
    assert (first.code, explains(first, "no such bucket")) == (STORAGE, True), first.said
    assert_not_handed_on(scene, first)
    assert scene.local_files() == []

    scene.proxy.forget()
    scene.store.client.create_bucket(Bucket=scene.bucket)
    assert_image_published(scene, scene.publish())


@pytest.mark.slow
def test_completion_that_never_works_hands_nothing_on(scene: Scene) -> None:
    scene.proxy.faults.append(Fault(Kind.COMPLETE, Answer(200, "AccessDenied"), times=None))

    first = scene.publish()
    assert first.code == STORAGE, first.said
    assert_not_handed_on(scene, first)
    assert scene.object_keys() == []
    assert scene.open_uploads() == [PARTS]

    scene.proxy.forget()
    assert_image_published(scene, scene.publish())
    assert scene.proxy.part_bytes == 0


def test_url_that_gives_other_bytes_is_not_handed_on(scene: Scene) -> None:
    scene.proxy.faults.append(Fault(Kind.GET, Corrupt(), key_suffix=".raw", times=None))

    first = scene.publish()

    assert first.code == STORAGE, first.said
    assert_not_handed_on(scene, first)


STAGES = [
    pytest.param(Kind.LIST, None, id="before the first byte", marks=pytest.mark.slow),
    pytest.param(Kind.CREATE, None, id="beginning", marks=pytest.mark.slow),
    pytest.param(Kind.PART, 2, id="part"),
    pytest.param(Kind.PART, 1, id="last part", marks=pytest.mark.slow),
    pytest.param(Kind.COMPLETE, None, id="completion"),
    pytest.param(Kind.PUT, None, id="sidecars"),
    pytest.param(Kind.GET, None, id="trial of the URL", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("kind", "part"), STAGES)
def test_killed_and_run_again(scene: Scene, kind: Kind, part: int | None) -> None:
    killed = scene.publish_until(signal.SIGKILL, kind, part=part)
    assert killed.code == -signal.SIGKILL
    assert_not_handed_on(scene, killed)
    stored = sum(sum(parts.values()) for parts in scene.open_uploads())  # others may still arrive

    second = scene.publish()

    assert_image_published(scene, second)
    assert scene.proxy.part_bytes <= (0 if kind in (Kind.COMPLETE, Kind.PUT, Kind.GET) else SIZE - stored)


@pytest.mark.parametrize(("kind", "part"), STAGES)
def test_interrupted_and_run_again(scene: Scene, kind: Kind, part: int | None) -> None:
    interrupted = scene.publish_until(signal.SIGINT, kind, part=part, is_lost=True)
    assert interrupted.code == 130, interrupted.said
    assert_not_handed_on(scene, interrupted)
    assert scene.local_files() == []
    if scene.open_uploads():
        assert explains(interrupted, "sent are kept for the next run")

    assert_image_published(scene, scene.publish())


def test_completion_lost_with_the_program(scene: Scene) -> None:
    """The store never hears of the completion, and the program dies: all parts are there, and no object."""
    scene.publish_until(signal.SIGKILL, Kind.COMPLETE, is_lost=True)
    assert scene.object_keys() == []
    assert scene.open_uploads() == [PARTS]

    assert_image_published(scene, scene.publish("--resume"))
    assert scene.proxy.part_bytes == 0


def test_found_from_the_receipt_where_uploads_may_not_be_listed(scene: Scene) -> None:
    """Its id is there before the first part is sent."""
    scene.publish_until(signal.SIGKILL, Kind.COMPLETE, is_lost=True)
    scene.proxy.faults.append(Fault(Kind.LIST_UPLOADS, Answer(403, "AccessDenied"), times=None))

    assert_image_published(scene, scene.publish())
    assert scene.proxy.part_bytes == 0
    assert scene.open_uploads() == []


def test_the_receipt_has_the_upload_before_the_first_part(scene: Scene) -> None:
    scene.publish_until(signal.SIGKILL, Kind.PART, is_lost=True)
    (begun,) = scene.store.client.list_multipart_uploads(Bucket=scene.bucket)["Uploads"]
    (receipt,) = (scene.directory / "state").rglob("*.jsonl")
    (line,) = [json.loads(line) for line in receipt.read_text().splitlines()]
    assert (line["stage"], line["event"], line["upload_id"]) == ("upload", "started", begun["UploadId"])


def test_without_a_receipt_it_goes_on(scene: Scene) -> None:
    """But for one that the user names."""
    (scene.directory / "state").rmdir()
    (scene.directory / "state").touch()
    assert_image_published(scene, scene.publish())
    named = scene.publish("--receipt", str(scene.directory / "state" / "receipt.jsonl"))
    assert named.code == 5
    assert explains(named, "cannot be written")


def test_source_that_changes_is_never_completed(scene: Scene) -> None:
    def write() -> None:
        with scene.image.open("r+b") as file:
            file.write(os.urandom(512))

    scene.proxy.faults.append(Fault(Kind.PART, Do(write), part=2))

    run = scene.publish()

    assert run.code == STORAGE, run.said
    assert_not_handed_on(scene, run)
    assert (scene.object_keys(), scene.open_uploads()) == ([], [])


def test_somebody_else_completes_the_same_upload(scene: Scene) -> None:
    others: list[Finished] = []

    def publish_meanwhile() -> None:
        direct = scene.environment | {"AWS_ENDPOINT_URL_S3": scene.store.endpoint_url}
        others.append(byoi_tools("publish", scene.image, "--to", f"s3://{scene.bucket}/images", environment=direct))

    scene.proxy.faults.append(Fault(Kind.COMPLETE, Do(publish_meanwhile)))

    run = scene.publish()

    assert [other.code for other in others] == [0], others[0].said
    assert_image_published(scene, run)
