"""Images in a directory of the user's own web server."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from byoi_tools.errors import IntegrityError, StorageError
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.image import ImageFormat, ImageType
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.manifest import ManifestSource
from byoi_tools.model.publishing.published import PublishedImage, Verification
from byoi_tools.publishing.placing import Placement, place_image
from byoi_tools.publishing.public_directory import PublicDirectory
from tests.clock import FakeClock
from tests.static_server import StaticServer, serving_directory

MIB = 2**20


class Told(Observer):
    """Remembers, and does something to the world when the copying has begun."""

    def __init__(self, interfere: Callable[[], None] = lambda: None) -> None:
        self._interfere = interfere
        self.works: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def work_started(self, work: str, total_bytes: int | None) -> None:
        self.works.append(work)
        if work == "copying":
            self._interfere()

    def noted(self, message: str) -> None:
        self.notes.append(message)

    def warned(self, message: str) -> None:
        self.warnings.append(message)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    path = tmp_path / "www"
    path.mkdir()
    return path


@pytest.fixture
def server(served: Path) -> Iterator[StaticServer]:
    with serving_directory(served) as running:
        yield running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file with a hole in it, that only its owner may read."""
    path = tmp_path / "my image.raw"
    with path.open("wb") as file:
        file.write(os.urandom(3 * MIB))
        file.seek(16 * MIB)
        file.write(os.urandom(MIB + 17))
    path.chmod(0o600)
    return path


def place(
    image: Path,
    served: Path,
    server: StaticServer,
    observer: Observer | None = None,
    *,
    is_scratch: bool = False,
    verification: Verification = Verification.RANGES,
) -> PublishedImage:
    placement = Placement(
        image, ImageType.RAW, image.name, ManifestSource(image.name, ImageFormat.RAW), is_scratch=is_scratch
    )
    directory = PublicDirectory(served, server.url)
    return place_image(placement, directory, FakeClock(), observer or Observer(), verification)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_url_brings_the_image_and_its_sidecars(image: Path, served: Path, server: StaticServer) -> None:
    published = place(image, served, server)

    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    name = f"my-image-{sha256[:16]}.raw"
    assert names(served) == [name, f"{name}.json", f"{name}.sha256", f"{name}.sha512"]
    assert published.url.reveal() == f"{server.url}/{name}"
    with urllib.request.urlopen(published.url.reveal()) as answer:  # noqa: S310 - our own server
        assert answer.read() == image.read_bytes()
    for program in ("sha256sum", "sha512sum"):
        command = [program, "--strict", "-c", f"{name}.{program.removesuffix('sum')}"]
        assert subprocess.run(command, cwd=served, check=True, capture_output=True, text=True).stdout == f"{name}: OK\n"
    manifest = json.loads((served / f"{name}.json").read_text())
    assert manifest["digests"]["sha256"] == sha256
    assert (manifest["object"], manifest["size_bytes"]) == (name, image.stat().st_size)
    assert published.expires_at is None
    assert not published.was_reused
    assert [digest.algorithm for digest in published.digests] == [DigestAlgorithm.SHA256, DigestAlgorithm.SHA512]


def test_holes_stay_holes_and_the_users_file_is_another_file(image: Path, served: Path, server: StaticServer) -> None:
    place(image, served, server)

    (copy,) = served.glob("*.raw")
    assert copy.stat().st_ino != image.stat().st_ino
    assert copy.stat().st_blocks * 512 < 8 * MIB
    assert copy.stat().st_mode & 0o777 == 0o644
    assert image.stat().st_mode & 0o777 == 0o600


def test_a_file_of_this_run_gets_a_second_name(image: Path, served: Path, server: StaticServer) -> None:
    told = Told()
    published = place(image, served, server, told, is_scratch=True)

    assert image.samefile(served / published.url.reveal().rpartition("/")[2])
    assert told.works == ["hashing"]
    assert len(names(served)) == 4


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="needs a second file system")
def test_another_file_system_gets_a_copy(
    image: Path, server: StaticServer, served: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shared = Path("/dev/shm") / f"byoi-{os.getpid()}.raw"
    try:
        shared.write_bytes(image.read_bytes())
        if shared.stat().st_dev == served.stat().st_dev:
            pytest.skip("both are one file system")
        place(shared, served, server, is_scratch=True)
    finally:
        shared.unlink(missing_ok=True)

    (copy,) = served.glob("*.raw")
    assert copy.read_bytes() == image.read_bytes()


def test_what_is_there_is_not_copied_again(image: Path, served: Path, server: StaticServer) -> None:
    first = place(image, served, server)
    os.utime(served / f"{Path(str(first.address)).name}.json", (0, 0))
    before = {path: path.stat().st_mtime_ns for path in served.iterdir() if path.suffix != ".json"}
    told = Told()

    second = place(image, served, server, told)

    assert second.was_reused
    assert second.address == first.address
    assert {path: path.stat().st_mtime_ns for path in served.iterdir() if path.suffix != ".json"} == before
    (manifest,) = served.glob("*.json")
    assert manifest.stat().st_mtime > 0  # it is young again, for `objects gc`
    assert "copying" not in told.works
    assert len(told.notes) == 1


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[:-1] + b"?"])
def test_what_is_not_what_its_name_says_is_replaced(
    image: Path, served: Path, server: StaticServer, damage: Callable[[bytes], bytes]
) -> None:
    place(image, served, server)
    (copy,) = served.glob("*.raw")
    copy.write_bytes(damage(image.read_bytes()))

    assert not place(image, served, server).was_reused
    assert copy.read_bytes() == image.read_bytes()


