"""The verbs `objects list`, `objects delete` and `objects gc`, as a user runs them against a real store."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from byoi_tools.reports.publishing_schemas import objects_schema, removal_schema
from fixtures.object_store import ObjectStore
from tests.command import PROGRAM, Finished, byoi_tools, clean_environment
from tests.object_listing import is_empty, list_keys
from tests.own_objects import (
    CONTENT,
    RUN,
    SHA256,
    begin_upload,
    image_key,
    place_image,
    put_foreign,
    put_image,
    uploads_in,
)
from tests.unit.reports.closed_schema import closed


def objects(store: ObjectStore, bucket: str, verb: str, *arguments: str, prefix: str = "debian") -> Finished:
    to = f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
    done = byoi_tools("objects", verb, *arguments, "--to", to, environment=store.environment)
    for secret in (store.access_key, store.secret_key, "Signature="):
        assert secret not in done.said
    assert "Traceback" not in done.said
    return done


def document(done: Finished, schema: Any) -> Any:
    """The JSON document that was printed, which is what its schema says."""
    assert done.code == 0, done.said
    read = json.loads(done.output)
    jsonschema.Draft202012Validator(closed(schema)).validate(read)
    return read


@pytest.fixture
def filled(object_store: ObjectStore, bucket: str) -> str:
    """A bucket with an image, what is left of another, an upload, and files of somebody else."""
    put_image(object_store, bucket, "debian/image")
    put_image(object_store, bucket, "debian/left", (".json", ".sha256"))
    begin_upload(object_store, bucket, image_key("debian/upload"))
    for key in ("debian/backup.tar", image_key("debian/foreign"), image_key("other/image")):
        put_foreign(object_store, bucket, key)
    return bucket


def test_list_is_a_table(object_store: ObjectStore, filled: str) -> None:
    done = objects(object_store, filled, "list")

    head, *rows = done.output.splitlines()
    assert head.split() == ["AGE", "SIZE", "SHA-256", "RUN", "BESIDE", "NAME"]
    ages = {row.split()[0] for row in rows}
    assert ages <= {"0m", "1m"}
    assert [row.split(maxsplit=1)[1].strip() for row in rows] == [
        f"{len(CONTENT)} B  {SHA256[:12]}  {RUN[:8]}  json sha256 sha512  {image_key('image')}",
        rows[1].split(maxsplit=1)[1].strip(),
        f"6 B  -             -         -                   {image_key('upload')} [incomplete upload]",
    ]
    assert rows[1].endswith(f"-             -         json sha256         {image_key('left')} [image is gone]")
    assert done.errors == f"1 under s3://{filled}/debian/ not named as byoi-tools names: not looked at\n"


def test_list_in_json(object_store: ObjectStore, filled: str) -> None:
    found = document(objects(object_store, filled, "list", "--format", "json"), objects_schema())

    address = f"s3://{filled}/{image_key('debian/image')}"
    assert (found["schema"], found["destination"]) == ("byoi-tools/objects/v1", f"s3://{filled}/debian")
    image, left, upload = found["entries"]
    assert [entry["kind"] for entry in found["entries"]] == ["image", "leftover", "upload"]
    assert datetime.fromisoformat(image.pop("last_used")) <= datetime.now(UTC)
    assert image == {
        "kind": "image",
        "object": address,
        "size_bytes": len(CONTENT),
        "run": RUN,
        "version": "0.1.0",
        "sha256": SHA256,
        "sidecars": [f"{address}{suffix}" for suffix in (".json", ".sha256", ".sha512")],
    }
    assert left["object"] == f"s3://{filled}/{image_key('debian/left')}"
    assert upload["object"] == f"s3://{filled}/{image_key('debian/upload')}"


def test_empty_list(object_store: ObjectStore, bucket: str) -> None:
    done = objects(object_store, bucket, "list")
    assert (done.code, done.output) == (0, "")
    assert done.errors == f"nothing of byoi-tools under s3://{bucket}/debian\n"
    assert document(objects(object_store, bucket, "list", "--format", "json"), objects_schema())["entries"] == []


def test_delete_by_name_and_by_key(object_store: ObjectStore, filled: str) -> None:
    names = (image_key("image"), image_key("debian/left"), image_key("upload"))

    done = objects(object_store, filled, "delete", *names, "--yes")

    assert done.code == 0
    assert [line.partition(" (")[0] for line in done.output.splitlines()] == [
        f"removed: {image_key('image')}",
        f"removed: {image_key('left')} [image is gone]",
        f"removed: {image_key('upload')} [incomplete upload]",
    ]
    assert list_keys(object_store, filled) == [
        "debian/backup.tar",
        image_key("debian/foreign"),
        image_key("other/image"),
    ]
    assert uploads_in(object_store, filled) == []


def test_delete_in_json(object_store: ObjectStore, filled: str) -> None:
    done = objects(object_store, filled, "delete", image_key("image"), "--yes", "--format", "json")

    (entry,) = document(done, removal_schema())["entries"]
    assert (entry["fate"], entry["kind"]) == ("removed", "image")


def test_delete_twice_is_no_error(object_store: ObjectStore, filled: str) -> None:
    objects(object_store, filled, "delete", image_key("image"), "--yes")

    done = objects(object_store, filled, "delete", image_key("image"), "--yes")

    assert (done.code, done.output) == (0, "")
    assert done.errors == f"warning: there is no s3://{filled}/{image_key('debian/image')}\n"


@pytest.mark.parametrize("name", ["backup.tar", image_key("foreign"), "\x1b]0;owned\x07", "", "*"])
def test_delete_refuses_what_is_not_ours(object_store: ObjectStore, filled: str, name: str) -> None:
    before = list_keys(object_store, filled)

    done = objects(object_store, filled, "delete", "--yes", image_key("image"), name)

    assert list_keys(object_store, filled) == before
    assert done.code == 2
    assert "\x1b" not in done.said
    assert "\x07" not in done.said


def test_delete_asks_nobody_where_nobody_is(object_store: ObjectStore, filled: str) -> None:
    before = list_keys(object_store, filled)

    done = objects(object_store, filled, "delete", image_key("image"))

    assert done.code == 2
    assert "--yes" in done.errors
    assert list_keys(object_store, filled) == before


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("no", 2), ("", 2)])
def test_delete_asks(object_store: ObjectStore, filled: str, answer: str, code: int) -> None:
    before = list_keys(object_store, filled)
    master, slave = pty.openpty()
    command = [str(PROGRAM), "objects", "delete", image_key("image"), "--to", f"s3://{filled}/debian"]
    settings = clean_environment(object_store.environment)
    with subprocess.Popen(command, stdin=slave, stdout=subprocess.DEVNULL, stderr=slave, env=settings) as process:
        os.close(slave)
        shown = b""
        while b"Type yes" not in shown:
            shown += os.read(master, 4096)
        os.write(master, answer.encode() + b"\n")
        assert process.wait(60) == code
    os.close(master)
    assert image_key("image").encode() in shown
    assert (list_keys(object_store, filled) == before) is (code != 0)


def test_gc_keeps_what_is_younger_than_a_week(object_store: ObjectStore, filled: str) -> None:
    before = list_keys(object_store, filled)

    done = objects(object_store, filled, "gc")

    assert done.code == 0
    assert [line.split(": ")[1] for line in done.output.splitlines()] == [
        "not written by byoi-tools",
        "used lately",
        "used lately",
        "used lately",
    ]
    assert list_keys(object_store, filled) == before


def test_gc_tells_first_and_then_removes(object_store: ObjectStore, filled: str) -> None:
    before = list_keys(object_store, filled)

    told = objects(object_store, filled, "gc", "--older-than", "0s", "--dry-run")

    assert list_keys(object_store, filled) == before
    assert uploads_in(object_store, filled) == [image_key("debian/upload")]

    done = objects(object_store, filled, "gc", "--older-than", "0s")

    assert [line.partition(" (")[0] for line in done.output.splitlines()] == [
        line.partition(" (")[0].replace("would be removed", "removed") for line in told.output.splitlines()
    ]
    assert "removed: " + image_key("image") in done.output
    assert done.errors.startswith("warning: URLs of younger objects may still be in use")
    assert list_keys(object_store, filled) == [
        "debian/backup.tar",
        image_key("debian/foreign"),
        image_key("other/image"),
    ]
    assert uploads_in(object_store, filled) == []


def test_a_directory_of_a_web_server(tmp_path: Path) -> None:
    for name in ("one", "two"):
        place_image(tmp_path, name)
    (tmp_path / f".{image_key('three')}.part").touch()
    to = ("--to", f"file://{tmp_path}")

    listed = byoi_tools("objects", "list", *to)
    as_json = byoi_tools("objects", "list", *to, "--format", "json")
    deleted = byoi_tools("objects", "delete", image_key("one"), "--yes", *to)
    collected = byoi_tools("objects", "gc", "--older-than", "0s", *to, "--format", "json")

    assert [line.split()[-1] for line in listed.output.splitlines()[1:]] == [
        image_key("one"),
        "copy]",
        image_key("two"),
    ]
    found = document(as_json, objects_schema())["entries"]
    assert [entry["kind"] for entry in found] == ["image", "upload", "image"]
    assert found[0]["object"] == f"file://{tmp_path}/{image_key('one')}"
    assert deleted.output.startswith(f"removed: {image_key('one')} (")
    fates = [entry["fate"] for entry in document(collected, removal_schema())["entries"]]
    assert fates == ["removed", "removed"]
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    done = byoi_tools("objects", "list", "--to", f"file://{tmp_path}/absent")
    assert done.code == 2
    assert "there is no directory" in done.errors


def test_gc_in_json(object_store: ObjectStore, filled: str) -> None:
    done = objects(object_store, filled, "gc", "--older-than", "0s", "--format", "json", prefix="")

    found = document(done, removal_schema())
    assert found["schema"] == "byoi-tools/removal/v1"
    assert [(entry["kind"], entry["fate"]) for entry in found["entries"]] == [
        ("foreign", "foreign"),
        ("image", "removed"),
        ("leftover", "removed"),
        ("foreign", "foreign"),
        ("upload", "removed"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("list", "--to", "somewhere"),
        ("list", "--to", "s3://b"),
        ("delete", "--to", "s3://bucket/x", "--yes"),
        ("gc", "--to", "s3://bucket/x", "--older-than", "long"),
        ("gc", "--to", "s3://bucket/x", "--older-than", "-1d"),
        ("empty", "--to", "s3://bucket/x"),
    ],
    ids=" ".join,
)
def test_usage_errors(arguments: tuple[str, ...]) -> None:
    done = byoi_tools("objects", *arguments)

    assert done.code == 2, done.said
    assert done.errors.startswith("byoi-tools: ")


@pytest.mark.parametrize("arguments", [(), ("objects",)], ids=["nothing", "objects"])
def test_missing_verb(arguments: tuple[str, ...]) -> None:
    done = byoi_tools(*arguments)

    assert done.code == 2
    command = " ".join(("byoi-tools", *arguments))
    assert done.errors == f"byoi-tools: Missing command.\n  do:   See `{command} --help`.\n"


@pytest.mark.parametrize("verb", [("list",), ("gc",), ("delete", image_key("x"), "--yes")], ids=lambda verb: verb[0])
def test_storage_errors(object_store: ObjectStore, bucket: str, verb: tuple[str, ...]) -> None:
    absent = objects(object_store, "absent-" + bucket, *verb)
    wrong_key = byoi_tools(
        "objects",
        *verb,
        "--to",
        f"s3://{bucket}",
        environment={**object_store.environment, "AWS_SECRET_ACCESS_KEY": "x"},
    )

    assert (absent.code, wrong_key.code) == (5, 5)
    assert "no such bucket" in " ".join(absent.errors.split())
    assert "secret key" in wrong_key.errors
    assert is_empty(object_store, bucket)
