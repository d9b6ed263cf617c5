"""The verbs that need nothing but a file."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from fixtures.tiny.layout import ROOT
from tests.command import PROGRAM, byoi_tools, clean_environment, run_on_terminal


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "good.raw"
    good_raw(path)
    return path


def test_version_and_help() -> None:
    assert re.fullmatch(r"byoi-tools \d+\.\d+\.\d+\n", byoi_tools("--version").output)
    assert byoi_tools("--help").code == 0


@pytest.mark.parametrize("boot", ["uefi", "legacy"])
def test_the_good_image_passes(raw: Path, boot: str) -> None:
    run = byoi_tools("check", raw, "--boot", boot)
    assert (run.code, run.errors) == (0, "")
    assert run.output.splitlines()[-1].startswith("PASSED: ")


def test_a_good_verdict_says_that_the_guest_was_not_examined(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / ".canvas")
    canvas.write(ROOT.offset, b"LUKS\xba\xbe\x00\x02".ljust(4096, b"\0"))
    run = byoi_tools("check", canvas.as_raw(tmp_path / "locked.raw"), "--boot", "uefi")
    said = re.fullmatch(
        r"PASSED: locked\.raw under ovh-byoi-uefi, but the guest was not examined \((\d+) checks skipped\)",
        run.output.splitlines()[-1],
    )
    assert (run.code, said is not None) == (0, True), run.output
    assert said is not None and f"it is encrypted (LUKS), and no key was given ({said[1]})" in " ".join(
        run.output.split()
    )


def test_the_report_in_json(raw: Path) -> None:
    report = json.loads(byoi_tools("check", raw, "--boot", "uefi", "--format", "json").output)
    assert report["schema"] == "byoi-tools/report/v1"
    assert report["image"] == {
        "path": str(raw),
        "format": "raw",
        "size_bytes": raw.stat().st_size,
        "virtual_size_bytes": raw.stat().st_size,
    }
    assert (report["boot"], report["profile"], report["verdict"]) == ("uefi", "ovh-byoi-uefi", "passed")
    keys = {"id", "outcome", "severity", "message", "observed", "expected", "evidence", "remedy"}
    assert report["outcomes"]
    assert all(set(outcome) == keys for outcome in report["outcomes"])
    assert {outcome["outcome"] for outcome in report["outcomes"]} == {"passed", "skipped"}


def test_several_reports_are_an_array(raw: Path) -> None:
    reports = json.loads(byoi_tools("check", raw, raw, "--boot", "uefi", "--format", "json").output)
    assert [report["verdict"] for report in reports] == ["passed", "passed"]


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 1), ("never", 0)])
def test_the_threshold(tmp_path: Path, fail_on: str, code: int) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.esp_delete("/EFI/BOOT/BOOTX64.EFI")
    image = canvas.as_raw(tmp_path / "image.raw")
    run = byoi_tools("check", image, "--boot", "uefi", "--fail-on", fail_on)
    assert run.code == code
    assert "warning esp.fallback" in run.output


def test_never_passes_even_errors(tmp_path: Path) -> None:
    path = tmp_path / "text.raw"
    path.write_text("no image\n" * 100)
    assert byoi_tools("check", path, "--boot", "uefi", "--fail-on", "never").code == 0


def test_flags_come_from_the_environment(raw: Path) -> None:
    run = byoi_tools("check", raw, environment={"BYOI_BOOT": "legacy", "BYOI_FORMAT": "json"})
    assert json.loads(run.output)["boot"] == "legacy"


def test_inspect_draws_the_disk(raw: Path) -> None:
    shown = byoi_tools("inspect", raw).output
    table = subprocess.run(["sfdisk", "-J", str(raw)], check=True, capture_output=True, text=True).stdout
    for partition in json.loads(table)["partitiontable"]["partitions"]:
        number = partition["node"].removeprefix(str(raw))
        assert re.search(rf"^ +{number} .*'{partition['name']}'", shown, re.MULTILINE)
    assert re.search(r"^  \|[=|123 free]+\|$", shown, re.MULTILINE)


def test_inspect_gives_what_sfdisk_gives(raw: Path) -> None:
    facts = json.loads(byoi_tools("inspect", raw, "--format", "json").output)
    table = subprocess.run(["sfdisk", "-J", str(raw)], check=True, capture_output=True, text=True).stdout
    partitions = json.loads(table)["partitiontable"]["partitions"]
    assert [(p["first_lba"], p["last_lba"] - p["first_lba"] + 1, p["type"]) for p in facts["disk"]["partitions"]] == [
        (p["start"], p["size"], p["type"]) for p in partitions
    ]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("verb", ["check", "inspect"])
def test_lines_fit_the_terminal(raw: Path, verb: str, columns: int) -> None:
    more = ["--boot", "uefi"] if verb == "check" else []
    link = Path("i.raw")
    link_directory = raw.parent
    (link_directory / link).symlink_to(raw)
    shown = run_on_terminal(columns, verb, str(raw), *more, environment={"NO_COLOR": "1"})
    words = [line for line in shown.splitlines() if len(line) > columns and " " in line.strip()]
    assert not words


def test_colours_only_on_a_terminal(raw: Path) -> None:
    assert "\033[" in run_on_terminal(80, "check", str(raw), "--boot", "uefi")
    assert "\033[" not in run_on_terminal(80, "check", str(raw), "--boot", "uefi", environment={"NO_COLOR": "1"})
    assert "\033[" not in byoi_tools("check", raw, "--boot", "uefi").output


def test_a_hostile_partition_name_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    canvas = Canvas(tmp_path / "canvas.raw")
    canvas.edit_gpt_entry(3, name="\x1b]0;owned\x07\u202e")
    image = canvas.as_raw(tmp_path / "image.raw")
    for verb in (("inspect",), ("check", "--boot", "uefi")):
        shown = run_on_terminal(80, verb[0], str(image), *verb[1:])
        assert "\x1b]" not in shown
        assert "\u202e" not in shown


def test_coreutils_accept_the_checksums(raw: Path) -> None:
    listed = byoi_tools("checksum", raw, *(f"--algorithm={name}" for name in ("md5", "sha1", "sha256", "sha512")))
    assert listed.code == 0
    for name, line in zip(("md5", "sha1", "sha256", "sha512"), listed.output.splitlines(), strict=True):
        done = subprocess.run(
            [f"{name}sum", "--strict", "-c", "-"], input=line, capture_output=True, text=True, check=False
        )
        assert done.stdout == f"{raw}: OK\n"


def test_sha256sum_reads_the_default_output(raw: Path) -> None:
    listed = byoi_tools("checksum", raw).output
    for program in ("sha256sum", "sha512sum"):
        done = subprocess.run([program, "-c", "-"], input=listed, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, f"{raw}: OK\n")


def test_convert(raw: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.qcow2"
    run = byoi_tools("convert", raw, output, "--to", "qcow2", "--compress", "zlib")
    assert run.code == 0
    compare = ["qemu-img", "compare", "-f", "raw", "-F", "qcow2", str(raw), str(output)]
    subprocess.run(compare, check=True, capture_output=True)
    assert "converting done" in run.errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_work_and_leaves_nothing(raw: Path, tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "bin"
    directory.mkdir()
    fake = directory / "qemu-img"
    fake.write_text(
        f"#!/bin/sh\n[ $1 = measure ] && exec echo '{{\"required\": 1}}'\necho $$ > {tmp_path}/pid\nexec sleep 300\n"
    )
    fake.chmod(0o755)
    environment = clean_environment({"PATH": f"{directory}:{os.environ['PATH']}"})
    with subprocess.Popen(
        [str(PROGRAM), "convert", str(raw), str(tmp_path / "out.raw"), "--to", "raw"],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "good.raw", "pid"]


def test_explain() -> None:
    page = byoi_tools("explain", "esp.fallback")
    assert page.code == 0
    for part in ("esp.fallback", "Why:", "How:", "Fix:", "Source:"):
        assert part in page.output
    assert "ptable.overlap" in byoi_tools("explain").output
    assert "ptable.overlap" not in byoi_tools("explain", "esp").output
