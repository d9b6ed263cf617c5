"""The API of the 2020 guides as its user deploys by it: the real program and ovh client, and a pretend provider."""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from byoi_tools.simulator.servers import OLD_API, REINSTALL_API, BootMode
from byoi_tools.simulator.signature import SignedCall
from fixtures.object_store import ObjectStore
from fixtures.tiny.canvas import Canvas
from tests.command import byoi_tools
from tests.deploying_scene import NAME, CountingSimulator, Scene, wait_until_it_installs
from tests.unit.simulator.outside import SSH_KEY, Api, ImageHost, make_gpt_image, sh, small_server, to_qcow2

ROUTE = f"/dedicated/server/{NAME}/bringYourOwnImage"
KILLED = -signal.SIGKILL
SCRIPT = "#cloud-config\nruncmd:\n  - printf 'a\\nb'\n"


class OldSimulator(CountingSimulator):
    """A provider that has both APIs, or one; remembers the requests that install."""

    def __init__(
        self, directory: Path, apis: tuple[str, ...], faults: Faults | None, boot_mode: BootMode = BootMode.UEFI
    ) -> None:
        super().__init__(replace(small_server(faults=faults, boot_mode=boot_mode), api=apis), directory)
        self.bodies: list[tuple[str, dict[str, object]]] = []

    def answer(self, call: SignedCall, target: str) -> object:
        if call.method != "POST" or not target.endswith("/bringYourOwnImage"):
            return super().answer(call, target)
        self.bodies.append((target, json.loads(call.body)))
        answer = super().answer(call, target)
        if self.victim:
            self.victim.kill()
        return answer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("images")
    raw = make_gpt_image(made / "gpt.raw", loaders=("BOOT/BOOTX64.EFI",))
    to_qcow2(raw)
    sh(f"qemu-img convert -f raw -O vmdk -o subformat=streamOptimized {raw} {made / 'disk.vmdk'}")
    (made / "disk.ovf").write_text("<Envelope/>")
    sh(f"tar -C {made} -cf {made / 'gpt.ova'} disk.ovf disk.vmdk")
    (made / "id.pub").write_text(f"{SSH_KEY}\n")
    (made / "script").write_text(SCRIPT)
    return made


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[ImageHost]:
    with ImageHost(folder) as running:
        yield running


def flags(host: ImageHost, folder: Path, file: str = "gpt.qcow2", algorithm: str = "sha256") -> tuple[str, ...]:
    digest = hashlib.new(algorithm, (folder / file).read_bytes()).hexdigest()
    return (
        *("--api", "bring-your-own-image", "--url", host.url(f"/files/{file}"), "--image-type", file.split(".")[1]),
        *("--checksum", f"{algorithm}:{digest}", "--hostname", "mon-tux", "--ssh-key", str(folder / "id.pub")),
        *("--confirm", NAME),
    )


def scene_of(
    directory: Path, order: tuple[str, ...], *, apis: tuple[str, ...] = (OLD_API,), faults: Faults | None = None
) -> Scene:
    return Scene(OldSimulator(directory / "servers", apis, faults), order, directory / "state")


def posts(scene: Scene) -> list[tuple[str, dict[str, object]]]:
    assert isinstance(scene.simulator, OldSimulator)
    return scene.simulator.bodies


@pytest.fixture
def scene(tmp_path: Path, host: ImageHost, folder: Path) -> Iterator[Scene]:
    made = scene_of(tmp_path, flags(host, folder))
    with made.simulator:
        yield made


@pytest.mark.parametrize("algorithm", ["md5", "sha512"])
def test_the_twelve_fields_of_the_guide_arrive(tmp_path: Path, host: ImageHost, folder: Path, algorithm: str) -> None:
    """The table of OVH's guide of July 2020: serviceName, and the eleven of the body."""
    order = (
        *flags(host, folder, algorithm=algorithm),
        *("--description", "Debian 12, ours", "--disk-group", "2", "--user-data", str(folder / "script")),
        *("--http-header", "X-Token=secret", "--metadata", "role=database", "--metadata", "rack=é"),
    )
    scene = scene_of(tmp_path, order)
    with scene.simulator:
        run = scene.deploy()
        status = Api(scene.simulator).get_object(ROUTE)
        shown = byoi_tools("status", NAME, environment=scene.environment)
    assert run.code == 0, run.said
    digest = hashlib.new(algorithm, (folder / "gpt.qcow2").read_bytes()).hexdigest()
    body = {
        "URL": host.url("/files/gpt.qcow2"),
        "checkSum": digest,
        "checkSumType": algorithm,
        "description": "Debian 12, ours",
        "diskGroupId": 2,
        "hostname": "mon-tux",
        "httpHeader": [{"key": "X-Token", "value": "secret"}],
        "sshKey": SSH_KEY,
        "type": "qcow2",
        "userData": SCRIPT,
        "userMetadatas": [{"key": "role", "value": "database"}, {"key": "rack", "value": "é"}],
    }
    assert [(target.removeprefix("/1.0"), sent) for target, sent in posts(scene)] == [(ROUTE, body)]
    assert (status["status"], status["servername"], status["checksum"]) == ("done", NAME, digest)
    assert f"{NAME} is installed" in run.output
    assert "bringYourOwnImage is done" in shown.output
    disk = scene.simulator.disk_file(NAME, 2)
    assert disk.stat().st_size == 10**9
    with disk.open("rb") as written:
        written.seek(-4 << 20, 2)
        assert SCRIPT.encode() in written.read()  # as it was given, in the config drive at the end


