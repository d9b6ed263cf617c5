"""What partition types mean: type GUIDs of a GPT and type bytes of an MBR.

Sources: UEFI specification 2.10, table 5.7; the Discoverable Partitions Specification of the UAPI group (the
architectures that servers have); Microsoft's `PARTITION_INFORMATION_GPT`; FreeBSD's gpart(8); for the others and for
the bytes, the tables of sgdisk and sfdisk.
"""

from __future__ import annotations

from byoi_tools.model.disks.partition import PartitionKind as Kind


def kind_of_guid(type_guid: str) -> Kind:
    """Return what a GPT partition of that type is for; `type_guid` in upper case."""
    return _GUID_KINDS.get(type_guid, Kind.UNKNOWN)


def kind_of_byte(type_byte: int) -> Kind:
    """Return what an MBR partition of that type is for."""
    return _BYTE_KINDS.get(type_byte, Kind.UNKNOWN)


def is_known_type(type_code: str) -> bool:
    """Whether a type code, as `Partition.type_code` has it, is one that systems on servers use."""
    if type_code.startswith("0x"):
        return int(type_code, 16) in _BYTE_KINDS
    return type_code in _GUID_KINDS or type_code in _OTHER_GUIDS


_GUID_KINDS = {
    "C12A7328-F81F-11D2-BA4B-00A0C93EC93B": Kind.ESP,
    "21686148-6449-6E6F-744E-656564454649": Kind.BIOS_BOOT,
    "0FC63DAF-8483-4772-8E79-3D69D8477DE4": Kind.LINUX_FILE_SYSTEM,
    "BC13C2FF-59E6-4262-A352-B275FD6F7172": Kind.LINUX_BOOT,
    "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F": Kind.LINUX_SWAP,
    "E6D6D379-F507-44C2-A23C-238F2A3DF928": Kind.LINUX_LVM,
    "A19D880F-05FC-4D3B-A006-743F0F84911E": Kind.LINUX_RAID,
    "CA7D7CCB-63ED-4C53-861C-1742536059CC": Kind.LINUX_LUKS,
    "44479540-F297-41B2-9AF7-D131D5F0458A": Kind.LINUX_ROOT,  # x86
    "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709": Kind.LINUX_ROOT,  # x86-64
    "69DAD710-2CE4-4E3C-B16C-21A1D49ABED3": Kind.LINUX_ROOT,  # 32-bit Arm
    "B921B045-1DF0-41C3-AF44-4C6F280D3FAE": Kind.LINUX_ROOT,  # 64-bit Arm
    "72EC70A6-CF74-40E6-BD49-4BDA08E8F224": Kind.LINUX_ROOT,  # 64-bit RISC-V
    "3884DD41-8582-4404-B9A8-E9B84F2DF50E": Kind.LINUX_ROOT,  # Flatcar, grows at first boot
    "BE9067B9-EA49-4F15-B4F6-F36F8C9E1818": Kind.LINUX_ROOT,  # Flatcar, on RAID
    "933AC7E1-2EB4-4F13-B844-0E14E2AEF915": Kind.LINUX_HOME,  # /home
    "773F91EF-66D4-49B5-BD83-D683BF40AD16": Kind.LINUX_HOME,  # one user's home
    "3B8F8425-20E0-4F3B-907F-1A25A76F98E8": Kind.LINUX_HOME,  # /srv
    "4D21B016-B534-45C2-A9FB-5C16E091FD2D": Kind.LINUX_HOME,  # /var
    "7EC6F557-3BC5-4ACA-B293-16EF5DF639D1": Kind.LINUX_HOME,  # /var/tmp
    "75250D76-8CC6-458E-BD66-BD47CC81A812": Kind.LINUX_HOME,  # /usr, x86
    "8484680C-9521-48C6-9C11-B0720656F69E": Kind.LINUX_HOME,  # /usr, x86-64
    "7D0359A3-02B3-4F0A-865C-654403E70625": Kind.LINUX_HOME,  # /usr, 32-bit Arm
    "B0E01050-EE5F-4390-949A-9101B17104E9": Kind.LINUX_HOME,  # /usr, 64-bit Arm
    "BEAEC34B-8442-439B-A40B-984381ED097D": Kind.LINUX_HOME,  # /usr, 64-bit RISC-V
    "5DFBF5F4-2848-4BAC-AA5E-0D9A20B745A6": Kind.LINUX_HOME,  # /usr of Flatcar
    "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5": Kind.LINUX_VERITY,  # of a root, x86-64
    "77FF5F63-E7B6-4633-ACF4-1565B864C0E6": Kind.LINUX_VERITY,  # of /usr, x86-64
    "41092B05-9FC8-4523-994F-2DEF0408B176": Kind.LINUX_VERITY,  # signature for a root, x86-64
    "E7BB33FB-06CF-4E81-8273-E543B413E2E2": Kind.LINUX_VERITY,  # signature for /usr, x86-64
    "DF3300CE-D69F-4C92-978C-9BFB0F38D820": Kind.LINUX_VERITY,  # of a root, 64-bit Arm
    "6E11A4E7-FBCA-4DED-B9E9-E1A512BB664E": Kind.LINUX_VERITY,  # of /usr, 64-bit Arm
    "6DB69DE6-29F4-4758-A7A5-962190F00CE3": Kind.LINUX_VERITY,  # signature for a root, 64-bit Arm
    "C23CE4FF-44BD-4B00-B2D4-B41B3419E02A": Kind.LINUX_VERITY,  # signature for /usr, 64-bit Arm
    "E3C9E316-0B5C-4DB8-817D-F92DF00215AE": Kind.MICROSOFT_RESERVED,
    "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7": Kind.MICROSOFT_BASIC_DATA,
    "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC": Kind.MICROSOFT_RECOVERY,
    "83BD6B9D-7F41-11DC-BE0B-001560B84F0F": Kind.FREEBSD_BOOT,
    "516E7CB4-6ECF-11D6-8FF8-00022D09712B": Kind.FREEBSD_FILE_SYSTEM,  # a disklabel
    "516E7CB6-6ECF-11D6-8FF8-00022D09712B": Kind.FREEBSD_FILE_SYSTEM,  # UFS
    "516E7CB5-6ECF-11D6-8FF8-00022D09712B": Kind.FREEBSD_SWAP,
    "516E7CBA-6ECF-11D6-8FF8-00022D09712B": Kind.SOLARIS_ZFS,  # FreeBSD's
    "6A898CC3-1DD2-11B2-99A6-080020736631": Kind.SOLARIS_ZFS,
}

