"""Bad input gets three lines and the right exit code, never a traceback."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.command import PROGRAM, Finished, byoi_tools

MIB = 2**20


def assert_is_clear(run: Finished, code: int) -> None:
    assert run.code == code, run.said
    assert "Traceback" not in run.said
    assert run.errors.startswith("byoi-tools: ")
    assert re.search(r"^  do:   \S", run.errors, re.MULTILINE)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "x.qcow2"),
        ("check", "x.qcow2", "--boot", "floppy"),
        ("check", "x.qcow2", "--boot", "uefi", "--profile", "no-such-profile"),
        ("check", "x.qcow2", "--boot", "uefi", "--profile", "ovh-byoi-legacy"),
        ("no-such-verb",),
        ("checksum", "x", "--algorithm", "crc32"),
        ("explain", "no.such-check"),
        ("publish", "x", "--to", "ftp://somewhere"),
        ("publish", "x", "--to", "s3://bucket/prefix", "--expires", "soon"),
        ("publish", "x", "--to", "s3://bucket/prefix", "--expires", "8d"),
        ("deploy", "--server", "ns1", "--url", "https://x/y", "--checksum", "sha512:1", "--image-type", "raw"),
        ("deploy", "--server", "ns1", "--url", "https://x/y", "--checksum", "md5:" + "0" * 32, "--image-type", "iso"),
        ("publish-and-deploy", "x", "--server", "ns1", "--to", "s3://bucket/x"),
        ("publish-and-deploy", "x", "--server", "ns1", "--to", "s3://bucket/x", "--confirm", "ns2"),
        ("simulator", "--listen", "nowhere"),
    ],
    ids=lambda arguments: " ".join(arguments)[:60],
)
def test_usage_errors(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert_is_clear(byoi_tools(*arguments, directory=tmp_path), 2)


@pytest.mark.parametrize("verb", [("check", "--boot", "uefi"), ("inspect",), ("checksum",)], ids=lambda verb: verb[0])
@pytest.mark.parametrize("kind", ["missing", "empty", "directory", "fifo", "device"])
def test_paths_that_are_no_images(verb: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    assert_is_clear(byoi_tools(verb[0], path, *verb[1:]), 3)


@pytest.mark.parametrize("verb", [("check", "--boot", "uefi"), ("inspect",)], ids=lambda verb: verb[0])
def test_a_header_that_cannot_be_decoded(verb: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "image.qcow2"
    path.write_bytes(b"QFI\xfb\x00\x00\x00\x09" + bytes(4096))
    assert_is_clear(byoi_tools(verb[0], path, *verb[1:]), 3)


@pytest.mark.parametrize("name", ["notes.qcow2", "notes.raw"])
def test_a_text_file_fails_the_check(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("this is no image\n" * 1000)
    run = byoi_tools("check", path, "--boot", "uefi")
    assert run.code == 1
    assert "error ptable.present" in run.output or "error container.format-mismatch" in run.output


def test_a_raw_file_that_is_a_whole_file_system_fails_the_check(tmp_path: Path) -> None:
    path = tmp_path / "root.raw"
    with path.open("wb") as file:
        file.truncate(8 * MIB)
    subprocess.run(["mkfs.ext4", "-q", str(path)], check=True, env={"PATH": "/sbin:/usr/sbin:/bin:/usr/bin"})
    run = byoi_tools("check", path, "--boot", "uefi")
    assert run.code == 1
    assert "error ptable.present" in run.output
    assert "ext4" in run.output


@pytest.mark.parametrize(
    "backing", ["/etc/passwd", 'json:{"driver":"raw","file.filename":"/etc/passwd"}', "http://x/y"]
)
def test_a_backing_file_is_a_finding_and_is_not_opened(tmp_path: Path, backing: str) -> None:
    path = tmp_path / "image.qcow2"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", backing, str(path), "64M"]
    subprocess.run(command, check=True)
    run = byoi_tools("check", path, "--boot", "uefi", "--format", "json")
    assert run.code == 1
    assert "container.backing-file" in run.output
    assert "root:x:0" not in run.said


def test_one_unreadable_image_does_not_hide_the_others(tmp_path: Path) -> None:
    text = tmp_path / "text.raw"
    text.write_text("no image\n" * 100)
    run = byoi_tools("check", tmp_path / "missing.raw", text, "--boot", "uefi", "--format", "json")
    assert_is_clear(run, 3)
    assert f'"path": "{text}"' in run.output


def test_a_reader_that_went_away_is_no_error() -> None:
    done = subprocess.run(["sh", "-c", f"{PROGRAM} explain | head -1"], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("verb", ["explain", "schema"])
def test_an_output_that_nobody_reads_is_neither_good_nor_a_bad_verdict(verb: str) -> None:
    """README: 0 is good, and 1 means a bad verdict and nothing else."""
    arguments = [str(PROGRAM), verb, *(["facts"] if verb == "schema" else [])]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in errors) == (130, False), errors


def test_an_output_without_room_is_told() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([str(PROGRAM), "explain"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert_is_clear(Finished(done.returncode, "", done.stderr), 5)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_nothing(closed: str) -> None:
    assert subprocess.run(["sh", "-c", f"{PROGRAM} explain {closed}"], capture_output=True, check=False).returncode == 0
    wrong = subprocess.run(["sh", "-c", f"{PROGRAM} no-such-verb {closed}"], capture_output=True, check=False)
    assert wrong.returncode == 2
