"""Waiting for a deployment by the API of the 2020 guides: what it says is told once, a failure is explained."""

from __future__ import annotations

from dataclasses import replace

from byoi_tools.deployment.messages import explain_failure
from byoi_tools.deployment.old_api.status import read_deployment
from byoi_tools.deployment.polling import Watch
from byoi_tools.errors import DeploymentRefused, OutcomeUnknown
from byoi_tools.model.deployment.old_deployment import DeploymentState, OldDeployment
from byoi_tools.model.deployment.server import InstallResult, InstallStep, StepStatus, StepTiming, Task, TaskStatus
from byoi_tools.model.observer import Observer
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi

_ASK_SUPPORT = "Look at the server's console, and ask the provider's support."


def watch_deployment(api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer) -> InstallResult:
    """Poll the status until it is `done`; each of its messages becomes a step of the result.

    Raises `DeploymentFailed` when it is `error`; `OutcomeUnknown` when it takes too long, is erased, becomes that of
    another image, or the API no longer tells. The deployment goes on by itself if the caller stops watching.
    """
    return _DeploymentWatch(api, server, task, clock, observer).run()


class _DeploymentWatch(Watch):
    """The messages so far are the steps; the checksum tells whose image they are about."""

    checksum: str | None = None

    def _pause(self) -> float:
        return self.patience.first_poll_seconds

    def _poll(self) -> bool:
        found = self._ask()
        if found is None:
            if self._is_out_of_patience():
                raise self._lose_sight()
            return False
        if self.checksum not in (None, found.checksum):
            raise self._unknown("another deployment has taken its place")
        self.checksum, self.useful_at = found.checksum, self.clock.monotonic()
        self._take(found)
        if found.state is DeploymentState.ERROR:
            where = f"{self.task.title} (error)"
            raise self._failure(found.message, where, explain_failure(found.message), _ASK_SUPPORT)
        if found.state is DeploymentState.DONE:
            self.task = replace(self.task, status=TaskStatus.DONE)
        return found.state is DeploymentState.DONE

    def _ask(self) -> OldDeployment | None:
        """Return what the API says; None for a trouble that passes by itself, and while it says that there is none."""
        try:
            return read_deployment(self.api, self.server)
        except (ApiErrorAnswer, NoApiAnswer) as error:
            self._endure(error)
        except DeploymentRefused as missing:
            raise self._unknown(missing.message) from missing
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

    def _lose_sight(self) -> OutcomeUnknown:
        return self._unknown(self.trouble or "the status of the deployment was erased")

    def _give_up(self, duration: str) -> OutcomeUnknown:
        return self._unknown(f"it did not end within {duration}")

    def _unknown(self, reason: str) -> OutcomeUnknown:
        seen = (
            f"it was last {self.timings[-1].step.status.value}: {self.timings[-1].step.comment}" if self.timings else ""
        )
        return OutcomeUnknown(
            f"it is not known how the deployment on {self.server} goes",
            details="; ".join(part for part in (reason, seen) if part),
            remedy=f"It goes on by itself; look later with `byoi-tools status {self.server} --watch`, and at its "
            f"screen: `byoi-tools console {self.server}`.",
        )
