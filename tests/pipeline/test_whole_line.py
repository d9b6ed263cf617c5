"""The whole line as a user runs it: the real program, the real clients, a real object store, a pretend provider."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import DiskGroup, SimulatedServer, default_servers
from byoi_tools.simulator.service import Simulator
from fixtures.object_store import ObjectStore
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.command import PROGRAM, Finished, byoi_tools, clean_environment
from tests.simulated_user import api_environment

NAME = "ns1.simulated"
LEGACY = "ns2.simulated"
SMALL = "small.simulated"


def servers() -> tuple[SimulatedServer, ...]:
    uefi, legacy = default_servers()
    small_disk = DiskGroup(1, 1, 1, "NVMe")
    return (uefi, legacy, replace(uefi, name=SMALL, memory_mib=3 * 1024 + 1, disk_groups=(small_disk,)))


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(servers(), directory=tmp_path / "servers") as running:
        yield running


@pytest.fixture
def outside(simulator: Simulator, object_store: ObjectStore, bucket: str, tmp_path: Path) -> dict[str, str]:
    """The environment as a user sets it for both clients."""
    return {
        **object_store.environment,
        **api_environment(simulator),
        "BYOI_TO": f"s3://{bucket}/images",
        "BYOI_SERVER": NAME,
        "BYOI_CONFIRM": NAME,
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def image(tmp_path: Path) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    path = directory / "good.raw"
    good_raw(path)
    return path


def objects(store: ObjectStore, bucket: str) -> list[str]:
    """The images, and not what lies beside them."""
    keys = [found["Key"] for found in store.client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [key for key in keys if key.endswith((".qcow2", ".raw"))]


def assert_no_secrets(run: Finished, environment: dict[str, str], *files: Path) -> None:
    texts = [run.said, *(path.read_text() for path in files)]
    secrets = [environment[name] for name in environment if re.search("SECRET|KEY", name) and name != "BYOI_SSH_KEY"]
    assert len(secrets) >= 5
    for text in texts:
        assert "X-Amz-Signature" not in text
        assert not [secret for secret in secrets if secret in text]


def receipts(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "state").rglob("*.jsonl"))


def test_an_image_ends_on_the_disk_of_the_server(
    image: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str, tmp_path: Path
) -> None:
    key = tmp_path / "id.pub"
    key.write_text("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@home\n")
    user_data = tmp_path / "user-data"
    user_data.write_text('#cloud-config\nwrite_files: [{path: /x, content: "a\\nb"}]\n')
    flags = ["--image-type", "qcow2", "--compress", "zlib", "--hostname", "web1", "--ssh-key", str(key)]
    run = byoi_tools(
        "publish-and-deploy", image, *flags, "--user-data", user_data, "--metadata", "role=db", environment=outside
    )
    assert run.code == 0, run.said
    (stored,) = objects(object_store, bucket)
    assert re.fullmatch(r"images/good-[0-9a-f]{16}\.qcow2", stored)
    body = object_store.client.get_object(Bucket=bucket, Key=stored)["Body"].read()
    served = tmp_path / "served.qcow2"
    served.write_bytes(body)
    digest = subprocess.run(["sha256sum", str(served)], check=True, capture_output=True, text=True).stdout.split()[0]
    beside = object_store.client.get_object(Bucket=bucket, Key=f"{stored}.sha256")["Body"].read().decode()
    assert beside == f"{digest}  {Path(stored).name}\n"
    assert f"sha256    {digest}" in run.output

    state = json.loads(simulator.state_file(NAME).read_text())
    assert state["boot"]["outcome"] == "loader"
    assert state["efi_bootloader_path"] == r"\EFI\debian\grubx64.efi"
    disk = simulator.disk_file(NAME)
    assert disk.stat().st_size == 480 * 10**9
    table = json.loads(subprocess.run(["sfdisk", "-J", str(disk)], check=True, capture_output=True, text=True).stdout)
    partitions = table["partitiontable"]["partitions"]
    assert len(partitions) == 4
    root = json.loads(subprocess.run(["sfdisk", "-J", str(image)], check=True, capture_output=True, text=True).stdout)
    last = root["partitiontable"]["partitions"][-1]
    with disk.open("rb") as written, image.open("rb") as source:
        written.seek(last["start"] * 512)
        source.seek(last["start"] * 512)
        assert written.read(last["size"] * 512) == source.read(last["size"] * 512)
    drive = tmp_path / "drive.iso"
    with disk.open("rb") as written:
        written.seek(partitions[-1]["start"] * 512)
        drive.write_bytes(written.read(partitions[-1]["size"] * 512))
    listing = [
        "xorriso",
        "-osirrox",
        "on",
        "-indev",
        str(drive),
        "-extract",
        "/openstack/latest",
        str(tmp_path / "drive"),
    ]
    subprocess.run(listing, check=True, capture_output=True)
    assert (tmp_path / "drive" / "user_data").read_text() == user_data.read_text()
    metadata = json.loads((tmp_path / "drive" / "meta_data.json").read_text())
    assert (metadata["hostname"], metadata["meta"]["role"]) == ("web1", "db")

    assert [path.name for path in image.parent.iterdir()] == ["good.raw"]
    assert_no_secrets(run, outside, *receipts(tmp_path))


def test_a_second_run_uploads_nothing(
    image: Path, outside: dict[str, str], object_store: ObjectStore, bucket: str
) -> None:
    first = byoi_tools("publish-and-deploy", image, "--image-type", "qcow2", environment=outside)
    assert first.code == 0, first.said
    (stored,) = objects(object_store, bucket)
    written = object_store.client.head_object(Bucket=bucket, Key=stored)["LastModified"]
    time.sleep(1.1)
    second = byoi_tools("publish-and-deploy", image, "--image-type", "qcow2", environment=outside)
    assert second.code == 0, second.said
    assert "nothing is converted or uploaded" in second.errors
    assert objects(object_store, bucket) == [stored]
    assert object_store.client.head_object(Bucket=bucket, Key=stored)["LastModified"] == written


def test_a_deleted_object_is_made_again(
    image: Path, outside: dict[str, str], object_store: ObjectStore, bucket: str
) -> None:
    assert byoi_tools("publish-and-deploy", image, "--image-type", "qcow2", environment=outside).code == 0
    (stored,) = objects(object_store, bucket)
    object_store.client.delete_object(Bucket=bucket, Key=stored)
    assert byoi_tools("publish-and-deploy", image, "--image-type", "qcow2", environment=outside).code == 0
    assert objects(object_store, bucket) == [stored]


@pytest.mark.parametrize("name", ["vmdk", "vpc", "vhdx", "vdi"])
def test_formats_of_other_builders_are_converted_first(image: Path, outside: dict[str, str], name: str) -> None:
    source = image.parent / f"other.{name}"
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", name, str(image), str(source)], check=True)
    run = byoi_tools("publish-and-deploy", source, environment=outside)
    assert run.code == 0, run.said


def assert_refused(run: Finished, code: int, store: ObjectStore, bucket: str, simulator: Simulator) -> None:
    """Nothing was uploaded, nothing erased, and the message says what to do."""
    assert run.code == code, run.said
    assert "Traceback" not in run.said
    assert objects(store, bucket) == []
    assert not list(simulator.state_file(NAME).parent.parent.rglob("state.json"))


def test_nobody_confirms(
    image: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str
) -> None:
    run = byoi_tools("publish-and-deploy", image, environment={**outside, "BYOI_CONFIRM": ""})
    assert_refused(run, 2, object_store, bucket, simulator)
    assert f"--confirm {NAME}" in run.errors


def test_a_bad_image(
    tmp_path: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str
) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    run = byoi_tools("publish-and-deploy", canvas.as_raw(tmp_path / "image.raw"), environment=outside)
    assert_refused(run, 1, object_store, bucket, simulator)
    assert "error esp.grub-stub" in run.output


@pytest.mark.parametrize(
    ("server", "flags", "seen"),
    [
        (LEGACY, ["--boot", "uefi"], "boot mode"),
        (NAME, ["--boot", "legacy"], "boot mode"),
        ("ns9.simulated", [], "ns9.simulated"),
        (NAME, ["--disk-group", "7"], "disk group"),
        (NAME, ["--hostname", "under_score"], "hostname"),
    ],
)
def test_a_server_that_cannot_take_it(
    image: Path,
    outside: dict[str, str],
    simulator: Simulator,
    object_store: ObjectStore,
    bucket: str,
    server: str,
    flags: list[str],
    seen: str,
) -> None:
    chosen = {**outside, "BYOI_SERVER": server, "BYOI_CONFIRM": server}
    run = byoi_tools("publish-and-deploy", image, *flags, environment=chosen)
    assert_refused(run, 6, object_store, bucket, simulator)
    assert seen in " ".join(run.errors.lower().split())


def test_an_image_larger_than_the_disk(
    tmp_path: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str
) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.resize(2 * 10**9 - 2 * 10**9 % 2**20)
    canvas.sgdisk("-e")
    image = canvas.as_qcow2(tmp_path / "image.qcow2")
    chosen = {**outside, "BYOI_SERVER": SMALL, "BYOI_CONFIRM": SMALL}
    run = byoi_tools("publish-and-deploy", image, environment=chosen)
    assert_refused(run, 6, object_store, bucket, simulator)
    assert "disk" in run.errors


def test_an_image_larger_than_the_memory(
    image: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str
) -> None:
    chosen = {**outside, "BYOI_SERVER": SMALL, "BYOI_CONFIRM": SMALL}
    run = byoi_tools("publish-and-deploy", image, environment=chosen)
    assert_refused(run, 6, object_store, bucket, simulator)
    assert "memory" in run.errors


@pytest.mark.parametrize("variable", ["OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"])
def test_wrong_credentials_of_the_provider(
    image: Path, outside: dict[str, str], simulator: Simulator, object_store: ObjectStore, bucket: str, variable: str
) -> None:
    wrong = {**outside, variable: "wrongwrongwrong1"}
    run = byoi_tools("publish-and-deploy", image, environment=wrong)
    assert_refused(run, 6, object_store, bucket, simulator)
    assert_no_secrets(run, outside)


@pytest.mark.parametrize(
    "wrong",
    [
        {"AWS_SECRET_ACCESS_KEY": "wrongwrongwrong1"},
        {"BYOI_TO": "s3://no-such-bucket/images"},
        {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"},
    ],
    ids=["credentials", "bucket", "endpoint"],
)
@pytest.mark.parametrize("verb", ["publish", "publish-and-deploy"])
def test_an_object_store_that_does_not_answer_well(
    image: Path,
    outside: dict[str, str],
    simulator: Simulator,
    object_store: ObjectStore,
    bucket: str,
    verb: str,
    wrong: dict[str, str],
) -> None:
    began = time.monotonic()
    run = byoi_tools(verb, image, environment={**outside, **wrong})
    assert time.monotonic() - began < 60
    assert_refused(run, 5, object_store, bucket, simulator)
    assert_no_secrets(run, outside)


def test_an_installation_that_was_left_is_watched_to_its_end(
    image: Path, outside: dict[str, str], tmp_path: Path
) -> None:
    with Simulator(servers(), directory=tmp_path / "slow", pace_seconds=1) as slow:
        environment = outside | api_environment(slow)
        command = [str(PROGRAM), "publish-and-deploy", str(image)]
        with subprocess.Popen(
            command, env=clean_environment(environment), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as first:
            assert first.stderr is not None
            while "task " not in (line := first.stderr.readline()):
                assert line, "the run ended without a task"
            first.send_signal(signal.SIGTERM)
            assert first.wait(30) == 130
        watched = byoi_tools("status", NAME, "--watch", environment=environment)
        assert watched.code == 0, watched.said
        assert json.loads(slow.state_file(NAME).read_text())["status"] == "done"
        assert "is installed" in watched.output
        idle = byoi_tools("status", NAME, "--watch", environment=environment)
        assert idle.code == 0
        assert "no installation is running" in idle.output


def test_a_busy_server(image: Path, outside: dict[str, str], tmp_path: Path, object_store: ObjectStore) -> None:
    with Simulator(servers(), directory=tmp_path / "slow", pace_seconds=5) as slow:
        environment = outside | api_environment(slow)
        command = [str(PROGRAM), "publish-and-deploy", str(image)]
        with subprocess.Popen(
            command, env=clean_environment(environment), stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        ) as first:
            assert first.stderr is not None
            while "task " not in (line := first.stderr.readline()):
                assert line, "the first run ended without a task"
            second = byoi_tools(
                "publish-and-deploy", image, environment={**environment, "BYOI_RECEIPT": str(tmp_path / "r")}
            )
            status = byoi_tools("status", NAME, environment=environment)
            first.send_signal(signal.SIGINT)
            _, rest = first.communicate(timeout=30)
    assert second.code == 6
    assert "busy" in second.errors
    assert "reinstallServer" in status.output
    assert first.returncode == 130
    assert f"status {NAME}" in rest


def test_publish_prints_a_url_that_works(image: Path, outside: dict[str, str], tmp_path: Path) -> None:
    run = byoi_tools("publish", image, "--format", "json", environment=outside)
    assert run.code == 0, run.said
    published = json.loads(run.output)
    fetched = subprocess.run(["curl", "-fsS", published["url"]], check=True, capture_output=True).stdout
    assert fetched == image.read_bytes()
    assert "X-Amz" not in run.errors


def test_a_url_that_may_expire_too_early_is_told(image: Path, outside: dict[str, str]) -> None:
    assert (
        "warning: the URL works for 0:10:00 only"
        in byoi_tools("publish", image, "--expires", "10m", environment=outside).errors
    )
    assert "warning" not in byoi_tools("publish", image, "--expires", "2h", environment=outside).errors


def test_deploy_from_a_url(image: Path, outside: dict[str, str], simulator: Simulator) -> None:
    published = json.loads(byoi_tools("publish", image, "--format", "json", environment=outside).output)
    checksum = f"sha512:{published['digests']['sha512']}"
    flags = ["--url", published["url"], "--checksum", checksum, "--image-type", "raw"]
    loader = ["--efi-bootloader-path", r"\EFI\debian\grubx64.efi"]
    run = byoi_tools("deploy", *flags, *loader, environment=outside)
    assert run.code == 0, run.said
    assert json.loads(simulator.state_file(NAME).read_text())["boot"]["outcome"] == "loader"
    wrong = byoi_tools(
        "deploy", *flags[:2], "--checksum", "sha256:" + "0" * 64, *flags[4:], *loader, environment=outside
    )
    assert wrong.code == 6
    assert "transfer.checksum-of-object" in wrong.errors or "checksum" in wrong.errors.lower()
    assert "X-Amz-Signature" not in wrong.said
