"""The faults that a user or a test switches on: what they are, and how a file or a flag asks for them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from byoi_tools.errors import UsageError
from byoi_tools.simulator.failures import FAILURES


class ReinstallAnswer(StrEnum):
    """What the client hears of its reinstallation, and whether that has begun all the same."""

    TASK = "task"
    DROPPED = "dropped"
    SERVER_ERROR = "server-error"
    SILENT = "silent"
    LOST = "lost"
    LOST_ERROR = "lost-error"

    @property
    def has_begun(self) -> bool:
        """Whether the request was accepted before its answer went wrong."""
        return self not in (ReinstallAnswer.LOST, ReinstallAnswer.LOST_ERROR)


class BootFault(StrEnum):
    """What runs on a server that boots, after an installation that is done."""

    NEW = "new"
    NEVER = "never"
    OLD_SYSTEM = "old-system"


@dataclass(frozen=True, slots=True)
class Faults:
    """Misbehaviour that the real API is known for; none of it by default.

    - `install_status_answers`, `task_answers`, `task_list_answers`: HTTP statuses (404, 500) with which the first polls
      after a reinstallation are answered;
    - `reinstall_answer`: its answer never comes (`dropped`: the connection is closed, `silent`: it stays open) or is an
      error (`server-error`), though it has begun; or the request itself was lost (`lost`, `lost-error`);
    - `bare_progress_list` sends the list of steps without its object around it;
    - `purge_done_tasks` forgets a task when it is done;
    - `locked` is another process that holds the server;
    - `step_seconds` makes each step so slow;
    - `boot` is what runs after an installation, on servers that boot: nothing (`never`), or what ran before it, without
      a reboot (`old-system`);
    - `failure` is how the installation fails: a key of `FAILURES`.

    Raises `ValueError` for an unknown failure.
    """

    install_status_answers: tuple[int, ...] = ()
    task_answers: tuple[int, ...] = ()
    task_list_answers: tuple[int, ...] = ()
    reinstall_answer: ReinstallAnswer = ReinstallAnswer.TASK
    bare_progress_list: bool = False
    purge_done_tasks: bool = False
    locked: bool = False
    step_seconds: float = 0.0
    failure: str = ""
    boot: BootFault = BootFault.NEW

    def __post_init__(self) -> None:
        if self.failure and self.failure not in FAILURES:
            raise ValueError(f"no failure is called {self.failure!r}; there are {', '.join(FAILURES)}")


def read_faults(values: Mapping[str, object]) -> Faults:
    """Read a `[server.faults]` table; raises `ValueError` for what it cannot be."""
    known = [field.name for field in fields(Faults)]
    if unknown := values.keys() - set(known):
        raise ValueError(f"no fault is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return Faults(
        install_status_answers=_statuses(values.get("install_status_answers", [])),
        task_answers=_statuses(values.get("task_answers", [])),
        task_list_answers=_statuses(values.get("task_list_answers", [])),
        reinstall_answer=ReinstallAnswer(str(values.get("reinstall_answer", "task"))),
        bare_progress_list=_switch(values.get("bare_progress_list", False)),
        purge_done_tasks=_switch(values.get("purge_done_tasks", False)),
        locked=_switch(values.get("locked", False)),
        step_seconds=_seconds(values.get("step_seconds", 0)),
        failure=str(values.get("failure", "")),
        boot=BootFault(str(values.get("boot", "new"))),
    )


def parse_faults(texts: Sequence[str]) -> Faults:
    """Read `NAME=VALUE` texts, each value as TOML or as a plain word; raises `UsageError`."""
    try:
        return read_faults({name.strip(): _value(value) for name, _, value in (text.partition("=") for text in texts)})
    except ValueError as wrong:
        raise UsageError(
            "a --fault is none of the simulator's",
            details=str(wrong),
            remedy="Write for instance --fault reinstall_answer=dropped --fault 'task_answers=[404, 500]'.",
        ) from wrong


def _value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _statuses(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(item in (404, 500) for item in value):
        raise ValueError("a list of the HTTP statuses 404 and 500 was expected")
    return tuple(value)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false was expected")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 3600:
        raise ValueError("a number of seconds up to 3600 was expected")
    return float(value)
