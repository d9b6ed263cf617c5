"""Which services a guest starts; `systemctl --root` is the oracle where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from byoi_tools.inspection.guest.units import Units
from tests.guest_tree import Link, tree_of

LIB = "/usr/lib/systemd/system"
ETC = "/etc/systemd/system"
SERVICE = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
FILES: dict[str, str | bytes | Link] = {
    "/lib": Link("usr/lib"),
    "/etc/machine-id": "",
    f"{LIB}/on.service": SERVICE,
    f"{ETC}/multi-user.target.wants/on.service": Link(f"{LIB}/on.service"),
    f"{LIB}/off.service": SERVICE,
    f"{LIB}/masked.service": SERVICE,
    f"{ETC}/masked.service": Link("/dev/null"),
    f"{ETC}/multi-user.target.wants/masked.service": Link(f"{LIB}/masked.service"),
    f"{LIB}/many@.service": SERVICE,
    f"{ETC}/multi-user.target.wants/many@one.service": Link(f"{LIB}/many@.service"),
    f"{ETC}/own.service": SERVICE,
    f"{ETC}/multi-user.target.requires/own.service": Link("../own.service"),
}
STATES = {
    "on.service": "on.service is enabled",
    "off.service": "off.service is not enabled",
    "masked.service": "masked.service is masked",
    "many@one.service": "many@one.service is enabled",
    "own.service": "own.service is enabled",
    "none.service": "none.service is not installed",
}


@pytest.mark.parametrize(("name", "state"), STATES.items())
def test_the_state_of_a_unit(name: str, state: str) -> None:
    unit = Units(tree_of(FILES)).unit(name)
    assert str(unit) == state
    assert unit.is_enabled is state.endswith("is enabled")


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="systemctl is not installed")
def test_systemctl_says_the_same(tmp_path: Path) -> None:
    for path, content in FILES.items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            file.symlink_to(content)
        else:
            file.write_text(str(content))
    for name, state in STATES.items():
        command = ["systemctl", f"--root={tmp_path}", "is-enabled", name]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        assert {"enabled": "is enabled", "disabled": "is not enabled", "masked": "is masked"}.get(
            said, "is not installed"
        ) in state, (name, said)


def test_a_unit_has_its_drop_ins_behind_it() -> None:
    files = {f"{LIB}/on.service": "A\n", f"{ETC}/on.service.d/b.conf": "C\n", f"{LIB}/on.service.d/a.conf": "B\n"}
    assert Units(tree_of(files)).text("on.service").split() == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("machine_id", "preset", "is_enabled"),
    [
        ("uninitialized\n", "enable sshd.service\ndisable *\n", True),
        ("uninitialized\n", "disable *\nenable sshd.service\n", False),
        ("uninitialized\n", "disable other.*\n", True),
        ("", "enable sshd.service\n", False),
    ],
)
def test_presets_count_on_a_first_boot_alone(machine_id: str, preset: str, is_enabled: bool) -> None:
    files = {
        "/etc/machine-id": machine_id,
        f"{LIB}/sshd.service": SERVICE,
        "/usr/lib/systemd/system-preset/90-x.preset": preset,
    }
    assert Units(tree_of(files)).unit("sshd.service").is_enabled is is_enabled


def test_openrc_and_system_v() -> None:
    openrc = Units(tree_of({"/etc/init.d/sshd": "#!", "/etc/runlevels/default/sshd": Link("/etc/init.d/sshd")}))
    assert openrc.unit("sshd.service").is_enabled
    system_v = Units(tree_of({"/etc/init.d/ssh": "#!", "/etc/rc2.d/S02ssh": Link("../init.d/ssh")}))
    assert system_v.unit("ssh.service").is_enabled
    assert not Units(tree_of({"/etc/init.d/ssh": "#!"})).unit("ssh.service").is_enabled
