"""Many servers by one file, as their user deploys to them: the real program, real HTTP, a pretend provider."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import Faults, ReinstallAnswer
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from tests.command import byoi_tools
from tests.fleet_scene import DEFAULTS, NAMES, AskedSimulator, Body, FleetScene, three
from tests.simulated_user import flags_of_an_image
from tests.unit.simulator.outside import LOADER, ImageHost

FAILS = Faults(failure="download")
KILLED = -signal.SIGKILL
ONE_EACH = dict.fromkeys(NAMES, 1)
Make = Callable[..., FleetScene]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageHost]:
    with ImageHost(tmp_path_factory.mktemp("images")) as running:
        yield running


@pytest.fixture(scope="module")
def image(host: ImageHost) -> tuple[str, ...]:
    return flags_of_an_image(host)


@pytest.fixture
def make(tmp_path: Path, image: tuple[str, ...]) -> Iterator[Make]:
    """Starts a provider with these servers, or with three that are done at once."""
    with ExitStack() as stack:

        def start(servers: tuple[SimulatedServer, ...] = three()) -> FleetScene:
            scene = FleetScene(AskedSimulator(servers, tmp_path / "servers"), tmp_path, image)
            scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)))
            stack.enter_context(scene.simulator)
            return scene

        yield start


def sent(scene: FleetScene, name: str) -> Body:
    """The customizations of the server's last order."""
    told: Body = [body for server, body in scene.simulator.orders if server == name][-1]["customizations"]
    return told


def test_all_servers_get_the_image_and_their_own_wishes(make: Make) -> None:
    scene = make()
    (scene.directory / "web.yaml").write_text('#cloud-config\nfqdn: {{ hostname }}.{{domain}}\nrack: "{{rack}}"\n')
    (scene.directory / "db.yaml").write_text("#cloud-config\nruncmd: [['{{keep}}']]\n")
    scene.write(
        'hostname = "web-1"\nmetadata = { role = "web", id = 7 }\nvalues = { rack = 12 }\ndisk-group = 2',
        'hostname = "web-2"\n'
        """values = { rack = "ü'{{", domain = "example.org" }\n"""
        "efi-bootloader-path = '\\EFI\\x.efi'",
        'user-data = "db.yaml"\ntemplate = false',
        defaults=f'{DEFAULTS}user-data = "web.yaml"\nvalues = {{ domain = "example.net" }}\n',
    )
    run = scene.run()
    assert (run.code, scene.simulator.posts) == (0, ONE_EACH), run.said
    assert "3 servers: 3 done" in run.output
    first, second, third = (sent(scene, name) for name in NAMES)
    told = [base64.b64decode(each["configDriveUserData"]).decode() for each in (first, second, third)]
    assert told == [
        '#cloud-config\nfqdn: web-1.example.net\nrack: "12"\n',
        '#cloud-config\nfqdn: web-2.example.org\nrack: "ü\'{{"\n',
        "#cloud-config\nruncmd: [['{{keep}}']]\n",
    ]
    assert [each.get("hostname") for each in (first, second, third)] == ["web-1", "web-2", None]
    assert first["configDriveMetadata"] == {"role": "web", "id": "7"}
    assert second["efiBootloaderPath"] == r"\EFI\x.efi"
    assert [body.get("storage") for server, body in sorted(scene.simulator.orders, key=lambda each: each[0])] == [
        [{"diskGroupId": 2}],
        None,
        None,
    ]


def test_a_canary_that_fails_keeps_the_others_from_being_started(make: Make) -> None:
    scene = make(three(ns1=FAILS))
    run = scene.run("--canary", "1", "--max-failures", "3")
    assert (run.code, scene.simulator.posts) == (6, {NAMES[0]: 1}), run.said
    assert "3 servers: 1 failed, 2 not started" in run.output
    assert "Could not download image" in run.errors


def test_a_canary_goes_first(make: Make) -> None:
    scene = make(three(ns1=Faults(step_seconds=0.02)))
    run = scene.run("--canary", "1")
    assert (run.code, scene.simulator.orders[0][0]) == (0, NAMES[0]), run.said
    lines = run.errors.splitlines()
    done = next(number for number, line in enumerate(lines) if line.startswith(f"{NAMES[0]}: done"))
    assert not any(line.startswith(NAMES[1:]) and "task" in line for line in lines[:done])


def test_failures_stop_what_has_not_started_and_the_next_run_goes_on(make: Make) -> None:
    scene = make(three(ns2=FAILS))
    first = scene.run("--parallel", "1")
    assert (first.code, scene.simulator.posts) == (6, {NAMES[0]: 1, NAMES[1]: 1}), first.said
    assert "3 servers: 1 done, 1 failed, 1 not started" in first.output
    second = scene.run("--parallel", "1", "--max-failures", "2")
    assert (second.code, scene.simulator.posts) == (6, {NAMES[0]: 1, NAMES[1]: 2, NAMES[2]: 1}), second.said
    assert f"{NAMES[0]}  done before" in second.output
    scene.write('hostname = "web-1"', 'hostname = "web-2"', 'hostname = "other"')
    third = scene.run("--parallel", "1", "--max-failures", "2")
    assert (third.code, scene.simulator.posts) == (6, {NAMES[0]: 1, NAMES[1]: 3, NAMES[2]: 2}), third.said


def test_a_server_that_got_another_order_meanwhile_is_not_done(make: Make) -> None:
    scene = make()
    assert scene.run().code == 0
    alone = ("deploy", "--server", NAMES[0], "--confirm", NAMES[0], "--efi-bootloader-path", LOADER)
    run = byoi_tools(*alone, *scene.flags, environment=scene.environment)
    assert run.code == 0, run.said
    assert scene.run().code == 0
    assert scene.simulator.posts == {NAMES[0]: 3, NAMES[1]: 1, NAMES[2]: 1}