def test_delete_ends_in_rescue(scene: Scene) -> None:
    assert scene.deploy().code == 0
    api = Api(scene.simulator)
    assert byoi_tools("delete", NAME, environment=scene.environment).code == 2
    assert api.get_object(ROUTE)["status"] == "done"
    run = byoi_tools("delete", NAME, "--confirm", NAME, environment=scene.environment)
    assert (run.code, "rescue" in run.output) == (0, True), run.said
    assert api.get_refusal(ROUTE)[0] == 404
    boot_id = api.get_object(f"/dedicated/server/{NAME}")["bootId"]
    assert api.get_object(f"/dedicated/server/{NAME}/boot/{boot_id}")["bootType"] == "rescue"
    again = byoi_tools("delete", NAME, "--confirm", NAME, environment=scene.environment)
    assert (again.code, "has no deployment" in again.errors) == (6, True), again.said


def test_an_ova_is_unpacked_by_the_provider(tmp_path: Path, host: ImageHost, folder: Path) -> None:
    scene = scene_of(tmp_path, flags(host, folder, "gpt.ova"))
    with scene.simulator:
        run = scene.deploy()
    assert (run.code, posts(scene)[0][1]["type"]) == (0, "ova"), run.said
    with scene.simulator.disk_file(NAME).open("rb") as disk, (folder / "gpt.raw").open("rb") as raw:
        disk.seek(5 << 20)  # the second partition: the table itself is moved and added to
        raw.seek(5 << 20)
        assert disk.read(1 << 20) == raw.read(1 << 20)
    assert json.loads(scene.simulator.state_file(NAME).read_text())["boot"]["outcome"] == "loader"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--efi-bootloader-path", r"\EFI\debian\grubx64.efi"), "--efi-bootloader-path cannot be sent"),
        (("--api", "reinstall", "--image-type", "ova"), "--image-type ova is not for --api reinstall"),
        (("--api", "reinstall", "--description", "mine"), "--description is only for"),
        (("--user-data", "/bin/true"), "no UTF-8"),
    ],
)
def test_what_an_api_cannot_be_told_is_a_usage_error(scene: Scene, more: tuple[str, ...], words: str) -> None:
    run = scene.deploy(*scene.order, *more)
    assert (run.code, words in run.errors) == (2, True), run.said
    assert not posts(scene)


def test_what_that_api_wants_and_was_not_given_is_named(scene: Scene) -> None:
    """`hostname` and `sshKey` are required by its description."""
    order = scene.order[: scene.order.index("--hostname")]
    run = scene.deploy(*order, "--confirm", NAME)
    assert (run.code, posts(scene)) == (6, []), run.said
    said = " ".join(run.errors.split())
    assert 'no "hostname"' in said
    assert 'no "sshKey"' in said


def test_a_server_without_that_api(tmp_path: Path, host: ImageHost, folder: Path) -> None:
    scene = scene_of(tmp_path, flags(host, folder), apis=(REINSTALL_API,))
    with scene.simulator:
        deployed = scene.deploy()
        deleted = byoi_tools("delete", NAME, "--confirm", NAME, environment=scene.environment)
        shown = byoi_tools("status", NAME, environment=scene.environment)
    for run in (deployed, deleted):
        assert (run.code, f"the API has no bringYourOwnImage for {NAME}" in run.errors) == (6, True), run.said
    assert "Leave out --api bring-your-own-image" in deployed.errors
    assert "--api" not in deleted.errors  # a flag that delete does not have
    assert f"byoi-tools cancel {NAME}" in " ".join(deleted.errors.split())
    assert posts(scene) == []
    assert (shown.code, "bringYourOwnImage" in shown.output) == (0, False)


@pytest.mark.parametrize("moment", [("after", 1), ("before", 2), ("after", 2), ("before", 3)])
def test_killed_and_run_again_never_a_second_request(scene: Scene, moment: tuple[str, int]) -> None:
    """The receipt's writes: 1 the intent, 2 that it was accepted, 3 the end."""
    assert scene.deploy(dying=moment).code == KILLED
    second = scene.deploy()
    begun = moment[1] > 1
    assert (second.code, len(posts(scene))) == ((0, 1) if begun else (7, 0)), second.said


def test_killed_when_the_request_is_accepted_and_not_answered(scene: Scene) -> None:
    assert scene.deploy(is_victim=True).code == KILLED
    second = scene.deploy()
    assert (second.code, len(posts(scene))) == (0, 1), second.said


