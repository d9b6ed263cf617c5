"""The provider's messages, verbatim from its guides with values filled in, find their explanation."""

from __future__ import annotations

import pytest

from byoi_tools.checks.catalogue import find_check
from byoi_tools.deployment.messages import explain_failure

GUIDE: dict[str, str | None] = {
    "Please provide checkSum AND checkSumType or none of them": None,
    "image provided format is vmdk which does not match expected qcow2 format": "container.format-mismatch",
    "image provided format is not of type raw because no partition table was found. It seems to contain: XZ "
    "compressed data": "ptable.present",
    "image provided has a size of 500000000000 bytes which is larger than device of 480103981056 bytes": (
        "size.disk-limit"
    ),
    "Could not download, qcow2 image is too big to download in memory.": "size.ram-limit",
    "Could not download image: 403 Forbidden": None,
    "Could not download image located: https://example.net/image.raw": None,
    "Bad checkSumType for downloaded file, got: 0a1b while expecting 2c3d.": None,
    "Bad checkSumType, expected: sha1, sha256, md5.": None,
    "Can't write qcow2 on disk": "container.truncated",
    "Bad format image, expected: qcow2, raw.": "container.unsupported-format",
    "Can not move backup GPT data structures to the end of disk.": "ptable.gpt-backup",
    "Could not create configdrive on disk.": "ptable.mbr-primaries",
    "Image contains more than one partition (2)": "byol.one-partition",
    "too many partitions": "byol.one-partition",
    "The '/root/.ovh/make_image_bootable.sh' file does not exist.": "byol.script-present",
    "The script did not end properly": None,
    "Partition of type swap with mountpoint swap cannot fill the disk.": None,
    "No. Please adjust partitions so that the / partition fits on 2 disk(s)": None,
    "Error with MBR partition table: Partition / is larger than 2TiB and this server does not support GPT": None,
    "Error with MBR partition table: partition / cannot end after 2 TiB as OVHcloud also needs to add a 1 MiB "
    "cloud-init partition at the very end of the disk": None,
    "/boot (or / if no /boot) partition cannot be larger than 2097151 MiB on this hardware": None,
    "/boot (or / if no /boot) partition type cannot be XFS": None,
}


@pytest.mark.parametrize("message", GUIDE)
def test_a_message_of_the_guide_is_explained(message: str) -> None:
    explanation = explain_failure(message)
    assert explanation is not None
    assert next(iter(explanation.check_ids), None) == GUIDE[message]
    assert all(find_check(check_id) for check_id in explanation.check_ids)


def test_each_message_has_an_explanation_of_its_own() -> None:
    causes = {explanation.cause for message in GUIDE if (explanation := explain_failure(message))}
    assert len(causes) == len(GUIDE) - 1  # the two wordings of a failed download share theirs


def test_an_unknown_message_is_not_explained() -> None:
    assert explain_failure("The flux capacitor is not fluxing") is None
