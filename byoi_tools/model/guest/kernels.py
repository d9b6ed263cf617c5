"""Kernels, their modules, firmware and initramfs images."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kernels:
    """Kernels, their modules, firmware and initramfs images."""
