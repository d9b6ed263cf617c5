"""Every flag once: its name, its environment variable and its help, shared by the verbs that have it."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from byoi_tools.model.boot import BootMode, Product
from byoi_tools.model.deployment.order import InstallApi
from byoi_tools.model.digest import DigestAlgorithm
from byoi_tools.model.guest.reader import ReaderChoice
from byoi_tools.model.image import Compression, Engine, ImageType, PackedType, SentType
from byoi_tools.model.location import require_file
from byoi_tools.model.proof import Prove
from byoi_tools.model.publishing.published import Verification


class OutputFormat(Enum):
    """What a result is written as."""

    TEXT = "text"
    JSON = "json"


class FailOn(Enum):
    """The severity from which a finding makes the verdict bad."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


class UrlType(Enum):
    """What the file at a URL is; an OVA is for the API of the 2020 guides alone."""

    QCOW2 = "qcow2"
    RAW = "raw"
    OVA = "ova"

    @property
    def sent(self) -> SentType:
        """The value as the request has it."""
        return PackedType.OVA if self is UrlType.OVA else ImageType(self.value)


def _flag(
    name: str, help_text: str, variable: str = "", *, show_default: bool = True, metavar: str | None = None
) -> object:
    """An option whose environment variable is BYOI_ and its name, unless it needs another."""
    envvar = variable or "BYOI_" + name.lstrip("-").replace("-", "_").upper()
    return typer.Option(name, help=help_text, envvar=envvar, show_default=show_default, metavar=metavar)


LARGEST_SIZE = "1TiB"
_ANY_IMAGE = "file, https://HOST/PATH, s3://BUCKET/KEY or ovh://REGION/BUCKET/KEY."
Image = Annotated[Path, typer.Argument(help="The image file.", show_default=False, parser=require_file)]
OptionalImage = Annotated[
    Path | None, typer.Argument(help="The image file.", show_default=False, parser=require_file, metavar="IMAGE")
]
AnyImage = Annotated[str, typer.Argument(help=f"The image: {_ANY_IMAGE}", show_default=False)]
Images = Annotated[list[str], typer.Argument(help=f"The images, each a {_ANY_IMAGE}", show_default=False)]
Format = Annotated[OutputFormat, _flag("--format", "Write the result as text or as JSON.")]

Boot = Annotated[BootMode | None, _flag("--boot", "How the server boots. Needed unless the profile says it.")]
ServerBoot = Annotated[
    BootMode | None, _flag("--boot", "How the image is to boot; the server's own boot mode when not given.")
]
LoaderPath = Annotated[
    str | None,
    _flag(
        "--efi-bootloader-path",
        r"The loader in the EFI system partition, as \EFI\debian\grubx64.efi; found there when not given.",
    ),
]
Profile = Annotated[
    str | None, _flag("--profile", "A profile's name, or its file as ./mine.toml; ovh-byoi-BOOT when not given.")
]
Fail = Annotated[FailOn, _flag("--fail-on", "The severity from which a finding makes the verdict bad.")]
Waivers = Annotated[
    Path | None,
    _flag("--waivers", "A file of findings that are accepted; byoi.toml beside the image when not given."),
]
Jobs = Annotated[int, typer.Option("--jobs", help="How many images are checked at a time.", envvar="BYOI_JOBS", min=1)]
Reader = Annotated[
    ReaderChoice,
    _flag("--reader", "Who reads the guest's file systems: guestfs starts a virtual machine, auto only where it must."),
]
LuksKey = Annotated[
    Path | None, _flag("--luks-key", "A file with the passphrase of what is encrypted (LUKS); guestfs opens it.")
]
DeclaredType = Annotated[
    ImageType | None,
    _flag("--image-type", "The imageType that will be declared; the file's suffix says it when not given."),
]

