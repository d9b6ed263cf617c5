"""Conversions by the real qemu-img, and what never reaches it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from byoi_tools.conversion.convert import convert_image
from byoi_tools.errors import (
    ImageError,
    ImageUnreadable,
    ImageUnsafe,
    IntegrityError,
    NoSpace,
    ToolFailed,
    ToolMissing,
    UsageError,
)
from byoi_tools.model.image import Compression, Engine, ImageType
from byoi_tools.model.observer import Observer
from fixtures.tiny.good import good_raw

QUIET = Observer()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "good.raw"
    good_raw(path)
    return path


def qemu_img(*arguments: str | Path) -> str:
    return subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def is_same(first: Path, first_format: str, second: Path, second_format: str) -> bool:
    command = ["qemu-img", "compare", "-f", first_format, "-F", second_format, str(first), str(second)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def fake_qemu_img(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A qemu-img first in PATH that leaves a trace, answers `measure` truthfully, and spoils everything else."""
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "qemu-img"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {directory}/calls\n'
        'case "$1" in\n'
        "  measure) echo '{\"required\": 1048576}';;\n"
        '  convert) for last; do :; done; echo rubbish > "$last";;\n'
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return directory / "calls"


@pytest.mark.parametrize("engine", list(Engine))
@pytest.mark.parametrize("compression", list(Compression))
def test_raw_to_qcow2_keeps_the_content(raw: Path, tmp_path: Path, compression: Compression, engine: Engine) -> None:
    output = tmp_path / "out.qcow2"
    done = convert_image(raw, output, ImageType.QCOW2, compression, QUIET, engine=engine)
    assert done.size_bytes == output.stat().st_size
    assert is_same(raw, "raw", output, "qcow2")
    qemu_img("check", "-f", "qcow2", output)


@pytest.mark.parametrize("engine", list(Engine))
def test_the_same_input_gives_the_same_bytes(raw: Path, tmp_path: Path, engine: Engine) -> None:
    for name in ("a", "b"):
        convert_image(raw, tmp_path / name, ImageType.QCOW2, Compression.ZLIB, QUIET, engine=engine)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("qcow2", ()),
        ("vmdk", ()),
        ("vmdk", ("-o", "subformat=streamOptimized")),
        ("vpc", ()),
        ("vpc", ("-o", "subformat=fixed")),
        ("vhdx", ()),
        ("vdi", ()),
    ],
)
def test_other_formats_come_in(raw: Path, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    source, output = tmp_path / "source", tmp_path / "out.raw"
    qemu_img("convert", "-f", "raw", "-O", name, *options, raw, source)
    convert_image(source, output, ImageType.RAW, Compression.NONE, QUIET)
    assert is_same(source, name, output, "raw")


def test_nothing_but_the_output_is_left(raw: Path, tmp_path: Path) -> None:
    convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, QUIET)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.raw", "out.qcow2"]


def test_our_own_writer_needs_no_qemu_img(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.ZLIB, QUIET)
    monkeypatch.undo()
    assert is_same(raw, "raw", tmp_path / "out.qcow2", "qcow2")


def test_progress_ends_at_the_whole(raw: Path, tmp_path: Path) -> None:
    class Collector(Observer):
        seen: list[int] = []  # noqa: RUF012 - one test, one list

        def work_advanced(self, work: str, done_bytes: int) -> None:
            self.seen.append(done_bytes)

    convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, Collector(), engine=Engine.QEMU_IMG)
    assert Collector.seen[-1] == raw.stat().st_size
    assert Collector.seen == sorted(Collector.seen)


