"""A fleet in every way that one server is deployed: proven by logins, by the old API, the other product, by OAuth2."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.model.proof import MARKER_KEY
from byoi_tools.simulator.credentials import OAuthClient
from byoi_tools.simulator.servers import OLD_API, REINSTALL_API, SimulatedServer
from byoi_tools.simulator.signature import SignedCall
from fixtures.object_store import ObjectStore
from fixtures.tiny.byolinux import turn_into_byolinux
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.fleet_scene import NAMES, AskedSimulator, Body, FleetScene, three
from tests.ssh_server import SshServer
from tests.unit.simulator.outside import SSH_KEY

ONE_EACH = dict.fromkeys(NAMES, 1)
# The actions that the README lists for an OAuth2 client's policies, as OVHcloud's OpenAPI file names them.
ACTIONS = frozenset(
    f"dedicatedServer:apiovh:{action}"
    for action in (
        *("get", "specifications/hardware/get", "install/compatibleTemplates/get", "install/status/get"),
        *("task/get", "boot/get", "reinstall"),
    )
)
IMAGE = ("--url", "https://images.example.net/x.qcow2", "--image-type", "qcow2", "--checksum", f"sha512:{'2c' * 64}")
LAYOUT = 'disks = 2\n[[layout]]\nfileSystem = "ext4"\nmountPoint = "/"\nraidLevel = 1\n'


class MarkedSimulator(AskedSimulator):
    """Keeps the marker of each order in a file of the server's name, as the config drive would."""

    def __init__(self, directory: Path) -> None:
        super().__init__(three(), directory / "servers")
        self.directory = directory

    def answer(self, call: SignedCall, target: str) -> object:
        if target.endswith("/reinstall"):
            told = json.loads(call.body)["customizations"]["configDriveMetadata"]
            (self.directory / target.split("/")[-2]).write_text(told[MARKER_KEY])
        return super().answer(call, target)


class CallsSimulator(AskedSimulator):
    """Keeps what is asked for, with its query."""

    def __init__(self, servers: Sequence[SimulatedServer], directory: Path) -> None:
        super().__init__(servers, directory)
        self.targets: list[str] = []

    def answer(self, call: SignedCall, target: str) -> object:
        self.targets.append(target)
        return super().answer(call, target)


class OldSimulator(AskedSimulator):
    """Keeps the bodies that the API of the 2020 guides was sent."""

    def answer(self, call: SignedCall, target: str) -> object:
        if call.method == "POST" and target.endswith("/bringYourOwnImage"):
            self.orders.append((target.split("/")[-2], json.loads(call.body)))
        return super().answer(call, target)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    return tmp_path / "id.pub"


def system(marker: str, key: Path) -> SshServer:
    """A system whose config drive holds what this shell word expands to."""
    parts = ("@@rights@@", "root", "@@markers@@", f'own /dev/sda3 "{MARKER_KEY}": "%s"', "@@end@@", "complete", "")
    text = shlex.quote(r"\n".join(parts))
    return SshServer("debian", key.read_text(), command=f"printf {text} {marker}")


def test_each_server_is_proven_by_its_own_marker(tmp_path: Path, key: Path) -> None:
    """The last one answers with the marker of the first: somebody else's system proves nothing."""
    simulator = MarkedSimulator(tmp_path)
    markers = [f'"$(cat {shlex.quote(str(tmp_path / name))})"' for name in (NAMES[0], NAMES[1], NAMES[0])]
    with ExitStack() as stack:
        stack.enter_context(simulator)
        systems = [stack.enter_context(system(marker, key)) for marker in markers]
        scene = FleetScene(simulator, tmp_path, (*IMAGE, "--ssh-key", str(key), "--prove", "ssh"))
        scene.write(*(f'ssh-address = "{each.address}"' for each in systems))
        flags = ("--canary", "1", "--max-failures", "3", "--prove-timeout", "2m")
        first = scene.run(*flags)
        assert (first.code, simulator.posts) == (6, ONE_EACH), first.said
        assert "3 servers: 2 done, 1 failed" in first.output
        assert f"{NAMES[2]} is installed, but the system that answers is not the one" in " ".join(first.errors.split())
        stack.enter_context(right := system(f'"$(cat {shlex.quote(str(tmp_path / NAMES[2]))})"', key))
        scene.write(*(f'ssh-address = "{each.address}"' for each in (*systems[:2], right)))
        second = scene.run(*flags)
    assert (second.code, simulator.posts) == (0, ONE_EACH), second.said
    assert "3 servers: 1 done, 2 done before" in second.output
    assert len({(tmp_path / name).read_text() for name in NAMES}) == 3


@pytest.fixture
def old(tmp_path: Path) -> Iterator[FleetScene]:
    simulator = OldSimulator([replace(server, api=(OLD_API,)) for server in three()], tmp_path / "servers")
    (tmp_path / "id.pub").write_text(f"{SSH_KEY}\n")
    scene = FleetScene(simulator, tmp_path, (*IMAGE, "--api", "bring-your-own-image"))
    scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)), defaults='[defaults]\nssh-key = "id.pub"\n')
    with simulator:
        yield scene


def sent(scene: FleetScene, field: str) -> dict[str, object]:
    return {server: body.get(field) for server, body in scene.simulator.orders}


def test_the_api_of_the_2020_guides_installs_a_fleet_once(old: FleetScene) -> None:
    first = old.run("--canary", "1", "--description", "ours")
    assert (first.code, old.simulator.posts) == (0, ONE_EACH), first.said
    assert sent(old, "hostname") == {NAMES[0]: "web-1", NAMES[1]: "web-2", NAMES[2]: "web-3"}
    assert set(sent(old, "description").values()) == {"ours"}
    second = old.run("--description", "ours")
    assert (second.code, old.simulator.posts, "3 done before" in second.output) == (0, ONE_EACH, True), second.said


