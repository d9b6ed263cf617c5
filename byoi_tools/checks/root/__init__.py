"""The root file system as the kernel's command line names it."""
# The catalogue takes the checks from here, in the order of these lines.
# ruff: noqa: I001

from __future__ import annotations

from byoi_tools.checks.root.naming import device_name, uuid_resolves, partuuid_empty, label_generic
from byoi_tools.checks.root.arguments import bls_consistent, resume, virt_only_args

__all__ = [
    "bls_consistent",
    "device_name",
    "label_generic",
    "partuuid_empty",
    "resume",
    "uuid_resolves",
    "virt_only_args",
]
