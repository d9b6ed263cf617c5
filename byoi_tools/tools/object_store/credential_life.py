"""How long the credentials of an object store live: a URL that they sign ends with them, if not before."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from byoi_tools.model.dataclass import dataclass

if TYPE_CHECKING:
    from botocore.credentials import Credentials


@dataclass(frozen=True, slots=True)
class CredentialLife:
    """`ends_at` None: when they are temporary nobody knows when they end, else they last until somebody ends them."""

    is_temporary: bool
    ends_at: datetime | None = None


def life_of(credentials: Credentials | None) -> CredentialLife:
    """Return what boto3 knows: from AWS_CREDENTIAL_EXPIRATION, a credential_process, or a service that it asked."""
    # botocore tells this in no public way; only credentials that it can refresh have the attribute.
    ends_at = getattr(credentials, "_expiry_time", None)
    if isinstance(ends_at, datetime):
        return CredentialLife(is_temporary=True, ends_at=ends_at)
    return CredentialLife(is_temporary=credentials is not None and bool(credentials.token))
