"""What in an image is meant to bring up a card of unknown name: cloud-init, a wide pattern, NetworkManager itself."""

from __future__ import annotations

from byoi_tools.checks.command_lines import argument_on
from byoi_tools.checks.subject import Subject
from byoi_tools.model.fact import NotKnownError
from byoi_tools.model.guest.cloud import CloudSetup, ProvisionerKind
from byoi_tools.model.guest.network import InterfaceConfig, Renderer

_OTHERS = (ProvisionerKind.IGNITION, ProvisionerKind.AFTERBURN, ProvisionerKind.NUAGEINIT)


def cloud_setup(subject: Subject) -> CloudSetup | None:
    """The cloud domain; None where it could not be read."""
    try:
        return subject.cloud
    except NotKnownError:
        return None


def is_cloud_init_running(subject: Subject) -> bool:
    """Whether cloud-init is there, and neither a file nor the kernel's command line switches it off."""
    setup = cloud_setup(subject)
    found = setup.cloud_init if setup is not None else None
    argument = argument_on(subject, "cloud-init")
    return found is not None and not found.disabled_by and (argument is None or argument[1] != "disabled")


def is_rendered_by_cloud_init(subject: Subject) -> bool:
    """Whether cloud-init runs, and may configure the network."""
    setup = cloud_setup(subject)
    if setup is None or setup.cloud_init is None or not is_cloud_init_running(subject):
        return False
    return not setup.cloud_init.network.disabled_by and not is_network_disabled_by_argument(subject)


def is_network_disabled_by_argument(subject: Subject) -> bool:
    """Whether `network-config=disabled` is on the kernel's command line."""
    argument = argument_on(subject, "network-config")
    return argument is not None and argument[1] == "disabled"


def is_addressed_by_cloud_init(subject: Subject) -> bool:
    """Whether it configures what the provider says, or DHCP: it is given no configuration by the image."""
    setup = cloud_setup(subject)
    has_own = setup is not None and setup.cloud_init is not None and bool(setup.cloud_init.network.own_config)
    return is_rendered_by_cloud_init(subject) and not has_own


def is_left_to_others(subject: Subject) -> bool:
    """Whether a provisioner is there that configures the network in its own way."""
    setup = cloud_setup(subject)
    return setup is not None and any(one.kind in _OTHERS and one.is_enabled for one in setup.provisioners)


def has_kernel_names(subject: Subject) -> bool:
    """Whether cards keep the kernel's names, by a file of the guest or by `net.ifnames=0`."""
    argument = argument_on(subject, "net.ifnames")
    return subject.network.has_kernel_names or (argument is not None and argument[1] == "0")


def lasting_interfaces(subject: Subject) -> tuple[InterfaceConfig, ...]:
    """The configurations that will hold on the server: without those that cloud-init will write anew."""
    is_rewritten = is_rendered_by_cloud_init(subject)
    kept = tuple(one for one in subject.network.interfaces if not (one.is_by_cloud_init and is_rewritten))
    return (*_own_interfaces(subject), *kept)


def _own_interfaces(subject: Subject) -> tuple[InterfaceConfig, ...]:
    """Those of the network configuration that the image gives cloud-init."""
    setup = cloud_setup(subject)
    if setup is None or setup.cloud_init is None or not is_rendered_by_cloud_init(subject):
        return ()
    return setup.cloud_init.network.own_interfaces


def wide_interfaces(subject: Subject) -> tuple[InterfaceConfig, ...]:
    """Those among them that ask for DHCP on any card."""
    kernel_names = has_kernel_names(subject)
    return tuple(
        one
        for one in lasting_interfaces(subject)
        if one.uses_dhcp and one.applies_to_any_card(has_kernel_names=kernel_names)
    )


def works_by_its_files(subject: Subject) -> bool:
    """Whether DHCP on any card is configured, and the service that does it is started."""
    network = subject.network
    renderer = chosen_renderer(subject)
    own = _own_interfaces(subject) if renderer is not None and renderer.is_working else ()
    return (
        network.is_automatic
        or is_left_to_others(subject)
        or any(one in own or network.manager(one.manager).is_enabled for one in wide_interfaces(subject))
    )


def chosen_renderer(subject: Subject) -> Renderer | None:
    """The renderer that cloud-init takes: the first available in the order of its configuration; None without any."""
    setup = cloud_setup(subject)
    order = setup.cloud_init.network.renderers if setup is not None and setup.cloud_init is not None else ()
    available = subject.network.renderers
    if not order:
        return available[0] if available else None
    by_name = {renderer.name: renderer for renderer in available}
    return next((by_name[name] for name in order if name in by_name), None)
