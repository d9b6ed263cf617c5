"""Where an image was published: for people, and for programs as `byoi-tools/publication/v1`."""

from __future__ import annotations

import json

from byoi_tools.model.publishing.published import PublishedImage
from byoi_tools.model.sizes import exact_size

SCHEMA = "byoi-tools/publication/v1"


def render_publication(published: PublishedImage) -> str:
    """Return lines of `name value`; this is the one place where the presigned URL is shown in full."""
    rows = [
        ("object", str(published.address) + (" (was there already)" if published.was_reused else "")),
        ("size", exact_size(published.size_bytes)),
        *((digest.algorithm.value, digest.hexadecimal) for digest in published.digests),
        *((("beside", " ".join(published.sidecars)),) if published.sidecars else ()),
        ("expires", _expiry(published) or "never"),
        ("url", published.url.reveal()),
    ]
    return "".join(f"{name:<8}{value}\n" for name, value in rows)


def render_publication_json(published: PublishedImage) -> str:
    """Return one JSON object with a newline at the end."""
    document = {
        "schema": SCHEMA,
        "object": str(published.address),
        "image_type": published.image_type.value,
        "size_bytes": published.size_bytes,
        "digests": {digest.algorithm.value: digest.hexadecimal for digest in published.digests},
        "reused": published.was_reused,
        "expires": _expiry(published),
        "url": published.url.reveal(),
        "sidecars": [f"{published.address}{suffix}" for suffix in published.sidecars],
    }
    return json.dumps(document, indent=2) + "\n"


def _expiry(published: PublishedImage) -> str | None:
    return published.expires_at.isoformat(timespec="seconds") if published.expires_at else None
