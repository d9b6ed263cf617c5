"""What the API tells of a server and its hardware."""

from __future__ import annotations

from datetime import UTC, datetime

from byoi_tools.simulator.condition import Condition
from byoi_tools.simulator.machine import CONSOLE_WAYS, Machine
from byoi_tools.simulator.servers import DiskGroup, SimulatedServer
from byoi_tools.simulator.signature import Credentials


def describe_server(machine: Machine) -> dict[str, object]:
    """Return the `dedicated.server.DedicatedWithIAM`."""
    condition = machine.server.condition
    return {
        "availabilityZone": "eu-west-gra-a",
        "bootId": condition.or_null("bootId", machine.boot_id),
        "bootScript": None,
        "commercialRange": None,
        "datacenter": "gra3",
        "efiBootloaderPath": machine.loader_path,
        "iam": None,
        "ip": machine.address,
        "linkSpeed": 1000,
        "monitoring": condition.monitoring,
        "name": machine.server.name,
        "newUpgradeSystem": True,
        "noIntervention": condition.no_intervention,
        "os": condition.installed_system if machine.installed_system == "none_64" else machine.installed_system,
        "powerState": "poweron",
        "professionalUse": False,
        "rack": "G000A00",
        "region": "eu-west-gra",
        "rescueMail": None,
        "rescueSshKey": machine.rescue_ssh_key,
        "reverse": None,
        "rootDevice": None,
        "serverId": 1,
        "state": "ok",
        "supportLevel": "pro",
    }


def describe_hardware(server: SimulatedServer) -> dict[str, object]:
    """Return the `dedicated.server.HardwareSpecifications`."""
    condition = server.condition
    groups = [_describe_disk_group(group, condition) for group in server.disk_groups]
    return {
        "bootMode": server.boot_mode.value,
        "coresPerProcessor": 8,
        "defaultHardwareRaidSize": None,
        "defaultHardwareRaidType": None,
        "description": "Simulated server",
        "diskGroups": condition.or_null("diskGroups", groups),
        "expansionCards": None,
        "formFactor": "1u",
        "memorySize": condition.or_null("memorySize", {"unit": "MB", "value": server.memory_mib}),
        "motherboard": "Simulated board",
        "numberOfProcessors": 1,
        "processorArchitecture": condition.or_null("processorArchitecture", condition.architecture),
        "processorName": "Simulated processor",
        "threadsPerProcessor": 16,
        "usbKeys": None,
    }


def describe_ipmi() -> dict[str, object]:
    """Return the `dedicated.server.Ipmi`."""
    return {
        "activated": True,
        "supportedFeatures": dict.fromkeys(CONSOLE_WAYS, True) | {"serialOverLanSshKey": False},
    }


def describe_credential(credentials: Credentials, now: float) -> dict[str, object]:
    """Return the `api.Credential` of the consumer key in use, as OVH's description of `/auth` has it."""
    time = datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds")
    return {
        "allowedIPs": None,
        "applicationId": 1,
        "creation": time,
        "credentialId": 1,
        "expiration": None,
        "lastUse": time,
        "ovhSupport": False,
        "rules": [{"method": rule.method, "path": rule.path} for rule in credentials.rules],
        "status": "validated",
    }


def _describe_disk_group(group: DiskGroup, condition: Condition) -> dict[str, object]:
    return {
        "defaultHardwareRaidSize": None,
        "defaultHardwareRaidType": None,
        "description": f"{group.disks} X Disk {group.disk_type} {group.disk_size_gb} GB, JBOD",
        "diskGroupId": group.disk_group_id,
        "diskSize": condition.or_null("diskSize", {"unit": "GB", "value": group.disk_size_gb}),
        "diskType": group.disk_type,
        "numberOfDisks": condition.or_null("numberOfDisks", group.disks),
        "raidController": condition.raid_controller or None,
    }
