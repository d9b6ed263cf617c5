"""What both APIs' watches share: polling until the end, the patience that it takes, and how a failure is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from byoi_tools.deployment.messages import Explanation
from byoi_tools.deployment.tasks import is_passing
from byoi_tools.errors import DeploymentFailed, OutcomeUnknown
from byoi_tools.model.deployment.server import InstallResult, StepTiming, Task
from byoi_tools.model.observer import Observer
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: for all of it, for the API while it gives no usable answer, and between two polls, in seconds.

    OVH's Terraform provider waits 60 minutes, and 5 for the 404 and 500 that the API "often returns". A poll asks
    twice; at most 60 requests a minute are said to be fair (python-ovh#81).
    """

    timeout_seconds: float = 3600
    trouble_seconds: float = 300
    first_poll_seconds: float = 3
    longest_poll_seconds: float = 10


class Watch(ABC):
    """One watch: the task, the timings of its steps so far, and when the API last said something useful."""

    def __init__(
        self, api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer, patience: Patience | None = None
    ) -> None:
        self.api = api
        self.server = server
        self.task = task
        self.clock = clock
        self.observer = observer
        self.patience = patience or Patience()
        self.timings: list[StepTiming] = []
        self.trouble = ""
        self.began = self.useful_at = clock.monotonic()

    def run(self) -> InstallResult:
        """Poll until it is done; raises what the polls raise, and `OutcomeUnknown` once it has taken too long."""
        while not self._poll():
            if self._elapsed() >= self.patience.timeout_seconds:
                raise self._give_up(f"{self.patience.timeout_seconds / 60:.0f} minutes")
            self.clock.sleep(self._pause())
        return InstallResult(self.server, self.task, tuple(self.timings), self._elapsed())

    @abstractmethod
    def _poll(self) -> bool:
        """Ask once; tell whether it is done, as the task then says too."""

    @abstractmethod
    def _pause(self) -> float:
        """How many seconds to wait before the next poll."""

    @abstractmethod
    def _give_up(self, duration: str) -> OutcomeUnknown:
        """The error for an end that did not come within so many minutes."""

    @abstractmethod
    def _lose_sight(self) -> OutcomeUnknown:
        """The error for an API that no longer tells how it goes."""

    def _endure(self, error: ApiErrorAnswer | NoApiAnswer) -> None:
        """Remember a trouble that passes by itself; raise `OutcomeUnknown` for one that does not."""
        self.trouble = error.reason if isinstance(error, NoApiAnswer) else f"{error.message}: {error.text}"
        if not is_passing(error):
            raise self._lose_sight() from error

    def _failure(self, said: str, where: str, explanation: Explanation | None, otherwise: str) -> DeploymentFailed:
        """The error for an installation that failed; `otherwise` is the remedy where nothing explains it."""
        said = said or "the provider gives no reason"
        checks = (
            f"; found before by {', '.join(explanation.check_ids)}" if explanation and explanation.check_ids else ""
        )
        return DeploymentFailed(
            f"the installation of {self.server} failed: {said}",
            details=f"{where}: {explanation.cause}{checks}" if explanation else where,
            remedy=explanation.remedy if explanation else otherwise,
        )

    def _is_out_of_patience(self) -> bool:
        """Whether the API has said nothing useful for too long."""
        return self.clock.monotonic() - self.useful_at >= self.patience.trouble_seconds

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self.began
