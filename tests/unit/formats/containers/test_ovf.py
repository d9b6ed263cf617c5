"""OVF descriptors: which file is the disk, and what is refused."""

from __future__ import annotations

import time

import pytest

from byoi_tools.errors import ImageMalformed, ImageUnsafe
from byoi_tools.formats.containers.ovf import OvfDisk, read_ovf
from tests.packed_images import DISK, FILE, envelope

VMWARE = """<?xml version="1.0" encoding="UTF-8"?>
<Envelope vmw:buildId="build-1" xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>
    <File ovf:href="vm-disk1.vmdk" ovf:id="file1" ovf:size="73728"/>
    <File ovf:href="vm.nvram" ovf:id="file2" ovf:size="8684"/>
  </References>
  <DiskSection>
    <Info>Virtual disk information</Info>
    <Disk ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="vmdisk1" ovf:fileRef="file1"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized" ovf:populatedSize="0"/>
  </DiskSection>
  <VirtualSystem ovf:id="vm"><Info>A machine</Info>
    <vmw:ExtraConfig vmw:key="disk" vmw:value="Disk"/><References><File ovf:id="file1" ovf:href="no"/></References>
  </VirtualSystem>
</Envelope>
"""


def test_the_descriptor_of_vmware() -> None:
    assert read_ovf(VMWARE.encode()) == OvfDisk("vm-disk1.vmdk", 73728)
    assert read_ovf(VMWARE.replace("UTF-8", "UTF-16").encode("utf-16")) == OvfDisk("vm-disk1.vmdk", 73728)


def test_prefixes_make_no_difference() -> None:
    text = VMWARE
    for name in ("Envelope", "References", "File", "DiskSection", "Disk "):
        text = text.replace(f"<{name}", f"<ovf:{name}").replace(f"</{name}", f"</ovf:{name}")
    assert read_ovf(text.encode()) == OvfDisk("vm-disk1.vmdk", 73728)


@pytest.mark.parametrize(
    ("files", "disks", "words"),
    [
        (FILE.format(name="a"), "", "0 disks"),
        (FILE.format(name="a"), DISK + DISK, "2 disks"),
        ("", DISK, "no file"),
        (FILE.format(name="a") * 2, DISK, "two files"),
        (FILE.format(name="a"), DISK.replace("file1", "file2"), "no file"),
        (FILE.format(name="a"), DISK.replace('ovf:fileRef="file1"', ""), "no file"),
        ('<File ovf:id="file1"/>', DISK, "no file"),
        ('<File ovf:id="file1" ovf:href="a" ovf:chunkSize="100"/>', DISK, "chunkSize"),
    ],
)
def test_what_is_not_one_disk_is_refused(files: str, disks: str, words: str) -> None:
    with pytest.raises(ImageMalformed) as refused:
        read_ovf(envelope(files, disks).encode())
    assert words in str(refused.value.details)


@pytest.mark.parametrize("href", ["/etc/passwd", "../disk", "a/../../b", "file:///etc/passwd", "https://host/disk"])
def test_a_disk_that_is_elsewhere_is_unsafe(href: str) -> None:
    with pytest.raises(ImageUnsafe):
        read_ovf(envelope(FILE.format(name=href)).encode())


def test_a_disk_with_a_parent_is_unsafe() -> None:
    with pytest.raises(ImageUnsafe):
        read_ovf(envelope(disks=DISK.replace("<Disk", '<Disk ovf:parentRef="other"')).encode())


DOCTYPES = {
    "external": '<!DOCTYPE Envelope [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
    "external subset": '<!DOCTYPE Envelope SYSTEM "http://127.0.0.1:1/x.dtd">',
    "parameter": '<!DOCTYPE Envelope [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]>',
    "billion laughs": "<!DOCTYPE Envelope ["
    + '<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]>",
    "plain": "<!DOCTYPE Envelope>",
}


@pytest.mark.parametrize("kind", DOCTYPES)
def test_there_are_no_entities(kind: str) -> None:
    entity = "&a11;" if kind == "billion laughs" else "&x;"
    text = envelope(FILE.format(name=entity)).replace("<Envelope", DOCTYPES[kind] + "<Envelope", 1)
    began = time.process_time()
    with pytest.raises(ImageUnsafe) as refused:
        read_ovf(text.encode())
    assert "document type" in str(refused.value.details)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"<Envelope>",
        b"<a>" * 100_000,
        b"<?xml version='1.0' encoding='klingon'?><a/>",
        b"<?xml version='1.0' encoding='utf-7'?><a/>",
        b"<Envelope>&undefined;</Envelope>",
        b"<Envelope>\xff</Envelope>",
    ],
)
def test_what_is_no_descriptor_is_malformed(content: bytes) -> None:
    with pytest.raises(ImageMalformed):
        read_ovf(content)
