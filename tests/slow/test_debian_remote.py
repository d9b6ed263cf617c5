"""The Debian image where it is: the same report as of the file, for less than 15 % of its bytes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from fixtures.debian.build import ensure_image
from fixtures.object_store import ObjectStore
from tests.command import Finished, byoi_tools
from tests.range_server import serving_ranges

IMAGE = Path(__file__).parents[2] / "build/debian-12.qcow2"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def debian() -> None:
    ensure_image(IMAGE)


def comparable(run: Finished) -> object:
    report = json.loads(run.output)
    report["image"].pop("path")
    return report


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_under_15_percent_of_the_image_are_sent(boot: str) -> None:
    local = byoi_tools("check", IMAGE, "--boot", boot, "--format", "json")
    with serving_ranges(IMAGE.read_bytes(), "/debian-12.qcow2") as server:
        remote = byoi_tools("check", server.url, "--boot", boot, "--format", "json")
    assert remote.code == local.code, remote.said
    assert comparable(remote) == comparable(local)
    assert server.sent_bytes < 0.15 * IMAGE.stat().st_size
    assert len(server.requests) < 250
    assert server.connections == 1


def test_an_object_in_a_store(object_store: ObjectStore, bucket: str) -> None:
    object_store.client.upload_file(str(IMAGE), bucket, "debian.qcow2")
    local = byoi_tools("check", IMAGE, "--boot", "uefi", "--format", "json")
    remote = byoi_tools(
        "check",
        f"s3://{bucket}/debian.qcow2",
        "--boot",
        "uefi",
        "--format",
        "json",
        environment=object_store.environment,
    )
    assert remote.code == local.code, remote.said
    assert comparable(remote) == comparable(local)
    (share,) = re.findall(r"\((\d+\.\d) %\) fetched", remote.errors)
    assert float(share) < 15
