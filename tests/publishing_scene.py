"""A place where `byoi-tools publish` runs as a user runs it, with a proxy before the store; and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Do, Fault, Kind
from fixtures.store_proxy import StoreProxy
from tests.command import PROGRAM, Finished, clean_environment

SIDECARS = (".json", ".sha256", ".sha512")


@dataclass
class Scene:
    """An image alone in its directory, an empty bucket, and the proxy between the program and the store."""

    store: ObjectStore
    proxy: StoreProxy
    bucket: str
    directory: Path
    image: Path = field(init=False)

    def __post_init__(self) -> None:
        for name in ("images", "temporary", "state"):
            (self.directory / name).mkdir()
        self.image = self.directory / "images" / "disk.raw"

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets, and where all that the program keeps for itself goes."""
        return self.store.environment | {
            "AWS_ENDPOINT_URL_S3": self.proxy.url,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "TMPDIR": str(self.directory / "temporary"),
            "XDG_STATE_HOME": str(self.directory / "state"),
        }

    def publish(self, *options: str, before: tuple[str, ...] = ()) -> Finished:
        """Publish the image; `before` is a program that runs the program."""
        with self._started(options, before) as process:
            return _finish(process)

    def publish_until(
        self, number: signal.Signals, kind: Kind, *options: str, part: int | None = None, is_lost: bool = False
    ) -> Finished:
        """Publish, and send the program a signal when it sends such a request; `is_lost`: the store never sees it."""
        running: list[subprocess.Popen[str]] = []

        def interrupt() -> None:
            running[0].send_signal(number)

        self.proxy.faults.append(Fault(kind, Do(interrupt, is_lost), part=part))
        with self._started(options) as process:
            running.append(process)
            finished = _finish(process)
        assert self.proxy.faults[-1].hits == 1, finished.said
        self.proxy.forget()
        return finished

    def object_keys(self) -> list[str]:
        """The keys of all objects in the bucket."""
        return [found["Key"] for found in self.store.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]

    def open_uploads(self) -> list[dict[int, int]]:
        """The parts (number and size) of each upload that was neither completed nor aborted."""
        uploads = self.store.client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        listings = [
            self.store.client.list_parts(Bucket=self.bucket, Key=each["Key"], UploadId=each["UploadId"])
            for each in uploads
        ]
        return [{part["PartNumber"]: part["Size"] for part in listing.get("Parts", [])} for listing in listings]

    def download(self) -> Path:
        """Fetch every object; return the path of the image that was published, its sidecars lie beside it."""
        directory = self.directory / "downloaded"
        directory.mkdir()
        for key in self.object_keys():
            self.store.client.download_file(self.bucket, key, str(directory / Path(key).name))
        (image,) = (path for path in directory.iterdir() if path.suffix not in SIDECARS)
        return image

    def local_files(self) -> list[Path]:
        """What lies beside the image, and where temporary files go."""
        places = (self.directory / "images", self.directory / "temporary")
        return [path for place in places for path in place.rglob("*") if path != self.image]

    @contextmanager
    def _started(self, options: tuple[str, ...], before: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            [*before, str(PROGRAM), "publish", str(self.image), "--to", f"s3://{self.bucket}/images", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(self.environment),
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def explains(run: Finished, words: str) -> bool:
    """Whether the run's error says so, wherever its lines are broken."""
    return words in " ".join(run.errors.split())


def sha256_of(path: Path) -> str:
    """The digest that `sha256sum` prints."""
    return subprocess.run(["sha256sum", path], check=True, capture_output=True, text=True).stdout.split()[0]


def assert_published(scene: Scene, run: Finished, check: Callable[[Path], None]) -> None:
    """The run ended well, and its object is right by `check`, with its sidecars; nothing else is left anywhere."""
    assert run.code == 0, run.said
    assert "X-Amz-Signature=" in run.output
    image = scene.download()
    check(image)
    keys = sorted(Path(key).name for key in scene.object_keys())
    assert keys == sorted([image.name, *(image.name + suffix for suffix in SIDECARS)])
    for program in ("sha256sum", "sha512sum"):
        sidecar = f"{image.name}.{program.removesuffix('sum')}"
        subprocess.run([program, "--check", "--status", "--strict", sidecar], check=True, cwd=image.parent)
    assert scene.open_uploads() == []
    assert scene.local_files() == []
    assert_no_secrets(scene, run)


def assert_not_handed_on(scene: Scene, run: Finished) -> None:
    """Nothing was printed that somebody could take for a published image, and no secret."""
    assert run.code != 0
    assert run.output == ""
    assert "Traceback" not in run.errors
    assert_no_secrets(scene, run)


def assert_no_secrets(scene: Scene, run: Finished) -> None:
    """Neither what was said nor what was written down has the keys, and only a good run's result the signed URL."""
    files = [path for path in (scene.directory / "state").rglob("*") if path.is_file()]
    texts = [run.errors, *(path.read_text() for path in files)]
    secrets = (scene.store.secret_key, scene.store.access_key, "X-Amz-Signature=")
    assert not [text for text in texts if any(secret in text for secret in secrets)]
    assert scene.store.secret_key not in run.output


def _finish(process: subprocess.Popen[str]) -> Finished:
    output, errors = process.communicate(timeout=300)
    return Finished(process.returncode, output, errors)