# With one server at a time, four writes to its receipt: the intent, the task, that it is installed, the end.
@pytest.mark.parametrize(("moment", "number"), [("torn", 2), ("before", 4), ("after", 6)])
def test_a_killed_rollout_goes_on_and_no_server_is_asked_twice(make: Make, moment: str, number: int) -> None:
    scene = make()
    assert scene.run("--parallel", "1", dying=(moment, number)).code == KILLED
    second = scene.run()
    assert (second.code, scene.simulator.posts) == (0, ONE_EACH), second.said
    third = scene.run()
    assert (third.code, scene.simulator.posts) == (0, ONE_EACH), third.said
    assert "3 servers: 3 done before" in third.output


def test_nobody_knows_what_became_of_one_server(make: Make) -> None:
    scene = make()
    assert scene.run("--parallel", "1", dying=("after", 5)).code == KILLED  # the intent of the second
    second = scene.run("--max-failures", "2")
    assert second.code == 7, second.said
    assert scene.simulator.posts == {NAMES[0]: 1, NAMES[2]: 1}
    assert f"byoi-tools status {NAMES[1]}" in " ".join(second.errors.split())
    assert scene.run("--max-failures", "2").code == 7
    third = scene.run("--again")
    assert (third.code, scene.simulator.posts) == (0, ONE_EACH), third.said


def test_unknown_wins_over_failed(make: Make) -> None:
    lost = Faults(reinstall_answer=ReinstallAnswer.LOST)
    scene = make(three(ns1=FAILS, ns2=lost))
    run = scene.run("--max-failures", "3")
    assert (run.code, scene.simulator.posts) == (7, ONE_EACH), run.said
    assert "3 servers: 1 done, 1 failed, 1 unknown" in run.output


def test_all_that_speaks_against_any_server_is_told_at_once(make: Make) -> None:
    first, second, third = three()
    scene = make(
        (replace(first, boot_mode=BootMode.LEGACY), replace(second, operating_systems=("debian12_64",)), third)
    )
    scene.write('boot = "uefi"', 'boot = "uefi"', 'boot = "uefi"')
    run = scene.run()
    assert (run.code, scene.simulator.orders) == (6, []), run.said
    said = " ".join(run.errors.split())
    assert "2 of 3 cannot be installed so" in said
    assert f"{NAMES[0]}: " in said
    assert f"{NAMES[1]}: " in said
    assert f"{NAMES[2]}: nothing" not in said


def test_ctrl_c_detaches_from_all_and_the_same_command_comes_back(make: Make, host: ImageHost) -> None:
    scene = make(three(ns1=Faults(), ns2=Faults()))
    with host.holding():
        process = scene.begin("--parallel", "2")
        assert process.stderr is not None
        begun: set[str] = set()
        for line in process.stderr:
            begun |= {name for name in NAMES[:2] if line.startswith(name) and "doing" in line}
            if len(begun) == 2:
                break
        os.kill(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, output + errors
    assert "2 goes on" in output
    assert "Run the same command again" in errors
    second = scene.run()
    assert (second.code, scene.simulator.posts) == (0, ONE_EACH), second.said


@pytest.mark.parametrize(
    ("tables", "user_data", "said"),
    [
        (('hostnmae = "x"',), "", "hostnmae"),
        (("disk-group = true",), "", "disk-group"),
        (('boot = "efi"',), "", "efi"),
        (('user-data = "web.yaml"',), "fqdn: {{fqdn}}\n", "{{fqdn}}"),
        (('user-data = "web.yaml"\nvalues = { x = "a\\nb" }',), "x: {{x}}\n", "control characters"),
        (('user-data = "web.yaml"\nvalues = { name = "a" }',), "", "'name'"),
        (('user-data = "missing.yaml"',), "", "missing.yaml"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_before_anything_is_sent(
    make: Make, tables: tuple[str, ...], user_data: str, said: str
) -> None:
    scene = make()
    (scene.directory / "web.yaml").write_text(user_data)
    scene.write(*tables)
    run = scene.run(confirm="1")
    assert (run.code, scene.simulator.requests) == (2, 0), run.said
    assert said in run.errors


@pytest.mark.parametrize("confirm", ["", "2", "ns1.simulated"])
def test_the_number_of_the_servers_has_to_be_given(make: Make, confirm: str) -> None:
    scene = make()
    run = scene.run(confirm=confirm)
    assert (run.code, scene.simulator.requests) == (2, 0), run.said
    assert "--confirm 3" in run.errors


def test_several_flags_name_a_fleet_too(make: Make) -> None:
    scene = make()
    named = ["--server", NAMES[0], "--server", NAMES[2]]
    named += ["--efi-bootloader-path", LOADER]
    run = byoi_tools("deploy", *named, *scene.flags, "--confirm", "2", environment=scene.environment)
    assert (run.code, scene.simulator.posts) == (0, {NAMES[0]: 1, NAMES[2]: 1}), run.said
    both = byoi_tools("deploy", *named, "--servers", scene.file, *scene.flags, environment=scene.environment)
    none = byoi_tools("deploy", *scene.flags, environment=scene.environment)
    same_name = byoi_tools(
        "deploy", *named, *scene.flags, "--hostname", "x", "--confirm", "2", environment=scene.environment
    )
    assert [both.code, none.code, same_name.code] == [2, 2, 2]
