"""A run that is killed, at each step of its receipt and of its request, and the run after it: never a second POST."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from fixtures.object_store import ObjectStore
from fixtures.tiny.good import good_raw
from tests.command import byoi_tools
from tests.deploying_scene import NAME, CountingSimulator, Scene, scene_of, wait_until_it_installs
from tests.simulated_user import flags_of_an_image
from tests.unit.simulator.outside import LOADER, ImageHost, small_server

KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageHost]:
    with ImageHost(tmp_path_factory.mktemp("images")) as running:
        yield running


@pytest.fixture(scope="module")
def image(host: ImageHost) -> tuple[str, ...]:
    """The flags of an order whose image can be fetched."""
    return (*flags_of_an_image(host), "--efi-bootloader-path", LOADER, "--confirm", NAME)


@pytest.fixture
def scene(tmp_path: Path, image: tuple[str, ...]) -> Iterator[Scene]:
    made = scene_of(tmp_path, image)
    with made.simulator:
        yield made


# The receipt's writes: 1 the intent, 2 the task, 3 the end. What each second run finds:
NOT_BEGUN = [("before", 1), ("torn", 1)]
UNKNOWN = [("unsynced", 1), ("after", 1)]
BEGUN = [("before", 2), ("torn", 2), ("unsynced", 2), ("after", 2), ("before", 3), ("torn", 3)]


@pytest.mark.parametrize(("moment", "number"), NOT_BEGUN)
def test_without_an_intent_the_second_run_begins(scene: Scene, moment: str, number: int) -> None:
    assert scene.deploy(dying=(moment, number)).code == KILLED
    assert scene.simulator.posts == 0
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (0, 1), second.said


@pytest.mark.parametrize(("moment", "number"), UNKNOWN)
def test_with_an_intent_alone_the_second_run_stops(scene: Scene, moment: str, number: int) -> None:
    assert scene.deploy(dying=(moment, number)).code == KILLED
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (7, 0), second.said
    assert f"byoi-tools status {NAME}" in second.errors
    assert "--again" in second.errors
    assert scene.deploy().code == 7
    third = scene.deploy(*scene.order, "--again")
    assert (third.code, scene.simulator.posts) == (0, 1), third.said


@pytest.mark.parametrize(("moment", "number"), BEGUN)
def test_what_was_begun_is_brought_to_its_end(scene: Scene, moment: str, number: int) -> None:
    assert scene.deploy(dying=(moment, number)).code == KILLED
    assert scene.simulator.posts == 1
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (0, 1), second.said
    assert "task 1000001" in second.errors
    assert f"{NAME} is installed: task 1000001" in second.output


def test_killed_when_the_request_has_arrived_and_is_not_accepted(scene: Scene) -> None:
    scene.simulator.dies_before_it_is_accepted = True
    assert scene.deploy(is_victim=True).code == KILLED
    assert scene.simulator.posts == 1
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (7, 1), second.said


def test_killed_when_the_request_is_accepted_and_not_answered(scene: Scene) -> None:
    assert scene.deploy(is_victim=True).code == KILLED
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (0, 1), second.said


def test_killed_twice(scene: Scene) -> None:
    """The first dies before it writes the task; the second has found the task and dies writing that."""
    assert scene.deploy(dying=("before", 2)).code == KILLED
    assert scene.deploy(dying=("torn", 1)).code == KILLED
    third = scene.deploy()
    assert (third.code, scene.simulator.posts) == (0, 1), third.said


def test_a_finished_deployment_may_be_repeated(scene: Scene) -> None:
    assert [scene.deploy().code, scene.deploy().code] == [0, 0]
    assert scene.simulator.posts == 2


def test_another_order_waits_for_the_end(scene: Scene, host: ImageHost) -> None:
    with host.holding():
        assert scene.deploy(dying=("after", 2)).code == KILLED
        other = scene.deploy(*scene.order, "--hostname", "other")
        assert (other.code, scene.simulator.posts) == (6, 1), other.said
        assert "--attach" in other.errors


@pytest.mark.parametrize("lost", [ReinstallAnswer.LOST, ReinstallAnswer.LOST_ERROR])
def test_a_request_that_was_lost_is_not_repeated(tmp_path: Path, image: tuple[str, ...], lost: ReinstallAnswer) -> None:
    scene = scene_of(tmp_path, image, Faults(reinstall_answer=lost))
    with scene.simulator:
        assert [scene.deploy().code, scene.deploy().code] == [7, 7]
    assert scene.simulator.posts == 1


@pytest.mark.parametrize(
    "faults",
    [
        Faults(reinstall_answer=ReinstallAnswer.DROPPED, task_list_answers=(500, 404, 500)),
        Faults(reinstall_answer=ReinstallAnswer.SERVER_ERROR, task_list_answers=(500,), task_answers=(404, 500)),
    ],
)
def test_a_lost_answer_s_installation_is_adopted(tmp_path: Path, image: tuple[str, ...], faults: Faults) -> None:
    scene = scene_of(tmp_path, image, faults)
    with scene.simulator:
        run = scene.deploy()
    assert (run.code, scene.simulator.posts) == (0, 1), run.said
    assert "task 1000001 was started; following it" in run.errors


def test_again_does_not_forget_an_installation_that_runs(scene: Scene, host: ImageHost) -> None:
    """--again by mistake is refused; the command without it goes on with what runs, and does not install it twice."""
    with host.holding():
        assert scene.deploy(dying=("after", 2)).code == KILLED
        mistaken = scene.deploy(*scene.order, "--again")
    assert (mistaken.code, scene.simulator.posts) == (6, 1), mistaken.said
    assert "busy" in mistaken.errors
    plain = scene.deploy()
    assert (plain.code, scene.simulator.posts) == (0, 1), plain.said


def test_a_damaged_receipt_is_not_taken_for_an_empty_one(scene: Scene) -> None:
    assert scene.deploy(dying=("after", 2)).code == KILLED
    (receipt,) = (scene.state / "byoi-tools" / "servers").iterdir()
    receipt.write_bytes(receipt.read_bytes().replace(b'"stage"', b'"st\0ge"', 1))
    second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (5, 1), second.said
    assert f"{receipt.name}" in second.errors.replace("\n    ", "")


def test_a_purged_task_is_neither_done_nor_begun_again(tmp_path: Path, image: tuple[str, ...]) -> None:
    scene = scene_of(tmp_path, image, Faults(purge_done_tasks=True))
    with scene.simulator:
        assert scene.deploy(dying=("after", 2)).code == KILLED
        assert scene.simulator.wait_until_idle(60)
        second = scene.deploy()
        assert (second.code, scene.simulator.posts) == (7, 1), second.said
        assert "has ended, and the API does not say how" in " ".join(second.errors.split())
        third = scene.deploy(*scene.order, "--again")
    assert (third.code, scene.simulator.posts) == (0, 2), third.said


def test_a_task_that_cannot_be_read_for_a_while_is_waited_for(tmp_path: Path, image: tuple[str, ...]) -> None:
    scene = scene_of(tmp_path, image, Faults(task_answers=(500, 404, 500, 404), install_status_answers=(500, 404)))
    with scene.simulator:
        assert scene.deploy(dying=("after", 2)).code == KILLED
        second = scene.deploy()
    assert (second.code, scene.simulator.posts) == (0, 1), second.said


def test_a_refused_request_does_not_block_the_next(tmp_path: Path, image: tuple[str, ...]) -> None:
    scene = scene_of(tmp_path, image, Faults(locked=True))
    with scene.simulator:
        assert [scene.deploy().code, scene.deploy().code] == [6, 6]
    assert scene.simulator.posts == 2


def test_a_second_call_attaches_beside_the_first(scene: Scene, host: ImageHost) -> None:
    with host.holding():
        first = scene.begin()
        wait_until_it_installs(first)
        refused = scene.deploy()
        attached = scene.begin("--attach")
        wait_until_it_installs(attached)
    output, _ = first.communicate(timeout=60)
    attached_output, errors = attached.communicate(timeout=60)
    idle = scene.deploy("--attach")
    assert (refused.code, "--attach" in refused.errors) == (2, True), refused.said
    assert attached.returncode == 0, errors
    assert f"{NAME} is installed: task 1000001" in attached_output
    assert f"{NAME} is installed: task 1000001" in output
    assert (idle.code, scene.simulator.posts) == (6, 1), idle.said


def test_status_watches_what_a_killed_run_began_and_writes_its_end(scene: Scene, host: ImageHost) -> None:
    with ThreadPoolExecutor(1) as aside:
        with host.holding():
            assert scene.deploy(dying=("after", 2)).code == KILLED
            scene.simulator.was_watched.clear()
            watching = aside.submit(byoi_tools, "status", NAME, "--watch", environment=scene.environment)
            assert scene.simulator.was_watched.wait(60)
        watched = watching.result()
    assert (watched.code, f"{NAME} is installed: task 1000001" in watched.output) == (0, True), watched.said
    again = byoi_tools("status", NAME, "--watch", environment=scene.environment)
    assert "no installation is running" in again.output
    assert scene.deploy().code == 0  # the end was written: this is a new one
    assert scene.simulator.posts == 2


def test_a_cancelled_installation_may_be_begun_again(scene: Scene, host: ImageHost) -> None:
    with host.holding():
        first = scene.begin()
        wait_until_it_installs(first)
        cancelled = byoi_tools("cancel", NAME, "--confirm", NAME, environment=scene.environment)
        _, errors = first.communicate(timeout=60)
    assert cancelled.code == 0, cancelled.said
    assert (first.returncode, "Somebody cancelled the task" in errors) == (6, True), errors
    assert scene.deploy().code == 0
    assert scene.simulator.posts == 2


def test_ctrl_c_detaches_and_the_next_run_goes_on(scene: Scene, host: ImageHost) -> None:
    with host.holding():
        first = scene.begin()
        wait_until_it_installs(first)
        os.kill(first.pid, signal.SIGINT)
        _, errors = first.communicate(timeout=60)
    second = scene.deploy()
    assert first.returncode == 130, errors
    assert f"byoi-tools status {NAME} --watch" in errors
    assert (second.code, scene.simulator.posts) == (0, 1), second.said


@pytest.fixture
def line(tmp_path: Path, object_store: ObjectStore, bucket: str) -> Iterator[Scene]:
    """The same for the whole line; the server, and so each boot, is the one of `deploy`."""
    image = tmp_path / "good.raw"
    good_raw(image)
    order = (str(image), "--to", f"s3://{bucket}/images", "--confirm", NAME)
    simulator = CountingSimulator(small_server(), tmp_path / "servers")
    with simulator:
        yield Scene(simulator, order, tmp_path / "state", "publish-and-deploy", object_store.environment)


@pytest.mark.parametrize(("moment", "number"), [("before", 2), ("torn", 2), ("after", 2), ("torn", 3)])
def test_the_whole_line_goes_on_with_what_was_begun(line: Scene, moment: str, number: int) -> None:
    assert line.deploy(dying=(moment, number)).code == KILLED
    second = line.deploy()
    assert (second.code, line.simulator.posts) == (0, 1), second.said
    assert "task 1000001" in second.output


def test_the_whole_line_stops_before_it_publishes_when_nobody_knows(line: Scene, tmp_path: Path) -> None:
    assert line.deploy(dying=("after", 1)).code == KILLED
    second = line.deploy()
    assert (second.code, line.simulator.posts) == (7, 0), second.said
    assert "publishing" not in second.errors
    third = line.deploy(*line.order, "--again")
    assert (third.code, line.simulator.posts) == (0, 1), third.said


def test_one_verb_knows_what_the_other_has_begun(line: Scene, image: tuple[str, ...]) -> None:
    assert line.deploy(dying=("after", 1)).code == KILLED
    alone = Scene(line.simulator, image, line.state)
    assert (alone.deploy().code, line.simulator.posts) == (7, 0)


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"#cloud-config\nusers: [1\n", 6, "the user data is no YAML, and would be ignored"),
        (base64.b64encode(b"#cloud-config\nruncmd: [id]\n"), 6, "the user data is base64 already"),
        (b"#cloud-config\nruncmd: [id]\n", 0, ""),
        (b"for another provisioner\n", 0, "not compared: cloud.userdata-yaml"),
    ],
)
def test_user_data_that_no_first_boot_would_understand_is_not_sent(
    scene: Scene, tmp_path: Path, content: bytes, code: int, told: str
) -> None:
    (tmp_path / "user-data").write_bytes(content)
    run = scene.deploy(*scene.order, "--user-data", str(tmp_path / "user-data"))
    assert (run.code, scene.simulator.posts) == (code, 0 if code else 1), run.said
    assert told in " ".join(run.errors.split())
