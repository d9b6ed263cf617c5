from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.object_store import ObjectStore
from fixtures.proxy_faults import Answer, Fault, Kind
from fixtures.store_proxy import StoreProxy
from tests.object_listing import part_sizes
from tests.uploads import (
    KEY,
    PART,
    PLAN,
    Notes,
    is_object_alone,
    read_object,
    send_parts,
    upload,
)

PROGRAM = """
import sys
from pathlib import Path
from tests.uploads import upload
with upload(Path(sys.argv[2]), sys.argv[1]) as running:
    running.finish(Path(sys.argv[2]).stat().st_size)
"""


def test_only_parts_that_differ_are_sent_again(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    content = four_parts.read_bytes()
    send_parts(object_store, bucket, {1: content[:PART], 2: os.urandom(PART), 4: content[3 * PART : -1]})
    notes = Notes()

    with upload(four_parts, bucket, notes) as running:
        running.finish(len(content))
        running.complete()

    assert sorted(proxy.part_numbers) == [2, 3, 4]
    assert proxy.requests[Kind.CREATE] == 0
    assert read_object(object_store, bucket) == content
    assert notes.done[-1] == len(content)
    assert "goes on: it has 3 parts" in notes.notes[0]
    assert is_object_alone(object_store, bucket)


def test_newest_upload_with_parts_is_continued(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    content = four_parts.read_bytes()
    object_store.client.create_multipart_upload(Bucket=bucket, Key=KEY + ".json")
    send_parts(object_store, bucket, {2: content[PART : 2 * PART]})
    time.sleep(1.1)  # stores tell whole seconds
    newest = send_parts(object_store, bucket, {3: content[2 * PART : 3 * PART]})
    time.sleep(1.1)
    send_parts(object_store, bucket, {})

    with upload(four_parts, bucket) as running:
        running.finish(len(content))
        running.complete()

    assert running.upload_id == newest
    assert sorted(proxy.part_numbers) == [1, 2, 4]
    assert is_object_alone(object_store, bucket)


def test_upload_without_parts_is_continued_too(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    earlier = send_parts(object_store, bucket, {})

    with upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)

    assert running.upload_id == earlier
    assert proxy.requests[Kind.CREATE] == 0


def test_upload_without_parts_is_taken_too(object_store: ObjectStore, bucket: str, four_parts: Path) -> None:
    earlier = send_parts(object_store, bucket, {})

    with upload(four_parts, bucket) as running:
        assert running.upload_id == earlier
        running.finish(four_parts.stat().st_size)
        running.complete()

    assert is_object_alone(object_store, bucket)


def test_earlier_uploads_are_deleted_when_nothing_is_resumed(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    content = four_parts.read_bytes()
    for _ in range(2):
        send_parts(object_store, bucket, {1: content[:PART]})

    with upload(four_parts, bucket, resumes=False) as running:
        running.finish(len(content))
        running.complete()

    assert proxy.part_numbers.count(1) == 1
    assert is_object_alone(object_store, bucket)


def test_user_who_may_not_list_uploads_begins_a_new_one(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, four_parts: Path
) -> None:
    proxy.faults.append(Fault(Kind.LIST_UPLOADS, Answer(403, "AccessDenied"), times=None))

    with upload(four_parts, bucket) as running:
        running.finish(four_parts.stat().st_size)
        running.complete()

    assert read_object(object_store, bucket) == four_parts.read_bytes()


def test_killed_at_half_and_run_again(
    object_store: ObjectStore, proxy: StoreProxy, bucket: str, tmp_path: Path
) -> None:
    path = tmp_path / "image.raw"
    path.write_bytes(os.urandom(16 * PART))
    arguments = [sys.executable, "-c", PROGRAM, bucket, str(path)]
    with subprocess.Popen(arguments, env={**os.environ, "PYTHONPATH": str(Path.cwd())}) as process:
        while proxy.part_bytes < 8 * PART and process.poll() is None:
            time.sleep(0.005)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    kept = sum(part_sizes(object_store, bucket))
    proxy.forget()

    with upload(path, bucket) as running:
        running.finish(path.stat().st_size)
        running.complete()

    assert proxy.part_bytes <= path.stat().st_size - kept
    assert proxy.part_bytes <= (8 + PLAN.parallel) * PART
    assert read_object(object_store, bucket) == path.read_bytes()


def test_parts_of_an_earlier_run_survive_an_interruption_at_once(
    object_store: ObjectStore, bucket: str, four_parts: Path
) -> None:
    send_parts(object_store, bucket, {2: four_parts.read_bytes()[PART : 2 * PART]})

    with pytest.raises(KeyboardInterrupt), upload(four_parts, bucket):
        raise KeyboardInterrupt

    assert part_sizes(object_store, bucket) == [PART]
