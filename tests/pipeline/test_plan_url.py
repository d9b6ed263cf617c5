"""A plan for an image that is served already, and what is deployed by it: that file on that server, or nothing."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import jsonschema
import pytest

from byoi_tools.simulator.servers import BootMode
from fixtures.tiny.canvas import Canvas
from fixtures.tiny.good import good_raw
from tests.command import Finished, byoi_tools
from tests.deploying_scene import NAME, CountingSimulator, scene_of
from tests.planning_scene import PlanningScene
from tests.range_server import RangeServer, serving_ranges
from tests.unit.reports.closed_schema import closed
from tests.unit.simulator.outside import small_server

QUERY = "?X-Amz-Signature=hunter2-in-query"


@dataclass
class Planner(PlanningScene):
    """A user whose image somebody serves, with an ETag and ranges, and a pretend server."""

    web: RangeServer
    checksum: str

    def plan(self, *more: str, url: str | None = None, checksum: str | None = None) -> Finished:
        given = ("--url", url or self.web.url, "--checksum", checksum or self.checksum)
        where = ("--server", NAME, "-o", self.file)
        return byoi_tools("plan", *given, *where, *more, environment=self.scene.environment)


@pytest.fixture
def planner(tmp_path: Path) -> Iterator[Planner]:
    image = tmp_path / "good.raw"
    good_raw(image)
    digest = subprocess.run(["sha512sum", image], check=True, capture_output=True, text=True).stdout.split()[0]
    scene = scene_of(tmp_path, ())
    with scene.simulator, serving_ranges(image.read_bytes(), "/images/debian.raw") as web:
        yield Planner(scene, tmp_path, web, f"sha512:{digest}")


def test_what_is_planned_is_done_once_and_its_secrets_are_given_again(planner: Planner) -> None:
    whole = planner.web.url + QUERY
    header = ("--http-header", "X-Token=hunter2-in-header")
    planned = planner.plan("--hostname", "web1", *header, url=whole)
    assert (planned.code, planner.scene.simulator.posts) == (0, 0), planned.said
    assert {sent.get("X-Token") for sent in planner.web.headers} == {"hunter2-in-header"}
    jsonschema.Draft202012Validator(closed(json.loads(byoi_tools("schema", "plan").output))).validate(planner.read)
    image = planner.read["image"]
    assert (image["url"], image["has_query"], image["image_type"]) == (planner.web.url, True, "raw")
    assert (image["size_bytes"], image["digests"]) == (
        len(planner.web.content),
        {"sha512": planner.checksum.partition(":")[2]},
    )
    assert planner.read["order"]["efi_bootloader_path"].lower().startswith("\\efi\\")
    planner.refused("may hold a signature", "--url", code=2, flags=header)
    planner.refused("not for", code=2, flags=(*header, "--url", planner.web.url.replace("debian", "other")))

    first = planner.deploy(*header, "--url", whole)
    assert (first.code, planner.scene.simulator.posts) == (0, 1), first.said
    assert planner.checksum.partition(":")[2] in first.errors
    state = json.loads(planner.scene.simulator.state_file(NAME).read_text())
    assert state["boot"]["outcome"] == "loader"
    second = planner.deploy(*header, "--url", whole)
    assert (second.code, planner.scene.simulator.posts) == (0, 1), second.said
    assert "this plan is carried out" in second.output
    for text in (planner.file.read_text(), planner.receipts, planned.said, first.said, second.said):
        assert "hunter2" not in text


def test_another_file_at_the_url_or_another_server(planner: Planner) -> None:
    planner.web.has_etag = False
    assert planner.plan().code == 0
    content = planner.web.content
    planner.web.content = content[:-1] + bytes([content[-1] ^ 1])
    planner.refused("samples of", "was sha256:")
    planner.web.content = content + b"x"
    planner.refused(f"size of {planner.web.url}: was", f"({len(content)} bytes)", f"({len(content) + 1} bytes)")
    planner.web.content, planner.web.last_modified = content, "Sun, 22 Nov 2026 12:00:00 GMT"
    planner.refused("was none, is Sun, 22 Nov 2026 12:00:00 GMT")
    planner.web.plan = [404]
    planner.refused("cannot be fetched", code=5)
    changed = CountingSimulator(small_server(boot_mode=BootMode.UEFI_LEGACY), planner.folder / "changed")
    with changed:
        planner.scene = replace(planner.scene, simulator=changed)
        planner.refused("boot mode: was uefi, is legacy, uefi", "ETag or date")


def test_a_file_that_is_exchanged_behind_the_inspection_is_not_planned(planner: Planner) -> None:
    assert planner.plan().code == 0
    planner.file.unlink()
    asked, content = len(planner.web.requests), planner.web.content
    samples = 3  # the last requests: the first, a middle and the last MiB, once more
    planner.web.exchanges = {2 * asked - samples + 1: content[:-1] + bytes([content[-1] ^ 1])}
    run = planner.plan()
    assert (run.code, planner.file.exists(), len(planner.web.requests)) == (5, False, 2 * asked), run.said
    assert "was exchanged" in run.errors


def test_a_digest_that_is_not_the_files_is_found_before_anything_is_erased(planner: Planner) -> None:
    wrong = f"sha256:{'0' * 64}"
    run = planner.plan("--verify", "full", checksum=wrong)
    assert (run.code, planner.file.exists(), "its sha256 is" in run.errors) == (5, False, True), run.said
    planner.web.has_etag = False
    assert planner.plan("--verify", "full").code == 0
    content = planner.web.content
    middle = 3 << 20
    planner.web.content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    planner.refused("its sha512 is", code=5)  # what neither size nor samples tell


def test_a_bad_image_is_not_planned(planner: Planner) -> None:
    canvas = Canvas(planner.folder / "canvas.raw")
    canvas.esp_delete("/EFI/debian/grub.cfg")
    planner.web.content = canvas.as_raw(planner.folder / "bad.raw").read_bytes()
    run = planner.plan()
    assert (run.code, planner.file.exists()) == (1, False), run.said
    assert "error esp.grub-stub" in run.output


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--url", "URL", "--to", "s3://bucket/images"), "--url names an image that is served"),
        (("--url", "URL"), "--checksum is missing"),
        (("--url", "s3://bucket/x.raw", "--checksum", f"md5:{'0' * 32}"), "--url is no http or https URL"),
        (("--to", "s3://bucket/images"), "the image is missing"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    given = ("http://127.0.0.1:9/x.raw" if flag == "URL" else flag for flag in flags)
    run = byoi_tools("plan", *given, "--server", NAME, "-o", tmp_path / "plan.json")
    assert (run.code, said in run.errors) == (2, True), run.said
