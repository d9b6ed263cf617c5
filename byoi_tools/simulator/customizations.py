"""Whether the `customizations` of a reinstallation are known to the operating system and well formed.

Source of classes and messages: OVH's OpenAPI of `POST /dedicated/server/{serviceName}/reinstall`. The limit
of one MiB for a value is this simulator's: OVH has one, but does not publish it.
"""

from __future__ import annotations

import base64
import re
from urllib.parse import urlsplit

from byoi_tools.simulator.refusals import ApiError, refuse
from byoi_tools.simulator.templates import Template, TemplateInput

VALUE_LIMIT_CHARACTERS = 2**20
HOSTNAME_LIMIT_CHARACTERS = 255

_LABEL = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_SSH_KEY = re.compile(
    r"(?P<kind>ssh-rsa|ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|sk-[a-z0-9@.-]+) "
    r"(?P<blob>[A-Za-z0-9+/]+={0,2})(?: [^\r\n]*)?"
)


def check_customizations(template: Template, values: dict[str, object]) -> None:
    """Raise `ApiError` for the first customization that is unknown, malformed or missing."""
    for name, value in values.items():
        known = template.find_input(name)
        if known is None:
            raise refuse(
                400,
                "Client::BadRequest::CustomizationName",
                f"Customization {name} doesn't exist for operating system {template.name}",
            )
        _check_value(known, value)
    for known in template.inputs:
        if known.mandatory and values.get(known.name, "") == "":
            raise _malformed(known, "a value is mandatory")


def _check_value(known: TemplateInput, value: object) -> None:
    if known.kind == "keyValue":
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise _malformed(known, "an object with string values was expected")
        return
    if not isinstance(value, str):
        raise _malformed(known, "a string was expected")
    if len(value) > VALUE_LIMIT_CHARACTERS:
        raise refuse(
            400,
            "Client::BadRequest::CustomizationSizeExceeded",
            f"Customization is {len(value)} big, which is exceeding limit of {VALUE_LIMIT_CHARACTERS}",
        )
    if known.kind == "hostname":
        check_hostname(value)
    elif problem := _find_problem(known, value):
        raise _malformed(known, problem)


def _find_problem(known: TemplateInput, value: str) -> str | None:
    if known.kind == "enum" and value not in known.choices:
        return f"must be one of {', '.join(known.choices)}"
    if known.kind == "url" and not is_web_url(value):
        return "must be an http or https URL"
    if known.kind == "sshPubKey" and not is_ssh_key(value):
        return "must be one public key in OpenSSH format"
    return None


def is_web_url(value: str) -> bool:
    """Tell whether the provider could fetch it: http or https, and a host."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def is_ssh_key(value: str) -> bool:
    """Tell whether the key's blob begins with the name of its own kind (RFC 4253, section 6.6)."""
    match = _SSH_KEY.fullmatch(value.strip())
    if match is None:
        return False
    try:
        blob = base64.b64decode(match["blob"], validate=True)
    except ValueError:
        return False
    kind = match["kind"].encode()
    return blob.startswith(len(kind).to_bytes(4, "big") + kind)


def check_hostname(value: str) -> None:
    """Raise `ApiError` for a host name that breaks RFC 1035."""
    if len(value) > HOSTNAME_LIMIT_CHARACTERS:
        raise refuse(
            400,
            "Client::BadRequest::HostnameSizeExceeded",
            f"Hostname provided is {len(value)} length. It shall not be longer than "
            f"{HOSTNAME_LIMIT_CHARACTERS} characters, see RFC 1035, section 2.3.4",
        )
    for label in value.split("."):
        if not _LABEL.fullmatch(label):
            raise refuse(
                400,
                "Client::BadRequest::HostnameInvalidFormat",
                f"Invalid hostname {label}; must contain no more than 63 characters, start with a letter, "
                "end with a letter or a digit and contain only letters, digits and hyphens, "
                "see RFC 1035, section 2.3.1",
            )


def _malformed(known: TemplateInput, problem: str) -> ApiError:
    return refuse(
        400,
        "Client::BadRequest::CustomizationInvalidFormat",
        f"Invalid customization format for {known.name} of type {known.kind}: {problem}",
    )
