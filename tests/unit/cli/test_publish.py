"""The verb `publish`, as its user runs it: a real store, or a real web server, and what is shown of the secrets."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.tiny.good import good_raw
from tests.command import PROGRAM, Finished, byoi_tools, clean_environment
from tests.object_listing import list_keys
from tests.static_server import serving_directory

TOKEN = "FQoGZXIvYXdzEXAMPLETOKEN"
CONVERTED = ["--image-type", "qcow2", "--compress", "zlib"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    path = directory / "good.raw"
    good_raw(path)
    return path


@pytest.fixture
def outside(object_store: ObjectStore, bucket: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has nothing but the keys of the store."""
    return {
        **object_store.environment,
        "HOME": str(tmp_path / "home"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "BYOI_TO": f"s3://{bucket}/images",
    }


def value_of(run: Finished, name: str) -> str:
    """The value on the line of that name."""
    (value,) = re.findall(rf"^{name} +(.*)$", run.output, re.MULTILINE)
    return str(value)


def secrets_of(environment: dict[str, str], url: str) -> list[str]:
    (signature,) = re.findall(r"X-Amz-Signature=([0-9a-f]{64})", url)
    return [str(signature), environment["AWS_SECRET_ACCESS_KEY"]]


@pytest.mark.parametrize(("output_format", "flags"), [("text", []), ("json", []), ("text", CONVERTED)])
def test_the_url_is_shown_once_and_nowhere_else(
    image: Path,
    outside: dict[str, str],
    object_store: ObjectStore,
    bucket: str,
    tmp_path: Path,
    output_format: str,
    flags: list[str],
) -> None:
    run = byoi_tools("publish", image, "--format", output_format, *flags, environment=outside)

    assert run.code == 0, run.said
    url = json.loads(run.output)["url"] if output_format == "json" else value_of(run, "url")
    assert run.output.count(url) == 1
    stored = [
        object_store.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in list_keys(object_store, bucket)
    ]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    metadata = [
        json.dumps(object_store.client.head_object(Bucket=bucket, Key=key)["Metadata"]).encode()
        for key in list_keys(object_store, bucket)
    ]
    assert len(stored) == 4  # the image, its manifest, two files of digests
    for secret in secrets_of(outside, url):
        assert secret not in run.errors
        assert run.output.count(secret) == (1 if secret in url else 0)
        assert not [content for content in (*stored, *files, *metadata) if secret.encode() in content]


@pytest.mark.parametrize("flags", [[], CONVERTED])
def test_more_digests(
    image: Path, outside: dict[str, str], object_store: ObjectStore, bucket: str, tmp_path: Path, flags: list[str]
) -> None:
    """Asked for later they are added, and nothing is sent again; what an earlier run added stays."""
    first = byoi_tools("publish", image, *flags, environment=outside)
    second = byoi_tools("publish", image, *flags, "--digest", "md5", environment=outside)
    third = byoi_tools("publish", image, *flags, environment=outside | {"BYOI_DIGEST": "sha1 sha256"})

    assert (first.code, second.code, third.code) == (0, 0, 0), first.said + second.said + third.said
    for run in (second, third):
        assert value_of(run, "object").endswith("(was there already)")
    name = value_of(first, "object").rpartition("/")[2]
    for key in list_keys(object_store, bucket):
        object_store.client.download_file(bucket, key, str(tmp_path / Path(key).name))
    for program in ("md5sum", "sha1sum", "sha256sum", "sha512sum"):
        algorithm = program.removesuffix("sum")
        command = [program, "--strict", "-c", f"{name}.{algorithm}"]
        checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert checked.stdout == f"{name}: OK\n"
        digits = (tmp_path / f"{name}.{algorithm}").read_text().split()[0]
        assert json.loads((tmp_path / f"{name}.json").read_text())["digests"][algorithm] == digits
    assert value_of(second, "md5") == (tmp_path / f"{name}.md5").read_text().split()[0]
    assert value_of(third, "sha1") == (tmp_path / f"{name}.sha1").read_text().split()[0]
    removed = byoi_tools("objects", "delete", name, "--yes", environment=outside)
    assert removed.code == 0, removed.said
    assert list_keys(object_store, bucket) == []


def test_temporary_credentials_shorten_the_life(image: Path, outside: dict[str, str]) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=90)
    run = byoi_tools("publish", image, environment={**outside, "AWS_CREDENTIAL_EXPIRATION": end.isoformat()})

    assert run.code == 0, run.said
    assert datetime.fromisoformat(value_of(run, "expires")) == end
    assert "warning: the URL works for 1:29:" in run.errors
    assert "may fetch it later" in run.errors


@pytest.mark.parametrize(("expires", "is_short"), [("119m", True), ("2h", False)])
def test_a_url_that_may_end_before_the_provider_comes(
    image: Path, outside: dict[str, str], expires: str, is_short: bool
) -> None:
    run = byoi_tools("publish", image, "--expires", expires, environment=outside)
    assert run.code == 0, run.said
    assert ("the URL works for 1:59:00 only" in " ".join(run.errors.split())) is is_short


def test_a_refused_token_is_shown_nowhere(image: Path, outside: dict[str, str]) -> None:
    run = byoi_tools("publish", image, environment={**outside, "AWS_SESSION_TOKEN": TOKEN})

    assert TOKEN not in run.said
    assert "Traceback" not in run.said


