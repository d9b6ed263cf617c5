"""Every verdict of a proof, against an SSH server on loopback whose answers are written beforehand."""

from __future__ import annotations

import hashlib
import shlex
import socket
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Known
from byoi_tools.model.observer import Observer
from byoi_tools.model.proof import MARKER_KEY, Proof, ProofOrder, Prove, Verdict
from byoi_tools.model.ssh_address import SshAddress
from byoi_tools.proof.prove import prove
from byoi_tools.tools.ssh import KeyPair, generate_key, read_host_keys
from tests.clock import FakeClock
from tests.ssh_server import SshServer

MARKER = "0123456789abcdef" * 2
USER_DATA = b"#cloud-config\n"
TIMEOUT = 900.0
GOOD = {
    "hostname": "web-1",
    "rights": "root",
    "user-data-digest": f"{hashlib.sha256(USER_DATA).hexdigest()}  /var/lib/cloud/instance/user-data.txt",
    "cloud-init": "status: done",
    "root-size": str(7 << 30),
    "root-extent": "2048\n14680064\n16777216",
    "markers": f'own /dev/nvme0n1p4 "{MARKER_KEY}": "{MARKER}"',
    "end": "complete",
}


@pytest.fixture(scope="module")
def key() -> KeyPair:
    return generate_key("run")


def system(key: KeyPair, directory: Path, answers: Mapping[str, str]) -> SshServer:
    """A machine that answers so whatever it is asked."""
    path = directory / "answers"
    path.write_text("".join(f"\n@@{name}@@\n{text}\n" for name, text in answers.items()))
    return SshServer("debian", key.public_line, command=f"cat {shlex.quote(str(path))}")


def order_of(address: SshAddress, method: Prove = Prove.SSH) -> ProofOrder:
    wishes = Customizations("web-1.example.net", user_data=USER_DATA)
    return ProofOrder(method, address, TIMEOUT, wishes, MARKER, (), ("debian",))


def run(order: ProofOrder, key: KeyPair) -> tuple[Proof, FakeClock]:
    clock = FakeClock()
    return prove(order, key, clock, Observer()), clock


def test_the_new_system_is_proven_at_its_first_answer(key: KeyPair, tmp_path: Path) -> None:
    with system(key, tmp_path, GOOD) as server:
        proof, clock = run(order_of(server.address), key)
    assert (proof.verdict, clock.sleeps) == (Verdict.PROVEN, [])
    assert isinstance(proof.guest, Known)
    assert proof.guest.value.is_root_grown == Known(True)


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"markers": f'own /dev/sda3 "{MARKER_KEY}": "{"0" * 32}"'}, "an old system answers"),
        ({"markers": ""}, "no config drive"),
        ({"hostname": "web-2"}, "the host name is web-2"),
        ({"user-data-digest": "00  x"}, "other user data"),
        ({"cloud-init": "status: error"}, "cloud-init reports an error"),
    ],
)
def test_another_system_fails_once_it_had_time_to_go_away(
    key: KeyPair, tmp_path: Path, answers: dict[str, str], reason: str
) -> None:
    with system(key, tmp_path, GOOD | answers) as server:
        proof, clock = run(order_of(server.address), key)
    assert (proof.verdict, clock.monotonic() < TIMEOUT / 2) == (Verdict.FAILED, True)
    assert reason in proof.reason


def test_a_system_that_goes_down_makes_room_for_the_new_one(key: KeyPair, tmp_path: Path) -> None:
    class Reboot(FakeClock):
        """While somebody waits, the machine is started anew."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            system(key, tmp_path, GOOD)

    with system(key, tmp_path, GOOD | {"markers": ""}) as server:
        assert prove(order_of(server.address), key, Reboot(), Observer()).verdict is Verdict.PROVEN


def test_a_marker_that_nobody_may_read_proves_nothing(key: KeyPair, tmp_path: Path) -> None:
    with system(key, tmp_path, GOOD | {"rights": "", "markers": "own /dev/sda3 "}) as server:
        proof, _ = run(order_of(server.address), key)
    assert proof.verdict is Verdict.UNKNOWN


def test_a_refused_key_is_waited_out_and_the_old_host_key_is_told(key: KeyPair) -> None:
    with SshServer("debian", generate_key("of somebody else").public_line) as server:
        order = order_of(server.address)
        proof, clock = run(order, key)
        again, _ = run(replace(order, host_keys_before=read_host_keys(server.address)), key)
    assert (proof.verdict, clock.monotonic()) == (Verdict.UNKNOWN, TIMEOUT)
    assert "refused for debian" in proof.reason
    assert "host key of before" not in proof.reason
    assert again.reason.endswith("with the host key of before")


def test_silence_ends_with_the_time(key: KeyPair) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = SshAddress("127.0.0.1", int(unused.getsockname()[1]))
        assert read_host_keys(address) == ()
        proof, clock = run(order_of(address), key)
    assert (proof.verdict, clock.monotonic()) == (Verdict.UNKNOWN, TIMEOUT)
    assert f"nobody answered at {address}" in proof.reason


def test_without_a_marker_the_host_key_decides(key: KeyPair, tmp_path: Path) -> None:
    with system(key, tmp_path, GOOD) as server:
        order = replace(order_of(server.address), marker=None)
        keys = read_host_keys(server.address)
        verdicts = [run(replace(order, host_keys_before=before), key)[0].verdict for before in ((), keys, None)]
    assert verdicts == [Verdict.PROVEN, Verdict.FAILED, Verdict.UNKNOWN]


def test_a_port_is_proven_by_another_host_key(key: KeyPair) -> None:
    with SshServer("debian", key.public_line) as server:
        order = order_of(server.address, Prove.PORT)
        keys = read_host_keys(server.address)
        verdicts = [run(replace(order, host_keys_before=before), key)[0].verdict for before in (("x",), keys, None)]
        assert server.tried == []
    assert verdicts == [Verdict.PROVEN, Verdict.FAILED, Verdict.UNKNOWN]
