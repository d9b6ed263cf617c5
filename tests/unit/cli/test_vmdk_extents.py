"""A VMDK may name files of the machine that reads it: no verb opens one of them, and each says what is wrong."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import Finished, byoi_tools
from tests.disk_images import run

MIB = 1 << 20
_IN_OPEN = 0x20  # inotify(7)
_DESCRIPTOR = """# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="{kind}"
"""


class Secret:
    """A file that the kernel watches: whoever opens it is noticed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(b"root:$6$secret".ljust(MIB, b"\n"))
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._events = self._libc.inotify_init1(os.O_NONBLOCK)
        assert self._libc.inotify_add_watch(self._events, os.fsencode(path), _IN_OPEN) >= 0

    def was_opened(self) -> bool:
        """Whether anybody has opened it since this was asked last."""
        with suppress(BlockingIOError):
            return bool(os.read(self._events, 4096))
        return False

    def close(self) -> None:
        os.close(self._events)


@pytest.fixture
def secret(tmp_path: Path) -> Iterator[Secret]:
    watched = Secret(tmp_path / "secret")
    yield watched
    watched.close()


@pytest.fixture
def images(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    return directory


def descriptor_of(kind: str, *extents: str) -> bytes:
    listed = "".join(f'RW {MIB // 512} FLAT "{extent}" 0\n' for extent in extents)
    return (_DESCRIPTOR.format(kind=kind) + listed).encode()


def text_alone(directory: Path, *extents: str) -> Path:
    """A descriptor without data, as beside `-flat.vmdk`."""
    path = directory / "evil.vmdk"
    path.write_bytes(descriptor_of("twoGbMaxExtentFlat", *extents))
    return path


def inside_a_whole_disk(directory: Path, extent: str) -> Path:
    """A disk with its data in it, whose descriptor tells of a file all the same."""
    path = directory / "evil.vmdk"
    run("qemu-img", "create", "-q", "-f", "vmdk", path, "1M")
    with path.open("r+b") as file:
        file.seek(512)
        file.write(descriptor_of("monolithicSparse", extent).ljust(20 * 512, b"\0"))
    return path


def verbs(image: Path) -> Iterator[Finished]:
    folder = image.parent.parent / "www"
    folder.mkdir()
    yield byoi_tools("inspect", image)
    yield byoi_tools("check", image, "--boot", "uefi")
    yield byoi_tools("convert", image, image.parent / "out.qcow2", "--to", "qcow2")
    yield byoi_tools(
        *("publish", image, "--image-type", "qcow2", "--to", f"file://{folder}"),
        *("--public-url", "http://127.0.0.1:9/"),
    )


def test_qemu_img_alone_would_open_it(secret: Secret, images: Path) -> None:
    """What the others are compared with: the file is found by that name, and the watch notices it."""
    assert not secret.was_opened()
    run("qemu-img", "convert", "-f", "vmdk", "-O", "raw", text_alone(images, "../secret"), images / "out")
    assert secret.was_opened()
    assert (images / "out").read_bytes() == secret.path.read_bytes()


def test_no_verb_opens_what_a_descriptor_names(secret: Secret, images: Path) -> None:
    runs = list(verbs(text_alone(images, "../secret", str(secret.path))))
    assert not secret.was_opened()
    assert [run.code for run in runs] == [0, 1, 3, 3], [run.said for run in runs]
    for refused in runs[2:]:
        said = " ".join(refused.errors.split())
        assert 'in "../secret", ' in said
        assert "whole set of files" in said
    assert not any("$6$" in each.said for each in runs)
    assert [path.name for path in images.iterdir()] == ["evil.vmdk"]


def test_no_verb_opens_what_a_whole_disk_names_besides(secret: Secret, images: Path) -> None:
    runs = list(verbs(inside_a_whole_disk(images, "../secret")))
    assert not secret.was_opened()
    assert runs[2].code == 0, runs[2].said
    assert b"$6$" not in (images / "out.qcow2").read_bytes()