ConvertTo = Annotated[ImageType, _flag("--to", "The format of the output.", "BYOI_CONVERT_TO")]
Compress = Annotated[Compression, _flag("--compress", "How the clusters of a qcow2 are compressed.")]
Conversion = Annotated[
    Engine, _flag("--engine", "Who converts: our own writer where it can (auto), or always qemu-img.")
]
NoVerify = Annotated[bool, _flag("--no-verify", "Do not read the converted image back and compare it with its source.")]
Algorithms = Annotated[
    list[DigestAlgorithm] | None,
    _flag("--algorithm", "A digest to compute; may be given several times. sha256 and sha512 when not given."),
]
MoreDigests = Annotated[
    list[DigestAlgorithm] | None,
    _flag("--digest", "A digest besides sha256 and sha512, in the same reading; may be given several times."),
]

_STORE = "s3://BUCKET/PREFIX, ovh://REGION/BUCKET/PREFIX"
Destination = Annotated[
    str,
    _flag("--to", f"Where the image goes: {_STORE}, or file:///DIRECTORY of your own web server.", show_default=False),
]
PlanDestination = Annotated[
    str | None,
    _flag("--to", f"Where the image goes: {_STORE}, or file:///DIRECTORY of your own web server."),
]
PlannedDestination = Annotated[str | None, _flag("--to", "Where the image will go: a destination as for publish.")]
PublicUrl = Annotated[
    str | None,
    _flag("--public-url", "With --to file:///DIRECTORY: the https:// URL under which your web server shows it."),
]
UrlVerification = Annotated[
    Verification,
    _flag(
        "--verify",
        "How the URL is tried: ranges compares its first, a middle and its last MiB with the file, full downloads all "
        "and compares the digest. (--no-verify is about conversions.)",
    ),
]
Expires = Annotated[str, _flag("--expires", "How long a presigned URL works: 90m, 24h, 7d (at most 7 days).")]

