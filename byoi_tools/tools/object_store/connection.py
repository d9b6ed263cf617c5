"""A connection to an object store with the S3 API: the only maker of boto3's clients, and translator of its errors."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from byoi_tools.model.dataclass import dataclass
from byoi_tools.tools.object_store.credential_life import CredentialLife, life_of
from byoi_tools.tools.object_store.failures import storage_error

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_s3 import S3Client

_CONNECT_SECONDS = 10
_CONNECTIONS = 20  # more than there are ever parts in flight


@dataclass(frozen=True, slots=True)
class Patience:
    """How often boto3 tries a request, and how long it waits for each answer.

    `is_checked`: bodies have a signed checksum, so that over https they need not be hashed for the signature besides.
    """

    attempts: int
    read_seconds: int
    is_checked: bool = False


QUICK = Patience(attempts=2, read_seconds=10)
STEADY = Patience(attempts=4, read_seconds=60)
ONCE = Patience(attempts=1, read_seconds=60)  # for those who retry by themselves
PARTS = Patience(attempts=1, read_seconds=60, is_checked=True)


class StoreConnection:
    """The object store that boto3's own configuration names, or another endpoint with the same credentials.

    That is AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_DEFAULT_REGION,
    AWS_PROFILE, AWS_CA_BUNDLE and the files in ~/.aws. Nothing is read or sent before the first client is asked for.
    """

    def __init__(self, endpoint_url: str | None = None, region: str | None = None) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._lock = threading.Lock()
        self._session: boto3.Session | None = None
        self._clients: dict[Patience, S3Client] = {}
        self._own_secrets: tuple[str, ...] = ()

    def client(self, patience: Patience) -> S3Client:
        """Return boto3's client, one for each patience; it may be used by several threads."""
        import boto3
        from botocore.config import Config

        with self._lock:
            if self._session is None:
                session = boto3.Session()
                self._own_secrets = _secrets_of(session)
                self._session = session
            if patience not in self._clients:
                self._clients[patience] = self._session.client(
                    "s3",
                    endpoint_url=self._endpoint_url,
                    region_name=self._region,
                    config=Config(
                        signature_version="s3v4",
                        # Regions of OVHcloud refused the checksums that boto3 adds by default since 1.36 (boto3#4401).
                        request_checksum_calculation="when_required",
                        response_checksum_validation="when_required",
                        connect_timeout=_CONNECT_SECONDS,
                        read_timeout=patience.read_seconds,
                        retries={"mode": "standard", "total_max_attempts": patience.attempts},
                        max_pool_connections=_CONNECTIONS,
                        s3={"payload_signing_enabled": False} if patience.is_checked and self._is_encrypted else None,
                    ),
                )
            return self._clients[patience]

    @property
    def _is_encrypted(self) -> bool:
        """Whether it is certain that requests go over https: clients that were made tell."""
        return any(client.meta.endpoint_url.startswith("https://") for client in self._clients.values())

    def credential_life(self) -> CredentialLife:
        """Tell how long the credentials live that the last request or URL was signed with."""
        return life_of(self._session.get_credentials() if self._session else None)

    @staticmethod
    def versions() -> dict[str, str]:
        """Return the library that sends, and its version."""
        import boto3

        return {"boto3": boto3.__version__}

    @contextmanager
    def translated(self, what_failed: str) -> Iterator[None]:
        """Turn whatever boto3 raises into a `StoreFailure` that begins with `what_failed` and has no secrets."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except ClientError as error:
            answer = error.response.get("Error", {})
            code, said = str(answer.get("Code", "")), str(answer.get("Message", ""))
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            failure = storage_error(what_failed, code, f"{code}: {said}", self._own_secrets, status)
        except KeyError as missing:
            said = f"the answer has no {missing}"
            failure = storage_error(what_failed, "ResponseParserError", said, self._own_secrets)
        except (BotoCoreError, ValueError, OSError) as error:
            failure = storage_error(what_failed, type(error).__name__, str(error), self._own_secrets)
        except RuntimeError as error:
            if type(error) is not RuntimeError:
                raise
            # What botocore raises for AWS_CREDENTIAL_EXPIRATION, or the answer of a credential_process, in the past.
            failure = storage_error(what_failed, "ExpiredToken", str(error), self._own_secrets)
        else:
            return
        raise failure from None  # the text of the cause may hold a signed header


def _secrets_of(session: boto3.Session) -> tuple[str, ...]:
    credentials = session.get_credentials()
    parts = (credentials.access_key, credentials.secret_key, credentials.token) if credentials else ()
    if any(part and not re.fullmatch("[!-~]+", part) for part in parts):
        raise ValueError("a key or token contains a blank, a control character or a letter that is not ASCII")
    return tuple(part for part in parts if part)