def test_a_lost_or_damaged_manifest_is_written_again(image: Path, served: Path, server: StaticServer) -> None:
    place(image, served, server)
    (manifest,) = served.glob("*.json")
    for content in ("", "{}", "[" * 100_000):
        manifest.write_text(content)
        assert place(image, served, server).was_reused
        assert json.loads(manifest.read_text())["image_type"] == "raw"


def test_a_source_that_changes_meanwhile_leaves_nothing(image: Path, served: Path, server: StaticServer) -> None:
    def write_a_byte() -> None:
        with image.open("r+b") as file:
            file.write(b"x")

    with pytest.raises(StorageError) as caught:
        place(image, served, server, Told(write_a_byte))

    assert "changed" in caught.value.message
    assert names(served) == []


def test_ctrl_c_leaves_nothing(image: Path, served: Path, server: StaticServer) -> None:
    class CtrlC(Observer):
        def work_advanced(self, work: str, done_bytes: int) -> None:
            if work == "copying":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place(image, served, server, CtrlC())

    assert names(served) == []


def test_what_a_killed_run_left_is_taken_over(image: Path, served: Path, server: StaticServer) -> None:
    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    left = served / f".my-image-{sha256[:16]}.raw.part"
    left.write_bytes(b"x" * (20 * MIB))

    place(image, served, server)

    (copy,) = served.glob("*.raw")
    assert copy.read_bytes() == image.read_bytes()
    assert not left.exists()


def test_two_runs_do_not_write_one_file(image: Path, served: Path, server: StaticServer) -> None:
    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    with (served / f".my-image-{sha256[:16]}.raw.part").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(StorageError) as caught:
            place(image, served, server)

    assert "another run" in caught.value.message


@pytest.mark.parametrize("verification", Verification)
def test_a_server_that_shows_something_else(
    image: Path, served: Path, tmp_path: Path, verification: Verification
) -> None:
    """The web server has another directory: there, a file of that name has other bytes, or there is none."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with serving_directory(elsewhere) as server:
        with pytest.raises(StorageError) as caught:
            place(image, served, server, verification=verification)
        assert "--public-url" in caught.value.remedy
        (copy,) = served.glob("*.raw")
        (elsewhere / copy.name).write_bytes(b"\0" * image.stat().st_size)
        with pytest.raises(IntegrityError):
            place(image, served, server, verification=verification)


def test_a_file_that_the_server_may_not_read(image: Path, served: Path, server: StaticServer) -> None:
    place(image, served, server)
    (copy,) = served.glob("*.raw")
    copy.chmod(0o600)

    with pytest.raises(StorageError) as caught:
        place(image, served, server)

    assert "status 403" in str(caught.value.details)


def test_a_server_without_ranges_needs_a_full_download(image: Path, served: Path, server: StaticServer) -> None:
    server.serves_ranges = False
    with pytest.raises(StorageError) as caught:
        place(image, served, server)
    assert "--verify full" in caught.value.remedy

    assert place(image, served, server, verification=Verification.FULL).was_reused
    assert server.requests[-1][1] is None


def test_http_beyond_this_machine_is_warned_of(image: Path, served: Path) -> None:
    told = Told()
    with pytest.raises(StorageError):
        place(image, served, StaticServer("http://192.0.2.1.invalid/images"), told)

    (warning,) = told.warnings
    assert "not encrypted" in warning


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_may_not_be_written(image: Path, served: Path, server: StaticServer) -> None:
    served.chmod(0o500)
    with pytest.raises(StorageError) as caught:
        place(image, served, server)
    assert "right to write" in caught.value.remedy


def test_a_directory_that_disappeared(image: Path, served: Path, server: StaticServer) -> None:
    served.rmdir()
    with pytest.raises(StorageError) as caught:
        place(image, served, server)
    assert "No such file" in str(caught.value.details)
