"""What goes wrong while an image is converted and published in one flow: parts are sent while others are made."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Corrupt, Do, Fault, Kind, Reset
from fixtures.store_proxy import StoreProxy
from tests.command import Finished
from tests.publishing_scene import Scene, assert_not_handed_on, assert_published, explains

MIB = 2**20
SIZE = 50 * MIB  # of data that cannot be compressed: four parts
STORAGE = 5
COMPRESSED = ("--compress", "zlib")


@pytest.fixture
def scene(object_store: ObjectStore, bucket: str, tmp_path: Path) -> Iterator[Scene]:
    with StoreProxy(object_store.endpoint_url) as proxy:
        scene = Scene(object_store, proxy, bucket, tmp_path)
        with scene.image.open("wb") as file:
            file.write(os.urandom(SIZE))
            file.truncate(4 * SIZE)
        yield scene


def assert_image_published(scene: Scene, run: Finished) -> None:
    def check(downloaded: Path) -> None:
        assert downloaded.suffix == ".qcow2"
        subprocess.run(["qemu-img", "check", "-q", "-f", "qcow2", downloaded], check=True)
        subprocess.run(["qemu-img", "compare", "-q", "-f", "raw", "-F", "qcow2", scene.image, downloaded], check=True)

    assert_published(scene, run, check)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(Kind.PART, Reset(), part=2), id="reset in part 2", marks=pytest.mark.slow),
        pytest.param(Fault(Kind.PART, Answer(503, "SlowDown"), times=3), id="503 SlowDown", marks=pytest.mark.slow),
        pytest.param(Fault(Kind.PART, Corrupt(), part=1), id="header damaged"),
        pytest.param(
            Fault(Kind.COMPLETE, Answer(200, "InternalError")),
            id="completion 200 with an error",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_passes_is_survived(scene: Scene, fault: Fault) -> None:
    scene.proxy.faults.append(fault)

    run = scene.publish(*COMPRESSED)

    assert_image_published(scene, run)
    assert fault.hits == fault.times
    assert list(dict.fromkeys(scene.proxy.part_numbers))[-1] == 1  # the header is sent when all else was begun


def test_credentials_that_expire_midway(scene: Scene) -> None:
    scene.proxy.faults.append(Fault(Kind.PART, Answer(403, "ExpiredToken"), spared=2, times=None))

    first = scene.publish(*COMPRESSED)
    assert (first.code, explains(first, "expired")) == (STORAGE, True), first.said
    assert_not_handed_on(scene, first)
    assert scene.local_files() == []
    (parts,) = scene.open_uploads()
    assert len(parts) == 2, first.said

    scene.proxy.forget()
    assert_image_published(scene, scene.publish(*COMPRESSED))
    assert not set(scene.proxy.part_numbers) & set(parts)


@pytest.mark.slow
def test_bucket_deleted_midway(scene: Scene) -> None:
    def delete_bucket() -> None:
        scene.store.client.delete_bucket(Bucket=scene.bucket)

    scene.proxy.faults.append(Fault(Kind.COMPLETE, Do(delete_bucket)))

    first = scene.publish(*COMPRESSED)
    assert (first.code, explains(first, "no such bucket")) == (STORAGE, True), first.said
    assert_not_handed_on(scene, first)
    assert scene.local_files() == []

    scene.proxy.forget()
    scene.store.client.create_bucket(Bucket=scene.bucket)
    assert_image_published(scene, scene.publish(*COMPRESSED))


STAGES = [
    pytest.param(Kind.LIST, None, id="before the first byte", marks=pytest.mark.slow),
    pytest.param(Kind.CREATE, None, id="beginning", marks=pytest.mark.slow),
    pytest.param(Kind.PART, 2, id="while converting"),
    pytest.param(Kind.PART, 1, id="last part", marks=pytest.mark.slow),
    pytest.param(Kind.COMPLETE, None, id="completion", marks=pytest.mark.slow),
    pytest.param(Kind.PUT, None, id="sidecars", marks=pytest.mark.slow),
    pytest.param(Kind.GET, None, id="trial of the URL", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("kind", "part"), STAGES)
def test_killed_and_run_again(scene: Scene, kind: Kind, part: int | None) -> None:
    killed = scene.publish_until(signal.SIGKILL, kind, *COMPRESSED, part=part)
    assert killed.code == -signal.SIGKILL
    assert_not_handed_on(scene, killed)
    stored = {number for parts in scene.open_uploads() for number in parts}

    second = scene.publish(*COMPRESSED)

    assert_image_published(scene, second)
    assert not set(scene.proxy.part_numbers) & stored
    if kind in (Kind.COMPLETE, Kind.PUT, Kind.GET):
        assert scene.proxy.part_numbers == []


@pytest.mark.parametrize(("kind", "part"), STAGES)
def test_interrupted_and_run_again(scene: Scene, kind: Kind, part: int | None) -> None:
    interrupted = scene.publish_until(signal.SIGINT, kind, *COMPRESSED, part=part, is_lost=True)
    assert interrupted.code == 130, interrupted.said
    assert_not_handed_on(scene, interrupted)
    assert scene.local_files() == []
    if scene.open_uploads():
        assert explains(interrupted, "sent are kept for the next run")

    assert_image_published(scene, scene.publish(*COMPRESSED))


def test_source_that_changes_is_never_completed(scene: Scene) -> None:
    def write() -> None:
        with scene.image.open("r+b") as file:
            file.write(os.urandom(512))

    scene.proxy.faults.append(Fault(Kind.PART, Do(write), part=2))

    run = scene.publish(*COMPRESSED)

    assert run.code == STORAGE, run.said
    assert_not_handed_on(scene, run)
    assert (scene.object_keys(), scene.open_uploads(), scene.local_files()) == ([], [], [])


def test_file_that_may_not_grow_any_more(scene: Scene) -> None:
    """The limit on the size of files stands for a full disk where no file system can be mounted."""
    full = scene.publish(*COMPRESSED, before=("prlimit", f"--fsize={SIZE // 2}"))

    assert_disk_was_full(scene, full)
    assert_image_published(scene, scene.publish(*COMPRESSED))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which needs root")
def test_disk_that_is_full_while_converting(scene: Scene) -> None:
    with mounted(scene.directory / "small", 3 * SIZE) as small:

        def fill() -> None:
            with (small / "filler").open("wb", buffering=0) as file:
                while True:
                    try:
                        file.write(bytes(MIB))
                    except OSError:
                        return

        scene.proxy.faults.append(Fault(Kind.CREATE, Do(fill)))
        full = scene.publish(*COMPRESSED, "--work-dir", str(small))

        assert_disk_was_full(scene, full)
        assert [path.name for path in small.iterdir()] == ["filler"]
        (small / "filler").unlink()
        assert_image_published(scene, scene.publish(*COMPRESSED, "--work-dir", str(small)))
        assert list(small.iterdir()) == []


def assert_disk_was_full(scene: Scene, run: Finished) -> None:
    assert (run.code, explains(run, "--work-dir")) == (STORAGE, True), run.said
    assert_not_handed_on(scene, run)
    assert (scene.object_keys(), scene.local_files()) == ([], [])
    scene.proxy.forget()


@contextmanager
def mounted(place: Path, size_bytes: int) -> Iterator[Path]:
    place.mkdir()
    options = ["-o", f"size={size_bytes}"]
    subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
