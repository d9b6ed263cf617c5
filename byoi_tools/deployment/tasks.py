"""The provider's tasks on a server (`GET /dedicated/server/{serviceName}/task`)."""

from __future__ import annotations

from byoi_tools.deployment.fields import as_integer, read_integer, read_member, read_text
from byoi_tools.model.deployment.server import REINSTALL_FUNCTION, Task, TaskStatus
from byoi_tools.tools.clock import Clock
from byoi_tools.tools.ovh.api import ApiErrorAnswer, Json, NoApiAnswer, OvhApi, server_route

_PASSING = (404, 408, 429)
_POLL_SECONDS = 3
_LONGEST_WAIT_SECONDS = 300


def read_task(api: OvhApi, server: str, task_id: int) -> Task:
    """Ask for one task.

    Raises `ApiErrorAnswer`, with 404 also for a task that ended a while ago, since such are purged; `NoApiAnswer`, also
    for an answer without a task.
    """
    route = server_route(server, f"/task/{task_id}")
    task = as_task(api.get(route))
    if task is None:
        raise NoApiAnswer(f"GET {route}", "the answer names no task", was_sent=True)
    return task


def as_task(answer: Json) -> Task | None:
    """Read `dedicated.server.Task` or `dedicated.server.task.Response`; None when there is no task in it.

    A status that the API's schema does not name counts as running: whoever waits then waits on, until its time is out.
    """
    task_id = read_integer(answer, "taskId")
    if task_id is None:
        return None
    status = read_member(answer, "status", TaskStatus) or TaskStatus.DOING
    return Task(task_id, read_text(answer, "function"), status, read_text(answer, "comment"))


def wait_for_end(api: OvhApi, server: str, task: Task, clock: Clock) -> Task:
    """Poll a short task until it ends; returns it as it is after 5 minutes at the latest. Hiccups are waited out."""
    deadline = clock.monotonic() + _LONGEST_WAIT_SECONDS
    while task.status.is_running and clock.monotonic() < deadline:
        clock.sleep(_POLL_SECONDS)
        try:
            task = read_task(api, server, task.task_id)
        except (ApiErrorAnswer, NoApiAnswer) as trouble:
            if not is_passing(trouble):
                raise
    return task


def is_passing(trouble: ApiErrorAnswer | NoApiAnswer) -> bool:
    """Whether the API may do better in a moment: it "often returns 500/404 errors", says OVH's Terraform provider."""
    return isinstance(trouble, NoApiAnswer) or trouble.status >= 500 or trouble.status in _PASSING


def find_running_tasks(api: OvhApi, server: str) -> tuple[Task, ...]:
    """The tasks that have not ended, in the order of their numbers."""
    running = [status for status in TaskStatus if status.is_running]
    ids = {task_id for status in running for task_id in _list_ids(api, server, status=status.value)}
    tasks = (_read_task_or_none(api, server, task_id) for task_id in sorted(ids))
    return tuple(task for task in tasks if task is not None and task.status.is_running)


def list_reinstallations(api: OvhApi, server: str) -> frozenset[int]:
    """The numbers of the server's reinstallations, ended ones too as long as the API keeps them."""
    return _list_ids(api, server, function=REINSTALL_FUNCTION)


def _list_ids(api: OvhApi, server: str, **filters: str) -> frozenset[int]:
    answer = api.get(server_route(server, "/task"), **filters)
    ids = (as_integer(item) for item in answer) if isinstance(answer, list) else ()
    return frozenset(task_id for task_id in ids if task_id is not None)


def _read_task_or_none(api: OvhApi, server: str, task_id: int) -> Task | None:
    try:
        return read_task(api, server, task_id)
    except ApiErrorAnswer as answer:
        if answer.status == 404:
            return None
        raise
