"""What `publish` makes of images before it publishes them, as a user runs it, with a real store."""

from __future__ import annotations

import json
import lzma
import os
import signal
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.measure import peak_bytes_of
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Kind
from fixtures.store_proxy import StoreProxy
from tests.command import PROGRAM, Finished
from tests.publishing_scene import Scene, assert_published

MIB = 2**20
SIZE = 40 * MIB
USAGE, IMAGE = 2, 3


@pytest.fixture
def scene(object_store: ObjectStore, bucket: str, tmp_path: Path) -> Iterator[Scene]:
    with StoreProxy(object_store.endpoint_url) as proxy:
        scene = Scene(object_store, proxy, bucket, tmp_path)
        with scene.image.open("wb") as file:
            file.write(os.urandom(18 * MIB))
            file.seek(30 * MIB)
            file.write(b"words " * MIB)
            file.truncate(SIZE)
        yield scene


def put_in_place(scene: Scene, name: str, content: bytes | None = None, *options: str) -> Path:
    """The image as another file in its place: with that content, or as `qemu-img convert` makes it."""
    raw, other = scene.directory / "raw", scene.image.with_name(name)
    scene.image.rename(raw)
    if content is None:
        subprocess.run(["qemu-img", "convert", "-f", "raw", *options, raw, other], check=True)
    else:
        other.write_bytes(content)
    scene.image = other
    return raw


def assert_published_as(scene: Scene, run: Finished, raw: Path, kind: str) -> None:
    """The object has the content of the raw image, judged by QEMU, and is of that kind."""

    def check(downloaded: Path) -> None:
        assert downloaded.suffix == f".{kind}"
        compare = ["qemu-img", "compare", "-f", "raw", "-F", kind, str(raw), str(downloaded)]
        assert subprocess.run(compare, check=False, capture_output=True).returncode == 0

    assert_published(scene, run, check)


@pytest.mark.parametrize(
    ("form", "options", "kind", "makers"),
    [
        (("-O", "vmdk"), (), "qcow2", {"qemu-img"}),
        (("-O", "vmdk"), ("--compress", "zlib"), "qcow2", {"qemu-img", "isal"}),
        (("-O", "vpc", "-o", "subformat=fixed,force_size"), ("--image-type", "raw"), "raw", {"qemu-img"}),
        (("-O", "qcow2", "-c"), ("--image-type", "raw"), "raw", {"qemu-img"}),
        (("-O", "qcow2"), ("--compress", "zstd"), "qcow2", {"zstandard"}),
        (("-O", "qcow2"), ("--compress", "zlib", "--engine", "qemu-img"), "qcow2", {"qemu-img"}),
    ],
    ids=["vmdk", "vmdk compressed", "vhd to raw", "qcow2 to raw", "zstd", "qemu-img"],
)
def test_other_forms_are_converted(
    scene: Scene, form: tuple[str, ...], options: tuple[str, ...], kind: str, makers: set[str]
) -> None:
    raw = put_in_place(scene, "disk.image", None, *form)
    assert_published_as(scene, scene.publish(*options), raw, kind)
    (manifest,) = (scene.directory / "downloaded").glob("*.json")
    tools = json.loads(manifest.read_text())["tools"]
    assert tools == {name: version_of(name) for name in ("byoi-tools", "boto3", *makers)}


def version_of(name: str) -> str:
    """What the program says of itself, or the package's metadata of a library."""
    if name != "qemu-img":
        return version(name)
    return subprocess.run([name, "--version"], check=True, capture_output=True, text=True).stdout.split()[2]


def test_what_is_packed_is_the_same_object(scene: Scene) -> None:
    """A raw image, then the same in xz: called by the same name and content, it is there already."""
    first = scene.publish("--compress", "zlib")
    assert first.code == 0, first.said
    raw = put_in_place(scene, "disk.raw.xz", lzma.compress(scene.image.read_bytes(), preset=0))
    scene.proxy.forget()
    second = scene.publish("--compress", "zlib")
    assert "(was there already)" in second.output
    assert scene.proxy.part_numbers == []
    assert_published_as(scene, second, raw, "qcow2")


def test_what_is_packed_and_served_as_it_is_inside(scene: Scene) -> None:
    raw = put_in_place(scene, "disk.raw.xz", lzma.compress(scene.image.read_bytes(), preset=0))
    assert_published_as(scene, scene.publish(), raw, "raw")


def test_the_work_directory_is_the_named_one(scene: Scene) -> None:
    run = scene.publish("--compress", "zlib", "--work-dir", str(scene.directory / "missing"))
    assert run.code == USAGE
    assert "no file can be written" in run.said
    assert str(scene.directory / "missing") in run.said.replace("\n", "")
    work = scene.directory / "work"
    work.mkdir()
    run = scene.publish("--compress", "zlib", "--work-dir", str(work))
    assert run.code == 0, run.said
    assert list(work.iterdir()) == []


def test_memory_is_bounded_whatever_the_size(scene: Scene) -> None:
    """A disk of 64 GiB, of which 40 MiB are noise; all processes together need less than 400 MiB."""
    with scene.image.open("wb") as file:
        for number in range(10):
            file.seek(number * 6 * 2**30)
            file.write(os.urandom(4 * MIB))
        file.truncate(64 * 2**30)
    command = [PROGRAM, "publish", scene.image, "--compress", "zlib", "--to", f"s3://{scene.bucket}/images"]

    assert peak_bytes_of(list(map(str, command)), more=scene.environment) < 400 * MIB
    assert len(scene.object_keys()) == 4


def test_to_begin_anew_deletes_the_parts(scene: Scene) -> None:
    scene.publish_until(signal.SIGKILL, Kind.COMPLETE, "--compress", "zlib", is_lost=True)
    (parts,) = scene.open_uploads()
    assert 1 in parts
    run = scene.publish("--compress", "zlib", "--no-resume")
    assert run.code == 0, run.said
    assert sorted(scene.proxy.part_numbers) == sorted(parts)
    assert scene.open_uploads() == []


def test_a_raw_image_cannot_be_compressed(scene: Scene) -> None:
    run = scene.publish("--compress", "zlib", "--image-type", "raw")
    assert run.code == USAGE
    assert scene.object_keys() == []


def test_a_format_that_nobody_reads_is_refused(scene: Scene) -> None:
    scene.image.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(MIB))
    run = scene.publish()
    assert run.code == IMAGE
    assert "7z" in run.said
    assert scene.object_keys() == []
