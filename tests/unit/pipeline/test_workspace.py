"""Directories that are there while a program runs, and no longer."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.pipeline.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from byoi_tools.pipeline.workspace import Workspace

with Workspace(Path(sys.argv[1])) as workspace:
    (workspace.directory() / "large").write_bytes(b"x")
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def hold(place: Path) -> subprocess.Popen[bytes]:
    """Another program that uses a workspace there, until its standard input ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_it_is_made_when_asked_for_and_gone_afterwards(place: Path) -> None:
    with Workspace(place) as workspace:
        assert list(place.iterdir()) == []
        directory = workspace.directory()
        assert workspace.directory() == directory
        assert [directory] == list(place.iterdir())
        (directory / "file").touch()
    assert list(place.iterdir()) == []


def test_it_is_gone_after_a_failure(place: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Workspace(place) as workspace:
        workspace.directory()
        raise KeyboardInterrupt
    assert list(place.iterdir()) == []


def test_what_a_killed_program_has_left_is_removed_by_the_next(place: Path) -> None:
    with hold(place) as killed:
        killed.send_signal(signal.SIGKILL)
    assert len(list(place.iterdir())) == 1
    with Workspace(place) as workspace:
        assert [workspace.directory()] == list(place.iterdir())


def test_what_another_program_uses_is_left_alone(place: Path) -> None:
    with hold(place) as other:
        (theirs,) = place.iterdir()
        with Workspace(place) as workspace:
            assert workspace.directory() != theirs
            assert (theirs / "large").exists()
        other.communicate()
    assert list(place.iterdir()) == []


def test_links_and_files_of_that_name_are_left_alone(place: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (place / ".byoi-tools.link").symlink_to(precious)
    (place / ".byoi-tools.file").touch()
    with Workspace(place) as workspace:
        workspace.directory()
    assert sorted(path.name for path in place.iterdir()) == [".byoi-tools.file", ".byoi-tools.link"]
    assert (precious / "file").exists()


def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    with Workspace(tmp_path / "missing") as workspace, pytest.raises(UsageError, match="no file can be written"):
        workspace.directory()
