"""The watch over an installation: real HTTP, odd answers, and a clock that moves only when it is slept on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from byoi_tools.deployment.polling import Patience
from byoi_tools.deployment.reinstall.watch import watch_installation
from byoi_tools.errors import ByoiError, DeploymentFailed, OutcomeUnknown
from byoi_tools.model.deployment.server import InstallResult, StepStatus, Task, TaskStatus
from tests.clock import FakeClock
from tests.scripted_api import Answer, Drop, ScriptedApi
from tests.unit.deployment.examples import NAME, ROUTE, Told

STARTED = Task(42, "reinstallServer", TaskStatus.INIT, "Start bare metal OS installation")
IDLE = Answer({"message": "Server is not being installed or reinstalled at the moment"}, 404)
GONE = Answer({"class": "Client::NotFound", "message": "The requested object (taskId = 42) does not exist"}, 404)
ILL = Answer({"class": "Server::InternalServerError", "message": "Internal server error"}, 500)
HTML = Answer(text="<html>Bad Gateway</html>", status=502, content_type="text/html")
Answers = Sequence[Answer | Drop]


def task(status: str, comment: str = "") -> Answer:
    return Answer({"taskId": 42, "function": "reinstallServer", "status": status, "comment": comment})


def steps(*statuses: str, error: str = "") -> Answer:
    return Answer({"elapsedTime": 74, "progress": _steps(statuses, error)})


def bare_steps(*statuses: str) -> Answer:
    return Answer([step | {"error": None} for step in _steps(statuses, "")])


def _steps(statuses: Sequence[str], error: str) -> list[dict[str, object]]:
    names = ("Checking BIOS version", "Checking BIOS version", "Downloading OS image")
    return [
        {"comment": name, "status": status, "error": error if status == "error" else ""}
        for name, status in zip(names, statuses, strict=False)
    ]


class Watched:
    """One watch over a script; `told` and `clock` tell what it did."""

    def __init__(self, tasks: Answers, progress: Answers, patience: Patience | None = None) -> None:
        self.script = {f"GET {ROUTE}/task/42": tasks, f"GET {ROUTE}/install/status": progress}
        self.patience = patience
        self.told = Told()
        self.clock = FakeClock()

    def run(self, monkeypatch: pytest.MonkeyPatch) -> InstallResult:
        with ScriptedApi(self.script) as scripted:
            api = scripted.connect(monkeypatch)
            return watch_installation(api, NAME, STARTED, self.clock, self.told, self.patience)

    def fail(self, monkeypatch: pytest.MonkeyPatch) -> ByoiError:
        with pytest.raises(ByoiError) as failure:
            self.run(monkeypatch)
        return failure.value


@pytest.mark.parametrize("shape", [steps, bare_steps])
def test_each_change_is_told_once_and_timed(monkeypatch: pytest.MonkeyPatch, shape: Callable[..., Answer]) -> None:
    watched = Watched(
        [task("init"), task("doing"), task("doing"), task("doing"), task("done")],
        [
            IDLE,
            shape("doing", "todo", "todo"),
            shape("done", "doing", "todo"),
            shape("done", "done", "doing"),
            shape("done", "done", "done"),
        ],
    )
    result = watched.run(monkeypatch)
    assert watched.told.steps == [
        ("Checking BIOS version", "doing"),
        ("Checking BIOS version", "done"),
        ("Checking BIOS version", "doing"),
        ("Checking BIOS version", "done"),
        ("Downloading OS image", "doing"),
        ("Downloading OS image", "done"),
    ]
    assert watched.told.tasks == ["doing", "done"]
    assert (result.server, result.task.status) == (NAME, TaskStatus.DONE)
    times = [(timing.started_seconds, timing.ended_seconds) for timing in result.steps]
    one, two, three, four = (sum(watched.clock.sleeps[:polls]) for polls in (1, 2, 3, 4))
    assert times == [(one, two), (two, three), (three, four)]
    assert result.elapsed_seconds == four


def test_steps_that_are_gone_when_the_task_is_done_stay_as_they_were_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    result = Watched([task("doing"), task("done")], [steps("done", "doing"), IDLE]).run(monkeypatch)
    assert [timing.step.status for timing in result.steps] == [StepStatus.DONE, StepStatus.DOING]
    assert result.steps[1].ended_seconds is None


def test_polls_grow_slower_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([*[task("doing")] * 6, task("done")], [steps("doing")])
    watched.run(monkeypatch)
    assert watched.clock.sleeps == [3, 4.5, 6.75, 10, 10, 10]


@pytest.mark.parametrize("trouble", [ILL, HTML, GONE, Drop(), Answer({"message": "slow down"}, 429), Answer([])])
def test_troubles_of_some_minutes_are_waited_out(monkeypatch: pytest.MonkeyPatch, trouble: Answer | Drop) -> None:
    watched = Watched([task("doing"), *[trouble] * 25, task("done")], [steps("doing"), *[ILL] * 25, IDLE])
    watched.run(monkeypatch)
    assert 200 < sum(watched.clock.sleeps) < 300
    assert watched.told.warnings == []


def test_troubles_begin_anew_after_a_good_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    ill = [ILL] * 25
    watched = Watched([*ill, task("doing"), *ill, task("doing"), *ill, task("done")], [ILL])
    watched.run(monkeypatch)
    assert sum(watched.clock.sleeps) > 600


def test_steps_are_good_answers_while_the_task_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("doing"), *[ILL] * 50, task("done")], [steps("doing")])
    watched.run(monkeypatch)
    assert sum(watched.clock.sleeps) > 400


@pytest.mark.parametrize("trouble", [ILL, HTML, GONE, Drop()])
def test_an_api_that_stays_ill_leaves_the_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch, trouble: Answer | Drop
) -> None:
    watched = Watched([task("doing"), trouble], [steps("done", "doing"), ILL])
    failure = watched.fail(monkeypatch)
    assert isinstance(failure, OutcomeUnknown)
    assert f"byoi-tools status {NAME} --watch" in failure.remedy
    assert 300 <= sum(watched.clock.sleeps) < 320


def test_a_lost_right_ends_the_watch_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    body = {"errorCode": "INVALID_CREDENTIAL", "message": "This credential is not valid"}
    watched = Watched([task("doing"), Answer(body, 403)], [steps("doing")])
    failure = watched.fail(monkeypatch)
    assert isinstance(failure, OutcomeUnknown)
    assert "This credential is not valid" in str(failure.details)
    assert watched.clock.sleeps == [3]


def test_a_purged_task_whose_steps_are_done_counts_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("doing"), task("doing"), GONE], [steps("doing"), steps("done")])
    result = watched.run(monkeypatch)
    assert result.task.status is TaskStatus.DONE
    assert "no longer listed" in watched.told.notes[0]
    assert len(watched.clock.sleeps) == 2


def test_steps_seen_at_work_suffice_where_the_task_never_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([GONE], [steps("doing"), steps("done")])
    assert watched.run(monkeypatch).task.status is TaskStatus.DONE
    assert watched.clock.sleeps == [3]


def test_the_steps_of_an_earlier_installation_give_way_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("init"), task("doing"), task("done")], [steps("done", "done"), steps("doing"), IDLE])
    (timing,) = watched.run(monkeypatch).steps
    assert timing.step.status is StepStatus.DOING


def test_done_steps_of_an_earlier_installation_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([GONE, GONE, task("doing"), task("done")], [steps("done"), steps("done"), steps("doing"), IDLE])
    watched.run(monkeypatch)
    assert watched.told.notes == []
    assert len(watched.clock.sleeps) == 3


def test_failed_steps_of_an_earlier_installation_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    old = steps("done", "error", error="Can't write qcow2 on disk")
    watched = Watched([task("init"), task("todo"), task("doing"), task("done")], [old, old, steps("doing"), IDLE])
    watched.run(monkeypatch)
    assert watched.told.steps == [("Checking BIOS version", "doing")]


def test_a_task_gone_before_its_last_steps_were_seen_counts_as_done_late_and_with_a_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = Watched([task("doing"), GONE], [steps("done", "doing"), IDLE])
    result = watched.run(monkeypatch)
    assert result.task.status is TaskStatus.DONE
    assert "1 of its 2 steps" in watched.told.warnings[0]
    assert sum(watched.clock.sleeps) >= 300


def test_a_task_gone_while_the_api_is_ill_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    failure = Watched([task("doing"), GONE], [steps("done", "doing"), IDLE, ILL, IDLE]).fail(monkeypatch)
    assert isinstance(failure, OutcomeUnknown)


def test_a_task_that_never_was_seen_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(Watched([GONE], [IDLE]).fail(monkeypatch), OutcomeUnknown)


def test_a_failed_step_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "Could not download, qcow2 image is too big to download in memory."
    watched = Watched([task("doing")], [steps("done", "done", "doing"), steps("done", "done", "error", error=message)])
    failure = watched.fail(monkeypatch)
    assert isinstance(failure, DeploymentFailed)
    assert failure.message == f"the installation of {NAME} failed: {message}"
    assert "Downloading OS image" in str(failure.details)
    assert "3 GiB" in str(failure.details)
    assert "size.ram-limit" in str(failure.details)
    assert "--compress" in failure.remedy
    assert watched.told.steps[-1] == ("Downloading OS image", "error")


@pytest.mark.parametrize("status", ["error", "expired", "customer_error", "ovh_error", "cancelled"])
def test_every_word_for_a_failed_step_is_known(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    failure = Watched([task("doing")], [steps(status)]).fail(monkeypatch)
    assert isinstance(failure, DeploymentFailed)
    assert "support" in failure.remedy


def test_the_end_of_the_task_behind_a_failed_step_tells_whose_fault_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider sets the step first and the task a moment later: a poll may come between the two."""
    watched = Watched([task("doing"), task("ovhError")], [steps("error", error="An internal error has occurred")])
    failure = watched.fail(monkeypatch)
    assert isinstance(failure, DeploymentFailed)
    assert "An internal error has occurred" in failure.message
    assert "The fault is the provider's" in str(failure.details)


