"""`check` and `inspect` of images at URLs and in buckets find what they find in the file."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.tiny.good import good_raw
from tests.command import Finished, byoi_tools
from tests.range_server import serving_ranges

SIGNATURE = "5160a7e5"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    raw = tmp_path_factory.mktemp("image") / "good.raw"
    good_raw(raw)
    output = raw.with_suffix(".qcow2")
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(output)], check=True)
    return output


def comparable(run: Finished) -> object:
    """The JSON that was printed, without what a place changes: the path, and what the file occupies."""
    found = json.loads(run.output)
    where = found["image"] if "image" in found else found["container"]
    where.pop("path")
    where.pop("allocated_bytes", None)
    return found


@pytest.mark.parametrize("verb", [("check", "--boot", "uefi"), ("inspect",)], ids=lambda verb: verb[0])
def test_a_url_tells_what_the_file_tells(image: Path, verb: tuple[str, ...]) -> None:
    local = byoi_tools(verb[0], image, *verb[1:], "--format", "json")
    with serving_ranges(image.read_bytes(), "/images/good.qcow2") as server:
        url = f"{server.url}?X-Amz-Signature={SIGNATURE}"
        remote = byoi_tools(verb[0], url, *verb[1:], "--format", "json")
    assert (remote.code, local.code) == (0, 0), remote.said
    assert comparable(remote) == comparable(local)
    assert SIGNATURE not in remote.said
    assert f'"path": "{server.url}?[redacted]"' in remote.output


def test_an_object_tells_what_the_file_tells(object_store: ObjectStore, bucket: str, image: Path) -> None:
    object_store.client.upload_file(str(image), bucket, "images/a good.qcow2")
    location = f"s3://{bucket}/images/a good.qcow2"
    local = byoi_tools("check", image, "--boot", "legacy", "--format", "json")
    remote = byoi_tools("check", location, "--boot", "legacy", "--format", "json", environment=object_store.environment)
    assert remote.code == 0, remote.said
    assert comparable(remote) == comparable(local)
    assert json.loads(remote.output)["image"]["path"] == location


def test_what_was_fetched_is_told_as_the_server_counts_it(image: Path) -> None:
    with serving_ranges(image.read_bytes()) as server:
        run = byoi_tools("inspect", server.url)
    (counted,) = re.findall(r" of (\S+ \S+) \((\d+\.\d) %\) fetched in (\d+) requests$", run.errors, re.MULTILINE)
    assert float(counted[1]) == pytest.approx(100 * server.sent_bytes / image.stat().st_size, abs=0.1)
    assert int(counted[2]) == len(server.requests)
    assert "not encrypted" not in run.errors


def test_the_suffix_of_a_url_declares_the_type(image: Path) -> None:
    with serving_ranges(image.read_bytes(), "/images/good.raw") as server:
        run = byoi_tools("check", f"{server.url}?name=x.qcow2", "--boot", "uefi")
    assert run.code == 1
    assert "error container.format-mismatch" in run.output


@pytest.mark.parametrize("plan", [[404], [403], [503] * 20], ids=["404", "403", "503"])
def test_what_cannot_be_fetched(plan: list[int | str | None]) -> None:
    with serving_ranges(b"x" * 1000) as server:
        server.plan = plan
        run = byoi_tools("check", f"{server.url}?X-Amz-Signature={SIGNATURE}", "--boot", "uefi")
    assert run.code == 5
    assert "cannot be fetched" in run.errors
    assert "  do:   " in run.errors
    assert SIGNATURE not in run.said
    assert "Traceback" not in run.said


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_network_that_fails_in_the_middle_gives_no_report(image: Path, share: float) -> None:
    """Facts that could not be fetched are not facts that could not be examined: no verdict comes from them."""
    with serving_ranges(image.read_bytes()) as server:
        byoi_tools("check", server.url, "--boot", "uefi")
        count = len(server.requests)
        server.plan = [*([None] * max(1, int(share * count) - 1)), *([410] * 200)]
        run = byoi_tools("check", server.url, "--boot", "uefi", "--format", "json")
    assert count > 5
    assert run.code == 5
    assert run.output == ""


def test_an_unreachable_image_does_not_hide_the_others(image: Path) -> None:
    with serving_ranges(b"x") as server:
        server.plan = [404]
        run = byoi_tools("check", server.url, image, "--boot", "uefi")
    assert run.code == 5
    assert "PASSED: " in run.output


def test_an_object_that_is_not_there(object_store: ObjectStore, bucket: str) -> None:
    run = byoi_tools("inspect", f"s3://{bucket}/nothing.raw", environment=object_store.environment)
    assert run.code == 5
    assert f"s3://{bucket}/nothing.raw cannot be fetched" in " ".join(run.errors.split())
    assert "NoSuchKey" in run.errors


def test_a_bucket_without_credentials(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    run = byoi_tools("inspect", "s3://images/debian.qcow2", environment=environment)
    assert run.code == 5
    assert "AWS_ACCESS_KEY_ID" in run.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "ftp://host/x.raw", "--boot", "uefi"),
        ("check", "file:///etc/passwd", "--boot", "uefi"),
        ("check", "https://", "--boot", "uefi"),
        ("check", "https://user:secret@host/x.raw", "--boot", "uefi"),
        ("check", "https://host:0/x.raw", "--boot", "uefi"),
        ("inspect", "https://[half"),
        ("inspect", "s3://bucket"),
        ("inspect", "s3:///key"),
        ("convert", "https://host/x.raw?sig=secret", "out.qcow2"),
        ("checksum", "s3://bucket/x.raw"),
        ("publish", "https://host/x.raw", "--to", "s3://bucket/x"),
        ("publish-and-deploy", "s3://b/x.raw", "--server", "ns1", "--to", "s3://bucket/x", "--confirm", "ns1"),
    ],
    ids=lambda arguments: " ".join(arguments)[:50],
)
def test_usage_errors(arguments: tuple[str, ...], tmp_path: Path) -> None:
    run = byoi_tools(*arguments, directory=tmp_path)
    assert run.code == 2, run.said
    assert "  do:   " in run.errors
    assert "secret" not in run.said


def test_several_at_once(image: Path) -> None:
    with serving_ranges(image.read_bytes(), "/good.qcow2") as server:
        url = f"{server.url}?X-Amz-Signature={SIGNATURE}"
        gone = url.replace("127.0.0.1", "127.0.0.2")  # another address, where nobody listens
        run = byoi_tools("check", url, gone, image, "--boot", "uefi", "--jobs", "2", "--format", "json")
    assert run.code == 5
    assert [report["image"]["path"] for report in json.loads(run.output)] == [f"{server.url}?[redacted]", str(image)]
    assert "cannot be fetched" in run.errors
    assert "fetched in" in run.errors
    assert SIGNATURE not in run.said
