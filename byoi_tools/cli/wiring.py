"""The composition root: makes the doors of this process from the user's own configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from byoi_tools.model.location import WebAddress
    from byoi_tools.model.observer import Observer
    from byoi_tools.model.secret import Secret
    from byoi_tools.pipeline.receipt import Receipt
    from byoi_tools.publishing.open_uploads import UploadRecord
    from byoi_tools.publishing.public_directory import Destination
    from byoi_tools.tools.clock import Clock
    from byoi_tools.tools.object_store.objects import ObjectStorage
    from byoi_tools.tools.ovh.api import OvhApi


def connect_api(consumer_key: Secret | None = None) -> OvhApi:
    """The provider's API, by `ovh`'s own configuration (`ovh.conf`, `OVH_*`), asked no faster than is fair.

    `consumer_key` takes the place of the configured one.
    """
    from byoi_tools.deployment.request_limit import RequestLimit
    from byoi_tools.tools.ovh.api import OvhApi

    return OvhApi.from_configuration(RequestLimit(system_clock()).wait, consumer_key)


def connect_fleet_api() -> tuple[OvhApi, Callable[[], None]]:
    """The same for many servers and threads, and what ends all waits for the limit's turn."""
    from byoi_tools.deployment.request_limit import RequestLimit
    from byoi_tools.tools.ovh.remembered import RememberingApi

    limit = RequestLimit(system_clock())
    return RememberingApi.from_configuration(limit.wait), limit.close


def connect_storage(destination: Destination | WebAddress) -> ObjectStorage:
    """The object store that has the destination, by boto3's own configuration (`~/.aws`, `AWS_*`).

    For a directory and a URL it is any: nothing is asked of it.
    """
    from byoi_tools.publishing.destination import ObjectPrefix
    from byoi_tools.tools.object_store.endpoint import connect_to
    from byoi_tools.tools.object_store.objects import ObjectStorage

    return ObjectStorage(connect_to(destination.endpoint if isinstance(destination, ObjectPrefix) else None))


def system_clock() -> Clock:
    """The time of this machine."""
    from byoi_tools.tools.clock import SystemClock

    return SystemClock()


def open_receipt(image: Path, given: Path | None) -> Receipt:
    """The receipt of an image's publications; one for each image unless the user names a file."""
    from byoi_tools.pipeline.receipt import Receipt

    return Receipt(given or _receipt_file("receipts", image.stem, str(image.absolute())))


@contextmanager
def open_upload_record(image: Path, given: Path | None, clock: Clock, observer: Observer) -> Iterator[UploadRecord]:
    """The uploads in the image's receipt; without a receipt that can be had, unless one is `given`, those of no run."""
    from byoi_tools.errors import StorageError
    from byoi_tools.pipeline.receipt import ReceiptHeld
    from byoi_tools.pipeline.upload_record import ReceiptUploads
    from byoi_tools.publishing.open_uploads import UploadRecord

    try:
        receipt = open_receipt(image, given)
    except (ReceiptHeld, StorageError) as failure:
        if given is not None:
            raise
        observer.noted(f"{failure.message}: this run goes on without it")
        yield UploadRecord()
        return
    with receipt:
        yield ReceiptUploads(receipt, clock)


def open_server_receipt(api: OvhApi, server: str, given: Path | None) -> Receipt:
    """The receipt of a server's deployments; one for each server and endpoint unless the user names a file.

    Raises `ReceiptHeld` while another run deploys to it.
    """
    from byoi_tools.pipeline.receipt import Receipt, ReceiptHeld

    try:
        return Receipt(given or _receipt_file("servers", server, f"{api.endpoint} {server}"))
    except ReceiptHeld as held:
        raise ReceiptHeld(
            f"another run is deploying to {server}",
            details=held.message,
            remedy=f"Follow it: byoi-tools deploy --attach --server {server}",
        ) from held


def open_rollout_receipt(api: OvhApi, servers: Path | None, names: Sequence[str], given: Path | None) -> Receipt:
    """The receipt of a fleet's rollout; one for each file of servers, or set of names, unless the user names a file."""
    from byoi_tools.pipeline.receipt import Receipt

    which = str(servers.absolute()) if servers else " ".join(sorted(names))
    stem = servers.stem if servers else "servers"
    return Receipt(given or _receipt_file("rollouts", stem, f"{api.endpoint} {which}"))


def _receipt_file(kind: str, stem: str, identity: str) -> Path:
    import hashlib

    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    readable = "".join(letter if letter.isalnum() or letter in "-._" else "_" for letter in stem[:60])
    name = hashlib.sha256(os.fsencode(identity)).hexdigest()[:12]
    return state / "byoi-tools" / kind / f"{readable}-{name}.jsonl"
