"""An installation of Bring Your Own Image: the image onto the disk, the config drive behind it, and the boot."""

from __future__ import annotations

from byoi_tools.model.boot import BootMode as FirmwareMode
from byoi_tools.rehearsal.config_drive import make_config_drive
from byoi_tools.rehearsal.disk import append_config_drive, move_gpt_backup, write_image
from byoi_tools.rehearsal.refusals import InstallationError
from byoi_tools.simulator.boot import BootResult, boot_legacy, boot_uefi
from byoi_tools.simulator.faults import BootFault
from byoi_tools.simulator.image_format import check_format, measure_image
from byoi_tools.simulator.installation import Installation, Work, rest
from byoi_tools.simulator.ova import DISK_FORMAT, unpack_disk
from byoi_tools.simulator.power import BootDisk
from byoi_tools.simulator.servers import BootMode


class ImageInstallation(Installation):
    """Carries out one order for `byoi_64`, by either API.

    The comments of the steps are those of OVH's real list for Bring Your Own Linux, less what an image needs no
    step for: the list for Bring Your Own Image is not published.
    """

    def plan(self) -> tuple[tuple[str, Work], ...]:
        """Return the steps, each with what is done in it."""
        return (
            ("Checking BIOS version", rest),
            ("Running Hardware Reboot", rest),
            ("Setting up hardware raid", rest),
            ("Cleaning Partitioning", self.erase_disks),
            ("Downloading OS image", self.download),
            ("Deploying OS on disks", self._deploy),
            ("Checking Partitioning", self._finish_partitions),
            ("Processing Post-installation configuration", self._configure),
            ("Switching boot", self._switch_boot),
            ("Running Last Hardware Reboot", rest),
            ("Sending end of installation mail", rest),
        )

    def _deploy(self) -> None:
        kind = self.order.image_type
        check_format(self.image_file, kind, self.halted)
        if kind == "ova":
            unpack_disk(self.image_file)
            kind = DISK_FORMAT
        size_bytes = measure_image(self.image_file, kind, self.halted)
        room_bytes = self.order.disk_group.disk_size_bytes
        if size_bytes > room_bytes:
            raise InstallationError(
                f"image provided has a size of {size_bytes} bytes which is larger than device of {room_bytes} bytes"
            )
        write_image(self.image_file, kind, self.disk, self.halted)

    def _finish_partitions(self) -> None:
        move_gpt_backup(self.disk, self.halted)

    def _configure(self) -> None:
        content = self.order.config_drive
        if content.is_empty:
            return
        if not make_config_drive(content, self.around.server.name, self.iso_file, self.halted):
            raise InstallationError("Could not create configdrive on disk.")
        append_config_drive(self.iso_file, self.disk, self.halted)

    def _switch_boot(self) -> None:
        if self.around.server.boot_mode is BootMode.LEGACY:
            is_first = self.order.disk_group is self.around.server.disk_groups[0]
            self.boot = boot_legacy(self.disk, is_first_disk=is_first)
        else:
            self.boot = boot_uefi(self.disk, self.order.efi_bootloader_path, self.halted)

    def power_on(self) -> None:
        """Start what was installed where the firmware found it, unless a fault wants something else to run."""
        power, fault = self.around.power, self.around.server.faults.boot
        if power is None or fault is BootFault.NEVER or (fault is BootFault.OLD_SYSTEM and power.is_on):
            return
        if self.boot is not None and self.boot.result is BootResult.LOADER:
            is_legacy = self.around.server.boot_mode is BootMode.LEGACY
            firmware = FirmwareMode.LEGACY if is_legacy else FirmwareMode.UEFI
            bus = self.order.disk_group.bus(self.around.server.condition.raid_controller, is_legacy=is_legacy)
            power.switch_on(BootDisk(self.disk, firmware, bus, self.order.efi_bootloader_path))
