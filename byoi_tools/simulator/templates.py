"""The operating systems on offer, as `/dedicated/installationTemplate/{templateName}` describes them.

Names and mandatory flags are those of OVH's guide for Bring Your Own Image of 2026-05-28; a real dump of
`inputs` is not published, so their `type` names are this simulator's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemplateInput:
    """One customization that an operating system takes."""

    name: str
    kind: str
    mandatory: bool = False
    choices: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return an element of `inputs`."""
        return {
            "name": self.name,
            "description": self.name,
            "type": self.kind,
            "mandatory": self.mandatory,
            "default": "",
            "enum": list(self.choices),
        }


@dataclass(frozen=True, slots=True)
class Template:
    """One operating system; `filesystems` are those that custom partitioning may use."""

    name: str
    description: str
    inputs: tuple[TemplateInput, ...]
    filesystems: tuple[str, ...] = ()

    def find_input(self, name: str) -> TemplateInput | None:
        """Return the customization of that exact name."""
        return next((known for known in self.inputs if known.name == name), None)

    def as_json(self) -> dict[str, object]:
        """Return the template as the API shows it."""
        return {
            "templateName": self.name,
            "description": self.description,
            "bitFormat": 64,
            "filesystems": list(self.filesystems),
            "lvmReady": bool(self.filesystems),
            "noPartitioning": not self.filesystems,
            "inputs": [known.as_json() for known in self.inputs],
        }


_OPTIONAL = (
    TemplateInput("imageCheckSum", "text"),
    TemplateInput("imageCheckSumType", "enum", choices=("md5", "sha1", "sha256", "sha512")),
    TemplateInput("httpHeaders", "keyValue"),
    TemplateInput("configDriveUserData", "text"),
    TemplateInput("configDriveMetadata", "keyValue"),
    TemplateInput("hostname", "hostname"),
    TemplateInput("sshKey", "sshPubKey"),
)

BYOI = Template(
    "byoi_64",
    "Bring Your Own Image",
    (
        TemplateInput("imageURL", "url", mandatory=True),
        TemplateInput("imageType", "enum", mandatory=True, choices=("qcow2", "raw")),
        TemplateInput("efiBootloaderPath", "text", mandatory=True),
        *_OPTIONAL,
    ),
)
BYOLINUX = Template(
    "byolinux_64",
    "Bring Your Own Linux",
    (TemplateInput("imageURL", "url", mandatory=True), TemplateInput("efiBootloaderPath", "text"), *_OPTIONAL),
    filesystems=("btrfs", "ext4", "swap", "xfs", "zfs"),
)
TEMPLATES = {template.name: template for template in (BYOI, BYOLINUX)}
