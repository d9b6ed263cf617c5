"""Tries to log in while the machine boots, in a thread of its own, until it is let in or told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from byoi_tools.rehearsal.guest import CLOUD_INIT_SECONDS, SCRIPT, is_complete
from byoi_tools.tools.ssh import KeyPair, SshAnswer, SshRefusedError, SshSilentError, read_host_key, run_script

_PAUSE_SECONDS = 3.0
_SCRIPT_SECONDS = CLOUD_INIT_SECONDS + 120.0


class Login:
    """`answer` is there once somebody was let in and answered; `trouble` says what happened at the last attempt.

    `let_in_at` is the time of the last login by the monotonic clock.

    Without a key nobody can be let in: then `fingerprint` alone tells that an SSH server answers.
    """

    def __init__(
        self,
        port: int,
        key: KeyPair | None,
        users: Callable[[], tuple[str, ...]],
        *,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        self._port = port
        self._pause_seconds = pause_seconds
        self._key = key
        self._users = users
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="SSH login", daemon=True)
        self.let_in_at: float | None = None
        self.answer: SshAnswer | None = None
        self.fingerprint: str | None = None
        self.trouble = "nobody answered at port 22"

    @property
    def has_succeeded(self) -> bool:
        """Tell whether all was learned that can be."""
        return self.answer is not None or (self._key is None and self.fingerprint is not None)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further attempt."""
        self._is_stopped.set()

    def _run(self) -> None:
        while not self.has_succeeded and not self._is_stopped.wait(self._pause_seconds):
            try:
                self._try()
            except SshSilentError as silent:
                if self.fingerprint is None:
                    self.trouble = f"nobody answered at port 22 ({silent})"
            except SshRefusedError as refused:
                self.fingerprint = refused.fingerprint
                self.trouble = f"an SSH server answers, but {refused}"

    def _try(self) -> None:
        if self._key is None:
            self.fingerprint = read_host_key(self._port)
            self._note_login()
            return
        answer = run_script(self._port, self._key, self._users(), SCRIPT, _SCRIPT_SECONDS, self._note_login)
        self.fingerprint = answer.fingerprint
        if is_complete(answer.output):
            self.answer = answer
        else:
            self.let_in_at = None
            self.trouble = f"{answer.user} is let in, but no shell answers: {answer.output.strip()[:200]!r}"

    def _note_login(self) -> None:
        self.let_in_at = time.monotonic()
