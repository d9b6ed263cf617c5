"""The whole line with `--rehearse`: what does not boot is neither published nor installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from byoi_tools.simulator.servers import default_servers
from byoi_tools.simulator.service import Simulator
from fixtures.object_store import ObjectStore
from fixtures.tiny.good import good_raw
from tests.command import byoi_tools
from tests.simulated_user import api_environment

NAME = "ns1.simulated"


@pytest.mark.slow
def test_an_image_that_does_not_boot_goes_no_further(object_store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    """The tiny image passes the check, and its loader starts: it only has no kernel to go on to."""
    image = tmp_path / "good.raw"
    good_raw(image)
    with Simulator(default_servers(), directory=tmp_path / "servers") as simulator:
        environment = {
            **object_store.environment,
            **api_environment(simulator),
            "XDG_STATE_HOME": str(tmp_path / "state"),
        }
        order = ("--server", NAME, "--to", f"s3://{bucket}/images", "--confirm", NAME, "--rehearse")
        run = byoi_tools("publish-and-deploy", image, *order, environment=environment, seconds=600)
        assert run.code == 1, run.said
        assert "FAILED: did not reach 'kernel': the machine was switched off" in run.output
        assert "the server was not touched" in run.errors
        assert not simulator.state_file(NAME).exists()
    assert "Contents" not in object_store.client.list_objects_v2(Bucket=bucket)
