"""Asks QEMU whether it has a network card: igb came with QEMU 8.0."""

from __future__ import annotations

import re
from functools import cache
from threading import Event

from byoi_tools.errors import ToolMissing
from byoi_tools.model.rehearsal import NetworkCard
from byoi_tools.rehearsal.programs import run
from byoi_tools.rehearsal.qemu import PROGRAM


def require_card(card: NetworkCard) -> None:
    """Raise `ToolMissing` unless QEMU has the card; the default is in every QEMU, and not asked for."""
    if card is not NetworkCard.E1000E and card.value not in _known_devices():
        raise ToolMissing(
            f"this QEMU has no network card {card.value}",
            remedy=f"Take QEMU 8.0 or later, or --network {NetworkCard.E1000E.value}; `check` judges the drivers.",
        )


@cache
def _known_devices() -> frozenset[str]:
    help_text = run((PROGRAM, "-machine", "q35", "-device", "help"), Event()).output
    return frozenset(re.findall(r'^name "([^"]+)"', help_text, re.MULTILINE))