ServerName = Annotated[str, _flag("--server", "The server's name in the API.", show_default=False)]
ServerNames = Annotated[
    list[str] | None,
    _flag("--server", "The server's name in the API; may be given several times.", show_default=False),
]
ServersFile = Annotated[
    Path | None,
    _flag("--servers", "A TOML file of servers, each with its own host name, user data ...", "BYOI_DEPLOY_SERVERS"),
]
Canary = Annotated[
    int,
    typer.Option(
        "--canary", help="So many servers go first: the others only once they are done.", envvar="BYOI_CANARY", min=0
    ),
]
Parallel = Annotated[
    int,
    typer.Option("--parallel", help="How many servers are installed at a time.", envvar="BYOI_PARALLEL", min=1, max=50),
]
MaxFailures = Annotated[
    int,
    typer.Option(
        "--max-failures", help="No server is started after so many failed.", envvar="BYOI_MAX_FAILURES", min=1
    ),
]
PlanFile = Annotated[
    Path | None, _flag("--plan", "Do exactly what this file of `byoi-tools plan` says, if nothing has changed since.")
]
AnyServer = Annotated[str, typer.Argument(help="The server's name in the API.", show_default=False)]
ConfirmDisturbance = Annotated[
    str | None, _flag("--confirm", "The server's name once more: this disturbs it. Asked for when not given.")
]
RescueKey = Annotated[
    Path | None, _flag("--ssh-key", "A file with the public SSH key for the rescue system.", "BYOI_RESCUE_SSH_KEY")
]
RescueEnd = Annotated[bool, _flag("--end", "Leave the rescue system: boot from the disk again.", "BYOI_RESCUE_END")]
Url = Annotated[str | None, _flag("--url", "Where the provider fetches the image.")]
PlanUrl = Annotated[
    str | None, _flag("--url", "Where an image is served already: instead of IMAGE and --to, with --checksum.")
]
Checksum = Annotated[str | None, _flag("--checksum", "The digest of the file at the URL, as sha512:2cbd3d....")]
UrlImageType = Annotated[
    UrlType | None,
    _flag("--image-type", "The format of the file at the URL; ova only with --api bring-your-own-image."),
]
Api = Annotated[
    InstallApi,
    _flag("--api", "The provider's request: reinstall, or that of the 2020 guides, which some accounts still have."),
]
Description = Annotated[
    str | None, _flag("--description", "A name for the image; only with --api bring-your-own-image.")
]
Attach = Annotated[
    bool, _flag("--attach", "Start nothing: follow the installation that runs, or that an earlier run began.")
]
ServedType = Annotated[
    ImageType | None, _flag("--image-type", "The format to publish; the image's own where the provider takes it.")
]
Hostname = Annotated[str | None, _flag("--hostname", "The host name for the config drive.")]
SshKey = Annotated[Path | None, _flag("--ssh-key", "A file with the public SSH key for the config drive.")]
UserData = Annotated[Path | None, _flag("--user-data", "A file with user data (cloud-init) for the config drive.")]
CheckedUserData = Annotated[
    Path | None, _flag("--user-data", "A file with the user data (cloud-init) that will be sent, to be checked too.")
]
Metadata = Annotated[
    list[str] | None,
    _flag("--metadata", "For the config drive's metadata; may be given several times.", metavar="KEY=VALUE"),
]
HttpHeaders = Annotated[
    list[str] | None,
    _flag(
        "--http-header",
        "Sent when the provider fetches the URL; may be given several times.",
        metavar="KEY=VALUE",
    ),
]
DiskGroup = Annotated[int | None, _flag("--disk-group", "The disk group to write; the provider's default otherwise.")]
System = Annotated[
    Product | None,
    _flag(
        "--os",
        "The provider's product: byoi (an image of a disk; the default) or byolinux (a Linux root that it installs).",
    ),
]
PartitioningFile = Annotated[
    Path | None, _flag("--partitioning", "A TOML or JSON file with the disks' layout, for --os byolinux.")
]
Confirm = Annotated[
    str | None,
    _flag(
        "--confirm",
        "The server's name once more, or the number of several: the deployment ERASES them. Asked for when not given.",
    ),
]
WorkDirectory = Annotated[
    Path | None,
    _flag("--work-dir", "Where an unpacked or converted image lies meanwhile; beside image or output otherwise."),
]
LargestSize = Annotated[
    str, _flag("--max-size", "How large a compressed image, or one in an OVA, may be unpacked: 500GiB, 2TiB.")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume/--no-resume",
        help="Use the parts that an interrupted run has sent, or delete them and begin anew.",
        envvar="BYOI_RESUME",
    ),
]
Proving = Annotated[
    Prove | None,
    _flag(
        "--prove",
        "How it is shown that the new system answers: by a login over ssh, by the host key at its port, or not at all. "
        "ssh when there is a key for it, else port.",
    ),
]
SshServerAddress = Annotated[
    str | None,
    _flag(
        "--ssh-address",
        "Where the server will answer to SSH; the API's address and port 22 when not given.",
        metavar="HOST[:PORT]",
    ),
]
SshUser = Annotated[
    str | None, _flag("--ssh-user", "Who logs in for the proof; the users that images usually have when not given.")
]
PrivateKey = Annotated[
    Path | None,
    _flag("--ssh-private-key", "The private key for the proof's login; the file beside --ssh-key when not given."),
]
ProveTimeout = Annotated[str, _flag("--prove-timeout", "How long the new system may take to answer: 15m, 1h.")]
PROVE_TIMEOUT = "15m"
Rehearse = Annotated[
    bool,
    _flag("--rehearse", "Boot a copy in a machine like the server first; one that does not boot is not published."),
]
ReceiptFile = Annotated[
    Path | None, _flag("--receipt", "The record of what was done; under the user's state directory otherwise.")
]
Again = Annotated[
    bool,
    _flag("--again", "The outcome of an earlier request is unknown, and you have looked: send a new one."),
]
