"""What is removed, what is kept, and what an interruption leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from byoi_tools.errors import StorageError, UsageError
from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.own_object import Fate, OwnLeftover, OwnObject, OwnUpload, Removal
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.publishing.destination import ObjectPrefix
from byoi_tools.publishing.objects import OwnObjects
from byoi_tools.publishing.removal import collect_garbage, find_named, remove
from byoi_tools.tools.object_store.connection import StoreConnection
from byoi_tools.tools.object_store.objects import ObjectStorage
from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Do, Fault, Kind
from fixtures.store_proxy import StoreProxy
from tests.object_listing import is_empty, list_keys
from tests.own_objects import MARK, begin_upload, image_key, put_foreign, put_image, uploads_in

WEEK = timedelta(days=7)
PAGE = 1000  # S3 API, ListObjectsV2: "Returns some or all (up to 1,000) of the objects"


class Warnings(Observer):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def warned(self, message: str) -> None:
        self.texts.append(message)


def collect(
    bucket: str, *, days_later: float = 0, prefix: str = "p", is_dry_run: bool = False, older_than: timedelta = WEEK
) -> list[Removal]:
    """Collect garbage as if so many days had gone by."""
    storage = ObjectStorage()
    entries = OwnObjects(storage, Observer()).under(ObjectPrefix(bucket, prefix))
    now = datetime.now(UTC) + timedelta(days=days_later)
    return list(collect_garbage(partial(remove, storage), entries, older_than, now, is_dry_run=is_dry_run))


def fates(removals: list[Removal]) -> list[tuple[str, Fate]]:
    return [(removal.entry.address.key, removal.fate) for removal in removals]


def named(bucket: str, *names: str, prefix: str = "p", observer: Observer | None = None) -> list[tuple[type, str]]:
    own = OwnObjects(ObjectStorage(), observer or Observer())
    found = find_named(own, ObjectPrefix(bucket, prefix), names, observer or Observer())
    return [(type(entry), entry.address.key) for entry in found]


def fill(store: ObjectStore, bucket: str) -> None:
    """An image, what is left of another, and an upload."""
    put_image(store, bucket, "p/image")
    put_image(store, bucket, "p/left", (".json", ".sha256"))
    begin_upload(store, bucket, image_key("p/upload"))


def test_old_is_removed_whole(object_store: ObjectStore, bucket: str) -> None:
    fill(object_store, bucket)

    removals = collect(bucket, days_later=8)

    assert fates(removals) == [(image_key(f"p/{name}"), Fate.REMOVED) for name in ("image", "left", "upload")]
    assert is_empty(object_store, bucket)


@pytest.mark.parametrize(("days_later", "is_dry_run", "fate"), [(6, False, Fate.YOUNG), (8, True, Fate.DOOMED)])
def test_young_is_kept_and_a_dry_run_keeps_all(
    object_store: ObjectStore, bucket: str, days_later: int, is_dry_run: bool, fate: Fate
) -> None:
    fill(object_store, bucket)
    before = list_keys(object_store, bucket)

    removals = collect(bucket, days_later=days_later, is_dry_run=is_dry_run)

    assert [removal.fate for removal in removals] == [fate] * 3
    assert list_keys(object_store, bucket) == before
    assert uploads_in(object_store, bucket) == [image_key("p/upload")]


def test_nothing_of_others_is_touched(object_store: ObjectStore, bucket: str) -> None:
    """Neither other names, nor other prefixes, nor files that are called as ours and have not our mark."""
    put_foreign(object_store, bucket, "p/backup.tar")
    put_foreign(object_store, bucket, image_key("p/foreign"))
    put_foreign(object_store, bucket, image_key("p/foreign") + ".json")
    put_foreign(object_store, bucket, image_key("p/lonely") + ".sha256")
    put_image(object_store, bucket, "pp/other")
    put_image(object_store, bucket, "other")
    begin_upload(object_store, bucket, "p/backup.tar")
    begin_upload(object_store, bucket, image_key("pp/other"))
    begin_upload(object_store, bucket, image_key("p/x") + ".json")
    before, uploads = list_keys(object_store, bucket), uploads_in(object_store, bucket)

    removals = collect(bucket, days_later=1000)

    assert fates(removals) == [
        (image_key("p/foreign"), Fate.FOREIGN),
        (image_key("p/lonely") + ".sha256", Fate.FOREIGN),
    ]
    assert list_keys(object_store, bucket) == before
    assert uploads_in(object_store, bucket) == uploads


def test_sidecar_that_somebody_else_wrote_stays(object_store: ObjectStore, bucket: str) -> None:
    put_image(object_store, bucket, "p/x")
    put_foreign(object_store, bucket, image_key("p/x") + ".json")

    collect(bucket, days_later=8)

    assert list_keys(object_store, bucket) == [image_key("p/x") + ".json"]


def test_image_that_was_replaced_after_it_was_found_stays(object_store: ObjectStore, bucket: str) -> None:
    address = put_image(object_store, bucket, "p/x")
    (entry,) = OwnObjects(ObjectStorage(), Observer()).under(ObjectPrefix(bucket, "p"))
    assert isinstance(entry, OwnObject)
    object_store.client.put_object(
        Bucket=bucket, Key=address.key, Body=b"new", Metadata={**MARK, "byoi-run": "ff" * 16}
    )

    assert remove(ObjectStorage(), entry).fate is Fate.CHANGED
    assert len(list_keys(object_store, bucket)) == 4


def test_sidecars_whose_image_came_after_they_were_found_stay(object_store: ObjectStore, bucket: str) -> None:
    put_image(object_store, bucket, "p/x", (".json",))
    (entry,) = OwnObjects(ObjectStorage(), Observer()).under(ObjectPrefix(bucket, "p"))
    assert isinstance(entry, OwnLeftover)
    put_image(object_store, bucket, "p/x", ("",))

    assert remove(ObjectStorage(), entry).fate is Fate.CHANGED
    assert len(list_keys(object_store, bucket)) == 2


def test_upload_that_ended_meanwhile_is_no_error(object_store: ObjectStore, bucket: str) -> None:
    key = image_key("p/x")
    upload_id = begin_upload(object_store, bucket, key)
    (entry,) = OwnObjects(ObjectStorage(), Observer()).of(ObjectAddress(bucket, key))
    object_store.client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)

    assert isinstance(entry, OwnUpload)
    assert remove(ObjectStorage(), entry).fate is Fate.REMOVED
    assert is_empty(object_store, bucket)


@pytest.mark.parametrize("name", [image_key("x"), image_key("p/x")])
def test_names_are_under_the_prefix_or_whole(object_store: ObjectStore, bucket: str, name: str) -> None:
    put_image(object_store, bucket, "p/x")
    put_image(object_store, bucket, "x")

    assert named(bucket, name) == [(OwnObject, image_key("p/x"))]


def test_whole_key_without_a_prefix(object_store: ObjectStore, bucket: str) -> None:
    put_image(object_store, bucket, "p/x")

    assert named(bucket, image_key("p/x"), image_key("p/x"), prefix="") == [(OwnObject, image_key("p/x"))]


def test_name_of_nothing_is_a_warning(bucket: str) -> None:
    warnings = Warnings()

    assert named(bucket, image_key("x"), observer=warnings) == []
    assert warnings.texts == [f"there is no s3://{bucket}/{image_key('p/x')}"]


@pytest.mark.parametrize(
    "name", ["", "backup.tar", "../" + image_key("x"), image_key("x") + ".json", "\x1b[2J", "x" * 5000, "*", "p/"]
)
def test_names_that_are_not_ours_are_refused(object_store: ObjectStore, bucket: str, name: str) -> None:
    put_image(object_store, bucket, "x")

    with pytest.raises(UsageError) as refused:
        named(bucket, image_key("x"), name)

    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


def test_image_that_somebody_else_wrote_is_refused(object_store: ObjectStore, bucket: str) -> None:
    put_image(object_store, bucket, "p/x")
    put_foreign(object_store, bucket, image_key("p/y"))

    with pytest.raises(UsageError, match="not written by byoi-tools"):
        named(bucket, image_key("x"), image_key("y"))


@pytest.mark.parametrize("done", range(4))
def test_interrupted_removal_goes_on_the_next_time(object_store: ObjectStore, bucket: str, done: int) -> None:
    """After the image and, then, any number of sidecars; an image never stays behind without its digests."""
    put_image(object_store, bucket, "p/x")
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.DELETE, Answer(403, "AccessDenied"), spared=done, times=None))
        storage = ObjectStorage(StoreConnection(proxy.url))
        (entry,) = OwnObjects(storage, Observer()).under(ObjectPrefix(bucket, "p"))
        assert isinstance(entry, OwnObject)
        with pytest.raises(StorageError, match="do not allow it"):
            remove(storage, entry)

    left = list_keys(object_store, bucket)
    assert len(left) == 4 - done
    assert (image_key("p/x") in left) is (done == 0)
    assert [removal.fate for removal in collect(bucket, days_later=8)] == [Fate.REMOVED]
    assert is_empty(object_store, bucket)


@pytest.mark.parametrize("answer", [Answer(403, "AccessDenied"), Answer(501, "NotImplemented")], ids=str)
def test_without_a_list_of_uploads_the_rest_is_found(object_store: ObjectStore, bucket: str, answer: Answer) -> None:
    fill(object_store, bucket)
    warnings = Warnings()
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.LIST_UPLOADS, answer, times=None))
        found = list(OwnObjects(ObjectStorage(StoreConnection(proxy.url)), warnings).under(ObjectPrefix(bucket, "p")))

    assert [type(entry) for entry in found] == [OwnObject, OwnLeftover]
    assert len(warnings.texts) == 1
    assert "incomplete uploads are passed over" in warnings.texts[0]


def test_list_of_uploads_that_fails_is_an_error(object_store: ObjectStore, bucket: str) -> None:
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.LIST_UPLOADS, Answer(400, "ExpiredToken"), times=None))

        with pytest.raises(StorageError, match="temporary credentials"):
            list(OwnObjects(ObjectStorage(StoreConnection(proxy.url)), Observer()).under(ObjectPrefix(bucket, "p")))


def test_upload_that_ends_while_it_is_looked_at_is_passed_over(object_store: ObjectStore, bucket: str) -> None:
    fill(object_store, bucket)
    key = image_key("p/second")
    upload_id = begin_upload(object_store, bucket, key)
    end = partial(object_store.client.abort_multipart_upload, Bucket=bucket, Key=key, UploadId=upload_id)
    with StoreProxy(object_store.endpoint_url) as proxy:
        proxy.faults.append(Fault(Kind.LIST_PARTS, Do(end)))
        found = list(OwnObjects(ObjectStorage(StoreConnection(proxy.url)), Observer()).under(ObjectPrefix(bucket, "p")))

    assert [entry.address.key for entry in found if isinstance(entry, OwnUpload)][-1:] == [image_key("p/upload")]


@pytest.fixture
def long_list(object_store: ObjectStore, bucket: str) -> list[str]:
    """More than a page, with an image on the last place of the first and its sidecars on the second."""
    others = [f"p/b-{number:04}" for number in range(PAGE - 4 - 1)] + ["p/n"]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: put_foreign(object_store, bucket, key), others))
    for name in ("p/a", "p/m", "p/z"):
        put_image(object_store, bucket, name)
    first_page = object_store.client.list_objects_v2(Bucket=bucket)
    assert first_page["IsTruncated"]
    assert first_page["Contents"][-1]["Key"] == image_key("p/m")
    return others


def test_several_pages(object_store: ObjectStore, bucket: str, long_list: list[str]) -> None:
    """Families stay together, and removing while the list is still being read misses nothing."""
    found = [removal.entry for removal in collect(bucket)]
    assert all(isinstance(entry, OwnObject) and len(entry.sidecars) == 3 for entry in found)

    removals = collect(bucket, days_later=8)

    assert fates(removals) == [(image_key(name), Fate.REMOVED) for name in ("p/a", "p/m", "p/z")]
    assert list_keys(object_store, bucket) == long_list
