"""The example for Packer as its user runs it: the real program, a real object store, a pretend provider."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import default_servers
from byoi_tools.simulator.service import Simulator
from fixtures.debian.build import ensure_image
from fixtures.object_store import ObjectStore
from fixtures.tiny.canvas import Canvas
from tests.command import PROGRAM, Finished, clean_environment
from tests.simulated_user import api_environment

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "examples" / "packer" / "image.pkr.hcl"
DEBIAN = ROOT / "build" / "debian-12.qcow2"
NAME = "ns1.simulated"

pytestmark = pytest.mark.slow


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(default_servers(), directory=tmp_path / "servers") as running:
        yield running


@pytest.fixture
def settings(simulator: Simulator, object_store: ObjectStore, bucket: str, tmp_path: Path) -> dict[str, str]:
    """What a user's CI sets."""
    return {
        **object_store.environment,
        **api_environment(simulator),
        "BYOI_TO": f"s3://{bucket}/images",
        "BYOI_SERVER": NAME,
        "BYOI_CONFIRM": NAME,
        "BYOI_RECEIPT": str(tmp_path / "receipt.jsonl"),
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The user's folder, with the template and the files that its QEMU source wants."""
    directory = tmp_path / "project"
    (directory / "seed" / "openstack").mkdir(parents=True)
    key = directory / "seed" / "id_ed25519"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)
    (directory / "image.pkr.hcl").write_text(TEMPLATE.read_text())
    return directory


def packer(project: Path, *arguments: str, settings: dict[str, str] | None = None) -> Finished:
    """Run Packer to its end, without asking for updates; all that it logs lands in `packer.log`."""
    log = {"PACKER_LOG": "1", "PACKER_LOG_PATH": "packer.log", "CHECKPOINT_DISABLE": "1"}
    places = {"HOME": "home", "PACKER_CONFIG_DIR": "home", "PACKER_CACHE_DIR": "cache"}
    for place in places.values():
        (project / place).mkdir(exist_ok=True)
    path = {"PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}"}
    absolute = {name: str(project / place) for name, place in places.items()}
    with tempfile.TemporaryDirectory() as scratch:  # it has sockets, whose paths have a hundred characters at most
        environment = clean_environment({**path, **absolute, "TMPDIR": scratch, **log, **(settings or {})})
        done = subprocess.run(
            ["packer", *arguments],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=project,
            timeout=300,
        )
    return Finished(done.returncode, done.stdout, done.stderr)


def build(
    project: Path, image: Path, settings: dict[str, str] | None = None, name: str = "debian-12.qcow2"
) -> Finished:
    variables = ("-var", f"base_image={image}", "-var", f"name={name}")
    return packer(project, "build", "-color=false", *variables, ".", settings=settings)


@pytest.mark.parametrize("source", ["file", "qemu"])
def test_packer_accepts_the_template(project: Path, source: str) -> None:
    template = project / "image.pkr.hcl"
    text = template.read_text()
    assert 'sources = ["source.file.image"]' in text
    template.write_text(text.replace('sources = ["source.file.image"]', f'sources = ["source.{source}.image"]'))
    accepted = packer(project, "validate", "-var", "base_image=/dev/null", ".")
    assert accepted.code == 0, accepted.said
    formatted = packer(project, "fmt", "-check", "-diff", ".")
    assert (formatted.code, formatted.said) == (0, "")


def test_the_debian_image_ends_on_the_disk_of_the_server(
    project: Path, settings: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str
) -> None:
    ensure_image(DEBIAN)
    run = build(project, DEBIAN, settings)
    assert run.code == 0, run.said
    manifest = json.loads((project / "output" / "packer-manifest.json").read_text())
    size = DEBIAN.stat().st_size
    assert manifest["builds"][0]["files"] == [{"name": "output/debian-12.qcow2", "size": size}]
    listed = object_store.client.list_objects_v2(Bucket=bucket)["Contents"]
    (stored,) = [found for found in listed if found["Key"].endswith(".qcow2")]  # its digests lie beside it
    assert stored["Size"] == size

    state = json.loads(simulator.state_file(NAME).read_text())
    assert state["boot"]["outcome"] == "loader"
    listing = ["sfdisk", "-J", str(DEBIAN.with_suffix(".raw"))]
    table = json.loads(subprocess.run(listing, check=True, capture_output=True, text=True).stdout)
    for partition in table["partitiontable"]["partitions"]:
        skip, length = partition["start"] * 512, partition["size"] * 512
        files = [str(DEBIAN.with_suffix(".raw")), str(simulator.disk_file(NAME))]
        subprocess.run(["cmp", f"--ignore-initial={skip}", f"--bytes={length}", *files], check=True)

    secrets = [value for name, value in settings.items() if re.fullmatch("(AWS|OVH)_.*(KEY|SECRET).*", name)]
    assert len(secrets) == 5
    for text in (run.said, (project / "packer.log").read_text()):
        assert not [secret for secret in [*secrets, "X-Amz-Signature"] if secret in text]


def test_a_failed_check_fails_the_build(project: Path, tmp_path: Path) -> None:
    """Without settings: `publish-and-deploy` would end with exit 2 for the want of them."""
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    run = build(project, canvas.as_raw(tmp_path / "bad.raw"), name="bad.raw")
    assert run.code == 1, run.said
    assert "error esp.grub-stub" in run.output
    assert "exited with non-zero exit status: 1" in run.output
    assert "BYOI_SERVER" not in run.said
    assert (project / "output" / "bad.raw").exists(), "the image is kept, to look at it"


def test_a_refused_deployment_fails_the_build(
    project: Path,
    tmp_path: Path,
    settings: dict[str, str],
    simulator: Simulator,
    object_store: ObjectStore,
    bucket: str,
) -> None:
    image = Canvas(tmp_path / "canvas.raw").as_qcow2(tmp_path / "good.qcow2")
    run = build(project, image, {**settings, "BYOI_CONFIRM": ""})
    assert run.code == 1, run.said
    assert "PASSED: debian-12.qcow2" in run.output
    assert "exited with non-zero exit status: 2" in run.output
    assert "Contents" not in object_store.client.list_objects_v2(Bucket=bucket)
    assert not simulator.state_file(NAME).exists()
