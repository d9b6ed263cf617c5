"""Finds the agents of hypervisors and other clouds by the programs that they install."""

from __future__ import annotations

from byoi_tools.inspection.guest.tree import GuestTree
from byoi_tools.model.guest.identity import GuestAgent

# Name, programs, and whether its unit starts on that platform alone (ConditionVirtualization, a virtio port).
_AGENTS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("Azure Linux agent", ("/usr/sbin/waagent", "/usr/bin/waagent"), False),
    ("Google guest agent", ("/usr/bin/google_guest_agent", "/usr/bin/google_guest_agent_manager"), False),
    ("Amazon SSM agent", ("/usr/bin/amazon-ssm-agent", "/snap/bin/amazon-ssm-agent"), False),
    ("Oracle Cloud agent", ("/usr/libexec/oracle-cloud-agent/agent", "/snap/bin/oracle-cloud-agent"), False),
    ("DigitalOcean agent", ("/opt/digitalocean/bin/droplet-agent", "/opt/digitalocean/bin/do-agent"), False),
    ("VirtualBox guest additions", ("/usr/sbin/VBoxService",), False),
    ("Xen guest agent", ("/usr/sbin/xe-daemon", "/usr/sbin/xen-guest-agent"), False),
    ("Parallels tools", ("/usr/bin/prltoolsd",), False),
    ("open-vm-tools", ("/usr/bin/vmtoolsd",), True),
    ("QEMU guest agent", ("/usr/sbin/qemu-ga", "/usr/bin/qemu-ga"), True),
    ("Hyper-V daemons", ("/usr/sbin/hv_kvp_daemon", "/usr/sbin/hypervkvpd"), True),
)


def find_guest_agents(tree: GuestTree) -> tuple[GuestAgent, ...]:
    """Return the agents that are installed, with the program that shows it."""
    found: list[GuestAgent] = []
    for name, programs, is_conditional in _AGENTS:
        path = next((path for path in programs if tree.is_file(path)), None)
        if path is not None:
            found.append(GuestAgent(name, path, is_conditional))
    return tuple(found)
