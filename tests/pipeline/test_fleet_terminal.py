"""A fleet on a terminal: the one question, and a table that is drawn again within the terminal's width."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from byoi_tools.simulator.faults import Faults
from tests.command import PROGRAM, clean_environment
from tests.fleet_scene import NAMES, AskedSimulator, FleetScene, three

COLUMNS = 44
IMAGE = ("--url", "https://images.example.net/x.qcow2", "--image-type", "qcow2", "--checksum", f"sha512:{'2c' * 64}")
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[FleetScene]:
    made = FleetScene(AskedSimulator(three(ns3=Faults(locked=True)), tmp_path / "servers"), tmp_path, IMAGE)
    made.write(*(f'hostname = "web-{number}"' for number in (1, 2, 3)))
    with made.simulator:
        yield made


def talk(scene: FleetScene, typed: str) -> tuple[int, str]:
    """Run on a terminal of 44 columns and 20 lines, type that when asked; returns the code and what was seen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, COLUMNS, 0, 0))
    with subprocess.Popen(
        [str(PROGRAM), *scene.arguments("--max-failures", "2", confirm="")],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=clean_environment(scene.environment),
    ) as process:
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
            if seen.endswith(b"to go on: "):
                os.write(ours, f"{typed}\n".encode())
        code = process.wait(60)
    os.close(ours)
    return code, seen.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1000)
    except OSError:  # the other end is closed
        return b""


def test_the_number_is_asked_for_and_the_table_stays_within_the_terminal(scene: FleetScene) -> None:
    code, seen = talk(scene, "3")
    assert (code, scene.simulator.posts) == (6, dict.fromkeys(NAMES, 1)), seen
    question, _, table = seen.partition("to go on: ")
    looks = re.findall(r"looked at (\d) of 3 servers[^\n]*\r\n(?:\x1b\[1F\x1b\[J)", question)
    assert looks == ["0", "1", "2"]  # one line, which is taken away when the next is drawn, and when all were
    assert all(name in question for name in NAMES)
    assert "ERASED" in question
    frames = table.split("\x1b[J")
    assert len(frames) > 3
    last = [ESCAPE.sub("", line).rstrip() for line in frames[-2].splitlines() if line.strip()]
    assert [line.split()[1] for line in last[:3]] == ["done", "done", "failed"]
    assert last[3] == "3 servers: 2 done, 1 failed"
    for frame in frames[1:-1]:
        assert [line for line in ESCAPE.sub("", frame).splitlines() if len(line.rstrip()) >= COLUMNS] == []


@pytest.mark.parametrize("typed", ["2", "yes", ""])
def test_another_answer_starts_nothing(scene: FleetScene, typed: str) -> None:
    code, seen = talk(scene, typed)
    assert (code, scene.simulator.posts) == (2, {}), seen
