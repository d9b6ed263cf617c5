"""Tries to log in while the machine boots, in a thread of its own, until it is let in or told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from byoi_tools.model.ssh_address import SSH_PORT, SshAddress
from byoi_tools.proof.attempts import Attempts
from byoi_tools.tools.ssh import KeyPair

_PAUSE_SECONDS = 3.0


class Login(Attempts):
    """Attempts that go on by themselves; the machine's port 22 is what `address` leads to."""

    def __init__(
        self,
        address: SshAddress,
        key: KeyPair | None,
        users: Callable[[], tuple[str, ...]],
        *,
        pause_seconds: float = _PAUSE_SECONDS,
    ) -> None:
        super().__init__(address, key, users, place=f"port {SSH_PORT}")
        self._pause_seconds = pause_seconds
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="SSH login", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further attempt."""
        self._is_stopped.set()

    def _run(self) -> None:
        while not self.has_succeeded and not self._is_stopped.wait(self._pause_seconds):
            self.attempt()
