"""The user data that is to be sent with the image: whether the first boot will understand it."""

from __future__ import annotations

from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.network_intentions import cloud_setup
from byoi_tools.checks.subject import Subject
from byoi_tools.errors import ImageMalformed
from byoi_tools.formats.guest_files.user_data import (
    UserDataKind,
    UserDataPart,
    has_escaped_line_ends,
    is_encoded,
    read_user_data,
)
from byoi_tools.formats.guest_files.yaml_document import YamlDocument, read_yaml
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.quoting import quote

_NOT_FOR_CLOUD_INIT = (UserDataKind.IGNITION, UserDataKind.TALOS, UserDataKind.WINDOWS_SCRIPT)
_YAML = (UserDataKind.CLOUD_CONFIG, UserDataKind.CLOUD_CONFIG_ARCHIVE, UserDataKind.TALOS)


@check(
    "cloud.userdata-yaml",
    "the user data is something that the first boot understands",
    Severity.ERROR,
    remedy="Correct the file; `cloud-init schema -c FILE` shows what is wrong.",
)
def userdata_yaml(subject: Subject) -> Iterator[Observation]:
    """The user data starts with a header that is known, and what is YAML can be parsed.

    Why: the user data is applied on the first boot, where nobody sees its mistakes: a tab, a wrong indent or a missing
    `#cloud-config` makes cloud-init ignore all of it, so no user, no key and no service comes up.

    How: gzip and MIME are opened; each part has a header of cloud-init (`#cloud-config`, `#!`, `#include` ...), or is
    an Ignition, Talos or Windows configuration where the image does not use cloud-init. Cloud-configs are parsed:
    a mapping, no tabs. A key that is there twice is a warning: the last one counts. Skipped without user data, and for
    an unknown header where the image was not looked at, as by `deploy`.

    Fix: `cloud-init schema -c FILE` on any machine that has cloud-init; put `#cloud-config` into the first line.

    Source: cloud-init, "User data formats"; xd-ventures/tf-xd-venture-talos01, incident 2026-02 (an outage of 12 days).
    """
    data = _user_data(subject)
    if is_encoded(data) or has_escaped_line_ends(data):
        raise NotKnownError("the user data is encoded already: cloud.userdata-base64 tells that")
    found = read_user_data(data)
    if found.problem:
        yield _observation("the user data cannot be read", found.problem, "text in UTF-8, gzip or MIME", "user data")
    for part in found.parts:
        yield from _judge(subject, part)


def _judge(subject: Subject, part: UserDataPart) -> Iterator[Observation]:
    first_line = part.text.lstrip().partition("\n")[0]
    if part.kind is UserDataKind.UNKNOWN:
        subject.examined.known()  # what is no cloud-init's may be for what else is in an image that nobody looked at
    if part.kind is UserDataKind.UNKNOWN or (part.kind in _NOT_FOR_CLOUD_INIT and _uses_cloud_init(subject)):
        yield _observation(
            "the user data has no header that cloud-init knows, and would be ignored",
            f"a first line {quote(first_line)}",
            "#cloud-config, #!, #include or another header of cloud-init",
            part.place,
        )
    elif part.kind is UserDataKind.SCRIPT and first_line.endswith("\r"):
        yield _observation(
            "the script has line ends of Windows, and its interpreter would not be found",
            f"a first line {quote(first_line)}",
            "lines that end in a line feed alone",
            f"{part.place}, line 1",
        )
    elif part.kind in _YAML:
        yield from _judge_yaml(part)


def _judge_yaml(part: UserDataPart) -> Iterator[Observation]:
    try:
        document = read_yaml(part.text)
    except ImageMalformed as malformed:
        yield _observation(
            "the user data is no YAML, and would be ignored", quote(malformed.details or ""), "valid YAML", part.place
        )
        return
    yield from _judge_document(part, document)


def _judge_document(part: UserDataPart, document: YamlDocument) -> Iterator[Observation]:
    is_archive = part.kind is UserDataKind.CLOUD_CONFIG_ARCHIVE
    if not isinstance(document.value, list if is_archive else dict):
        yield _observation(
            "the cloud-config says nothing",
            "no value" if document.value is None else f"a {type(document.value).__name__}",
            "a list of parts" if is_archive else "a mapping of settings",
            part.place,
        )
    for key in document.repeated_keys[:5]:
        yield Observation(
            "a key is there twice in one mapping, and only the last one counts",
            observed=quote(key),
            expected="every key once",
            evidence=part.place,
            severity=Severity.WARNING,
        )


@check(
    "cloud.userdata-base64",
    "the user data is given as it is to be read, not encoded",
    Severity.ERROR,
    remedy="Give the file as it was before it was encoded: this program encodes it once, on one line.",
)
def userdata_base64(subject: Subject) -> Iterator[Observation]:
    r"""The user data is neither base64 already nor a text with `\n` where its lines should end.

    Why: the provider decodes base64 once and writes the result to the config drive; text that is not encoded has its
    escapes replaced. This program encodes what it is given. A file that was encoded before arrives as base64, and one
    whose line ends were escaped arrives as a single comment: both are ignored in silence.

    How: base64 that decodes to something with a known header; a header with `\n` behind it and no real line end.
    Skipped without user data.

    Fix: `base64 -d FILE > PLAIN`, or write the file with real line ends.

    Source: OVHcloud guide Bring Your Own Image ("recommended to send a base64-encoded script");
    xd-ventures/tf-xd-venture-talos01, incident 2026-02 (an outage of 12 days).
    """
    data = _user_data(subject)
    if is_encoded(data):
        yield _observation(
            "the user data is base64 already, and would be encoded twice",
            f"{len(data)} bytes of base64",
            "the text that it decodes to",
            "user data",
        )
    elif has_escaped_line_ends(data):
        yield _observation(
            "the line ends of the user data are escaped, and it would be one comment",
            r"a backslash and an n behind the header, and no line end",
            "lines that end in a line feed",
            "user data, line 1",
        )


def _user_data(subject: Subject) -> bytes:
    data = subject.intent.user_data
    if data is None:
        raise NotKnownError("no user data is given")
    return data


def _uses_cloud_init(subject: Subject) -> bool:
    setup = cloud_setup(subject)
    return setup is not None and setup.cloud_init is not None


def _observation(message: str, observed: str, expected: str, evidence: str) -> Observation:
    return Observation(message, observed=observed, expected=expected, evidence=evidence)
