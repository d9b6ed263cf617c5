"""Reads every domain of a guest; damage in one leaves the others known."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from byoi_tools.errors import ImageError, StorageError, ToolError
from byoi_tools.inspection.guest.boot import read_boot
from byoi_tools.inspection.guest.byolinux import read_byolinux
from byoi_tools.inspection.guest.cloud import read_cloud
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.identity import read_identity
from byoi_tools.inspection.guest.kernels import read_kernels
from byoi_tools.inspection.guest.mounts import read_mounts
from byoi_tools.inspection.guest.network import read_network
from byoi_tools.inspection.guest.ssh import read_ssh
from byoi_tools.inspection.guest.storage import read_storage
from byoi_tools.inspection.guest.system import read_system
from byoi_tools.model.fact import Broken, Fact, Known, NotExamined
from byoi_tools.model.guest.guest import Guest

Value = TypeVar("Value")


def read_domains(context: GuestContext, other_roots: tuple[str, ...]) -> Guest:
    """Return the guest; raises nothing for what its files contain, not even where a reader has a defect.

    The kernels, whose initramfs images take as long to open as all the rest to read, have a thread of their own.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="kernels") as aside:
        kernels = aside.submit(_read, read_kernels, context)
        return Guest(
            volumes=context.volumes,
            other_roots=other_roots,
            system=_read(read_system, context),
            boot=_read(read_boot, context),
            mounts=_read(read_mounts, context),
            cloud=_read(read_cloud, context),
            network=_read(read_network, context),
            ssh=_read(read_ssh, context),
            identity=_read(read_identity, context),
            byolinux=_read(read_byolinux, context),
            storage=_read(read_storage, context),
            kernels=kernels.result(),
        )


def _read(read: Callable[[GuestContext], Value], context: GuestContext) -> Fact[Value]:
    try:
        return Known(read(context))
    except (ImageError, ToolError) as error:
        return NotExamined(f"{error.message} ({error.details})" if error.details else error.message)
    except StorageError:  # a remote image that cannot be fetched any more: nothing could be said of the rest either
        raise
    except Exception as defect:  # a defect of the reader must neither end the whole inspection nor pass for absence
        return Broken(f"what reads it broke: {type(defect).__name__}: {defect}")
