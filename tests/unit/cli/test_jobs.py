"""Several images at a time: the order of the results, images that break, and processes that die."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.command import PROGRAM, byoi_tools, clean_environment


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.raw" for name in ("e", "d", "c", "b", "a")]
    for path in paths:
        good_raw(path)
    return paths


def test_results_keep_the_order_of_the_images(images: list[Path]) -> None:
    run = byoi_tools("check", *images, "--boot", "uefi", "--jobs", "3", "--format", "json")
    assert run.code == 0
    assert [report["image"]["path"] for report in json.loads(run.output)] == [str(path) for path in images]


def test_they_are_those_of_one_at_a_time(images: list[Path]) -> None:
    arguments = ["check", *map(str, images[:2]), "--boot", "legacy", "--format", "json"]
    alone = byoi_tools(*arguments, environment={"BYOI_JOBS": "1"})
    assert byoi_tools(*arguments, environment={"BYOI_JOBS": "2"}) == alone


def test_a_broken_image_does_not_stop_the_others(images: list[Path], tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.wipe(0, 64 * 512)
    failing = canvas.as_raw(tmp_path / "failing.raw")
    run = byoi_tools("check", images[0], tmp_path / "absent.raw", failing, images[1], "--boot", "uefi", "--jobs", "2")
    assert run.code == 3
    assert " ".join(run.errors.split()).startswith(f"byoi-tools: there is no file {tmp_path / 'absent.raw'} seen:")
    verdicts = [line for line in run.output.splitlines() if line.startswith(("PASSED", "FAILED"))]
    assert [line.split()[:2] for line in verdicts] == [
        ["PASSED:", "e.raw"],
        ["FAILED:", "failing.raw"],
        ["PASSED:", "d.raw"],
    ]


def test_a_wrong_waivers_file_is_told_at_once(images: list[Path], tmp_path: Path) -> None:
    (tmp_path / "byoi.toml").write_text("[[waiver]]\n")
    run = byoi_tools("check", *images, "--boot", "uefi", "--jobs", "2")
    assert (run.code, run.output) == (2, "")


def test_less_than_one_job_is_wrong(images: list[Path]) -> None:
    assert byoi_tools("check", *images, "--boot", "uefi", "--jobs", "0").code == 2


def workers_of(process: int) -> list[int]:
    """The processes that check images: spawned by multiprocessing, not its resource tracker."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [int(child) for child in children if b"--multiprocessing-fork" in command_line_of(child)]


def command_line_of(process: str) -> bytes:
    """Nothing for one that has ended meanwhile."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_process_that_dies_takes_only_its_image_with_it(images: list[Path]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/image.raw"
        command = [str(PROGRAM), "check", images[0], url, images[1], "--boot", "uefi", "--jobs", "2"]
        program = subprocess.Popen(
            [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        for _ in range(2):  # in the pool, and once more alone
            connection, _ = silent.accept()
            with connection:
                for worker in workers_of(program.pid):
                    with suppress(ProcessLookupError):
                        os.kill(worker, signal.SIGKILL)
        output, errors = program.communicate(timeout=60)
    assert program.returncode == 4
    assert f"the process that read {url} died" in " ".join(errors.split())
    assert [line.split()[:2] for line in output.splitlines() if line.startswith("PASSED")] == [
        ["PASSED:", "e.raw"],
        ["PASSED:", "d.raw"],
    ]
