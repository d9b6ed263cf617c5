"""What the answers of object stores mean, and what a user does about them: a table, looked up by error code.

Codes are those of the S3 API's "Error Responses" list; for what never reached a server they are the names of
botocore's exceptions. Answers to HEAD have no body, so that their codes are bare status numbers.
"""

from __future__ import annotations

from byoi_tools.errors import StorageError
from byoi_tools.model.dataclass import dataclass
from byoi_tools.model.secret import redact

_MAXIMUM_DETAILS = 300

# What is worth sending again. Codes: "Error Responses" of the S3 API and the answers of "UploadPart"; a body that was
# damaged on its way is refused as BadDigest, IncompleteBody or XAmzContentSHA256Mismatch.
_PASSING_CODES = {
    "BadDigest",
    "ConditionalRequestConflict",
    "ConnectTimeoutError",
    "ConnectionClosedError",
    "EndpointConnectionError",
    "HTTPClientError",
    "IncompleteBody",
    "InternalError",
    "OperationAborted",
    "ProxyConnectionError",
    "ReadTimeoutError",
    "RequestTimeout",
    "RequestTimeoutException",
    "ResponseParserError",
    "ResponseStreamingError",
    "SSLError",  # a connection that breaks in the middle of TLS looks like this too
    "ServiceUnavailable",
    "SlowDown",
    "XAmzContentSHA256Mismatch",
}
_PASSING_STATUSES = {408, 429, 500, 502, 503, 504}


class StoreFailure(StorageError):
    """The store refused or did not answer.

    `code` is as in the table below (`NoSuchUpload`, `ReadTimeoutError`), `status` that of HTTP, 0 without an answer.
    """

    def __init__(self, message: str, *, remedy: str, details: str | None = None, code: str = "", status: int = 0):
        super().__init__(message, remedy=remedy, details=details)
        self.code = code
        self.status = status

    @property
    def may_pass(self) -> bool:
        """Whether the same request may work in a moment."""
        return self.code in _PASSING_CODES or self.status in _PASSING_STATUSES


@dataclass(frozen=True, slots=True)
class _Meaning:
    cause: str
    remedy: str


_KEYS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) to the keys of an Object Storage user; "
_NO_KEYS = _Meaning("no credentials are configured", _KEYS + "keys of the OVH API are something else.")
_WRONG_KEY = _Meaning("the access key is unknown", _KEYS + "keys of the OVH API are something else.")
_WRONG_SECRET = _Meaning("the secret key does not fit the access key", _KEYS + "copy both again, without blanks.")
_EXPIRED = _Meaning("the temporary credentials have expired or are not valid", "Get new ones, and try again.")
_FORBIDDEN = _Meaning(
    "the credentials do not allow it", "Give the Object Storage user the right to list, read, write and delete there."
)
_NO_BUCKET = _Meaning(
    "there is no such bucket at this endpoint",
    "Create it, or name an existing one; a bucket of another region is only seen at that region's endpoint.",
)
_CLOCK = _Meaning("the clock of this machine is wrong", "Set it, for instance with `timedatectl set-ntp true`.")
_REGION = _Meaning(
    "the region is not the one of the bucket",
    "Write ovh://REGION/BUCKET/PREFIX with the bucket's region; elsewhere than at OVHcloud, set AWS_DEFAULT_REGION and "
    "AWS_ENDPOINT_URL_S3 to it.",
)
_UNREACHABLE = _Meaning(
    "the endpoint does not answer",
    "Check AWS_ENDPOINT_URL_S3, or the region in ovh://REGION/BUCKET/PREFIX, the network and the proxy settings.",
)
_TLS = _Meaning(
    "no trusted TLS connection was possible",
    "Check http or https in AWS_ENDPOINT_URL_S3; a private authority's certificate goes into AWS_CA_BUNDLE.",
)
_CONFIGURATION = _Meaning(
    "the configuration of boto3 is wrong",
    "Check AWS_ENDPOINT_URL_S3 (with http:// or https://), AWS_PROFILE, the keys in AWS_ACCESS_KEY_ID and "
    "AWS_SECRET_ACCESS_KEY, and the files ~/.aws/config and ~/.aws/credentials.",
)
_FULL = _Meaning("the store takes no more data", "Delete objects that are no longer needed, or raise the quota.")
_BUSY = _Meaning(
    "the store has a problem or is overloaded",
    "Try again in a few minutes, and check that AWS_ENDPOINT_URL_S3 is an object store's.",
)
_NO_UPLOAD = _Meaning(
    "the upload was ended by somebody else, or by a rule of the bucket",
    "Publish again; a lifecycle rule that removes incomplete uploads should wait for a day at least.",
)
_DAMAGED = _Meaning(
    "what arrives is not what was sent",
    "Publish again; if it stays so, test the memory of this machine and its network.",
)
_OTHER = _Meaning("something unexpected happened", "Read what was seen; if it does not say what to change, try again.")

_MEANINGS = {
    "NoCredentialsError": _NO_KEYS,
    "PartialCredentialsError": _NO_KEYS,
    "CredentialRetrievalError": _NO_KEYS,
    "InvalidAccessKeyId": _WRONG_KEY,
    "SignatureDoesNotMatch": _WRONG_SECRET,
    "ExpiredToken": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "AccessDenied": _FORBIDDEN,
    "403": _FORBIDDEN,
    "NoSuchBucket": _NO_BUCKET,
    "404": _NO_BUCKET,
    "NoSuchUpload": _NO_UPLOAD,
    "BadDigest": _DAMAGED,
    "XAmzContentSHA256Mismatch": _DAMAGED,
    "RequestTimeTooSkewed": _CLOCK,
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "301": _REGION,
    "EndpointConnectionError": _UNREACHABLE,
    "ConnectTimeoutError": _UNREACHABLE,
    "ReadTimeoutError": _UNREACHABLE,
    "ConnectionClosedError": _UNREACHABLE,
    "ProxyConnectionError": _UNREACHABLE,
    "ResponseParserError": _UNREACHABLE,
    "SSLError": _TLS,
    "ProfileNotFound": _CONFIGURATION,
    "ConfigParseError": _CONFIGURATION,
    "InvalidConfigError": _CONFIGURATION,
    "InvalidRegionError": _CONFIGURATION,
    "ValueError": _CONFIGURATION,
    "QuotaExceeded": _FULL,
    "InsufficientStorage": _FULL,
    "507": _FULL,
    "InternalError": _BUSY,
    "ServiceUnavailable": _BUSY,
    "SlowDown": _BUSY,
    "500": _BUSY,
    "503": _BUSY,
    "RequestTimeout": _BUSY,
    "HTTPClientError": _UNREACHABLE,
}


def storage_error(
    what_failed: str, code: str, said: str, own_secrets: tuple[str, ...], status: int = 0
) -> StoreFailure:
    """Return the error for a code; `said` becomes its details, without secrets, on one line and printable.

    `own_secrets` are the credentials in use: OVH's access keys are plain hexadecimal digits, which no pattern finds.
    """
    meaning = _MEANINGS.get(code, _OTHER)
    for secret in own_secrets:
        said = said.replace(secret, "[redacted]")
    line = " ".join(redact(said).split())
    printable = "".join(character if character.isprintable() else "?" for character in line)
    details = printable if len(printable) <= _MAXIMUM_DETAILS else printable[: _MAXIMUM_DETAILS - 1] + "…"
    message = f"{what_failed}: {meaning.cause}"
    return StoreFailure(message, details=details, remedy=meaning.remedy, code=code, status=status)
