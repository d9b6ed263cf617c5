"""What this tool has in a directory of a web server: known by name and manifest, and removed with nothing else."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from byoi_tools.errors import UsageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import Fate, ForeignObject, OwnLeftover, OwnObject, OwnUpload
from byoi_tools.publishing.placed_files import PlacedFiles
from byoi_tools.publishing.removal import collect_garbage
from tests.own_objects import CONTENT, RUN, SHA256, image_key, place_image

WEEK = timedelta(days=7)


class Notes(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def noted(self, message: str) -> None:
        self.texts.append(message)

    warned = noted


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def collect(directory: Path, *, days_later: float = 8) -> list[tuple[str, Fate]]:
    placed = PlacedFiles(directory, Observer())
    now = datetime.now(UTC) + timedelta(days=days_later)
    removals = collect_garbage(placed.remove, placed.entries(), WEEK, now, is_dry_run=False)
    return [(removal.entry.address.key, removal.fate) for removal in removals]


def test_an_image_with_its_sidecars(tmp_path: Path) -> None:
    image = place_image(tmp_path, "one", ("", ".json", ".md5", ".sha1", ".sha256", ".sha512"))
    os.utime(image, (0, 0))

    (entry,) = PlacedFiles(tmp_path, Observer()).entries()

    assert isinstance(entry, OwnObject)
    assert str(entry.address) == f"file://{image}"
    assert entry.size_bytes == len(CONTENT)
    assert (entry.run_id, entry.sha256 and entry.sha256.hexadecimal) == (RUN, SHA256)
    assert entry.sidecars == (".json", ".md5", ".sha1", ".sha256", ".sha512")
    assert datetime.now(UTC) - entry.last_used < timedelta(minutes=5)


def test_old_is_removed_whole_and_young_is_kept(tmp_path: Path) -> None:
    place_image(tmp_path, "one")
    assert collect(tmp_path, days_later=1) == [(image_key("one"), Fate.YOUNG)]
    assert len(names(tmp_path)) == 4
    assert collect(tmp_path) == [(image_key("one"), Fate.REMOVED)]
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda image: image.with_name(f"{image.name}.json").unlink(),
        lambda image: image.with_name(f"{image.name}.json").write_text("{}"),
        lambda image: image.with_name(f"{image.name}.json").rename(image.with_name("kept.json")),
        lambda image: image.write_bytes(CONTENT + b"more"),
    ],
    ids=["no manifest", "no document", "renamed", "another size"],
)
def test_an_image_that_no_manifest_describes_is_never_touched(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    image = place_image(tmp_path, "one")
    spoil(image)
    before = names(tmp_path)

    assert [type(entry) for entry in PlacedFiles(tmp_path, Observer()).entries()] == [ForeignObject]
    assert collect(tmp_path) == [(image.name, Fate.FOREIGN)]
    assert names(tmp_path) == before
    with pytest.raises(UsageError):
        PlacedFiles(tmp_path, Observer()).named([image.name])


def test_a_manifest_of_another_image(tmp_path: Path) -> None:
    image, other = place_image(tmp_path, "one"), place_image(tmp_path, "two")
    image.with_name(f"{image.name}.json").write_bytes(other.with_name(f"{other.name}.json").read_bytes())
    assert collect(tmp_path) == [(image.name, Fate.FOREIGN), (other.name, Fate.REMOVED)]
    assert image.exists()


def test_others_and_links_are_passed_over(tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    outside = place_image(tmp_path, "one")
    for suffix in ("", ".json"):
        (served / f"{outside.name}{suffix}").symlink_to(f"{outside}{suffix}")
    (served / "index.html").touch()
    (served / "below").mkdir()
    place_image(served / "below", "two")
    notes = Notes()

    assert list(PlacedFiles(served, notes).entries()) == []
    assert any("1 in" in text for text in notes.texts)
    assert collect(served) == []
    assert len(names(served)) == 4


def test_sidecars_without_an_image(tmp_path: Path) -> None:
    """What holds what sidecars hold goes; what is only called so stays."""
    place_image(tmp_path, "one", (".sha256", ".sha512"))
    mine = tmp_path / f"{image_key('one')}.sha1"
    mine.write_text("a note of mine")

    (entry,) = PlacedFiles(tmp_path, Observer()).entries()

    assert isinstance(entry, OwnLeftover)
    assert collect(tmp_path) == [(image_key("one"), Fate.REMOVED)]
    assert names(tmp_path) == [mine.name]
    assert collect(tmp_path) == [(mine.name, Fate.FOREIGN)]


def test_copies_of_dead_runs_are_collected_and_those_of_living_ones_are_not(tmp_path: Path) -> None:
    dead = [tmp_path / f".{image_key('one')}{end}.part" for end in ("", ".sha256", ".0123abcd")]
    living = tmp_path / f".{image_key('two')}.part"
    for path in (*dead, living, tmp_path / ".mine.part"):
        path.write_bytes(b"half of it")
    with living.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert all(isinstance(entry, OwnUpload) for entry in PlacedFiles(tmp_path, Observer()).entries())
        assert collect(tmp_path) == [
            *[(image_key("one"), Fate.REMOVED)] * 3,
            (image_key("two"), Fate.CHANGED),
        ]
    assert names(tmp_path) == sorted([living.name, ".mine.part"])


def test_what_changed_after_it_was_found_stays(tmp_path: Path) -> None:
    image = place_image(tmp_path, "one")
    placed = PlacedFiles(tmp_path, Observer())
    (entry,) = placed.entries()
    assert isinstance(entry, OwnObject)
    manifest = image.with_name(f"{image.name}.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"run": "f" * 32}))

    assert placed.remove(entry).fate is Fate.CHANGED
    assert len(names(tmp_path)) == 4


def test_by_name(tmp_path: Path) -> None:
    place_image(tmp_path, "one")
    place_image(tmp_path, "two")
    notes = Notes()
    placed = PlacedFiles(tmp_path, notes)

    (entry,) = placed.named([image_key("one"), image_key("absent"), image_key("one")])

    assert entry.address.key == image_key("one")
    assert any("there is no file://" in text for text in notes.texts)
    for wrong in ("one", f"../{tmp_path.name}/one", f"{image_key('one')}.json", ""):
        with pytest.raises(UsageError):
            placed.named([wrong])
