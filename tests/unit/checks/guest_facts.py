"""The facts of an image of which the guest alone is known, and of it the domains of cloud, network and SSH."""

from __future__ import annotations

from byoi_tools.inspection.guest.cloud.read import read_cloud
from byoi_tools.inspection.guest.context import GuestContext
from byoi_tools.inspection.guest.network.read import read_network
from byoi_tools.inspection.guest.ssh import read_ssh
from byoi_tools.model.fact import Fact, Known, NotExamined
from byoi_tools.model.facts import Facts
from byoi_tools.model.guest.boot import BootSetup
from byoi_tools.model.guest.guest import Guest
from byoi_tools.model.image import Container, ImageFormat

_UNKNOWN = NotExamined("not read in this test")


def facts_of(context: GuestContext, boot: Fact[BootSetup] = _UNKNOWN) -> Facts:
    """The facts of a guest; `boot` is known where kernel command lines matter."""
    guest = Guest(
        volumes=(),
        other_roots=(),
        system=_UNKNOWN,
        kernels=_UNKNOWN,
        boot=boot,
        mounts=_UNKNOWN,
        cloud=Known(read_cloud(context)),
        network=Known(read_network(context)),
        ssh=Known(read_ssh(context)),
        identity=_UNKNOWN,
        byolinux=_UNKNOWN,
        storage=_UNKNOWN,
    )
    container = Container("image.raw", 0, 0, ImageFormat.RAW, (), _UNKNOWN, None)
    return Facts(container, disk=Known(context.disk), esps=_UNKNOWN, bios=_UNKNOWN, guest=Known(guest))
