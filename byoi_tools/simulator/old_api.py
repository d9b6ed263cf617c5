"""The API of the 2020 guides: what `POST .../bringYourOwnImage` takes, and what GET tells of the deployment.

Sources: OVH's guide of July 2020 and its API description of that year for fields, types and which are required; what
the real one answered to a request that it refused is not known, so the classes are today's and the words our own. The
user data goes to the config drive as it came: nothing says that the real API changed it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping

from byoi_tools.rehearsal.config_drive import ConfigDriveContent
from byoi_tools.simulator.customizations import check_hostname, is_ssh_key, is_web_url
from byoi_tools.simulator.installation import Installation
from byoi_tools.simulator.refusals import ApiError, refuse
from byoi_tools.simulator.reinstall_rules import ReinstallOrder, find_installable_group
from byoi_tools.simulator.servers import SimulatedServer
from byoi_tools.simulator.tasks import TaskStatus

_REQUIRED = ("URL", "checkSum", "checkSumType", "hostname", "sshKey", "type")
_TEXTS = (*_REQUIRED, "description", "userData")
_PAIRS = ("httpHeader", "userMetadatas")
_CHOICES = {"checkSumType": ("md5", "sha1", "sha256", "sha512"), "type": ("qcow2", "raw", "ova")}
# Nobody tells this API a loader; firmware then starts this one (UEFI specification, section 3.5.1.1).
_LOADER = r"\EFI\BOOT\BOOTX64.EFI"


def judge_deployment(server: SimulatedServer, body: object) -> ReinstallOrder:
    """Turn the body of a request into an order; raises `ApiError`."""
    if not isinstance(body, dict):
        raise _invalid("body", "an object was expected")
    given = {str(name): value for name, value in body.items() if value is not None}
    for name in given.keys() - {*_TEXTS, *_PAIRS, "diskGroupId"}:
        raise refuse(400, "Client::BadRequest", f"Unknown parameter {name}")
    for name in _REQUIRED:
        if given.get(name, "") == "":
            raise refuse(400, "Client::BadRequest", f"Missing parameter {name}")
    texts = {name: _text(name, given[name]) for name in _TEXTS if name in given}
    _check_texts(texts)
    return ReinstallOrder(
        operating_system="byoi_64",
        disk_group=find_installable_group(server, given.get("diskGroupId", 0)),
        image_url=texts["URL"],
        image_type=texts["type"],
        efi_bootloader_path=_LOADER,
        checksum=texts["checkSum"],
        checksum_type=texts["checkSumType"],
        http_headers=_pairs("httpHeader", given.get("httpHeader", [])),
        config_drive=ConfigDriveContent(
            hostname=texts["hostname"],
            ssh_key=texts["sshKey"],
            user_data=base64.b64encode(texts.get("userData", "").encode()).decode(),
            metadata=_pairs("userMetadatas", given.get("userMetadatas", [])),
        ),
    )


def tell_deployment(installation: Installation) -> dict[str, object]:
    """Return the `dedicated.server.ByoiStatus`."""
    status = installation.task.status
    step = next((step for step in installation.steps if step.status not in ("done", "todo")), None)
    if status.is_running:
        state, message = "doing", step.comment if step else "starting"
    elif status is TaskStatus.DONE:
        state, message = "done", "Your image is deployed"
    else:
        state, message = "error", step.error if step and step.error else "The deployment was stopped"
    return {
        "checksum": installation.checksum,
        "message": message,
        "servername": installation.server_name,
        "status": state,
    }


def no_deployment() -> ApiError:
    """Return the answer to a question for a deployment that is not there."""
    return refuse(404, "Client::NotFound", "The requested object (bringYourOwnImage) does not exist")


def _check_texts(texts: Mapping[str, str]) -> None:
    for name, choices in _CHOICES.items():
        if texts[name] not in choices:
            raise _invalid(name, f"must be one of {', '.join(choices)}")
    if not is_web_url(texts["URL"]):
        raise _invalid("URL", "must be an http or https URL")
    if not is_ssh_key(texts["sshKey"]):
        raise _invalid("sshKey", "must be one public key in OpenSSH format")
    check_hostname(texts["hostname"])


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise _invalid(name, "a string was expected")
    return value


def _pairs(name: str, value: object) -> dict[str, str]:
    """Read a list of `complexType.SafeKeyValue`."""
    pairs = {}
    for pair in value if isinstance(value, list) else [None]:
        if not isinstance(pair, dict) or pair.keys() != {"key", "value"}:
            raise _invalid(name, "a list of objects with key and value was expected")
        pairs[_text(name, pair["key"])] = _text(name, pair["value"])
    return pairs


def _invalid(name: str, problem: str) -> ApiError:
    return refuse(400, "Client::BadRequest", f"Invalid parameter {name}: {problem}")
