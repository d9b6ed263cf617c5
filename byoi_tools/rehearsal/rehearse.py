"""Rehearses one boot: writes the disk as the provider does, starts the machine, watches it; read this first."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path
from threading import Event

from byoi_tools.errors import NoSpace
from byoi_tools.model.deployment.order import Customizations
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.observer import Observer
from byoi_tools.model.proof import GuestState
from byoi_tools.model.rehearsal import NOT_STARTED, Milestone, Rehearsal, RehearsalOrder, Sighting, SourceImage, Until
from byoi_tools.proof.attempts import USERS
from byoi_tools.proof.guest import find_contradictions, read_state
from byoi_tools.rehearsal.accelerator import accelerator_argv, accelerator_name
from byoi_tools.rehearsal.assembly import Hardware, assemble, free_address, require_machine
from byoi_tools.rehearsal.config_drive import ConfigDriveContent, make_config_drive
from byoi_tools.rehearsal.disk import append_config_drive, erase, move_gpt_backup, write_image
from byoi_tools.rehearsal.login import Login
from byoi_tools.rehearsal.network import require_card
from byoi_tools.rehearsal.programs import require_programs
from byoi_tools.rehearsal.refusals import InstallationError
from byoi_tools.rehearsal.watch import Watched, watch
from byoi_tools.tools.ssh import KeyPair, generate_key, load_key

# A server's disk is larger than the image: the first boot must be able to grow.
_ROOM_BYTES = 4 << 30
_MIB = 1 << 20
_SERVER_NAME = "rehearsal"
_PROGRAMS = ("prlimit", "qemu-img", "blkid", "sgdisk", "sfdisk", "xorriso")
_LAST_LINES = 20


def require_tools(order: RehearsalOrder) -> None:
    """Raise `ToolMissing` unless everything that this rehearsal needs is installed."""
    remedy = "Debian: apt-get install qemu-utils gdisk fdisk util-linux xorriso"
    require_programs(_PROGRAMS, who="The rehearsal", remedy=remedy)
    require_machine(order.boot, has_secure_boot=order.has_secure_boot)
    require_card(order.network)


def rehearse(order: RehearsalOrder, image: SourceImage, directory: Path, observer: Observer) -> Rehearsal:
    """Boot a copy of the image and tell how far it came; `directory` is empty, and gets the copy.

    The image was judged before: QEMU sees nothing of it but what `qemu-img` has copied. Raises `ToolError`,
    `NoSpace`, and `UsageError` for a directory to keep files in that cannot be written.
    """
    key = _choose_key(order)
    customizations = _with_key(order.customizations, key)
    disk_bytes = -(-(image.virtual_size_bytes + _ROOM_BYTES) // _MIB) * _MIB
    disk = directory / "disk.raw"
    observer.work_started("writing the disk", image.virtual_size_bytes)
    try:
        _write_disk(image, disk, disk_bytes, customizations)
    except InstallationError as refused:
        return Rehearsal(order, "none", (), 0.0, f"the provider would say: {refused}", (), NOT_STARTED)
    except OSError as failure:
        raise NoSpace(
            f"the copy of the disk could not be written in {directory.parent}",
            details=str(failure),
            remedy="Free some space, or name another --work-dir, on a file system that takes large sparse files.",
        ) from failure
    observer.work_finished("writing the disk")
    # A socket's path has a hundred characters at most, so the small files are where temporary files are short.
    with tempfile.TemporaryDirectory(prefix="byoi-tools.") as scratch:
        hardware = Hardware(order.boot, order.disk, order.memory_bytes, order.network, order.has_secure_boot)
        machine = assemble(hardware, order.loader_path, disk, free_address(), Path(scratch), Event())
        watched, login = Watched(), None
        if order.until is Until.SSH:
            login = Login(
                machine.ssh, key, lambda: tuple(dict.fromkeys((*watched.console.users, *order.users, *USERS)))
            )
        watch(watched, machine, accelerator_argv(), order, login, observer)
    return _conclude(order, watched, login, customizations.user_data, disk_bytes)


def _write_disk(image: SourceImage, disk: Path, disk_bytes: int, customizations: Customizations) -> None:
    """What the provider does, in its order; `Event()` because nobody else halts it."""
    halt, kind = Event(), image.image_type.value
    erase(disk, disk_bytes)
    write_image(image.path.absolute(), kind, disk, halt)
    move_gpt_backup(disk, halt)
    content = ConfigDriveContent(
        customizations.hostname or "",
        customizations.ssh_key or "",
        base64.b64encode(customizations.user_data or b"").decode(),
        dict(customizations.metadata),
    )
    iso = disk.with_name("config-drive.iso")
    if not make_config_drive(content, _SERVER_NAME, iso, halt):
        raise InstallationError("Could not create configdrive on disk.")
    append_config_drive(iso, disk, halt)


def _choose_key(order: RehearsalOrder) -> KeyPair | None:
    """The run's own key where the user gave none, else the private half of the user's, where there is one."""
    if order.until is Until.LOGIN:
        return None
    if order.customizations.ssh_key is None:
        return generate_key("byoi-tools-rehearsal")
    key = load_key(order.private_key) if order.private_key else None
    is_the_same = key is not None and key.public_line.split()[:2] == order.customizations.ssh_key.split()[:2]
    return key if is_the_same else None


def _with_key(customizations: Customizations, key: KeyPair | None) -> Customizations:
    if customizations.ssh_key is not None or key is None:
        return customizations
    return replace(customizations, ssh_key=key.public_line)


def _conclude(
    order: RehearsalOrder, watched: Watched, login: Login | None, user_data: bytes | None, disk_bytes: int
) -> Rehearsal:
    guest: Fact[GuestState] = NotExamined("nobody logged in")
    if login is not None and login.answer is not None:
        sent = hashlib.sha256(user_data).hexdigest() if user_data else None
        is_printed = watched.console.shows_fingerprint(login.answer.fingerprint)
        guest = Known(read_state(login.answer, sent, disk_bytes, is_key_printed=Known(is_printed)))
    elif login is not None and login.has_succeeded:
        guest = NotExamined("the private half of the SSH key is not at hand")
    written = Sighting(Milestone.WRITTEN, 0.0, "")
    return Rehearsal(
        order,
        accelerator_name(),
        (written, *watched.console.sightings),
        watched.seconds,
        watched.ending,
        watched.console.last_lines(_LAST_LINES),
        guest,
        find_contradictions(order.customizations, guest.value) if isinstance(guest, Known) else (),
        watched.screen,
        watched.is_silent,
    )
