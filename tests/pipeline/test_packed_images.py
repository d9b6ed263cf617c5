"""Compressed images and OVAs through the verbs, as their user runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fixtures.tiny.good import good_raw
from tests.command import PROGRAM, byoi_tools, clean_environment
from tests.disk_images import judgement, run
from tests.packed_images import FILE, PACKERS, envelope, make_ova, pack
from tests.range_server import serving_ranges


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "good"
    good_raw(path)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small"
    path.write_bytes(bytes(510) + b"\x55\xaa" + bytes(65024))
    return path


@pytest.fixture(scope="module")
def ova(raw: Path) -> Path:
    """As VMware exports it: a streamOptimized VMDK, and SHA-256 digests."""
    disk = raw.with_name("machine-disk1.vmdk")
    run("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", raw, disk)
    return make_ova(raw.with_name("ova"), disk)


@pytest.fixture
def alone(tmp_path: Path) -> Callable[[Path], Path]:
    """A link to an image in a directory of its own, to see what is left beside it."""

    def link(image: Path) -> Path:
        directory = tmp_path / "alone"
        directory.mkdir()
        (directory / image.name).hardlink_to(image)
        return directory / image.name

    return link


def beside(image: Path) -> list[str]:
    return sorted(path.name for path in image.parent.iterdir())


def test_convert_makes_a_qcow2_of_an_ova(raw: Path, ova: Path, tmp_path: Path, alone: Callable[[Path], Path]) -> None:
    source, output = alone(ova), tmp_path / "out.qcow2"
    done = byoi_tools("convert", source, output)
    assert done.code == 0, done.said
    run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", raw, output)
    assert beside(source) == ["machine.ova"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("packer", PACKERS)
def test_convert_makes_an_image_of_a_compressed_one(raw: Path, tmp_path: Path, packer: str) -> None:
    output = tmp_path / "out.raw"
    done = byoi_tools("convert", pack(raw, packer), output, "--to", "raw")
    assert done.code == 0, done.said
    run("cmp", raw, output)


def test_check_judges_what_is_inside(raw: Path, alone: Callable[[Path], Path]) -> None:
    packed = alone(pack(raw, "xz"))
    done = byoi_tools("check", packed, "--boot", "uefi", "--format", "json")
    report, plain = (
        json.loads(done.output),
        json.loads(byoi_tools("check", raw, "--boot", "uefi", "--format", "json").output),
    )
    assert report["image"] == plain["image"] | {"path": str(packed)}
    outcomes = {outcome["id"]: outcome["outcome"] for outcome in report["outcomes"]}
    expected = {outcome["id"]: outcome["outcome"] for outcome in plain["outcomes"]}
    assert outcomes == expected | {"container.compressed-wrapper": "failed"}
    assert expected["container.compressed-wrapper"] == "passed"
    assert beside(packed) == [packed.name]


def test_inspect_tells_the_wrappers(ova: Path, alone: Callable[[Path], Path]) -> None:
    packed = alone(pack(ova, "zstd"))
    image = json.loads(byoi_tools("inspect", packed, "--format", "json").output)["image"]
    assert (image["path"], image["format"], image["wrappers"]) == (str(packed), "vmdk", ["zstd", "tar (or ova)"])
    assert "unpacked from zstd, tar (or ova)" in byoi_tools("inspect", packed).output
    assert beside(packed) == [packed.name]


def test_a_remote_image_is_unpacked_too(raw: Path, tmp_path: Path) -> None:
    content = pack(raw, "zstd").read_bytes()
    with serving_ranges(content) as server:
        done = byoi_tools("inspect", server.url, "--format", "json", environment={"TMPDIR": str(tmp_path)})
    assert done.code == 0, done.said
    facts, plain = json.loads(done.output), json.loads(byoi_tools("inspect", raw, "--format", "json").output)
    assert facts["disk"] == plain["disk"]
    assert facts["image"]["wrappers"] == ["zstd"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("verb", ["check", "inspect", "convert"])
def test_a_bomb_is_stopped_and_leaves_nothing(tmp_path: Path, verb: str) -> None:
    bomb, work = tmp_path / "bomb", tmp_path / "work"
    run("sh", "-c", 'head -c 100M /dev/zero | gzip -c > "$1"', "sh", bomb)
    work.mkdir()
    more = {"check": ["--boot", "uefi"], "inspect": [], "convert": [str(tmp_path / "out")]}[verb]
    done = byoi_tools(verb, bomb, *more, "--max-size", "64MiB", "--work-dir", work)
    assert done.code == 3, done.said
    assert "more than 64.0 MiB" in done.errors
    assert beside(bomb) == ["bomb", "work"]
    assert not list(work.iterdir())


def has_begun(work: Path) -> bool:
    """Whether an image is being unpacked; directories come and go meanwhile."""
    return any("unpacked-1" in files for _, _, files in os.walk(work))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c_ends_the_unpacking_and_leaves_nothing(tmp_path: Path, jobs: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    packed = tmp_path / "large"  # 64 GiB of zeros: minutes
    run("sh", "-c", 'head -c 64M /dev/zero | gzip -1 > "$1"; cat $(yes "$1" | head -1000) > "$1.gz"', "sh", packed)
    names = [f"{packed}.gz"] * 4
    with subprocess.Popen(
        [str(PROGRAM), "check", *names, "--boot", "uefi", "--jobs", jobs, "--work-dir", str(work)],
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not has_begun(work) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does it
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not list(work.iterdir())


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """A small file system in memory stands for a disk that fills up; only root may mount one."""
    work = tmp_path / "work"
    work.mkdir()
    mounting = 'mount -t tmpfs -o size=40M none "$1" && shift && exec "$@"'
    unpacked = tmp_path / "large"
    run("sh", "-c", 'head -c 60M /dev/urandom > "$1"; gzip -1 "$1"', "sh", unpacked)
    program = shutil.which("unshare")
    if program is None:
        pytest.skip("unshare is not installed")
    said = judgement(
        program, "-m", "sh", "-c", f'{mounting}; echo "exit $?"', "sh", work, PROGRAM, "inspect",
        unpacked.with_suffix(".gz"), "--work-dir", work,
    )  # fmt: skip
    if said.startswith(("unshare:", "mount:")):
        pytest.skip("mounting is not permitted here")
    assert "cannot be written" in said
    assert not list(work.iterdir())


def test_an_output_that_exists_is_told_before_the_work(small: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    done = byoi_tools("convert", pack(small, "xz"), tmp_path / "out")
    assert done.code == 2
    assert "unpacking" not in done.errors
    assert (tmp_path / "out").read_text() == "precious"


def test_a_broken_manifest_is_an_error_of_integrity(small: Path, tmp_path: Path) -> None:
    ova = make_ova(tmp_path / "ova", small)
    content = ova.read_bytes()
    place = content.rindex(b"\x55\xaa")
    ova.write_bytes(content[:place] + b"\x55\xab" + content[place + 2 :])
    done = byoi_tools("convert", ova, tmp_path / "out.qcow2")
    assert (done.code, beside(tmp_path / "x")) == (5, ["ova", "small"]), done.said


def test_a_descriptor_that_names_another_file_is_unsafe(small: Path, tmp_path: Path) -> None:
    done = byoi_tools("inspect", make_ova(tmp_path / "ova", small, ovf=envelope(FILE.format(name="/etc/passwd"))))
    assert done.code == 3, done.said
    assert "somewhere else" in done.errors


def test_a_wrong_size_is_usage(small: Path) -> None:
    assert byoi_tools("inspect", small, "--max-size", "much").code == 2
