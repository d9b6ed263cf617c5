"""Waiting for an installation: what changed is told once, the API's hiccups are waited out, a failure is explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from byoi_tools.deployment.messages import Explanation, explain_failure
from byoi_tools.deployment.polling import Patience, Watch
from byoi_tools.deployment.reinstall.progress import read_progress
from byoi_tools.deployment.tasks import read_task
from byoi_tools.errors import DeploymentFailed, OutcomeUnknown
from byoi_tools.model.deployment.server import (
    InstallProgress,
    InstallResult,
    InstallStep,
    StepStatus,
    StepTiming,
    Task,
    TaskStatus,
)
from byoi_tools.model.observer import Observer
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, NoApiAnswer, OvhApi

_WAITING = (StepStatus.TODO, StepStatus.PENDING, StepStatus.IDLE)
_UNSEEN = InstallStep("", StepStatus.TODO, "")
_SLOWER = 1.5
_ASK_SUPPORT = "Look at the server's console, and ask the provider's support with the number of the task."
_ENDINGS = {
    TaskStatus.CANCELLED: Explanation(
        "Somebody cancelled the task; the disk is as far written as it came.",
        "Deploy again, or boot the rescue system with `byoi-tools rescue SERVER`.",
    ),
    TaskStatus.OVH_ERROR: Explanation("The fault is the provider's, not the image's.", _ASK_SUPPORT),
}


def watch_installation(
    api: OvhApi, server: str, task: Task, clock: Clock, observer: Observer, patience: Patience | None = None
) -> InstallResult:
    """Poll the task and its steps until the task is done.

    Raises `DeploymentFailed` when the provider says that it failed; `OutcomeUnknown` when it takes too long, or the API
    no longer tells how it goes. The installation goes on by itself if the caller stops watching.
    """
    return _InstallationWatch(api, server, task, clock, observer, patience).run()


class _InstallationWatch(Watch):
    """What was seen last of the task and of each step; a poll asks for both."""

    has_moved = False
    was_at_work = False
    is_all_gone = True
    has_failed_step = False
    pause = 0.0

    def _pause(self) -> float:
        slower = 0.0 if self.has_moved else min(self.pause * _SLOWER, self.patience.longest_poll_seconds)
        self.pause = max(slower, self.patience.first_poll_seconds)
        return self.pause

    def _poll(self) -> bool:
        """Ask once for the task and then for the steps, which so are no older; tell whether it is done."""
        self.has_moved = False
        is_known, is_gone = self._ask_task()
        progress, is_idle = self._ask_progress()
        has_steps = self._take_progress(progress)
        self._raise_failure()
        if self.task.status is TaskStatus.DONE:
            return True
        if is_gone and self.was_at_work and self.timings and self._count_done() == len(self.timings):
            return self._conclude(self.observer.noted, "all of its steps are done")
        if is_known or has_steps:
            self.useful_at, self.is_all_gone = self.clock.monotonic(), True
            return False
        self.is_all_gone = self.is_all_gone and is_gone and is_idle
        return self._judge_silence()

    def _judge_silence(self) -> bool:
        """Wait on for a while; then, as done tasks are purged, believe an API that only ever said that all is over."""
        if not self._is_out_of_patience():
            return False
        if self.is_all_gone and self._count_done():
            seen = (
                f"{self._count_done()} of its {len(self.timings)} steps were seen done, and nothing is being installed"
            )
            return self._conclude(self.observer.warned, seen)
        raise self._lose_sight()

    def _conclude(self, tell: Callable[[str], None], reason: str) -> bool:
        tell(f"task {self.task.task_id} is no longer listed, so it counts as done: {reason}")
        self.task = replace(self.task, status=TaskStatus.DONE)
        return True

    def _count_done(self) -> int:
        return sum(timing.step.status is StepStatus.DONE for timing in self.timings)

    def _ask_task(self) -> tuple[bool, bool]:
        """Take what the API says of the task: whether it is known, and whether the API says that there is none."""
        try:
            task = read_task(self.api, self.server, self.task.task_id)
        except (ApiErrorAnswer, NoApiAnswer) as error:
            self._endure(error)
            return False, isinstance(error, ApiErrorAnswer) and error.status == 404
        if task.status is not self.task.status:
            self.has_moved = True
            self.observer.task_changed(task)
        self.was_at_work = self.was_at_work or task.status is TaskStatus.DOING
        self.task = task
        return True, False

    def _ask_progress(self) -> tuple[InstallProgress | None, bool]:
        """Return the steps, if there are any to be had, and whether the API says that nothing is being installed."""
        try:
            progress = read_progress(self.api, self.server)
        except (ApiErrorAnswer, NoApiAnswer) as error:
            self._endure(error)
            return None, False
        return progress, progress is None

    def _take_progress(self, progress: InstallProgress | None) -> bool:
        """Take the steps, if they are of this installation: failed ones before it began are of an earlier one."""
        steps = progress.steps if progress else ()
        has_begun = self.was_at_work or self.task.status not in (TaskStatus.INIT, TaskStatus.TODO)
        if not steps or (not has_begun and any(step.has_failed for step in steps)):
            return False
        del self.timings[len(steps) :]
        for number, step in enumerate(steps):
            self._take_step(number, step)
        return True

    def _take_step(self, number: int, step: InstallStep) -> None:
        """Keep the step and when it moved, and tell of it when it did; steps are known by their place in the list."""
        known = self.timings[number] if number < len(self.timings) else StepTiming(_UNSEEN, None, None)
        if step == known.step:
            return
        is_waiting, is_done = step.status in _WAITING and not step.has_failed, step.status is StepStatus.DONE
        now = self._elapsed()
        started = now if known.started_seconds is None else known.started_seconds
        timing = StepTiming(step, None if is_waiting else started, now if is_done else None)
        self.timings[number : number + 1] = [timing]
        self.has_moved = True
        self.was_at_work = self.was_at_work or not is_done
        if not is_waiting:
            self.observer.step_changed(step)

    def _raise_failure(self) -> None:
        """Raise `DeploymentFailed` when the task or a step failed.

        The task ends a moment after its step, and says whose fault it was: it is waited for, for one poll.
        """
        failed = next((timing.step for timing in self.timings if timing.step.has_failed), None)
        if failed is not None and self.task.status.is_running and not self.has_failed_step:
            self.has_failed_step = True
            return
        if failed is not None or not (self.task.status.is_running or self.task.status is TaskStatus.DONE):
            raise self._fail(failed, self.task.comment)

    def _fail(self, step: InstallStep | None, comment: str) -> DeploymentFailed:
        said = (step.error if step else "") or comment
        task = f"task {self.task.task_id} ({self.task.status.value})"
        where = f"step {step.comment!r} of {task}" if step else task
        return self._failure(said, where, explain_failure(said) or _ENDINGS.get(self.task.status), _ASK_SUPPORT)

    def _give_up(self, duration: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"the installation of {self.server} did not end within {duration}",
            details=f"task {self.task.task_id} is {self.task.status.value}",
            remedy=f"Look at the server's console; follow on with `byoi-tools status {self.server} --watch`.",
        )

    def _lose_sight(self) -> OutcomeUnknown:
        if self.is_all_gone and self._is_out_of_patience():
            return OutcomeUnknown(
                f"the installation of {self.server} has ended, and the API does not say how",
                details=f"task {self.task.task_id} is no longer listed, as tasks that are done, and nothing is being "
                "installed",
                remedy=f"Look at the server (`byoi-tools console {self.server}`); --again installs it once more.",
            )
        return OutcomeUnknown(
            f"the API no longer tells how the installation of {self.server} goes",
            details=f"task {self.task.task_id} was {self.task.status.value}; {self.trouble}",
            remedy=f"It goes on by itself; look later with `byoi-tools status {self.server} --watch`.",
        )
