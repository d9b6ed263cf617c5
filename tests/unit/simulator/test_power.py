"""Servers that boot: the boot sector of a disk says so on the serial line, and no machine outlives the simulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.simulator.condition import DISK_BOOT
from byoi_tools.simulator.faults import BootFault, Faults
from byoi_tools.simulator.servers import BootMode, SimulatedServer
from byoi_tools.simulator.service import Simulator
from tests.command import PROGRAM, clean_environment
from tests.unit.simulator.outside import SERVER, Api, ImageHost, make_mbr_image, order, small_server

# mov dx,0x3f8; mov si,0x7c10; lodsb; test al,al; jz +3; out dx,al; jmp -8; hlt; jmp -3 (Intel SDM, volume 2)
_CODE = bytes.fromhex("baf803be107cac84c07403eeebf8f4ebfd")
_RESCUE = 3


def talking_image(path: Path, word: str) -> Path:
    """An image whose boot sector writes a word to the first serial port, and halts."""
    make_mbr_image(path)
    code = _CODE.replace(b"\x10\x7c", (0x7C00 + len(_CODE)).to_bytes(2, "little"))
    with path.open("r+b") as file:
        file.write(code + word.encode() + b"\0")
    return path


@pytest.fixture(scope="module")
def talking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageHost]:
    folder = tmp_path_factory.mktemp("talking")
    talking_image(folder / "first.raw", "the first system")
    talking_image(folder / "second.raw", "the second system")
    with ImageHost(folder) as host:
        yield host


def server(fault: BootFault = BootFault.NEW) -> SimulatedServer:
    return small_server(boot_mode=BootMode.LEGACY, faults=Faults(boot=fault))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[[SimulatedServer], Simulator]]:
    started: list[Simulator] = []

    def start(one: SimulatedServer) -> Simulator:
        started.append(Simulator([one], directory=tmp_path / "servers", boots=True))
        started[-1].start()
        return started[-1]

    yield start
    for simulator in started:
        simulator.stop()


def install(simulator: Simulator, host: ImageHost, name: str) -> None:
    image = host.directory / f"{name}.raw"
    Api(simulator).reinstall(order(host.url(f"/files/{image.name}"), image))
    assert simulator.wait_until_idle(60)


def console(simulator: Simulator) -> Path:
    return simulator.state_file("ns1.simulated").with_name("console.log")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def says(path: Path, word: str) -> Callable[[], bool]:
    return lambda: path.is_file() and word in path.read_text()


def machines(directory: Path) -> list[str]:
    """The command lines of the machines whose disks are there."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if "qemu-system" in line and str(directory) in line:
            found.append(line)
    return found


def test_what_was_installed_runs_until_the_next_installation_and_the_rescue_system(
    running: Callable[[SimulatedServer], Simulator], talking: ImageHost, tmp_path: Path
) -> None:
    simulator = running(server())
    install(simulator, talking, "first")
    log = console(simulator)
    wait_for(says(log, "the first system"))
    state = json.loads(simulator.state_file("ns1.simulated").read_text())
    assert f"hostfwd=tcp:{state['ssh_address']}-:22" in machines(tmp_path)[0]
    install(simulator, talking, "second")
    wait_for(says(log, "the second system"))
    assert len(machines(tmp_path)) == 1
    api = Api(simulator)
    api.put(SERVER, {"bootId": _RESCUE})
    api.post(f"{SERVER}/reboot")
    assert machines(tmp_path) == []
    log.unlink()
    api.put(SERVER, {"bootId": DISK_BOOT})
    api.post(f"{SERVER}/reboot")
    wait_for(says(log, "the second system"))
    simulator.stop()
    assert machines(tmp_path) == []


def test_a_server_that_never_boots_is_installed_all_the_same(
    running: Callable[[SimulatedServer], Simulator], talking: ImageHost, tmp_path: Path
) -> None:
    simulator = running(server(BootFault.NEVER))
    install(simulator, talking, "first")
    assert json.loads(simulator.state_file("ns1.simulated").read_text())["status"] == "done"
    assert machines(tmp_path) == []


def test_an_old_system_goes_on_running(
    running: Callable[[SimulatedServer], Simulator], talking: ImageHost, tmp_path: Path
) -> None:
    simulator = running(server(BootFault.OLD_SYSTEM))
    install(simulator, talking, "first")
    wait_for(says(console(simulator), "the first system"))
    before = machines(tmp_path)
    install(simulator, talking, "second")
    assert machines(tmp_path) == before
    assert "the second system" in simulator.disk_file("ns1.simulated").read_bytes()[:512].decode("latin-1")


@pytest.fixture
def scratch() -> Iterator[str]:
    """Where the program's own files go, with a path that is short enough for sockets; SIGKILL leaves them there."""
    with tempfile.TemporaryDirectory() as directory:
        yield directory


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_machine_outlives_the_program(
    talking: ImageHost, tmp_path: Path, scratch: str, number: signal.Signals
) -> None:
    definition = tmp_path / "servers.toml"
    definition.write_text(
        '[[server]]\nname = "ns1.simulated"\nboot_mode = "legacy"\nmemory_mib = 4096\n'
        "[[server.disk_groups]]\ndisk_group_id = 1\ndisks = 1\ndisk_size_gb = 1\n"
    )
    command = [str(PROGRAM), "simulator", "--boot", "--listen", "127.0.0.1:0", "--servers", str(definition)]
    with subprocess.Popen(
        [*command, "--directory", str(tmp_path / "servers")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment({"TMPDIR": scratch}),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout is not None
        exports = dict(process.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(4))
        image = talking.directory / "first.raw"
        told = order(talking.url("/files/first.raw"), image)["customizations"]
        assert isinstance(told, dict)
        flags = ("--url", told["imageURL"], "--checksum", f"sha512:{told['imageCheckSum']}", "--image-type", "raw")
        deploy = [str(PROGRAM), "deploy", "--server", "ns1.simulated", "--confirm", "ns1.simulated", *flags]
        environment = clean_environment({**exports, "XDG_STATE_HOME": str(tmp_path)})
        subprocess.run(deploy, check=True, capture_output=True, env=environment, timeout=120)
        wait_for(says(tmp_path / "servers" / "ns1.simulated" / "console.log", "the first system"))
        os.kill(process.pid, number)
        process.wait(30)
    wait_for(lambda: machines(tmp_path) == [])
    assert number is signal.SIGKILL or not list(Path(scratch).iterdir())


@pytest.mark.parametrize("address", ["localhost:2201", "127.0.0.1:0", "::1", "127.0.0.1:22:22"])
def test_an_address_where_no_machine_can_be_is_refused(address: str) -> None:
    from byoi_tools.errors import UsageError

    with pytest.raises(UsageError):
        replace(server(), ssh_address=address)
