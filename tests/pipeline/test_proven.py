"""After `done` the new system has to show itself: a user's deployments, against an SSH server that answers as told."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.model.proof import MARKER_KEY
from tests.command import Finished
from tests.deploying_scene import NAME, Scene, scene_of
from tests.simulated_user import flags_of_an_image
from tests.ssh_server import SshServer
from tests.unit.simulator.outside import LOADER, ImageHost

PATIENCE = ("--prove-timeout", "2m")  # time is fifty times as fast


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    with ImageHost(tmp_path_factory.mktemp("images")) as host:
        yield (*flags_of_an_image(host), "--efi-bootloader-path", LOADER, "--confirm", NAME, *PATIENCE)


@pytest.fixture
def scene(tmp_path: Path, image: tuple[str, ...]) -> Iterator[Scene]:
    made = scene_of(tmp_path, image)
    with made.simulator:
        yield made


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub")


def system(scene: Scene, key: Path, *, marker: str | None = None) -> SshServer:
    """The system that answers: it has the marker that the newest order carried, or another."""
    receipts = shlex.quote(str(scene.state))
    carried = marker or f"$(cat $(find {receipts} -name '*.jsonl') | grep -o '\"marker\": \"[0-9a-f]*' | tail -n 1)"
    command = (
        f"marker={carried}; "
        f'printf \'@@rights@@\\nroot\\n@@markers@@\\nown /dev/sda3 "{MARKER_KEY}": "%s"\\n@@end@@\\ncomplete\\n\' '
        '"${marker##*\\"}"'
    )
    return SshServer("debian", key.read_text(), command=command)


def prove(scene: Scene, key: Path, server: SshServer, *flags: str) -> Finished:
    return scene.deploy(*scene.order, "--ssh-key", str(key), "--prove", "ssh", *to(server), *flags)


def to(server: SshServer) -> tuple[str, str]:
    return ("--ssh-address", str(server.address))


def receipt_of(scene: Scene) -> str:
    return "".join(path.read_text() for path in scene.state.rglob("*.jsonl"))


def test_the_new_system_is_proven_and_the_receipt_says_so(scene: Scene, key: Path) -> None:
    with system(scene, key) as server:
        run = prove(scene, key, server)
    assert (run.code, scene.simulator.posts) == (0, 1), run.said
    assert f"PROVEN at {server.address}" in run.output
    assert '"verdict": "proven"' in receipt_of(scene)


def test_an_old_system_is_exit_6_and_the_next_run_only_proves_again(scene: Scene, key: Path) -> None:
    with system(scene, key, marker="0" * 32) as server:
        old = prove(scene, key, server)
    assert (old.code, scene.simulator.posts) == (6, 1), old.said
    assert "an old system answers" in " ".join(old.said.split())
    assert f"byoi-tools console {NAME}" in " ".join(old.errors.split())
    with system(scene, key) as server:
        new = prove(scene, key, server)
        attached = scene.deploy("--attach", "--prove", "ssh", "--ssh-key", str(key), *to(server))
    assert (new.code, scene.simulator.posts) == (0, 1), new.said
    assert attached.code == 6, attached.said  # it was proven: nothing is left to follow
    assert [line.count("verdict") for line in receipt_of(scene).splitlines()].count(1) == 2


def test_attach_proves_what_was_not(scene: Scene, key: Path) -> None:
    with system(scene, key, marker="0" * 32) as server:
        assert prove(scene, key, server).code == 6
    with system(scene, key) as server:
        run = scene.deploy("--attach", "--prove", "ssh", "--ssh-key", str(key), *to(server))
    assert (run.code, scene.simulator.posts) == (0, 1), run.said
    assert "PROVEN" in run.output


def test_again_installs_what_could_not_be_proven_once_more(scene: Scene, key: Path) -> None:
    with system(scene, key, marker="0" * 32) as server:
        assert prove(scene, key, server).code == 6
    with system(scene, key) as server:
        run = prove(scene, key, server, "--again")
    assert (run.code, scene.simulator.posts) == (0, 2), run.said


def test_ctrl_c_while_proving_says_how_to_come_back(scene: Scene, key: Path) -> None:
    flags = ("--ssh-key", str(key), "--prove", "ssh", "--ssh-address", "127.0.0.1:9", "--prove-timeout", "24h")
    first = scene.begin(*scene.order[: -len(PATIENCE)], *flags)
    assert first.stderr is not None
    assert any("waiting for the new system" in line for line in first.stderr)
    os.kill(first.pid, signal.SIGINT)
    _, errors = first.communicate(timeout=30)
    assert first.returncode == 130
    assert "sends no second request" in " ".join(errors.split())
    with system(scene, key) as server:
        second = prove(scene, key, server)
    assert (second.code, scene.simulator.posts) == (0, 1), second.said


@pytest.mark.parametrize(
    ("moment", "number"), [("after", 1), ("before", 3), ("after", 3), ("before", 4), ("before", 5)]
)
def test_a_run_that_is_killed_on_the_way_to_its_proof_is_gone_on_with(
    scene: Scene, key: Path, moment: str, number: int
) -> None:
    """The writes: 1 the intent, 2 the task, 3 that it is installed, 4 the proof, 5 the end."""
    with system(scene, key) as server:
        flags = (*scene.order, "--ssh-key", str(key), "--prove", "ssh", *to(server))
        assert scene.deploy(*flags, dying=(moment, number)).code == -signal.SIGKILL
        second = scene.deploy(*flags)
    expected = (7, 0) if number == 1 else (0, 1)
    assert (second.code, scene.simulator.posts) == expected, second.said


def test_a_login_without_a_key_is_refused_and_the_port_is_the_default(scene: Scene) -> None:
    refused = scene.deploy(*scene.order, "--prove", "ssh")
    assert (refused.code, scene.simulator.posts) == (2, 0), refused.said
    assert "--ssh-private-key" in refused.errors
    scene.more_environment = {"BYOI_PROVE": ""}
    nobody = scene.deploy(*scene.order, "--ssh-address", "127.0.0.1:9")
    assert (nobody.code, scene.simulator.posts) == (6, 1), nobody.said
    assert "--prove port" in " ".join(nobody.errors.split())
    assert '"marker"' not in receipt_of(scene)


def test_metadata_of_the_marker_s_name_are_refused(scene: Scene) -> None:
    run = scene.deploy(*scene.order, "--metadata", f"{MARKER_KEY}=x")
    assert (run.code, scene.simulator.posts) == (2, 0), run.said