def test_an_existing_output_is_kept(raw: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.qcow2"
    output.write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        convert_image(raw, output, ImageType.QCOW2, Compression.NONE, QUIET)
    assert output.read_text() == "precious"


@pytest.mark.parametrize(
    "backing", ["/etc/passwd", 'json:{"driver":"raw","file.filename":"/etc/passwd"}', "http://x/y"]
)
def test_a_backing_file_never_reaches_qemu_img(tmp_path: Path, fake_qemu_img: Path, backing: str) -> None:
    source = tmp_path / "evil.qcow2"
    subprocess.run(
        ["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", backing, str(source), "64M"],
        check=True,
    )
    with pytest.raises(ImageError) as refused:
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert refused.value.exit_code == 3
    assert not fake_qemu_img.exists()
    assert not (tmp_path / "out.raw").exists()


def test_an_external_data_file_never_reaches_qemu_img(tmp_path: Path, fake_qemu_img: Path) -> None:
    source = tmp_path / "evil.qcow2"
    command = [
        "/usr/bin/qemu-img",
        "create",
        "-q",
        "-f",
        "qcow2",
        "-o",
        f"data_file={tmp_path}/data",
        str(source),
        "1M",
    ]
    subprocess.run(command, check=True)
    with pytest.raises(ImageError):
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert not fake_qemu_img.exists()


@pytest.mark.parametrize(
    ("offset", "field"),
    [
        (32, (1).to_bytes(4, "big")),  # crypt_method: AES
        (72, (1 << 63).to_bytes(8, "big")),  # incompatible_features: a bit that nobody has defined
    ],
    ids=["encrypted", "unknown feature"],
)
def test_a_header_that_cannot_be_read_safely_never_reaches_qemu_img(
    tmp_path: Path, fake_qemu_img: Path, offset: int, field: bytes
) -> None:
    source = tmp_path / "evil.qcow2"
    subprocess.run(["/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", str(source), "64M"], check=True)
    with source.open("r+b") as file:
        file.seek(offset)
        file.write(field)
    with pytest.raises(ImageError):
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert not fake_qemu_img.exists()


def test_a_truncated_qcow2_is_refused(raw: Path, tmp_path: Path) -> None:
    source = tmp_path / "short.qcow2"
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, source)
    with source.open("r+b") as file:
        file.truncate(source.stat().st_size // 2)
    with pytest.raises(ImageError, match="truncated"):
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert not (tmp_path / "out.raw").exists()


@pytest.mark.parametrize("subformat", ["monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"])
def test_a_vmdk_of_several_files_never_reaches_qemu_img(tmp_path: Path, fake_qemu_img: Path, subformat: str) -> None:
    source = tmp_path / "evil.vmdk"
    subprocess.run(
        ["/usr/bin/qemu-img", "create", "-q", "-f", "vmdk", "-o", f"subformat={subformat}", str(source), "64M"],
        check=True,
    )
    parts = [each for each in tmp_path.glob("evil*.vmdk") if each != source]
    with pytest.raises(ImageUnsafe, match="outside itself") as refused:
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert all(f'"{part.name}"' in str(refused.value.details) for part in parts)
    assert parts
    assert "whole set of files" in refused.value.remedy
    assert not fake_qemu_img.exists()


def test_one_part_of_a_vmdk_of_several_files_never_reaches_qemu_img(tmp_path: Path, fake_qemu_img: Path) -> None:
    create = ["/usr/bin/qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=twoGbMaxExtentSparse"]
    subprocess.run([*create, str(tmp_path / "disk.vmdk"), "64M"], check=True)
    part = tmp_path / "disk-s001.vmdk"
    opened = subprocess.run(["/usr/bin/qemu-img", "info", "-f", "vmdk", str(part)], check=False, capture_output=True)
    assert opened.returncode == 1  # QEMU opens no part by itself either, and only says "Invalid argument"
    with pytest.raises(ImageUnsafe) as refused:
        convert_image(part, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert "no descriptor in it" in str(refused.value.details)
    assert "whole set of files" in refused.value.remedy
    assert not fake_qemu_img.exists()


def test_a_vmdk_with_a_parent_never_reaches_qemu_img(tmp_path: Path, fake_qemu_img: Path) -> None:
    parent, source = tmp_path / "parent.vmdk", tmp_path / "child.vmdk"
    for command in (
        ["/usr/bin/qemu-img", "create", "-q", "-f", "vmdk", str(parent), "64M"],
        ["/usr/bin/qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", str(parent), str(source)],
    ):
        subprocess.run(command, check=True)
    with pytest.raises(ImageError, match="outside itself"):
        convert_image(source, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert not fake_qemu_img.exists()


def test_a_wrong_result_is_refused_and_removed(raw: Path, tmp_path: Path, fake_qemu_img: Path) -> None:
    with pytest.raises(IntegrityError):
        convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, QUIET, engine=Engine.QEMU_IMG)
    assert "convert -p -f raw -O qcow2" in fake_qemu_img.read_text()
    assert not (tmp_path / "out.qcow2").exists()
    assert not list(tmp_path.glob(".out*"))


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "qemu-img").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "qemu-img").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")


def test_too_little_space_is_found_before_the_work(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "[ $1 = measure ] && echo '{\"required\": 4611686018427387904}' || exit 9")
    with pytest.raises(NoSpace, match="free space"):
        convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, QUIET, engine=Engine.QEMU_IMG)


def test_what_qemu_img_says_is_passed_on(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "echo 'it hurts' >&2; exit 3")
    with pytest.raises(ToolFailed) as failed:
        convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, QUIET, engine=Engine.QEMU_IMG)
    assert failed.value.details == "exit 3: it hurts"


def test_a_machine_without_qemu_img(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="not installed"):
        convert_image(raw, tmp_path / "out.qcow2", ImageType.QCOW2, Compression.NONE, QUIET, engine=Engine.QEMU_IMG)


@pytest.mark.parametrize("kind", ["missing", "empty", "directory", "fifo", "device"])
def test_a_path_that_is_no_image_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "source"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/zero")
    with pytest.raises(ImageUnreadable) as refused:
        convert_image(path, tmp_path / "out.raw", ImageType.RAW, Compression.NONE, QUIET)
    assert refused.value.remedy
