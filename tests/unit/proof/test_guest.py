"""What is asked over SSH, run by a real shell on this machine, and how answers are read."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from pathlib import Path

import pytest

from byoi_tools.model.fact import Known, NotExamined
from byoi_tools.model.proof import GuestState
from byoi_tools.proof.guest import SCRIPT, is_complete, read_state
from byoi_tools.tools.ssh import SshAnswer

GIB = 1 << 30


def state_of(user_data: bytes | None = None, disk_bytes: int = 8 * GIB, **answers: str) -> GuestState:
    output = "".join(f"\n@@{name.replace('_', '-')}@@\n{text}\n" for name, text in answers.items())
    sent = hashlib.sha256(user_data).hexdigest() if user_data else None
    return read_state(SshAnswer("debian", "SHA256:x", output), sent, disk_bytes, is_key_printed=Known(True))


def test_a_shell_answers_everything() -> None:
    output = subprocess.run(["sh", "-c", SCRIPT], check=True, capture_output=True, text=True).stdout
    assert is_complete(output)
    state = read_state(SshAnswer("me", "SHA256:x", output), None, GIB, is_key_printed=NotExamined("no console"))
    assert state.kernel == platform.release()
    assert state.hostname == Path("/proc/sys/kernel/hostname").read_text().strip()
    assert state.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@pytest.mark.parametrize(
    "output", ["", 'Please login as the user "debian" rather than the user "root".\n', SCRIPT, "\n@@end@@\ncut"]
)
def test_what_is_no_answer_is_not_complete(output: str) -> None:
    assert not is_complete(output)


def test_the_dots_of_waiting_are_no_status() -> None:
    state = state_of(cloud_init="....\nstatus: done\ndetail:\nDataSourceConfigDrive")
    assert state.cloud_init == Known("status: done\ndetail:\nDataSourceConfigDrive")
    assert isinstance(state_of(cloud_init="......").cloud_init, NotExamined)


def test_user_data_is_compared_by_its_digest() -> None:
    sent = b"#cloud-config\n"
    line = f"{hashlib.sha256(sent).hexdigest()}  /var/lib/cloud/instance/user-data.txt"
    assert state_of(sent, user_data_digest=line).has_user_data == Known(True)
    assert state_of(b"other", user_data_digest=line).has_user_data == Known(False)
    assert isinstance(state_of(sent, user_data_digest="").has_user_data, NotExamined)
    assert isinstance(state_of(None, user_data_digest=line).has_user_data, NotExamined)


@pytest.mark.parametrize(
    ("partition", "file_system", "is_grown"),
    [(7.7, 7.5, True), (7.7, 1.8, False), (1.9, 1.8, False)],
    ids=["both grown", "the file system not", "nothing"],
)
def test_root_has_grown_when_partition_and_file_system_have(
    partition: float, file_system: float, is_grown: bool
) -> None:
    extent = f"{2048}\n{int(partition * GIB) // 512}"
    state = state_of(root_size=str(int(file_system * GIB)), root_extent=extent)
    assert state.is_root_grown == Known(is_grown)


def test_a_root_on_a_logical_volume_is_not_judged() -> None:
    assert isinstance(state_of(root_size=str(GIB), root_extent="").is_root_grown, NotExamined)


def test_missing_firmware_is_found_in_the_kernels_log() -> None:
    log = (
        "readable\n"
        "[    4.9] platform regulatory.0: Direct firmware load for regulatory.db failed with error -2\n"
        "[    5.1] bnx2 0000:01:00.0: firmware: failed to load bnx2/bnx2-mips-09-6.2.1b.fw (-2)\n"
        "[    5.2] bnx2 0000:01:00.0: Direct firmware load for bnx2/bnx2-mips-09-6.2.1b.fw failed with error -2\n"
        "[    6.0] i915 0000:00:02.0: Direct firmware load for i915/kbl_dmc_ver1_04.bin failed with error -2\n"
    )
    state = state_of(kernel_log=log)
    assert state.missing_firmware == Known(("bnx2/bnx2-mips-09-6.2.1b.fw", "i915/kbl_dmc_ver1_04.bin"))
    assert isinstance(state_of(kernel_log="").missing_firmware, NotExamined)


def test_failed_units_are_named() -> None:
    text = "cloud-final.service loaded failed failed Cloud-init: Final Stage\nssh.service loaded failed failed SSH"
    assert state_of(failed_units=text).failed_units == Known(("cloud-final.service", "ssh.service"))
    assert state_of(failed_units="").failed_units == Known(())
    assert isinstance(state_of().failed_units, NotExamined)