def test_an_unknown_word_for_a_step_is_neither_failed_nor_done(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("doing"), task("doing"), task("done")], [steps("juggling"), steps("done"), IDLE])
    watched.run(monkeypatch)
    assert [status for _, status in watched.told.steps] == ["doing", "done"]


@pytest.mark.parametrize("status", ["customerError", "ovhError", "cancelled"])
def test_a_failed_task_is_a_failure(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    failure = Watched([task("doing"), task(status, "Bad checkSumType for downloaded file, got: 1")], [IDLE]).fail(
        monkeypatch
    )
    assert isinstance(failure, DeploymentFailed)
    assert "Bad checkSumType" in failure.message
    assert status in str(failure.details)
    assert "checksum" in failure.remedy


def test_a_failed_task_takes_the_reason_from_its_step(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("customerError", "Start")], [steps("error", error="Can't write qcow2 on disk")])
    assert "Can't write qcow2 on disk" in watched.fail(monkeypatch).message


def test_a_step_s_message_shows_no_secret_and_no_control_character(monkeypatch: pytest.MonkeyPatch) -> None:
    said = 'Could not download image: Get "https://s3.example.net/i?X-Amz-Signature=5167": 403\x1b[31m\nTraceback'
    failure = Watched([task("doing")], [steps("error", error=said)]).fail(monkeypatch)
    assert "5167" not in f"{failure.message}{failure.details}"
    assert failure.message.isprintable()


def test_an_installation_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched([task("doing")], [steps("doing")], Patience(timeout_seconds=1800))
    failure = watched.fail(monkeypatch)
    assert isinstance(failure, OutcomeUnknown)
    assert "30 minutes" in failure.message
    assert 1800 <= sum(watched.clock.sleeps) <= 1810


@pytest.mark.parametrize(
    "progress", [Answer({"elapsedTime": None, "progress": None}), Answer([]), Answer(None), Answer([7])]
)
def test_progress_without_steps_is_no_trouble(monkeypatch: pytest.MonkeyPatch, progress: Answer) -> None:
    result = Watched([task("doing"), task("done")], [progress]).run(monkeypatch)
    assert result.task.status is TaskStatus.DONE


def test_an_interrupt_passes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupting(FakeClock):
        def sleep(self, seconds: float) -> None:
            raise KeyboardInterrupt

    watched = Watched([task("doing")], [steps("doing")])
    watched.clock = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        watched.run(monkeypatch)
