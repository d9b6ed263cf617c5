"""What of a store is found as ours, whatever else lies there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from byoi_tools.errors import StorageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import ForeignObject, OwnEntry, OwnLeftover, OwnObject, OwnUpload
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.objects import OwnObjects
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from tests.own_objects import CONTENT, MARK, RUN, SHA256, begin_upload, image_key, put_foreign, put_image


class Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def noted(self, message: str) -> None:
        self.notes.append(message)

    def warned(self, message: str) -> None:
        self.warnings.append(message)


def found(bucket: str, prefix: str = "", observer: Observer | None = None) -> list[OwnEntry | ForeignObject]:
    return list(OwnObjects(ObjectStorage(), observer or Observer()).under(ObjectPrefix(bucket, prefix)))


def keys(entries: list[OwnEntry | ForeignObject]) -> list[str]:
    return [entry.address.key for entry in entries]


def test_nothing(bucket: str) -> None:
    notes = Notes()

    assert found(bucket, "debian", notes) == []
    assert notes.notes == []


def test_image_with_its_sidecars(object_store: ObjectStore, bucket: str) -> None:
    before = datetime.now(UTC)
    address = put_image(object_store, bucket, "debian/12/x")

    (entry,) = found(bucket, "debian")

    assert isinstance(entry, OwnObject)
    assert (entry.address, entry.size_bytes) == (address, len(CONTENT))
    assert (entry.run_id, entry.version) == (RUN, "0.1.0")
    assert entry.sha256 is not None
    assert entry.sha256.hexadecimal == SHA256
    assert entry.sidecars == (".json", ".sha256", ".sha512")
    assert before - timedelta(seconds=2) < entry.last_used <= datetime.now(UTC)


def test_digest_comes_from_the_metadata_where_it_is(object_store: ObjectStore, bucket: str) -> None:
    metadata = {**MARK, "byoi-sha256": "ab" * 32}
    object_store.client.put_object(Bucket=bucket, Key=image_key("x"), Body=b"", Metadata=metadata)

    (entry,) = found(bucket)

    assert isinstance(entry, OwnObject)
    assert entry.sha256 is not None
    assert entry.sha256.hexadecimal == "ab" * 32


def test_digest_that_nobody_tells_is_unknown(object_store: ObjectStore, bucket: str) -> None:
    put_image(object_store, bucket, "x", ("",))

    (entry,) = found(bucket)

    assert isinstance(entry, OwnObject)
    assert (entry.sha256, entry.sidecars) == (None, ())


def test_published_again_is_used_again(object_store: ObjectStore, bucket: str) -> None:
    """Publishing finds the image and writes its sidecars anew: its age begins again."""
    address = put_image(object_store, bucket, "x")
    stored = object_store.client.head_object(Bucket=bucket, Key=address.key)["LastModified"]
    moved_on = stored + timedelta(seconds=1)
    while datetime.now(UTC) < moved_on + timedelta(seconds=0.1):
        pass
    put_image(object_store, bucket, "x", (".json",))

    (entry,) = found(bucket)

    assert not isinstance(entry, ForeignObject)
    assert entry.last_used >= moved_on


def test_sidecars_without_an_image(object_store: ObjectStore, bucket: str) -> None:
    address = put_image(object_store, bucket, "x", (".sha256", ".sha512"))

    (entry,) = found(bucket)

    assert isinstance(entry, OwnLeftover)
    assert entry.address == address
    assert entry.sidecars == (".sha256", ".sha512")


def test_incomplete_upload(object_store: ObjectStore, bucket: str) -> None:
    upload_id = begin_upload(object_store, bucket, image_key("a/x"), b"1234567")

    (entry,) = found(bucket, "a")

    assert isinstance(entry, OwnUpload)
    assert entry.address == ObjectAddress(bucket, image_key("a/x"))
    assert (entry.size_bytes, entry.upload_id) == (7, upload_id)
    assert abs(entry.last_used - datetime.now(UTC)) < timedelta(seconds=10)


def test_upload_that_got_a_part_lately_is_young(object_store: ObjectStore, bucket: str) -> None:
    key = image_key("x")
    upload_id = begin_upload(object_store, bucket, key)
    uploads = object_store.client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    later = uploads[0]["Initiated"] + timedelta(seconds=1)
    while datetime.now(UTC) < later + timedelta(seconds=0.1):
        pass
    object_store.client.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=2, Body=b"more")

    (entry,) = found(bucket)

    assert isinstance(entry, OwnUpload)
    assert entry.last_used >= later


HOSTILE = ["a\x1b[2J\u202e", "b\n" + image_key("x"), "ü/" + image_key("x"), "%2F" + image_key("x"), "<&>'\""]


def test_what_is_not_ours_is_passed_over(object_store: ObjectStore, bucket: str) -> None:
    for key in ("backup.tar", image_key("p/x") + ".bak", image_key("p/y") + ".json.old", *(f"p/{k}" for k in HOSTILE)):
        put_foreign(object_store, bucket, key)
    begin_upload(object_store, bucket, "p/backup.tar")
    begin_upload(object_store, bucket, "p/\x1b[2J")
    notes = Notes()

    assert found(bucket, "p", notes) == []
    assert notes.notes == [f"9 under s3://{bucket}/p/ not named as byoi-tools names: not looked at"]
    assert notes.warnings == []


@pytest.mark.parametrize(
    "metadata", [{}, {"byoi-run": RUN}, {"byoi-tool": "byoi-tools/0.1.0"}, {**MARK, "byoi-tool": "other/1"}], ids=str
)
def test_what_has_a_name_of_ours_and_not_the_mark(
    object_store: ObjectStore, bucket: str, metadata: dict[str, str]
) -> None:
    put_image(object_store, bucket, "x")
    for key in (image_key("x"), image_key("y") + ".json"):
        object_store.client.put_object(Bucket=bucket, Key=key, Body=b"", Metadata=metadata)

    assert found(bucket) == [
        ForeignObject(ObjectAddress(bucket, image_key("x"))),
        ForeignObject(ObjectAddress(bucket, image_key("y") + ".json")),
    ]


def test_prefix_ends_at_a_slash(object_store: ObjectStore, bucket: str) -> None:
    for name in ("deb/x", "debian/x", "deb", "deb/sub/x"):
        put_image(object_store, bucket, name, ("",))
        begin_upload(object_store, bucket, image_key(name))

    own = [image_key("deb/sub/x"), image_key("deb/x")]
    assert sorted(keys(found(bucket, "deb"))) == sorted(own * 2)
    assert len(found(bucket)) == 8


def test_names_that_begin_like_others_keep_their_sidecars(object_store: ObjectStore, bucket: str) -> None:
    """Keys of other images, and of directories, come between an image and its sidecars in the order of bytes."""
    longer = image_key("x") + "-y"
    for name in ("x", longer, f"{longer}/z"):
        put_image(object_store, bucket, name)
    put_foreign(object_store, bucket, image_key("x") + "+")

    entries = found(bucket)

    assert sorted(keys(entries)) == sorted(image_key(name) for name in ("x", longer, f"{longer}/z"))
    assert all(isinstance(entry, OwnObject) and len(entry.sidecars) == 3 for entry in entries)


def test_by_name(object_store: ObjectStore, bucket: str) -> None:
    for name in ("x", "xx", image_key("x")):
        put_image(object_store, bucket, name)
    begin_upload(object_store, bucket, image_key("x"))
    begin_upload(object_store, bucket, image_key(image_key("x")))

    entries = OwnObjects(ObjectStorage(), Observer()).of(ObjectAddress(bucket, image_key("x")))

    assert [type(entry) for entry in entries] == [OwnObject, OwnUpload]
    assert {entry.address.key for entry in entries} == {image_key("x")}


def test_absent_bucket(bucket: str) -> None:
    with pytest.raises(StorageError, match="no such bucket"):
        found("absent-" + bucket)
