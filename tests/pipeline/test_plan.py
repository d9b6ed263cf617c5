"""A plan, and what is deployed by it: exactly that, once, and nothing when anything has changed since."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from byoi_tools.simulator.condition import Condition
from byoi_tools.simulator.faults import Faults
from byoi_tools.simulator.servers import BootMode, DiskGroup
from fixtures.object_store import ObjectStore
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.command import Finished, byoi_tools
from tests.deploying_scene import NAME, CountingSimulator, Scene, scene_of
from tests.planning_scene import PlanningScene
from tests.static_server import serving_directory
from tests.unit.reports.closed_schema import closed
from tests.unit.simulator.outside import SSH_KEY, small_server

USER_DATA = "#cloud-config\npassword: hunter2-in-user-data\n"


@dataclass
class Planner(PlanningScene):
    """A user with an image, a bucket and a pretend server, and the plan that was made of them."""

    store: ObjectStore
    bucket: str

    def plan(self, *more: str | Path) -> Finished:
        image = self.folder / "good.raw"
        where = ("--server", NAME, "--to", f"s3://{self.bucket}/images", "-o", self.file)
        return byoi_tools("plan", image, *where, *more, environment=self.scene.environment)

    def edit(self, change: Callable[[dict[str, Any]], object], *, is_told: bool = True) -> None:
        """Change the file; what is told by its digest is another plan, and no edited one (ADR 21)."""
        document = self.read
        change(document)
        told = document.pop("content_sha256")
        if is_told:
            ordered = json.dumps(document, sort_keys=True, separators=(",", ":"))
            told = hashlib.sha256(ordered.encode()).hexdigest()
        self.file.write_text(json.dumps({**document, "content_sha256": told}, indent=1))

    @property
    def key(self) -> str:
        address = self.read["image"]["address"]
        return str(address).removeprefix(f"s3://{self.bucket}/")


def planner_of(scene: Scene, store: ObjectStore, bucket: str, folder: Path) -> Planner:
    scene.more_environment = {**scene.more_environment, **store.environment}
    good_raw(folder / "good.raw")
    (folder / "id.pub").write_text(SSH_KEY + "\n")
    (folder / "user-data").write_text(USER_DATA)
    return Planner(scene, folder, store, bucket)


@pytest.fixture
def planner(tmp_path: Path, object_store: ObjectStore, bucket: str) -> Iterator[Planner]:
    scene = scene_of(tmp_path, ())
    with scene.simulator:
        yield planner_of(scene, object_store, bucket, tmp_path)


def test_what_is_planned_is_done_once(planner: Planner) -> None:
    flags = ("--hostname", "web1", "--metadata", "role=db", "--http-header", "X-Token=hunter2-in-header")
    files = ("--ssh-key", planner.folder / "id.pub", "--user-data", planner.folder / "user-data")
    planned = planner.plan(*flags, *files)
    assert (planned.code, planner.scene.simulator.posts) == (0, 0), planned.said
    assert stat.S_IMODE(planner.file.stat().st_mode) == 0o600
    schema = json.loads(byoi_tools("schema", "plan").output)
    jsonschema.Draft202012Validator(closed(schema)).validate(planner.read)

    stored = planner.store.client.get_object(Bucket=planner.bucket, Key=planner.key)
    served = planner.folder / "served"
    served.write_bytes(stored["Body"].read())
    image, order = planner.read["image"], planner.read["order"]
    assert (image["size_bytes"], image["etag"]) == (served.stat().st_size, stored["ETag"].strip('"'))
    for name, digits in image["digests"].items():
        told = subprocess.run([f"{name}sum", served], check=True, capture_output=True, text=True).stdout
        assert digits == told.split()[0]
        assert digits in planned.output
    key = subprocess.run(
        ["ssh-keygen", "-l", "-f", planner.folder / "id.pub"], check=True, capture_output=True, text=True
    )
    assert order["ssh_key"]["fingerprint"] == key.stdout.split()[1]
    assert order["http_header_names"] == ["X-Token"]
    assert [group["disk_count"] for group in planner.read["erased"]] == [2, 1, 1]

    first = planner.deploy("--http-header", "X-Token=hunter2-in-header")
    assert (first.code, planner.scene.simulator.posts) == (0, 1), first.said
    assert "2 x 1 GB NVMe (group 1), 1 x 1 GB SATA (group 2)" in first.errors
    assert image["digests"]["sha512"] in first.errors
    state = json.loads(planner.scene.simulator.state_file(NAME).read_text())
    assert state["efi_bootloader_path"] == order["efi_bootloader_path"]
    second = planner.deploy("--http-header", "X-Token=hunter2-in-header")
    assert (second.code, planner.scene.simulator.posts) == (0, 1), second.said
    assert "this plan is carried out" in second.output

    for text in (planner.file.read_text(), planner.receipts, planned.said, first.said, second.said):
        assert not re.search("hunter2|X-Amz-Signature", text)


def test_a_killed_deployment_of_a_plan_is_followed(tmp_path: Path, object_store: ObjectStore, bucket: str) -> None:
    scene = scene_of(tmp_path, (), Faults(step_seconds=1))
    with scene.simulator:
        planner = planner_of(scene, object_store, bucket, tmp_path)
        assert planner.plan().code == 0
        arguments = ("--plan", str(planner.file), "--confirm", NAME)
        assert scene.deploy(*arguments, dying=("after", 2)).code == -9
        second = planner.deploy()
        assert (second.code, scene.simulator.posts) == (0, 1), second.said
        assert "following task" in second.errors
        third = planner.deploy()
        assert (third.code, scene.simulator.posts) == (0, 1), third.said


def test_a_server_that_has_changed(planner: Planner) -> None:
    assert planner.plan().code == 0
    now = small_server(boot_mode=BootMode.UEFI_LEGACY, memory_mib=8192)
    condition = Condition(boot_type="rescue", installed_system="debian12_64")
    now = replace(now, disk_groups=(DiskGroup(1, 2, 2, "NVMe"),), condition=condition)
    changed = CountingSimulator(now, planner.folder / "changed")
    with changed:
        planner.scene = replace(planner.scene, simulator=changed)
        planner.refused(
            "boot mode: was uefi, is legacy, uefi",
            "memory: was 4.0 GiB (4294967296 bytes), is 8.0 GiB (8589934592 bytes)",
            "is 2 x 2 GB NVMe (group 1)",
            "boots from: was harddisk, is rescue",
            "installed system: was none_64, is debian12_64",
        )


def test_an_object_that_has_changed(planner: Planner) -> None:
    assert planner.plan().code == 0
    planned = planner.store.client.get_object(Bucket=planner.bucket, Key=planner.key)["Body"].read()
    planner.store.client.put_object(Bucket=planner.bucket, Key=planner.key, Body=b"something else")
    planner.refused("size of the object: was", "is 14 bytes", "ETag of the object: was")
    planner.store.client.put_object(Bucket=planner.bucket, Key=planner.key, Body=planned)
    etag = planner.store.client.head_object(Bucket=planner.bucket, Key=planner.key)["ETag"].strip('"')
    planner.refused(f"ETag of the object: was {planner.read['image']['etag']}, is {etag}")
    planner.edit(lambda plan: plan["image"].update(etag=etag))
    planner.refused(f"content of s3://{planner.bucket}/{planner.key}: was sha256:")
    planner.store.client.delete_object(Bucket=planner.bucket, Key=planner.key)
    planner.refused(f"s3://{planner.bucket}/{planner.key}: was", "is not there")


def test_files_and_headers_that_have_changed(planner: Planner) -> None:
    key, data = planner.folder / "id.pub", planner.folder / "user-data"
    assert planner.plan("--ssh-key", key, "--user-data", data, "--http-header", "X-Token=1").code == 0
    planner.refused("X-Token", code=2)
    planner.refused(code=2, flags=("--http-header", "X-Other=1"))
    header = ("--http-header", "X-Token=1")
    data.write_text(USER_DATA + "more: of it\n")
    planner.refused("user data: was sha256:", flags=header)
    data.write_text(USER_DATA)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", planner.folder / "other"], check=True)
    key.write_text((planner.folder / "other.pub").read_text())
    planner.refused("SSH key: was SHA256:", flags=header)
    key.unlink()
    planner.refused("--ssh-key", code=2, flags=header)


def test_a_plan_that_is_not_carried_out(planner: Planner) -> None:
    assert planner.plan().code == 0
    again = planner.plan()
    assert (again.code, "exists already" in again.errors) == (2, True)
    planner.refused("--plan says what is done", code=2, flags=("--hostname", "web2"))
    planner.refused("the plan is for", code=2, flags=("--server", "ns2.simulated"))
    planner.refused(code=2, flags=("--confirm", "ns2.simulated"))
    whole = planner.file.read_text()
    planner.edit(lambda plan: plan.update(valid_until="2026-01-01T00:00:00+00:00"))
    planner.refused("the plan was valid until 2026-01-01")
    planner.file.write_text(whole)
    planner.edit(lambda plan: plan["image"].update(address="s3://elsewhere/images/x.qcow2"))
    planner.refused("image.address", code=2)
    planner.edit(lambda plan: plan["image"].update(size_bytes="many"))
    planner.refused("image.size_bytes", "a whole number", code=2)
    planner.file.write_text(whole)
    planner.edit(lambda plan: plan["image"].update(url_seconds=61), is_told=False)
    planner.refused("this is no plan: content_sha256", "was edited", code=2)
    planner.file.write_text(whole[:-100])
    planner.refused("no JSON", code=2)


def test_a_bad_image_is_not_planned(planner: Planner) -> None:
    canvas = Canvas(planner.folder / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    canvas.as_raw(planner.folder / "bad.raw").rename(planner.folder / "good.raw")
    run = planner.plan()
    assert (run.code, planner.file.exists()) == (1, False), run.said
    assert "error esp.grub-stub" in run.output
    assert "Contents" not in planner.store.client.list_objects_v2(Bucket=planner.bucket)


def test_a_file_of_an_own_web_server(planner: Planner) -> None:
    public = planner.folder / "public"
    public.mkdir()
    with serving_directory(public) as web:
        where = ("--to", f"file://{public}", "--public-url", web.url)
        planned = planner.plan(*where)
        assert planned.code == 0, planned.said
        (placed,) = public.glob("*.raw")
        assert planner.read["image"]["address"] == f"file://{placed}"
        content = placed.read_bytes()
        placed.write_bytes(content[:-1] + b"!")
        planner.refused(f"content of file://{placed}: was sha256:")
        placed.write_bytes(content)
        done = planner.deploy()
        assert (done.code, planner.scene.simulator.posts) == (0, 1), done.said
