"""What the request will say: its names, the loader's path, the host name, the SSH key, the metadata."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from byoi_tools.checks.check import check
from byoi_tools.checks.subject import Subject
from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.planned import PlannedDeployment
from byoi_tools.model.fact import Known, NotKnownError
from byoi_tools.model.finding import Observation, Severity
from byoi_tools.model.image import ImageType
from byoi_tools.model.quoting import quote

LARGEST_METADATA_BYTES = 64 * 1024  # far below what a config drive of about 1 MB has room for
_LABEL = re.compile(r"[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_HOSTNAME = 253
_PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,2}( .*)?", re.ASCII)
_FALLBACK_LOADER = r"\EFI\BOOT\BOOTX64.EFI"
_TEMPLATE = "inputs of the provider's template"
_LOADER_REMEDIES = {
    Product.BYOI: "Give --efi-bootloader-path; `byoi-tools inspect IMAGE` shows the loaders of an image.",
    Product.BYOLINUX: r"Give --efi-bootloader-path '\EFI\NAME\grubx64.efi', NAME being the --bootloader-id "
    "with which the image's script calls grub-install.",
}


@check(
    "api.payload-schema",
    "the request has what the provider asks for, and nothing that it does not know",
    Severity.ERROR,
    remedy="Give the option that is missing, or leave out the one that the provider does not know.",
)
def payload_schema(subject: Subject) -> Iterator[Observation]:
    """The request has what the provider asks for, and nothing that it does not know.

    Why: the provider refuses unknown customizations, mandatory ones without a value, and values outside its lists. On a
    UEFI server the loader's path is what its network boot starts.

    How: the names of the customizations that will be sent, and the type of the image, are compared with the `inputs` of
    the template `byoi_64` or `byolinux_64`, as the API describes them today; without those only the loader's path is
    asked for. With `--api bring-your-own-image` they are compared with the fields of that API, which wants a host name
    and an SSH key. Bring Your Own Linux takes qcow2 alone, and its loader is the one that the image's script installs.

    Fix: leave out the option, or give what is missing; `byoi-tools inspect IMAGE` shows the loaders of an image.

    Source: OVHcloud API, `GET /dedicated/installationTemplate/{templateName}` and
    `Client::BadRequest::CustomizationName`; OVHcloud guide Bring Your Own Image (`efiBootloaderPath`).
    """
    planned = subject.planned
    is_legacy = planned.needs.boot is BootMode.LEGACY or planned.server.boots_legacy_only
    lacks_loader = planned.order.loader_path is None and not is_legacy
    if lacks_loader and _is_yet_to_be_converted(subject):
        yield from _compare_inputs(planned)
        raise NotKnownError("the image's loaders are read once it is converted")
    if lacks_loader:
        yield Observation(
            "the path of the EFI loader is missing",
            observed="none is given",
            expected="efiBootloaderPath, since the provider's network boot starts that file and no other",
            evidence="efiBootloaderPath",
            remedy=_LOADER_REMEDIES[planned.order.product],
        )
    if planned.order.product is Product.BYOLINUX and planned.delivery.image_type == Known(ImageType.RAW):
        yield Observation(
            "Bring Your Own Linux does not take this type of image",
            observed=ImageType.RAW.value,
            expected=ImageType.QCOW2.value,
            evidence="OVHcloud guide Bring Your Own Linux",
            remedy="Run `byoi-tools convert IMAGE OUTPUT --to qcow2`, and deploy the output.",
        )
    yield from _compare_inputs(planned)


def _is_yet_to_be_converted(subject: Subject) -> bool:
    """Whether the image is of a format that nobody but a converter reads."""
    return isinstance(subject.examined, Known) and subject.container.format.image_type is None


def _compare_inputs(planned: PlannedDeployment) -> Iterator[Observation]:
    inputs = {each.name: each for each in planned.inputs.known()}
    for name in sorted(planned.sent_names - set(inputs)):
        yield Observation(
            "the provider does not know a customization of the request",
            observed=name,
            expected=f"one of {', '.join(sorted(quote(known) for known in inputs))}",
            evidence=_TEMPLATE,
        )
    for each in inputs.values():
        if each.is_mandatory and not each.has_default and each.name not in planned.sent_names:
            yield Observation(
                "the provider asks for a customization that the request does not have",
                observed=f"no {quote(each.name)}",
                expected=f"a value for {quote(each.name)}",
                evidence=_TEMPLATE,
            )
    image_type, taken = planned.delivery.image_type, inputs.get("imageType") or inputs.get("type")
    if taken and taken.choices and isinstance(image_type, Known) and image_type.value.value not in taken.choices:
        yield Observation(
            "the provider does not take this type of image",
            observed=image_type.value.value,
            expected=", ".join(quote(choice) for choice in taken.choices),
            evidence=_TEMPLATE,
        )


@check(
    "api.loader-path-escape",
    "the path of the EFI loader is one that firmware finds",
    Severity.ERROR,
    remedy=rf"Give --efi-bootloader-path '{_FALLBACK_LOADER}', in single quotes, with the image's own loader.",
)
def loader_path_escape(subject: Subject) -> Iterator[Observation]:
    r"""The path of the EFI loader is one that firmware finds.

    Why: a path with doubled backslashes, as JSON writes them, is copied from guides into a shell. The provider keeps it
    as it is, its network boot does not find the file, and falls back to a menu that nobody sees.

    How: an absolute path with single backslashes, of printable ASCII, that ends in `.efi`. Whether the file is in the
    image is told by `esp.loader-declared`.

    Fix: `--efi-bootloader-path '\EFI\debian\grubx64.efi'`, in single quotes.

    Source: ovh/bringyourownlinux issue 10; UEFI specification, "File Path Media Device Path".
    """
    path = subject.planned.order.loader_path
    if path is None:
        return
    names = path.split("\\")
    is_plain = path.isascii() and path.isprintable() and not set(path) & set('/<>:"|?*')
    if names[0] == "" and len(names) > 1 and all(names[1:]) and is_plain and path.lower().endswith(".efi"):
        return
    yield Observation(
        "the path of the EFI loader is not one that firmware finds",
        observed=quote(path),
        expected=rf"an absolute path with single backslashes, as {_FALLBACK_LOADER}",
        evidence="efiBootloaderPath",
    )


@check(
    "api.hostname", "the host name is one that the provider takes", Severity.ERROR, remedy="Give another --hostname."
)
def hostname(subject: Subject) -> Iterator[Observation]:
    """The host name is one that the provider takes.

    Why: the provider refuses the request.

    How: labels of at most 63 letters, digits and hyphens between dots, a letter first and no hyphen last, together at
    most 253 characters (which make 255 octets).

    Fix: use another host name; an underscore becomes a hyphen.

    Source: RFC 1035, sections 2.3.1 and 2.3.4; OVHcloud API, `Client::BadRequest::HostnameInvalidFormat`.
    """
    name = subject.planned.order.customizations.hostname
    if name is None:
        return
    if len(name) > _LONGEST_HOSTNAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        yield Observation(
            "the host name breaks RFC 1035",
            observed=quote(name[: _LONGEST_HOSTNAME + 1]),
            expected="labels of at most 63 letters, digits and hyphens, a letter first, no hyphen last",
            evidence="hostname",
        )


@check(
    "api.ssh-key",
    "the SSH key is one public key",
    Severity.ERROR,
    remedy="Give the file that ends in .pub.",
)
def ssh_key(subject: Subject) -> Iterator[Observation]:
    """The SSH key is one public key.

    Why: several keys are refused or cut off, and a private one would be given away.

    How: one line of OpenSSH's format: a type, base64, and perhaps a comment.

    Fix: give the file that ends in `.pub`; put further keys into the user data.

    Source: sshd(8), "AUTHORIZED_KEYS FILE FORMAT"; OVHcloud API, `sshKey`.
    """
    key = subject.planned.order.customizations.ssh_key
    if key is None or _PUBLIC_KEY.fullmatch(key.strip()):
        return
    is_private = "PRIVATE KEY" in key
    yield Observation(
        "the SSH key is not one public key",
        observed="a private key"
        if is_private
        else f"{len(key.splitlines())} lines that are not one OpenSSH public key",
        expected="one line such as `ssh-ed25519 AAAA... name`",
        evidence="sshKey",
    )


@check(
    "api.metadata",
    "the metadata arrives as it is given",
    Severity.ERROR,
    remedy="Give each --metadata key once, in printable characters; put long texts into the user data.",
)
def metadata(subject: Subject) -> Iterator[Observation]:
    """The metadata arrives as it is given.

    Why: it becomes one JSON object of texts on the config drive. Of a key that is given twice only one value is left,
    and a drive of about 1 MB has no room for large ones.

    How: every key is there once, is not empty and printable; values have no control characters but line ends and tabs;
    all together have at most 64 KiB.

    Fix: give each key once; put what is long into the user data.

    Source: OVHcloud guide Bring Your Own Image (`configDriveMetadata`); OpenStack, "Metadata service", the key `meta`.
    """
    pairs = subject.planned.order.customizations.metadata
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            yield _metadata("a key of the metadata is given twice", quote(key), "every key once")
        if not key or not key.isprintable():
            yield _metadata("a key of the metadata cannot be read", quote(key), "printable characters")
    for key, value in pairs:
        if not all(c.isprintable() or c in "\n\t" for c in value):
            yield _metadata("a value of the metadata has control characters", quote(key), "text")
    size = sum(len(key.encode("utf-8", "replace")) + len(value.encode("utf-8", "replace")) for key, value in pairs)
    if size > LARGEST_METADATA_BYTES:
        yield _metadata("the metadata is too large", f"{size} bytes", f"at most {LARGEST_METADATA_BYTES} bytes")


def _metadata(message: str, observed: str, expected: str) -> Observation:
    return Observation(message, observed=observed, expected=expected, evidence="configDriveMetadata")
