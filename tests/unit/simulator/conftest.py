"""Fixtures of the simulator's tests: an image server for all of them, and simulators that stop by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import SimulatedServer
from byoi_tools.simulator.service import Simulator
from tests.unit.simulator.outside import ImageHost, Start, make_gpt_image, make_mbr_image, to_qcow2


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with good images: gpt.raw, gpt.qcow2, mbr.raw."""
    folder = tmp_path_factory.mktemp("images")
    to_qcow2(make_gpt_image(folder / "gpt.raw"))
    make_mbr_image(folder / "mbr.raw")
    return folder


@pytest.fixture(scope="session")
def host(images: Path) -> Iterator[ImageHost]:
    """A web server that serves the folder with the images."""
    with ImageHost(images) as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def begin(server: SimulatedServer, *, pace_seconds: float = 0.0) -> Simulator:
            simulator = Simulator([server], directory=tmp_path / "servers", pace_seconds=pace_seconds)
            return stack.enter_context(simulator)

        yield begin