_OTHER_GUIDS = frozenset(
    (
        "024DEE41-33E7-11D3-9D69-0008C781F39F",  # MBR partition scheme
        "9E1A2D38-C612-4316-AA26-8B49521E5A8B",  # PowerPC PReP boot
        "8DA63339-0007-60C0-C436-083AC8230908",  # Linux reserved
        "7FFEC5C9-2D00-49B7-8941-3EA10A5586B7",  # Linux dm-crypt
        "C95DC21A-DF0E-4340-8D7B-26CBFA9A03E0",  # Flatcar OEM
        "FE3A2A5D-4F32-41A7-B725-ACCC3285A309",  # ChromeOS kernel
        "3CB8E202-3B7E-47DD-8A3C-7FF2A13CFCEC",  # ChromeOS root
        "2E0A753D-9E48-43B0-8337-B15192CB1B5E",  # ChromeOS reserved
        "5808C8AA-7E8F-42E0-85D2-E1E90434CFB3",  # Microsoft LDM metadata
        "AF9B60A0-1431-4F62-BC68-3311714A69AD",  # Microsoft LDM data
        "E75CAF8F-F680-4CEE-AFA3-B001E56EFC2D",  # Microsoft Storage Spaces
        "516E7CB8-6ECF-11D6-8FF8-00022D09712B",  # FreeBSD Vinum
        "6A82CB45-1DD2-11B2-99A6-080020736631",  # Solaris boot
        "6A85CF4D-1DD2-11B2-99A6-080020736631",  # Solaris root
        "6A945A3B-1DD2-11B2-99A6-080020736631",  # Solaris reserved 1, beside ZFS
        "824CC7A0-36A8-11E3-890A-952519AD3F61",  # OpenBSD
        "49F48D5A-B10E-11DC-B99B-0019D1879648",  # NetBSD FFS
        "AA31E02A-400F-11DB-9590-000C2911D1B8",  # VMware VMFS
        "9D275380-40AD-11DB-BF97-000C2911D1B8",  # VMware diagnostic
        "9198EFFC-31C0-11DB-8F78-000C2911D1B8",  # VMware reserved
    )
)

_BYTE_KINDS = {
    0x01: Kind.FAT,
    0x04: Kind.FAT,
    0x05: Kind.EXTENDED,
    0x06: Kind.FAT,
    0x07: Kind.MICROSOFT_BASIC_DATA,
    0x0B: Kind.FAT,
    0x0C: Kind.FAT,
    0x0E: Kind.FAT,
    0x0F: Kind.EXTENDED,
    0x27: Kind.MICROSOFT_RECOVERY,
    0x82: Kind.LINUX_SWAP,
    0x83: Kind.LINUX_FILE_SYSTEM,
    0x85: Kind.EXTENDED,
    0x8E: Kind.LINUX_LVM,
    0xA5: Kind.FREEBSD_FILE_SYSTEM,
    0xBF: Kind.SOLARIS_ZFS,
    0xE8: Kind.LINUX_LUKS,
    0xEA: Kind.LINUX_BOOT,
    0xEE: Kind.PROTECTIVE,
    0xEF: Kind.ESP,
    0xFD: Kind.LINUX_RAID,
}
