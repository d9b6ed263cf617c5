"""Where the measured programs send to: buckets that are gone afterwards, in a real store on loopback."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import BYOI_TOOLS, Command, seconds_of
from fixtures.object_store import ObjectStore


@contextmanager
def new_bucket(store: ObjectStore) -> Iterator[str]:
    """The name of an empty bucket; deleting it frees its room at once (SeaweedFS keeps buckets in volumes apart)."""
    name = f"bench-{secrets.token_hex(4)}"
    store.client.create_bucket(Bucket=name)
    try:
        yield name
    finally:
        store.client.delete_bucket(Bucket=name)


def settings_of(store: ObjectStore, endpoint_url: str = "") -> dict[str, str]:
    """The variables by which byoi-tools, aws and s5cmd find the store, or what stands before it."""
    endpoint = endpoint_url or store.endpoint_url
    return store.environment | {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "S3_ENDPOINT_URL": endpoint,  # s5cmd's
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def publish_command(image: Path, *options: str) -> Command:
    """What publishes an image in the bucket BUCKET."""
    return [BYOI_TOOLS, "publish", image, "--to", "s3://BUCKET/bench", *options]


def with_bucket(command: Command, bucket: str) -> Command:
    """The command with the bucket's name wherever it says BUCKET."""
    return [word.replace("BUCKET", bucket) if isinstance(word, str) else word for word in command]


def seconds_to_send(store: ObjectStore, command: Command, endpoint_url: str = "") -> float:
    """Run a command with a new bucket for BUCKET, and return its seconds."""
    with new_bucket(store) as bucket:
        return seconds_of(with_bucket(command, bucket), more=settings_of(store, endpoint_url))
