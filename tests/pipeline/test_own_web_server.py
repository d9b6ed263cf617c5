"""The whole line with the image in a directory that the user's own web server shows."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import default_servers
from byoi_tools.simulator.service import Simulator
from fixtures.tiny.good import good_raw
from tests.command import Finished, byoi_tools
from tests.simulated_user import api_environment
from tests.static_server import StaticServer, serving_directory

NAME = "ns1.simulated"
PASSWORD = "open-5160a7e5"
HEADER = f"X-Door={PASSWORD}"


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(default_servers(), directory=tmp_path / "servers") as running:
        yield running


@pytest.fixture
def served(tmp_path: Path) -> Path:
    path = tmp_path / "www"
    path.mkdir()
    return path


@pytest.fixture
def server(served: Path) -> Iterator[StaticServer]:
    """A web server that shows its files only to who sends the header."""
    with serving_directory(served) as running:
        running.needs_header = ("X-Door", PASSWORD)
        yield running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    path = directory / "good.raw"
    good_raw(path)
    return path


@pytest.fixture
def outside(simulator: Simulator, served: Path, server: StaticServer, tmp_path: Path) -> dict[str, str]:
    """The environment of a user who has no object store at all."""
    return {
        **api_environment(simulator),
        "BYOI_TO": f"file://{served}",
        "BYOI_PUBLIC_URL": server.url,
        "BYOI_SERVER": NAME,
        "BYOI_CONFIRM": NAME,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path / "home"),
    }


def deploy(image: Path, outside: dict[str, str], *flags: str) -> Finished:
    flags = ("--http-header", HEADER, *flags)
    return byoi_tools("publish-and-deploy", image, *flags, environment=outside)


def images_in(served: Path) -> list[Path]:
    return [path for path in served.iterdir() if path.suffix in (".qcow2", ".raw")]


def test_a_converted_image_is_deployed_and_found_again(
    image: Path, outside: dict[str, str], served: Path, server: StaticServer, simulator: Simulator, tmp_path: Path
) -> None:
    convert = ("--image-type", "qcow2", "--compress", "zlib")
    first = deploy(image, outside, *convert)

    assert first.code == 0, first.said
    (placed,) = images_in(served)
    digest = subprocess.run(["sha256sum", str(placed)], check=True, capture_output=True, text=True).stdout.split()[0]
    assert re.fullmatch(r"good-[0-9a-f]{16}\.qcow2", placed.name)
    assert f"sha256    {digest}" in first.output
    assert f"object    file://{placed}\n" in first.output
    assert json.loads(simulator.state_file(NAME).read_text())["boot"]["outcome"] == "loader"
    assert [path.name for path in image.parent.iterdir()] == ["good.raw"]
    before = (placed.stat().st_ino, placed.stat().st_mtime_ns)

    second = deploy(image, outside, *convert, "--verify", "full")

    assert second.code == 0, second.said
    assert "(was there already)" in second.output
    assert "converting" not in second.errors
    assert (placed.stat().st_ino, placed.stat().st_mtime_ns) == before
    receipts = [path.read_text() for path in (tmp_path / "state").rglob("*.jsonl")]
    assert len(receipts) == 2  # the image's, and the server's
    for text in (first.said, second.said, *receipts):
        assert PASSWORD not in text


def test_an_image_as_it_is_is_copied(image: Path, outside: dict[str, str], served: Path) -> None:
    run = deploy(image, outside)

    assert run.code == 0, run.said
    (placed,) = images_in(served)
    assert placed.read_bytes() == image.read_bytes()
    assert not os.path.samestat(placed.stat(), image.stat())


def test_a_web_server_that_refuses_stops_the_line(
    image: Path, outside: dict[str, str], server: StaticServer, simulator: Simulator
) -> None:
    server.needs_header = ("X-Door", "another")
    run = deploy(image, outside)

    assert run.code == 5
    assert "--http-header" in run.errors
    assert "reinstallServer" not in run.errors
    assert PASSWORD not in run.said
