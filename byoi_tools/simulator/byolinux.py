"""An installation of Bring Your Own Linux, as far as it is simulated: disks, image and script are looked at.

Partitions are made, and the image is judged as OVH does. Its files are not copied and its script is not run: that takes
root and a system of its own. So nothing can be booted, and `state.json` says so. The steps are those of a real
installation that a user of the API has published (consumermesh/cmesh-byol-arch).
"""

from __future__ import annotations

from pathlib import Path

from byoi_tools.rehearsal.disk import CONFIG_DRIVE_BYTES, cannot_write, erase, write_image
from byoi_tools.rehearsal.partitions import Partition, read_partition_table
from byoi_tools.rehearsal.programs import run
from byoi_tools.rehearsal.refusals import InstallationError
from byoi_tools.simulator.image_format import check_format, measure_image
from byoi_tools.simulator.installation import Installation, Work, rest
from byoi_tools.simulator.partition_rules import Wish
from byoi_tools.simulator.servers import BootMode

SCRIPT = "/root/.ovh/make_image_bootable.sh"
FILE_SYSTEMS = ("ext4", "xfs", "btrfs")
_ESP_MIB = 511  # as seen in a real one
_MIB = 2**20
_TYPES = {"swap": "8200", "zfs": "BF00"}


class ByolinuxInstallation(Installation):
    """Carries out one order for `byolinux_64`."""

    _script_is_there: bool | None = None

    def plan(self) -> tuple[tuple[str, Work], ...]:
        """Return the seventeen steps, each with what is done in it."""
        return (
            ("Checking BIOS version", rest),
            ("Checking BIOS version", rest),
            ("Running Hardware Reboot", rest),
            ("Setting up hardware raid", rest),
            ("Preparing disks for new Partitioning", rest),
            ("Cleaning Partitioning", self.erase_disks),
            ("Processing Partitioning", self._judge_fillers),
            ("Applying Partitioning", self._partition),
            ("Processing Post-installation configuration", rest),
            ("Pre-configuring Post-installation", rest),
            ("Downloading OS image", self.download),
            ("Deploying OS on disks", self._look_at_image),
            ("Checking Partitioning", rest),
            ("Running BYOLinux Configure", self._look_for_script),
            ("Switching boot", rest),
            ("Running Last Hardware Reboot", rest),
            ("Sending end of installation mail", rest),
        )

    def power_on(self) -> None:
        """Leave it off: its files were not copied."""

    def describe(self) -> dict[str, object]:
        """Say in `state.json` how far it went."""
        partitions = self.order.partitions
        layout = [f"{wish.mount_point} {wish.file_system} RAID {wish.raid_level}" for wish in partitions.layout]
        return {"layout": layout, "partitioned_disks": partitions.disks, "files_copied": False}

    def _judge_fillers(self) -> None:
        """Find what the provider finds only now: swap that is to fill the disk."""
        for wish in self.order.partitions.layout:
            if wish.file_system == "swap" and wish.size_mib == 0:
                message = f"Partition of type swap with mountpoint {wish.mount_point} cannot fill the disk."
                raise InstallationError(message)

    def _partition(self) -> None:
        for number in range(1, self.order.partitions.disks + 1):
            self._partition_disk(number)

    def _partition_disk(self, number: int) -> None:
        group, server = self.order.disk_group, self.around.server
        disk = self.around.disk_file(group.disk_group_id, number)
        erase(disk, group.disk_size_bytes)
        argv = ["sgdisk", "--clear"]
        end = f"-{CONFIG_DRIVE_BYTES // _MIB + 1}M"
        if server.boot_mode is not BootMode.LEGACY:
            argv += [f"--new=0:0:+{_ESP_MIB}M", "--typecode=0:EF00"]
        layout = sorted(self.order.partitions.layout, key=lambda wish: wish.size_mib == 0)  # what fills comes last
        for wish in layout:
            argv += [f"--new=0:0:{self._end_of(wish, end)}", f"--typecode=0:{_TYPES.get(wish.file_system, '8300')}"]
        if number == 1:
            argv += ["--new=0:0:0", "--typecode=0:0700"]  # the config drive
        if run((*argv, str(disk)), self.halted).returncode != 0:
            largest = max(layout, key=lambda wish: wish.size_mib)
            raise InstallationError(
                f"No space left on disk {number}. Please adjust partitions so that the {largest.mount_point} "
                f"partition fits on {self.order.partitions.disks} disk(s)"
            )

    def _end_of(self, wish: Wish, end_of_disk: str) -> str:
        """What `sgdisk` takes as the partition's end: stripes are spread over the disks, mirrors are not."""
        if wish.size_mib == 0:
            return end_of_disk
        disks = self.order.partitions.disks
        parity = {0: 0, 5: 1, 6: 2, 7: 3}.get(wish.raid_level)
        shares = max(1, disks - parity) if parity is not None else max(1, disks // 2) if wish.raid_level == 10 else 1
        return f"+{max(1, wish.size_mib // shares)}M"

    def _look_at_image(self) -> None:
        """Judge the image: a qcow2, with one partition, of a file system that is mounted."""
        check_format(self.image_file, "qcow2", self.halted)
        size_bytes = measure_image(self.image_file, "qcow2", self.halted)
        room_bytes = self.order.disk_group.disk_size_bytes
        if size_bytes > room_bytes:
            raise InstallationError(
                f"image provided has a size of {size_bytes} bytes which is larger than device of {room_bytes} bytes"
            )
        opened = self.image_file.with_suffix(".opened")
        try:
            erase(opened, size_bytes)
            write_image(self.image_file, "qcow2", opened, self.halted)
            table = read_partition_table(opened, self.halted)
            partitions = table.partitions if table else ()
            if len(partitions) > 1:
                raise InstallationError(f"Image contains more than one partition ({len(partitions)})")
            if not partitions:
                raise InstallationError("too many partitions")
            self._script_is_there = self._has_script(opened, partitions[0])
        finally:
            opened.unlink(missing_ok=True)

    def _has_script(self, disk: Path, partition: Partition) -> bool | None:
        """Tell whether the root has the script; None where only a mount could (XFS, btrfs)."""
        offset = partition.offset_bytes
        argv = ("blkid", "--probe", "--output", "value", "--match-tag", "TYPE", "--offset", str(offset), str(disk))
        kind = run(argv, self.halted).output.strip()
        if kind not in FILE_SYSTEMS:
            raise cannot_write("qcow2")
        if kind != "ext4":
            return None
        told = run(("debugfs", "-R", f"stat {SCRIPT}", f"{disk}?offset={offset}"), self.halted).output
        return "Type: regular" in told

    def _look_for_script(self) -> None:
        """Stand in for the script's run: it must be there."""
        if self._script_is_there is False:
            raise InstallationError(f"The '{SCRIPT}' file does not exist.")
