"""What the API tells of a server and its hardware."""

from __future__ import annotations

from byoi_tools.simulator.machine import Machine
from byoi_tools.simulator.servers import DiskGroup, SimulatedServer


def describe_server(machine: Machine) -> dict[str, object]:
    """Return the `dedicated.server.DedicatedWithIAM`."""
    return {
        "availabilityZone": "eu-west-gra-a",
        "bootId": 1,
        "bootScript": None,
        "commercialRange": None,
        "datacenter": "gra3",
        "efiBootloaderPath": machine.loader_path,
        "iam": None,
        "ip": "192.0.2.1",
        "linkSpeed": 1000,
        "monitoring": False,
        "name": machine.server.name,
        "newUpgradeSystem": True,
        "noIntervention": False,
        "os": machine.installed_system,
        "powerState": "poweron",
        "professionalUse": False,
        "rack": "G000A00",
        "region": "eu-west-gra",
        "rescueMail": None,
        "rescueSshKey": None,
        "reverse": None,
        "rootDevice": None,
        "serverId": 1,
        "state": "ok",
        "supportLevel": "pro",
    }


def describe_hardware(server: SimulatedServer) -> dict[str, object]:
    """Return the `dedicated.server.HardwareSpecifications`."""
    return {
        "bootMode": server.boot_mode.value,
        "coresPerProcessor": 8,
        "defaultHardwareRaidSize": None,
        "defaultHardwareRaidType": None,
        "description": "Simulated server",
        "diskGroups": [_describe_disk_group(group) for group in server.disk_groups],
        "expansionCards": None,
        "formFactor": "1u",
        "memorySize": {"unit": "MB", "value": server.memory_mib},
        "motherboard": "Simulated board",
        "numberOfProcessors": 1,
        "processorArchitecture": "x86_64",
        "processorName": "Simulated processor",
        "threadsPerProcessor": 16,
        "usbKeys": None,
    }


def _describe_disk_group(group: DiskGroup) -> dict[str, object]:
    return {
        "defaultHardwareRaidSize": None,
        "defaultHardwareRaidType": None,
        "description": f"{group.disks} X Disk {group.disk_type} {group.disk_size_gb} GB, JBOD",
        "diskGroupId": group.disk_group_id,
        "diskSize": {"unit": "GB", "value": group.disk_size_gb},
        "diskType": group.disk_type,
        "numberOfDisks": group.disks,
        "raidController": None,
    }