def test_a_region_of_ovhcloud(image: Path, outside: dict[str, str], object_store: ObjectStore, bucket: str) -> None:
    """BYOI_OVH_ENDPOINT takes the place of the region's endpoint, and AWS_ENDPOINT_URL_S3 does not count."""
    outside |= {"BYOI_OVH_ENDPOINT": object_store.endpoint_url, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
    run = byoi_tools("publish", image, "--to", f"ovh://GRA/{bucket}/x", "--verify", "full", environment=outside)

    assert run.code == 0, run.said
    assert "/gra/s3/aws4_request" in value_of(run, "url").replace("%2F", "/")
    assert "downloading done" in run.errors
    key = value_of(run, "object").removeprefix(f"s3://{bucket}/")
    location = f"ovh://gra/{bucket}/{key}"
    checked = byoi_tools("check", location, "--boot", "uefi", environment=outside)
    assert checked.code == 0, checked.said


def test_an_unknown_region(image: Path, outside: dict[str, str]) -> None:
    run = byoi_tools("publish", image, "--to", "ovh://paris/images", environment=outside)

    assert run.code == 2
    assert "eu-west-par" in run.errors


def test_a_directory_of_a_web_server(image: Path, tmp_path: Path) -> None:
    served = tmp_path / "www"
    served.mkdir()
    with serving_directory(served) as server:
        where = ("--to", f"file://{served}", "--public-url", server.url)
        first = byoi_tools("publish", image, *where)
        second = byoi_tools("publish", image, *where, "--format", "json", "--verify", "full")

    assert (first.code, second.code) == (0, 0), first.said + second.said
    sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
    name = f"good-{sha256[:16]}.raw"
    assert sorted(path.name for path in served.iterdir()) == [
        name,
        *(f"{name}.{x}" for x in ("json", "sha256", "sha512")),
    ]
    assert value_of(first, "url") == f"{server.url}/{name}"
    assert value_of(first, "expires") == "never"
    told = json.loads(second.output)
    assert (told["object"], told["reused"], told["expires"]) == (f"file://{served}/{name}", True, None)
    assert (served / name).read_bytes() == image.read_bytes()


def test_more_digests_in_a_directory(image: Path, tmp_path: Path) -> None:
    served = tmp_path / "www"
    served.mkdir()
    with serving_directory(served) as server:
        where = ("--to", f"file://{served}", "--public-url", server.url)
        first = byoi_tools("publish", image, *where)
        second = byoi_tools("publish", image, *where, "--digest", "sha1", "--digest", "md5")

    assert (first.code, second.code) == (0, 0), first.said + second.said
    assert "copying" not in second.errors
    assert value_of(second, "beside") == ".sha256 .sha512 .md5 .sha1 .json"
    (placed,) = served.glob("*.raw")
    for program in ("md5sum", "sha1sum"):
        command = [program, "--strict", "-c", f"{placed.name}.{program.removesuffix('sum')}"]
        subprocess.run(command, cwd=served, capture_output=True, check=True)


def test_a_converted_image_in_a_directory(image: Path, tmp_path: Path) -> None:
    served = tmp_path / "www"
    served.mkdir()
    with serving_directory(served) as server:
        where = ("--to", f"file://{served}", "--public-url", server.url)
        run = byoi_tools("publish", image, *where, *CONVERTED)

    assert run.code == 0, run.said
    (placed,) = served.glob("*.qcow2")
    compare = ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", str(image), str(placed)]
    subprocess.run(compare, check=True, capture_output=True)
    assert "copying" not in run.errors  # the file of the run itself got the name
    assert (placed.stat().st_nlink, placed.stat().st_mode & 0o777) == (1, 0o644)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "www"]
    assert [path.name for path in image.parent.iterdir()] == ["good.raw"]
    manifest = json.loads(placed.with_name(f"{placed.name}.json").read_text())
    assert manifest["source"]["format"] == "raw"
    assert manifest["conversion"]["compression"] == "zlib"


@pytest.mark.parametrize(
    "flags",
    [
        ["--to", "file:///"],
        ["--to", "file:///absent", "--public-url", "https://images.example.net"],
        ["--to", "s3://images", "--public-url", "https://images.example.net"],
        ["--to", "file:///", "--public-url", "ftp://images.example.net"],
        ["--to", "s3://images", "--verify", "none"],
    ],
)
def test_usage_errors_come_first(image: Path, flags: list[str]) -> None:
    run = byoi_tools("publish", image, *flags)

    assert run.code == 2
    assert run.output == ""
    assert "Traceback" not in run.errors


@pytest.mark.parametrize(
    ("options", "code", "said"), [("size=1m", 5, "bytes are needed"), ("ro", 2, "may not be written")]
)
def test_a_directory_that_cannot_take_it(image: Path, tmp_path: Path, options: str, code: int, said: str) -> None:
    """A small file system in memory stands for a full disk; only root may mount one."""
    served = tmp_path / "www"
    served.mkdir()
    flags = ["--to", f"file://{served}", "--public-url", "http://127.0.0.1:1"]
    script = 'mount -t tmpfs -o "$1" none "$2" || exit 99; shift 2; "$@"; code=$?; ls -A "$0"; exit $code'
    done = subprocess.run(
        [
            "unshare",
            "-m",
            "sh",
            "-c",
            script,
            str(served),
            options,
            str(served),
            str(PROGRAM),
            "publish",
            str(image),
            *flags,
        ],
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounting is not permitted here")
    assert done.returncode == code, done.stderr
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""  # not even a part is left
