"""The whole line for many servers: one image, one object, each server with its own wishes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.servers import BootMode
from fixtures.object_store import ObjectStore
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.fleet_scene import NAMES, AskedSimulator, FleetScene, three

ONE_EACH = dict.fromkeys(NAMES, 1)


@pytest.fixture
def scene(tmp_path: Path, object_store: ObjectStore, bucket: str) -> Iterator[FleetScene]:
    image = tmp_path / "good.raw"
    good_raw(image)
    simulator = AskedSimulator(three(), tmp_path / "servers")
    verb = ("publish-and-deploy", str(image))
    made = FleetScene(simulator, tmp_path, ("--to", f"s3://{bucket}/images"), verb, dict(object_store.environment))
    made.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)), defaults="")
    with simulator:
        yield made


def images(store: ObjectStore, bucket: str) -> list[str]:
    keys = [found["Key"] for found in store.client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return [key for key in keys if key.endswith((".qcow2", ".raw"))]


@pytest.mark.parametrize("conversion", [(), ("--image-type", "qcow2")])
def test_one_object_for_all_and_nothing_again_for_those_that_are_done(
    scene: FleetScene, object_store: ObjectStore, bucket: str, conversion: tuple[str, ...]
) -> None:
    first = scene.run(*conversion, "--canary", "1")
    assert (first.code, scene.simulator.posts) == (0, ONE_EACH), first.said
    assert len(images(object_store, bucket)) == 1
    told = [body["customizations"] for _, body in scene.simulator.orders]
    assert {each["hostname"] for each in told} == {"web-1", "web-2", "web-3"}
    assert len({(each["imageURL"], each["imageCheckSum"]) for each in told}) == 1
    scene.write('hostname = "web-1"', 'hostname = "other"', 'hostname = "web-3"', defaults="")
    second = scene.run(*conversion)
    assert (second.code, scene.simulator.posts) == (0, {**ONE_EACH, NAMES[1]: 2}), second.said
    assert "3 servers: 1 done, 2 done before" in second.output
    requests = scene.simulator.requests
    third = scene.run(*conversion)
    assert (third.code, scene.simulator.requests) == (0, requests), third.said  # nobody is even looked at
    assert "publishing" not in third.errors


def test_a_killed_rollout_goes_on(scene: FleetScene) -> None:
    assert scene.run("--parallel", "1", dying=("after", 6)).code == -signal.SIGKILL  # the task of the second
    second = scene.run()
    assert (second.code, scene.simulator.posts) == (0, ONE_EACH), second.said


def test_nothing_is_uploaded_when_one_server_is_not_fit(
    scene: FleetScene, tmp_path: Path, object_store: ObjectStore, bucket: str
) -> None:
    first, second, third = three()
    servers = (first, replace(second, memory_mib=3 * 1024 + 1), replace(third, boot_mode=BootMode.LEGACY))
    scene.write("", "", 'boot = "uefi"', defaults="")
    with AskedSimulator(servers, tmp_path / "others") as simulator:
        run = replace(scene, simulator=simulator).run()
    assert (run.code, simulator.orders, images(object_store, bucket)) == (6, [], []), run.said
    said = " ".join(run.errors.split())
    assert f"{NAMES[1]}: " in said
    assert f"{NAMES[2]}: " in said


def test_nothing_is_uploaded_when_the_image_is_bad(scene: FleetScene, object_store: ObjectStore, bucket: str) -> None:
    canvas = Canvas(scene.directory / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    canvas.as_raw(scene.directory / "good.raw")
    run = scene.run()
    assert (run.code, scene.simulator.orders, images(object_store, bucket)) == (1, [], []), run.said
    assert "error esp.grub-stub" in run.output
    assert all(name in run.errors for name in NAMES)
