"""How the provider fetches the image: headers, and how long the URL works."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

SAFE_LIFE = timedelta(hours=2)


@check(
    "api.headers",
    "no HTTP header is sent to a URL that needs none",
    Severity.ERROR,
    remedy="Leave --http-header out: a presigned URL needs none.",
)
def headers(subject: Subject) -> Iterator[Observation]:
    """No HTTP header is sent to a URL that needs none.

    Why: a presigned URL holds its authorization itself. A header `Authorization` beside it makes the object store
    refuse the download ("Only one auth mechanism allowed"), and any header gives a secret to somebody who does not
    need it.

    How: headers are given and the URL is presigned: for `Authorization` an error, for others a warning. Skipped where
    nobody said yet where the image goes.

    Fix: leave `--http-header` out; headers are for your own web server.

    Source: AWS S3, error InvalidArgument of requests with two signatures; OVHcloud API, `httpHeaders`.
    """
    delivery = subject.planned.delivery
    if not delivery.header_names or not delivery.is_presigned.known():
        return
    for name in delivery.header_names:
        is_second_login = name.lower() == "authorization"
        yield Observation(
            "a presigned URL is refused with a header Authorization" if is_second_login else "a header nobody needs",
            observed=quote(name),
            expected="no headers for a presigned URL",
            evidence="--http-header",
            severity=None if is_second_login else Severity.WARNING,
        )


@check(
    "api.url-life",
    "the URL works until the provider has fetched the image",
    Severity.ERROR,
    remedy="Publish again with a longer --expires: 24h is safe.",
)
def url_life(subject: Subject) -> Iterator[Observation]:
    """The URL works until the provider has fetched the image.

    Why: the server reboots, checks its hardware and wipes its disks before it downloads. A URL that expired meanwhile
    ends the installation with "Could not download image", the old system gone.

    How: the life of the URL that will be made (`--expires`), or what is left of the one that is given (`X-Amz-Date` and
    `X-Amz-Expires`). Ended is an error, less than 2 hours a warning: most installations take a quarter of an hour, and
    nobody says how long they may wait for their turn. Skipped where nobody said yet where the image goes.

    Fix: `--expires 24h`, or a URL without an end.

    Source: AWS Signature Version 4, query parameters; OVHcloud guide Bring Your Own Image ("up to 10 minutes"), and
    the steps of an installation as users have seen them.
    """
    life = subject.planned.delivery.life.known()
    if life is None or life >= SAFE_LIFE:
        return
    has_ended = life <= timedelta(0)
    yield Observation(
        "the URL has expired" if has_ended else f"the URL works for {life} only; the provider may fetch it later",
        observed=f"ended {-life} ago" if has_ended else str(life),
        expected=f"{SAFE_LIFE} or more",
        evidence="the life of the URL",
        severity=None if has_ended else Severity.WARNING,
    )
