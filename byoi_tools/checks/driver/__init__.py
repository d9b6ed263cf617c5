"""The drivers that the system needs once its root file system is mounted."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.driver.network import net, net_firmware, configdrive
from byoi_tools.checks.driver.loading import blacklist, kernel_lockdown_oot, microcode, nomodeset

__all__ = ["blacklist", "configdrive", "kernel_lockdown_oot", "microcode", "net", "net_firmware", "nomodeset"]
