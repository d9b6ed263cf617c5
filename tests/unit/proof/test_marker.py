"""The marker is read back from real config drives by a real shell; which disk a drive is on, a fake `lsblk` tells."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from threading import Event

import pytest

from byoi_tools.model.proof import MARKER_KEY, Verdict
from byoi_tools.proof.guest import SCRIPT, is_complete, read_answers
from byoi_tools.proof.marker import judge_marker, new_marker
from byoi_tools.rehearsal.config_drive import ConfigDriveContent, make_config_drive

OURS, OLD = "ab" * 16, "cd" * 16


def drive(path: Path, marker: str | None) -> Path:
    metadata = {"role": "web"} | ({MARKER_KEY: marker} if marker else {})
    assert make_config_drive(ConfigDriveContent("web", "", "", metadata), "ns1", path, Event())
    return path


def ask(directory: Path, own: Path | None, *others: Path) -> dict[str, str]:
    """What a system answers whose root is on the disk of the drive `own`, and that sees the other drives too."""
    programs = directory / "bin"
    programs.mkdir()
    listed = [path for path in (own, *others) if path]
    rows = "\n".join(f"echo '{path} config-2'" for path in listed)
    own_row = f"echo '{own} config-2'" if own else ":"
    fake(programs / "findmnt", "echo /dev/sda2")
    fake(
        programs / "lsblk",
        'case "$*" in\n*TYPE*) printf "/dev/sda2 part\\n/dev/sda disk\\n" ;;\n'
        f"*/dev/sda) {own_row} ;;\n*) {rows}\n;; esac",
    )
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    output = subprocess.run(["sh", "-c", SCRIPT], check=True, capture_output=True, text=True, env=environment).stdout
    assert is_complete(output)
    return read_answers(output)


def fake(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_the_drive_of_the_disk_it_runs_from_carries_the_marker(tmp_path: Path) -> None:
    answers = ask(tmp_path, drive(tmp_path / "own.iso", OURS), drive(tmp_path / "other.iso", OLD))
    assert judge_marker(answers, OURS)[0] is Verdict.PROVEN


@pytest.mark.parametrize("marker", [OLD, None])
def test_a_drive_of_another_deployment_is_an_old_system(tmp_path: Path, marker: str | None) -> None:
    verdict, reason = judge_marker(ask(tmp_path, drive(tmp_path / "own.iso", marker)), OURS)
    assert verdict is Verdict.FAILED
    assert "own.iso" in reason


@pytest.mark.parametrize("has_own", [True, False])
def test_an_old_system_on_another_disk_sees_the_new_drive_and_is_found_out(tmp_path: Path, has_own: bool) -> None:
    own = drive(tmp_path / "own.iso", OLD) if has_own else None
    verdict, reason = judge_marker(ask(tmp_path, own, drive(tmp_path / "new.iso", OURS)), OURS)
    assert verdict is Verdict.FAILED
    assert ("own.iso" if has_own else "new.iso") in reason


def test_a_system_without_any_drive_is_another_one(tmp_path: Path) -> None:
    assert judge_marker(ask(tmp_path, None), OURS)[0] is Verdict.FAILED


CLOUD_INIT = f'cloud-init /run/cloud-init/instance-data.json "{MARKER_KEY}": '


@pytest.mark.parametrize(
    ("rights", "markers", "expected"),
    [
        ("", f'own /dev/sda3 \n{CLOUD_INIT}"{OURS}"', Verdict.PROVEN),
        ("", f'own /dev/sda3 \n{CLOUD_INIT}"{OLD}"', Verdict.FAILED),
        ("", "own /dev/sda3 ", Verdict.UNKNOWN),
        ("", f'other /dev/sdb3 \n{CLOUD_INIT}"{OURS}"', Verdict.UNKNOWN),
        ("", "", Verdict.UNKNOWN),
        ("root", f'{CLOUD_INIT}"{OURS}"', Verdict.PROVEN),
        ("root", f'other /dev/sdb3 "{MARKER_KEY}": "{OLD}"\n{CLOUD_INIT}"{OURS}"', Verdict.PROVEN),
        ("root", f'some /dev/sda3 "{MARKER_KEY}":"{OURS}"', Verdict.PROVEN),
    ],
)
def test_without_the_rights_or_a_drive_what_cloud_init_was_told_counts(
    rights: str, markers: str, expected: Verdict
) -> None:
    assert judge_marker({"rights": rights, "markers": markers}, OURS)[0] is expected


def test_markers_differ() -> None:
    assert new_marker() != new_marker()
    assert len(new_marker()) == 32
