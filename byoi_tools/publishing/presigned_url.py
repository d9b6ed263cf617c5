"""Makes the URL that fetches an object, and says how long it works: as long as it was asked, or as its credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from byoi_tools.model.observer import Observer
from byoi_tools.model.publishing.published import ObjectAddress
from byoi_tools.model.secret import Secret
from byoi_tools.publishing.destination import SAFE_EXPIRY
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.object_store.credential_life import CredentialLife
from byoi_tools.tools.object_store.objects import ObjectStorage


@dataclass(frozen=True, slots=True)
class PresignedUrl:
    """A URL that anybody can GET the object with until `expires_at` (UTC)."""

    url: Secret
    expires_at: datetime


def presign(
    storage: ObjectStorage, address: ObjectAddress, expires: timedelta, clock: Clock, observer: Observer
) -> PresignedUrl:
    """Presign a GET for `expires` from now on; the observer is warned when the credentials may end before that.

    What temporary credentials have signed is refused once they have ended (AWS, "Download and upload objects with
    presigned URLs"). Raises `StorageError`.
    """
    now = clock.now()
    url = storage.presign_get(address, expires)
    return PresignedUrl(url, _end_of(now, expires, storage.connection.credential_life(), observer))


def _end_of(now: datetime, expires: timedelta, life: CredentialLife, observer: Observer) -> datetime:
    asked = now + expires
    if life.ends_at is None:
        if life.is_temporary:
            observer.warned(
                f"the credentials are temporary (a session token) and do not say when they end; the URL ends with "
                f"them, perhaps before the {expires} asked for: set AWS_CREDENTIAL_EXPIRATION if you know it"
            )
        return asked
    if life.ends_at >= asked:
        return asked
    remaining = timedelta(seconds=int((life.ends_at - now).total_seconds()))
    is_short = "; the provider may fetch it later: use credentials that last" if remaining < SAFE_EXPIRY else ""
    observer.warned(
        f"the URL works for {remaining} only, not for the {expires} asked for: the temporary credentials "
        f"that signed it end then{is_short}"
    )
    return life.ends_at.astimezone(UTC)