def test_what_that_api_lacks_is_told_of_the_servers_that_lack_it(old: FleetScene, tmp_path: Path) -> None:
    old.write('hostname = "web-1"', "", 'hostname = "web-3"', defaults='[defaults]\nssh-key = "id.pub"\n')
    first, second, third = three()
    servers = [replace(first, api=(OLD_API,)), replace(second, api=(OLD_API,)), replace(third, api=(REINSTALL_API,))]
    with OldSimulator(servers, tmp_path / "others") as simulator:
        run = replace(old, simulator=simulator).run()
    assert (run.code, simulator.orders) == (6, []), run.said
    said = " ".join(run.errors.split())
    assert "2 of 3 cannot be installed so" in said
    assert 'no "hostname"' in said
    assert f"the API has no bringYourOwnImage for {NAMES[2]}" in said


@pytest.fixture
def other_product(tmp_path: Path) -> Iterator[FleetScene]:
    (tmp_path / "layout.toml").write_text(LAYOUT)
    flags = ("--os", "byolinux", "--partitioning", str(tmp_path / "layout.toml"))
    with AskedSimulator(three(), tmp_path / "servers") as simulator:
        scene = FleetScene(simulator, tmp_path, (*IMAGE, *flags))
        scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)))
        yield scene


def assert_byolinux(bodies: list[tuple[str, Body]]) -> None:
    for _, body in bodies:
        assert body["operatingSystem"] == "byolinux_64"
        assert body["storage"][0]["partitioning"]["layout"][0]["mountPoint"] == "/"
        assert "imageType" not in body["customizations"]


def test_a_layout_that_one_server_cannot_have_is_sent_to_none(other_product: FleetScene, tmp_path: Path) -> None:
    first, second, third = three()
    lone = replace(second, disk_groups=(replace(second.disk_groups[0], disks=1),))
    with AskedSimulator((first, lone, third), tmp_path / "others") as simulator:
        run = replace(other_product, simulator=simulator).run()
    assert (run.code, simulator.orders) == (6, []), run.said
    assert "1 of 3 cannot be installed so" in " ".join(run.errors.split())
    assert NAMES[1] in run.errors


def test_the_whole_line_of_the_other_product_takes_the_loader_from_the_image(
    other_product: FleetScene, object_store: ObjectStore, bucket: str
) -> None:
    folder = other_product.directory
    turn_into_byolinux(Canvas(folder / ".canvas")).as_qcow2(folder / "linux.qcow2")
    flags = (*other_product.flags[len(IMAGE) :], "--to", f"s3://{bucket}/images")
    verb = ("publish-and-deploy", str(folder / "linux.qcow2"))
    line = replace(other_product, flags=flags, verb=verb, more_environment=dict(object_store.environment))
    line.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)), defaults="")
    run = line.run()
    assert (run.code, line.simulator.posts) == (0, ONE_EACH), run.said
    assert_byolinux(line.simulator.orders)
    loaders = {body["customizations"]["efiBootloaderPath"].lower() for _, body in line.simulator.orders}
    assert loaders == {r"\efi\debian\grubx64.efi"}


def test_a_server_is_asked_for_the_same_only_once_before_it_is_installed(tmp_path: Path) -> None:
    """At 60 requests a minute for a fleet, one more for each server is a minute for 60 of them."""
    with CallsSimulator(three(), tmp_path / "servers") as simulator:
        scene = FleetScene(simulator, tmp_path, IMAGE)
        scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)))
        run = scene.run("--parallel", "1")
    assert (run.code, simulator.posts) == (0, ONE_EACH), run.said
    asked = Counter(target for target in simulator.targets if "/install/" not in target)
    assert {target: count for target, count in asked.items() if count > 1} == {}
    assert asked["/1.0/auth/time"] == 1
    assert "looking at 3 servers before anything is sent\n" in run.errors


def test_the_right_that_an_oauth2_client_lacks_is_named_for_a_fleet(tmp_path: Path) -> None:
    lacking = "dedicatedServer:apiovh:reinstall"
    client = OAuthClient.generate(ACTIONS - {lacking})
    with AskedSimulator(three(), tmp_path / "servers", oauth_client=client) as simulator:
        scene = FleetScene(simulator, tmp_path, IMAGE, is_by_oauth2=True)
        scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)))
        run = scene.run("--canary", "1")
    assert (run.code, lacking in run.errors, client.client_secret in run.said) == (6, True, False), run.said
    assert "1 failed, 2 not started" in run.output


def test_the_whole_line_by_oauth2(tmp_path: Path, object_store: ObjectStore, bucket: str) -> None:
    """One server which really installs, two that are done at once; with the rights of the README and no other."""
    good_raw(tmp_path / "good.raw")
    client = OAuthClient.generate(ACTIONS)
    first, *others = three()
    servers = (replace(first, instant=False), *others)
    with AskedSimulator(servers, tmp_path / "servers", oauth_client=client) as simulator:
        verb = ("publish-and-deploy", str(tmp_path / "good.raw"))
        environment = dict(object_store.environment)
        flags = ("--to", f"s3://{bucket}/images")
        scene = FleetScene(simulator, tmp_path, flags, verb, environment, is_by_oauth2=True)
        scene.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)), defaults="")
        run = scene.run("--canary", "1")
    assert (run.code, simulator.posts) == (0, ONE_EACH), run.said
    assert json.loads(simulator.state_file(NAMES[0]).read_text())["boot"]["outcome"] == "loader"
    kept = "".join(path.read_text() for path in (tmp_path / "state").rglob("*.jsonl"))
    assert client.client_secret not in run.said + kept
    assert client.client_id not in kept
