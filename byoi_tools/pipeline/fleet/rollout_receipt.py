"""What the receipt of a rollout knows: which servers are done for which order, and of which nobody knows the end."""

from __future__ import annotations

from byoi_tools.errors import OutcomeUnknown
from byoi_tools.pipeline.receipt import DONE, FAILED, Entry, Receipt, stage_key
from byoi_tools.tools.clock import Clock

_STAGE = "rollout"
_UNKNOWN = "unknown"


class RolloutReceipt:
    """How each server of a fleet stood last; read once, when it is opened, and kept up to date from then on."""

    def __init__(self, receipt: Receipt, clock: Clock) -> None:
        self._receipt = receipt
        self._clock = clock
        self._last: dict[str, Entry] = {entry.key: entry for entry in receipt.entries() if entry.stage == _STAGE}

    def done_order(self, server: str) -> str | None:
        """The order (`order_key`) that the server was installed for, if that is the last that is known of it."""
        entry = self._last.get(stage_key(server=server))
        return str(entry.values.get("order", "")) if entry and entry.event == DONE else None

    def has_gone_wrong(self, server: str) -> bool:
        """Whether the last run called it failed, or did not learn what became of it."""
        entry = self._last.get(stage_key(server=server))
        return entry is not None and entry.event in (FAILED, _UNKNOWN)

    @property
    def has_any_done(self) -> bool:
        """Whether any server is known to be done."""
        return any(entry.event == DONE for entry in self._last.values())

    def record_done(self, server: str, order: str) -> None:
        """Write that the server is installed as ordered."""
        self._record(server, DONE, {"order": order})

    def record_failure(self, server: str, order: str, error: Exception) -> None:
        """Write that it failed, or that its outcome is not known."""
        event = _UNKNOWN if isinstance(error, OutcomeUnknown) else FAILED
        self._record(server, event, {"order": order, "why": str(error)})

    def _record(self, server: str, event: str, values: dict[str, str | int]) -> None:
        now, key = self._clock.now(), stage_key(server=server)
        self._receipt.record(now, _STAGE, key, event, {"server": server, **values})
        self._last[key] = Entry(now.isoformat(), _STAGE, key, event, values)
