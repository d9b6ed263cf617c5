"""What a user of a pretend provider has: credentials in the environment, an image at a URL, and runs that may die."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from byoi_tools.simulator.service import Simulator
from tests.command import clean_environment
from tests.unit.simulator.outside import ImageHost, make_gpt_image, order, to_qcow2

ROOT = Path(__file__).parents[1]


def api_environment(simulator: Simulator) -> dict[str, str]:
    """Where the provider's API is, and the keys to it."""
    keys = simulator.credentials
    return {
        "OVH_ENDPOINT": simulator.url,
        "OVH_APPLICATION_KEY": keys.application_key,
        "OVH_APPLICATION_SECRET": keys.application_secret,
        "OVH_CONSUMER_KEY": keys.consumer_key,
    }


def flags_of_an_image(host: ImageHost) -> tuple[str, ...]:
    """The flags that name an image which can be fetched."""
    path = to_qcow2(make_gpt_image(host.directory / "gpt.raw"))
    url = host.url(f"/files/{path.name}")
    told = order(url, path)["customizations"]
    assert isinstance(told, dict)
    return ("--url", url, "--image-type", "qcow2", "--checksum", f"sha512:{told['imageCheckSum']}")


def begin(
    arguments: Sequence[str], environment: Mapping[str, str], dying: tuple[str, int] = ("never", 0)
) -> subprocess.Popen[str]:
    """Start a run, in which time is fifty times as fast, and which dies where it is told to."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.dying_program", dying[0], str(dying[1]), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=clean_environment(environment),
    )