@pytest.mark.parametrize(
    "faults",
    [
        Faults(reinstall_answer=ReinstallAnswer.DROPPED),
        Faults(reinstall_answer=ReinstallAnswer.SERVER_ERROR, task_answers=(500,)),
    ],
)
def test_a_lost_answer_s_deployment_is_adopted(tmp_path: Path, host: ImageHost, folder: Path, faults: Faults) -> None:
    scene = scene_of(tmp_path, flags(host, folder), faults=faults)
    with scene.simulator:
        run = scene.deploy()
    assert (run.code, len(posts(scene)), "a deployment of its image is there" in run.errors) == (0, 1, True), run.said


def test_attach_follows_to_the_end(scene: Scene, host: ImageHost) -> None:
    with host.holding():
        assert scene.deploy(dying=("after", 2)).code == KILLED
        attached = scene.begin("--attach")
        wait_until_it_installs(attached)
    _, errors = attached.communicate(timeout=60)
    assert (attached.returncode, len(posts(scene))) == (0, 1), errors


def test_all_others_wait_until_it_is_deleted(tmp_path: Path, host: ImageHost, folder: Path) -> None:
    scene = scene_of(tmp_path, flags(host, folder), faults=Faults(step_seconds=300))
    with scene.simulator:
        assert scene.deploy(dying=("after", 2)).code == KILLED
        confirmed = (NAME, "--confirm", NAME)
        for refused in (
            scene.deploy(*scene.order, "--hostname", "other"),
            byoi_tools("cancel", *confirmed, environment=scene.environment),
            byoi_tools("rescue", *confirmed, environment=scene.environment),
        ):
            assert (refused.code, "byoi-tools delete" in " ".join(refused.errors.split())) == (6, True), refused.said
        assert byoi_tools("delete", *confirmed, environment=scene.environment).code == 0
        attached = scene.deploy("--attach")
        assert Api(scene.simulator).get_refusal(ROUTE)[0] == 404
    assert (attached.code, len(posts(scene))) == (6, 1), attached.said


def test_a_failure_is_explained(tmp_path: Path, host: ImageHost, folder: Path) -> None:
    scene = scene_of(tmp_path, flags(host, folder), faults=Faults(failure="gpt-backup"))
    with scene.simulator:
        failed = scene.deploy()
        shown = byoi_tools("status", NAME, environment=scene.environment)
    assert (failed.code, "ptable.gpt-backup" in failed.errors) == (6, True), failed.said
    assert "bringYourOwnImage is error: Can not move backup GPT" in shown.output


@pytest.mark.parametrize("boot_mode", [BootMode.UEFI, BootMode.LEGACY])
def test_the_whole_line_by_that_api(
    tmp_path: Path, folder: Path, object_store: ObjectStore, bucket: str, boot_mode: BootMode
) -> None:
    """Told to the provider: SHA-256, which the messages of 2022 know; the loader is the one where firmware looks."""
    simulator = OldSimulator(tmp_path / "servers", (REINSTALL_API, OLD_API), None, boot_mode)
    image = Canvas(tmp_path / "canvas.raw").as_raw(tmp_path / "image.raw")
    order = ("--api", "bring-your-own-image", "--server", NAME, "--to", f"s3://{bucket}/images", "--confirm", NAME)
    wishes = ("--hostname", "mon-tux", "--ssh-key", str(folder / "id.pub"), "--description", "ours")
    scene = Scene(simulator, order, tmp_path / "state", more_environment=object_store.environment)
    with simulator:
        run = byoi_tools("publish-and-deploy", image, *order, *wishes, environment=scene.environment)
        ((_, body),) = posts(scene)
    assert run.code == 0, run.said
    assert (body["checkSumType"], body["description"]) == ("sha256", "ours")
    assert body["checkSum"] == hashlib.sha256(image.read_bytes()).hexdigest()
    assert json.loads(simulator.state_file(NAME).read_text())["boot"]["outcome"] == "loader"


@pytest.mark.parametrize("verb", ["publish-and-deploy", "match"])
def test_an_image_whose_loader_that_api_cannot_be_told_is_refused(
    tmp_path: Path, folder: Path, object_store: ObjectStore, bucket: str, verb: str
) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.esp_delete("/EFI/BOOT/BOOTX64.EFI")
    image = canvas.as_raw(tmp_path / "image.raw")
    order = ("--api", "bring-your-own-image", "--server", NAME, "--to", f"s3://{bucket}/images")
    wishes = ("--hostname", "mon-tux", "--ssh-key", str(folder / "id.pub"))
    confirmed = ("--confirm", NAME) if verb == "publish-and-deploy" else ()
    scene = scene_of(tmp_path, ())
    with scene.simulator:
        environment = {**scene.environment, **object_store.environment}
        run = byoi_tools(verb, image, *order, *wishes, *confirmed, environment=environment)
        by_the_default = byoi_tools(verb, image, "--api", "reinstall", *order[2:], *wishes, environment=environment)
    assert (run.code, "esp.loader-declared" in run.output) == (1, True), run.said
    assert "esp.loader-declared" not in by_the_default.said
    assert posts(scene) == []
