"""Waiting for a deployment by the API of the 2020 guides: what it says is told once, a failure is explained."""

from __future__ import annotations

from dataclasses import replace

from byoi_tools.deployment.messages import explain_failure
from byoi_tools.deployment.old_api_status import read_deployment
from byoi_tools.deployment.tasks import is_passing
from byoi_tools.deployment.watch import Patience
from byoi_tools.errors import DeploymentFailed, DeploymentRefused, OutcomeUnknown
from byoi_tools.model.observer import Observer
from byoi_tools.model.old_deployment import DeploymentState, OldDeployment
from byoi_tools.model.server import InstallResult, InstallStep, StepStatus, StepTiming, Task, TaskStatus
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh_api import ApiErrorAnswer, NoApiAnswer, OvhApi

_ASK_SUPPORT = "Look at the server's console, and ask the provider's support."


def watch_deployment(
    api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer, patience: Patience | None = None
) -> InstallResult:
    """Poll the status until it is `done`; each of its messages becomes a step of the result.

    Raises `DeploymentFailed` when it is `error`; `OutcomeUnknown` when it takes too long, is erased, becomes that of
    another image, or the API no longer tells. The deployment goes on by itself if the caller stops watching.
    """
    return _OldWatch(api, server, task, clock, observer, patience or Patience()).run()


class _OldWatch:
    """One watch: the messages so far, whose image they are about, and when the API last said something."""

    def __init__(
        self, api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer, patience: Patience
    ) -> None:
        self.api = api
        self.server = server
        self.task = task
        self.clock = clock
        self.observer = observer
        self.patience = patience
        self.timings: list[StepTiming] = []
        self.checksum: str | None = None
        self.trouble = "the status of the deployment was erased"
        self.began = self.useful_at = clock.monotonic()

    def run(self) -> InstallResult:
        while not self._poll():
            if self._elapsed() >= self.patience.timeout_seconds:
                raise self._lose_sight(f"it did not end within {self.patience.timeout_seconds / 60:.0f} minutes")
            self.clock.sleep(self.patience.first_poll_seconds)
        done = replace(self.task, status=TaskStatus.DONE)
        return InstallResult(self.server, done, tuple(self.timings), self._elapsed())

    def _poll(self) -> bool:
        """Ask once; tell whether it is done."""
        found = self._ask()
        if found is None:
            if self.clock.monotonic() - self.useful_at >= self.patience.trouble_seconds:
                raise self._lose_sight(self.trouble)
            return False
        if self.checksum not in (None, found.checksum):
            raise self._lose_sight("another deployment has taken its place")
        self.checksum, self.useful_at = found.checksum, self.clock.monotonic()
        self._take(found)
        if found.state is DeploymentState.ERROR:
            raise self._fail(found.message)
        return found.state is DeploymentState.DONE

    def _ask(self) -> OldDeployment | None:
        """Return what the API says; None for a trouble that passes by itself, and while it says that there is none."""
        try:
            return read_deployment(self.api, self.server)
        except (ApiErrorAnswer, NoApiAnswer) as error:
            self.trouble = error.reason if isinstance(error, NoApiAnswer) else f"{error.message}: {error.text}"
            if not is_passing(error):
                raise self._lose_sight(self.trouble) from error
        except DeploymentRefused as missing:
            raise self._lose_sight(missing.message) from missing
        return None

    def _take(self, found: OldDeployment) -> None:
        """Tell of a message that is new, and end the one before it."""
        status = {DeploymentState.DONE: StepStatus.DONE, DeploymentState.ERROR: StepStatus.ERROR}.get(
            found.state, StepStatus.DOING
        )
        step = InstallStep(found.message or found.state.value, status, "")
        last = self.timings[-1] if self.timings else None
        if last is not None and last.step == step:
            return
        now = self._elapsed()
        if last is not None and last.step.comment == step.comment:
            self.timings.pop()
        elif last is not None:
            self.timings[-1] = StepTiming(replace(last.step, status=StepStatus.DONE), last.started_seconds, now)
        self.timings.append(StepTiming(step, now, now if status is StepStatus.DONE else None))
        self.observer.step_changed(step)

    def _fail(self, message: str) -> DeploymentFailed:
        explanation = explain_failure(message)
        checks = (
            f"; found before by {', '.join(explanation.check_ids)}" if explanation and explanation.check_ids else ""
        )
        where = f"{self.task.title} (error)"
        return DeploymentFailed(
            f"the installation of {self.server} failed: {message or 'the provider gives no reason'}",
            details=f"{where}: {explanation.cause}{checks}" if explanation else where,
            remedy=explanation.remedy if explanation else _ASK_SUPPORT,
        )

    def _lose_sight(self, reason: str) -> OutcomeUnknown:
        seen = (
            f"it was last {self.timings[-1].step.status.value}: {self.timings[-1].step.comment}" if self.timings else ""
        )
        return OutcomeUnknown(
            f"it is not known how the deployment on {self.server} goes",
            details="; ".join(part for part in (reason, seen) if part),
            remedy=f"It goes on by itself; look later with `byoi-tools status {self.server} --watch`, and at its "
            f"screen: `byoi-tools console {self.server}`.",
        )

    def _elapsed(self) -> float:
        return self.clock.monotonic() - self.began
