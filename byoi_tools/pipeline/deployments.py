"""What a receipt knows of one server's deployments: the intent before the request, its task, the proof, and the end.

From the intent on nobody sends a request again until the end of that deployment is known, or the user sets it aside.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

from byoi_tools.deployment.old_api.body import compared_fields, old_api_body
from byoi_tools.deployment.reinstall.payload import reinstall_body
from byoi_tools.model.deployment.old_deployment import SoughtImage
from byoi_tools.model.deployment.order import InstallApi, Reinstallation
from byoi_tools.model.proof import MARKER_KEY, Proof
from byoi_tools.pipeline.receipt import DONE, STARTED, Entry, Receipt, Values, stage_key
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import Json

_STAGE = "deploy"
_ENDED = "ended"
_INSTALLED = "installed"
_PROOF = "proof"
_NOT_COMPARED = ("imageURL", "httpHeaders")


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A deployment whose end was not seen; `task_id` is None when the answer to its request was not.

    `order` tells orders apart (`order_key`), `earlier` has the numbers of the reinstallations that were there before,
    `began` is when the request was about to be sent. `sought` is what the deployment is known by where the API gives no
    task: that of the 2020 guides; None for others. `marker` is the one that it carried, `host_keys` are those that
    answered before it; None when nobody sent or noted any. `is_installed` tells that the provider has called it done.
    """

    order: str
    earlier: frozenset[int]
    began: str
    task_id: int | None = None
    sought: SoughtImage | None = None
    marker: str | None = None
    host_keys: tuple[str, ...] | None = None
    is_installed: bool = False


class Deployments:
    """The deployments of one server, in a receipt that may hold those of others too."""

    def __init__(self, receipt: Receipt, server: str, clock: Clock, plan: str = "") -> None:
        """`plan` tells the plan that is carried out (`identify_plan`), if there is one."""
        self._plan = plan
        self._receipt = receipt
        self._server = server
        self._clock = clock
        self._key = stage_key(server=server)
        self._set_aside = 0

    @property
    def unfinished(self) -> Unfinished | None:
        """The newest deployment, unless it was seen to end."""
        entries = self._entries()
        begun = max((number for number, entry in enumerate(entries) if entry.event == STARTED), default=None)
        if begun is None or begun < self._set_aside or any(entry.event == _ENDED for entry in entries[begun:]):
            return None
        accepted = next((entry for entry in entries[begun:] if entry.event == DONE), None)
        is_installed = any(entry.event == _INSTALLED for entry in entries[begun:])
        return _read_unfinished(entries[begun], accepted, is_installed=is_installed)

    @property
    def last_order(self) -> str | None:
        """The order of the newest deployment, whatever became of it; None without one."""
        begun = [entry for entry in self._entries() if entry.event == STARTED]
        return str(begun[-1].values.get("order", "")) if begun else None

    @property
    def carried_out(self) -> str | None:
        """When the plan was carried out to its end, as the receipt tells time; None when it was not."""
        plan: object = None
        for entry in self._entries():
            if entry.event == STARTED:
                plan = entry.values.get("plan")
            elif entry.event == _ENDED and self._plan and plan == self._plan and entry.values.get("how") == "done":
                return entry.time
        return None

    def set_aside(self) -> None:
        """Pass over what is unfinished: the user has looked (`--again`). It is written only when a new one is intended.

        So whoever refuses, or is refused, before that finds all as it was: also that one which still runs.
        """
        self._set_aside = len(self._entries()) if self.unfinished else 0

    def intend(
        self,
        reinstallation: Reinstallation,
        earlier: frozenset[int] | SoughtImage,
        host_keys: tuple[str, ...] | None = None,
    ) -> None:
        """Write that the request is about to be sent, what tells its installation from those before it, and its system.

        `host_keys` are those that answer now.
        """
        values: dict[str, str | int] = {"server": self._server, "order": order_key(reinstallation)}
        if isinstance(earlier, SoughtImage):
            values |= {"checksum": earlier.checksum, "was_there": int(earlier.was_there)}
        else:
            values["earlier_tasks"] = ",".join(map(str, sorted(earlier)))
        marker = dict(reinstallation.order.customizations.metadata).get(MARKER_KEY)
        if marker is not None:
            values["marker"] = marker
        if host_keys is not None:
            values["host_keys"] = ",".join(host_keys)
        if self._plan:
            values["plan"] = self._plan
        if self._set_aside:
            self._record(_ENDED, {"how": "set aside by --again"})
        self._record(STARTED, values)

    def accept(self, task_id: int) -> None:
        """Write the task that the request became."""
        self._record(DONE, {"task": task_id})

    def note_installed(self) -> None:
        """Write that the provider has called it done, once: from here on only the proof is open."""
        unfinished = self.unfinished
        if unfinished is not None and not unfinished.is_installed:
            self._record(_INSTALLED, {})

    def note_proof(self, proof: Proof) -> None:
        """Write what the proof found; a deployment that is not proven stays open."""
        values = {"method": proof.order.method.value, "address": str(proof.order.address)}
        self._record(
            _PROOF, {**values, "verdict": proof.verdict.value, "reason": proof.reason, "host_key": proof.host_key}
        )

    def end(self, how: str) -> None:
        """Write how it ended, if one is unfinished: the next request may be sent."""
        if self.unfinished is not None:
            self._record(_ENDED, {"how": how})

    def _entries(self) -> list[Entry]:
        return [entry for entry in self._receipt.entries() if (entry.stage, entry.key) == (_STAGE, self._key)]

    def _record(self, event: str, values: dict[str, str | int]) -> None:
        self._receipt.record(self._clock.now(), _STAGE, self._key, event, values)


def order_key(reinstallation: Reinstallation) -> str:
    """The same for the same image (by its digest) with the same wishes; URLs, headers and markers are always new."""
    reinstallation = _without_marker(reinstallation)
    if reinstallation.order.api is InstallApi.BRING_YOUR_OWN_IMAGE:
        return _hash_body(compared_fields(old_api_body(reinstallation)))
    body = reinstall_body(reinstallation)
    customizations = body["customizations"]
    if isinstance(customizations, dict):
        body["customizations"] = {name: value for name, value in customizations.items() if name not in _NOT_COMPARED}
    return _hash_body(body)


def _without_marker(reinstallation: Reinstallation) -> Reinstallation:
    order, wishes = reinstallation.order, reinstallation.order.customizations
    metadata = tuple((name, text) for name, text in wishes.metadata if name != MARKER_KEY)
    return replace(reinstallation, order=replace(order, customizations=replace(wishes, metadata=metadata)))


def _hash_body(body: Json) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]


def _read_unfinished(begun: Entry, accepted: Entry | None, *, is_installed: bool) -> Unfinished:
    ids = str(begun.values.get("earlier_tasks", "")).split(",")
    task = accepted.values.get("task") if accepted else None
    marker, keys = begun.values.get("marker"), begun.values.get("host_keys")
    return Unfinished(
        order=str(begun.values.get("order", "")),
        earlier=frozenset(int(text) for text in ids if text.isdecimal()),
        began=begun.time,
        task_id=task if isinstance(task, int) else None,
        sought=_read_sought(begun.values),
        marker=str(marker) if marker is not None else None,
        host_keys=tuple(filter(None, str(keys).split(","))) if keys is not None else None,
        is_installed=is_installed,
    )


def _read_sought(values: Values) -> SoughtImage | None:
    checksum = values.get("checksum")
    return SoughtImage(str(checksum), was_there=bool(values.get("was_there"))) if checksum else None
